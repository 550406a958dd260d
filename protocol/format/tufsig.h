/*
 * Signatures of Notary v1's roles, and the keys that make them.  All hash
 * with SHA-256: ECDSA as r || s whatever the curve, RSA-PSS with a salt of 32
 * bytes, Ed25519 of the role itself.  What is signed is the role in canonical
 * JSON.
 */
#ifndef FORMAT_TUFSIG_H
#define FORMAT_TUFSIG_H

#include "format/attest.h"
#include "format/pubkey.h"
#include "object/tuf.h"

/* How such a key signs: "ecdsa", "rsapss", "eddsa". */
const char *tufsig_method(const struct pubkey *);

/*
 * Prepares a signature of canonical bytes.  What the token gives for it, once
 * signing_check() took it, is the signature as Notary has it.
 * GPG_ERR_TOO_LARGE for an Ed25519 key and more than it signs.
 */
gpg_error_t tufsig_begin(struct signing *, const struct pubkey *,
    struct view canonical);

/*
 * A key as roles list it, for their "keys": of the public key itself, or of
 * certificates, its own first (types ecdsa-x509 and rsa-x509, which Ed25519
 * has none of: GPG_ERR_PUBKEY_ALGO).  The caller has the reference.
 */
gpg_error_t tufsig_put_key(const struct pubkey *, json_t **entry,
    char id[TUF_ID_LEN + 1]);
gpg_error_t tufsig_put_certs(const struct attest_certs *, json_t **entry,
    char id[TUF_ID_LEN + 1]);

/*
 * The public key of an entry, which is of the type that the entry says: of
 * its first certificate where it has some (whose validity is not judged).
 * GPG_ERR_PUBKEY_ALGO, GPG_ERR_BAD_PUBKEY, GPG_ERR_BAD_CERT.  Free with
 * pubkey_free().
 */
gpg_error_t tufsig_get_key(const struct tuf_key *, struct pubkey **);

/* The certificates of an entry; GPG_ERR_NO_DATA where it has none. */
gpg_error_t tufsig_get_certs(const struct tuf_key *, struct attest_certs **);

/*
 * Checks one signature; all methods are taken that Notary takes.
 * GPG_ERR_BAD_SIGNATURE, or what tufsig_get_key() says.
 */
gpg_error_t tufsig_check(const struct tuf_key *,
    const struct tuf_signature *, struct view canonical);

struct tufsig_verdict {
	uint32_t threshold;
	size_t count;		/* of different keys that signed */
	const char *ids[TUF_SIGNATURES_MAX];	/* theirs, of the envelope */
};

/*
 * Whether the envelope is signed as `by`, a root or the targets that delegate
 * to it, asks of a role of that name: by so many keys, of which those with
 * two ids are one.  GPG_ERR_NOT_FOUND if it asks nothing of such a role,
 * GPG_ERR_BAD_SIGNATURE; neither type, version nor expiry are looked at.
 */
gpg_error_t tufsig_verify(const struct tuf_envelope *,
    const struct tuf_role *by, const char *name, struct tufsig_verdict *);

#endif
