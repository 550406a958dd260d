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
 * Finds the path from the chain's first certificate by its others to one of
 * `roots` that is_root() takes, all valid at `now` and all but the first
 * authorities'; the root is its last.  Errors and `why` as attest_verify()
 * has them.
 */
gpg_error_t certs_verify(const struct attest_certs *chain,
    const struct attest_certs *roots, bool (*is_root)(X509 *), uint64_t now,
    struct attest_certs **path, char why[ATTEST_WHY]);

/* Puts the certificate's DER. */
gpg_error_t certs_put_der(X509 *, struct buf *);

/* Whose it is, as RFC 2253 writes names; not clean. */
gpg_error_t certs_put_subject(X509 *, struct buf *);

/* Its key; GPG_ERR_PUBKEY_ALGO, GPG_ERR_BAD_PUBKEY. */
gpg_error_t certs_get_key(X509 *, struct pubkey **);

/*
 * What an attestation says; all but its chain is judged.  Errors and `why` as
 * attest_verify() has them.
 */
gpg_error_t certs_get_statement(X509 *, struct attestation *,
    char why[ATTEST_WHY]);

#endif
