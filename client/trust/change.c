/* Changes trust data. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/trust/change.h"

#define FIRST_CHUNK 131072	/* the bound of sign-trust-v1 */
#define TRIES 5			/* against other signers */

static void
free_roles(struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		buf_free(&c->roles[i].before);
		buf_free(&c->roles[i].after);
		buf_free(&c->roles[i].file);
	}
	c->count = 0;
}

void
change_free(struct change *c)
{
	free_roles(c);
	keys_free(&c->key, 1);
}

/* ---- which roles ---- */

/* Our key's id among those that may sign the role; NULL: it may not. */
static const char *
find_id(const struct change *c, const struct trust_role *r,
    struct tuf_signer *s)
{
	const struct trust *t = &c->session->trust;
	const struct tuf_role *by = trust_parent(t, r);
	struct pubkey *key;
	struct tuf_key k;
	bool same;

	if (!trust_signer(t, r, s))
		return NULL;
	for (size_t i = 0; i < s->key_count; i++) {
		if (!tuf_keys_find(by, tuf_signer_id(s, i), &k) ||
		    tufsig_get_key(&k, &key))
			continue;
		same = view_eq(pubkey_id(key), view_of(c->key->id,
		    sizeof(c->key->id)));
		pubkey_free(&key);
		if (same)
			return tuf_signer_id(s, i);
	}
	return NULL;
}

static gpg_error_t
check_role(struct change *c, const struct trust_role *r,
    const struct tuf_signer *s)
{
	struct call *call = c->session->call;

	bool expired = gpg_err_code(r->err) == GPG_ERR_SIG_EXPIRED;

	if (r->err && !(expired && c->kind == CHANGE_RENEW))
		return call_problem(call, r->err, "\"%s\", which this key may "
		    "sign, does not count as it is: %s%s%s", r->name, r->why,
		    expired ? "; it is renewed by touchstone trust witness " :
		    "", expired ? c->session->gun.name : "");
	if (s->threshold > 1)
		return call_problem(call, GPG_ERR_NOT_SUPPORTED, "\"%s\" wants "
		    "the signatures of %u keys at once, and this is one",
		    r->name, s->threshold);
	if (c->tag && !trust_covers(&c->session->trust, r, c->tag))
		return call_problem(call, GPG_ERR_FORBIDDEN, "\"%s\" may not "
		    "say anything of the tag %s", r->name, c->tag);
	if (c->count == CHANGE_ROLES)
		return call_problem(call, GPG_ERR_TOO_MANY, "more than %d "
		    "delegations list this key", CHANGE_ROLES);
	return 0;
}

static gpg_error_t
edit_tree(struct change *c, const struct trust_role *r, json_t *j,
    bool *changed)
{
	switch (c->kind) {
	case CHANGE_ADD:
		return edit_add(j, c->tag, c->digest, c->size, changed);
	case CHANGE_REMOVE:
		return edit_remove(j, c->tag, changed);
	default:
		*changed = r->there && r->env.role.expires <
		    c->session->trust.now + CHANGE_RENEW_DAYS * 86400;
		return 0;
	}
}

static gpg_error_t
edit(struct change *c, const struct trust_role *r, struct changed_role *to,
    bool *changed)
{
	struct trust *t = &c->session->trust;
	json_t *j = edit_begin(r);
	gpg_error_t err;

	if (!j)
		return session_fail(c->session, gpg_error(GPG_ERR_ENOMEM));
	if ((err = edit_tree(c, r, j, changed)))
		problem_set(&t->why, err, "\"%s\": %s", r->name,
		    gpg_strerror(err));
	else if (*changed && !(err = edit_finish(j, r, t->now, &to->after,
	    &t->why)) && (err = edit_before(r, &to->before)))
		problem_set(&t->why, err, "\"%s\": %s", r->name,
		    gpg_strerror(err));
	json_decref(j);
	return session_fail(c->session, err);
}

static gpg_error_t
add_role(struct change *c, const struct trust_role *r, const char *id)
{
	struct changed_role *to = &c->roles[c->count];
	bool changed = false;
	gpg_error_t err;

	memset(to, 0, sizeof(*to));
	snprintf(to->name, sizeof(to->name), "%s", r->name);
	snprintf(to->keyid, sizeof(to->keyid), "%s", id);
	to->version = (r->there ? r->env.role.version : 0) + 1;
	buf_init(&to->before, TUF_ROLE_MAX);
	buf_init(&to->after, TUF_ROLE_MAX);
	buf_init(&to->file, TUF_ROLE_MAX + 4096);
	c->count++;
	if (!(err = edit(c, r, to, &changed)) && !changed) {
		buf_free(&to->before);
		buf_free(&to->after);
		buf_free(&to->file);
		c->count--;
	}
	return err;
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
	struct tuf_signer s;
	const char *id;
	gpg_error_t err = 0;

	for (size_t i = 0; i < t->role_count && !err; i++) {
		const struct trust_role *r = &t->roles[i];

		if (!is_candidate(r, delegations) ||
		    !(id = find_id(c, r, &s)))
			continue;
		++*listed;
		*releases = *releases || !strcmp(r->name, TRUST_RELEASES) ||
		    !delegations;
		if (!(err = check_role(c, r, &s)))
			err = add_role(c, r, id);
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
	    ((listed == 0 || c->kind == CHANGE_RENEW) &&
	    (err = add_roles(c, false, &listed, &releases))))
		return err;
	if (listed == 0)
		return call_problem(call, GPG_ERR_NO_SECKEY, "no delegation of "
		    "%s lists the key %.16s…: its owner adds it, with docker "
		    "trust signer add or notary delegation add", gun,
		    c->key->hex);
	if (!releases && c->kind == CHANGE_ADD)
		say("%s does not list the key, which docker looks at: the tag "
		    "will not count there", TRUST_RELEASES);
	if (c->count == 0 && c->kind == CHANGE_REMOVE)
		return call_problem(call, GPG_ERR_NOT_FOUND, "the trust data "
		    "that this key signs for %s has no tag %s", gun, c->tag);
	return 0;
}

/* ---- signing and posting ---- */

static gpg_error_t
sign_role(struct change *c, struct changed_role *r)
{
	struct call *call = c->session->call;
	struct talk *t = &call->talk;
	struct msg_sign_trust in = {
		.key = view_str(c->key->hex),
		.repository = view_str(c->session->gun.name),
		.role = view_str(r->name),
		.before = buf_len(&r->before),
		.size = buf_len(&r->before) + buf_len(&r->after),
	};
	struct msg_progress done;
	struct view rest;
	struct buf all;
	char method[32];
	gpg_error_t err;

	buf_init(&all, 2 * TUF_ROLE_MAX);
	buf_put_view(&all, buf_view(&r->before));
	buf_put_view(&all, buf_view(&r->after));
	if ((err = buf_error(&all)))
		goto out;
	rest = buf_view(&all);
	in.chunk = view_of(rest.p, rest.len < FIRST_CHUNK ? rest.len :
	    FIRST_CHUNK);
	rest = view_of(rest.p + in.chunk.len, rest.len - in.chunk.len);
	if ((err = talk_follow(t, MSG_sign_trust, &in, rest, &done))) {
		err = call_problem(call, err, "%s", t->said[0] ? t->said :
		    gpg_strerror(err));
		call->told = t->told;
		goto out;
	}
	snprintf(method, sizeof(method), "%.*s", (int)done.status.len,
	    (const char *)done.status.p);
	err = edit_wrap(buf_view(&r->after), r->keyid, method, done.result,
	    &r->file);
	if (err)
		call_problem(call, err, "the agent's signature cannot be "
		    "used: %s", gpg_strerror(err));
out:
	buf_free(&all);
	return err;
}

/* What the agent gave must count with those who read it. */
static gpg_error_t
check_file(struct change *c, const struct changed_role *r)
{
	struct trust *t = &c->session->trust;
	struct trust_role now;
	gpg_error_t err;

	role_init(&now, r->name);
	if (!(err = buf_put_view(&now.bytes, buf_view(&r->file))) &&
	    !(err = role_read(&now, &t->why)))
		err = role_check_signed(&now, trust_parent(t,
		    trust_find_role(t, r->name)), &t->why);
	role_free(&now);
	return session_fail(c->session, err);
}

static gpg_error_t
post(struct change *c)
{
	struct remote_file files[CHANGE_ROLES];

	for (size_t i = 0; i < c->count; i++)
		files[i] = (struct remote_file){ c->roles[i].name,
		    buf_view(&c->roles[i].file) };
	return remote_post(c->session->trust.remote, files, c->count);
}

static gpg_error_t
sign_and_post(struct change *c, bool *again)
{
	gpg_error_t err = 0;

	for (size_t i = 0; i < c->count && !err; i++)
		if (!(err = sign_role(c, &c->roles[i])))
			err = check_file(c, &c->roles[i]);
	if (!err && c->image)
		err = image_check_place(c->image);
	if (err || !(err = post(c)))
		return err;
	*again = gpg_err_code(err) == GPG_ERR_CONFLICT;
	return session_fail(c->session, err);
}

/* The server has what was posted: it is seen, and remembered. */
static gpg_error_t
confirm(struct change *c)
{
	const struct trust *t = &c->session->trust;
	const struct trust_role *r;
	gpg_error_t err = session_update(c->session);

	for (size_t i = 0; i < c->count && !err; i++) {
		r = trust_find_role(t, c->roles[i].name);
		if (!r || !r->there ||
		    r->env.role.version < c->roles[i].version ||
		    (r->env.role.version == c->roles[i].version &&
		    !view_eq(buf_view(&r->bytes),
		    buf_view(&c->roles[i].file))))
			err = call_problem(c->session->call,
			    GPG_ERR_SERVER_FAILED, "the server took version "
			    "%u of \"%s\", but does not give it out",
			    c->roles[i].version, c->roles[i].name);
	}
	return err;
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
			return confirm(c);
		if (!again || i + 1 == TRIES)
			return err;
		say("another signer was faster; this is made again upon what "
		    "they posted");
		free_roles(c);
		if ((err = session_update(c->session)))
			return err;
	}
}
