/* Verifies attestations: the chain up to the maker's root. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "format/attest.h"
#include "format/certs.h"
#include "wire/text.h"

static gpg_error_t
tell(char why[ATTEST_WHY], gpg_err_code_t code, const char *text)
{
	text_clean(why, ATTEST_WHY, view_str(text));
	return gpg_error(code);
}

/* Keeps the path but for the root, and the root's name. */
static gpg_error_t
keep_path(const struct attest_certs *path, struct attestation *out,
    char why[ATTEST_WHY])
{
	size_t last = path->count - 1;
	char name[256] = "";
	gpg_error_t err = 0;

	if (last == 0)
		return tell(why, GPG_ERR_BAD_CERT_CHAIN,
		    "a certificate of the chain is no authority's");
	X509_NAME_get_text_by_NID(X509_get_subject_name(path->certs[last]),
	    NID_commonName, name, sizeof(name));
	text_clean(out->root, sizeof(out->root), view_str(name));
	for (size_t i = 0; i < last && !err; i++)
		err = certs_push(&out->path, path->certs[i]);
	return err ? tell(why, GPG_ERR_ENOMEM, "out of memory") : 0;
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
	struct attest_certs *path = NULL;
	gpg_error_t err;

	memset(out, 0, sizeof(*out));
	why[0] = 0;
	if (!chain || chain->count == 0)
		return tell(why, GPG_ERR_NO_DATA, "there is no certificate");
	if (attest_certs_roots(roots) == 0)
		return tell(why, GPG_ERR_BAD_CERT_CHAIN, "there is no root "
		    "certificate to verify it with");
	if ((err = certs_verify(chain, roots, certs_is_root, now, &path,
	    why)) || (err = keep_path(path, out, why)) ||
	    (err = certs_get_statement(chain->certs[0], out, why)) ||
	    (err = compare(out, key, why)))
		attestation_free(out);
	attest_certs_free(&path);
	return err;
}

void
attestation_free(struct attestation *a)
{
	pubkey_free(&a->key);
	attest_certs_free(&a->path);
	memset(a, 0, sizeof(*a));
}
