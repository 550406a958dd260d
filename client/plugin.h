/*
 * What the plugins of cosign and notation share: the agent, the key that is
 * meant, and words for what went wrong.
 */
#ifndef CLIENT_PLUGIN_H
#define CLIENT_PLUGIN_H

#include <jansson.h>

#include "client/talk.h"

#define PLUGIN_KEY_MAX 1024	/* the bound of sign-v1 and keys-v1 */

struct plugin {
	struct paths paths;
	struct talk talk;
	char why[2200];		/* of the last problem, with what to do */
};

/* A key that outlives the reply that told of it. */
struct plugin_key {
	char id[2 * 32 + 1];	/* hex */
	char name[65];		/* "" without a record */
	char algorithm[33];	/* "P-256" */
	uint8_t spki[2048];
	size_t spki_len;
};

/* Close with plugin_close() in any case.  Does not connect. */
gpg_error_t plugin_init(struct plugin *);
void plugin_close(struct plugin *);

/* Sets why, for people; returns gpg_error(code of err). */
gpg_error_t plugin_problem(struct plugin *, gpg_error_t err, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Connects to the agent, and starts it for who has touchstone set up.  With
 * `silent`, nothing is ever said on stderr; a person is told what to do on
 * the terminal alone.
 */
gpg_error_t plugin_connect(struct plugin *, bool silent);

/* The one key that is meant; asks for no PIN and no touch. */
gpg_error_t plugin_find_key(struct plugin *, const char *text,
    struct plugin_key *);

/* A signature; done's views hold until the agent is asked again. */
gpg_error_t plugin_sign(struct plugin *, const char *key, const char *format,
    struct view, struct msg_progress *done);

/* Whether a text may name a key: clean, not empty, not too long. */
bool plugin_key_ok(struct view);

/*
 * Reads a request: one JSON object, in which those members (NULL ends them)
 * are not written in another way.  Free with json_decref().
 */
gpg_error_t plugin_read(struct plugin *, struct view,
    const char *const *members, json_t **);

/* Puts what base64 in a member stands for; nothing if it is null or missing. */
gpg_error_t plugin_get_bytes(struct plugin *, const json_t *object,
    const char *member, struct buf *);

/* Adds why, cleaned, as a member. */
void plugin_add_why(const struct plugin *, json_t *object,
    const char *member);

/* Writes one JSON value, which it consumes; false if that failed. */
bool plugin_answer(int fd, json_t *);

/* Adds the bytes, in base64, to an object or (name NULL) to an array. */
gpg_error_t plugin_add_bytes(json_t *, const char *name, struct view);

#endif
