/* Keys as libcrypto has them: made, imported, shown, used. */
#include <config.h>

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "card.h"

enum family { FAMILY_RSA, FAMILY_EC, FAMILY_ED25519 };

static const struct alg {
	uint8_t id;
	enum family family;
	int bits;
	const char *curve;
	uint8_t major, minor;	/* since this firmware */
} algs[] = {
	{ ALG_RSA1024, FAMILY_RSA, 1024, NULL, 0, 0 },
	{ ALG_RSA2048, FAMILY_RSA, 2048, NULL, 0, 0 },
	{ ALG_RSA3072, FAMILY_RSA, 3072, NULL, 5, 7 },
	{ ALG_RSA4096, FAMILY_RSA, 4096, NULL, 5, 7 },
	{ ALG_P256, FAMILY_EC, 256, "P-256", 0, 0 },
	{ ALG_P384, FAMILY_EC, 384, "P-384", 4, 0 },
	{ ALG_ED25519, FAMILY_ED25519, 256, NULL, 5, 7 },
};

static const struct alg *
find(uint8_t id)
{
	size_t i;

	for (i = 0; i < sizeof(algs) / sizeof(*algs); i++) {
		if (algs[i].id == id)
			return &algs[i];
	}
	return NULL;
}

bool
key_alg_known(const struct state *st, uint8_t alg)
{
	const struct alg *a = find(alg);

	return a != NULL && state_is_at_least(st, a->major, a->minor);
}

EVP_PKEY *
key_generate(uint8_t alg)
{
	const struct alg *a = find(alg);

	if (a == NULL)
		return NULL;
	switch (a->family) {
	case FAMILY_RSA:
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)a->bits);
	case FAMILY_EC:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", a->curve);
	case FAMILY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
	return NULL;
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *b)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY *pkey = NULL;

	if (ctx == NULL || params == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* The numbers of an RSA key, from its two primes. */
struct rsa {
	BIGNUM *p, *q, *dp, *dq, *inverse, *n, *e, *d;
};

static void
rsa_free(struct rsa *r)
{
	BN_clear_free(r->p);
	BN_clear_free(r->q);
	BN_clear_free(r->dp);
	BN_clear_free(r->dq);
	BN_clear_free(r->inverse);
	BN_free(r->n);
	BN_free(r->e);
	BN_clear_free(r->d);
}

/* n and d; e is always 65537. */
static bool
rsa_complete(struct rsa *r)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p1 = BN_dup(r->p), *q1 = BN_dup(r->q), *phi = BN_new();
	bool ok;

	r->n = BN_new();
	r->e = BN_new();
	r->d = BN_new();
	ok = ctx != NULL && p1 != NULL && q1 != NULL && phi != NULL &&
	    r->n != NULL && r->e != NULL && r->d != NULL &&
	    BN_set_word(r->e, 65537) && BN_mul(r->n, r->p, r->q, ctx) &&
	    BN_sub_word(p1, 1) && BN_sub_word(q1, 1) &&
	    BN_mul(phi, p1, q1, ctx) &&
	    BN_mod_inverse(r->d, r->e, phi, ctx) != NULL;
	BN_clear_free(p1);
	BN_clear_free(q1);
	BN_clear_free(phi);
	BN_CTX_free(ctx);
	return ok;
}

static EVP_PKEY *
rsa_to_pkey(const struct rsa *r)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (b != NULL &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, r->n) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, r->e) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_D, r->d) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR1, r->p) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR2, r->q) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT1, r->dp) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT2, r->dq) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
	    r->inverse))
		pkey = from_params("RSA", b);
	OSSL_PARAM_BLD_free(b);
	return pkey;
}

static BIGNUM *
number(struct bytes tlvs, unsigned int tag)
{
	struct bytes raw;

	return tlv_find(tlvs, tag, &raw) ?
	    BN_bin2bn(raw.p, raw.len, NULL) : NULL;
}

/* Tags 1 to 5: p, q, dp, dq, 1/q. */
static EVP_PKEY *
rsa_import(const struct alg *a, struct bytes tlvs)
{
	struct rsa r = { .p = number(tlvs, 1), .q = number(tlvs, 2),
		.dp = number(tlvs, 3), .dq = number(tlvs, 4),
		.inverse = number(tlvs, 5) };
	EVP_PKEY *pkey = NULL;

	if (r.p != NULL && r.q != NULL && r.dp != NULL && r.dq != NULL &&
	    r.inverse != NULL && rsa_complete(&r) &&
	    BN_num_bits(r.n) == a->bits)
		pkey = rsa_to_pkey(&r);
	rsa_free(&r);
	return pkey;
}

static EVP_PKEY *
ec_from_scalar(const struct alg *a, const BIGNUM *d, const EC_GROUP *g)
{
	EC_POINT *q = EC_POINT_new(g);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	uint8_t raw[128];
	size_t len = 0;

	if (q != NULL && b != NULL &&
	    EC_POINT_mul(g, q, d, NULL, NULL, NULL) == 1)
		len = EC_POINT_point2oct(g, q, POINT_CONVERSION_UNCOMPRESSED,
		    raw, sizeof(raw), NULL);
	if (len > 0 &&
	    OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME,
	    a->curve, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, raw,
	    len) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d))
		pkey = from_params("EC", b);
	OSSL_PARAM_BLD_free(b);
	EC_POINT_free(q);
	return pkey;
}

/* Tag 6: the scalar. */
static EVP_PKEY *
ec_import(const struct alg *a, struct bytes tlvs)
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(
	    EC_curve_nist2nid(a->curve));
	BIGNUM *d = number(tlvs, 6);
	EVP_PKEY *pkey = NULL;

	if (g != NULL && d != NULL && !BN_is_zero(d) &&
	    BN_cmp(d, EC_GROUP_get0_order(g)) < 0)
		pkey = ec_from_scalar(a, d, g);
	BN_clear_free(d);
	EC_GROUP_free(g);
	return pkey;
}

/* Tag 7: the seed. */
static EVP_PKEY *
ed25519_import(struct bytes tlvs)
{
	struct bytes seed;

	if (!tlv_find(tlvs, 7, &seed))
		return NULL;
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed.p,
	    seed.len);
}

EVP_PKEY *
key_import(uint8_t alg, struct bytes tlvs)
{
	const struct alg *a = find(alg);

	if (a == NULL)
		return NULL;
	switch (a->family) {
	case FAMILY_RSA:
		return rsa_import(a, tlvs);
	case FAMILY_EC:
		return ec_import(a, tlvs);
	case FAMILY_ED25519:
		return ed25519_import(tlvs);
	}
	return NULL;
}

static bool
put_number(struct out *o, unsigned int tag, const EVP_PKEY *pkey,
    const char *name)
{
	BIGNUM *n = NULL;
	uint8_t raw[512];
	int len;

	if (EVP_PKEY_get_bn_param(pkey, name, &n) != 1)
		return false;
	len = BN_num_bytes(n);
	if ((size_t)len > sizeof(raw)) {
		BN_free(n);
		return false;
	}
	BN_bn2bin(n, raw);
	out_tlv(o, tag, bytes_of(raw, len));
	BN_free(n);
	return true;
}

/* As GENERATE and the metadata have it: 81 and 82, or 86. */
bool
key_public(const struct key *k, struct out *o)
{
	const struct alg *a = find(k->alg);
	uint8_t raw[128];
	size_t len = sizeof(raw);

	if (a == NULL)
		return false;
	if (a->family == FAMILY_RSA)
		return put_number(o, 0x81, k->pkey, OSSL_PKEY_PARAM_RSA_N) &&
		    put_number(o, 0x82, k->pkey, OSSL_PKEY_PARAM_RSA_E);
	if (a->family == FAMILY_ED25519) {
		if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &len) != 1)
			return false;
	} else if (EVP_PKEY_get_octet_string_param(k->pkey,
	    OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof(raw), &len) != 1) {
		return false;
	}
	out_tlv(o, 0x86, bytes_of(raw, len));
	return true;
}

static bool
put_result(struct out *o, const uint8_t *raw, size_t len, bool ok)
{
	if (ok)
		out_put(o, bytes_of(raw, len));
	return ok;
}

/* RSA: the bare private operation, which also deciphers. */
static bool
rsa_apply(EVP_PKEY *pkey, const struct alg *a, struct bytes in,
    struct out *o)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	uint8_t raw[512];
	size_t len = sizeof(raw);
	bool ok;

	ok = in.len == (size_t)a->bits / 8 && ctx != NULL &&
	    EVP_PKEY_decrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
	    EVP_PKEY_decrypt(ctx, raw, &len, in.p, in.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return put_result(o, raw, len, ok);
}

static bool
ecdsa_sign(EVP_PKEY *pkey, const struct alg *a, struct bytes in,
    struct out *o)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	uint8_t raw[128];
	size_t len = sizeof(raw);
	bool ok;

	ok = in.len > 0 && in.len <= (size_t)a->bits / 8 && ctx != NULL &&
	    EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_sign(ctx, raw, &len, in.p, in.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return put_result(o, raw, len, ok);
}

static bool
ed25519_sign(EVP_PKEY *pkey, struct bytes in, struct out *o)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t raw[64];
	size_t len = sizeof(raw);
	bool ok;

	ok = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestSign(ctx, raw, &len, in.p, in.len) == 1;
	EVP_MD_CTX_free(ctx);
	return put_result(o, raw, len, ok);
}

bool
key_sign(const struct key *k, struct bytes in, struct out *o)
{
	const struct alg *a = find(k->alg);

	if (a == NULL)
		return false;
	switch (a->family) {
	case FAMILY_RSA:
		return rsa_apply(k->pkey, a, in, o);
	case FAMILY_EC:
		return ecdsa_sign(k->pkey, a, in, o);
	case FAMILY_ED25519:
		return ed25519_sign(k->pkey, in, o);
	}
	return false;
}

/* ECDH with the peer's point: the x coordinate. */
bool
key_agree(const struct key *k, struct bytes peer, struct out *o)
{
	const struct alg *a = find(k->alg);
	EVP_PKEY *other = EVP_PKEY_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	uint8_t raw[64];
	size_t len = sizeof(raw);
	bool ok;

	ok = a != NULL && a->family == FAMILY_EC && ctx != NULL &&
	    other != NULL && EVP_PKEY_copy_parameters(other, k->pkey) == 1 &&
	    EVP_PKEY_set1_encoded_public_key(other, peer.p, peer.len) == 1 &&
	    EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
	    EVP_PKEY_derive(ctx, raw, &len) == 1;
	EVP_PKEY_free(other);
	EVP_PKEY_CTX_free(ctx);
	return put_result(o, raw, len, ok);
}
