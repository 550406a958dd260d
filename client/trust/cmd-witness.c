/*
 * touchstone trust witness: roles are signed again as they are, before they
 * expire, or since who signed them may no more.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/trust/edit.h"
#include "client/trust/owner.h"
#include "client/trust/rows.h"

#define SOON (180 * 86400)	/* seconds before it expires */

static const struct tuf_role *
signers_of(const struct trust *t, const struct trust_role *r)
{
	return r == &t->root ? &r->env.role : trust_parent(t, r);
}

/*
 * What nobody who may sign it vouches for now could be made up by the server:
 * it is signed if it counted when it was last seen here, these very bytes.
 */
static gpg_error_t
check_origin(struct owner *o, const struct trust_role *r)
{
	struct call *c = o->session.call;
	struct mark m;

	state_mark(&o->session.trust.state, r->name, &m);
	if (m.version > 0 && !strcmp(m.sha256, r->sha256))
		return 0;
	if (call_option(c, "force")) {
		say("\"%s\" does not count as it is: %s; look at its tags "
		    "before you sign them", r->name, r->why);
		return 0;
	}
	return call_problem(c, GPG_ERR_BAD_SIGNATURE, "\"%s\" does not count "
	    "as it is, and never did when it was looked at here, so the "
	    "server could have made it up: %s; if you know its tags, --force "
	    "signs them", r->name, r->why);
}

/* What does not count now is named to the user whole. */
static gpg_error_t
draft(struct owner *o, const struct trust_role *r)
{
	struct trust *t = &o->session.trust;
	bool counts = !r->err;
	struct draft *d;
	gpg_error_t err;

	if (!counts && (err = check_origin(o, r)))
		return err;
	if ((err = owner_draft(o, edit_begin(r), r, !counts, &d)))
		return err;
	d->by[0] = signers_of(t, r);
	if (r == &t->root)
		d->by[1] = &d->role;
	return 0;
}

static const struct trust_role *
find(const struct trust *t, const char *name)
{
	return !strcmp(name, "root") ? &t->root : trust_find_role(t, name);
}

static gpg_error_t
add_named(struct owner *o, const char *name)
{
	struct trust *t = &o->session.trust;
	struct call *c = o->session.call;
	const struct trust_role *r = find(t, name);

	for (size_t i = 0; i < o->count; i++)
		if (!strcmp(o->drafts[i].name, name))
			return 0;
	if (!r || !r->there)
		return call_problem(c, GPG_ERR_NOT_FOUND, "there is no \"%s\" "
		    "in the trust data of %s to be signed again", name,
		    t->gun.name);
	if (r->err && gpg_err_code(r->err) != GPG_ERR_BAD_SIGNATURE)
		return call_problem(c, r->err, "%s", r->why);
	return draft(o, r);
}

/* Of those that count for all, one that has expired is for its owner. */
static gpg_error_t
pass_over(struct owner *o, const struct trust_role *r)
{
	struct trust *t = &o->session.trust;
	char day[16];

	if (r->err || r->env.role.expires > t->now + SOON)
		return 0;
	role_day(r->env.role.expires, day);
	if (r->env.role.expires <= t->now && !strchr(r->name, '/'))
		return call_problem(o->session.call, GPG_ERR_SIG_EXPIRED,
		    "\"%s\" has expired on %s, and none of the agent's keys "
		    "may sign it: its owner's does", r->name, day);
	say("\"%s\" is good until %s, and none of the agent's keys may sign "
	    "it", r->name, day);
	return 0;
}

/* Without a name: all that we may sign and is about to expire. */
static gpg_error_t
add_if_soon(struct owner *o, const struct trust_role *r, size_t *ours)
{
	struct trust *t = &o->session.trust;

	if (!r->there)
		return 0;
	if (!owner_finds(o, signers_of(t, r), r->name))
		return pass_over(o, r);
	++*ours;
	if (r->err)
		return call_problem(o->session.call, r->err, "\"%s\", which "
		    "is ours to sign, does not count: %s; name it to have it "
		    "signed again, with the tags that it has: touchstone "
		    "trust witness %s %s", r->name, r->why, t->gun.name,
		    r->name);
	return r->env.role.expires > t->now + SOON ? 0 : draft(o, r);
}

static gpg_error_t
add_all(struct owner *o)
{
	struct trust *t = &o->session.trust;
	size_t ours = 0;
	gpg_error_t err = add_if_soon(o, &t->root, &ours);

	for (size_t i = 0; i < t->role_count && !err; i++)
		err = add_if_soon(o, &t->roles[i], &ours);
	return err || ours > 0 ? err : call_problem(o->session.call,
	    GPG_ERR_NO_SECKEY, "no role of %s lists a key of the agent",
	    t->gun.name);
}

static gpg_error_t
edit(struct owner *o)
{
	struct call *c = o->session.call;
	gpg_error_t err = 0;

	if (c->arg_count == 1)
		return add_all(o);
	for (int i = 1; i < c->arg_count && !err; i++)
		err = add_named(o, call_arg(c, i));
	return err;
}

/* With --key, as if the agent had no other. */
static gpg_error_t
take_key(struct owner *o)
{
	const char *name = call_option(o->session.call, "key");
	gpg_error_t err;

	if (!name)
		return 0;
	keys_free(&o->keys, o->key_count);
	o->key_count = 0;
	err = keys_fetch_one(o->session.call, name, false, &o->keys);
	o->key_count = err ? 0 : 1;
	return err;
}

int
trust_witness(struct call *c)
{
	struct owner *o = calloc(1, sizeof(*o));
	gpg_error_t err;
	int status;

	if (!o)
		return call_fail(c, call_problem(c, GPG_ERR_ENOMEM,
		    "out of memory"));
	if (!(err = owner_begin(o, c, 0, CONNECT_START)) &&
	    !(err = take_key(o)) &&
	    !(err = owner_update(o, true)))
		err = owner_change(o, edit);
	status = err ? call_fail(c, err) : owner_report(o, NULL);
	owner_end(o);
	free(o);
	return status;
}
