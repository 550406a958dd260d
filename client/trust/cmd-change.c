/*
 * touchstone trust sign, and revoke: a tag goes into, or out of, what our key
 * signs of a repository.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/pick.h"
#include "client/trust/change.h"
#include "client/trust/rows.h"

static json_t *
roles_json(const struct change *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->count; i++)
		json_array_append_new(list, json_pack("{s:s,s:I,s:O}", "role",
		    c->drafts[i].name, "version",
		    (json_int_t)c->drafts[i].role.version, "key",
		    json_array_get(c->drafts[i].ids, 0)));
	return list;
}

static int
report(const struct change *c)
{
	struct call *call = c->session->call;
	const char *gun = c->session->gun.name;

	if (call->json)
		return call_print(call, json_pack(
		    "{s:s,s:s,s:s,s:o,s:b,s:o}", "gun", gun, "server",
		    c->session->gun.server, "tag", c->tag, "digest",
		    json_text(c->digest), "changed", c->count > 0, "roles",
		    roles_json(c)));
	if (c->count == 0)
		printf("%s:%s: %s is signed already\n", gun, c->tag,
		    c->digest);
	for (size_t i = 0; i < c->count; i++)
		printf("%s:%s: %s %s %s, version %u\n", gun, c->tag,
		    c->remove ? "taken" : c->digest,
		    c->remove ? "out of" : "in", c->drafts[i].name,
		    c->drafts[i].role.version);
	return call_done(call);
}

/* A digest alone names no tag that could be signed. */
static gpg_error_t
take_tag(struct change *c)
{
	struct session *s = c->session;

	c->tag = s->gun.image.tag;
	if (c->tag[0] && !s->gun.whole)
		return 0;
	return call_problem(s->call, GPG_ERR_INV_ARG, "which tag? Name it: "
	    "%s:TAG", s->gun.name);
}

static gpg_error_t
begin(struct change *c)
{
	struct call *call = c->session->call;
	gpg_error_t err;

	if ((err = take_tag(c)) ||
	    (err = call_connect(call, CONNECT_START)) ||
	    (err = pick_key(call, &c->key)))
		return err;
	return session_update(c->session);
}

/* What trust data says of the tag from now on, if anything. */
static void
tell_rest(struct change *c)
{
	struct answer a;

	if (!trust_resolve(&c->session->trust, c->tag, &a))
		say("the tag is still in \"%s\", which another key signs: as "
		    "%s", a.role->name, a.digest);
}

int
trust_sign(struct call *call)
{
	struct image image = { .call = call };
	struct session s;
	struct change c = { .session = &s, .image = &image };
	gpg_error_t err;
	int status;

	if (!(err = session_begin(&s, call, call_arg(call, 0),
	    call_option(call, "root"))) &&
	    !(err = take_tag(&c)) &&
	    !(err = image_open(&image, call, call_arg(call, 0)))) {
		memcpy(c.digest, image.d.digest, sizeof(c.digest));
		c.size = image.d.size;
		if (!(err = begin(&c)))
			err = change_make(&c);
	}
	status = err ? call_fail(call, err) : report(&c);
	change_free(&c);
	session_end(&s);
	image_close(&image);
	return status;
}

int
trust_revoke(struct call *call)
{
	struct session s;
	struct change c = { .session = &s, .remove = true };
	gpg_error_t err;
	int status;

	if (!(err = session_begin(&s, call, call_arg(call, 0),
	    call_option(call, "root"))) &&
	    !(err = begin(&c)) && !(err = change_make(&c)))
		tell_rest(&c);
	status = err ? call_fail(call, err) : report(&c);
	change_free(&c);
	session_end(&s);
	return status;
}
