/* One card: found again, held for a burst of commands, let go. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "piv.h"

#define SEEN_MS 800		/* until pcscd has seen what was plugged */
#define POLL_MS 50

struct piv_title
piv_card_title(const struct piv_card *c)
{
	struct piv_title t;

	if (c->serial)
		snprintf(t.text, sizeof(t.text), "YubiKey %u",
		    (unsigned)c->serial);
	else
		strcpy(t.text, "the card");
	return t;
}

struct piv_card *
piv_card_get(struct piv *p, uint32_t number)
{
	return number < atomic_load(&p->card_count) ? p->cards[number] : NULL;
}

struct piv_card *
piv_card_by_serial(struct piv *p, uint32_t serial)
{
	struct piv_card *c;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++)
		if (c->serial == serial)
			return c;
	return NULL;
}

gpg_error_t
piv_card_add(struct piv *p, uint32_t serial, struct piv_card **out)
{
	uint32_t n = atomic_load(&p->card_count);
	struct piv_card *c;

	*out = NULL;
	if (n == PIV_CARDS_MAX || !(c = calloc(1, sizeof(*c))))
		return gpg_error(GPG_ERR_ENOMEM);
	c->number = n;
	c->serial = serial;
	c->tries = PIN_TRIES_UNKNOWN;
	atomic_store(&c->shared, true);
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->mu, NULL);
	if (pin_new(&c->pin) || pin_new(&c->mgm)) {
		piv_card_free(c);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	p->cards[n] = c;
	atomic_store(&p->card_count, n + 1);
	*out = c;
	return 0;
}

void
piv_card_free(struct piv_card *c)
{
	piv_card_let_go(c);
	for (unsigned i = 0; i < c->key_count; i++) {
		pubkey_free(&c->keys[i]->pub);
		free(c->keys[i]);
	}
	pin_free(&c->pin);
	pin_free(&c->mgm);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->mu);
	free(c);
}

/* ---- the reader ---- */

static LONG
reader_state(SCARDCONTEXT context, const char *reader, uint32_t *events)
{
	SCARD_READERSTATE rs = { .szReader = reader };
	LONG rv;

	rv = SCardGetStatusChange(context, 0, &rs, 1);
	if (rv != SCARD_S_SUCCESS)
		return rv;
	*events = (uint32_t)(rs.dwEventState >> 16);
	return rs.dwEventState & SCARD_STATE_PRESENT ? SCARD_S_SUCCESS :
	    SCARD_E_NO_SMARTCARD;
}

/* ---- who it is ---- */

gpg_error_t
piv_select(struct piv_card *c, int *sw)
{
	static const uint8_t aid[] = { 0xa0, 0, 0, 3, 8 };

	return piv_send(c, &(struct piv_command){ 0xa4, 4, 0,
	    view_of(aid, sizeof(aid)) }, NULL, sw);
}

static gpg_error_t
take_serial(const struct buf *reply, uint32_t *serial)
{
	struct view v = buf_view(reply);

	return v.len != 4 || view_get_u32(&v, serial) ?
	    gpg_error(GPG_ERR_CARD) : 0;
}

/*
 * Before firmware 5 it is the OTP application that knows; PIV is selected
 * again, whatever it said.
 */
static gpg_error_t
otp_serial(struct piv_card *c, struct buf *reply, uint32_t *serial)
{
	static const uint8_t aid[] = { 0xa0, 0, 0, 5, 0x27, 0x20, 1 };
	gpg_error_t err;
	int sw, piv;

	err = piv_send(c, &(struct piv_command){ 0xa4, 4, 0,
	    view_of(aid, sizeof(aid)) }, NULL, &sw);
	if (!err && sw == SW_OK)
		err = piv_send(c, &(struct piv_command){ 1, 0x10, 0,
		    view_of(NULL, 0) }, reply, &sw);
	if (!err)
		err = sw == SW_OK ? take_serial(reply, serial) :
		    gpg_error(GPG_ERR_NOT_SUPPORTED);
	if (gpg_err_code(err) == GPG_ERR_CARD)
		return err;
	if (piv_select(c, &piv) || piv != SW_OK)
		return gpg_error(GPG_ERR_CARD);
	return err;
}

gpg_error_t
piv_serial(struct piv_card *c, uint32_t *serial)
{
	struct buf reply;
	gpg_error_t err;
	int sw;

	buf_init(&reply, PIV_REPLY_MAX);
	err = piv_send(c, &(struct piv_command){ .ins = 0xf8 }, &reply, &sw);
	if (!err && sw == SW_OK)
		err = take_serial(&reply, serial);
	else if (!err && sw != 0x6d00 && sw != 0x6e00)
		err = gpg_error(GPG_ERR_CARD);
	else if (!err)
		err = otp_serial(c, &reply, serial);
	buf_free(&reply);
	return !err && *serial == 0 ? gpg_error(GPG_ERR_NOT_SUPPORTED) : err;
}

/* Only a card that says so has no PIV; others are asked again. */
static gpg_error_t
who(struct piv_burst *b, uint32_t *serial)
{
	struct piv_card c = { .burst = *b };
	gpg_error_t err;
	int sw;

	err = piv_select(&c, &sw);
	if (!err && sw != SW_OK && sw != SW_NO_FILE)
		err = gpg_error(GPG_ERR_CARD);
	if (err || sw != SW_OK || (err = piv_serial(&c, serial)))
		*serial = 0;
	return gpg_err_code(err) == GPG_ERR_NOT_SUPPORTED ? 0 : err;
}

gpg_error_t
piv_identify(struct piv *p, const char *reader, uint32_t *serial,
    struct problem *pb)
{
	char what[MAX_READERNAME + 32];
	gpg_error_t err;
	LONG rv;

	rv = piv_burst_ask(p, reader, who, serial, &err);
	if (rv == SCARD_E_TIMEOUT)
		return problem_say(pb, GPG_ERR_CARD, "the card in the reader "
		    "\"%s\" does not answer: take it out", reader);
	if (rv != SCARD_S_SUCCESS) {
		snprintf(what, sizeof(what), "the card in the reader \"%s\"",
		    reader);
		return piv_burst_problem(pb, rv, what);
	}
	return err ? problem_say(pb, GPG_ERR_CARD, "the card in the reader "
	    "\"%s\" gave no answer that can be understood", reader) : 0;
}

/* ---- holding and letting go ---- */

static gpg_error_t
not_here(const struct piv_card *c, struct problem *pb)
{
	return problem_say(pb, GPG_ERR_CARD_NOT_PRESENT,
	    "%s is not plugged in", piv_card_title(c).text);
}

void
piv_card_left(struct piv_card *c)
{
	pthread_mutex_lock(&c->mu);
	c->present = false;
	c->known = false;
	c->flags &= ~(uint32_t)TOKEN_LOGGED_IN;
	for (unsigned i = 0; i < c->key_count; i++)
		c->keys[i]->here = false;
	pthread_mutex_unlock(&c->mu);
	piv_pin_drop(c);
	atomic_store(&c->shared, true);
}

/* Nobody waits for a touch of one whose keys are not known. */
static uint64_t
patience(struct piv_card *c)
{
	bool known;

	pthread_mutex_lock(&c->mu);
	known = c->known;
	pthread_mutex_unlock(&c->mu);
	return known ? PIV_HUNG_MS : PIV_MUTE_MS;
}

gpg_error_t
piv_card_lock(struct piv_card *c, struct problem *pb)
{
	struct timespec until;
	uint64_t since;

	clock_gettime(CLOCK_MONOTONIC, &until);
	while (pthread_mutex_clocklock(&c->lock, CLOCK_MONOTONIC, &until)) {
		since = atomic_load(&c->asked_ms);
		if (since && keeper_now() > since + patience(c))
			return problem_say(pb, GPG_ERR_TIMEOUT, "%s does not "
			    "answer any more: take it out and put it in again",
			    piv_card_title(c).text);
		until.tv_sec++;
	}
	return 0;
}

void
piv_card_unlock(struct piv_card *c)
{
	atomic_store(&c->asked_ms, 0);
	pthread_mutex_unlock(&c->lock);
}

void
piv_card_let_go(struct piv_card *c)
{
	if (!c->burst.yk)
		return;
	atomic_store(&c->asked_ms, keeper_now());
	piv_burst_end(&c->burst);
	pthread_mutex_lock(&c->mu);
	c->let_go_ms = 0;
	c->used_ms = keeper_now();
	pthread_mutex_unlock(&c->mu);
}

void
piv_card_used(struct piv *p, struct piv_card *c)
{
	bool held;

	/* What was forgotten meanwhile is not left verified either. */
	pthread_mutex_lock(&c->mu);
	held = pin_view(c->pin).len > 0;
	pthread_mutex_unlock(&c->mu);
	if (c->burst.verified && !held)
		piv_card_let_go(c);
	pthread_mutex_lock(&c->mu);
	c->let_go_ms = c->burst.yk ? keeper_now() + PIV_HOLD_MS : 0;
	c->used_ms = keeper_now();
	pthread_mutex_unlock(&c->mu);
	keeper_set(p->parter, keeper_now());
}

/* Another card may be in the reader now; it would pay for a wrong PIN. */
static gpg_error_t
check_card(struct piv_card *c, const char *reader, uint32_t events,
    struct problem *pb)
{
	uint32_t now = 0, serial = 0;
	gpg_error_t err;
	LONG rv;
	int sw;

	rv = reader_state(c->burst.context, reader, &now);
	if (rv != SCARD_S_SUCCESS)
		return not_here(c, pb);
	if ((err = piv_select(c, &sw)))
		return err;
	if (sw != SW_OK)
		return not_here(c, pb);
	if (now == events)
		return 0;
	/* Taken out meanwhile; a serial number alone proves nothing. */
	piv_pin_drop(c);
	atomic_store(&c->shared, true);
	if ((err = piv_serial(c, &serial)))
		return err;
	if (serial != c->serial)
		return not_here(c, pb);
	pthread_mutex_lock(&c->mu);
	c->events = now;
	pthread_mutex_unlock(&c->mu);
	return 0;
}

static gpg_error_t
connect_problem(struct piv_card *c, LONG rv, struct problem *pb)
{
	gpg_error_t err = piv_burst_problem(pb, rv, piv_card_title(c).text);

	if (gpg_err_code(err) == GPG_ERR_LOCKED)
		atomic_store(&c->shared, true);
	if (gpg_err_code(err) == GPG_ERR_LOCKED ||
	    rv == SCARD_E_NO_MEMORY || rv == SCARD_E_NO_SERVICE ||
	    rv == SCARD_E_SERVICE_STOPPED)
		return err;
	piv_card_left(c);
	return not_here(c, pb);
}

gpg_error_t
piv_card_reach(struct piv *p, struct piv_card *c, struct problem *pb)
{
	char reader[MAX_READERNAME];
	uint32_t events;
	gpg_error_t err;
	bool present;
	LONG rv;

	atomic_store(&c->asked_ms, keeper_now());
	if (c->burst.yk && piv_burst_is_good(&c->burst))
		return 0;
	piv_card_let_go(c);
	pthread_mutex_lock(&c->mu);
	strcpy(reader, c->reader);
	events = c->events;
	present = c->present;
	pthread_mutex_unlock(&c->mu);
	if (!present)
		return not_here(c, pb);
	rv = piv_burst_begin(p, &c->burst, reader);
	if (rv != SCARD_S_SUCCESS)
		return connect_problem(c, rv, pb);
	if (!(err = check_card(c, reader, events, pb)))
		return 0;
	piv_card_let_go(c);
	if (gpg_err_code(err) != GPG_ERR_CARD_NOT_PRESENT)
		return piv_card_lost(p, c, pb);
	piv_card_left(c);
	return err;
}

/* A serial number does not tell which of two is the user's own. */
gpg_error_t
piv_card_hold(struct piv *p, struct piv_card *c, struct problem *pb)
{
	bool doubled;

	pthread_mutex_lock(&c->mu);
	doubled = c->doubled;
	pthread_mutex_unlock(&c->mu);
	if (doubled)
		return problem_say(pb, GPG_ERR_CARD, "two cards say that they "
		    "are %s, and neither is sent a PIN or asked to sign: take "
		    "out the one that is not yours", piv_card_title(c).text);
	return piv_card_reach(p, c, pb);
}

/*
 * pcscd looks twice a second what is in a reader.  Where it has not seen yet
 * that a card is gone and cannot reset it, it calls the reader empty until it
 * sees the next card come, which it does not if that is quicker; so the reset
 * waits until the card answers again or pcscd has seen.
 */
static void
settle(struct piv_card *c)
{
	uint64_t end = keeper_now() + SEEN_MS;
	int sw;

	while (c->burst.yk && c->burst.dirty && piv_select(c, &sw) &&
	    piv_burst_is_good(&c->burst) && keeper_now() < end)
		nanosleep(&(struct timespec){ 0, POLL_MS * 1000000L }, NULL);
}

gpg_error_t
piv_card_lost(struct piv *p, struct piv_card *c, struct problem *pb)
{
	struct piv_title t = piv_card_title(c);
	SCARDCONTEXT context;
	char reader[MAX_READERNAME];
	uint32_t events = 0, had;
	LONG rv;

	settle(c);
	piv_card_let_go(c);
	pthread_mutex_lock(&c->mu);
	strcpy(reader, c->reader);
	had = c->events;
	pthread_mutex_unlock(&c->mu);
	rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
	if (rv == SCARD_S_SUCCESS) {
		rv = reader_state(context, reader, &events);
		SCardReleaseContext(context);
	}
	if (rv == SCARD_S_SUCCESS && events == had)
		return problem_say(pb, GPG_ERR_CARD, "%s gave no answer that "
		    "can be understood", t.text);
	piv_card_left(c);
	return problem_say(pb, GPG_ERR_CARD_REMOVED,
	    "token removed: %s was taken out of its reader", t.text);
}
