/*
 * The records of the user's keys: one file NAME.json each, in
 * $XDG_DATA_HOME/touchstone/keys, written by set-up and read by the agent.
 * All in them is public.
 *
 *	{ "version": 1,
 *	  "name": "release",		the file's name
 *	  "id": "4f6a…",		SHA-256 of spki, 64 hex digits
 *	  "created": 1700000000,	seconds since 1970, UTC
 *	  "expires": 1794608000,	of the certificate; 0: never
 *	  "user_ids": [ "A <a@x>" ],
 *	  "spki": "MFkwEwYH…",		base64 of the SubjectPublicKeyInfo
 *	  "certificate": "-----BEGIN PGP PUBLIC KEY BLOCK-----…" }
 *
 * The certificate, OpenPGP's and armoured, may be null.  Nothing else may be
 * in a record, and nothing twice.
 */
#ifndef LOCAL_KEYFILE_H
#define LOCAL_KEYFILE_H

#include "wire/buf.h"

#define KEYFILE_MAX (64 * 1024)		/* of a record, bytes */
#define KEYFILE_NAME_MAX 64		/* bytes */
#define KEYFILE_USER_IDS 16
#define KEYFILE_USER_ID_MAX 1024	/* bytes */
#define KEYFILE_SPKI_MAX 2048		/* bytes */
#define KEYFILE_COUNT 256		/* records in a folder */

struct keyfile {
	char *name;
	uint8_t id[32];
	uint32_t created;
	uint32_t expires;		/* 0: never */
	char **user_ids;		/* clean */
	size_t user_id_count;
	struct buf spki;		/* DER */
	char *certificate;		/* armour, or NULL */
};

/*
 * Whether a key may have this name: [a-z][a-z0-9._-]*, at most
 * 64 bytes, and not of hex digits alone, so that no name reads as an id.
 */
bool keyfile_name_ok(struct view);

/*
 * Reads a record.  That spki is a key and that id is its hash is for the
 * caller to check; all else has been.  On failure *out is NULL and *problem
 * says why (clean, with the file; free()): GPG_ERR_BAD_DATA,
 * GPG_ERR_TOO_LARGE, or what reading the file failed with.
 */
gpg_error_t keyfile_load(const char *path, struct keyfile **out,
    char **problem);

/*
 * The same for the bytes of a record; `file` is what the problem names, and
 * its last part without .json is the name that the record must bear.
 */
gpg_error_t keyfile_parse(const char *file, struct view, struct keyfile **out,
    char **problem);

/*
 * Writes dir/NAME.json, whole or not at all, and makes the folder.
 * GPG_ERR_INV_NAME, GPG_ERR_INV_VALUE for what could not be read back.
 */
gpg_error_t keyfile_save(const char *dir, const struct keyfile *);

/* Frees all that it holds; the pointer becomes NULL. */
void keyfile_free(struct keyfile **);

/* Told of each record that is left out; `problem` is the callee's to read. */
typedef void keyfile_problem(void *arg, const char *problem);

/*
 * Reads all records of a folder, ordered by name; a missing folder has none.
 * A record that is broken, or for a key that a former one is for, is left out
 * and `complain` (may be NULL) told; it hides no other.
 */
gpg_error_t keyfile_load_all(const char *dir, struct keyfile ***out,
    size_t *count, keyfile_problem *complain, void *arg);
void keyfile_free_all(struct keyfile ***, size_t count);

#endif
