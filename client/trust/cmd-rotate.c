/*
 * touchstone trust rotate: another key for one of root's roles, and of root
 * itself, which then both its old and its new key sign.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/trust/edit.h"
#include "client/trust/rootcert.h"
#include "client/trust/rows.h"
#include "client/trust/serverkey.h"

struct rotation {
	struct owner owner;
	const char *role;
	const char *key;	/* the new one's name; NULL: the server's */
	bool got;
	struct grant_key next;
	struct attest_certs *certs;	/* of a root key */
	char *file;
};

/* Which option goes with which role. */
static gpg_error_t
take_role(struct rotation *r, struct call *c)
{
	const char *key = call_option(c, "key");
	const char *root = call_option(c, "root-key");

	r->role = call_arg(c, 1);
	if (!strcmp(r->role, "root") && !key && root)
		r->key = root;
	else if (!strcmp(r->role, "targets") && !root && key)
		r->key = key;
	else if (strcmp(r->role, "snapshot") && strcmp(r->role, "timestamp"))
		return call_problem(c, GPG_ERR_INV_ARG, "which key? \"root "
		    "--root-key KEY\", \"targets --key KEY\", or \"snapshot\" "
		    "or \"timestamp\", which the server makes a new one for");
	else if (key || root)
		return call_problem(c, GPG_ERR_INV_ARG, "the server has the "
		    "key of \"%s\": none is to be given", r->role);
	return 0;
}

/* Before the server makes a key, or we a certificate, for nothing. */
static gpg_error_t
check_may(const struct rotation *r)
{
	const struct owner *o = &r->owner;
	const struct tuf_role *root = &o->session.trust.root.env.role;
	struct tuf_signer s;

	if (tuf_signers_find(root, r->role, &s) && s.threshold > 1)
		return call_problem(o->session.call, GPG_ERR_NOT_SUPPORTED,
		    "\"%s\" wants the signatures of %u keys at once, and one "
		    "key would take the place of all", r->role, s.threshold);
	return owner_check(o, root, "root");
}

/* Once: what was got stays the same if all is made again. */
static gpg_error_t
get_key(struct rotation *r)
{
	struct owner *o = &r->owner;
	const struct tuf_role *root = &o->session.trust.root.env.role;
	struct tuf_signer s;
	gpg_error_t err = 0;

	if (!r->got)
		err = !r->key ? serverkey_get(o, r->role, true, &r->next) :
		    strcmp(r->role, "root") ? owner_key(o, r->key, &r->next) :
		    owner_root_key(o, r->key, &r->next, &r->certs);
	if (!err && !r->got && draft_key_id(root, r->role, r->next.key))
		say("the key stays; its certificate is new");
	r->got = !err;
	if (!err && tuf_signers_find(root, r->role, &s) &&
	    tuf_signer_has(&s, r->next.id))
		err = call_problem(o->session.call, GPG_ERR_EEXIST, "that is "
		    "the key of \"%s\" already", r->role);
	return err;
}

static gpg_error_t
draft_root(struct rotation *r, struct draft **d)
{
	struct owner *o = &r->owner;
	struct trust *t = &o->session.trust;
	json_t *j = edit_begin(&t->root);
	gpg_error_t err = j ? grant_root(j, r->role, &r->next) :
	    gpg_error(GPG_ERR_ENOMEM);

	if (err) {
		json_decref(j);
		return session_fail(&o->session, err);
	}
	if ((err = owner_draft(o, j, &t->root, false, d)))
		return err;
	(*d)->by[0] = &t->root.env.role;
	(*d)->by[1] = &(*d)->role;
	return 0;
}

/* What the old key signed does not count any more: the new one signs it. */
static gpg_error_t
draft_targets(struct rotation *r, const struct draft *root)
{
	struct owner *o = &r->owner;
	const struct trust_role *targets = &o->session.trust.roles[0];
	struct draft *d;
	gpg_error_t err;

	if (!(err = owner_draft(o, edit_begin(targets), targets, false, &d)))
		d->by[0] = &root->role;
	return err;
}

static gpg_error_t
edit(struct owner *o)
{
	struct rotation *r = o->command;
	struct draft *root;
	gpg_error_t err;

	if ((err = check_may(r)) || (err = get_key(r)) ||
	    (err = draft_root(r, &root)))
		return err;
	return strcmp(r->role, "targets") ? 0 : draft_targets(r, root);
}

static int
report(struct rotation *r)
{
	struct call *c = r->owner.session.call;
	int status = owner_report(&r->owner, json_pack("{s:s,s:s,s:o}",
	    "rotated", r->role, "key", r->next.id, "certificate",
	    json_text(r->file ? r->file : "")));

	if (c->json || status != STATUS_OK)
		return status;
	printf("The key of \"%s\" is %s", r->role, r->next.id);
	if (r->file)
		printf(", with the certificate %s", r->file);
	printf("\n");
	return call_done(c);
}

int
trust_rotate(struct call *c)
{
	struct rotation *r = calloc(1, sizeof(*r));
	struct owner *o = r ? &r->owner : NULL;
	gpg_error_t err;
	int status;

	if (!r)
		return call_fail(c, call_problem(c, GPG_ERR_ENOMEM,
		    "out of memory"));
	o->command = r;
	if (!(err = take_role(r, c)) &&
	    !(err = owner_begin(o, c, 0, CONNECT_START | CONNECT_HERE)) &&
	    !(err = owner_update(o, true)) &&
	    !(err = owner_change(o, edit)) && r->certs)
		err = rootcert_keep(c, o->session.gun.name, r->certs,
		    &r->file);
	status = err ? call_fail(c, err) : report(r);
	owner_end(o);
	grant_key_free(&r->next);
	attest_certs_free(&r->certs);
	free(r->file);
	free(r);
	return status;
}
