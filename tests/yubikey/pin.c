/* PIN and PUK: verified, changed, unblocked, counted down, reset. */
#include <config.h>

#include <string.h>

#include <openssl/crypto.h>

#include "card.h"

#define REF_PIN 0x80
#define REF_PUK 0x81

static uint16_t
tries(const struct pin *p)
{
	if (p->left == 0)
		return SW_BLOCKED;
	return SW_TRIES | (p->left < 15 ? p->left : 15);
}

/* A try is paid before it is known whether it was needed, as it must be. */
static bool
is_right(struct card *c, struct pin *p, const uint8_t *value)
{
	bool right;

	if (p->left == 0)
		return false;
	p->left--;
	state_save(&c->state);
	right = CRYPTO_memcmp(p->value, value, PIN_LEN) == 0;
	if (right) {
		p->left = p->max;
		state_save(&c->state);
	}
	return right;
}

/* The try that blocks says 63C0, those that follow 6983. */
static uint16_t
try_pin(struct card *c, struct pin *p, const uint8_t *value)
{
	if (p->left == 0)
		return SW_BLOCKED;
	if (is_right(c, p, value))
		return SW_OK;
	return SW_TRIES | (p->left < 15 ? p->left : 15);
}

uint16_t
pin_verify(struct card *c, const struct apdu *a, struct out *re)
{
	struct session *s = &c->session;
	uint16_t sw;

	if (a->p2 != REF_PIN)
		return SW_NO_KEY;
	if (a->p1 == 0xff && a->data.len == 0) {
		s->pin_ok = s->pin_fresh = false;
		return SW_OK;
	}
	if (a->p1 != 0)
		return SW_P1P2;
	if (a->data.len == 0)
		return s->pin_ok ? SW_OK : tries(&c->state.pin);
	if (a->data.len != PIN_LEN)
		return SW_DATA;
	sw = try_pin(c, &c->state.pin, a->data.p);
	s->pin_ok = s->pin_fresh = sw == SW_OK;
	return sw;
}

/* Six to eight bytes, then FF. */
static bool
is_fit(const uint8_t *value)
{
	size_t i;

	for (i = 0; i < PIN_LEN && value[i] != 0xff; i++)
		;
	if (i < 6)
		return false;
	for (; i < PIN_LEN; i++) {
		if (value[i] != 0xff)
			return false;
	}
	return true;
}

/* Whoever knows one may set another. */
static uint16_t
replace(struct card *c, const struct apdu *a, struct pin *known,
    struct pin *set)
{
	struct session *s = &c->session;
	uint16_t sw;

	if (a->p1 != 0)
		return SW_P1P2;
	if (a->data.len != 2 * PIN_LEN)
		return SW_DATA;
	if (known->left > 0 && !is_fit(a->data.p + PIN_LEN) &&
	    !CRYPTO_memcmp(a->data.p, known->value, PIN_LEN))
		return SW_CONDITIONS;
	sw = try_pin(c, known, a->data.p);
	if (sw != SW_OK) {
		if (known == &c->state.pin)
			s->pin_ok = s->pin_fresh = false;
		return sw;
	}
	memcpy(set->value, a->data.p + PIN_LEN, PIN_LEN);
	set->left = set->max;
	if (set == &c->state.pin)
		s->pin_ok = s->pin_fresh = false;
	state_save(&c->state);
	return SW_OK;
}

uint16_t
pin_change(struct card *c, const struct apdu *a, struct out *re)
{
	struct pin *p = a->p2 == REF_PUK ? &c->state.puk : &c->state.pin;

	if (a->p2 != REF_PIN && a->p2 != REF_PUK)
		return SW_NO_KEY;
	return replace(c, a, p, p);
}

uint16_t
pin_unblock(struct card *c, const struct apdu *a, struct out *re)
{
	if (a->p2 != REF_PIN)
		return SW_NO_KEY;
	return replace(c, a, &c->state.puk, &c->state.pin);
}

/* Wants the management key (piv.c) and the PIN. */
uint16_t
pin_set_tries(struct card *c, const struct apdu *a, struct out *re)
{
	if (!c->session.pin_ok)
		return SW_SECURITY;
	if (a->p1 == 0 || a->p2 == 0)
		return SW_P1P2;
	state_pins_default(&c->state, a->p1, a->p2);
	c->session.pin_ok = c->session.pin_fresh = false;
	state_save(&c->state);
	return SW_OK;
}

uint16_t
pin_reset(struct card *c, const struct apdu *a, struct out *re)
{
	struct session *s = &c->session;

	if (c->state.pin.left > 0 || c->state.puk.left > 0)
		return SW_CONDITIONS;
	state_reset(&c->state);
	s->pin_ok = s->pin_fresh = s->mgm_ok = false;
	state_save(&c->state);
	return SW_OK;
}
