/* The instructions of PIV: SP 800-73-4 part 2, and Yubico's own from F6. */
#include <config.h>

#include "card.h"

typedef uint16_t piv_fn(struct card *, const struct apdu *, struct out *);

static uint16_t
version(struct card *c, const struct apdu *a, struct out *re)
{
	out_put(re, bytes_of(c->state.firmware, sizeof(c->state.firmware)));
	return SW_OK;
}

static uint16_t
serial(struct card *c, const struct apdu *a, struct out *re)
{
	uint32_t n = c->state.serial;
	const uint8_t raw[] = { n >> 24, n >> 16, n >> 8, n };

	out_put(re, bytes_of(raw, sizeof(raw)));
	return SW_OK;
}

static uint16_t
authenticate(struct card *c, const struct apdu *a, struct out *re)
{
	return a->p2 == SLOT_MGM ? mgm_login(c, a, re) : sign_run(c, a, re);
}

static const struct {
	uint8_t ins;
	bool needs_mgm;
	uint8_t major, minor;	/* since this firmware */
	piv_fn *run;
} instructions[] = {
	{ 0x20, false, 0, 0, pin_verify },
	{ 0x24, false, 0, 0, pin_change },
	{ 0x2c, false, 0, 0, pin_unblock },
	{ 0x47, true, 0, 0, slot_generate },
	{ 0x87, false, 0, 0, authenticate },
	{ 0xcb, false, 0, 0, object_get },
	{ 0xdb, true, 0, 0, object_put },
	{ 0xf6, true, 5, 7, slot_move },
	{ 0xf7, false, 5, 3, slot_metadata },
	{ 0xf8, false, 5, 0, serial },
	{ 0xf9, false, 4, 3, attest_run },
	{ 0xfa, true, 0, 0, pin_set_tries },
	{ 0xfb, false, 0, 0, pin_reset },
	{ 0xfd, false, 0, 0, version },
	{ 0xfe, true, 0, 0, slot_import },
	{ 0xff, true, 0, 0, mgm_set },
};

uint16_t
piv_run(struct card *c, const struct apdu *a, struct out *re)
{
	size_t i;

	for (i = 0; i < sizeof(instructions) / sizeof(*instructions); i++) {
		if (instructions[i].ins != a->ins)
			continue;
		if (!state_is_at_least(&c->state, instructions[i].major,
		    instructions[i].minor))
			return SW_INS;
		if (instructions[i].needs_mgm && !c->session.mgm_ok)
			return SW_SECURITY;
		return instructions[i].run(c, a, re);
	}
	return SW_INS;
}
