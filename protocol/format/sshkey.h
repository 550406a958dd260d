/*
 * SSH's key blobs and certificates as others send them: public keys (RFC
 * 4253, 6.6; RFC 5656, 3.1; RFC 8709), OpenSSH's certificates
 * (PROTOCOL.certkeys), and the signatures that such keys make.
 */
#ifndef FORMAT_SSHKEY_H
#define FORMAT_SSHKEY_H

#include "format/pubkey.h"

#define SSH_KEY_MAX 8192		/* bytes of a key or certificate */

/*
 * From the blob of a plain key.  GPG_ERR_PUBKEY_ALGO for types that this
 * program does not sign with (DSA, security keys), GPG_ERR_BAD_PUBKEY for
 * what is none.  Bytes left over are refused.  Free with pubkey_free().
 */
gpg_error_t pubkey_from_ssh(struct pubkey **, struct view blob);

/* What a certificate says; the views point into its blob. */
struct ssh_cert {
	struct pubkey *key;		/* that is certified */
	struct pubkey *authority;	/* that signed it */
	struct view signer;		/* its blob */
	uint64_t serial;
	bool host;			/* else a user's */
	struct view id;			/* for people; not clean */
	struct view principals;		/* strings, one behind the other */
	uint64_t after, before;		/* seconds since 1970: valid from
					   `after`, no more at `before` */
	struct view options;		/* critical ones */
};

/* Whether a blob is, by its type's name, a certificate. */
bool ssh_is_cert(struct view blob);

/*
 * Reads a certificate whole and checks its authority's signature.
 * GPG_ERR_BAD_CERT, GPG_ERR_BAD_SIGNATURE, GPG_ERR_PUBKEY_ALGO.  Free with
 * ssh_cert_free(), which leaves an empty struct.
 */
gpg_error_t ssh_cert_read(struct ssh_cert *, struct view blob);
void ssh_cert_free(struct ssh_cert *);

/* Whether it is a host's, good at `now`, and has no critical options. */
bool ssh_cert_is_a_hosts(const struct ssh_cert *, uint64_t now);

/*
 * The same, and for `name`: it is among its principals (patterns with * and ?;
 * none is every name, as OpenSSH 9.2 has it for hosts).
 */
bool ssh_cert_is_for_host(const struct ssh_cert *, struct view name,
    uint64_t now);

/* Whether `name` fits `pattern`, where * is any text and ? any character. */
bool ssh_pattern_matches(struct view pattern, struct view name);

/*
 * Whether `signature` (RFC 4253, 6.6: algorithm and bytes) is the key's over
 * `data`.  SHA-1 is refused.  GPG_ERR_BAD_SIGNATURE, GPG_ERR_DIGEST_ALGO.
 */
gpg_error_t ssh_verify(const struct pubkey *, struct view data,
    struct view signature);

#endif
