/*
 * What may be signed: bytes are read as a known object, whole or refused, and
 * named by one line that is safe to show.
 *
 * Nothing here allocates; an object borrows the bytes that it was read from.
 */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include "wire/buf.h"

enum object_kind {
	OBJECT_COMMIT,		/* git commit without its signature */
	OBJECT_TAG,		/* git annotated tag */
	OBJECT_PUSH,		/* git push certificate */
	OBJECT_CERTIFICATION,	/* OpenPGP self-signature, built by the agent */
	OBJECT_REVOCATION,	/* OpenPGP key revocation, built by the agent */
	OBJECT_SSH_USERAUTH,	/* RFC 4252, section 7, and hostbound-v00 */
	OBJECT_SSHSIG,		/* PROTOCOL.sshsig of OpenSSH */
	OBJECT_SSH_HASH,	/* as long as a hash: what sshd has a host key
				   sign (RFC 4253, section 8) */
	OBJECT_BLOB,		/* bytes of no known kind */
	OBJECT_KINDS
};

/* Where an object of a kind may come from and how it may be signed. */
struct object_rule {
	const char *name;	/* "commit", as policy and audit call it */
	size_t limit;		/* bytes */
	bool forwarded;		/* may come by agent.sock as typed request */
	bool by_policy;		/* only where the key's policy allows it */
	bool built;		/* only ever built by the agent */
};

const struct object_rule *object_rule(enum object_kind);

/* The largest limit of all kinds a client may send, bytes. */
size_t object_limit(void);

#define OBJECT_SUMMARY 256

struct object {
	enum object_kind kind;
	struct view bytes;
	char summary[OBJECT_SUMMARY];	/* clean; begins with a verb's object:
					   "commit \"Fix x\" by A <a@x>" */
	/* git commit, tag */
	unsigned hash_len;	/* of the repository's ids: 20 or 32 bytes */
	size_t header_end;	/* offset of the blank line's newline */
	/* ssh login; views into the bytes */
	struct view user;	/* not clean */
	struct view session;	/* id */
	struct view host_key;	/* empty: the method does not tell */
};

/*
 * Reads an object for a typed signature (OpenPGP, CMS, …): a git commit, tag
 * or push certificate, else a blob.  What claims to be one of the former by
 * its first words and cannot be read as one is refused with GPG_ERR_BAD_DATA
 * and *why (a constant, clean, for people); so is a blob that could be read
 * in another domain (GPG_ERR_FORBIDDEN), and anything over its kind's limit
 * (GPG_ERR_TOO_LARGE).  A refused object keeps its kind, for the record, and
 * has an empty summary.
 *
 * Bytes claim to be a commit ("tree ") or a tag ("object ") if 40 hex digits
 * follow, or if hex digits are all that follows in the first line: that is
 * all that git could take for one, and what is damaged.  A text that begins
 * with "tree house" is a blob.  "certificate version " always claims.
 *
 * The rules are those of git-fsck(1), with two differences.  The author of a
 * commit may have a broken date or name, since a rebase copies it from old
 * commits.  Messages and headers that git-receive-pack(1) would take for a
 * push certificate are refused, since it looks at nothing else.
 */
gpg_error_t object_read(struct view bytes, struct object *, const char **why);

/*
 * Reads what an SSH client wants signed: userauth or SSHSIG, else a hash or a
 * blob (which an SSH key signs only where policy allows).  A hash is told
 * apart since Ed25519 keys sign one in place of an OpenPGP document.  `key` is the blob of
 * the key that is to sign: a userauth request that names another is refused.
 */
gpg_error_t object_read_ssh(struct view bytes, struct view key,
    struct object *, const char **why);

/*
 * Names an ssh login anew, by who is known to be logged in to; `host` is
 * clean.
 */
void object_name_login(struct object *, const char *host);

/*
 * Names an object that the agent itself builds from parameters, and leaves
 * its bytes to the caller.  `what` is
 * the user id (certification) or the reason (revocation); it need not be
 * clean.
 */
void object_name_built(struct object *, enum object_kind, const char *what);

/*
 * The id that the commit or tag will have once git has put the armoured
 * signature into it: the header gpgsig (gpgsig-sha256 in a SHA-256
 * repository) before the blank line of a commit, the end of a tag.  Hex and a
 * NUL.  GPG_ERR_NOT_SUPPORTED for other kinds.
 */
gpg_error_t object_signed_id(const struct object *, struct view signature,
    char id[65]);

#endif
