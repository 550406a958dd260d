/*
 * touchstone trust signer add, and remove: who signs tags beside the owner,
 * in delegations as docker has them, targets/NAME and targets/releases.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/trust/edit.h"
#include "client/trust/owner.h"
#include "client/trust/pemkey.h"
#include "client/trust/rows.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_-"
#define KEYS 32			/* of one signer, at a time */

struct signing_party {
	struct owner owner;
	const char *name;
	char role[TUF_NAME_MAX + 1];	/* "targets/NAME" */
	bool remove;
	struct grant_key keys[KEYS];
	size_t count;
};

/* ---- who it is ---- */

/* Docker's rule; and "releases" is everybody's. */
static gpg_error_t
take_name(struct signing_party *p, struct call *c)
{
	const char *what = call_arg(c, 0);

	p->name = call_arg(c, 1);
	p->remove = !strcmp(what, "remove");
	if (!p->remove && strcmp(what, "add"))
		return call_problem(c, GPG_ERR_INV_ARG, "signer \"add\" or "
		    "\"remove\": there is no \"%s\"", what);
	snprintf(p->role, sizeof(p->role), "targets/%s", p->name);
	if (!p->name[0] || strchr("_-", p->name[0]) ||
	    strspn(p->name, NAME_LETTERS) != strlen(p->name) ||
	    strlen(p->name) > TUF_NAME_MAX - strlen("targets/") ||
	    !strcmp(p->role, TRUST_RELEASES))
		return call_problem(c, GPG_ERR_INV_ARG, "\"%s\" is no name of "
		    "a signer: small letters, digits, '_' and '-' are, but "
		    "\"releases\" is the delegation of all", p->name);
	if (p->remove == !call_option(c, "key"))
		return 0;
	return call_problem(c, GPG_ERR_INV_ARG, p->remove ? "who is removed "
	    "has no --key" : "whose key is it? --key KEY, or --key FILE.pem");
}

static gpg_error_t
take_keys(struct signing_party *p)
{
	struct owner *o = &p->owner;
	struct call *c = o->session.call;
	struct problem *why = &o->session.trust.why;
	const char *text;
	gpg_error_t err = 0;

	for (size_t i = 0; !err && (text = call_each(c, "key", i)); i++) {
		if (i == KEYS)
			return call_problem(c, GPG_ERR_TOO_MANY, "more than "
			    "%d keys of one signer", KEYS);
		p->count++;
		err = pemkey_is_file(text) ? session_fail(&o->session,
		    pemkey_read(text, &p->keys[i], why)) :
		    owner_key(o, text, &p->keys[i]);
	}
	return err;
}

/* ---- adding ---- */

static gpg_error_t
add(struct signing_party *p, json_t *j, bool *changed)
{
	gpg_error_t err = 0;

	for (size_t i = 0; i < p->count && !err; i++)
		if (!(err = grant_add(j, p->role, &p->keys[i], changed)))
			err = grant_add(j, TRUST_RELEASES, &p->keys[i],
			    changed);
	return err ? call_problem(p->owner.session.call, err, "%s",
	    gpg_strerror(err)) : 0;
}

/* ---- removing ---- */

static bool
same_key(const struct tuf_role *targets, const char *a, const char *b)
{
	struct pubkey *x = NULL, *y = NULL;
	struct tuf_key k;
	bool same = !strcmp(a, b);

	if (!same && tuf_keys_find(targets, a, &k) && !tufsig_get_key(&k, &x) &&
	    tuf_keys_find(targets, b, &k) && !tufsig_get_key(&k, &y))
		same = view_eq(pubkey_id(x), pubkey_id(y));
	pubkey_free(&x);
	pubkey_free(&y);
	return same;
}

/* Whether a delegation lists that key, by whatever id. */
static bool
has_key(const struct tuf_role *targets, const struct tuf_signer *s,
    const char *id)
{
	for (size_t i = 0; i < s->key_count; i++)
		if (same_key(targets, tuf_signer_id(s, i), id))
			return true;
	return false;
}

/* Two signers may share a key: then it stays. */
static bool
is_shared(const struct signing_party *p, const struct tuf_role *targets,
    const char *id)
{
	struct tuf_iter it = tuf_signers(targets);
	struct tuf_signer s;

	while (tuf_signers_next(&it, &s))
		if (strcmp(s.name, p->role) &&
		    strcmp(s.name, TRUST_RELEASES) && has_key(targets, &s, id))
			return true;
	return false;
}

static gpg_error_t
check_left(struct signing_party *p, const struct trust_role *releases,
    size_t counting, size_t left, size_t threshold)
{
	struct owner *o = &p->owner;
	struct call *c = o->session.call;

	if (call_option(c, "force"))
		return 0;
	if (left < threshold)
		return call_problem(c, GPG_ERR_FORBIDDEN, "\"%s\" is the last "
		    "signer of %s: without another, %s goes, and what is "
		    "released counts no more; add another first, or --force",
		    p->name, o->session.gun.name, TRUST_RELEASES);
	if (releases && releases->there && !releases->err &&
	    counting < threshold)
		return call_problem(c, GPG_ERR_FORBIDDEN, "\"%s\" has signed "
		    "%s last, which would not count any more: first have "
		    "another signer do \"touchstone trust witness %s %s\", or "
		    "--force", p->name, TRUST_RELEASES, o->session.gun.name,
		    TRUST_RELEASES);
	return 0;
}

/* How many of those who signed what is released may still. */
static size_t
count_others(const struct signing_party *p, const struct tuf_role *targets,
    const struct tuf_signer *leaves, const struct trust_role *releases)
{
	size_t n = 0;

	for (size_t i = 0; releases && i < releases->signed_by.count; i++)
		n += !has_key(targets, leaves, releases->signed_by.ids[i]) ||
		    is_shared(p, targets, releases->signed_by.ids[i]);
	return n;
}

static gpg_error_t
drop(struct signing_party *p, json_t *j, bool *changed)
{
	struct trust *t = &p->owner.session.trust;
	const struct tuf_role *targets = &t->roles[0].env.role;
	const struct trust_role *releases = trust_find_role(t,
	    TRUST_RELEASES);
	struct tuf_signer leaves, all;
	size_t left = 0, threshold = 0;
	gpg_error_t err = 0;

	if (!tuf_signers_find(targets, p->role, &leaves))
		return call_problem(p->owner.session.call, GPG_ERR_NOT_FOUND,
		    "%s has no signer \"%s\"; \"touchstone trust inspect\" "
		    "shows whom it has", t->gun.name, p->name);
	*changed = true;
	grant_remove(j, p->role);
	if (tuf_signers_find(targets, TRUST_RELEASES, &all)) {
		left = all.key_count;
		threshold = all.threshold;
		for (size_t i = 0; i < all.key_count; i++) {
			const char *id = tuf_signer_id(&all, i);

			if (has_key(targets, &leaves, id) &&
			    !is_shared(p, targets, id))
				grant_take(j, TRUST_RELEASES, id, &left,
				    &threshold);
		}
		err = check_left(p, releases, count_others(p, targets,
		    &leaves, releases), left, threshold);
		if (left < threshold)
			grant_remove(j, TRUST_RELEASES);
	}
	grant_sweep(j);
	return err;
}

/* ---- both ---- */

static gpg_error_t
edit(struct owner *o)
{
	struct signing_party *p = o->command;
	struct trust *t = &o->session.trust;
	const struct trust_role *targets = &t->roles[0];
	json_t *j = edit_begin(targets);
	struct draft *d;
	bool changed = false;
	gpg_error_t err;

	if (!j)
		return session_fail(&o->session, gpg_error(GPG_ERR_ENOMEM));
	if ((err = owner_check(o, &t->root.env.role, "targets"))) {
		json_decref(j);
		return err;
	}
	err = p->remove ? drop(p, j, &changed) : add(p, j, &changed);
	if (err || !changed) {
		json_decref(j);
		return err;
	}
	if (!(err = owner_draft(o, j, targets, false, &d)))
		d->by[0] = &t->root.env.role;
	return err;
}

static json_t *
keys_json(const struct signing_party *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->count; i++)
		json_array_append_new(list, json_string(p->keys[i].id));
	return list;
}

int
trust_signers(struct call *c)
{
	struct signing_party *p = calloc(1, sizeof(*p));
	gpg_error_t err;
	int status;

	if (!p)
		return call_fail(c, call_problem(c, GPG_ERR_ENOMEM,
		    "out of memory"));
	p->owner.command = p;
	if (!(err = take_name(p, c)) &&
	    !(err = owner_begin(&p->owner, c, 2, CONNECT_START)) &&
	    !(err = take_keys(p)) &&
	    !(err = owner_update(&p->owner, false)))
		err = owner_change(&p->owner, edit);
	status = err ? call_fail(c, err) : owner_report(&p->owner,
	    json_pack("{s:s,s:o}", "signer", p->name, "signer_keys",
	    keys_json(p)));
	owner_end(&p->owner);
	for (size_t i = 0; i < p->count; i++)
		grant_key_free(&p->keys[i]);
	free(p);
	return status;
}
