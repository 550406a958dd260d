/* New keys, their certificates, and the proof that they were made here. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "piv.h"

#define OBJECT_ATTESTATION 0x5fff01

struct make {
	struct piv *p;
	struct piv_card *card;
	const struct msg_token_make *in;
	uint8_t slot;
	bool blind;		/* the card has no metadata */
	struct buf reply;
	struct problem *pb;
};

/* ---- what is there is not overwritten unasked ---- */

static gpg_error_t
has_certificate(struct make *m, bool *has)
{
	struct view object;
	gpg_error_t err;

	err = piv_object_get(m->card, piv_slot_object(m->slot), &m->reply,
	    &object, m->pb);
	*has = !err;
	return gpg_err_code(err) == GPG_ERR_NOT_FOUND ? 0 : err;
}

/* Before 5.3 a key that is only attested, or known to have been made. */
static gpg_error_t
has_known_key(struct make *m, bool *has)
{
	struct piv_card *c = m->card;
	gpg_error_t err;

	if ((err = piv_keys_read(m->p, c, m->pb)))
		return err;
	pthread_mutex_lock(&c->mu);
	for (unsigned i = 0; i < c->key_count; i++)
		*has = *has || (c->keys[i]->slot == m->slot &&
		    c->keys[i]->here);
	pthread_mutex_unlock(&c->mu);
	return 0;
}

static gpg_error_t
has_key(struct make *m, bool *has)
{
	gpg_error_t err;
	int sw;

	*has = false;
	if ((err = piv_send(m->card, &(struct piv_command){ 0xf7, 0, m->slot,
	    view_of(NULL, 0) }, &m->reply, &sw)))
		return err;
	m->blind = sw == SW_INS;
	if (m->blind)
		return has_known_key(m, has);
	*has = sw == SW_OK;
	return sw == SW_OK || sw == SW_NO_KEY ? 0 :
	    piv_problem(m->pb, m->card, sw, "looking what is in the slot");
}

static gpg_error_t
check_free(struct make *m)
{
	struct piv_title t = piv_card_title(m->card);
	bool key, certificate;
	char name[3], agreed[16];
	gpg_error_t err;

	if ((err = has_key(m, &key)) || (err = has_certificate(m,
	    &certificate)))
		return err;
	piv_slot_name(m->slot, name);
	snprintf(agreed, sizeof(agreed), "overwrite %s", name);
	if (view_eq_str(m->in->overwrite, agreed))
		return 0;
	if (key || certificate)
		return problem_say(m->pb, GPG_ERR_EEXIST, "slot %s of %s has a "
		    "%s: choose another, or agree by \"%s\"", name, t.text,
		    key ? "key" : "certificate", agreed);
	if (m->blind)
		return problem_say(m->pb, GPG_ERR_EEXIST, "slot %s of %s may "
		    "have a key that was imported: no firmware before 5.3 "
		    "tells.  Agree by \"%s\" if it has none that is needed",
		    name, t.text, agreed);
	return 0;
}

/* ---- making ---- */

static uint8_t
pin_policy(const struct make *m)
{
	return m->in->pin_policy ? m->in->pin_policy : PIN_POLICY_ONCE;
}

static uint8_t
touch_policy(const struct make *m)
{
	return m->in->touch_policy ? m->in->touch_policy :
	    TOUCH_POLICY_ALWAYS;
}

static gpg_error_t
put_template(struct make *m, struct buf *b)
{
	const uint8_t algorithm = piv_algorithm(m->in->algorithm);
	const uint8_t pin = pin_policy(m), touch = touch_policy(m);
	struct buf inside;
	gpg_error_t err;

	buf_init(&inside, 64);
	tlv_put(&inside, 0x80, view_of(&algorithm, 1));
	if (piv_since(m->card, 4, 0)) {
		tlv_put(&inside, 0xaa, view_of(&pin, 1));
		tlv_put(&inside, 0xab, view_of(&touch, 1));
	}
	tlv_put(b, 0xac, buf_view(&inside));
	err = buf_error(&inside);
	buf_free(&inside);
	return err ? err : buf_error(b);
}

/* A certificate of the key that was here before is not left behind. */
static gpg_error_t
drop_certificate(struct make *m)
{
	gpg_error_t err;
	bool has;
	int sw;

	if ((err = has_certificate(m, &has)) || !has)
		return err;
	err = piv_object_put(m->card, piv_slot_object(m->slot),
	    view_of(NULL, 0), &sw, m->pb);
	if (!err && sw != SW_OK)
		err = piv_problem(m->pb, m->card, sw,
		    "removing the old certificate");
	return err;
}

/* Where the card tells nothing of the key, this is all that is known of it. */
static gpg_error_t
take_made(struct make *m)
{
	struct piv_found f = { .slot = m->slot, .pin_policy = pin_policy(m),
		.touch_policy = touch_policy(m),
		.origin = KEY_ORIGIN_GENERATED };
	struct view v = buf_view(&m->reply), inside;

	if (tlv_get(&v, 0x7f49, &inside) ||
	    piv_public(piv_algorithm(m->in->algorithm), inside, &f.pub))
		return problem_say(m->pb, GPG_ERR_BAD_PUBKEY, "%s made what "
		    "is no key", piv_card_title(m->card).text);
	piv_key_note(m->card, &f);
	pubkey_free(&f.pub);
	return 0;
}

static gpg_error_t
generate(struct make *m)
{
	struct buf template;
	gpg_error_t err;
	int sw = 0;

	buf_init(&template, 64);
	if (!(err = put_template(m, &template)))
		err = piv_send(m->card, &(struct piv_command){ 0x47, 0,
		    m->slot, buf_view(&template) }, &m->reply, &sw);
	buf_free(&template);
	if (err)
		return err;
	return sw == SW_OK ? take_made(m) :
	    piv_problem(m->pb, m->card, sw, "making a key");
}

/*
 * Without metadata the certificate tells which key is in a slot: one of the
 * old key must not be there with the new one, whatever happens in between.
 */
static gpg_error_t
make_held(struct make *m)
{
	gpg_error_t err;

	if ((err = check_free(m)) ||
	    (err = piv_manage(m->p, m->card, m->pb)) ||
	    (m->blind && (err = drop_certificate(m))) ||
	    (err = generate(m)) ||
	    (!m->blind && (err = drop_certificate(m))))
		return err;
	return piv_keys_read(m->p, m->card, m->pb);
}

static gpg_error_t
check_request(struct make *m)
{
	const struct msg_token_make *in = m->in;

	if (!(m->card = piv_card_get(m->p, in->slot)))
		return problem_say(m->pb, GPG_ERR_CARD_NOT_PRESENT,
		    "there is no such token");
	m->slot = in->slot_name.len == 0 ? 0x9a :
	    piv_slot_by_name(in->slot_name);
	if (m->slot == 0)
		return problem_say(m->pb, GPG_ERR_INV_VALUE, "a YubiKey's "
		    "slots are 9a, 9c, 9d, 9e and 82 to 95");
	if (!piv_algorithm(in->algorithm))
		return problem_say(m->pb, GPG_ERR_PUBKEY_ALGO,
		    "a YubiKey has no such keys");
	if (in->pin_policy > PIN_POLICY_ALWAYS ||
	    in->touch_policy > TOUCH_POLICY_CACHED)
		return problem_say(m->pb, GPG_ERR_INV_VALUE,
		    "there is no such PIN or touch policy");
	return piv_can_make(m->card, m->slot, in, m->pb);
}

/* An error of the connection, without a text of its own. */
static gpg_error_t
explain(struct piv *p, struct piv_card *c, gpg_error_t err,
    struct problem *pb)
{
	return err && !pb->text[0] ? piv_card_lost(p, c, pb) : err;
}

gpg_error_t
piv_make(void *state, unsigned worker, const struct msg_token_make *in,
    struct buf *key_buf, struct msg_list *keys, struct problem *pb)
{
	struct make m = { .p = state, .in = in, .pb = pb };
	gpg_error_t err;

	if ((err = check_request(&m)))
		return err;
	if ((err = piv_card_lock(m.card, pb)))
		return err;
	buf_init(&m.reply, PIV_REPLY_MAX);
	if (!(err = piv_card_hold(m.p, m.card, pb)))
		err = explain(m.p, m.card, make_held(&m), pb);
	piv_card_used(m.p, m.card);
	piv_card_unlock(m.card);
	buf_free(&m.reply);
	if (err)
		return err;
	piv_keys_put(m.card, m.slot, key_buf, keys);
	return keys->count == 1 ? 0 : problem_say(pb, GPG_ERR_CARD,
	    "%s says that it made a key, but does not show it",
	    piv_card_title(m.card).text);
}

/* ---- the certificate beside a key ---- */

/* A certificate that tells nothing may be what somebody paid for. */
static gpg_error_t
check_replaced(const struct piv_use *u, struct problem *pb)
{
	struct piv_certificate certificate = { 0 };
	struct view object, der;
	struct buf room;
	char name[3];
	gpg_error_t err;

	buf_init(&room, PIV_REPLY_MAX);
	err = piv_object_get(u->card, piv_slot_object(u->slot), &room,
	    &object, pb);
	if (!err && (tlv_find(object, 0x70, &der) ||
	    piv_certificate(der, &certificate) || certificate.created == 0)) {
		piv_slot_name(u->slot, name);
		err = problem_say(pb, GPG_ERR_EEXIST, "slot %s of %s has a "
		    "certificate that cannot be read, and is not replaced: "
		    "keep a copy and take it away first (`yubico-piv-tool -a "
		    "delete-certificate -s %s`)", name,
		    piv_card_title(u->card).text, name);
	}
	pubkey_free(&certificate.pub);
	buf_free(&room);
	return gpg_err_code(err) == GPG_ERR_NOT_FOUND ? 0 : err;
}

static gpg_error_t
store_held(struct piv *p, const struct piv_use *u, struct view der,
    struct problem *pb)
{
	static const uint8_t plain = 0;
	struct buf object;
	gpg_error_t err;
	int sw = SW_OK;

	if ((err = check_replaced(u, pb)) ||
	    (err = piv_manage(p, u->card, pb)))
		return err;
	buf_init(&object, PIV_REPLY_MAX);
	tlv_put(&object, 0x70, der);
	tlv_put(&object, 0x71, view_of(&plain, 1));
	tlv_put(&object, 0xfe, view_of(NULL, 0));
	if (!(err = buf_error(&object)))
		err = piv_object_put(u->card, piv_slot_object(u->slot),
		    buf_view(&object), &sw, pb);
	buf_free(&object);
	if (!err && sw != SW_OK)
		err = piv_problem(pb, u->card, sw, "storing a certificate");
	return err ? err : piv_keys_read(p, u->card, pb);
}

gpg_error_t
piv_store(void *state, unsigned worker, const struct msg_token_store *in,
    struct problem *pb)
{
	struct piv *p = state;
	struct piv_use u;
	gpg_error_t err;

	if (!piv_key_use(p, in->key, &u))
		return problem_say(pb, GPG_ERR_MISSING_KEY,
		    "there is no such key any more");
	if ((err = piv_card_lock(u.card, pb)))
		return err;
	if (!(err = piv_card_hold(p, u.card, pb)))
		err = explain(p, u.card, store_held(p, &u, in->certificate,
		    pb), pb);
	piv_card_used(p, u.card);
	piv_card_unlock(u.card);
	return err;
}

/* ---- attestation ---- */

static gpg_error_t
attest_held(const struct piv_use *u, struct buf *certificate,
    struct buf *intermediate, struct buf *reply, struct problem *pb)
{
	struct view object, der;
	gpg_error_t err;
	int sw;

	if ((err = piv_can_attest(u->card, pb)))
		return err;
	err = piv_send(u->card, &(struct piv_command){ 0xf9, u->slot, 0,
	    view_of(NULL, 0) }, reply, &sw);
	if (err)
		return err;
	if (sw == SW_DATA)
		return problem_say(pb, GPG_ERR_NOT_SUPPORTED, "%s attests only "
		    "keys that were made on it; this one was imported",
		    piv_card_title(u->card).text);
	if (sw != SW_OK)
		return piv_problem(pb, u->card, sw, "attesting a key");
	buf_put_view(certificate, buf_view(reply));
	if ((err = piv_object_get(u->card, OBJECT_ATTESTATION, reply, &object,
	    pb)))
		return gpg_err_code(err) != GPG_ERR_NOT_FOUND ? err :
		    problem_say(pb, GPG_ERR_NOT_FOUND, "%s has no certificate "
		    "of its attestation key", piv_card_title(u->card).text);
	if (tlv_find(object, 0x70, &der))
		return problem_say(pb, GPG_ERR_BAD_CERT, "%s has a broken "
		    "certificate of its attestation key",
		    piv_card_title(u->card).text);
	buf_put_view(intermediate, der);
	return (err = buf_error(certificate)) ? err : buf_error(intermediate);
}

gpg_error_t
piv_attest(void *state, unsigned worker, uint32_t key,
    struct buf *certificate, struct buf *intermediate, struct problem *pb)
{
	struct piv *p = state;
	struct buf reply;
	struct piv_use u;
	gpg_error_t err;

	if (!piv_key_use(p, key, &u))
		return problem_say(pb, GPG_ERR_MISSING_KEY,
		    "there is no such key any more");
	if ((err = piv_card_lock(u.card, pb)))
		return err;
	buf_init(&reply, PIV_REPLY_MAX);
	if (!(err = piv_card_hold(p, u.card, pb)))
		err = explain(p, u.card, attest_held(&u, certificate,
		    intermediate, &reply, pb), pb);
	piv_card_used(p, u.card);
	piv_card_unlock(u.card);
	buf_free(&reply);
	return err;
}
