/*
 * A login for which a person is asked: one VERIFY for each PIN that is
 * entered, one verdict each, and never the last try unless it was said that
 * it is the last.  The card is not held while the person types.
 */
#include "config.h"

#include <string.h>

#include "piv.h"
#include "talk.h"

#define PATIENCE_MS 60000	/* with a program that has the card */

struct ask {
	struct piv *p;
	struct piv_card *card;
	int fd;
	struct pin *pin;
	struct piv_word word;		/* the next */
	struct problem remark;		/* what goes with it */
	struct problem *pb;
};

gpg_error_t
piv_say(int fd, const struct piv_word *w)
{
	struct msg_pin_verdict v = {
		.verdict = (uint8_t)w->verdict,
		.tries_left = w->tries,
		.min_length = w->min,
		.max_length = w->max,
		.problem = view_str(w->problem ? w->problem : ""),
	};

	return talk_say(fd, &v);
}

gpg_error_t
piv_ask_begin(struct piv *p, uint32_t slot, struct piv_card **out,
    struct problem *pb)
{
	struct piv_card *c = piv_card_get(p, slot);
	bool busy;

	if (!(*out = c))
		return problem_say(pb, GPG_ERR_CARD_NOT_PRESENT,
		    "there is no such token");
	pthread_mutex_lock(&c->mu);
	busy = c->asking;
	c->asking = true;
	pthread_mutex_unlock(&c->mu);
	return busy ? problem_say(pb, GPG_ERR_EBUSY,
	    "somebody is being asked for the PIN of %s already: answer there",
	    piv_card_title(c).text) : 0;
}

void
piv_ask_end(struct piv_card *c)
{
	pthread_mutex_lock(&c->mu);
	c->asking = false;
	pthread_mutex_unlock(&c->mu);
}

/* The card's word on the tries decides the next one to the person. */
static void
look_at_tries(struct ask *a, enum pin_verdict otherwise, uint32_t tries)
{
	a->word.verdict = tries == 0 ? PIN_LOCKED :
	    tries == 1 ? PIN_LAST : otherwise;
	a->word.tries = tries;
}

/* With the card held. */
static gpg_error_t
look(struct ask *a, enum pin_verdict otherwise)
{
	uint32_t tries;
	gpg_error_t err;
	bool verified;

	if ((err = piv_pin_tries(a->card, &verified, &tries, a->pb)))
		return piv_card_lost(a->p, a->card, a->pb);
	look_at_tries(a, verified ? PIN_GOOD : otherwise, tries);
	return 0;
}

/* Whether the card still has the tries that the person was told of. */
static gpg_error_t
is_fair(struct ask *a, bool *fair)
{
	enum pin_verdict told = a->word.verdict;
	gpg_error_t err;

	*fair = false;
	if ((err = look(a, told)))
		return err;
	if (a->word.verdict == PIN_GOOD)	/* somebody was first */
		return 0;
	if (a->word.verdict == PIN_LAST && told != PIN_LAST)
		problem_say(&a->remark, 0, "another program has used up tries "
		    "meanwhile; the PIN was not tried");
	else
		*fair = a->word.verdict != PIN_LOCKED;
	return 0;
}

/* One entry, one VERIFY at most; with the card held. */
static gpg_error_t
try_entry(struct ask *a)
{
	gpg_error_t err;
	bool fair;
	int sw;

	if ((err = is_fair(a, &fair)) || !fair)
		return err;
	err = piv_pin_verify(a->card, a->pin, &sw);
	if (gpg_err_code(err) == GPG_ERR_INV_LENGTH) {
		problem_say(&a->remark, 0, "no PIN of a YubiKey has that "
		    "length");
		a->word.verdict = PIN_WRONG;
		return 0;
	}
	if (err)
		return piv_card_lost(a->p, a->card, a->pb);
	if (sw == SW_OK) {
		piv_pin_hold(a->p, a->card, a->pin);
		a->word.verdict = PIN_GOOD;
		return 0;
	}
	if (piv_sw_is_tries(sw))
		look_at_tries(a, PIN_WRONG, (uint32_t)sw & 0xf);
	else if (sw == SW_BLOCKED)
		look_at_tries(a, PIN_WRONG, 0);
	else
		return piv_problem(a->pb, a->card, sw, "verifying the PIN");
	return 0;
}

static gpg_error_t
hex_digit(uint8_t c, uint8_t *out)
{
	if (c >= '0' && c <= '9')
		*out = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*out = (uint8_t)(c - 'a' + 10);
	else if (c >= 'A' && c <= 'F')
		*out = (uint8_t)(c - 'A' + 10);
	else
		return gpg_error(GPG_ERR_INV_VALUE);
	return 0;
}

gpg_error_t
piv_mgm_decode(struct pin *pin, size_t want)
{
	struct view v = pin_view(pin);
	size_t size;
	uint8_t *room = pin_room(pin, &size), high = 0, low = 0;
	gpg_error_t err = 0;

	if (v.len != 2 * want || want > size)
		err = gpg_error(GPG_ERR_INV_LENGTH);
	for (size_t i = 0; i < want && !err; i++) {
		(void)((err = hex_digit(v.p[2 * i], &high)) ||
		    (err = hex_digit(v.p[2 * i + 1], &low)));
		room[i] = (uint8_t)(high << 4 | low);
	}
	if (!err)
		err = pin_set(pin, view_of(room, want));
	pin_wipe_room(pin);
	return err;
}

/* The management key, in hex; a wrong one costs nothing. */
static gpg_error_t
try_management(struct ask *a)
{
	gpg_error_t err;
	bool good;

	if (piv_mgm_decode(a->pin, piv_mgm_len(a->card->mgm_algorithm))) {
		problem_say(&a->remark, 0, "the management key has %zu "
		    "hexadecimal digits",
		    2 * piv_mgm_len(a->card->mgm_algorithm));
		a->word.verdict = PIN_WRONG;
		return 0;
	}
	if ((err = piv_manage_try(a->card, pin_view(a->pin), &good, a->pb)))
		return gpg_err_code(err) == GPG_ERR_CARD ?
		    piv_card_lost(a->p, a->card, a->pb) : err;
	if (good)
		piv_mgm_hold(a->p, a->card, a->pin);
	a->word.verdict = good ? PIN_GOOD : PIN_WRONG;
	return 0;
}

typedef gpg_error_t step(struct ask *);

/* What was typed is not lost because another program has the card. */
static gpg_error_t
held(struct ask *a, step *do_it)
{
	uint64_t end = keeper_now() + PATIENCE_MS;
	gpg_error_t err;

	do {
		if ((err = piv_card_lock(a->card, a->pb)))
			return err;
		if (!(err = piv_card_hold(a->p, a->card, a->pb)))
			err = do_it(a);
		piv_card_used(a->p, a->card);
		piv_card_unlock(a->card);
	} while (gpg_err_code(err) == GPG_ERR_LOCKED && keeper_now() < end);
	return err;
}

static gpg_error_t
look_first(struct ask *a)
{
	return look(a, PIN_ASK);
}

static gpg_error_t
take_entry(struct ask *a, step *try)
{
	gpg_error_t err;

	a->word.problem = a->remark.text[0] ? a->remark.text :
	    a->word.problem;
	if ((err = piv_say(a->fd, &a->word)) ||
	    (err = talk_hear(a->fd, a->pin)))
		return gpg_err_code(err) == GPG_ERR_CANCELED ?
		    problem_say(a->pb, GPG_ERR_CANCELED,
		    "no PIN was entered") :
		    problem_say(a->pb, gpg_err_code(err),
		    "the prompter sent what is no PIN");
	a->remark.text[0] = 0;
	a->word.problem = NULL;
	err = held(a, try);
	pin_wipe(a->pin);
	return err;
}

static gpg_error_t
converse(struct ask *a, enum token_secret secret)
{
	step *try = secret == SECRET_PIN ? try_entry : try_management;
	gpg_error_t err;

	a->word = (struct piv_word){ .verdict = PIN_ASK,
		.tries = PIN_TRIES_UNKNOWN, .min = 6, .max = PIV_PIN_LEN };
	if (secret == SECRET_PIN && (err = held(a, look_first)))
		return err;
	if (secret == SECRET_MANAGEMENT) {
		a->word.problem = "management key";
		a->word.min = 32;
		a->word.max = 2 * PIV_MGM_MAX;
	}
	while (a->word.verdict != PIN_GOOD && a->word.verdict != PIN_LOCKED)
		if ((err = take_entry(a, try)))
			return err;
	return a->word.verdict == PIN_LOCKED ? piv_blocked(a->pb, a->card) : 0;
}

gpg_error_t
piv_login(void *state, uint32_t slot, enum token_secret secret, int fd,
    struct problem *pb)
{
	struct ask a = { .p = state, .fd = fd, .pb = pb };
	gpg_error_t err;

	if ((err = piv_ask_begin(a.p, slot, &a.card, pb)))
		return err;
	err = pin_new(&a.pin) ? piv_no_memory(pb) : converse(&a, secret);
	pin_free(&a.pin);
	piv_ask_end(a.card);
	a.word = (struct piv_word){ .verdict = PIN_GOOD };
	if (err) {
		a.word.verdict = gpg_err_code(err) == GPG_ERR_PIN_BLOCKED ?
		    PIN_LOCKED : PIN_FAILED;
		a.word.problem = pb->text;
	}
	if (gpg_err_code(err) != GPG_ERR_CANCELED)
		piv_say(fd, &a.word);
	return err;
}
