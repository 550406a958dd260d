/*
 * Who is logged in, and for how long: holding a PIN, using it again when the
 * token was reset, and letting it go in time.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include "p11.h"
#include "wire/text.h"

/* With a time to live of 0: for the signature that the login is for. */
#define ONE_SIGNATURE_MS 30000
#define LOGOUT_PATIENCE_MS 250
#define LOGOUT_AGAIN_MS 1000

bool
p11_login_wanted(struct p11_slot *s)
{
	bool wanted;

	pthread_mutex_lock(&s->mu);
	wanted = s->info.flags & CKF_LOGIN_REQUIRED;
	pthread_mutex_unlock(&s->mu);
	return wanted;
}

bool
p11_login_held(struct p11 *p, struct p11_slot *s)
{
	bool held;

	pthread_mutex_lock(&s->mu);
	held = (atomic_load(&s->logged_in) && !s->leave) ||
	    (p->pin_source && !s->refused);
	pthread_mutex_unlock(&s->mu);
	return held;
}

void
p11_pin_drop(struct p11_slot *s)
{
	pthread_mutex_lock(&s->mu);
	pin_wipe(s->pin);
	s->pin_until = 0;
	pthread_mutex_unlock(&s->mu);
}

void
p11_pin_lengths(const CK_TOKEN_INFO *info, uint32_t *min, uint32_t *max)
{
	*max = info->ulMaxPinLen == 0 || info->ulMaxPinLen > PIN_MAX ?
	    PIN_MAX : (uint32_t)info->ulMaxPinLen;
	*min = info->ulMinPinLen > *max ? 0 : (uint32_t)info->ulMinPinLen;
}

/* ---- time ---- */

/* Wakes the keeper when the next thing is due. */
static void
arm(struct p11 *p)
{
	uint64_t now = keeper_now(), next = 0, due;
	struct p11_slot *s;

	pthread_mutex_lock(&p->mu);
	for (uint32_t i = 0; (s = p11_slot_get(p, i)); i++) {
		pthread_mutex_lock(&s->mu);
		due = s->leave ? now + LOGOUT_AGAIN_MS : s->pin_until;
		pthread_mutex_unlock(&s->mu);
		if (due && (!next || due < next))
			next = due;
	}
	keeper_set(p->keeper, next);
	pthread_mutex_unlock(&p->mu);
}

/* Wipes the PIN at once; the log-out is due then. */
static void
part(struct p11_slot *s)
{
	pthread_mutex_lock(&s->mu);
	pin_wipe(s->pin);
	s->pin_until = 0;
	s->leave = true;
	pthread_mutex_unlock(&s->mu);
}

static bool
is_leaving(struct p11_slot *s)
{
	bool leave;

	pthread_mutex_lock(&s->mu);
	leave = s->leave;
	pthread_mutex_unlock(&s->mu);
	return leave;
}

/* Nobody is logged in now.  Lock held alone. */
static void
logged_out(struct p11_slot *s)
{
	atomic_store(&s->logged_in, false);
	s->epoch++;
	pthread_mutex_lock(&s->mu);
	for (unsigned i = 0; i < s->key_count; i++)
		s->keys[i]->found.private = P11_NO_OBJECT;
	s->leave = false;
	pthread_mutex_unlock(&s->mu);
}

/* The log-out that is due, unless a new login came first.  Likewise. */
static void
log_out(struct p11 *p, struct p11_slot *s)
{
	CK_SESSION_HANDLE session = s->sessions[P11_CONTROL];

	if (!is_leaving(s))
		return;
	if (atomic_load(&s->logged_in) && session != P11_NO_SESSION)
		p->f->C_Logout(session);
	logged_out(s);
}

void
p11_login_expire(void *state)
{
	struct p11 *p = state;
	uint64_t now = keeper_now();
	struct timespec until;
	struct p11_slot *s;
	bool due;

	for (uint32_t i = 0; (s = p11_slot_get(p, i)); i++) {
		pthread_mutex_lock(&s->mu);
		due = s->pin_until && s->pin_until <= now;
		pthread_mutex_unlock(&s->mu);
		if (due)
			part(s);
	}
	for (uint32_t i = 0; (s = p11_slot_get(p, i)); i++) {
		if (!is_leaving(s))
			continue;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOGOUT_PATIENCE_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (pthread_rwlock_clockwrlock(&s->lock, CLOCK_MONOTONIC,
		    &until))
			continue;	/* a signature runs: again soon */
		log_out(p, s);
		pthread_rwlock_unlock(&s->lock);
	}
	arm(p);
}

void
p11_login_settle(struct p11 *p, struct p11_slot *s)
{
	bool due;

	pthread_mutex_lock(&s->mu);
	due = s->leave || (s->pin_until && s->pin_until <= keeper_now());
	pthread_mutex_unlock(&s->mu);
	if (!due)
		return;
	part(s);
	pthread_rwlock_wrlock(&s->lock);
	log_out(p, s);
	pthread_rwlock_unlock(&s->lock);
}

void
p11_login_leave(struct p11 *p, struct p11_slot *s)
{
	part(s);
	p11_login_settle(p, s);
}

void
p11_login_used(struct p11 *p, struct p11_slot *s)
{
	bool once;

	pthread_mutex_lock(&s->mu);
	once = p->pin_ttl_ms == 0 && s->pin_until;
	pthread_mutex_unlock(&s->mu);
	if (!once)
		return;
	p11_login_leave(p, s);
}

void
p11_wipe(void *state)
{
	struct p11 *p = state;
	struct p11_slot *s;

	for (uint32_t i = 0; (s = p11_slot_get(p, i)); i++)
		part(s);
}

gpg_error_t
p11_forget(void *state, uint32_t slot, struct problem *pb)
{
	struct p11 *p = state;
	struct p11_slot *s;

	/* All are wiped before one is waited for. */
	for (uint32_t i = 0; (s = p11_slot_get(p, i)); i++)
		if (slot == TOKEN_ALL_SLOTS || slot == i)
			part(s);
	for (uint32_t i = 0; (s = p11_slot_get(p, i)); i++)
		if (slot == TOKEN_ALL_SLOTS || slot == i)
			p11_login_settle(p, s);
	return 0;
}

/* ---- logging in ---- */

CK_RV
p11_login_try(struct p11 *p, struct p11_slot *s, struct pin *pin)
{
	struct view v = pin_view(pin);
	unsigned char *bytes = v.len ? pin_bytes(pin) : NULL;
	CK_SESSION_HANDLE session;
	CK_RV rv;

	logged_out(s);
	rv = p11_session(p, s, P11_CONTROL, &session);
	if (rv == CKR_OK)
		rv = p->f->C_Login(session, CKU_USER, bytes, v.len);
	if (rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED) {
		s->sessions[P11_CONTROL] = P11_NO_SESSION;
		rv = p11_session(p, s, P11_CONTROL, &session);
		if (rv == CKR_OK)
			rv = p->f->C_Login(session, CKU_USER, bytes, v.len);
	}
	/* A login that we know nothing of says nothing about this PIN. */
	if (rv == CKR_USER_ALREADY_LOGGED_IN ||
	    rv == CKR_USER_ANOTHER_ALREADY_LOGGED_IN) {
		p->f->C_Logout(session);
		rv = p->f->C_Login(session, CKU_USER, bytes, v.len);
	}
	atomic_store(&s->logged_in, rv == CKR_OK);
	return rv;
}

void
p11_login_hold(struct p11 *p, struct p11_slot *s, const struct pin *pin)
{
	uint32_t ms = p->pin_ttl_ms ? p->pin_ttl_ms : ONE_SIGNATURE_MS;

	pthread_mutex_lock(&s->mu);
	pin_copy(s->pin, pin);
	s->pin_until = keeper_now() + ms;
	s->leave = false;
	pthread_mutex_unlock(&s->mu);
	arm(p);
}

gpg_error_t
p11_pin_source(struct p11 *p, struct pin *pin, struct pin_stamp *stamp,
    struct problem *pb)
{
	char shown[512];
	gpg_error_t err = pin_read(pin, p->pin_source, stamp);

	if (!err)
		return 0;
	text_clean(shown, sizeof(shown), view_str(p->pin_source));
	switch (gpg_err_code(err)) {
	case GPG_ERR_EACCES:
	case GPG_ERR_ELOOP:
		return problem_say(pb, GPG_ERR_EACCES,
		    "%s, which \"pin_source\" names, must be a file of "
		    "yours that nobody else may read: chmod 600 it", shown);
	case GPG_ERR_NO_PIN:
	case GPG_ERR_TOO_LARGE:
		return problem_say(pb, gpg_err_code(err),
		    "%s, which \"pin_source\" names, holds no PIN: write one "
		    "line with the PIN into it", shown);
	default:
		return problem_say(pb, gpg_err_code(err),
		    "%s, which \"pin_source\" names, cannot be read (%s): "
		    "correct the module's configuration", shown,
		    gpg_strerror(err));
	}
}

static bool
copy_held(struct p11_slot *s, struct pin *pin)
{
	pthread_mutex_lock(&s->mu);
	if (s->pin_until > keeper_now())
		pin_copy(pin, s->pin);
	pthread_mutex_unlock(&s->mu);
	return pin_view(pin).len > 0;
}

static gpg_error_t
copy_source(struct p11 *p, struct p11_slot *s, struct pin *pin,
    struct pin_stamp *stamp, struct problem *pb)
{
	char shown[512];
	gpg_error_t err;
	bool refused;

	if ((err = p11_pin_source(p, pin, stamp, pb)))
		return err;
	pthread_mutex_lock(&s->mu);
	refused = s->refused &&
	    !memcmp(stamp, &s->refused_stamp, sizeof(*stamp));
	if (!refused)
		s->refused = false;
	pthread_mutex_unlock(&s->mu);
	if (!refused)
		return 0;
	text_clean(shown, sizeof(shown), view_str(p->pin_source));
	return problem_say(pb, GPG_ERR_BAD_PIN,
	    "%s refused the PIN in %s: correct that file (it is tried again "
	    "once it has changed)", p11_slot_title(s).text, shown);
}

gpg_error_t
p11_login_pin(struct p11 *p, struct p11_slot *s, struct pin *pin,
    struct pin_stamp *stamp, struct problem *pb)
{
	struct p11_title t = p11_slot_title(s);
	CK_TOKEN_INFO info;
	gpg_error_t err;

	memset(stamp, 0, sizeof(*stamp));
	if ((err = p11_slot_look(p, s, &info, pb)))
		return err;
	if (info.flags & CKF_USER_PIN_LOCKED)
		return p11_problem(pb, s, CKR_PIN_LOCKED, "logging in");
	if (info.flags & CKF_PROTECTED_AUTHENTICATION_PATH)
		return 0;
	if (info.flags & CKF_USER_PIN_FINAL_TRY)
		return problem_say(pb, GPG_ERR_PIN_NOT_SYNCED,
		    "%s has one try left: it is kept for you to type the PIN",
		    t.text);
	if (copy_held(s, pin))
		return 0;
	if (p->pin_source)
		return copy_source(p, s, pin, stamp, pb);
	return problem_say(pb, GPG_ERR_PIN_NOT_SYNCED, "%s wants its PIN",
	    t.text);
}

gpg_error_t
p11_login_refused(struct p11 *p, struct p11_slot *s,
    const struct pin_stamp *stamp, CK_RV rv, struct problem *pb)
{
	static const struct pin_stamp held;
	struct p11_title t = p11_slot_title(s);
	char shown[512];

	if (!memcmp(stamp, &held, sizeof(held))) {
		p11_pin_drop(s);
		if (rv == CKR_PIN_LOCKED)
			return p11_problem(pb, s, rv, "logging in");
		return problem_say(pb, GPG_ERR_PIN_NOT_SYNCED,
		    "%s does not take the PIN any more that it took before",
		    t.text);
	}
	pthread_mutex_lock(&s->mu);
	s->refused = true;
	s->refused_stamp = *stamp;
	pthread_mutex_unlock(&s->mu);
	if (rv == CKR_PIN_LOCKED)
		return p11_problem(pb, s, rv, "logging in");
	text_clean(shown, sizeof(shown), view_str(p->pin_source));
	return problem_say(pb, GPG_ERR_BAD_PIN,
	    "%s refused the PIN in %s: correct that file", t.text, shown);
}

/* With the lock held alone. */
static gpg_error_t
login_locked(struct p11 *p, struct p11_slot *s, struct pin *pin,
    struct problem *pb)
{
	struct pin_stamp stamp;
	gpg_error_t err;
	CK_RV rv;

	if ((err = p11_login_pin(p, s, pin, &stamp, pb)))
		return err;
	if (pin_view(pin).len == 0)	/* somebody must walk to the pad */
		return problem_say(pb, GPG_ERR_PIN_NOT_SYNCED,
		    "%s wants its PIN at its own keys",
		    p11_slot_title(s).text);
	rv = p11_login_try(p, s, pin);
	if (rv == CKR_OK)
		return 0;
	if (p11_rv_is_wrong_pin(rv) || rv == CKR_PIN_LOCKED)
		return p11_login_refused(p, s, &stamp, rv, pb);
	return p11_problem(pb, s, rv, "logging in");
}

gpg_error_t
p11_login_again(struct p11 *p, struct p11_slot *s, unsigned epoch,
    struct problem *pb)
{
	gpg_error_t err = 0;
	struct pin *pin;

	if (pin_new(&pin))
		return problem_say(pb, GPG_ERR_ENOMEM,
		    "no memory can be locked for the PIN: raise \"ulimit "
		    "-l\"");
	pthread_rwlock_wrlock(&s->lock);
	if (s->epoch == epoch)
		err = login_locked(p, s, pin, pb);
	pthread_rwlock_unlock(&s->lock);
	pin_free(&pin);
	return err;
}
