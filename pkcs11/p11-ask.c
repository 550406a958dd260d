/*
 * A login for which a person is asked: one try at the token for each PIN that
 * is entered, one verdict each, and never the last try unless it was said
 * that it is the last.  The token is not held while the person types.
 */
#include "config.h"

#include <string.h>

#include "p11.h"
#include "talk.h"

struct ask {
	struct p11 *p;
	struct p11_slot *slot;
	int fd;
	struct pin *pin;
	CK_TOKEN_INFO info;
	enum pin_verdict verdict;	/* the next word */
	const char *remark;		/* what goes with it, or NULL */
	struct problem *pb;
};

gpg_error_t
p11_say(int fd, enum pin_verdict verdict, const CK_TOKEN_INFO *info,
    const char *problem)
{
	struct msg_pin_verdict v = {
		.verdict = (uint8_t)verdict,
		.tries_left = PIN_TRIES_UNKNOWN,
		.problem = view_str(problem ? problem : ""),
	};

	if (fd == -1)
		return 0;
	if (verdict == PIN_LAST)
		v.tries_left = 1;
	else if (verdict == PIN_LOCKED)
		v.tries_left = 0;
	p11_pin_lengths(info, &v.min_length, &v.max_length);
	return talk_say(fd, &v);
}

static gpg_error_t
say_locked(struct ask *a)
{
	gpg_error_t err;

	p11_pin_drop(a->slot);
	err = p11_problem(a->pb, a->slot, CKR_PIN_LOCKED, "logging in");
	p11_say(a->fd, PIN_LOCKED, &a->info, a->pb->text);
	return err;
}

/* What the token says of tries decides the next word. */
static void
look_at_tries(struct ask *a, enum pin_verdict otherwise)
{
	a->verdict = otherwise;
	if (a->info.flags & CKF_USER_PIN_FINAL_TRY)
		a->verdict = PIN_LAST;
	if (a->info.flags & CKF_USER_PIN_LOCKED)
		a->verdict = PIN_LOCKED;
}

static gpg_error_t
look_again(struct ask *a)
{
	return p11_slot_look(a->p, a->slot, &a->info, a->pb);
}

/*
 * One PIN, one C_Login at most.  Returns 0 with a new verdict: PIN_GOOD, or
 * another question.  With the slot's lock held alone.
 */
static gpg_error_t
try_entry(struct ask *a)
{
	enum pin_verdict told = a->verdict;
	gpg_error_t err;
	CK_RV rv;

	a->remark = NULL;
	if ((err = look_again(a)))
		return err;
	look_at_tries(a, told);
	if (a->verdict == PIN_LOCKED)
		return 0;
	if (a->verdict == PIN_LAST && told != PIN_LAST) {
		a->remark = "another program has used up tries meanwhile; "
		    "the PIN was not tried";
		return 0;
	}
	rv = p11_login_try(a->p, a->slot, a->pin);
	if (rv == CKR_OK) {
		p11_login_hold(a->p, a->slot, a->pin);
		a->verdict = PIN_GOOD;
		return 0;
	}
	if (rv != CKR_PIN_LOCKED && !p11_rv_is_wrong_pin(rv))
		return p11_problem(a->pb, a->slot, rv, "logging in");
	if ((err = look_again(a)))
		return err;
	if (rv == CKR_PIN_LEN_RANGE)
		a->remark = "no PIN of this token has that length";
	look_at_tries(a, PIN_WRONG);
	if (rv == CKR_PIN_LOCKED)
		a->verdict = PIN_LOCKED;
	return 0;
}

static gpg_error_t
take_entry(struct ask *a)
{
	gpg_error_t err;

	if ((err = p11_say(a->fd, a->verdict, &a->info, a->remark)) ||
	    (err = talk_hear(a->fd, a->pin)))
		return gpg_err_code(err) == GPG_ERR_CANCELED ?
		    problem_say(a->pb, GPG_ERR_CANCELED,
		    "no PIN was entered") :
		    problem_say(a->pb, gpg_err_code(err),
		    "the PIN came in a form that is not understood");
	if (pin_view(a->pin).len == 0) {
		a->remark = "an empty PIN is not tried";
		if (a->verdict != PIN_LAST)
			a->verdict = PIN_WRONG;
		return 0;
	}
	pthread_rwlock_wrlock(&a->slot->lock);
	err = try_entry(a);
	pthread_rwlock_unlock(&a->slot->lock);
	pin_wipe(a->pin);
	return err;
}

/* The PIN is typed at the token itself. */
static gpg_error_t
use_pad(struct ask *a)
{
	CK_RV rv;

	pthread_rwlock_wrlock(&a->slot->lock);
	rv = p11_login_try(a->p, a->slot, a->pin);
	if (rv == CKR_OK)
		p11_login_hold(a->p, a->slot, a->pin);
	pthread_rwlock_unlock(&a->slot->lock);
	if (rv == CKR_PIN_LOCKED)
		return say_locked(a);
	if (p11_rv_is_wrong_pin(rv))
		return problem_say(a->pb, GPG_ERR_BAD_PIN,
		    "the PIN typed at %s was wrong: try again",
		    p11_slot_title(a->slot).text);
	if (rv != CKR_OK)
		return p11_problem(a->pb, a->slot, rv, "logging in");
	a->verdict = PIN_GOOD;
	return 0;
}

/* Whether somebody else's answer came first. */
static bool
is_done(struct ask *a)
{
	bool done;

	pthread_mutex_lock(&a->slot->mu);
	done = atomic_load(&a->slot->logged_in) && !a->slot->leave &&
	    a->slot->pin_until;
	pthread_mutex_unlock(&a->slot->mu);
	return done;
}

static gpg_error_t
look_first(struct ask *a)
{
	gpg_error_t err;
	unsigned epoch;

	pthread_rwlock_rdlock(&a->slot->lock);
	epoch = a->slot->epoch;
	err = look_again(a);
	pthread_rwlock_unlock(&a->slot->lock);
	if (!err || (err = p11_slot_reopen(a->p, a->slot, epoch, a->pb)))
		return err;
	pthread_rwlock_rdlock(&a->slot->lock);
	err = look_again(a);
	pthread_rwlock_unlock(&a->slot->lock);
	return err;
}

static gpg_error_t
converse(struct ask *a)
{
	gpg_error_t err;

	if ((err = look_first(a)))
		return err;
	look_at_tries(a, PIN_ASK);
	if (a->verdict == PIN_ASK && is_done(a))
		a->verdict = PIN_GOOD;
	else if (a->verdict != PIN_LOCKED &&
	    a->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH)
		return use_pad(a);
	while (a->verdict != PIN_GOOD && a->verdict != PIN_LOCKED)
		if ((err = take_entry(a)))
			return err;
	return a->verdict == PIN_LOCKED ? say_locked(a) : 0;
}

static gpg_error_t
begin(struct ask *a, uint32_t number)
{
	bool busy;

	if (!(a->slot = p11_slot_get(a->p, number)))
		return problem_say(a->pb, GPG_ERR_CARD_NOT_PRESENT,
		    "there is no such token");
	if (a->slot->empty)
		return problem_say(a->pb, GPG_ERR_CARD_NOT_INITIALIZED,
		    "the token is empty: initialize it first");
	pthread_mutex_lock(&a->slot->mu);
	busy = a->slot->asking;
	a->slot->asking = true;
	pthread_mutex_unlock(&a->slot->mu);
	return busy ? problem_say(a->pb, GPG_ERR_EBUSY,
	    "somebody is being asked for the PIN of %s already: answer there",
	    p11_slot_title(a->slot).text) : 0;
}

static void
end(struct ask *a)
{
	pthread_mutex_lock(&a->slot->mu);
	a->slot->asking = false;
	pthread_mutex_unlock(&a->slot->mu);
}

gpg_error_t
p11_login(void *state, uint32_t number, enum token_secret secret, int fd,
    struct problem *pb)
{
	struct ask a = { .p = state, .fd = fd, .pb = pb };
	gpg_error_t err;

	if (secret != SECRET_PIN)
		return problem_say(pb, GPG_ERR_NOT_SUPPORTED,
		    "only the PIN of this token can be asked for");
	if ((err = begin(&a, number)))
		return err;
	if (pin_new(&a.pin))
		err = problem_say(pb, GPG_ERR_ENOMEM, "no memory can be "
		    "locked for the PIN: raise \"ulimit -l\"");
	else
		err = converse(&a);
	pin_free(&a.pin);
	end(&a);
	if (!err)
		p11_say(fd, PIN_GOOD, &a.info, NULL);
	else if (gpg_err_code(err) != GPG_ERR_CANCELED &&
	    gpg_err_code(err) != GPG_ERR_PIN_BLOCKED)
		p11_say(fd, PIN_FAILED, &a.info, pb->text);
	return err;
}
