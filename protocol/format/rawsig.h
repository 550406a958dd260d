/*
 * Signatures as the tools of container images have them, over bytes and
 * nothing else: what those bytes may be is for object.h to say.
 */
#ifndef FORMAT_RAWSIG_H
#define FORMAT_RAWSIG_H

#include "format/pubkey.h"

#define RAWSIG_MAX 520		/* bytes; an RSA-4096 signature takes 512 */

enum rawsig_form {
	/* cosign: ECDSA in DER, RSA PKCS#1 v1.5, Ed25519 of the message */
	RAWSIG_SIGSTORE,
	/* Notary Project: ECDSA as r || s, RSA-PSS, no Ed25519 */
	RAWSIG_NOTARY,
};

/*
 * The hash that goes with a key.  The Notary Project's is fixed by the key's
 * size (RSA-2048 and P-256 SHA-256, RSA-3072 and P-384 SHA-384, RSA-4096 and
 * P-521 SHA-512; others HASH_NONE, they cannot sign).  Sigstore's is SHA-256
 * for RSA and by the curve for ECDSA, which others' bundles may have; cosign
 * with a key, and the agent, take SHA-256 always, since that is what all read.
 */
enum hash_algorithm rawsig_hash(const struct pubkey *, enum rawsig_form);

/*
 * Prepares a signature.  `hash` counts for ECDSA and RSA of sigstore's alone.
 * GPG_ERR_PUBKEY_ALGO, GPG_ERR_DIGEST_ALGO, as signing_begin() else.
 */
gpg_error_t rawsig_begin(struct signing *, const struct pubkey *,
    enum rawsig_form, enum hash_algorithm hash, const struct view *parts,
    size_t count);

/* Puts the token's signature (already checked) as the tool has it. */
gpg_error_t rawsig_put(struct buf *, const struct pubkey *,
    enum rawsig_form, struct view signature);

/* Checks one that came from outside; GPG_ERR_BAD_SIGNATURE. */
gpg_error_t rawsig_check(const struct pubkey *, enum rawsig_form,
    enum hash_algorithm hash, const struct view *parts, size_t count,
    struct view signature);

#endif
