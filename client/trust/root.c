/*
 * Finds the root to be trusted: from the one that is known, each next signed
 * by the one before it and by itself; or the server's, at the first use.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/trust/root.h"

#define ROOTS_MAX 1024		/* newer ones, in one go */
#define ROOT_MAX (1U << 20)	/* bytes */

static gpg_error_t
known_root(struct trust *t)
{
	struct view v = state_root(&t->state);
	gpg_error_t err;

	role_init(&t->root, "root");
	if (!(err = buf_put_view(&t->root.bytes, v)) &&
	    !(err = role_read(&t->root, &t->why)))
		err = role_check_signed(&t->root, &t->root.env.role, &t->why);
	if (err)
		return problem_set(&t->why, err, "the root that is trusted, "
		    "in %s, cannot be used: %s", t->state.file,
		    gpg_strerror(err));
	return 0;
}

/* A root vouches for itself: that is all that can be asked of the first. */
static gpg_error_t
get_root(struct trust *t, const char *name, struct trust_role *r)
{
	gpg_error_t err;

	role_init(r, "root");
	if ((err = remote_get(t->remote, name, ROOT_MAX, &r->bytes)) ||
	    (err = role_read(r, &t->why)) ||
	    (err = role_check_signed(r, &r->env.role, &t->why)))
		return err;
	return pin_check_name(r, t->gun.name, t->now, &t->why);
}

static gpg_error_t
first_root(struct trust *t)
{
	gpg_error_t err = get_root(t, "root", &t->root);

	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
		return problem_set(&t->why, err, "there is no trust data of "
		    "%s at %s", t->gun.name, t->gun.server);
	return err;
}

/* *more is false where there is none. */
static gpg_error_t
next_root(struct trust *t, bool *more)
{
	uint32_t version = t->root.env.role.version + 1;
	struct tufsig_verdict own;
	struct trust_role next;
	char name[32];
	gpg_error_t err;

	snprintf(name, sizeof(name), "%u.root", version);
	err = get_root(t, name, &next);
	*more = !err;
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND && !next.there) {
		role_free(&next);
		return 0;
	}
	own = next.signed_by;
	if (!err && next.env.role.version != version)
		err = problem_set(&t->why, GPG_ERR_BAD_DATA, "the server's "
		    "root %u has version %u", version,
		    next.env.role.version);
	if (!err && (err = role_check_signed(&next, &t->root.env.role,
	    &t->why)))
		problem_set(&t->why, err, "root rotation: version %u of the "
		    "root is not signed by the keys of version %u; if its "
		    "owner lost those and told you the new root key, remove "
		    "%s and give the key by --root", version, version - 1,
		    t->state.file);
	if (err) {
		role_free(&next);
		return err;
	}
	next.signed_by = own;
	role_free(&t->root);
	t->root = next;
	return 0;
}

gpg_error_t
root_update(struct trust *t, const struct pin *pin)
{
	bool known = state_root(&t->state).len > 0, more = true;
	gpg_error_t err = known ? known_root(t) : first_root(t);

	for (unsigned i = 0; !err && more; i++) {
		if (i == ROOTS_MAX)
			return problem_set(&t->why, GPG_ERR_TOO_MANY, "the "
			    "server has more than %d newer roots",
			    ROOTS_MAX);
		err = next_root(t, &more);
	}
	if (err || (err = pin_check(pin, &t->root, &t->why)))
		return err;
	t->first = !known;
	/* One that is out of date, and nobody vouches for, may be stolen. */
	return t->renew && (known || pin->text) ? 0 :
	    role_check_time(&t->root, t->now, &t->why);
}
