/* A key pair in memory, made and used by OpenSSL's own calls. */
#include "config.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "softkey.h"

EVP_PKEY *
softkey_new(enum key_algorithm algorithm)
{
	switch (algorithm) {
	case ALGO_RSA2048:
		return EVP_RSA_gen(2048);
	case ALGO_RSA3072:
		return EVP_RSA_gen(3072);
	case ALGO_RSA4096:
		return EVP_RSA_gen(4096);
	case ALGO_P256:
		return EVP_EC_gen("P-256");
	case ALGO_P384:
		return EVP_EC_gen("P-384");
	case ALGO_P521:
		return EVP_EC_gen("P-521");
	case ALGO_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case ALGO_NONE:
		break;
	}
	return NULL;
}

struct pubkey *
softkey_public(EVP_PKEY *evp)
{
	struct pubkey *key = NULL;
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(evp, &der);

	if (len > 0)
		pubkey_from_spki(&key, view_of(der, (size_t)len));
	OPENSSL_free(der);
	return key;
}

static size_t
sign_message(EVP_PKEY *evp, struct view data, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SOFTKEY_SIGNATURE_MAX;

	if (!ctx ||
	    EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, evp,
		NULL) != 1 ||
	    EVP_DigestSign(ctx, out, &len, data.p, data.len) != 1)
		len = 0;
	EVP_MD_CTX_free(ctx);
	return len;
}

static size_t
sign_digest(EVP_PKEY *evp, struct view data, uint8_t *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
	size_t len = SOFTKEY_SIGNATURE_MAX;

	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, out, &len, data.p, data.len) != 1)
		len = 0;
	EVP_PKEY_CTX_free(ctx);
	return len;
}

/* r || s of a DER signature, in place. */
static size_t
plain_ecdsa(EVP_PKEY *evp, uint8_t *out, size_t len)
{
	int field = (EVP_PKEY_get_bits(evp) + 7) / 8;
	const uint8_t *p = out;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	bool good = sig &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, field) == field &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + field, field) == field;

	ECDSA_SIG_free(sig);
	return good ? 2 * (size_t)field : 0;
}

static size_t
sign_pss(EVP_PKEY *evp, enum hash_algorithm hash, struct view data,
    uint8_t *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
	const EVP_MD *md = hash == HASH_SHA256 ? EVP_sha256() :
	    hash == HASH_SHA384 ? EVP_sha384() : EVP_sha512();
	size_t len = SOFTKEY_SIGNATURE_MAX;

	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, md) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx,
	    RSA_PSS_SALTLEN_DIGEST) != 1 ||
	    EVP_PKEY_sign(ctx, out, &len, data.p, data.len) != 1)
		len = 0;
	EVP_PKEY_CTX_free(ctx);
	return len;
}

size_t
softkey_sign(EVP_PKEY *evp, const struct signing *s,
    uint8_t out[SOFTKEY_SIGNATURE_MAX])
{
	struct view data = buf_view(&s->data);
	size_t len;

	switch (s->mechanism) {
	case MECH_EDDSA:
		return sign_message(evp, data, out);
	case MECH_RSA_PKCS1:
		return sign_digest(evp, data, out);
	case MECH_RSA_PSS:
		return sign_pss(evp, s->hash, data, out);
	case MECH_ECDSA:
		len = sign_digest(evp, data, out);
		return len ? plain_ecdsa(evp, out, len) : 0;
	}
	return 0;
}
