/*
 * Initializing an empty token: its PIN is set, and the SO PIN to the same, so
 * that there is one secret to keep.  A token that is not empty is never
 * touched.
 */
#include "config.h"

#include <string.h>

#include "p11.h"
#include "talk.h"

struct preparation {
	struct p11 *p;
	int fd;
	struct pin *pin;
	unsigned char label[32];	/* padded with blanks */
	struct p11_slot *slot;		/* the empty one */
	CK_TOKEN_INFO info;
	bool before[P11_SLOTS_MAX];	/* tokens that were there already */
	struct problem *pb;
};

static bool
is_present(struct p11_slot *s)
{
	bool present;

	pthread_mutex_lock(&s->mu);
	present = s->present;
	pthread_mutex_unlock(&s->mu);
	return present;
}

static gpg_error_t
find_empty(struct preparation *pr)
{
	gpg_error_t err;
	struct p11_slot *s;

	if ((err = p11_slots_refresh(pr->p, pr->pb)))
		return err;
	for (uint32_t i = 0; (s = p11_slot_get(pr->p, i)); i++) {
		pr->before[i] = is_present(s) && !s->empty;
		if (is_present(s) && s->empty && !pr->slot)
			pr->slot = s;
	}
	if (!pr->slot)
		return problem_say(pr->pb, GPG_ERR_NOT_FOUND,
		    "this module has no empty token: only empty tokens are "
		    "initialized");
	return 0;
}

/*
 * Right before it is overwritten: still empty?  Only the module's own word
 * of this moment counts.
 */
static gpg_error_t
check_empty(struct preparation *pr)
{
	CK_RV rv;

	rv = pr->p->f->C_GetTokenInfo(pr->slot->id, &pr->info);
	if (rv != CKR_OK)
		return p11_problem(pr->pb, NULL, rv, "looking at the token");
	if (pr->info.flags & CKF_TOKEN_INITIALIZED)
		return problem_say(pr->pb, GPG_ERR_CONFLICT,
		    "the token is not empty any more: it was left as it is");
	return 0;
}

/* The new token among those that were not there before. */
static struct p11_slot *
find_new(struct preparation *pr)
{
	struct p11_slot *s;
	char label[33];

	memset(label, 0, sizeof(label));
	memcpy(label, pr->label, p11_kit_space_strlen(pr->label,
	    sizeof(pr->label)));
	if (p11_slots_refresh(pr->p, pr->pb))
		return NULL;
	for (uint32_t i = 0; (s = p11_slot_get(pr->p, i)); i++)
		if (!pr->before[i] && is_present(s) && !s->empty &&
		    !strcmp(s->name.label, label))
			return s;
	return NULL;
}

static CK_RV
set_user_pin(struct p11 *p, CK_SLOT_ID id, struct pin *pin)
{
	CK_SESSION_HANDLE session;
	struct view v = pin_view(pin);
	CK_RV rv;

	rv = p->f->C_OpenSession(id, CKF_SERIAL_SESSION | CKF_RW_SESSION,
	    NULL, NULL, &session);
	if (rv != CKR_OK)
		return rv;
	rv = p->f->C_Login(session, CKU_SO, pin_bytes(pin), v.len);
	if (rv == CKR_OK) {
		rv = p->f->C_InitPIN(session, pin_bytes(pin), v.len);
		p->f->C_Logout(session);
	}
	p->f->C_CloseSession(session);
	return rv;
}

static gpg_error_t
finish(struct preparation *pr)
{
	struct p11_slot *s = find_new(pr);
	CK_RV rv;

	if (!s)
		return problem_say(pr->pb, GPG_ERR_CARD_NOT_PRESENT,
		    "the token was initialized, but is not there now: insert "
		    "it again, and look with \"touchstone status\"");
	pthread_rwlock_wrlock(&s->lock);
	rv = set_user_pin(pr->p, s->id, pr->pin);
	/* Who has just set the PIN need not type it a third time. */
	if (rv == CKR_OK && pr->fd != -1 &&
	    p11_login_try(pr->p, s, pr->pin) == CKR_OK)
		p11_login_hold(pr->p, s, pr->pin);
	pthread_rwlock_unlock(&s->lock);
	return rv == CKR_OK ? 0 : p11_problem(pr->pb, s, rv,
	    "setting the user PIN of the new token");
}

/* CKR_OK, a wrong PIN's answer, or another error, said in *err. */
static CK_RV
initialize(struct preparation *pr, gpg_error_t *err)
{
	CK_RV rv;

	if ((*err = check_empty(pr)))
		return CKR_GENERAL_ERROR;
	rv = pr->p->f->C_InitToken(pr->slot->id, pin_bytes(pr->pin),
	    pin_view(pr->pin).len, pr->label);
	if (rv != CKR_OK)
		*err = p11_problem(pr->pb, NULL, rv,
		    "initializing the token");
	else
		*err = finish(pr);
	return rv;
}

/* A PIN within the token's bounds, or a remark that says what they are. */
static bool
length_ok(struct preparation *pr, struct problem *remark)
{
	size_t len = pin_view(pr->pin).len;
	uint32_t min, max;

	p11_pin_lengths(&pr->info, &min, &max);
	if (min == 0)
		min = 1;
	if (len >= min && len <= max)
		return true;
	problem_say(remark, GPG_ERR_BAD_PIN,
	    "the PIN must have %u to %u characters", min, max);
	return false;
}

static gpg_error_t
converse(struct preparation *pr)
{
	enum pin_verdict verdict = PIN_ASK_NEW;
	struct problem remark = { "" };
	gpg_error_t err;
	CK_RV rv;

	for (;;) {
		if (p11_say(pr->fd, verdict, &pr->info, remark.text) ||
		    (err = talk_hear(pr->fd, pr->pin)))
			return problem_say(pr->pb, GPG_ERR_CANCELED,
			    "no new PIN was entered");
		verdict = PIN_WRONG;
		if (!length_ok(pr, &remark))
			continue;
		rv = initialize(pr, &err);
		if (!p11_rv_is_wrong_pin(rv))
			return err;
		problem_say(&remark, GPG_ERR_BAD_PIN,
		    "the token does not take this PIN: choose another");
	}
}

static gpg_error_t
use_source(struct preparation *pr)
{
	struct pin_stamp stamp;
	gpg_error_t err;

	if (!pr->p->pin_source)
		return problem_say(pr->pb, GPG_ERR_PIN_NOT_SYNCED,
		    "the new token wants a new PIN");
	if ((err = p11_pin_source(pr->p, pr->pin, &stamp, pr->pb)))
		return err;
	if (!length_ok(pr, pr->pb))
		return gpg_error(GPG_ERR_BAD_PIN);
	initialize(pr, &err);
	return err;
}

static gpg_error_t
prepare(struct preparation *pr)
{
	gpg_error_t err;

	if ((err = find_empty(pr)) || (err = check_empty(pr)))
		return err;
	if (pin_new(&pr->pin))
		return problem_say(pr->pb, GPG_ERR_ENOMEM, "no memory can be "
		    "locked for the PIN: raise \"ulimit -l\"");
	err = pr->fd == -1 ? use_source(pr) : converse(pr);
	pin_free(&pr->pin);
	return err;
}

gpg_error_t
p11_prepare(void *state, const struct msg_token_prepare *in, int fd,
    struct problem *pb)
{
	struct preparation pr = { .p = state, .fd = fd, .pb = pb };
	struct p11 *p = state;
	gpg_error_t err;
	bool busy;

	memset(pr.label, ' ', sizeof(pr.label));
	if (in->label.len == 0 || in->label.len > sizeof(pr.label))
		return problem_say(pb, GPG_ERR_INV_NAME,
		    "a token's label has 1 to 32 characters");
	memcpy(pr.label, in->label.p, in->label.len);
	pthread_mutex_lock(&p->mu);
	busy = p->preparing;
	p->preparing = true;
	pthread_mutex_unlock(&p->mu);
	if (busy)
		return problem_say(pb, GPG_ERR_EBUSY,
		    "another token is being initialized: wait for it");
	err = prepare(&pr);
	pthread_mutex_lock(&p->mu);
	p->preparing = false;
	pthread_mutex_unlock(&p->mu);
	if (!err)
		p11_say(fd, PIN_GOOD, &pr.info, NULL);
	else if (gpg_err_code(err) != GPG_ERR_CANCELED)
		p11_say(fd, PIN_FAILED, &pr.info, pb->text);
	return err;
}
