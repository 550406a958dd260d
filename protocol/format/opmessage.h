/*
 * OpenPGP's inline signed messages (RFC 4880, 11.3), as simple signing has
 * them: one pass, literal data, signature; written as they are, read also where
 * GnuPG has compressed them.
 */
#ifndef FORMAT_OPMESSAGE_H
#define FORMAT_OPMESSAGE_H

#include "format/openpgp.h"

#define OPMESSAGE_MAX (2 * 1024 * 1024)	/* bytes */

/*
 * Puts the whole message: a signature that openpgp_begin_document() began,
 * given the token's (already checked), and the document.
 */
gpg_error_t opmessage_put(struct buf *, const struct openpgp_sig *,
    struct view signature, struct view document);

/* One that came from outside. */
struct opmessage {
	struct buf document;
	struct buf head;		/* what is hashed of the signature */
	enum hash_algorithm hash;
	uint8_t algorithm;		/* by OpenPGP's number */
	uint8_t issuer[8];		/* key id; all 0: not told */
	uint32_t created, expires_after;	/* seconds; 0: never */
	struct buf inflated;		/* if it was compressed */
	struct view numbers[2];		/* within the bytes that were read, or
					   within those */
	size_t number_count;
};

/*
 * Reads a message with exactly one signature, by RSA, ECDSA or Ed25519 (as
 * GnuPG's legacy EdDSA) with SHA-2.  GPG_ERR_BAD_DATA and *why (a constant);
 * GPG_ERR_NOT_SUPPORTED for what is compressed by bzip2.
 * Free with opmessage_free(); the bytes must live as long.
 */
gpg_error_t opmessage_read(struct opmessage *, struct view,
    const char **why);
void opmessage_free(struct opmessage *);

/*
 * Whether the key made it.  GPG_ERR_BAD_SIGNATURE, GPG_ERR_SIG_EXPIRED (at
 * `now`, seconds since 1970), and *why.
 */
gpg_error_t opmessage_check(const struct opmessage *, const struct pubkey *,
    uint64_t now, const char **why);

#endif
