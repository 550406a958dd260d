/*
 * X.509 certificates as libcrypto has them, for this folder alone.
 */
#ifndef FORMAT_CERTS_H
#define FORMAT_CERTS_H

#include <openssl/x509.h>

#include "format/attest.h"

struct attest_certs {
	X509 *certs[ATTEST_CERTS_MAX];
	size_t count;
};

/* Whether it names itself as its issuer, and is an authority. */
bool certs_is_root(X509 *);

/* Adds one more reference to it; *certs may be NULL. */
gpg_error_t certs_push(struct attest_certs **certs, X509 *);

/*
 * What an attestation says; all but its chain is judged.  Errors and `why` as
 * attest_verify() has them.
 */
gpg_error_t certs_get_statement(X509 *, struct attestation *,
    char why[ATTEST_WHY]);

#endif
