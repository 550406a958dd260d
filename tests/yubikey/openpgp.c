/*
 * As much of an OpenPGP card 3.4 as an owner who never used it has: scdaemon
 * finds it, holds it, and shows that there are no keys.
 */
#include <config.h>


#include "card.h"

#define SW_NO_DATA SW_NO_KEY

static const uint8_t history[] = {
	0x00, 0x73, 0x00, 0x00, 0xe0, 0x05, 0x90, 0x00,
};

/* Short commands only, no key import, a PIN status that cannot be changed. */
static const uint8_t capabilities[] = {
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0x00, 0x00,
};

static const uint8_t rsa2048[] = { 0x01, 0x08, 0x00, 0x00, 0x11, 0x00 };

/* PIN for each signature or not; lengths; tries of PIN, reset code, admin. */
static const uint8_t pin_status[] = {
	0xff, 0x7f, 0x7f, 0x7f, 0x03, 0x00, 0x03,
};

/* Eight digits of the serial number, two in a byte. */
static void
put_aid(const struct state *st, struct out *re)
{
	uint8_t aid[] = { 0xd2, 0x76, 0x00, 0x01, 0x24, 0x01, 0x03, 0x04,
		0x00, 0x06, 0, 0, 0, 0, 0x00, 0x00 };
	uint32_t n = st->serial;
	int i;

	for (i = 13; i >= 10; i--) {
		aid[i] = (n / 10 % 10) << 4 | n % 10;
		n /= 100;
	}
	out_put(re, bytes_of(aid, sizeof(aid)));
}

static void
put_zeros(struct out *o, unsigned int tag, size_t len)
{
	static const uint8_t zeros[60];

	out_tlv(o, tag, bytes_of(zeros, len));
}

/* 4.4.1 of the specification: what the card can, and its keys. */
static void
put_application(const struct state *st, struct out *re)
{
	struct out aid = { .len = 0 }, list = { .len = 0 };
	struct out all = { .len = 0 };
	unsigned int tag;

	put_aid(st, &aid);
	out_tlv(&list, 0xc0, bytes_of(capabilities, sizeof(capabilities)));
	for (tag = 0xc1; tag <= 0xc3; tag++)
		out_tlv(&list, tag, bytes_of(rsa2048, sizeof(rsa2048)));
	out_tlv(&list, 0xc4, bytes_of(pin_status, sizeof(pin_status)));
	put_zeros(&list, 0xc5, 60);
	put_zeros(&list, 0xc6, 60);
	put_zeros(&list, 0xcd, 12);
	out_tlv(&all, 0x4f, out_bytes(&aid));
	out_tlv(&all, 0x5f52, bytes_of(history, sizeof(history)));
	out_tlv(&all, 0x73, out_bytes(&list));
	out_tlv(re, 0x6e, out_bytes(&all));
}

static uint16_t
get_data(const struct state *st, unsigned int tag, struct out *re)
{
	static const uint8_t holder[] = {
		0x65, 0x09, 0x5b, 0x00, 0x5f, 0x2d, 0x00, 0x5f, 0x35, 0x01,
		0x39,
	};
	static const uint8_t counter[] = {
		0x7a, 0x05, 0x93, 0x03, 0x00, 0x00, 0x00,
	};

	switch (tag) {
	case 0x4f:
		put_aid(st, re);
		return SW_OK;
	case 0x6e:
		put_application(st, re);
		return SW_OK;
	case 0x65:
		out_put(re, bytes_of(holder, sizeof(holder)));
		return SW_OK;
	case 0x7a:
		out_put(re, bytes_of(counter, sizeof(counter)));
		return SW_OK;
	case 0xc4:
		out_put(re, bytes_of(pin_status, sizeof(pin_status)));
		return SW_OK;
	case 0x5f52:
		out_put(re, bytes_of(history, sizeof(history)));
		return SW_OK;
	case 0x5e:
	case 0x5f50:
		return SW_OK;
	}
	return SW_NO_DATA;
}

uint16_t
openpgp_run(struct card *c, const struct apdu *a, struct out *re)
{
	switch (a->ins) {
	case 0xca:
		return get_data(&c->state, a->p1 << 8 | a->p2, re);
	case 0xf1:
		out_put(re, bytes_of(c->state.firmware,
		    sizeof(c->state.firmware)));
		return SW_OK;
	case 0x47:
		return SW_NO_DATA;
	}
	return SW_INS;
}
