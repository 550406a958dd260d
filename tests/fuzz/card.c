/*
 * A card that does what a YubiKey does, so that what asks it gets far: the
 * same for the same input, quick, and with keys that only seem to sign.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "reader.h"
#include "../unit/known-keys.h"

enum {
	OK = 0x9000, SECURITY = 0x6982, BLOCKED = 0x6983, CONDITIONS = 0x6985,
	DATA = 0x6a80, NO_FILE = 0x6a82, NO_ROOM = 0x6a84, P1P2 = 0x6a86,
	NO_KEY = 0x6a88, NO_INS = 0x6d00,
};

static const uint8_t algorithms[6] = { 0x11, 0x07, 0x14, 0xe0, 0x05, 0x16 };

/* ---- bytes ---- */

static void
put(struct room *r, const void *p, size_t n)
{
	must(r->len + n <= CARD_ROOM);
	memcpy(r->bytes + r->len, p, n);
	r->len += n;
}

static void
put_tlv(struct room *r, unsigned tag, const void *p, size_t n)
{
	uint8_t head[] = { (uint8_t)(tag >> 8), (uint8_t)tag, 0x82,
		(uint8_t)(n >> 8), (uint8_t)n };

	put(r, tag > 0xff ? head : head + 1, tag > 0xff ? 5 : 4);
	if (n > 0)
		put(r, p, n);
}

static void
put_tlv_small(struct room *r, uint8_t tag, const void *p, uint8_t n)
{
	put(r, &tag, 1);
	put(r, &n, 1);
	put(r, p, n);
}

/* The first TLV with a tag of one byte; an empty view if there is none. */
static struct view
find(struct view v, uint8_t tag)
{
	while (v.len >= 2) {
		size_t n = v.p[1], head = 2;

		if (n > 0x80 && n <= 0x82 && v.len >= head + n - 0x80) {
			head += n - 0x80;
			n = head == 3 ? v.p[2] :
			    (size_t)(v.p[2] << 8 | v.p[3]);
		}
		if (n > v.len - head)
			break;
		if (v.p[0] == tag)
			return view_of(v.p + head, n);
		v = view_of(v.p + head + n, v.len - head - n);
	}
	return view_of(NULL, 0);
}

static size_t
unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; hex[2 * n]; n++) {
		char pair[3] = { hex[2 * n], hex[2 * n + 1], 0 };

		out[n] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

/* ---- keys ---- */

static struct key *
key_of(struct card *c, uint8_t slot)
{
	for (size_t i = 0; i < CARD_KEYS; i++)
		if (c->keys[i].slot == slot && slot != 0)
			return &c->keys[i];
	return NULL;
}

static struct key *
key_room(struct card *c, uint8_t slot)
{
	struct key *k = key_of(c, slot);

	for (size_t i = 0; i < CARD_KEYS && !k; i++)
		if (c->keys[i].slot == 0)
			k = &c->keys[i];
	return k;
}

static size_t
rsa_bytes(uint8_t algorithm)
{
	return algorithm == 0x07 ? 256 : algorithm == 0x05 ? 384 :
	    algorithm == 0x16 ? 512 : 0;
}

/* Odd numbers of the right length stand for moduli. */
static void
put_public(struct room *r, uint8_t algorithm)
{
	static const uint8_t e[] = { 1, 0, 1 };
	uint8_t public[512];
	size_t n = rsa_bytes(algorithm);
	enum key_algorithm a = algorithm == 0x11 ? ALGO_P256 :
	    algorithm == 0x14 ? ALGO_P384 : ALGO_ED25519;

	if (n > 0) {
		memset(public, 0xb5, n);
		put_tlv(r, 0x81, public, n);
		put_tlv_small(r, 0x82, e, sizeof(e));
		return;
	}
	for (size_t i = 0; i < KNOWN_KEYS; i++)
		if (known_keys[i].algorithm == a)
			n = unhex(known_keys[i].public, public);
	put_tlv_small(r, 0x86, public, (uint8_t)n);
}

/* A certificate of the P-256 key; by Ed25519, which has no random numbers. */
static size_t
certificate(uint8_t *der, size_t size)
{
	static const uint8_t seed[32] = { 7 };
	EVP_PKEY *issuer = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
	    seed, sizeof(seed)), *subject;
	X509 *x = X509_new();
	struct pubkey *pub;
	uint8_t bytes[600], *at = der;
	size_t i = 0;
	const uint8_t *p;
	int len;

	while (known_keys[i].algorithm != ALGO_P256)
		i++;
	len = (int)unhex(known_keys[i].public, bytes);
	must(!pubkey_new(&pub, ALGO_P256, view_of(bytes, (size_t)len),
	    view_of(NULL, 0)));
	p = pubkey_spki(pub).p;
	subject = d2i_PUBKEY(NULL, &p, (long)pubkey_spki(pub).len);
	must(x && issuer && subject);
	ASN1_TIME_set(X509_getm_notBefore(x), 1700000000);
	ASN1_TIME_set(X509_getm_notAfter(x), 1900000000);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const uint8_t *)"a key", -1, -1, 0);
	X509_set_pubkey(x, subject);
	must(X509_sign(x, issuer, NULL) > 0);
	len = i2d_X509(x, NULL);
	must(len > 0 && (size_t)len <= size && i2d_X509(x, &at) == len);
	EVP_PKEY_free(issuer);
	EVP_PKEY_free(subject);
	pubkey_free(&pub);
	X509_free(x);
	return (size_t)len;
}

/* ---- objects ---- */

static struct object *
object_of(struct card *c, uint32_t id)
{
	for (size_t i = 0; i < CARD_OBJECTS; i++)
		if (c->objects[i].id == id && c->objects[i].len > 0)
			return &c->objects[i];
	return NULL;
}

static uint16_t
object_put(struct card *c, uint32_t id, struct view v)
{
	struct object *o = object_of(c, id);

	for (size_t i = 0; i < CARD_OBJECTS && !o; i++)
		if (c->objects[i].len == 0)
			o = &c->objects[i];
	if (!o || v.len > sizeof(o->bytes))
		return NO_ROOM;
	o->id = id;
	o->len = v.len;
	if (v.len > 0)
		memcpy(o->bytes, v.p, v.len);
	return OK;
}

static void
certificate_put(struct card *c, uint32_t id)
{
	static struct room kept;	/* the same for all cards */
	uint8_t der[1024], plain = 0;

	if (kept.len == 0) {
		put_tlv(&kept, 0x70, der, certificate(der, sizeof(der)));
		put_tlv_small(&kept, 0x71, &plain, 1);
		put_tlv_small(&kept, 0xfe, &plain, 0);
	}
	object_put(c, id, view_of(kept.bytes, kept.len));
}

/* ---- a new card ---- */

static size_t
mgm_len(uint8_t algorithm)
{
	return algorithm == 8 ? 16 : algorithm == 12 ? 32 : 24;
}

static void
choose_firmware(struct card *c, uint8_t how)
{
	static const uint8_t more[7][3] = { { 3, 1, 8 }, { 4, 0, 2 },
		{ 4, 2, 6 }, { 4, 3, 4 }, { 5, 2, 7 }, { 5, 3, 0 },
		{ 6, 0, 0 } };

	memcpy(c->firmware, how >> 5 ? more[(how >> 5) - 1] :
	    how & 1 ? (uint8_t[]){ 5, 7, 1 } :
	    how & 2 ? (uint8_t[]){ 4, 3, 5 } : (uint8_t[]){ 5, 4, 3 }, 3);
}

static bool
since(const struct card *c, uint8_t major, uint8_t minor)
{
	return c->firmware[0] > major || (c->firmware[0] == major &&
	    c->firmware[1] >= minor);
}

void
card_new(struct card *c, uint32_t serial, const uint8_t how[6])
{
	static const uint8_t mgms[4] = { 3, 8, 10, 12 };
	static const uint8_t protected[] = { 0x80, 3, 0x81, 1, 2 };
	uint8_t kept[4 + 32] = { 0x88, 0, 0x89, 0 };
	size_t n;

	memset(c, 0, sizeof(*c));
	c->serial = serial;
	choose_firmware(c, how[0]);
	c->plugged = true;
	memcpy(c->pin, "123456\xff\xff", 8);
	memcpy(c->puk, "12345678", 8);
	c->tries = how[4] & 7 ? how[4] & 7 : 3;
	c->puk_tries = how[4] >> 4 ? how[4] >> 4 : 3;
	c->mgm_algorithm = mgms[how[1] & 3];
	n = mgm_len(c->mgm_algorithm);
	for (size_t i = 0; i < n; i++)
		c->mgm[i] = (uint8_t)(how[1] & 4 ? 0xa0 + i : i % 8 + 1);
	c->mgm_default = !(how[1] & 4);
	c->pin_default = how[0] & 4;
	for (unsigned i = 0; i < (how[2] & 7u); i++)
		c->keys[i] = (struct key){ i < 4 ? (uint8_t[]){ 0x9a, 0x9c,
		    0x9d, 0x9e }[i] : (uint8_t)(0x7e + i),
		    algorithms[(i + (how[2] >> 3)) % 6],
		    (uint8_t)((how[3] + i) % 3 + 1),
		    (uint8_t)((how[3] >> 2) % 3 + 1), 1 };
	if (how[1] & 8) {
		object_put(c, 0x5fff00, view_of(protected,
		    sizeof(protected)));
		kept[1] = (uint8_t)(n + 2);
		kept[3] = (uint8_t)n;
		memcpy(kept + 4, c->mgm, n);
		object_put(c, 0x5fc109, view_of(kept, n + 4));
	}
	if (how[0] & 8)
		certificate_put(c, 0x5fc105);
	if (!(how[0] & 16))
		certificate_put(c, 0x5fff01);
}

void
card_reset(struct card *c)
{
	c->verified = c->managed = c->used = false;
	c->in.len = c->out.len = 0;
}

/* ---- commands ---- */

struct command {
	uint8_t ins, p1, p2;
	struct view data;
};

static uint16_t
do_select(struct card *c, const struct command *a, struct room *out)
{
	static const uint8_t piv[] = { 0xa0, 0, 0, 3, 8 },
	    others[] = { 0xa0, 0, 0, 5, 0x27 };

	c->verified = c->managed = false;
	if (view_eq(a->data, view_of(piv, sizeof(piv)))) {
		put_tlv_small(out, 0x61, piv, sizeof(piv));
		return OK;
	}
	return a->data.len > 5 && !memcmp(a->data.p, others, 5) ? OK :
	    NO_FILE;
}

static uint16_t
tries_word(unsigned left)
{
	return left > 0 ? (uint16_t)(0x63c0 | left) : BLOCKED;
}

/* Whether a secret is right; a wrong one costs a try. */
static uint16_t
compare(const uint8_t *secret, const uint8_t *given, unsigned *tries)
{
	if (*tries == 0)
		return BLOCKED;
	if (memcmp(secret, given, 8))
		return tries_word(--*tries);
	*tries = 3;
	return OK;
}

static uint16_t
do_verify(struct card *c, const struct command *a)
{
	uint16_t sw;

	if (a->p2 != 0x80)
		return NO_KEY;
	if (a->data.len == 0)
		return c->verified ? OK : tries_word(c->tries);
	if (a->data.len != 8)
		return DATA;
	sw = compare(c->pin, a->data.p, &c->tries);
	c->verified = sw == OK;
	c->used = false;
	return sw;
}

/* The standard has it that a PIN that was changed is verified. */
static uint16_t
do_change(struct card *c, const struct command *a)
{
	bool by_puk = a->ins == 0x2c || a->p2 == 0x81;
	uint16_t sw;

	if (a->data.len != 16)
		return DATA;
	sw = compare(by_puk ? c->puk : c->pin, a->data.p,
	    by_puk ? &c->puk_tries : &c->tries);
	if (sw != OK)
		return sw;
	memcpy(a->p2 == 0x81 ? c->puk : c->pin, a->data.p + 8, 8);
	if (a->p2 == 0x81)
		return OK;
	c->tries = 3;
	c->verified = true;
	c->pin_default = false;
	return OK;
}

static uint16_t
do_generate(struct card *c, const struct command *a, struct room *out)
{
	struct view v = find(a->data, 0xac), alg = find(v, 0x80),
	    pin = find(v, 0xaa), touch = find(v, 0xab);
	struct key *k = key_room(c, a->p2);
	struct room inside = { .len = 0 };

	if (!c->managed)
		return SECURITY;
	if (!k || alg.len != 1 || !memchr(algorithms, alg.p[0],
	    sizeof(algorithms)))
		return DATA;
	*k = (struct key){ a->p2, alg.p[0], pin.len ? pin.p[0] : 2,
		touch.len ? touch.p[0] : 1, 1 };
	put_public(&inside, k->algorithm);
	put_tlv(out, 0x7f49, inside.bytes, inside.len);
	return OK;
}

static void
crypt_mgm(struct card *c, const uint8_t *in, uint8_t *out, size_t size)
{
	const EVP_CIPHER *cipher = c->mgm_algorithm == 3 ? EVP_des_ede3_ecb() :
	    c->mgm_algorithm == 8 ? EVP_aes_128_ecb() :
	    c->mgm_algorithm == 10 ? EVP_aes_192_ecb() : EVP_aes_256_ecb();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	EVP_EncryptInit_ex(ctx, cipher, NULL, c->mgm, NULL);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	EVP_EncryptUpdate(ctx, out, &len, in, (int)size);
	EVP_CIPHER_CTX_free(ctx);
}

static uint16_t
do_manage(struct card *c, const struct command *a, struct room *out)
{
	struct view v = find(a->data, 0x7c), proof = find(v, 0x80),
	    challenge = find(v, 0x81);
	size_t size = c->mgm_algorithm == 3 ? 8 : 16;
	uint8_t block[16];
	struct room inside = { .len = 0 };

	if (a->p1 != c->mgm_algorithm)
		return DATA;
	if (challenge.len == 0) {
		memset(c->witness, 0x5a, sizeof(c->witness));
		crypt_mgm(c, c->witness, block, size);
		put_tlv_small(&inside, 0x80, block, (uint8_t)size);
	} else {
		if (proof.len != size || challenge.len != size ||
		    memcmp(proof.p, c->witness, size))
			return SECURITY;
		c->managed = true;
		crypt_mgm(c, challenge.p, block, size);
		put_tlv_small(&inside, 0x82, block, (uint8_t)size);
	}
	put_tlv_small(out, 0x7c, inside.bytes, (uint8_t)inside.len);
	return OK;
}

static uint16_t
do_sign(struct card *c, const struct command *a, struct room *out)
{
	static const uint8_t ecdsa[] = { 0x30, 7, 2, 1, 0x71, 2, 2, 0, 0x81 };
	struct key *k = key_of(c, a->p2);
	struct view input = find(find(a->data, 0x7c), 0x81);
	struct room inside = { .len = 0 };
	uint8_t bytes[512];
	size_t n;

	if (a->p2 == 0x9b)
		return do_manage(c, a, out);
	if (!k || k->algorithm != a->p1 || input.len == 0)
		return DATA;
	if (k->pin != 1 && (!c->verified || (k->pin == 3 && c->used)))
		return SECURITY;
	c->used = true;
	n = rsa_bytes(k->algorithm);
	memset(bytes, 0x66, sizeof(bytes));
	if (n > 0 && input.len != n)
		return DATA;
	if (n > 0 || k->algorithm == 0xe0)
		put_tlv(&inside, 0x82, bytes, n > 0 ? n : 64);
	else
		put_tlv(&inside, 0x82, ecdsa, sizeof(ecdsa));
	put_tlv(out, 0x7c, inside.bytes, inside.len);
	return OK;
}

static uint32_t
id_of(struct view v)
{
	return v.len == 3 ? (uint32_t)(v.p[0] << 16 | v.p[1] << 8 | v.p[2]) :
	    0;
}

static uint16_t
do_get(struct card *c, const struct command *a, struct room *out)
{
	uint32_t id = id_of(find(a->data, 0x5c));
	struct object *o = object_of(c, id);

	if (id == 0x5fc109 && !c->verified)
		return SECURITY;
	if (!o)
		return NO_FILE;
	put_tlv(out, 0x53, o->bytes, o->len);
	return OK;
}

static uint16_t
do_put(struct card *c, const struct command *a)
{
	uint32_t id = id_of(find(a->data, 0x5c));

	if (!c->managed)
		return SECURITY;
	return id ? object_put(c, id, find(a->data, 0x53)) : DATA;
}

static uint16_t
do_metadata(struct card *c, const struct command *a, struct room *out)
{
	struct key *k = key_of(c, a->p2);
	struct room public = { .len = 0 };
	uint8_t is_default = a->p2 == 0x9b ? c->mgm_default : c->pin_default;
	uint8_t tries[2] = { 3, (uint8_t)(a->p2 == 0x80 ? c->tries :
	    c->puk_tries) };

	if (!since(c, 5, 3))
		return NO_INS;
	if (a->p2 == 0x80 || a->p2 == 0x81 || a->p2 == 0x9b) {
		put_tlv_small(out, 1, a->p2 == 0x9b ? &c->mgm_algorithm :
		    (const uint8_t *)"\xff", 1);
		put_tlv_small(out, 5, &is_default, 1);
		if (a->p2 != 0x9b)
			put_tlv_small(out, 6, tries, 2);
		return OK;
	}
	if (!k)
		return NO_KEY;
	put_tlv_small(out, 1, &k->algorithm, 1);
	put_tlv_small(out, 2, &k->pin, 2);	/* and touch behind it */
	put_tlv_small(out, 3, &k->origin, 1);
	put_public(&public, k->algorithm);
	put_tlv(out, 4, public.bytes, public.len);
	return OK;
}

static uint16_t
do_attest(struct card *c, const struct command *a, struct room *out)
{
	struct object *o = object_of(c, 0x5fff01);

	if (!since(c, 4, 3))
		return NO_INS;
	if (!key_of(c, a->p1) || !o)
		return DATA;
	put(out, o->bytes + 4, o->len - 9);	/* the certificate alone */
	return OK;
}

static uint16_t
do_set_mgm(struct card *c, const struct command *a)
{
	if (!c->managed)
		return SECURITY;
	if (a->data.len < 3 || a->data.p[1] != 0x9b ||
	    !memchr((const uint8_t[]){ 3, 8, 10, 12 }, a->data.p[0], 4) ||
	    a->data.len != 3 + mgm_len(a->data.p[0]))
		return DATA;
	c->mgm_algorithm = a->data.p[0];
	c->mgm_default = false;
	memcpy(c->mgm, a->data.p + 3, a->data.len - 3);
	return OK;
}

/* To another slot, or (P1 FF) nowhere. */
static uint16_t
do_move(struct card *c, const struct command *a)
{
	struct key *k = key_of(c, a->p2);

	if (!since(c, 5, 7))
		return NO_INS;
	if (!c->managed)
		return SECURITY;
	if (!k || (a->p1 != 0xff && key_of(c, a->p1)))
		return NO_KEY;
	k->slot = a->p1 == 0xff ? 0 : a->p1;
	return OK;
}

uint16_t
card_do(struct card *c, struct view v, struct room *out)
{
	struct command a = { 0 };
	uint8_t serial[4] = { (uint8_t)(c->serial >> 24),
		(uint8_t)(c->serial >> 16), (uint8_t)(c->serial >> 8),
		(uint8_t)c->serial };

	out->len = 0;
	must(v.len >= 4);
	a.ins = v.p[1];
	a.p1 = v.p[2];
	a.p2 = v.p[3];
	if (v.len > 5)
		a.data = view_of(v.p + 5, v.len - 5);
	switch (a.ins) {
	case 0xa4:
		return do_select(c, &a, out);
	case 0x20:
		return do_verify(c, &a);
	case 0x24:
	case 0x2c:
		return do_change(c, &a);
	case 0x47:
		return do_generate(c, &a, out);
	case 0x87:
		return do_sign(c, &a, out);
	case 0xcb:
		return do_get(c, &a, out);
	case 0xdb:
		return do_put(c, &a);
	case 0xf6:
		return do_move(c, &a);
	case 0xf7:
		return do_metadata(c, &a, out);
	case 0xf9:
		return do_attest(c, &a, out);
	case 0xff:
		return do_set_mgm(c, &a);
	case 0xfd:
		put(out, c->firmware, 3);
		return OK;
	case 0xf8:
		if (!since(c, 5, 0))
			return NO_INS;
		/* FALLTHROUGH */
	case 0x01:	/* the OTP application's */
		put(out, serial, 4);
		return OK;
	default:
		return NO_INS;
	}
}
