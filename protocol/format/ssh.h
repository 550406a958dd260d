/*
 * SSH signatures (RFC 4253, 6.6; RFC 5656, 3.1.2; RFC 8332; RFC 8709) made
 * with a key that is held elsewhere.
 */
#ifndef FORMAT_SSH_H
#define FORMAT_SSH_H

#include "format/pubkey.h"

/* Flags of an SSH agent's sign request (RFC 9987, 3.6.1). */
#define SSH_AGENT_RSA_SHA2_256 2
#define SSH_AGENT_RSA_SHA2_512 4

/*
 * What the token is to sign.  An RSA key without a flag would mean SHA-1:
 * GPG_ERR_DIGEST_ALGO.  Unknown flags: GPG_ERR_INV_FLAG.
 */
gpg_error_t ssh_begin(struct signing *, const struct pubkey *,
    struct view data, uint32_t flags);

/* Puts the signature blob: the algorithm's name and the signature. */
gpg_error_t ssh_finish(const struct signing *, const struct pubkey *,
    struct view signature, struct buf *blob);

/* "SHA256:…" of the key's blob, as ssh-keygen -l has it. */
gpg_error_t ssh_fingerprint(const struct pubkey *, char out[64]);

/* One authorized_keys line without newline: type, base64, comment. */
gpg_error_t ssh_authorized_key(const struct pubkey *, const char *comment,
    struct buf *line);

#endif
