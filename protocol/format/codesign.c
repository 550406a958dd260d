/* Certificates of those who sign images. */
#include "config.h"

#include <openssl/x509v3.h>

#include "format/certs.h"
#include "format/codesign.h"
#include "wire/text.h"

static gpg_error_t
tell(char why[ATTEST_WHY], gpg_err_code_t code, const char *text)
{
	text_clean(why, ATTEST_WHY, view_str(text));
	return gpg_error(code);
}

/* Who signs for himself is no authority, and trusted all the same. */
static bool
is_anchor(X509 *x)
{
	return X509_NAME_cmp(X509_get_subject_name(x),
	    X509_get_issuer_name(x)) == 0;
}

static bool
is_critical(X509 *x, int nid)
{
	int place = X509_get_ext_by_NID(x, nid, -1);

	return place >= 0 &&
	    X509_EXTENSION_get_critical(X509_get_ext(x, place));
}

/* Commitment to what is signed goes with it. */
static bool
signs_alone(X509 *x)
{
	uint32_t usage = X509_get_key_usage(x);

	return usage & KU_DIGITAL_SIGNATURE &&
	    !(usage & ~(uint32_t)(KU_DIGITAL_SIGNATURE |
	    KU_NON_REPUDIATION)) && is_critical(x, NID_key_usage);
}

static bool
signs_code_alone(X509 *x)
{
	uint32_t usage;

	if (!(X509_get_extension_flags(x) & EXFLAG_XKUSAGE))
		return true;
	usage = X509_get_extended_key_usage(x);
	return usage & XKU_CODE_SIGN &&
	    !(usage & (XKU_SSL_SERVER | XKU_SSL_CLIENT | XKU_SMIME |
	    XKU_TIMESTAMP | XKU_OCSP_SIGN | XKU_ANYEKU));
}

/* Also gives the path that was found. */
static gpg_error_t
find_path(const struct attest_certs *chain, const struct attest_certs *roots,
    uint64_t at, struct attest_certs **path, char why[ATTEST_WHY])
{
	gpg_error_t err;
	X509 *x;

	*path = NULL;
	if (!chain || chain->count == 0)
		return tell(why, GPG_ERR_NO_DATA, "there is no certificate");
	if (attest_certs_count(roots) == 0)
		return tell(why, GPG_ERR_BAD_CERT_CHAIN, "there is no root "
		    "certificate to verify it with");
	if ((err = certs_verify(chain, roots, is_anchor, at, path, why)))
		return err;
	x = chain->certs[0];
	if (X509_check_ca(x) != 0 || X509_get_extension_flags(x) & EXFLAG_CA)
		return tell(why, GPG_ERR_WRONG_KEY_USAGE,
		    "the certificate is an authority's");
	if (!signs_alone(x))
		return tell(why, GPG_ERR_WRONG_KEY_USAGE,
		    "the certificate is not for signing alone");
	if (!signs_code_alone(x))
		return tell(why, GPG_ERR_WRONG_KEY_USAGE,
		    "the certificate is not for signing code");
	return 0;
}

gpg_error_t
codesign_verify(const struct attest_certs *chain,
    const struct attest_certs *roots, uint64_t at, char why[ATTEST_WHY])
{
	struct attest_certs *path;
	gpg_error_t err;

	err = find_path(chain, roots, at, &path, why);
	attest_certs_free(&path);
	return err;
}

static bool
is_keys(X509 *x, const struct pubkey *key)
{
	struct pubkey *own;
	bool same;

	if (certs_get_key(x, &own))
		return false;
	same = view_eq(pubkey_id(own), pubkey_id(key));
	pubkey_free(&own);
	return same;
}

static bool
are_same(const struct attest_certs *a, const struct attest_certs *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (X509_cmp(a->certs[i], b->certs[i]) != 0)
			return false;
	return true;
}

gpg_error_t
notaryenv_check_chain(const struct pubkey *key,
    const struct attest_certs *chain, uint64_t now, char why[ATTEST_WHY])
{
	struct attest_certs *path;
	gpg_error_t err;

	if (attest_certs_count(chain) > NOTARYENV_CERTS_MAX)
		return tell(why, GPG_ERR_TOO_LARGE,
		    "there are too many certificates");
	if (chain && !is_keys(chain->certs[0], key))
		return tell(why, GPG_ERR_BAD_CERT,
		    "the first certificate is another key's");
	err = find_path(chain, chain, now, &path, why);
	if (!err && !are_same(chain, path))
		err = tell(why, GPG_ERR_BAD_CERT_CHAIN, "the certificates are "
		    "not in order: the key's first, each followed by the one "
		    "that signed it, and none besides");
	attest_certs_free(&path);
	return err;
}
