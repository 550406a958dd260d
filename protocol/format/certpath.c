/* Verifies a chain of certificates up to a root. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "format/certs.h"
#include "wire/text.h"

#define DEPTH_MAX 5	/* authorities between the key and a root */
#define SECURITY_LEVEL 2	/* 112 bits: RSA-2048, SHA-224 */

static gpg_error_t
tell(char why[ATTEST_WHY], gpg_err_code_t code, const char *text)
{
	text_clean(why, ATTEST_WHY, view_str(text));
	return gpg_error(code);
}

/* Roots are trusted; what else is in their file may stand in between. */
static bool
sort_certs(const struct attest_certs *chain, const struct attest_certs *roots,
    bool (*is_root)(X509 *), X509_STORE *store, STACK_OF(X509) *between)
{
	bool ok = true;

	for (size_t i = 1; ok && i < chain->count; i++)
		ok = sk_X509_push(between, chain->certs[i]) > 0;
	for (size_t i = 0; ok && i < roots->count; i++)
		ok = is_root(roots->certs[i]) ?
		    X509_STORE_add_cert(store, roots->certs[i]) == 1 :
		    sk_X509_push(between, roots->certs[i]) > 0;
	return ok;
}

/* Where OpenSSL would take a certificate of version 1 for an authority. */
static bool
are_authorities(STACK_OF(X509) *path)
{
	for (int i = 1; i < sk_X509_num(path); i++)
		if (X509_check_ca(sk_X509_value(path, i)) != 1)
			return false;
	return true;
}

static gpg_error_t
explain(int code, char why[ATTEST_WHY])
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return tell(why, GPG_ERR_CERT_EXPIRED,
		    "a certificate of the chain has expired");
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return tell(why, GPG_ERR_CERT_TOO_YOUNG,
		    "a certificate of the chain is not valid yet");
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return tell(why, GPG_ERR_BAD_CERT_CHAIN,
		    "the chain does not lead to the root");
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return tell(why, GPG_ERR_BAD_CERT_CHAIN,
		    "a signature of the chain is wrong");
	default:
		return tell(why, GPG_ERR_BAD_CERT_CHAIN,
		    X509_verify_cert_error_string(code));
	}
}

static gpg_error_t
verify_path(X509_STORE_CTX *ctx, uint64_t now, struct attest_certs **out,
    char why[ATTEST_WHY])
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	STACK_OF(X509) *path;
	gpg_error_t err = 0;

	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	if (X509_verify_cert(ctx) != 1)
		return explain(X509_STORE_CTX_get_error(ctx), why);
	path = X509_STORE_CTX_get0_chain(ctx);
	if (!are_authorities(path))
		return tell(why, GPG_ERR_BAD_CERT_CHAIN,
		    "a certificate of the chain is no authority's");
	for (int i = 0; i < sk_X509_num(path) && !err; i++)
		err = certs_push(out, sk_X509_value(path, i));
	return err ? tell(why, GPG_ERR_ENOMEM, "out of memory") : 0;
}

gpg_error_t
certs_verify(const struct attest_certs *chain,
    const struct attest_certs *roots, bool (*is_root)(X509 *), uint64_t now,
    struct attest_certs **path, char why[ATTEST_WHY])
{
	STACK_OF(X509) *between = sk_X509_new_null();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	gpg_error_t err;

	*path = NULL;
	if (!between || !ctx || !store ||
	    !sort_certs(chain, roots, is_root, store, between) ||
	    X509_STORE_CTX_init(ctx, store, chain->certs[0], between) != 1)
		err = tell(why, GPG_ERR_ENOMEM, "out of memory");
	else
		err = verify_path(ctx, now, path, why);
	if (err)
		attest_certs_free(path);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(between);
	ERR_clear_error();
	return err;
}
