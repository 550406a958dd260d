/*
 * The management key: 3DES or AES.  Mutual login (the card's witness, the
 * host's challenge) and external login (the card's challenge), SP 800-73-4
 * part 2, 3.2.4 and appendix A.
 */
#include <config.h>

#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "card.h"

#define TAG_WITNESS 0x80
#define TAG_CHALLENGE 0x81
#define TAG_RESPONSE 0x82
#define TAG_TEMPLATE 0x7c

static const struct {
	uint8_t alg, key_len, block_len;
	const char *name;
} ciphers[] = {
	{ ALG_3DES, 24, 8, "DES-EDE3" },
	{ ALG_AES128, 16, 16, "AES-128-ECB" },
	{ ALG_AES192, 24, 16, "AES-192-ECB" },
	{ ALG_AES256, 32, 16, "AES-256-ECB" },
};

static int
cipher_of(uint8_t alg)
{
	size_t i;

	for (i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++) {
		if (ciphers[i].alg == alg)
			return i;
	}
	return -1;
}

static bool
encrypt(const struct mgm *m, const uint8_t *in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = NULL;
	int i = cipher_of(m->alg), n;
	bool ok;

	ok = ctx != NULL && i >= 0 &&
	    (cipher = EVP_CIPHER_fetch(NULL, ciphers[i].name, NULL)) != NULL &&
	    EVP_EncryptInit_ex2(ctx, cipher, m->key, NULL, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_EncryptUpdate(ctx, out, &n, in, ciphers[i].block_len) == 1 &&
	    n == ciphers[i].block_len;
	EVP_CIPHER_free(cipher);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* The witness is a nonce encrypted, the challenge is the nonce itself. */
static uint16_t
start(struct card *c, uint8_t tag, size_t block, struct out *re)
{
	struct session *s = &c->session;
	struct out inner = { .len = 0 };
	uint8_t shown[16];

	if (RAND_bytes(s->nonce, block) != 1)
		return SW_BROKEN;
	memcpy(shown, s->nonce, block);
	if (tag == TAG_WITNESS && !encrypt(&c->state.mgm, s->nonce, shown))
		return SW_BROKEN;
	s->login_step = tag;
	out_tlv(&inner, tag, bytes_of(shown, block));
	out_tlv(re, TAG_TEMPLATE, out_bytes(&inner));
	return SW_OK;
}

static uint16_t
finish_mutual(struct card *c, struct bytes witness, struct bytes challenge,
    size_t block, struct out *re)
{
	struct out inner = { .len = 0 };
	uint8_t proof[16];
	uint16_t sw;

	if (challenge.len != block)
		return SW_DATA;
	if (!bytes_eq(witness, c->session.nonce, block))
		return SW_SECURITY;
	sw = touch_need(c, c->state.mgm.touch, SLOT_MGM);
	if (sw != SW_OK)
		return sw;
	if (!encrypt(&c->state.mgm, challenge.p, proof))
		return SW_BROKEN;
	out_tlv(&inner, TAG_RESPONSE, bytes_of(proof, block));
	out_tlv(re, TAG_TEMPLATE, out_bytes(&inner));
	c->session.mgm_ok = true;
	return SW_OK;
}

static uint16_t
finish_external(struct card *c, struct bytes response, size_t block)
{
	uint8_t proof[16];
	uint16_t sw;

	if (!encrypt(&c->state.mgm, c->session.nonce, proof))
		return SW_BROKEN;
	if (!bytes_eq(response, proof, block))
		return SW_SECURITY;
	sw = touch_need(c, c->state.mgm.touch, SLOT_MGM);
	c->session.mgm_ok = sw == SW_OK;
	return sw;
}

uint16_t
mgm_login(struct card *c, const struct apdu *a, struct out *re)
{
	struct bytes list, witness, challenge, response;
	uint8_t step = c->session.login_step;
	int i = cipher_of(c->state.mgm.alg);
	bool has_witness, has_challenge;

	/* One answer to a nonce, right or wrong. */
	c->session.login_step = 0;
	if (i < 0 || (a->p1 != c->state.mgm.alg &&
	    !(a->p1 == 0 && c->state.mgm.alg == ALG_3DES)))
		return SW_DATA;
	if (!tlv_find(a->data, TAG_TEMPLATE, &list))
		return SW_DATA;
	has_witness = tlv_find(list, TAG_WITNESS, &witness);
	has_challenge = tlv_find(list, TAG_CHALLENGE, &challenge);
	if (has_witness && witness.len == 0)
		return start(c, TAG_WITNESS, ciphers[i].block_len, re);
	if (has_challenge && challenge.len == 0)
		return start(c, TAG_CHALLENGE, ciphers[i].block_len, re);
	c->session.mgm_ok = false;
	if (step == TAG_WITNESS && has_witness && has_challenge)
		return finish_mutual(c, witness, challenge,
		    ciphers[i].block_len, re);
	if (step == TAG_CHALLENGE && tlv_find(list, TAG_RESPONSE, &response))
		return finish_external(c, response, ciphers[i].block_len);
	return SW_CONDITIONS;
}

/* P2 says whether it wants a touch from now on. */
uint16_t
mgm_set(struct card *c, const struct apdu *a, struct out *re)
{
	struct mgm *m = &c->state.mgm;
	struct bytes in = a->data, alg, key;
	unsigned int tag;
	int i;

	if (a->p1 != 0xff || (a->p2 != 0xff && (a->p2 != 0xfe ||
	    !state_is_at_least(&c->state, 4, 0))))
		return SW_P1P2;
	if (!bytes_take(&in, 1, &alg) || (i = cipher_of(alg.p[0])) < 0 ||
	    (alg.p[0] != ALG_3DES && !state_is_at_least(&c->state, 5, 4)) ||
	    !tlv_next(&in, &tag, &key) || tag != SLOT_MGM || in.len != 0 ||
	    key.len != ciphers[i].key_len)
		return SW_DATA;
	memset(m, 0, sizeof(*m));
	m->alg = alg.p[0];
	m->touch = a->p2 == 0xfe ? TOUCH_ALWAYS : TOUCH_NEVER;
	m->len = key.len;
	memcpy(m->key, key.p, key.len);
	state_save(&c->state);
	return SW_OK;
}
