/* What is in the slots: made, imported, described, moved, deleted. */
#include <config.h>

#include <string.h>

#include "card.h"

#define TAG_PIN_POLICY 0xaa
#define TAG_TOUCH_POLICY 0xab
#define SLOT_NONE 0xff		/* where a key is moved to be deleted */

/* The policies that are not given: never a touch, and the PIN once, but for
 * each signature of 9C, and never for the card's own key 9E. */
static bool
policies(const struct state *st, uint8_t slot, struct bytes tlvs,
    struct key *k)
{
	struct bytes raw;

	k->pin_policy = PIN_DEFAULT;
	k->touch_policy = TOUCH_DEFAULT;
	if (!state_is_at_least(st, 4, 0) &&
	    (tlv_find(tlvs, TAG_PIN_POLICY, &raw) ||
	    tlv_find(tlvs, TAG_TOUCH_POLICY, &raw)))
		return false;
	if (tlv_find(tlvs, TAG_PIN_POLICY, &raw) &&
	    !tlv_find_u8(tlvs, TAG_PIN_POLICY, &k->pin_policy))
		return false;
	if (tlv_find(tlvs, TAG_TOUCH_POLICY, &raw) &&
	    !tlv_find_u8(tlvs, TAG_TOUCH_POLICY, &k->touch_policy))
		return false;
	if (k->pin_policy == PIN_DEFAULT)
		k->pin_policy = slot == SLOT_9C ? PIN_ALWAYS :
		    slot == SLOT_9E || slot == SLOT_ATTEST ? PIN_NEVER :
		    PIN_ONCE;
	if (k->touch_policy == TOUCH_DEFAULT)
		k->touch_policy = TOUCH_NEVER;
	return k->pin_policy <= PIN_ALWAYS && k->touch_policy <=
	    (state_is_at_least(st, 4, 3) ? TOUCH_CACHED : TOUCH_ALWAYS);
}

/* A new key takes the place of the old one; the certificate stays. */
static void
settle(struct card *c, uint8_t slot, struct key *k)
{
	struct key *old = state_key(&c->state, slot);

	key_clear(old);
	*old = *k;
	state_save(&c->state);
}

uint16_t
slot_generate(struct card *c, const struct apdu *a, struct out *re)
{
	struct key k = { .origin = ORIGIN_GENERATED };
	struct out pub = { .len = 0 };
	struct bytes list;

	if (a->p1 != 0)
		return SW_P1P2;
	if (state_key(&c->state, a->p2) == NULL)
		return SW_SLOT;
	if (!tlv_find(a->data, 0xac, &list) ||
	    !tlv_find_u8(list, 0x80, &k.alg) ||
	    !key_alg_known(&c->state, k.alg) || !policies(&c->state, a->p2, list, &k))
		return SW_DATA;
	k.pkey = key_generate(k.alg);
	if (k.pkey == NULL || !key_public(&k, &pub)) {
		key_clear(&k);
		return SW_BROKEN;
	}
	settle(c, a->p2, &k);
	out_tlv(re, 0x7f49, out_bytes(&pub));
	return SW_OK;
}

uint16_t
slot_import(struct card *c, const struct apdu *a, struct out *re)
{
	struct key k = { .alg = a->p1, .origin = ORIGIN_IMPORTED };

	if (state_key(&c->state, a->p2) == NULL)
		return SW_SLOT;
	if (!key_alg_known(&c->state, k.alg) ||
	    !policies(&c->state, a->p2, a->data, &k))
		return SW_DATA;
	k.pkey = key_import(k.alg, a->data);
	if (k.pkey == NULL)
		return SW_DATA;
	settle(c, a->p2, &k);
	return SW_OK;
}

/* A key of the same kind takes its place, as if the card were another. */
bool
slot_renew(struct card *c, uint8_t slot)
{
	struct key *k = state_key(&c->state, slot);
	EVP_PKEY *other;

	if (k == NULL || k->pkey == NULL)
		return false;
	other = key_generate(k->alg);
	if (other == NULL)
		return false;
	EVP_PKEY_free(k->pkey);
	k->pkey = other;
	state_save(&c->state);
	return true;
}

static void
pin_metadata(const struct pin *p, bool puk, struct out *re)
{
	const uint8_t tries[] = { p->max, p->left };

	out_tlv_u8(re, 0x01, 0xff);
	out_tlv_u8(re, 0x05, pin_is_default(p, puk));
	out_tlv(re, 0x06, bytes_of(tries, sizeof(tries)));
}

static void
mgm_metadata(const struct mgm *m, struct out *re)
{
	const uint8_t policy[] = { 0, m->touch };

	out_tlv_u8(re, 0x01, m->alg);
	out_tlv(re, 0x02, bytes_of(policy, sizeof(policy)));
	out_tlv_u8(re, 0x05, mgm_is_default(m));
}

static uint16_t
key_metadata(const struct key *k, struct out *re)
{
	const uint8_t policy[] = { k->pin_policy, k->touch_policy };
	struct out pub = { .len = 0 };

	if (!key_public(k, &pub))
		return SW_BROKEN;
	out_tlv_u8(re, 0x01, k->alg);
	out_tlv(re, 0x02, bytes_of(policy, sizeof(policy)));
	out_tlv_u8(re, 0x03, k->origin);
	out_tlv(re, 0x04, out_bytes(&pub));
	return SW_OK;
}

uint16_t
slot_metadata(struct card *c, const struct apdu *a, struct out *re)
{
	const struct key *k;

	if (a->p1 != 0)
		return SW_P1P2;
	switch (a->p2) {
	case 0x80:
	case 0x81:
		pin_metadata(a->p2 == 0x80 ? &c->state.pin : &c->state.puk,
		    a->p2 == 0x81, re);
		return SW_OK;
	case SLOT_MGM:
		mgm_metadata(&c->state.mgm, re);
		return SW_OK;
	}
	k = state_key(&c->state, a->p2);
	if (k == NULL || k->pkey == NULL)
		return SW_NO_KEY;
	return key_metadata(k, re);
}

/* P1 is where to, P2 where from. */
uint16_t
slot_move(struct card *c, const struct apdu *a, struct out *re)
{
	struct key *from = state_key(&c->state, a->p2);
	struct key *to = state_key(&c->state, a->p1);

	if (from == NULL || (to == NULL && a->p1 != SLOT_NONE) ||
	    a->p1 == SLOT_ATTEST || from == to)
		return SW_SLOT;
	if (from->pkey == NULL)
		return SW_NO_KEY;
	if (to == NULL) {
		key_clear(from);
	} else if (to->pkey != NULL) {
		return SW_CONDITIONS;
	} else {
		*to = *from;
		memset(from, 0, sizeof(*from));
	}
	state_save(&c->state);
	return SW_OK;
}
