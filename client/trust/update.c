/* Gets and verifies trust data, each file by the one before. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/trust/root.h"

#define TIMESTAMP_MAX (1U << 20)	/* bytes */
#define TOTAL_MAX (64U << 20)		/* of all targets together */

const struct trust_role *
trust_find_role(const struct trust *t, const char *name)
{
	for (size_t i = 0; i < t->role_count; i++)
		if (!strcmp(t->roles[i].name, name))
			return &t->roles[i];
	return NULL;
}

const struct tuf_role *
trust_parent(const struct trust *t, const struct trust_role *r)
{
	return !strcmp(r->name, "targets") ? &t->root.env.role :
	    &t->roles[r->parent].env.role;
}

bool
trust_signer(const struct trust *t, const struct trust_role *r,
    struct tuf_signer *s)
{
	return tuf_signers_find(trust_parent(t, r), r->name, s);
}

bool
trust_covers(const struct trust *t, const struct trust_role *r,
    const char *tag)
{
	struct tuf_signer s;

	for (; strcmp(r->name, "targets"); r = &t->roles[r->parent])
		if (!trust_signer(t, r, &s) || !tuf_signer_covers(&s, tag))
			return false;
	return true;
}

/* ---- the order ---- */

/* What every role but root must stand. */
static gpg_error_t
check(struct trust *t, struct trust_role *r, const struct tuf_role *by)
{
	gpg_error_t err;

	if ((err = role_read(r, &t->why)) ||
	    (err = role_check_signed(r, by, &t->why)) ||
	    (err = role_check_mark(r, &t->state, by, &t->why)))
		return err;
	return t->renew && r->env.role.type == TUF_TARGETS ? 0 :
	    role_check_time(r, t->now, &t->why);
}

/* There is a root, so that there should be the rest. */
static gpg_error_t
get(struct trust *t, const char *name, size_t max, struct buf *b)
{
	gpg_error_t err = remote_get(t->remote, name, max, b);

	return gpg_err_code(err) == GPG_ERR_NOT_FOUND ?
	    gpg_error(GPG_ERR_SERVER_FAILED) : err;
}

static gpg_error_t
get_timestamp(struct trust *t)
{
	gpg_error_t err;

	role_init(&t->timestamp, "timestamp");
	err = get(t, "timestamp", TIMESTAMP_MAX, &t->timestamp.bytes);
	return err ? err : check(t, &t->timestamp, &t->root.env.role);
}

/* By the name that has its hash in it, no longer than it should be. */
static gpg_error_t
get_listed(struct trust *t, struct trust_role *r, const struct tuf_file *f)
{
	char name[TUF_NAME_MAX + 70];
	size_t n;
	gpg_error_t err;

	if (f->length == 0 || f->length > TUF_ROLE_MAX)
		return problem_set(&t->why, GPG_ERR_TOO_LARGE, "the trust data "
		    "\"%s\" has %llu bytes, it is said, and at most %d are "
		    "taken", r->name, (unsigned long long)f->length,
		    TUF_ROLE_MAX);
	n = (size_t)snprintf(name, sizeof(name), "%s.", r->name);
	for (size_t i = 0; i < 32; i++)
		n += (size_t)snprintf(name + n, sizeof(name) - n, "%02x",
		    f->sha256[i]);
	if ((err = get(t, name, f->length, &r->bytes)))
		return err;
	return role_check_listed(r, f, &t->why);
}

static gpg_error_t
get_snapshot(struct trust *t)
{
	struct tuf_file f;
	gpg_error_t err;

	role_init(&t->snapshot, "snapshot");
	if (!tuf_files_find(&t->timestamp.env.role, "snapshot", &f))
		return problem_set(&t->why, GPG_ERR_BAD_DATA, "the timestamp "
		    "does not list the snapshot");
	if ((err = get_listed(t, &t->snapshot, &f)) ||
	    (err = check(t, &t->snapshot, &t->root.env.role)))
		return err;
	if (!tuf_files_find(&t->snapshot.env.role, "root", &f) ||
	    role_check_listed(&t->root, &f, &t->why))
		return problem_set(&t->why, GPG_ERR_CHECKSUM, "mix and match: "
		    "the snapshot is of another root than version %u, which "
		    "is the newest that the server has",
		    t->root.env.role.version);
	return 0;
}

/* ---- targets and delegations ---- */

static gpg_error_t
add_role(struct trust *t, const char *name, size_t parent)
{
	struct trust_role *grown;

	if (t->role_count == TRUST_ROLES)
		return problem_set(&t->why, GPG_ERR_TOO_MANY, "the trust data "
		    "has more than %d delegations", TRUST_ROLES);
	grown = realloc(t->roles, (t->role_count + 1) * sizeof(*grown));
	if (!grown)
		return problem_set(&t->why, GPG_ERR_ENOMEM, "out of memory");
	t->roles = grown;
	role_init(&grown[t->role_count], name);
	grown[t->role_count++].parent = parent;
	return 0;
}

static gpg_error_t
check_total(struct trust *t)
{
	size_t total = 0;

	for (size_t i = 0; i < t->role_count; i++)
		total += buf_len(&t->roles[i].bytes);
	return total <= TOTAL_MAX ? 0 : problem_set(&t->why,
	    GPG_ERR_TOO_LARGE, "the trust data has more than %u bytes, which "
	    "is the most that is taken", TOTAL_MAX);
}

static gpg_error_t
get_targets(struct trust *t, size_t i)
{
	struct trust_role *r = &t->roles[i];
	struct tuf_file f;
	gpg_error_t err;

	if (!tuf_files_find(&t->snapshot.env.role, r->name, &f))
		return role_check_missing(r, &t->state, trust_parent(t, r),
		    &t->why);
	if ((err = get_listed(t, r, &f)) || (err = check_total(t)))
		return err;
	return check(t, r, trust_parent(t, r));
}

static bool
is_known(const struct trust *t, const char *name)
{
	return trust_find_role(t, name);
}

/*
 * What its own signers did is a delegation's own trouble, and does not keep
 * others from being used; what the server did is everybody's.
 */
static bool
is_its_own(gpg_error_t err)
{
	switch (gpg_err_code(err)) {
	case GPG_ERR_BAD_DATA:
	case GPG_ERR_BAD_SIGNATURE:
	case GPG_ERR_SIG_EXPIRED:
		return true;
	default:
		return false;
	}
}

static gpg_error_t
get_delegation(struct trust *t, const char *name, size_t parent)
{
	struct trust_role *r;
	size_t at = t->role_count;
	gpg_error_t err;

	if ((err = add_role(t, name, parent)))
		return err;
	err = get_targets(t, at);
	if (!is_its_own(err))
		return err;
	r = &t->roles[at];
	r->err = err;
	memcpy(r->why, t->why.text, sizeof(r->why));
	return 0;
}

/* Grows by what each delegates to, until none delegates any further. */
static gpg_error_t
get_delegations(struct trust *t)
{
	struct tuf_signer s;
	struct tuf_iter it;
	gpg_error_t err;

	for (size_t i = 0; i < t->role_count; i++) {
		if (t->roles[i].err || !t->roles[i].there)
			continue;
		it = tuf_signers(&t->roles[i].env.role);
		while (tuf_signers_next(&it, &s))
			if (!is_known(t, s.name) &&
			    (err = get_delegation(t, s.name, i)))
				return err;
	}
	return 0;
}

static gpg_error_t
get_all(struct trust *t, const struct pin *pin)
{
	gpg_error_t err;

	if ((err = root_update(t, pin)) ||
	    (err = get_timestamp(t)) ||
	    (err = get_snapshot(t)) ||
	    (err = add_role(t, "targets", 0)) ||
	    (err = get_targets(t, 0)))
		return err;
	if (!t->roles[0].there)
		return problem_set(&t->why, GPG_ERR_BAD_DATA, "the snapshot "
		    "does not list targets");
	return get_delegations(t);
}

/* ---- remembering ---- */

static gpg_error_t
keep_marks(struct trust *t)
{
	struct state *s = &t->state;
	gpg_error_t err;

	if ((err = role_keep_mark(&t->root, s)) ||
	    (err = role_keep_mark(&t->timestamp, s)) ||
	    (err = role_keep_mark(&t->snapshot, s)))
		return err;
	for (size_t i = 0; i < t->role_count && !err; i++) {
		const struct trust_role *r = &t->roles[i];

		if (r->there && !r->err)
			err = role_keep_mark(r, s);
	}
	return err;
}

static gpg_error_t
keep(struct trust *t, const struct pin *pin)
{
	struct view now = buf_view(&t->root.bytes);
	gpg_error_t err = 0;

	if (!view_eq(now, state_root(&t->state)))
		err = state_set_root(&t->state, now);
	if (!err && t->first)
		err = state_set_pinned(&t->state, pin->text ? "--root" :
		    "first use", t->now);
	if (!err)
		err = keep_marks(t);
	return err ? problem_set(&t->why, err, "what is known of trust data "
	    "cannot be kept: %s", gpg_strerror(err)) :
	    state_save(&t->state, &t->why);
}

gpg_error_t
trust_update(struct trust *t, const struct gun *gun, const struct paths *paths,
    const struct http_options *options, const struct pin *pin, int64_t now)
{
	bool first, renew = t->renew;
	gpg_error_t err;

	memset(t, 0, sizeof(*t));
	t->renew = renew;
	t->gun = *gun;
	t->now = now;
	if ((err = state_load(&t->state, paths, gun, &first, &t->why)) ||
	    (err = remote_open(&t->remote, gun, options, &t->why)) ||
	    (err = get_all(t, pin)))
		return err;
	return keep(t, pin);
}

void
trust_end(struct trust *t)
{
	role_free(&t->root);
	role_free(&t->timestamp);
	role_free(&t->snapshot);
	for (size_t i = 0; i < t->role_count; i++)
		role_free(&t->roles[i]);
	free(t->roles);
	t->roles = NULL;
	t->role_count = 0;
	state_free(&t->state);
	remote_close(&t->remote);
}
