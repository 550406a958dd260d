/* Signs an image's tag in trust data. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/image/signtrust.h"
#include "client/trust/change.h"

static void
tell(const struct change *c, json_t *done)
{
	struct call *call = c->session->call;
	char place[400];

	for (size_t i = 0; i < c->count; i++) {
		snprintf(place, sizeof(place), "%s, version %u",
		    c->drafts[i].name, c->drafts[i].role.version);
		json_array_append_new(done, json_pack("{s:s,s:s,s:s,s:s}",
		    "format", "trust", "digest", c->digest, "place", place,
		    "key", c->key->hex));
		if (!call->json)
			printf("%s: trust at %s\n", c->digest, place);
	}
	if (c->count == 0 && !call->json)
		printf("%s: trust data says so already\n", c->digest);
}

gpg_error_t
signtrust(struct image *i, struct key_info *key, json_t *done)
{
	struct call *call = i->call;
	struct session s;
	struct change c = { .session = &s, .image = i, .key = key,
	    .tag = i->name.tag, .size = i->d.size };
	char name[768];
	gpg_error_t err;

	if (!i->name.tag[0])
		return call_problem(call, GPG_ERR_INV_ARG, "trust data is of "
		    "tags: name the image HOST/NAME:TAG");
	memcpy(c.digest, i->d.digest, sizeof(c.digest));
	image_name(i, true, name);
	if (!(err = session_begin(&s, call, name,
	    call_option(call, "trust-root"))) &&
	    !(err = session_update(&s)) && !(err = change_make(&c)))
		tell(&c, done);
	c.key = NULL;		/* the caller's */
	change_free(&c);
	session_end(&s);
	return err;
}
