/* Signatures with private keys in memory. */
#include "config.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "soft.h"

static bool
sign_message(EVP_PKEY *evp, struct view data, uint8_t *out, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = ctx && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, evp,
	    NULL) == 1 &&
	    EVP_DigestSign(ctx, out, len, data.p, data.len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* Without a hash set, RSA pads the data, and ECDSA signs it. */
static bool
sign_data(EVP_PKEY *evp, struct view data, uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
	bool ok;

	ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_sign(ctx, out, len, data.p, data.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* r || s of a DER signature, in place. */
static bool
take_numbers(uint8_t *out, size_t *len, int field)
{
	const uint8_t *p = out;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)*len);
	bool ok = sig &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, field) == field &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + field, field) == field;

	ECDSA_SIG_free(sig);
	*len = 2 * (size_t)field;
	return ok;
}

/* Which key goes with which mechanism; bytes of a number of ECDSA's. */
static bool
fits(enum key_algorithm algorithm, uint8_t mechanism, int *field)
{
	*field = 0;
	switch (algorithm) {
	case ALGO_ED25519:
		return mechanism == MECH_EDDSA;
	case ALGO_P256:
		*field = 32;
		return mechanism == MECH_ECDSA;
	case ALGO_P384:
		*field = 48;
		return mechanism == MECH_ECDSA;
	case ALGO_P521:
		*field = 66;
		return mechanism == MECH_ECDSA;
	default:
		return mechanism == MECH_RSA_PKCS1;
	}
}

gpg_error_t
soft_sign_with(EVP_PKEY *evp, enum key_algorithm algorithm, uint8_t mechanism,
    struct view data, uint8_t *signature, size_t *len)
{
	int field;
	bool ok;

	*len = TOKEN_SIGNATURE_MAX;
	if (!evp || !fits(algorithm, mechanism, &field))
		return gpg_error(GPG_ERR_INV_VALUE);
	ok = mechanism == MECH_EDDSA ?
	    sign_message(evp, data, signature, len) :
	    sign_data(evp, data, signature, len);
	if (ok && field > 0)
		ok = take_numbers(signature, len, field);
	if (ok)
		return 0;
	ERR_clear_error();
	*len = 0;
	return gpg_error(GPG_ERR_GENERAL);
}
