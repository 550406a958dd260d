/* Signatures: the PIN, then the key, in one transaction; and the touch. */
#include "config.h"

#include <string.h>

#include <openssl/rand.h>

#include "format/pss.h"
#include "piv.h"

struct sign {
	struct piv *p;
	struct piv_card *card;
	struct piv_use use;
	const struct token_signing *in;
	struct buf command, reply;
	struct problem *pb;
};

/* The block of PKCS#1 v1.5 (RFC 8017, 9.2) around the DigestInfo. */
static gpg_error_t
put_padded(struct buf *b, struct view data, size_t size)
{
	if (data.len + 11 > size)
		return gpg_error(GPG_ERR_TOO_LARGE);
	buf_put_u8(b, 0);
	buf_put_u8(b, 1);
	for (size_t i = data.len + 3; i < size; i++)
		buf_put_u8(b, 0xff);
	buf_put_u8(b, 0);
	return buf_put_view(b, data);
}

/* The card knows nothing of PSS either: salt and block are made here. */
static gpg_error_t
put_pss(struct buf *b, struct view digest, unsigned bits)
{
	uint8_t salt[PSS_HASH_MAX];

	if (digest.len > sizeof(salt) ||
	    RAND_bytes(salt, (int)digest.len) != 1)
		return gpg_error(GPG_ERR_GENERAL);
	return pss_encode(digest, view_of(salt, digest.len), bits, b);
}

/* 7C { 82 (an answer, please), 81 what is signed } */
static gpg_error_t
build(struct sign *s)
{
	struct buf input, inside;
	gpg_error_t err;

	buf_init(&input, 2048);
	buf_init(&inside, 2048 + 16);
	if (s->in->mechanism == MECH_RSA_PKCS1)
		err = put_padded(&input, s->in->data, (s->use.bits + 7) / 8);
	else if (s->in->mechanism == MECH_RSA_PSS)
		err = put_pss(&input, s->in->data, s->use.bits);
	else
		err = buf_put_view(&input, s->in->data);
	tlv_put(&inside, 0x82, view_of(NULL, 0));
	tlv_put(&inside, 0x81, buf_view(&input));
	tlv_put(&s->command, 0x7c, buf_view(&inside));
	if (err || (err = buf_error(&inside)) ||
	    (err = buf_error(&s->command)))
		err = problem_say(s->pb, gpg_err_code(err),
		    "that is too much for a YubiKey to sign");
	buf_free(&input);
	buf_free(&inside);
	return err;
}

static bool
fits(const struct sign *s)
{
	switch (s->use.algorithm) {
	case ALGO_P256:
	case ALGO_P384:
		return s->in->mechanism == MECH_ECDSA;
	case ALGO_ED25519:
		return s->in->mechanism == MECH_EDDSA;
	default:
		return s->in->mechanism == MECH_RSA_PKCS1 ||
		    s->in->mechanism == MECH_RSA_PSS;
	}
}

/* One number of a DER signature, to `size` bytes. */
static gpg_error_t
take_number(struct view *v, uint8_t *out, size_t size)
{
	struct view n;

	if (tlv_get(v, 0x02, &n))
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	while (n.len > 0 && n.p[0] == 0)
		n = view_of(n.p + 1, n.len - 1);
	if (n.len > size)
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	memset(out, 0, size);
	if (n.len > 0)
		memcpy(out + size - n.len, n.p, n.len);
	return 0;
}

/* DER (RFC 3279, 2.2.3) to r || s. */
static gpg_error_t
take_ecdsa(struct view der, size_t field, uint8_t *out, size_t *len)
{
	struct view v;

	if (tlv_get(&der, 0x30, &v) || der.len > 0 ||
	    take_number(&v, out, field) ||
	    take_number(&v, out + field, field) || v.len > 0)
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	*len = 2 * field;
	return 0;
}

static gpg_error_t
take(struct sign *s, uint8_t *out, size_t *len)
{
	struct view v = buf_view(&s->reply), inside, sig;
	gpg_error_t err = 0;

	if (tlv_get(&v, 0x7c, &inside) || v.len > 0 ||
	    tlv_get(&inside, 0x82, &sig) || inside.len > 0 ||
	    sig.len == 0 || sig.len > TOKEN_SIGNATURE_MAX)
		err = gpg_error(GPG_ERR_BAD_SIGNATURE);
	else if (s->in->mechanism == MECH_ECDSA)
		err = take_ecdsa(sig, s->use.algorithm == ALGO_P256 ? 32 : 48,
		    out, len);
	else {
		memcpy(out, sig.p, sig.len);
		*len = sig.len;
	}
	return err ? problem_say(s->pb, GPG_ERR_CARD,
	    "%s answered what is no signature",
	    piv_card_title(s->card).text) : 0;
}

/*
 * 6982 is a PIN or a touch.  The PIN was sent in this transaction and good;
 * the card says itself whether it still is, at no cost of a try.  Where the
 * policy is "always", the attempt may have used it up.
 */
static gpg_error_t
was_touch(struct sign *s, bool *touch)
{
	uint32_t tries;
	gpg_error_t err;
	bool verified;

	*touch = false;
	if (s->use.touch_policy == TOUCH_POLICY_NEVER)
		return 0;
	if (s->use.pin_policy != PIN_POLICY_ONCE) {
		*touch = true;
		return 0;
	}
	if ((err = piv_pin_tries(s->card, &verified, &tries, s->pb)))
		return err;
	*touch = verified;
	return 0;
}

/* `event` says which touch is waited for: the first, or the one more. */
static gpg_error_t
attempt(struct sign *s, enum token_event event, int *sw)
{
	struct piv_burst *b = &s->card->burst;
	gpg_error_t err;

	if ((err = piv_pin_need(s->p, s->card, s->use.pin_policy, s->pb)))
		return err;
	/* Where it is not known, a notice too many does less harm. */
	if (s->use.touch_policy != TOUCH_POLICY_NEVER && s->p->ear.say)
		s->p->ear.say(s->p->ear.arg, event, s->in->request);
	b->fresh = false;
	err = piv_send(s->card, &(struct piv_command){ 0x87,
	    piv_algorithm(s->use.algorithm), s->use.slot,
	    buf_view(&s->command) }, &s->reply, sw);
	return err ? piv_card_lost(s->p, s->card, s->pb) : 0;
}

static gpg_error_t
sign_held(struct sign *s)
{
	gpg_error_t err;
	bool touch;
	int sw;

	if ((err = attempt(s, EVENT_TOUCH, &sw)) || sw == SW_OK)
		return err;
	if (sw == SW_SECURITY) {
		if ((err = was_touch(s, &touch)))
			return piv_card_lost(s->p, s->card, s->pb);
		if (!touch) {
			s->card->burst.verified = false;
			return problem_say(s->pb, GPG_ERR_PIN_NOT_SYNCED,
			    "%s wants its PIN", piv_card_title(s->card).text);
		}
		if ((err = attempt(s, EVENT_TOUCH_AGAIN, &sw)) || sw == SW_OK)
			return err;
		if (sw == SW_SECURITY)
			return problem_say(s->pb, GPG_ERR_NOT_CONFIRMED,
			    "%s was not touched in time: nothing was signed; "
			    "try again, and touch it when it blinks",
			    piv_card_title(s->card).text);
	}
	if (sw == SW_DATA || sw == SW_NO_KEY || sw == 0x6a86) {
		pthread_mutex_lock(&s->card->mu);
		s->card->known = false;		/* read it again */
		pthread_mutex_unlock(&s->card->mu);
		return problem_say(s->pb, GPG_ERR_MISSING_KEY,
		    "%s has no such key any more",
		    piv_card_title(s->card).text);
	}
	return piv_problem(s->pb, s->card, sw, "signing");
}

gpg_error_t
piv_sign(void *state, unsigned worker, const struct token_signing *in,
    uint8_t *signature, size_t *len, struct problem *pb)
{
	struct sign s = { .p = state, .in = in, .pb = pb };
	gpg_error_t err;

	*len = 0;
	if (!piv_key_use(s.p, in->key, &s.use))
		return problem_say(pb, GPG_ERR_MISSING_KEY,
		    "there is no such key any more");
	s.card = s.use.card;
	if (!fits(&s))
		return problem_say(pb, GPG_ERR_UNUSABLE_SECKEY,
		    "the key cannot sign that");
	buf_init(&s.command, 2048 + 32);
	buf_init(&s.reply, PIV_REPLY_MAX);
	if (!(err = build(&s)) && !(err = piv_card_lock(s.card, pb))) {
		if (!(err = piv_card_hold(s.p, s.card, pb)))
			err = sign_held(&s);
		if (!err)
			err = take(&s, signature, len);
		if (!err)
			piv_pin_spent(s.card);
		piv_card_used(s.p, s.card);
		piv_card_unlock(s.card);
	}
	buf_free(&s.command);
	buf_free(&s.reply);
	return err;
}
