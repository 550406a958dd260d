/*
 * touchstone trust init: the first trust data of a repository, whose root and
 * targets keys are ours, and whose snapshots and timestamps the server signs.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/trust/edit.h"
#include "client/trust/rootcert.h"
#include "client/trust/rows.h"
#include "client/trust/serverkey.h"

struct init {
	struct owner owner;
	struct attest_certs *certs;
	struct grant_key root, targets, snapshot, timestamp;
	char *file;
	char fingerprint[65];
};

/* Neither here nor there may be any: another root would be a rollback. */
static gpg_error_t
check_none(struct init *in)
{
	struct session *s = &in->owner.session;
	struct trust *t = &s->trust;
	struct buf b;
	bool first = true;
	gpg_error_t err;

	t->gun = s->gun;
	t->now = time(NULL);
	if ((err = state_load(&t->state, &s->call->paths, &s->gun, &first,
	    &t->why)) ||
	    (err = remote_open(&t->remote, &s->gun, &s->http, &t->why)))
		return session_fail(s, err);
	if (!first)
		return call_problem(s->call, GPG_ERR_EEXIST, "trust data of "
		    "%s at %s was seen before; if its owner has deleted it "
		    "there, remove %s", s->gun.name, s->gun.server,
		    t->state.file);
	buf_init(&b, TUF_ROLE_MAX);
	err = remote_get(t->remote, "root", TUF_ROLE_MAX, &b);
	buf_free(&b);
	if (!err)
		return call_problem(s->call, GPG_ERR_EEXIST, "there is trust "
		    "data of %s at %s already: \"touchstone trust inspect\" "
		    "shows whose it is", s->gun.name, s->gun.server);
	return gpg_err_code(err) == GPG_ERR_NOT_FOUND ? 0 :
	    session_fail(s, err);
}

static const char *
key_hex(const struct grant_key *k, char hex[2 * PUBKEY_ID_LEN + 1])
{
	for (size_t i = 0; i < PUBKEY_ID_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", pubkey_id(k->key).p[i]);
	return hex;
}

static gpg_error_t
get_keys(struct init *in)
{
	struct owner *o = &in->owner;
	struct call *c = o->session.call;
	const char *root = call_option(c, "root-key");
	char own[2 * PUBKEY_ID_LEN + 1];
	gpg_error_t err;

	if ((err = owner_key(o, call_option(c, "key"), &in->targets)) ||
	    (err = serverkey_get(o, "snapshot", false, &in->snapshot)) ||
	    (err = serverkey_get(o, "timestamp", false, &in->timestamp)) ||
	    (err = owner_root_key(o, root ? root : key_hex(&in->targets,
	    own), &in->root, &in->certs)))
		return err;
	if (view_eq(pubkey_id(in->root.key), pubkey_id(in->targets.key)))
		say("one key is root and targets: --root-key takes another, "
		    "which can be kept away and replace a lost targets key");
	return 0;
}

static gpg_error_t
draft_root(struct init *in, struct draft **out)
{
	struct trust_role none;
	json_t *j = grant_root_new();
	gpg_error_t err;

	role_init(&none, "root");
	if (!j || (err = grant_root(j, "root", &in->root)) ||
	    (err = grant_root(j, "targets", &in->targets)) ||
	    (err = grant_root(j, "snapshot", &in->snapshot)) ||
	    (err = grant_root(j, "timestamp", &in->timestamp))) {
		json_decref(j);
		return call_problem(in->owner.session.call, GPG_ERR_ENOMEM,
		    "out of memory");
	}
	err = owner_draft(&in->owner, j, &none, false, out);
	(*out)->by[0] = &(*out)->role;
	return err;
}

static gpg_error_t
draft_targets(struct init *in, const struct draft *root)
{
	struct trust_role none;
	struct draft *d;
	gpg_error_t err;

	role_init(&none, "targets");
	err = owner_draft(&in->owner, edit_begin(&none), &none, false, &d);
	d->by[0] = &root->role;
	return err;
}

/*
 * Pins the root that was made here and no other that the server has, once it
 * gives that out.
 */
static gpg_error_t
trust_own(struct init *in)
{
	struct owner *o = &in->owner;
	struct session *s = &o->session;
	struct trust *t = &s->trust;
	struct tuf_key key;
	gpg_error_t err;

	memcpy(s->pin.id, in->root.id, sizeof(s->pin.id));
	s->pin.text = s->pin.id;
	if ((err = draft_confirm(s, o->drafts, o->count)))
		return err;
	if (tuf_keys_find(&t->root.env.role, in->root.id, &key))
		pin_fingerprint(&key, in->fingerprint);
	if ((err = state_set_pinned(&t->state, "made here", t->now)) ||
	    (err = state_save(&t->state, &t->why)))
		return session_fail(s, err);
	return rootcert_keep(s->call, s->gun.name, in->certs, &in->file);
}

static gpg_error_t
init(struct init *in)
{
	struct owner *o = &in->owner;
	struct draft *root;
	gpg_error_t err;

	if ((err = check_none(in)) ||
	    (err = get_keys(in)) ||
	    (err = draft_root(in, &root)) ||
	    (err = draft_targets(in, root)) ||
	    (err = owner_sign(o)))
		return err;
	if ((err = draft_post(o->drafts, o->count,
	    o->session.trust.remote)))
		return session_fail(&o->session, err);
	return trust_own(in);
}

static int
report(struct init *in)
{
	struct call *c = in->owner.session.call;
	int status = owner_report(&in->owner, json_pack("{s:s,s:s,s:s,s:s}",
	    "root_key", in->root.id, "targets_key", in->targets.id,
	    "certificate", in->file, "fingerprint", in->fingerprint));

	if (c->json || status != STATUS_OK)
		return status;
	printf("Its root key has the certificate %s (SHA-256 %s).\nWhoever "
	    "verifies first gives it: touchstone trust inspect --root FILE "
	    "%s\n", in->file, in->fingerprint, in->owner.session.gun.name);
	return call_done(c);
}

int
trust_init(struct call *c)
{
	struct init *in = calloc(1, sizeof(*in));
	gpg_error_t err;
	int status;

	if (!in)
		return call_fail(c, call_problem(c, GPG_ERR_ENOMEM,
		    "out of memory"));
	if (!(err = owner_begin(&in->owner, c, 0,
	    CONNECT_START | CONNECT_HERE)))
		err = init(in);
	status = err ? call_fail(c, err) : report(in);
	owner_end(&in->owner);
	grant_key_free(&in->root);
	grant_key_free(&in->targets);
	grant_key_free(&in->snapshot);
	grant_key_free(&in->timestamp);
	attest_certs_free(&in->certs);
	free(in->file);
	free(in);
	return status;
}
