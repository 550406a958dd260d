/* What is on a card: its slots, their metadata and certificates, its PINs. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "piv.h"

#define OBJECT_ADMIN 0x5fff00
#define KEY_ROOM 4096		/* for one token_key, bytes */

/* ---- names and numbers ---- */

uint8_t
piv_slot_at(unsigned i)
{
	static const uint8_t first[] = { 0x9a, 0x9c, 0x9d, 0x9e };

	return i < sizeof(first) ? first[i] :
	    (uint8_t)(0x82 + i - sizeof(first));
}

void
piv_slot_name(uint8_t slot, char name[3])
{
	snprintf(name, 3, "%02x", slot);
}

uint8_t
piv_slot_by_name(struct view v)
{
	char name[3];

	for (unsigned i = 0; i < PIV_SLOTS; i++) {
		piv_slot_name(piv_slot_at(i), name);
		if (view_eq_str(v, name))
			return piv_slot_at(i);
	}
	return 0;
}

uint32_t
piv_slot_object(uint8_t slot)
{
	switch (slot) {
	case 0x9a:
		return 0x5fc105;
	case 0x9c:
		return 0x5fc10a;
	case 0x9d:
		return 0x5fc10b;
	case 0x9e:
		return 0x5fc101;
	default:
		return 0x5fc10d + (uint32_t)(slot - 0x82);
	}
}

static const struct {
	uint8_t piv;
	enum key_algorithm key;
} algorithms[] = {
	{ 0x07, ALGO_RSA2048 },
	{ 0x05, ALGO_RSA3072 },
	{ 0x16, ALGO_RSA4096 },
	{ 0x11, ALGO_P256 },
	{ 0x14, ALGO_P384 },
	{ 0xe0, ALGO_ED25519 },
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

uint8_t
piv_algorithm(enum key_algorithm a)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].key == a)
			return algorithms[i].piv;
	return 0;
}

enum key_algorithm
piv_algorithm_key(uint8_t a)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].piv == a)
			return algorithms[i].key;
	return ALGO_NONE;
}

gpg_error_t
piv_public(uint8_t algorithm, struct view v, struct pubkey **pub)
{
	enum key_algorithm a = piv_algorithm_key(algorithm);
	struct view number, exponent = { NULL, 0 };
	bool rsa = a == ALGO_RSA2048 || a == ALGO_RSA3072 ||
	    a == ALGO_RSA4096;

	*pub = NULL;
	if (a == ALGO_NONE)
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	if (tlv_find(v, rsa ? 0x81 : 0x86, &number) ||
	    (rsa && tlv_find(v, 0x82, &exponent)))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	return pubkey_new(pub, a, number, exponent);
}

/* ---- reading a card ---- */

struct reading {
	struct piv_card *card;
	struct buf reply;
	struct problem *pb;
	bool no_metadata;	/* before firmware 5.3 */
	bool mgm_noted;
};

/* The answer of the metadata command; *value is empty where there is none. */
static gpg_error_t
metadata(struct reading *r, uint8_t what, struct view *value)
{
	gpg_error_t err;
	int sw;

	*value = view_of(NULL, 0);
	if (r->no_metadata)
		return 0;
	err = piv_send(r->card, &(struct piv_command){ 0xf7, 0, what,
	    view_of(NULL, 0) }, &r->reply, &sw);
	if (!err && sw == SW_OK)
		*value = buf_view(&r->reply);
	else if (!err && sw != SW_NO_KEY)
		r->no_metadata = sw == SW_INS;
	return err;
}

static uint8_t
first_byte(struct view v, unsigned tag)
{
	struct view value;

	return !tlv_find(v, tag, &value) && value.len > 0 ? value.p[0] : 0;
}

/* A key whose metadata cannot be read is no key of ours. */
static void
take_metadata(struct piv_found *f, struct view v)
{
	struct view policies, public;

	if (tlv_find(v, 4, &public) ||
	    piv_public(first_byte(v, 1), public, &f->pub))
		return;
	if (!tlv_find(v, 2, &policies) && policies.len == 2) {
		f->pin_policy = policies.p[0];
		f->touch_policy = policies.p[1];
	}
	f->origin = first_byte(v, 3);
}

static gpg_error_t
read_certificate(struct reading *r, struct piv_found *f)
{
	struct view object, der;
	gpg_error_t err;

	err = piv_object_get(r->card, piv_slot_object(f->slot), &r->reply,
	    &object, r->pb);
	if (gpg_err_code(err) == GPG_ERR_CARD)
		return err;
	if (!err && !tlv_find(object, 0x70, &der) &&
	    !first_byte(object, 0x71))
		piv_certificate(der, &f->certificate);
	return 0;
}

static gpg_error_t
read_slot(struct reading *r, struct piv_found *f)
{
	struct view v;
	gpg_error_t err;

	if ((err = metadata(r, f->slot, &v)))
		return err;
	take_metadata(f, v);
	if (!f->pub && !r->no_metadata)
		return 0;
	if ((r->no_metadata &&
	    (err = piv_attested_key(r->card, &r->reply, f))) ||
	    (err = read_certificate(r, f)))
		return err;
	if (!f->pub) {
		f->pub = f->certificate.pub;
		f->certificate.pub = NULL;
	} else if (f->certificate.pub && !view_eq(pubkey_id(f->pub),
	    pubkey_id(f->certificate.pub))) {
		/* Of another key that was in this slot. */
		f->certificate.created = f->certificate.expires = 0;
		f->certificate.name[0] = 0;
	}
	if (r->no_metadata)
		piv_made_key(r->card, f);
	return 0;
}

/* Before 4.0 there is nothing to choose; later it may not be known. */
static void
fixed_policies(const struct piv_card *c, struct piv_found *f)
{
	if (c->firmware[0] == 0 || c->firmware[0] >= 4)
		return;
	f->pin_policy = piv_default_pin_policy(f->slot);
	f->touch_policy = TOUCH_POLICY_NEVER;
}

/* With card->mu held; takes the public key over. */
static struct piv_key *
note_key(struct piv_card *c, struct piv_found *f)
{
	struct piv_key *k = NULL;

	for (unsigned i = 0; i < c->key_count && !k; i++)
		if (c->keys[i]->slot == f->slot && view_eq(
		    pubkey_id(c->keys[i]->pub), pubkey_id(f->pub)))
			k = c->keys[i];
	if (!k) {
		if (c->key_count == PIV_KEYS_MAX ||
		    !(k = calloc(1, sizeof(*k))))
			return NULL;
		k->number = c->number * PIV_KEYS_MAX + c->key_count;
		k->slot = f->slot;
		k->pub = f->pub;
		f->pub = NULL;
		c->keys[c->key_count++] = k;
	}
	fixed_policies(c, f);
	k->pin_policy = f->pin_policy;
	k->touch_policy = f->touch_policy;
	k->origin = f->origin;
	k->created = f->certificate.created;
	k->expires = f->certificate.expires;
	memcpy(k->name, f->certificate.name, sizeof(k->name));
	k->here = true;
	return k;
}

void
piv_key_note(struct piv_card *c, struct piv_found *f)
{
	struct piv_key *k;

	pthread_mutex_lock(&c->mu);
	for (unsigned i = 0; i < c->key_count; i++)
		if (c->keys[i]->slot == f->slot)
			c->keys[i]->here = c->keys[i]->made = false;
	if ((k = note_key(c, f)))
		k->made = true;
	pthread_mutex_unlock(&c->mu);
}

/* The PINs' and the management key's own metadata, and who keeps the latter. */
static gpg_error_t
read_secrets(struct reading *r, uint32_t *flags, uint32_t *tries,
    uint8_t *algorithm)
{
	struct view v, value;
	gpg_error_t err;

	if ((err = metadata(r, 0x80, &v)))
		return err;
	*flags |= first_byte(v, 5) ? TOKEN_DEFAULT_PIN : 0;
	if (!tlv_find(v, 6, &value) && value.len == 2)
		*tries = value.p[1];
	if ((err = metadata(r, 0x81, &v)))
		return err;
	*flags |= first_byte(v, 5) ? TOKEN_DEFAULT_PUK : 0;
	if (!tlv_find(v, 6, &value) && value.len == 2 && value.p[1] == 0)
		*flags |= TOKEN_PUK_LOCKED;
	if ((err = metadata(r, 0x9b, &v)))
		return err;
	*flags |= first_byte(v, 5) ? TOKEN_DEFAULT_MGM : 0;
	*algorithm = first_byte(v, 1);
	err = piv_object_get(r->card, OBJECT_ADMIN, &r->reply, &v, r->pb);
	r->mgm_noted = !err && !tlv_find(v, 0x80, &value);
	if (r->mgm_noted && (first_byte(value, 0x81) & 2))
		*flags |= TOKEN_PROTECTED_MGM;
	return gpg_err_code(err) == GPG_ERR_CARD ? err : 0;
}

static gpg_error_t
read_firmware(struct reading *r, uint8_t version[3])
{
	gpg_error_t err;
	int sw;

	err = piv_send(r->card, &(struct piv_command){ .ins = 0xfd },
	    &r->reply, &sw);
	if (!err && sw == SW_OK && buf_len(&r->reply) == 3)
		memcpy(version, buf_view(&r->reply).p, 3);
	return err;
}

static gpg_error_t
read_all(struct reading *r, struct piv_found found[PIV_SLOTS])
{
	struct piv_card *c = r->card;
	uint32_t flags = 0, tries = PIN_TRIES_UNKNOWN;
	uint8_t version[3] = { 0 }, algorithm = 0;
	gpg_error_t err;

	if ((err = read_firmware(r, version)))
		return err;
	pthread_mutex_lock(&c->mu);
	memcpy(c->firmware, version, sizeof(version));
	pthread_mutex_unlock(&c->mu);
	if ((err = read_secrets(r, &flags, &tries, &algorithm)))
		return err;
	for (unsigned i = 0; i < PIV_SLOTS; i++) {
		found[i].slot = piv_slot_at(i);
		if ((err = read_slot(r, &found[i])))
			return err;
	}
	pthread_mutex_lock(&c->mu);
	c->blind = r->no_metadata;
	c->mgm_noted = r->mgm_noted;
	c->flags = flags;
	c->tries = tries;
	c->mgm_algorithm = algorithm ? algorithm : PIV_MGM_3DES;
	for (unsigned i = 0; i < c->key_count; i++)
		c->keys[i]->here = false;
	for (unsigned i = 0; i < PIV_SLOTS; i++)
		if (found[i].pub)
			note_key(c, &found[i]);
	c->known = true;
	pthread_mutex_unlock(&c->mu);
	return 0;
}

gpg_error_t
piv_keys_read(struct piv *p, struct piv_card *c, struct problem *pb)
{
	struct reading r = { .card = c, .pb = pb };
	struct piv_found *found;
	gpg_error_t err;

	if (!(found = calloc(PIV_SLOTS, sizeof(*found))))
		return gpg_error(GPG_ERR_ENOMEM);
	buf_init(&r.reply, PIV_REPLY_MAX);
	err = read_all(&r, found);
	for (unsigned i = 0; i < PIV_SLOTS; i++) {
		pubkey_free(&found[i].pub);
		pubkey_free(&found[i].certificate.pub);
	}
	free(found);
	buf_free(&r.reply);
	return err ? piv_card_lost(p, c, pb) : 0;
}

/* ---- what is known ---- */

static void
put_key(struct piv_card *c, const struct piv_key *k, struct buf *b,
    struct msg_list *list)
{
	char name[3], label[80], uri[128];
	struct msg_token_key out = {
		.key = k->number,
		.slot = c->number,
		.algorithm = (uint8_t)pubkey_algorithm(k->pub),
		.public = pubkey_public(k->pub),
		.exponent = pubkey_exponent(k->pub),
		.created = k->created,
		.pin_policy = k->pin_policy,
		.touch_policy = k->touch_policy,
		.origin = k->origin,
		.certificate_expires = k->expires,
	};

	piv_slot_name(k->slot, name);
	snprintf(label, sizeof(label), "%s", k->name[0] ? k->name : name);
	snprintf(uri, sizeof(uri), "pkcs11:manufacturer=Yubico;serial=%u;"
	    "object=%s;type=private", (unsigned)c->serial, name);
	out.slot_name = view_str(name);
	out.cka_id = view_of(&k->slot, 1);
	out.label = view_str(label);
	out.uri = view_str(uri);
	if (k->pin_policy == PIN_POLICY_ALWAYS)
		out.flags |= KEY_ALWAYS_AUTH;
	if (k->touch_policy > TOUCH_POLICY_NEVER)
		out.flags |= KEY_TOUCH;
	msg_list_add(b, list, MSG_token_key, &out);
}

void
piv_keys_put(struct piv_card *c, uint8_t slot, struct buf *b,
    struct msg_list *list)
{
	pthread_mutex_lock(&c->mu);
	for (unsigned i = 0; i < c->key_count; i++)
		if (c->keys[i]->here &&
		    (slot == 0 || c->keys[i]->slot == slot) &&
		    b->max - buf_len(b) >= KEY_ROOM)
			put_key(c, c->keys[i], b, list);
	pthread_mutex_unlock(&c->mu);
}

bool
piv_key_use(struct piv *p, uint32_t number, struct piv_use *use)
{
	struct piv_card *c = piv_card_get(p, number / PIV_KEYS_MAX);
	const struct piv_key *k;
	bool here = false;

	if (!c)
		return false;
	pthread_mutex_lock(&c->mu);
	if (number % PIV_KEYS_MAX < c->key_count) {
		k = c->keys[number % PIV_KEYS_MAX];
		here = k->here;
		*use = (struct piv_use){ c, k->slot, k->pin_policy ?
		    k->pin_policy : piv_default_pin_policy(k->slot),
		    k->touch_policy, pubkey_algorithm(k->pub),
		    pubkey_bits(k->pub), k->pub };
	}
	pthread_mutex_unlock(&c->mu);
	return here;
}
