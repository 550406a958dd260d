/* Changes tags in trust data. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/trust/change.h"
#include "client/trust/edit.h"

#define TRIES 5			/* against other signers */

static void
free_drafts(struct change *c)
{
	for (size_t i = 0; i < c->count; i++)
		draft_free(&c->drafts[i]);
	c->count = 0;
}

void
change_free(struct change *c)
{
	free_drafts(c);
	keys_free(&c->key, 1);
}

/* ---- which roles ---- */

static gpg_error_t
check_role(struct change *c, const struct trust_role *r)
{
	struct call *call = c->session->call;
	bool expired = gpg_err_code(r->err) == GPG_ERR_SIG_EXPIRED;
	struct tuf_signer s;

	if (r->err)
		return call_problem(call, r->err, "\"%s\", which this key may "
		    "sign, does not count as it is: %s%s%s", r->name, r->why,
		    expired ? "; it is renewed by touchstone trust witness " :
		    "", expired ? c->session->gun.name : "");
	if (trust_signer(&c->session->trust, r, &s) && s.threshold > 1)
		return call_problem(call, GPG_ERR_NOT_SUPPORTED, "\"%s\" wants "
		    "the signatures of %u keys at once, and this is one",
		    r->name, s.threshold);
	if (!trust_covers(&c->session->trust, r, c->tag))
		return call_problem(call, GPG_ERR_FORBIDDEN, "\"%s\" may not "
		    "say anything of the tag %s", r->name, c->tag);
	if (c->count == DRAFTS_MAX)
		return call_problem(call, GPG_ERR_TOO_MANY, "more than %d "
		    "delegations list this key", DRAFTS_MAX);
	return 0;
}

static gpg_error_t
edit(struct change *c, const struct trust_role *r, json_t *j, bool *changed)
{
	struct trust *t = &c->session->trust;
	gpg_error_t err;

	if (!j)
		return gpg_error(GPG_ERR_ENOMEM);
	err = c->remove ? edit_remove(j, c->tag, changed) :
	    edit_add(j, c->tag, c->digest, c->size, changed);
	return err ? problem_set(&t->why, err, "\"%s\": %s", r->name,
	    gpg_strerror(err)) : 0;
}

static gpg_error_t
add_role(struct change *c, const struct trust_role *r)
{
	struct trust *t = &c->session->trust;
	struct draft *d = &c->drafts[c->count];
	json_t *j = edit_begin(r);
	bool changed = false;
	gpg_error_t err = edit(c, r, j, &changed);

	if (err || !changed) {
		json_decref(j);
		return session_fail(c->session, err);
	}
	c->count++;
	draft_init(d, r->name);
	d->by[0] = trust_parent(t, r);
	return session_fail(c->session, draft_make(d, j, r, false, t->now,
	    &t->why));
}

/* Those right below targets, or targets where none of them lists the key. */
static bool
is_candidate(const struct trust_role *r, bool delegation)
{
	const char *slash = strchr(r->name, '/');

	return delegation ? slash && !strchr(slash + 1, '/') : !slash;
}

static gpg_error_t
add_roles(struct change *c, bool delegations, size_t *listed, bool *releases)
{
	struct trust *t = &c->session->trust;
	gpg_error_t err = 0;

	for (size_t i = 0; i < t->role_count && !err; i++) {
		const struct trust_role *r = &t->roles[i];

		if (!is_candidate(r, delegations) ||
		    !draft_key_id(trust_parent(t, r), r->name, c->key->pub))
			continue;
		++*listed;
		*releases = *releases || !strcmp(r->name, TRUST_RELEASES) ||
		    !delegations;
		if (!(err = check_role(c, r)))
			err = add_role(c, r);
	}
	return err;
}

static gpg_error_t
choose(struct change *c)
{
	struct call *call = c->session->call;
	const char *gun = c->session->gun.name;
	bool releases = false;
	size_t listed = 0;
	gpg_error_t err;

	if ((err = add_roles(c, true, &listed, &releases)) ||
	    (listed == 0 && (err = add_roles(c, false, &listed, &releases))))
		return err;
	if (listed == 0)
		return call_problem(call, GPG_ERR_NO_SECKEY, "no delegation of "
		    "%s lists the key %.16s…: its owner adds it, with "
		    "touchstone trust signer add, or docker's", gun,
		    c->key->hex);
	if (!releases && !c->remove)
		say("%s does not list the key, which docker looks at: the tag "
		    "will not count there", TRUST_RELEASES);
	if (c->count == 0 && c->remove)
		return call_problem(call, GPG_ERR_NOT_FOUND, "the trust data "
		    "that this key signs for %s has no tag %s", gun, c->tag);
	return 0;
}

/* ---- signing and posting ---- */

static gpg_error_t
sign(struct change *c, struct draft *d)
{
	struct session *s = c->session;
	gpg_error_t err;

	if ((err = draft_sign(d, s->call, s->gun.name, c->key,
	    draft_key_id(d->by[0], d->name, c->key->pub))))
		return err;
	return session_fail(s, draft_finish(d, &s->trust.why));
}

static gpg_error_t
sign_and_post(struct change *c, bool *again)
{
	gpg_error_t err = 0;

	for (size_t i = 0; i < c->count && !err; i++)
		err = sign(c, &c->drafts[i]);
	if (!err && c->image)
		err = image_check_place(c->image);
	if (err || !(err = draft_post(c->drafts, c->count,
	    c->session->trust.remote)))
		return err;
	*again = gpg_err_code(err) == GPG_ERR_CONFLICT;
	return session_fail(c->session, err);
}

gpg_error_t
change_make(struct change *c)
{
	bool again;
	gpg_error_t err;

	for (unsigned i = 0; ; i++) {
		again = false;
		if ((err = choose(c)) || c->count == 0)
			return err;
		if (!(err = sign_and_post(c, &again)))
			return draft_confirm(c->session, c->drafts,
			    c->count);
		if (!again || i + 1 == TRIES)
			return err;
		say("another signer was faster; this is made again upon what "
		    "they posted");
		free_drafts(c);
		if ((err = session_update(c->session)))
			return err;
	}
}
