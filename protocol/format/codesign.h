/*
 * Certificates of those who sign images, as the Notary Project wants them;
 * and what its envelopes share, for this folder alone.
 */
#ifndef FORMAT_CODESIGN_H
#define FORMAT_CODESIGN_H

#include "format/notaryenv.h"

/*
 * Whether the chain leads to a root at that time, and its first certificate
 * is for signing and not for anything else that has a name.
 */
gpg_error_t codesign_verify(const struct attest_certs *chain,
    const struct attest_certs *roots, uint64_t at, char why[ATTEST_WHY]);

/* What is signed; of JWS, header and payload are base64url. */
gpg_error_t notaryenv_put_input(struct buf *, enum notaryenv_form,
    struct view header, struct view payload);

#endif
