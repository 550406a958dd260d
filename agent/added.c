/* What SSH clients gave the agent to keep, and what limits its use. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "added.h"
#include "conn.h"
#include "module.h"
#include "restrain.h"
#include "format/sshkey.h"
#include "wire/text.h"

#define COMMENT_MAX 256		/* as a token's label */
#define ADDED_MAX 256		/* as many as are listed */

uint64_t
added_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 + 1;
}

static bool
is_over(const struct added *d)
{
	return d->until_ms && d->until_ms <= added_now();
}

static bool
is_of(const struct added *d, const struct key *k)
{
	return view_eq(view_of(d->id, sizeof(d->id)), pubkey_id(k->pub));
}

static void
added_free(struct added **dp)
{
	struct added *d = *dp;

	*dp = NULL;
	if (!d)
		return;
	buf_free(&d->certificate);
	buf_free(&d->destinations);
	free(d->comment);
	free(d);
}

static struct added *
find(struct agent *a, struct view id, struct view certificate)
{
	struct added *d;

	TAILQ_FOREACH(d, &a->added, next)
		if (view_eq(view_of(d->id, sizeof(d->id)), id) &&
		    view_eq(buf_view(&d->certificate), certificate))
			return d;
	return NULL;
}

static gpg_error_t
added_new(const struct ssh_private *k, const struct ssh_constraints *c,
    struct added **out)
{
	struct added *d = calloc(1, sizeof(*d));
	char comment[COMMENT_MAX + 1];

	if (!(*out = d))
		return gpg_error(GPG_ERR_ENOMEM);
	memcpy(d->id, pubkey_id(k->pub).p, sizeof(d->id));
	buf_init(&d->certificate, SSH_KEY_MAX);
	buf_init(&d->destinations, FRAME_MAX);
	text_clean(comment, sizeof(comment), k->comment);
	d->comment = strdup(comment);
	d->confirm = c->confirm;
	d->restricted = c->restricted;
	d->until_ms = c->lifetime_s ?
	    added_now() + (uint64_t)c->lifetime_s * 1000 : 0;
	d->pending = true;
	if (d->comment && !buf_put_view(&d->certificate, k->certificate) &&
	    !buf_put_view(&d->destinations, c->destinations))
		return 0;
	added_free(out);
	return gpg_error(GPG_ERR_ENOMEM);
}

static bool
is_full(const struct agent *a)
{
	const struct added *d;
	size_t n = 0;

	TAILQ_FOREACH(d, &a->added, next)
		n++;
	return n >= ADDED_MAX;
}

gpg_error_t
added_begin(struct agent *a, const struct ssh_private *k,
    const struct ssh_constraints *c, struct added **out, struct added **old)
{
	gpg_error_t err;

	*out = NULL;
	*old = find(a, pubkey_id(k->pub), k->certificate);
	if (*old && (*old)->pending) {
		*old = NULL;
		return gpg_error(GPG_ERR_EBUSY);
	}
	err = !*old && is_full(a) ? gpg_error(GPG_ERR_RESOURCE_LIMIT) :
	    added_new(k, c, out);
	if (err) {
		*old = NULL;
		return err;
	}
	if (*old)
		TAILQ_REMOVE(&a->added, *old, next);
	TAILQ_INSERT_TAIL(&a->added, *out, next);
	return 0;
}

void
added_settle(struct agent *a, struct added **new, struct added **old,
    bool good)
{
	if (good) {
		(*new)->pending = false;
		*new = NULL;
	} else {
		TAILQ_REMOVE(&a->added, *new, next);
		added_free(new);
		if (*old)
			TAILQ_INSERT_TAIL(&a->added, *old, next);
		*old = NULL;
	}
	added_free(old);
}

void
added_drop(struct agent *a, struct added **d)
{
	TAILQ_REMOVE(&a->added, *d, next);
	added_free(d);
}

void
added_leave(struct agent *a, const uint8_t id[PUBKEY_ID_LEN],
    const void *whom)
{
	struct added *d;

	TAILQ_FOREACH(d, &a->added, next)
		if (!d->pending && !memcmp(d->id, id, PUBKEY_ID_LEN)) {
			d->pending = true;
			d->leaving = whom;
		}
}

void
added_left(struct agent *a, const void *whom, bool gone)
{
	struct added *d, *next;

	TAILQ_FOREACH_SAFE(d, &a->added, next, next) {
		if (d->leaving != whom)
			continue;
		d->pending = false;
		d->leaving = NULL;
		if (gone)
			added_drop(a, &d);
	}
}

struct added *
added_find(struct agent *a, struct view blob)
{
	bool is_cert = ssh_is_cert(blob);
	struct added *d = NULL;
	struct key *k;

	if (is_cert) {
		TAILQ_FOREACH(d, &a->added, next)
			if (view_eq(buf_view(&d->certificate), blob))
				break;
	} else if ((k = keyring_find_ssh(a->keyring, blob))) {
		d = find(a, pubkey_id(k->pub), view_of(NULL, 0));
		key_unref(&k);
	}
	return d && !is_over(d) ? d : NULL;
}

const struct added *
added_limits(struct agent *a, const struct key *k, struct view blob)
{
	const struct added *d, *any = NULL;

	TAILQ_FOREACH(d, &a->added, next) {
		if (!is_of(d, k))
			continue;
		if (ssh_is_cert(blob) ?
		    view_eq(buf_view(&d->certificate), blob) :
		    buf_len(&d->certificate) == 0)
			return d;
		any = d;
	}
	return any;
}

/* `what` NULL: to be listed. */
static bool
may_go(struct conn *c, const struct added *d, const struct object *what,
    const char **why)
{
	*why = NULL;
	return !d->restricted || restrain_permits(buf_view(&d->destinations),
	    &c->bindings, what, (uint64_t)time(NULL), why);
}

bool
added_permits(struct conn *c, const struct key *k, struct view blob,
    const struct object *what, bool *ask, const char **why)
{
	const struct added *d = added_limits(c->agent, k, blob);

	*ask = d && d->confirm;
	*why = NULL;
	if (d ? is_over(d) || d->leaving : !key_is_on_token(k)) {
		*why = "the key's time in memory is over: add it again "
		    "(ssh-add)";
		return false;
	}
	return !d || may_go(c, d, what, why);
}

bool
added_shows(struct conn *c, const struct added *d)
{
	const char *why;

	return may_go(c, d, NULL, &why);
}

uint32_t
added_lifetime(struct agent *a, const uint8_t id[PUBKEY_ID_LEN])
{
	uint64_t now = added_now(), last = now;
	const struct added *d;

	TAILQ_FOREACH(d, &a->added, next) {
		if (memcmp(d->id, id, PUBKEY_ID_LEN))
			continue;
		if (d->until_ms == 0)
			return 0;
		if (d->until_ms > last)
			last = d->until_ms;
	}
	return (uint32_t)((last - now + 999) / 1000);
}

bool
added_is_last(struct agent *a, const struct added *mine)
{
	const struct added *d;

	TAILQ_FOREACH(d, &a->added, next)
		if (d != mine && !is_over(d) &&
		    !memcmp(d->id, mine->id, sizeof(d->id)))
			return false;
	return true;
}

/* ---- keys ---- */

static bool
is_in_memory(const struct key *k)
{
	for (size_t i = 0; i < k->holder_count; i++)
		if (k->holders[i].flags & KEY_SOFTWARE)
			return true;
	return false;
}

struct key *
added_key(struct agent *a, const struct added *d)
{
	struct key *k;

	if (d->pending || is_over(d))
		return NULL;
	k = keyring_find_id(a->keyring, view_of(d->id, sizeof(d->id)));
	if (k && !is_in_memory(k))
		key_unref(&k);
	return k;
}

struct key *
added_find_key(struct agent *a, struct view blob)
{
	const struct added *d = added_find(a, blob);
	struct key *k;

	if (d || ssh_is_cert(blob))
		return d ? added_key(a, d) : NULL;
	/* Without its certificate, it was not given for this. */
	k = keyring_find_ssh(a->keyring, blob);
	if (k && k->holder_count > 0 && !key_is_on_token(k))
		key_unref(&k);
	return k;
}

static bool
is_held(struct agent *a, const struct added *d)
{
	struct key *k = keyring_find_id(a->keyring,
	    view_of(d->id, sizeof(d->id)));
	bool held = k && is_in_memory(k);

	key_unref(&k);
	return held;
}

void
added_sweep(struct agent *a)
{
	struct added *d, *next;

	TAILQ_FOREACH_SAFE(d, &a->added, next, next)
		if (!d->pending && (is_over(d) || !is_held(a, d)))
			added_drop(a, &d);
}

void
added_clear(struct agent *a)
{
	struct added *d;

	while ((d = TAILQ_FIRST(&a->added)))
		added_drop(a, &d);
}
