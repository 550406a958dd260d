/* GENERAL AUTHENTICATE with a key of a slot: sign, decipher, agree. */
#include <config.h>

#include "card.h"

#define TAG_TEMPLATE 0x7c
#define TAG_CHALLENGE 0x81
#define TAG_RESPONSE 0x82
#define TAG_EXPONENT 0x85

/* With the policy "always" one VERIFY is good for one use of any key. */
static uint16_t
need_pin(struct session *s, uint8_t policy)
{
	bool fresh = s->pin_fresh;

	s->pin_fresh = false;
	switch (policy) {
	case PIN_NEVER:
		return SW_OK;
	case PIN_ALWAYS:
		return fresh ? SW_OK : SW_SECURITY;
	default:
		return s->pin_ok ? SW_OK : SW_SECURITY;
	}
}

uint16_t
sign_run(struct card *c, const struct apdu *a, struct out *re)
{
	struct key *k = state_key(&c->state, a->p2);
	struct out result = { .len = 0 }, list = { .len = 0 };
	struct bytes in, tlvs;
	bool agree, ok;
	uint16_t sw;

	if (k == NULL || a->p2 == SLOT_ATTEST)
		return SW_SLOT;
	if (k->pkey == NULL || k->alg != a->p1 ||
	    !tlv_find(a->data, TAG_TEMPLATE, &tlvs))
		return SW_DATA;
	agree = tlv_find(tlvs, TAG_EXPONENT, &in);
	if (!agree && !tlv_find(tlvs, TAG_CHALLENGE, &in))
		return SW_DATA;
	sw = need_pin(&c->session, k->pin_policy);
	if (sw == SW_OK)
		sw = touch_need(c, k->touch_policy, a->p2);
	if (sw != SW_OK)
		return sw;
	ok = agree ? key_agree(k, in, &result) : key_sign(k, in, &result);
	if (!ok)
		return SW_DATA;
	out_tlv(&list, TAG_RESPONSE, out_bytes(&result));
	out_tlv(re, TAG_TEMPLATE, out_bytes(&list));
	return SW_OK;
}
