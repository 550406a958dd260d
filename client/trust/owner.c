/* Changes the roles of a repository. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/pick.h"
#include "client/trust/edit.h"
#include "client/trust/owner.h"
#include "client/trust/rootcert.h"
#include "client/trust/show.h"

#define TRIES 5			/* against others who post */

static struct call *
call_of(const struct owner *o)
{
	return o->session.call;
}

static void
free_drafts(struct owner *o)
{
	for (size_t i = 0; i < o->count; i++)
		draft_free(&o->drafts[i]);
	o->count = 0;
}

gpg_error_t
owner_begin(struct owner *o, struct call *c, int arg, unsigned flags)
{
	struct session *s = &o->session;
	gpg_error_t err;

	o->keys = NULL;
	o->key_count = o->count = 0;
	if ((err = session_begin(s, c, call_arg(c, arg),
	    call_option(c, "root"))))
		return err;
	if (!s->gun.whole)
		return call_problem(c, GPG_ERR_INV_ARG, "this is about the "
		    "whole repository: name it without a tag or digest, %s",
		    s->gun.name);
	if ((err = call_connect(c, flags)))
		return err;
	return keys_fetch(c, "", false, &o->keys, &o->key_count);
}

void
owner_end(struct owner *o)
{
	free_drafts(o);
	keys_free(&o->keys, o->key_count);
	session_end(&o->session);
}

gpg_error_t
owner_update(struct owner *o, bool renew)
{
	o->session.trust.renew = renew;
	return session_update(&o->session);
}

/* ---- keys ---- */

static gpg_error_t
list_key(struct owner *o, gpg_error_t err)
{
	return err ? call_problem(call_of(o), err, "trust data cannot list a "
	    "key like that: %s", gpg_strerror(err)) : 0;
}

gpg_error_t
owner_key(struct owner *o, const char *name, struct grant_key *out)
{
	struct call *c = call_of(o);
	struct key_info *k = NULL;
	gpg_error_t err;

	*out = (struct grant_key){ .key = NULL };
	err = name ? keys_fetch_one(c, name, false, &k) : pick_key(c, &k);
	if (err)
		return err;
	out->key = k->pub;
	k->pub = NULL;
	keys_free(&k, 1);
	return list_key(o, tufsig_put_key(out->key, &out->entry, out->id));
}

gpg_error_t
owner_root_key(struct owner *o, const char *name, struct grant_key *out,
    struct attest_certs **certs)
{
	struct call *c = call_of(o);
	struct key_info *k = NULL;
	gpg_error_t err;

	*out = (struct grant_key){ .key = NULL };
	*certs = NULL;
	if ((err = keys_fetch_one(c, name, false, &k)))
		return err;
	if (pubkey_algorithm(k->pub) == ALGO_ED25519)
		err = call_problem(c, GPG_ERR_PUBKEY_ALGO, "a root key has a "
		    "certificate, and Notary knows none of Ed25519 keys: use "
		    "an ECDSA or RSA key");
	else if (!(err = rootcert_make(c, k->hex, o->session.gun.name,
	    certs)))
		err = list_key(o, tufsig_put_certs(*certs, &out->entry,
		    out->id));
	out->key = k->pub;
	k->pub = NULL;
	keys_free(&k, 1);
	return err;
}

/* Those whose token is here come first: the others wait for it. */
static const struct key_info *
find(const struct owner *o, const struct tuf_role *by, const char *role,
    const json_t *ids, const char **id)
{
	const struct key_info *later = NULL;
	const char *is;

	for (size_t i = 0; i < o->key_count; i++) {
		const struct key_info *k = &o->keys[i];
		bool done = false;
		json_t *one;
		size_t n;

		if (!(is = draft_key_id(by, role, k->pub)))
			continue;
		json_array_foreach(ids, n, one)
			done = done || !strcmp(json_string_value(one), is);
		if (done || (later && k->holder_count == 0))
			continue;
		later = k;
		*id = is;
		if (k->holder_count > 0)
			break;
	}
	return later;
}

const struct key_info *
owner_finds(const struct owner *o, const struct tuf_role *by,
    const char *role)
{
	const char *id;

	return find(o, by, role, NULL, &id);
}

static gpg_error_t
too_few(const struct owner *o, const struct tuf_signer *s, size_t have)
{
	return call_problem(call_of(o), GPG_ERR_NO_SECKEY, "\"%s\" of %s must "
	    "be signed by %u of the keys that it lists, and the agent has %zu "
	    "of them; \"touchstone trust inspect\" shows which they are",
	    s->name, o->session.gun.name, s->threshold, have);
}

gpg_error_t
owner_check(const struct owner *o, const struct tuf_role *by,
    const char *role)
{
	struct tuf_signer s = { .name = role };

	return tuf_signers_find(by, role, &s) && owner_finds(o, by, role) ?
	    0 : too_few(o, &s, 0);
}

/* ---- drafts ---- */

gpg_error_t
owner_draft(struct owner *o, json_t *j, const struct trust_role *was,
    bool fresh, struct draft **out)
{
	struct trust *t = &o->session.trust;
	struct draft *d = &o->drafts[o->count];
	bool old = was->there && was->env.role.expires <= t->now;
	gpg_error_t err;

	if (o->count == DRAFTS_MAX) {
		json_decref(j);
		return call_problem(call_of(o), GPG_ERR_TOO_MANY, "more than "
		    "%d roles at once", DRAFTS_MAX);
	}
	o->count++;
	draft_init(d, was->name);
	/* The server may have kept back what came after what is expired. */
	err = draft_make(d, j, was, fresh || (old && was != &t->root), t->now,
	    &t->why);
	*out = d;
	return session_fail(&o->session, err);
}

static size_t
signed_by(const struct draft *d, const struct tuf_signer *s)
{
	json_t *one;
	size_t i, n = 0;

	json_array_foreach(d->ids, i, one)
		n += tuf_signer_has(s, json_string_value(one));
	return n;
}

/* By as many keys as must sign. */
static gpg_error_t
sign_for(struct owner *o, struct draft *d, const struct tuf_role *by)
{
	struct call *c = call_of(o);
	const struct key_info *k;
	const char *id;
	struct tuf_signer s;
	gpg_error_t err;

	if (!tuf_signers_find(by, d->name, &s))
		return owner_check(o, by, d->name);
	while (signed_by(d, &s) < s.threshold) {
		if (!(k = find(o, by, d->name, d->ids, &id)))
			return too_few(o, &s, signed_by(d, &s));
		if ((err = draft_sign(d, c, o->session.gun.name, k, id)))
			return err;
	}
	return 0;
}

gpg_error_t
owner_sign(struct owner *o)
{
	struct trust *t = &o->session.trust;
	gpg_error_t err = 0;

	for (size_t i = 0; i < o->count && !err; i++) {
		struct draft *d = &o->drafts[i];

		for (size_t n = 0; n < 2 && d->by[n] && !err; n++)
			err = sign_for(o, d, d->by[n]);
		if (!err && (err = draft_finish(d, &t->why)))
			session_fail(&o->session, err);
	}
	return err;
}

gpg_error_t
owner_change(struct owner *o, gpg_error_t (*edit)(struct owner *))
{
	gpg_error_t err;

	for (unsigned i = 0; ; i++) {
		if ((err = edit(o)) || o->count == 0 ||
		    (err = owner_sign(o)))
			return err;
		if (!(err = draft_post(o->drafts, o->count,
		    o->session.trust.remote)))
			return draft_confirm(&o->session, o->drafts,
			    o->count);
		session_fail(&o->session, err);
		if (gpg_err_code(err) != GPG_ERR_CONFLICT || i + 1 == TRIES)
			return err;
		say("somebody else was faster; this is made again upon what "
		    "they posted");
		free_drafts(o);
		if ((err = session_update(&o->session)))
			return err;
	}
}

/* ---- telling ---- */

static json_t *
roles_json(const struct owner *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->count; i++) {
		const struct draft *d = &o->drafts[i];

		json_array_append_new(list, json_pack("{s:s,s:I,s:o,s:O}",
		    "role", d->name, "version", (json_int_t)d->role.version,
		    "expires", show_time(d->role.expires), "keys", d->ids));
	}
	return list;
}

static void
print_role(const struct draft *d)
{
	char day[16];
	json_t *one;
	size_t i;

	role_day(d->role.expires, day);
	printf("  %s version %u, until %s, signed by", d->name,
	    d->role.version, day);
	json_array_foreach(d->ids, i, one)
		printf("%s %.16s", i ? "," : "", json_string_value(one));
	printf("\n");
}

int
owner_report(struct owner *o, json_t *more)
{
	struct call *c = call_of(o);
	const struct gun *g = &o->session.gun;
	json_t *j;

	if (c->json) {
		j = json_pack("{s:s,s:s,s:b,s:o}", "gun", g->name, "server",
		    g->server, "changed", o->count > 0, "roles",
		    roles_json(o));
		json_object_update(j, more);
		json_decref(more);
		return call_print(c, j);
	}
	json_decref(more);
	printf("%s at %s%s\n", g->name, g->server, o->count ? ":" :
	    ": nothing is to be changed");
	for (size_t i = 0; i < o->count; i++)
		print_role(&o->drafts[i]);
	return call_done(c);
}
