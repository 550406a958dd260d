/*
 * OpenPGP, version 4: signatures and certificates (RFC 4880; Ed25519 as
 * GnuPG's legacy EdDSA, draft-koch-eddsa-for-openpgp), made with a key that
 * is held elsewhere: begin gives what the token is to sign, finish what the
 * client gets.
 */
#ifndef FORMAT_OPENPGP_H
#define FORMAT_OPENPGP_H

#include "format/pubkey.h"

#define OPENPGP_FPR_LEN 20

/* A key as OpenPGP sees it: the creation time (seconds since 1970, UTC) is
 * part of its fingerprint. */
struct openpgp_key {
	const struct pubkey *pub;
	uint32_t created;
};

gpg_error_t openpgp_fingerprint(const struct openpgp_key *,
    uint8_t fpr[OPENPGP_FPR_LEN]);

/* A signature being made.  Free with openpgp_free(), which clears the
 * pointer. */
struct openpgp_sig;
void openpgp_free(struct openpgp_sig **);

/*
 * Each begin sets *sig and *signing, to NULL and empty on failure; `now`
 * before the key's creation is GPG_ERR_TIME_CONFLICT.  The key must outlive
 * the signature.
 */

/*
 * A detached signature of a document (class 00).  `signer` is the user id
 * that signs, NULL for none; its address, or else all of it, becomes the
 * Signer's User ID.  Subpackets: issuer fingerprint, creation time, signer's
 * user id; issuer (unhashed).
 */
gpg_error_t openpgp_begin_document(struct openpgp_sig **, struct signing *,
    const struct openpgp_key *, struct view document, const char *signer,
    uint32_t now);

/*
 * A certification of one's own user id (class 13), for a primary key that
 * certifies and signs: key flags, preferences, features, primary user id, and
 * the key's expiration `expires_after` seconds past its creation (0: never).
 * The user id is UTF-8, at most 1024 bytes, without control characters
 * (GPG_ERR_INV_USER_ID).  An expiration after 2106, when 32 bits end, would
 * be read as one long past: GPG_ERR_INV_TIME.
 */
gpg_error_t openpgp_begin_certification(struct openpgp_sig **,
    struct signing *, const struct openpgp_key *, const char *user_id,
    uint32_t expires_after, uint32_t now);

/* A revocation of the key (class 20); RFC 4880, 5.2.3.23 has the reasons, 0
 * to 3.  The comment is as clean and as long as a user id, or NULL. */
gpg_error_t openpgp_begin_revocation(struct openpgp_sig **, struct signing *,
    const struct openpgp_key *, uint8_t reason, const char *comment,
    uint32_t now);

/*
 * Puts the signature packet, given the token's signature (already checked by
 * signing_check()).
 */
gpg_error_t openpgp_finish(const struct openpgp_sig *, struct view signature,
    struct buf *packet);

/* What GnuPG says after SIG_CREATED: "D 19 8 00 1700000000 FPR". */
gpg_error_t openpgp_status(const struct openpgp_sig *, struct buf *line);

/* The packets of a certificate but for its signatures. */
gpg_error_t openpgp_put_key(struct buf *, const struct openpgp_key *);
gpg_error_t openpgp_put_user_id(struct buf *, const char *user_id);

/* ASCII armour with CRC-24; label is "SIGNATURE" or "PUBLIC KEY BLOCK". */
gpg_error_t openpgp_armor(struct buf *, const char *label, struct view);

#endif
