/*
 * Which application is selected: PIV, OpenPGP, the management application,
 * which tells ykman what device this is, or that of one-time passwords, which
 * alone knows the serial number before firmware 5.  A YubiKey has others.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "card.h"

static const uint8_t aid_piv[] = {
	0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00,
};
#define AID_PIV_MIN 5		/* how much of it names PIV */

static const uint8_t aid_management[] = {
	0xa0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17,
};

static const uint8_t aid_otp[] = { 0xa0, 0x00, 0x00, 0x05, 0x27, 0x20, 0x01 };

static const uint8_t aid_openpgp[] = { 0xd2, 0x76, 0x00, 0x01, 0x24, 0x01 };

/* The application property template of SP 800-73-4, part 2, 3.1.1. */
static void
describe_piv(struct out *re)
{
	static const uint8_t version[] = {
		0x00, 0x00, 0x10, 0x00, 0x01, 0x00,
	};
	struct out list = { .len = 0 }, authority = { .len = 0 };

	out_tlv(&authority, 0x4f, bytes_of(aid_piv, AID_PIV_MIN));
	out_tlv(&list, 0x4f, bytes_of(version, sizeof(version)));
	out_tlv(&list, 0x79, out_bytes(&authority));
	out_tlv(re, 0x61, out_bytes(&list));
}

static void
describe_management(const struct state *st, struct out *re)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "Virtual mgr - FW version "
	    "%u.%u.%u", st->firmware[0], st->firmware[1], st->firmware[2]);

	out_put(re, bytes_of(text, n));
}

/* Its version, and that no slot is in use. */
static void
describe_otp(const struct state *st, struct out *re)
{
	static const uint8_t unused[3];

	out_put(re, bytes_of(st->firmware, sizeof(st->firmware)));
	out_put(re, bytes_of(unused, sizeof(unused)));
}

static uint16_t
select_applet(struct card *c, const struct apdu *a, struct out *re)
{
	struct session *s = &c->session;
	struct bytes aid = a->data;

	if (a->p1 != 0x04)
		return SW_NO_FILE;
	if (aid.len >= AID_PIV_MIN && aid.len <= sizeof(aid_piv) &&
	    !memcmp(aid.p, aid_piv, aid.len)) {
		describe_piv(re);
		s->applet = APPLET_PIV;
	} else if (bytes_eq(aid, aid_management, sizeof(aid_management))) {
		describe_management(&c->state, re);
		s->applet = APPLET_MANAGEMENT;
	} else if (bytes_eq(aid, aid_openpgp, sizeof(aid_openpgp))) {
		s->applet = APPLET_OPENPGP;
	} else if (bytes_eq(aid, aid_otp, sizeof(aid_otp))) {
		describe_otp(&c->state, re);
		s->applet = APPLET_OTP;
	} else {
		return SW_NO_FILE;
	}
	s->pin_ok = s->pin_fresh = s->mgm_ok = false;
	s->login_step = 0;
	return SW_OK;
}

#define CAPABILITY_OPENPGP 0x08
#define CAPABILITY_PIV 0x10

/* Device info, tags as ykman reads them: 1 and 3 what USB has and uses, 2
 * serial, 4 form factor, 5 version, A locked or not. */
static void
device_info(const struct state *st, struct out *re)
{
	const uint8_t has[] = { 0x00, CAPABILITY_OPENPGP | CAPABILITY_PIV };
	const uint8_t serial[] = { st->serial >> 24, st->serial >> 16,
		st->serial >> 8, st->serial };
	struct out list = { .len = 0 };

	out_tlv(&list, 0x01, bytes_of(has, sizeof(has)));
	out_tlv(&list, 0x02, bytes_of(serial, sizeof(serial)));
	out_tlv(&list, 0x03, bytes_of(has, sizeof(has)));
	out_tlv_u8(&list, 0x04, st->form_factor);
	out_tlv(&list, 0x05, bytes_of(st->firmware, sizeof(st->firmware)));
	out_tlv_u8(&list, 0x0a, 0);
	out_u8(re, list.len);
	out_put(re, out_bytes(&list));
}

static uint16_t
management_run(struct card *c, const struct apdu *a, struct out *re)
{
	if (a->ins != 0x1d)
		return SW_INS;
	device_info(&c->state, re);
	return SW_OK;
}

#define OTP_REQUEST 0x01
#define OTP_SERIAL 0x10

static uint16_t
otp_run(struct card *c, const struct apdu *a, struct out *re)
{
	uint32_t n = c->state.serial;
	const uint8_t serial[] = { n >> 24, n >> 16, n >> 8, n };

	if (a->ins != OTP_REQUEST)
		return SW_INS;
	if (a->p1 != OTP_SERIAL)
		return SW_P1P2;
	out_put(re, bytes_of(serial, sizeof(serial)));
	return SW_OK;
}

uint16_t
applet_run(struct card *c, const struct apdu *a, struct out *re)
{
	if ((a->cla & ~0x10) != 0)
		return SW_CLA;
	if (a->ins == 0xa4)
		return select_applet(c, a, re);
	switch (c->session.applet) {
	case APPLET_PIV:
		return piv_run(c, a, re);
	case APPLET_MANAGEMENT:
		return management_run(c, a, re);
	case APPLET_OPENPGP:
		return openpgp_run(c, a, re);
	case APPLET_OTP:
		return otp_run(c, a, re);
	case APPLET_NONE:
		break;
	}
	return SW_INS;
}
