/* Verifies attestations: the chain up to the maker's root. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "format/attest.h"
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
    X509_STORE *store, STACK_OF(X509) *between)
{
	bool ok = true;

	for (size_t i = 1; ok && i < chain->count; i++)
		ok = sk_X509_push(between, chain->certs[i]) > 0;
	for (size_t i = 0; ok && i < roots->count; i++)
		ok = certs_is_root(roots->certs[i]) ?
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

/* Keeps the path but for the root, and the root's name. */
static gpg_error_t
keep_path(STACK_OF(X509) *path, struct attestation *out)
{
	int last = sk_X509_num(path) - 1;
	char name[256] = "";
	gpg_error_t err = 0;

	X509_NAME_get_text_by_NID(X509_get_subject_name(sk_X509_value(path,
	    last)), NID_commonName, name, sizeof(name));
	text_clean(out->root, sizeof(out->root), view_str(name));
	for (int i = 0; i < last && !err; i++)
		err = certs_push(&out->path, sk_X509_value(path, i));
	return err;
}

static gpg_error_t
verify_path(X509_STORE_CTX *ctx, uint64_t now, struct attestation *out,
    char why[ATTEST_WHY])
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	STACK_OF(X509) *path;

	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	if (X509_verify_cert(ctx) != 1)
		return explain(X509_STORE_CTX_get_error(ctx), why);
	path = X509_STORE_CTX_get0_chain(ctx);
	if (sk_X509_num(path) < 2 || !are_authorities(path))
		return tell(why, GPG_ERR_BAD_CERT_CHAIN,
		    "a certificate of the chain is no authority's");
	if (keep_path(path, out))
		return tell(why, GPG_ERR_ENOMEM, "out of memory");
	return 0;
}

static gpg_error_t
verify_chain(const struct attest_certs *chain,
    const struct attest_certs *roots, uint64_t now, struct attestation *out,
    char why[ATTEST_WHY])
{
	STACK_OF(X509) *between = sk_X509_new_null();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	gpg_error_t err;

	if (!between || !ctx || !store ||
	    !sort_certs(chain, roots, store, between) ||
	    X509_STORE_CTX_init(ctx, store, chain->certs[0], between) != 1)
		err = tell(why, GPG_ERR_ENOMEM, "out of memory");
	else
		err = verify_path(ctx, now, out, why);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(between);
	ERR_clear_error();
	return err;
}

static gpg_error_t
compare(const struct attestation *a, const struct pubkey *key,
    char why[ATTEST_WHY])
{
	if (!key || view_eq(pubkey_id(a->key), pubkey_id(key)))
		return 0;
	return tell(why, GPG_ERR_BAD_PUBKEY,
	    "it is another key that is attested");
}

gpg_error_t
attest_verify(const struct attest_certs *chain,
    const struct attest_certs *roots, uint64_t now, const struct pubkey *key,
    struct attestation *out, char why[ATTEST_WHY])
{
	gpg_error_t err;

	memset(out, 0, sizeof(*out));
	why[0] = 0;
	if (!chain || chain->count == 0)
		return tell(why, GPG_ERR_NO_DATA, "there is no certificate");
	if (attest_certs_roots(roots) == 0)
		return tell(why, GPG_ERR_BAD_CERT_CHAIN, "there is no root "
		    "certificate to verify it with");
	if ((err = verify_chain(chain, roots, now, out, why)) ||
	    (err = certs_get_statement(chain->certs[0], out, why)) ||
	    (err = compare(out, key, why)))
		attestation_free(out);
	return err;
}

void
attestation_free(struct attestation *a)
{
	pubkey_free(&a->key);
	attest_certs_free(&a->path);
	memset(a, 0, sizeof(*a));
}
