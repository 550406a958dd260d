/* Readers, and which card is in which. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "piv.h"
#include "wire/text.h"

#define SLOT_ROOM 1024		/* for one token_slot, bytes */

gpg_error_t
piv_pcsc_problem(struct problem *pb, LONG rv)
{
	if (rv == SCARD_E_NO_SERVICE || rv == SCARD_E_SERVICE_STOPPED)
		return problem_say(pb, GPG_ERR_CARD, "the smart card service "
		    "does not run: start pcscd (systemctl start pcscd.socket)");
	return problem_say(pb, GPG_ERR_CARD, "the smart card service fails: %s",
	    pcsc_stringify_error(rv));
}

/* ---- readers ---- */

LONG
piv_readers_get(SCARDCONTEXT context, struct piv_readers *r)
{
	DWORD len = 0;
	LONG rv;

	memset(r, 0, sizeof(*r));
	rv = SCardListReaders(context, NULL, NULL, &len);
	if (rv == SCARD_E_NO_READERS_AVAILABLE)
		return SCARD_S_SUCCESS;
	if (rv != SCARD_S_SUCCESS)
		return rv;
	if (!(r->names = calloc(1, len + 1)))
		return SCARD_E_NO_MEMORY;
	rv = SCardListReaders(context, NULL, r->names, &len);
	if (rv != SCARD_S_SUCCESS) {
		piv_readers_free(r);
		return rv == SCARD_E_NO_READERS_AVAILABLE ?
		    SCARD_S_SUCCESS : rv;
	}
	for (char *s = r->names; *s && r->count < PIV_READERS_MAX;
	    s += strlen(s) + 1)
		if (strlen(s) < MAX_READERNAME)
			r->states[r->count++].szReader = s;
	return SCARD_S_SUCCESS;
}

void
piv_readers_free(struct piv_readers *r)
{
	free(r->names);
	memset(r, 0, sizeof(*r));
}

/* Every YubiKey has "Yubi" among its historical bytes. */
static bool
atr_is_yubikey(const SCARD_READERSTATE *rs)
{
	size_t len = rs->cbAtr;

	for (size_t i = 0; len <= sizeof(rs->rgbAtr) && i + 4 <= len; i++)
		if (!memcmp(rs->rgbAtr + i, "Yubi", 4))
			return true;
	return false;
}

bool
piv_reader_fits(const struct piv *p, const SCARD_READERSTATE *rs)
{
	return (rs->dwEventState & SCARD_STATE_PRESENT) &&
	    !(rs->dwEventState & SCARD_STATE_MUTE) &&
	    (!p->reader || strstr(rs->szReader, p->reader)) &&
	    atr_is_yubikey(rs);
}

/* ---- which card is where; with piv->scan held ---- */

static const struct piv_other *
other_in(const struct piv *p, const char *reader, uint32_t events)
{
	for (unsigned i = 0; i < p->other_count; i++)
		if (p->others[i].events == events &&
		    !strcmp(p->others[i].reader, reader))
			return &p->others[i];
	return NULL;
}

static void
note_other(struct piv *p, const char *reader, uint32_t events, uint32_t claims)
{
	unsigned i = 0;

	while (i < p->other_count && strcmp(p->others[i].reader, reader))
		i++;
	if (i == PIV_READERS_MAX)
		i = 0;
	if (i == p->other_count)
		p->other_count++;
	strcpy(p->others[i].reader, reader);
	p->others[i].events = events;
	p->others[i].claims = claims;
}

static struct piv_card *
card_in(struct piv *p, const char *reader, uint32_t events)
{
	struct piv_card *c;
	bool here;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++) {
		pthread_mutex_lock(&c->mu);
		here = c->present && c->events == events &&
		    !strcmp(c->reader, reader);
		pthread_mutex_unlock(&c->mu);
		if (here)
			return c;
	}
	return NULL;
}

static gpg_error_t
note_card(struct piv *p, uint32_t serial, const char *reader, uint32_t events,
    struct piv_card **out)
{
	struct piv_card *c = piv_card_by_serial(p, serial);
	gpg_error_t err;

	if (!c && (err = piv_card_add(p, serial, &c)))
		return err;
	piv_card_left(c);
	pthread_mutex_lock(&c->mu);
	c->present = true;
	c->events = events;
	strcpy(c->reader, reader);
	pthread_mutex_unlock(&c->mu);
	*out = c;
	return 0;
}

/* What a scan saw. */
struct seen {
	struct piv_readers readers;
	bool here[PIV_CARDS_MAX];
	bool doubled[PIV_CARDS_MAX];
};

static uint32_t
events_of(const SCARD_READERSTATE *rs)
{
	return (uint32_t)(rs->dwEventState >> 16);
}

/* Whether a card has not left the reader that it is in, another than this. */
static bool
is_elsewhere(struct piv_card *c, const struct piv_readers *r,
    const char *reader)
{
	bool here = false;

	pthread_mutex_lock(&c->mu);
	for (unsigned i = 0; i < r->count && c->present; i++)
		here |= strcmp(c->reader, reader) &&
		    !strcmp(c->reader, r->states[i].szReader) &&
		    (r->states[i].dwEventState & SCARD_STATE_PRESENT) &&
		    c->events == events_of(&r->states[i]);
	pthread_mutex_unlock(&c->mu);
	return here;
}

/* A card that has come to a reader, or that nobody could be sure of. */
static gpg_error_t
take_card(struct piv *p, const SCARD_READERSTATE *rs, uint32_t serial,
    struct seen *seen)
{
	struct piv_card *c = piv_card_by_serial(p, serial);
	gpg_error_t err;

	if (c && is_elsewhere(c, &seen->readers, rs->szReader)) {
		note_other(p, rs->szReader, events_of(rs), serial);
		seen->doubled[c->number] = true;
		return 0;
	}
	if (!(err = note_card(p, serial, rs->szReader, events_of(rs), &c)))
		seen->here[c->number] = true;
	return err;
}

static gpg_error_t
scan_reader(struct piv *p, const SCARD_READERSTATE *rs, struct seen *seen,
    struct problem *pb)
{
	const struct piv_other *other = other_in(p, rs->szReader,
	    events_of(rs));
	uint32_t serial = other ? other->claims : 0;
	struct piv_card *c;
	gpg_error_t err;

	if (!piv_reader_fits(p, rs) || (other && serial == 0))
		return 0;
	if ((c = card_in(p, rs->szReader, events_of(rs)))) {
		seen->here[c->number] = true;
		return 0;
	}
	if (!other && (err = piv_identify(p, rs->szReader, &serial, pb)))
		return err;
	if (serial != 0)
		return take_card(p, rs, serial, seen);
	note_other(p, rs->szReader, events_of(rs), 0);
	return 0;
}

/* The PIN was for one of them. */
static void
mark_doubled(struct piv *p, const bool *doubled)
{
	struct piv_card *c;
	bool was;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++) {
		pthread_mutex_lock(&c->mu);
		was = c->doubled;
		c->doubled = doubled[i];
		pthread_mutex_unlock(&c->mu);
		if (doubled[i] && !was)
			piv_pin_drop(c);
	}
}

static void
miss_the_rest(struct piv *p, const bool *here)
{
	struct piv_card *c;
	bool present;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++) {
		pthread_mutex_lock(&c->mu);
		present = c->present;
		pthread_mutex_unlock(&c->mu);
		if (present && !here[i])
			piv_card_left(c);
	}
}

/* A reader that fails hides no other. */
static gpg_error_t
scan_all(struct piv *p, SCARDCONTEXT context, struct problem *pb)
{
	struct seen seen = { .here = { false }, .doubled = { false } };
	struct piv_readers *r = &seen.readers;
	gpg_error_t err, failed = 0;
	unsigned count = 0;
	LONG rv;

	if ((rv = piv_readers_get(context, r)) == SCARD_S_SUCCESS &&
	    r->count > 0)
		rv = SCardGetStatusChange(context, 0, r->states, r->count);
	if (rv != SCARD_S_SUCCESS && rv != SCARD_E_TIMEOUT)
		failed = piv_pcsc_problem(pb, rv);
	for (unsigned i = 0; i < r->count && rv == SCARD_S_SUCCESS; i++)
		if ((err = scan_reader(p, &r->states[i], &seen, pb)))
			failed = err;
	miss_the_rest(p, seen.here);
	mark_doubled(p, seen.doubled);
	for (unsigned i = 0; i < PIV_CARDS_MAX; i++)
		count += seen.here[i];
	piv_readers_free(r);
	return count > 0 ? 0 : failed;
}

gpg_error_t
piv_scan(struct piv *p, struct problem *pb)
{
	static const bool none[PIV_CARDS_MAX];
	SCARDCONTEXT context;
	gpg_error_t err;
	LONG rv;

	pthread_mutex_lock(&p->scan);
	rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
	if (rv == SCARD_S_SUCCESS) {
		err = scan_all(p, context, pb);
		SCardReleaseContext(context);
	} else {
		miss_the_rest(p, none);
		err = piv_pcsc_problem(pb, rv);
	}
	pthread_mutex_unlock(&p->scan);
	return err;
}

/* ---- the listing ---- */

static void
put_card(struct piv_card *c, struct buf *b, struct msg_list *list)
{
	char label[64], serial[16], firmware[16], model[32];
	struct msg_token_slot out = { .slot = c->number };

	if (b->max - buf_len(b) < SLOT_ROOM)
		return;
	pthread_mutex_lock(&c->mu);
	snprintf(firmware, sizeof(firmware), "%u.%u.%u", c->firmware[0],
	    c->firmware[1], c->firmware[2]);
	snprintf(model, sizeof(model), "YubiKey %u", c->firmware[0]);
	out.tries_left = c->tries;
	out.flags = c->flags | TOKEN_LOGIN;
	if (c->pin_until > keeper_now() && pin_view(c->pin).len > 0)
		out.flags |= TOKEN_LOGGED_IN;
	if (c->doubled)
		out.flags |= TOKEN_DOUBLED;
	pthread_mutex_unlock(&c->mu);
	if (out.tries_left == 0)
		out.flags |= TOKEN_PIN_LOCKED;
	else if (out.tries_left == 1)
		out.flags |= TOKEN_PIN_LAST;
	snprintf(label, sizeof(label), "%s", piv_card_title(c).text);
	snprintf(serial, sizeof(serial), "%u", (unsigned)c->serial);
	out.label = view_str(label);
	out.serial = view_str(serial);
	out.manufacturer = view_str("Yubico");
	out.model = view_str(model);
	out.firmware = view_str(firmware);
	msg_list_add(b, list, MSG_token_slot, &out);
}

static bool
is_known(struct piv_card *c, bool *present)
{
	bool known;

	pthread_mutex_lock(&c->mu);
	known = c->known;
	*present = c->present;
	pthread_mutex_unlock(&c->mu);
	return known;
}

/*
 * A card that is at work, perhaps waiting for a touch, is not disturbed; but
 * one that nobody has looked at is waited for.
 */
static gpg_error_t
look_at(struct piv *p, struct piv_card *c, bool anew, struct problem *pb)
{
	gpg_error_t err = 0;
	bool known, present;

	known = is_known(c, &present);
	if (!present || (known && !anew))
		return 0;
	if (known && pthread_mutex_trylock(&c->lock))
		return 0;
	if (!known && (err = piv_card_lock(c, pb)))
		return err;
	if ((anew || !is_known(c, &present)) &&
	    !(err = piv_card_reach(p, c, pb)))
		err = piv_keys_read(p, c, pb);
	piv_card_used(p, c);
	piv_card_unlock(c);
	return err;
}

gpg_error_t
piv_list(void *state, unsigned worker, bool anew, struct buf *slot_buf,
    struct msg_list *slots, struct buf *key_buf, struct msg_list *keys,
    struct problem *pb)
{
	struct piv *p = state;
	gpg_error_t err, failed = 0;
	struct piv_card *c;
	bool present;

	if ((err = piv_scan(p, pb)))
		return err;
	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++) {
		if ((err = look_at(p, c, anew, pb)) &&
		    gpg_err_code(err) != GPG_ERR_CARD_NOT_PRESENT &&
		    gpg_err_code(err) != GPG_ERR_CARD_REMOVED)
			failed = err;
		pthread_mutex_lock(&c->mu);
		present = c->present && c->known;
		pthread_mutex_unlock(&c->mu);
		if (!present)
			continue;
		put_card(c, slot_buf, slots);
		piv_keys_put(c, 0, key_buf, keys);
	}
	if (failed && slots->count == 0)
		return failed;
	if ((err = buf_error(slot_buf)) || (err = buf_error(key_buf)))
		return problem_say(pb, gpg_err_code(err),
		    "the list of keys could not be built");
	return 0;
}
