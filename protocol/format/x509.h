/*
 * A key's own X.509 certificate (RFC 5280), which the key itself signs.  A
 * token keeps it beside the key; its notBefore is the key's time of creation.
 */
#ifndef FORMAT_X509_H
#define FORMAT_X509_H

#include "format/pubkey.h"

#define X509_SUBJECT_MAX 64	/* bytes (RFC 5280, ub-common-name) */
#define X509_CODE_SUBJECT_MAX 256	/* the names of repositories are longer */

struct x509;

/*
 * Prepares the signature.  `subject` is the common name, UTF-8, not empty;
 * `expires_after` is in seconds from `created` (0: 99991231235959Z).  The key
 * must outlive the certificate.  GPG_ERR_INV_NAME, GPG_ERR_INV_TIME.  Free
 * with x509_free(), which sets the pointer to NULL.
 */
gpg_error_t x509_begin(struct x509 **, struct signing *,
    const struct pubkey *, const char *subject, uint32_t created,
    uint32_t expires_after);
void x509_free(struct x509 **);

/*
 * The same for one that signs code, which image signatures of the Notary
 * Project want; and a request for such a one (PKCS #10, RFC 2986), which an
 * authority is to answer.
 */
gpg_error_t x509_begin_code(struct x509 **, struct signing *,
    const struct pubkey *, const char *subject, uint32_t created,
    uint32_t expires_after);
gpg_error_t x509_begin_request(struct x509 **, struct signing *,
    const struct pubkey *, const char *subject);

/* Puts the certificate or request, DER, given the token's signature (already checked). */
gpg_error_t x509_finish(const struct x509 *, struct view signature,
    struct buf *der);

#endif
