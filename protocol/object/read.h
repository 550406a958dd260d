/*
 * What the readers of objects share, for this folder alone.  A reader finds
 * kind and bytes in the object, checks the bytes whole and puts the summary.
 */
#ifndef OBJECT_READ_H
#define OBJECT_READ_H

#include "object/object.h"

/* Says why and returns GPG_ERR_BAD_DATA. */
static inline gpg_error_t
object_bad(const char **why, const char *text)
{
	*why = text;
	return gpg_error(GPG_ERR_BAD_DATA);
}

gpg_error_t commit_read(struct object *, const char **why);
gpg_error_t tag_read(struct object *, const char **why);
gpg_error_t push_read(struct object *, const char **why);
gpg_error_t userauth_read(struct object *, struct view key, const char **why);
gpg_error_t sshsig_read(struct object *, const char **why);
gpg_error_t ssh_hash_read(struct object *, const char **why);

/*
 * Bytes of no known kind.  `raw` says that the signature is over these bytes
 * and nothing else, as SSH's are, so that they must not end as a document of
 * OpenPGP's version 3 does either (OpenPGP itself always puts its trailer of
 * version 4 behind the bytes).
 */
gpg_error_t blob_read(struct object *, bool raw, const char **why);
bool blob_is_old_openpgp(struct view);

gpg_error_t manifest_read(struct object *, const char **why);
gpg_error_t index_read(struct object *, const char **why);
gpg_error_t statement_read(struct object *, const char **why);
gpg_error_t simple_read(struct object *, const char **why);
gpg_error_t notation_read(struct object *, const char **why);

gpg_error_t trust_read(struct object *, const char **why);
gpg_error_t trust_read_role(struct object *, struct tuf_role *,
    const char **why);

/*
 * The kind that JSON claims to be of, OBJECT_BLOB if none; and the one that
 * it claims beside that of trust data.
 */
enum object_kind image_claimed(struct view);
enum object_kind image_claimed_else(struct view);

/* Whether the bytes begin as that encoding of a statement does. */
bool dsse_claimed(struct view);

/* Whether JWS or COSE signs a payload of the Notary Project's. */
bool notation_claimed(struct view);

/* Copies a text that is clean and fits; nothing else. */
bool image_put_text(char *dst, size_t size, struct view);

/* Adds the annotations of a payload, if there are any, to what it is named. */
struct json_t;
void image_name_notes(struct object *, const struct json_t *notes);

/* Whether the bytes begin as a userauth request or SSHSIG does. */
bool userauth_claimed(struct view);
bool sshsig_claimed(struct view);

/* Scanners take from the front and leave the view alone when they fail. */
bool scan_word(struct view *, const char *word);
bool scan_until(struct view *, char stop, struct view *out);	/* drops stop */
bool scan_line(struct view *, struct view *line);

/* The pieces that git's objects are made of. */
struct git_person {
	struct view name, mail;
};

size_t git_id_len(struct view hex);	/* 20, 32, or 0 if it is no id */
size_t git_hex_run(struct view);	/* digits in front, of either case */
bool git_ref_valid(struct view);	/* by git-check-ref-format(1) */
bool git_date_valid(struct view);	/* " 1700000000 +0100" */
bool git_person_read(struct view line, bool strict, struct git_person *);

/* Finds the header, from its first byte to its last newline. */
bool git_header(struct object *, struct view *header);

/* Takes the next line if it is of the field, whose name ends in a blank. */
bool git_field(struct view *header, const char *name, struct view *value);

/* A line of a push certificate: "OLD NEW REF". */
bool git_update_read(struct view line, size_t *id_len, bool *deletes,
    struct view *ref);

/*
 * Whether what follows the header is a list of updates.  git-receive-pack(1)
 * takes whatever is signed and has such a list for a push certificate.
 */
bool git_reads_as_push(struct view message);

/*
 * The summary is put together from constants and from what came from
 * outside, which is cleaned and cut to `max` bytes.  A text is put in quotes,
 * and has none inside; a word gets quotes only if it could be mistaken.
 */
void name_add(struct object *, const char *);
void name_add_number(struct object *, size_t);
void name_add_size(struct object *, uint64_t bytes);	/* "1.2 MB" */
void name_add_text(struct object *, struct view, size_t max);
void name_add_word(struct object *, struct view, size_t max);
void name_add_person(struct object *, const struct git_person *, size_t max);

/* "sha256:" and hex. */
gpg_error_t name_put_digest(struct view, char out[OBJECT_DIGEST]);

/* SHA-256 of the bytes, as hex or as ssh-keygen -l has it. */
gpg_error_t name_add_hash(struct object *, struct view);
gpg_error_t name_add_fingerprint(struct object *, struct view);

#endif
