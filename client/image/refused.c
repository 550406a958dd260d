/* Tells what is refused of a signature that is good in a way of its own. */
#include "config.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "client/image/refused.h"
#include "format/notaryenv.h"

static bool
is_rsa(const struct pubkey *key)
{
	const char *algorithm = notaryenv_algorithm(key);

	return algorithm && algorithm[0] == 'P';
}

/* RSA with the padding that the format does not have. */
static bool
other_padding(const struct pubkey *key, enum rawsig_form form,
    const struct view *parts, size_t count, struct view sig)
{
	struct signing s;
	bool is = false;

	if (form == RAWSIG_NOTARY)
		return !rawsig_check(key, RAWSIG_SIGSTORE,
		    rawsig_hash(key, RAWSIG_NOTARY), parts, count, sig);
	if (!signing_begin_pss(&s, key, HASH_SHA256, parts, count))
		is = !signing_check(&s, key, sig);
	signing_free(&s);
	return is;
}

/* The whole of a key, whose padding is 0 for what has none. */
static bool
is_sha1_of(EVP_PKEY *key, int padding, const struct view *parts,
    size_t count, struct view sig)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *of = NULL;
	bool is;

	is = md && EVP_DigestVerifyInit(md, &of, EVP_sha1(), NULL, key) == 1 &&
	    (!padding || EVP_PKEY_CTX_set_rsa_padding(of, padding) == 1);
	for (size_t i = 0; i < count && is; i++)
		is = EVP_DigestVerifyUpdate(md, parts[i].p, parts[i].len) == 1;
	is = is && EVP_DigestVerifyFinal(md, sig.p, sig.len) == 1;
	EVP_MD_CTX_free(md);
	return is;
}

/* r || s, as the Notary Project has it, to DER; NULL if it is none. */
static uint8_t *
der_of(struct view sig, int *len)
{
	ECDSA_SIG *both = ECDSA_SIG_new();
	size_t half = sig.len / 2;
	BIGNUM *r = BN_bin2bn(sig.p, (int)half, NULL);
	BIGNUM *s = BN_bin2bn(sig.p + half, (int)half, NULL);
	uint8_t *der = NULL;

	*len = 0;
	if (both && r && s && ECDSA_SIG_set0(both, r, s) == 1)
		*len = i2d_ECDSA_SIG(both, &der);
	else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(both);
	return *len > 0 ? der : NULL;
}

static bool
is_sha1(const struct pubkey *key, enum rawsig_form form,
    const struct view *parts, size_t count, struct view sig)
{
	struct view spki = pubkey_spki(key);
	const uint8_t *p = spki.p;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)spki.len);
	uint8_t *der = NULL;
	bool is = false;
	int len;

	if (!pkey || sig.len > RAWSIG_MAX)
		goto out;
	if (is_rsa(key)) {
		is = is_sha1_of(pkey, RSA_PKCS1_PADDING, parts, count, sig) ||
		    is_sha1_of(pkey, RSA_PKCS1_PSS_PADDING, parts, count, sig);
		goto out;
	}
	if (form == RAWSIG_NOTARY) {
		if (!(der = der_of(sig, &len)))
			goto out;
		sig = view_of(der, (size_t)len);
	}
	is = is_sha1_of(pkey, 0, parts, count, sig);
out:
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	return is;
}

const char *
refused_why(const struct pubkey *key, enum rawsig_form form,
    const struct view *parts, size_t count, struct view sig)
{
	if (is_rsa(key) && other_padding(key, form, parts, count, sig))
		return form == RAWSIG_NOTARY ? "it is signed with RSA PKCS#1 "
		    "v1.5, which the Notary Project does not allow" :
		    "it is signed with RSA-PSS, which cosign does not take";
	if (is_sha1(key, form, parts, count, sig))
		return "it is signed with SHA-1, which is broken";
	return NULL;
}
