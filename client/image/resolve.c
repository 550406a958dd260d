/*
 * touchstone image resolve: the digest that a tag stands for, by trust data
 * or, without it, by the registry; for what pulls the image then.
 */
#include "config.h"

#include <stdio.h>

#include "client/image/content.h"
#include "client/image/image.h"
#include "client/image/rows.h"
#include "client/trust/show.h"

static int
print(struct call *c, const struct reference *r, const char *digest,
    json_t *trust)
{
	char text[800];

	snprintf(text, sizeof(text), "%s/%s@%s", r->registry, r->repository,
	    digest);
	if (c->json)
		return call_print(c, json_pack("{s:s,s:s,s:o,s:o}",
		    "reference", text, "digest", digest, "tag",
		    json_text(r->tag), "content_trust", trust));
	json_decref(trust);
	printf("%s\n", text);
	return call_done(c);
}

static int
by_trust(struct call *c)
{
	struct content t = { .answered = false };
	gpg_error_t err = content_begin(&t, c, call_arg(c, 0));
	int status = err ? call_fail(c, err) : print(c, &t.session.gun.image,
	    t.answer.digest, show_answer(&t.session.trust, &t.answer));

	content_end(&t);
	return status;
}

static int
by_registry(struct call *c)
{
	struct image i;
	gpg_error_t err = image_open(&i, c, call_arg(c, 0));
	int status;

	if (!err && !i.name.registry[0])
		err = call_problem(c, GPG_ERR_INV_ARG, "what is in no "
		    "registry has no reference that others could use");
	status = err ? call_fail(c, err) : print(c, &i.name, i.d.digest,
	    json_null());
	image_close(&i);
	return status;
}

int
image_resolve(struct call *c)
{
	return content_wanted(c) ? by_trust(c) : by_registry(c);
}
