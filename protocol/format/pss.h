/*
 * RSA-PSS where the token only raises to a power, as PIV's do: the block that
 * it gets (RFC 8017, 9.1.1), with SHA-2 throughout.
 */
#ifndef FORMAT_PSS_H
#define FORMAT_PSS_H

#include "wire/buf.h"

#define PSS_HASH_MAX 64

/*
 * Puts the block for a modulus of so many bits.  The salt, random and as long
 * as the digest, is the caller's.  GPG_ERR_DIGEST_ALGO for other lengths than
 * SHA-2's, GPG_ERR_TOO_LARGE if it does not fit the modulus.
 */
gpg_error_t pss_encode(struct view digest, struct view salt, unsigned bits,
    struct buf *block);

#endif
