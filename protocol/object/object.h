/*
 * What may be signed: bytes are read as a known object, whole or refused, and
 * named by one line that is safe to show.
 *
 * An object borrows the bytes that it was read from, and has nothing to free.
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
	OBJECT_MANIFEST,	/* OCI image manifest, Docker's v2 schema 2 */
	OBJECT_INDEX,		/* OCI image index, Docker's manifest list */
	OBJECT_STATEMENT,	/* in-toto statement, v0.1 and v1 */
	OBJECT_SIMPLE,		/* simple signing payload, of cosign or GPG */
	OBJECT_NOTATION,	/* Notary Project payload */
	OBJECT_TRUST_TARGETS,	/* Docker Content Trust: tags and their
				   digests, delegations */
	OBJECT_TRUST_ROOT,	/* the same: who signs what */
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

#define OBJECT_SUMMARY 400
#define OBJECT_DIGEST 136	/* "sha512:", hex and a NUL */
#define OBJECT_TYPE 128		/* of media and predicates */
#define OBJECT_REFERENCE 256

/*
 * How an image's payload was wrapped in what came: these bytes themselves are
 * what the key is to sign, and nothing else.
 */
enum object_wrapping {
	WRAP_NONE,
	WRAP_DSSE,	/* pre-authentication encoding of a statement */
	WRAP_JWS,	/* signing input of the Notary Project's (RFC 7515) */
	WRAP_COSE,	/* the same as a Sig_structure (RFC 9052, 4.4) */
};

/* Of an image, or of what is said of one; "" or 0: not told. */
struct object_image {
	enum object_wrapping wrapping;
	char algorithm[8];		/* that JWS or COSE names: "PS256" */
	int64_t signed_at;		/* by JWS or COSE; since 1970 */
	struct view statement;		/* without its wrapping */
	char digest[OBJECT_DIGEST];	/* of the image */
	char media_type[OBJECT_TYPE];	/* of the image */
	char artifact_type[OBJECT_TYPE];
	char predicate[OBJECT_TYPE];	/* a statement's type */
	char reference[OBJECT_REFERENCE];	/* that a payload tells */
	char config[OBJECT_DIGEST];
	char subject[OBJECT_DIGEST];	/* of what the image belongs to */
	char platforms[96];		/* "linux/amd64, linux/arm64" */
	char created[40];		/* RFC 3339, as annotated */
	uint64_t size;			/* bytes: all of a manifest's; what a
					   Notary payload says */
	size_t count;			/* of layers, of an index's manifests,
					   of a statement's subjects */
	bool cosign;			/* simple signing: cosign's */
};

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
	/* hash; one in 150 is, by chance */
	bool old_openpgp;	/* it reads as the end of an old OpenPGP
				   document, too */
	struct object_image image;	/* all texts clean */
};

/*
 * Reads an object for a typed signature (OpenPGP, CMS, …): a git commit, tag
 * or push certificate, what is of a container image, else a blob.  What claims
 * to be one of the former and cannot be read as one is refused with
 * GPG_ERR_BAD_DATA
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
 * JSON claims to be of an image by the names of its members, as a careless
 * reader would find them; and so does what signs a payload in DSSE, or in the
 * Notary Project's JWS or COSE.  Such a wrapping is told in the object: its
 * bytes may only be signed as they are, for whoever builds the envelope, and
 * no other kind's may.
 *
 * A role of trust data (object/tuf.h) claims by the type or expiry that it
 * has.  It is told apart by whoever signs it: as it is, and as nothing else.
 *
 * The rules are those of git-fsck(1), with two differences.  The author of a
 * commit may have a broken date or name, since a rebase copies it from old
 * commits.  Messages and headers that git-receive-pack(1) would take for a
 * push certificate are refused, since it looks at nothing else.
 */
gpg_error_t object_read(struct view bytes, struct object *, const char **why);

/*
 * The same for a signature of these bytes and nothing else, as cosign's are:
 * a blob must not be what the older OpenPGP hashes either, nor as long as a
 * hash.
 */
gpg_error_t object_read_raw(struct view bytes, struct object *,
    const char **why);

/*
 * Reads what an SSH client wants signed: userauth or SSHSIG, else a hash or a
 * blob (which an SSH key signs only where policy allows).  A hash is told
 * apart since Ed25519 keys sign one in place of an OpenPGP document.  `key` is
 * the blob that the signature is asked for under: a userauth request that
 * names another is refused, but for a certificate of a plain key.
 */
gpg_error_t object_read_ssh(struct view bytes, struct view key,
    struct object *, const char **why);

/*
 * Names an ssh login anew, by who is known to be logged in to; `host` is
 * clean.
 */
void object_name_login(struct object *, const char *host);

/*
 * Names a manifest or index anew, by the reference that its client knows it
 * by: "HOST/NAME", with ":TAG" or without.  GPG_ERR_BAD_DATA and *why if it
 * is none.
 */
gpg_error_t object_name_image(struct object *, struct view reference,
    const char **why);

/*
 * Adds to its name what a signature says of it beside; `left` more are to
 * come.  False: it has no room, and how many are not shown was added instead,
 * so that no more may be.
 */
bool object_name_note(struct object *, struct view name, struct view value,
    size_t left);

struct tuf_role;

/*
 * Reads a role of trust data as object_read() does, and leaves it in `role`
 * (free with tuf_role_free(), object/tuf.h); GPG_ERR_BAD_DATA for all else.
 */
gpg_error_t object_read_trust(struct view bytes, struct object *,
    struct tuf_role *role, const char **why);

/*
 * Names it anew, by what it changes of the one `before` (all nothing: it is
 * the first) and by the repository ("HOST/NAME") and the name
 * that its client says it has.  image.digest becomes that of the tag that is
 * new or changed, if it is only one.  GPG_ERR_BAD_DATA and *why: it is another
 * role, or not the version that follows.
 */
gpg_error_t object_name_trust(struct object *, const struct tuf_role *before,
    const struct tuf_role *now, const char *repository, const char *name,
    const char **why);

/* "HOST/NAME", of characters that references have, at most 255. */
bool object_repository_valid(struct view);

/* "sha256:" or "sha512:" and as much hex, in lower case. */
bool object_digest_valid(struct view);

/* A reference of characters that references have, at most 255. */
bool object_reference_valid(struct view);

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
