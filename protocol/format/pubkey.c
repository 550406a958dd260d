/* Public keys: made from a token's numbers, judged, named and encoded. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "format/key.h"

struct algorithm_row {
	const char *name;
	size_t field;			/* of ECDSA, bytes */
	const char *group;		/* OpenSSL's name for the curve */
	const char *ssh_type;
	const char *ssh_curve;
	enum hash_algorithm hash;
};

static const struct algorithm_row algorithms[] = {
	[ALGO_RSA2048] = { "RSA-2048", 0, NULL, "ssh-rsa", NULL, HASH_SHA256 },
	[ALGO_RSA3072] = { "RSA-3072", 0, NULL, "ssh-rsa", NULL, HASH_SHA256 },
	[ALGO_RSA4096] = { "RSA-4096", 0, NULL, "ssh-rsa", NULL, HASH_SHA512 },
	[ALGO_P256] = { "P-256", 32, "prime256v1", "ecdsa-sha2-nistp256",
	    "nistp256", HASH_SHA256 },
	[ALGO_P384] = { "P-384", 48, "secp384r1", "ecdsa-sha2-nistp384",
	    "nistp384", HASH_SHA384 },
	[ALGO_P521] = { "P-521", 66, "secp521r1", "ecdsa-sha2-nistp521",
	    "nistp521", HASH_SHA512 },
	[ALGO_ED25519] = { "Ed25519", 0, NULL, "ssh-ed25519", NULL,
	    HASH_SHA512 },
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

const char *
algorithm_name(enum key_algorithm algorithm)
{
	if (algorithm <= ALGO_NONE || (size_t)algorithm >= ALGORITHMS)
		return "none";
	return algorithms[algorithm].name;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* Whether text is the name, but for case and a '-' left out. */
static bool
name_matches(const char *name, struct view text)
{
	uint8_t c;

	for (; *name; name++) {
		if (*name == '-' && (text.len == 0 || text.p[0] != '-'))
			continue;
		if (view_get_u8(&text, &c) ||
		    lower(c) != lower((uint8_t)*name))
			return false;
	}
	return text.len == 0;
}

enum key_algorithm
algorithm_by_name(struct view name)
{
	for (size_t i = ALGO_NONE + 1; i < ALGORITHMS; i++)
		if (name_matches(algorithms[i].name, name))
			return (enum key_algorithm)i;
	return ALGO_NONE;
}

bool
algorithm_is_rsa(enum key_algorithm algorithm)
{
	return algorithm >= ALGO_RSA2048 && algorithm <= ALGO_RSA4096;
}

size_t
algorithm_field(enum key_algorithm algorithm)
{
	return algorithms[algorithm].field;
}

struct view
view_strip(struct view v)
{
	while (v.len > 0 && v.p[0] == 0) {
		v.p++;
		v.len--;
	}
	return v;
}

/* An EVP_PKEY of the parameters; NULL if OpenSSL finds them no key. */
static EVP_PKEY *
evp_from(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *evp = NULL;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_PUBLIC_KEY, params) != 1)
		evp = NULL;
	EVP_PKEY_CTX_free(ctx);
	return evp;
}

static unsigned
bit_length(struct view number)
{
	unsigned bits = (unsigned)number.len * 8;

	for (unsigned mask = 0x80; mask && !(number.p[0] & mask); mask >>= 1)
		bits--;
	return bits;
}

/* OSSL_PARAM has integers in the machine's order. */
static struct view
native_order(struct view number, uint8_t *room)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (size_t i = 0; i < number.len; i++)
		room[i] = number.p[number.len - 1 - i];
#else
	memcpy(room, number.p, number.len);
#endif
	return view_of(room, number.len);
}

static gpg_error_t
make_rsa(struct pubkey *key, struct key_numbers *numbers)
{
	uint8_t n_room[KEY_PUBLIC_MAX], e_room[KEY_EXPONENT_MAX];
	struct view n = view_strip(numbers->public);
	struct view e = view_strip(numbers->exponent);
	OSSL_PARAM params[3];

	/* OpenSSL verifies with no longer exponent if the key is long. */
	if (n.len < 2048 / 8 || n.len > KEY_PUBLIC_MAX || e.len == 0 ||
	    e.len > KEY_EXPONENT_MAX || (key->bits = bit_length(n)) < 2048 ||
	    !(n.p[n.len - 1] & 1) || !(e.p[e.len - 1] & 1) ||
	    (e.len == 1 && e.p[0] < 3))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	numbers->public = n;
	numbers->exponent = e;
	numbers->algorithm = key->bits <= 2048 ? ALGO_RSA2048 :
	    key->bits <= 3072		       ? ALGO_RSA3072 :
						 ALGO_RSA4096;
	native_order(n, n_room);
	native_order(e, e_room);
	params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n_room,
	    n.len);
	params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e_room,
	    e.len);
	params[2] = OSSL_PARAM_construct_end();
	key->evp = evp_from("RSA", params);
	return key->evp ? 0 : gpg_error(GPG_ERR_BAD_PUBKEY);
}

/*
 * Whether the point is on its curve.  All of these curves have a cofactor of
 * one, so that every point but infinity, which has no such encoding, is of the
 * group's order, and there is no need to multiply (SP 800-56A, 5.6.2.3.4).
 */
static bool
point_is_good(EVP_PKEY *evp)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
	bool good = ctx && EVP_PKEY_public_check_quick(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* Writes the point anew, uncompressed: 04 x y. */
static gpg_error_t
expand_point(EVP_PKEY *evp, size_t field, uint8_t *point)
{
	BIGNUM *x = NULL, *y = NULL;
	gpg_error_t err = 0;

	point[0] = 0x04;
	if (EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1 ||
	    EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1 ||
	    BN_bn2binpad(x, point + 1, (int)field) < 0 ||
	    BN_bn2binpad(y, point + 1 + field, (int)field) < 0)
		err = gpg_error(GPG_ERR_BAD_PUBKEY);
	BN_free(x);
	BN_free(y);
	return err;
}

static gpg_error_t
make_ec(struct pubkey *key, struct key_numbers *numbers,
    uint8_t room[KEY_PUBLIC_MAX])
{
	const struct algorithm_row *row = &algorithms[numbers->algorithm];
	struct view point = numbers->public;
	OSSL_PARAM params[3];
	gpg_error_t err;

	if (point.len == 0 || numbers->exponent.len > 0 ||
	    point.len != (point.p[0] == 0x04 ? 2 * row->field + 1 :
					       row->field + 1) ||
	    point.p[0] < 0x02 || point.p[0] > 0x04)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	memcpy(room, point.p, point.len);
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)row->group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    room, point.len);
	params[2] = OSSL_PARAM_construct_end();
	if (!(key->evp = evp_from("EC", params)) || !point_is_good(key->evp))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	if ((err = expand_point(key->evp, row->field, room)))
		return err;
	numbers->public = view_of(room, 2 * row->field + 1);
	key->bits = numbers->algorithm == ALGO_P521 ? 521 :
	    8 * (unsigned)row->field;
	return 0;
}

static gpg_error_t
make_ed25519(struct pubkey *key, struct key_numbers *numbers)
{
	struct view point = numbers->public;

	if (point.len != 32 || numbers->exponent.len > 0 ||
	    !ed25519_point_is_good(point.p))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	key->evp = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL,
	    point.p, point.len);
	key->bits = 255;
	return key->evp ? 0 : gpg_error(GPG_ERR_BAD_PUBKEY);
}

/* A context to check signatures with: copies of it cost next to nothing. */
static gpg_error_t
make_verifier(struct pubkey *key)
{
	if (key->algorithm == ALGO_ED25519) {
		key->verify_message = EVP_MD_CTX_new();
		if (!key->verify_message ||
		    EVP_DigestVerifyInit_ex(key->verify_message, NULL, NULL,
		    NULL, NULL, key->evp, NULL) != 1)
			return gpg_error(GPG_ERR_ENOMEM);
		return 0;
	}
	key->verify = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	if (!key->verify || EVP_PKEY_verify_init(key->verify) != 1)
		return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

void
key_put_mpint(struct buf *b, struct view number)
{
	bool sign;

	number = view_strip(number);
	sign = number.len > 0 && number.p[0] & 0x80;
	buf_put_u32(b, (uint32_t)number.len + sign);
	if (sign)
		buf_put_u8(b, 0);
	buf_put_view(b, number);
}

static gpg_error_t
make_ssh(struct pubkey *key)
{
	const struct algorithm_row *row = &algorithms[key->algorithm];

	buf_put_cstring(&key->ssh, row->ssh_type);
	if (algorithm_is_rsa(key->algorithm)) {
		key_put_mpint(&key->ssh, key->exponent);
		key_put_mpint(&key->ssh, key->public);
	} else {
		if (row->ssh_curve)
			buf_put_cstring(&key->ssh, row->ssh_curve);
		buf_put_string(&key->ssh, key->public);
	}
	return buf_error(&key->ssh);
}

/* Encodings and name, once the numbers are judged. */
static gpg_error_t
make_names(struct pubkey *key, const struct key_numbers *numbers)
{
	struct key_numbers inside;
	struct view spki;
	uint8_t id[64];
	size_t len;
	gpg_error_t err;

	if ((err = spki_put(&key->spki, numbers, &inside)))
		return err;
	key->algorithm = inside.algorithm;
	key->public = inside.public;
	key->exponent = inside.exponent;
	spki = buf_view(&key->spki);
	if ((err = make_ssh(key)) ||
	    (err = hash_bytes(HASH_SHA256, &spki, 1, id, &len)))
		return err;
	memcpy(key->id, id, sizeof(key->id));
	return 0;
}

static gpg_error_t
make_evp(struct pubkey *key, struct key_numbers *numbers,
    uint8_t room[KEY_PUBLIC_MAX])
{
	switch (numbers->algorithm) {
	case ALGO_RSA2048:
	case ALGO_RSA3072:
	case ALGO_RSA4096:
		return make_rsa(key, numbers);
	case ALGO_P256:
	case ALGO_P384:
	case ALGO_P521:
		return make_ec(key, numbers, room);
	case ALGO_ED25519:
		return make_ed25519(key, numbers);
	case ALGO_NONE:
		break;
	}
	return gpg_error(GPG_ERR_PUBKEY_ALGO);
}

static gpg_error_t
make(struct pubkey **out, struct key_numbers numbers)
{
	uint8_t room[KEY_PUBLIC_MAX];
	struct pubkey *key;
	gpg_error_t err;

	if (!(key = calloc(1, sizeof(*key))))
		return gpg_error(GPG_ERR_ENOMEM);
	buf_init(&key->spki, KEY_SPKI_MAX);
	buf_init(&key->ssh, KEY_SPKI_MAX);
	if (!(err = make_evp(key, &numbers, room)) &&
	    !(err = make_names(key, &numbers)) &&
	    !(err = make_verifier(key))) {
		*out = key;
		return 0;
	}
	ERR_clear_error();
	pubkey_free(&key);
	return err;
}

gpg_error_t
pubkey_new(struct pubkey **out, enum key_algorithm algorithm,
    struct view public, struct view exponent)
{
	*out = NULL;
	if (algorithm <= ALGO_NONE || (size_t)algorithm >= ALGORITHMS)
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	/* Tokens tell the whole point; only certificates may compress it. */
	if (algorithm_field(algorithm) > 0 &&
	    (public.len == 0 || public.p[0] != 0x04))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	return make(out, (struct key_numbers){ algorithm, public, exponent });
}

gpg_error_t
pubkey_from_spki(struct pubkey **out, struct view der)
{
	struct key_numbers numbers;
	gpg_error_t err;

	*out = NULL;
	if ((err = spki_get(der, &numbers)))
		return err;
	return make(out, numbers);
}

void
pubkey_free(struct pubkey **key)
{
	if (!*key)
		return;
	EVP_PKEY_CTX_free((*key)->verify);
	EVP_MD_CTX_free((*key)->verify_message);
	EVP_PKEY_free((*key)->evp);
	buf_free(&(*key)->spki);
	buf_free(&(*key)->ssh);
	free(*key);
	*key = NULL;
}

enum key_algorithm
pubkey_algorithm(const struct pubkey *key)
{
	return key->algorithm;
}

unsigned
pubkey_bits(const struct pubkey *key)
{
	return key->bits;
}

struct view
pubkey_id(const struct pubkey *key)
{
	return view_of(key->id, sizeof(key->id));
}

struct view
pubkey_spki(const struct pubkey *key)
{
	return buf_view(&key->spki);
}

struct view
pubkey_ssh(const struct pubkey *key)
{
	return buf_view(&key->ssh);
}

struct view
pubkey_public(const struct pubkey *key)
{
	return key->public;
}

struct view
pubkey_exponent(const struct pubkey *key)
{
	return key->exponent;
}

const char *
pubkey_ssh_type(const struct pubkey *key)
{
	return algorithms[key->algorithm].ssh_type;
}

enum hash_algorithm
pubkey_hash(const struct pubkey *key)
{
	return algorithms[key->algorithm].hash;
}
