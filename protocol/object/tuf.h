/*
 * The roles of Notary v1 (Docker Content Trust), which are those of The
 * Update Framework 0.9 with key types and role names of its own: what root,
 * targets, snapshot and timestamp say, and the file that has one with its
 * signatures.  Read whole or refused; whether it may be believed is for
 * format/tufsig.h.
 *
 * What iterators and finders give is borrowed from the role, which must live
 * as long and not be changed meanwhile.
 */
#ifndef OBJECT_TUF_H
#define OBJECT_TUF_H

#include <jansson.h>

#include "wire/buf.h"

#define TUF_ROLE_MAX (8 * 1024 * 1024)	/* bytes of JSON */
#define TUF_VERSION_MAX INT32_MAX
#define TUF_NAME_MAX 255		/* bytes of a role's name */
#define TUF_TARGET_MAX 1024		/* bytes of a target's name */
#define TUF_KEY_MAX (64 * 1024)		/* bytes of a public key's base64 */
#define TUF_KEYS_MAX 512		/* keys, signers, paths */
#define TUF_SIGNATURES_MAX 256
#define TUF_SIGNATURE_MAX 1024		/* bytes of its base64 */
#define TUF_ID_LEN 64			/* hex digits of a key's id */

enum tuf_type {
	TUF_ROOT,
	TUF_TARGETS,		/* and delegations */
	TUF_SNAPSHOT,
	TUF_TIMESTAMP,
};

/* A role: the "signed" part of its file. */
struct tuf_role {
	enum tuf_type type;
	uint32_t version;	/* from 1 */
	int64_t expires;	/* seconds since 1970, UTC */
	json_t *json;		/* all of it, unknown members too */
};

/*
 * GPG_ERR_BAD_DATA and *why (a constant, clean): no such role; keys that
 * repeat, floats, numbers beyond their bounds, key ids that are not their
 * key's, signers whose keys are missing or of unknown type, names that are
 * empty or cannot be shown, members that a careless reader would take for
 * others than a careful one.  Canonical it need not be.  Free with
 * tuf_role_free().
 */
gpg_error_t tuf_role_read(struct tuf_role *, struct view, const char **why);

/* The same of a tree, to which it takes a reference of its own. */
gpg_error_t tuf_role_from(struct tuf_role *, json_t *, const char **why);

void tuf_role_free(struct tuf_role *);

/*
 * Whether a role of that name may say this: it is of its type, and delegates
 * to roles right below it alone.
 */
bool tuf_role_fits(const struct tuf_role *, const char *name);

/* "targets/releases": one that targets can delegate to. */
bool tuf_delegation_valid(struct view name);

/* ---- keys: of root, and of targets for its delegations ---- */

enum tuf_keytype {
	TUF_KEY_UNKNOWN,
	TUF_KEY_ECDSA,
	TUF_KEY_RSA,
	TUF_KEY_ED25519,
	TUF_KEY_ECDSA_X509,
	TUF_KEY_RSA_X509,
};

struct tuf_key {
	const char *id;		/* hex, in lower case */
	enum tuf_keytype type;
	struct view public;	/* base64 of DER, of 32 bytes, of PEM */
};

const char *tuf_keytype_name(enum tuf_keytype);	/* "ecdsa-x509" */

/* The id of a key: SHA-256 of its canonical JSON.  `public` is base64. */
gpg_error_t tuf_key_id(const char *type, struct view public,
    char id[TUF_ID_LEN + 1]);

/*
 * Whoever goes through a list: begin with tuf_keys(), tuf_signers(),
 * tuf_files(); each next is false at the end.
 */
struct tuf_iter {
	const json_t *list;
	void *at;
	size_t index;
};

struct tuf_iter tuf_keys(const struct tuf_role *);
bool tuf_keys_next(struct tuf_iter *, struct tuf_key *);
bool tuf_keys_find(const struct tuf_role *, const char *id, struct tuf_key *);

/* ---- signers: root's roles, or the delegations of targets ---- */

struct tuf_signer {
	const char *name;	/* of the role that they sign */
	uint32_t threshold;	/* from 1 */
	const json_t *keyids, *paths;
	size_t key_count, path_count;
};

struct tuf_iter tuf_signers(const struct tuf_role *);
bool tuf_signers_next(struct tuf_iter *, struct tuf_signer *);
bool tuf_signers_find(const struct tuf_role *, const char *name,
    struct tuf_signer *);

/* The i-th key's id, and the i-th path. */
const char *tuf_signer_id(const struct tuf_signer *, size_t i);
const char *tuf_signer_path(const struct tuf_signer *, size_t i);
bool tuf_signer_has(const struct tuf_signer *, const char *id);

/* Whether a delegation may say something of that target. */
bool tuf_signer_covers(const struct tuf_signer *, const char *target);

/* ---- files: targets, and roles where snapshot and timestamp name them ---- */

struct tuf_file {
	const char *name;
	uint64_t length;	/* bytes, below 2^53 */
	uint8_t sha256[32], sha512[64];
	bool has_sha512;
	const json_t *json;	/* with what else is said of it */
};

struct tuf_iter tuf_files(const struct tuf_role *);
bool tuf_files_next(struct tuf_iter *, struct tuf_file *);
bool tuf_files_find(const struct tuf_role *, const char *name,
    struct tuf_file *);

/* ---- a role and its signatures, as servers have them ---- */

struct tuf_signature {
	const char *id;		/* of the key */
	const char *method;	/* "ecdsa", "rsapss", "rsapkcs1v15", "eddsa";
				   may be another */
	struct view base64;	/* of the signature */
};

struct tuf_envelope {
	struct tuf_role role;
	json_t *json;
	size_t count;		/* of signatures */
};

/*
 * Errors and `why` as tuf_role_read() has them; two signatures of one key id
 * are refused, none is not.  Free with tuf_envelope_free().
 */
gpg_error_t tuf_envelope_read(struct tuf_envelope *, struct view,
    const char **why);
void tuf_envelope_free(struct tuf_envelope *);

/* The i-th of its signatures. */
struct tuf_signature tuf_envelope_signature(const struct tuf_envelope *,
    size_t i);

#endif
