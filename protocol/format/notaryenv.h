/*
 * The Notary Project's signature envelopes: JWS (application/jose+json) and
 * COSE (application/cose), by its signature specification 1.1, with the
 * signing scheme notary.x509.
 */
#ifndef FORMAT_NOTARYENV_H
#define FORMAT_NOTARYENV_H

#include "format/attest.h"
#include "format/pubkey.h"
#include "object/notary.h"

#define NOTARYENV_MAX (512 * 1024)	/* bytes */
#define NOTARYENV_CERTS_MAX 10
#define NOTARYENV_AGENT_MAX 128

enum notaryenv_form {
	NOTARYENV_JWS,
	NOTARYENV_COSE,
};

/* "PS256" to "ES512"; NULL: a key of this kind or size cannot sign. */
const char *notaryenv_algorithm(const struct pubkey *);

/*
 * Whether these are the certificates of a key that signs images: the key's
 * own, for signing and, if anything is told, for code, and then each the one
 * that signed it, up to one that names itself as its issuer; all valid at
 * `now`.  GPG_ERR_BAD_CERT, GPG_ERR_WRONG_KEY_USAGE and those of
 * attest_verify(); `why` has a reason for people.
 */
gpg_error_t notaryenv_check_chain(const struct pubkey *,
    const struct attest_certs *chain, uint64_t now, char why[ATTEST_WHY]);

/* One being made.  Free with notaryenv_free(), which clears the pointer. */
struct notaryenv;

/*
 * Prepares the signature of a payload.  Times in seconds since 1970;
 * `expires` 0: never.  The key must outlive it.  GPG_ERR_PUBKEY_ALGO,
 * GPG_ERR_INV_TIME, GPG_ERR_TOO_LARGE.
 */
gpg_error_t notaryenv_begin(struct notaryenv **, struct signing *,
    const struct pubkey *, enum notaryenv_form, struct view payload,
    uint64_t now, uint64_t expires);
void notaryenv_free(struct notaryenv **);

/*
 * Puts the envelope, given the token's signature (already checked), the
 * chain from the key's certificate up to the root, and the program's name and
 * version, "touchstone/1.0".  GPG_ERR_BAD_CERT if the first certificate is
 * not the key's.
 */
gpg_error_t notaryenv_finish(const struct notaryenv *, struct view signature,
    const struct attest_certs *chain, const char *agent, struct buf *);

/* One that came from outside. */
struct notaryenv_read {
	struct notary_header header;
	struct buf payload;
	struct buf input;		/* what was signed */
	struct buf signature;
	struct attest_certs *chain;	/* the key's first */
	char agent[NOTARYENV_AGENT_MAX];	/* clean; not signed */
};

/*
 * Reads an envelope, whole.  GPG_ERR_BAD_DATA and *why (a constant): keys
 * that repeat, several signatures, what is critical and not known.  Free with
 * notaryenv_read_free().
 */
gpg_error_t notaryenv_read(struct notaryenv_read *, enum notaryenv_form,
    struct view, const char **why);
void notaryenv_read_free(struct notaryenv_read *);

/*
 * Verifies it: the certificates lead to one in `roots` that signs itself, and
 * are valid both when it says that it was signed, which its signer could make
 * up, and at `now`; the first signs, code if anything is told, and is no
 * authority's; the algorithm is the one that goes with its key.
 *
 * GPG_ERR_BAD_SIGNATURE, GPG_ERR_SIG_EXPIRED, GPG_ERR_WRONG_KEY_USAGE,
 * GPG_ERR_TIME_CONFLICT (signed in the future), and those of attest_verify();
 * `why` has a reason for people.  *key is who signed, if it is no error.
 */
gpg_error_t notaryenv_verify(const struct notaryenv_read *,
    const struct attest_certs *roots, uint64_t now, struct pubkey **key,
    char why[ATTEST_WHY]);

#endif
