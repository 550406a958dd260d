/*
 * JSON that came from outside.  It is looked over for what it claims to be,
 * as a careless reader would take it, and then read whole or refused.
 */
#ifndef OBJECT_JSON_H
#define OBJECT_JSON_H

#include <jansson.h>

#include "wire/buf.h"

/* Bounds of what is read, so that no text takes memory beyond its length. */
#define JSON_DEPTH 64
#define JSON_CONTAINERS (256 * 1024)
#define JSON_VALUES (1024 * 1024)

/* What an object's own members are called, told by bits. */
enum json_name {
	JSON_N_CONFIG = 1 << 0,
	JSON_N_CRITICAL = 1 << 1,
	JSON_N_EXPIRES = 1 << 2,
	JSON_N_FSLAYERS = 1 << 3,
	JSON_N_LAYERS = 1 << 4,
	JSON_N_MANIFESTS = 1 << 5,
	JSON_N_MEDIATYPE = 1 << 6,
	JSON_N_PREDICATE = 1 << 7,
	JSON_N_SCHEMA = 1 << 8,
	JSON_N_SUBJECT = 1 << 9,
	JSON_N_TARGET = 1 << 10,
	JSON_N_TYPE = 1 << 11,
};

struct json_outline {
	bool object;		/* begins as an object does */
	bool bounded;		/* keeps to the bounds above */
	unsigned names;		/* of the first object in the text */
	unsigned objects;	/* those of them whose value is an object */
	unsigned roles;		/* enum json_role that "_type" has */
};

/* What roles of trust data call their type, told by bits. */
enum json_role {
	JSON_R_ROOT = 1 << 0,
	JSON_R_TARGETS = 1 << 1,
	JSON_R_SNAPSHOT = 1 << 2,
	JSON_R_TIMESTAMP = 1 << 3,
};

/*
 * Looks bytes over, whatever they are, without memory of its own.  Names are
 * found in whatever case and escaping, at whatever place, however often: Go's
 * reader, which most tools of containers use, takes "Critical" and
 * "criti\u0063al" for "critical".
 */
void json_look(struct view, struct json_outline *);

/* Whether two names are the same to such a reader. */
bool json_same_name(struct view, const char *);

/*
 * Reads one object, whole.  GPG_ERR_BAD_DATA and *why (a constant): keys that
 * repeat, what is not UTF-8, a NUL, bytes behind it, more than the bounds.
 * Free with json_decref().
 */
gpg_error_t json_read(struct view, json_t **, const char **why);

/*
 * Whether the object's names are among those listed (NULL ends them).  With
 * `others`, it may have others too, but none that a careless reader would
 * take for one of them.
 */
bool json_names_are(const json_t *object, const char *const *names,
    bool others);

/*
 * A member, empty or 0 if it is missing; false if it is there and something
 * else, such as a number with a fraction.
 */
bool json_get_text(const json_t *object, const char *name, struct view *);
bool json_get_size(const json_t *object, const char *name, uint64_t *);

/* Whether a value is an object of texts alone. */
bool json_is_texts(const json_t *);

/*
 * Whether all readers agree on the value and all in it: no fractions, no
 * numbers beyond 2^53, no control characters.
 */
bool json_is_plain(const json_t *);

/* Puts the value without blanks and lets go of it; NULL is GPG_ERR_ENOMEM. */
gpg_error_t json_put(struct buf *, json_t *);

#endif
