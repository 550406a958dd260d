/*
 * The way of a request:
 *
 *	receive -> parse -> find the key (wait for its token) -> policy
 *	  -> consent -> audit: intent -> token (PIN, touch, sign)
 *	  -> verify and format -> audit: result -> answer
 *
 * request.c is that line and the only place that knows its order.  What
 * differs between a commit and a new key is a table of operations (work.h).
 */
#ifndef AGENT_REQUEST_H
#define AGENT_REQUEST_H

#include "audit.h"
#include "keys.h"
#include "module.h"
#include "object/object.h"
#include "pin.h"
#include "place.h"
#include "policy.h"
#include "prompt.h"

struct conn;
struct image;
struct work;
struct openpgp_sig;
struct x509;

#define PROBLEM_MAX 1000
#define POLL_MS 1000		/* how often an absent token is looked for */
#define TURN_MS 100		/* before one that others have is asked again */
#define SECRET_CHANGED 255	/* the one that is to change, and its successor */

enum stage {
	STAGE_RECEIVE,		/* the client still sends chunks */
	STAGE_LOCATE,		/* the key's token, or the slot, is looked for */
	STAGE_CONSENT,		/* the user is asked */
	STAGE_INTENT,		/* the intent is being written */
	STAGE_TOKEN,		/* the token process is asked */
	STAGE_PIN,		/* the user is asked for the PIN */
	STAGE_CHECK,		/* the signature is being checked */
	STAGE_RESULT,		/* the result is being put on disk */
	STAGE_ENDED,
};

struct request {
	struct agent *agent;
	struct conn *conn;		/* NULL: the client is gone */
	const struct work *work;
	enum stage stage;
	enum reach reach;
	uint64_t number;
	uint64_t started_ms;

	/* what the client wants */
	struct buf payload;
	uint64_t size;			/* that it announced */
	size_t held;			/* that is here, and counted */
	char *key_text;
	struct buf ssh_key;		/* the blob of an SSH request */
	uint32_t flags;			/* of an SSH request */
	char *user_id, *label, *token, *module_name, *comment;
	char *slot_name, *overwrite, *algorithm_text, *copy, *agreed;
	uint32_t created, expires_after;
	uint8_t reason, algorithm, pin_policy, touch_policy, change;

	/* what it is, and who signs it where */
	struct object object;
	const char *kind;		/* as policy and audit call it */
	uint8_t payload_hash[64];	/* SHA-256: 32 of them */
	bool hashed;
	struct key *key;
	struct module *module;		/* valid only within a stage */
	uint32_t slot, token_key;
	bool touch;			/* the token waits for one, at times */
	uint8_t secret;			/* that is asked for: enum
					   token_secret, SECRET_CHANGED */
	struct image *image;		/* of a container image's; or NULL */
	char *repository, *role;	/* of trust data */
	uint64_t before;		/* bytes of the role before the new */
	unsigned step;			/* of a work that has several */
	struct x509 *x509;
	size_t tries;			/* of other tokens */
	bool missed;			/* the token had no such key once */
	uint64_t held_ms;		/* since when another program has it */
	struct place *place;		/* NULL until a prompt is needed */
	char requester[512];

	/* what the token is to sign */
	struct signing signing;
	struct openpgp_sig *openpgp;
	uint32_t now;			/* seconds since 1970 */

	/* what is waited for */
	struct call *call;
	struct pin_wait *pin;
	struct prompt *prompt;
	struct audit_wait *written;
	struct watcher watcher;
	struct event timer;
	bool intent;			/* was recorded */
	bool consented;			/* the user agreed to it */

	/* what the client is told */
	enum request_state state;
	bool told;
	char notice[PROBLEM_MAX];
	gpg_error_t err;
	char problem[PROBLEM_MAX];
	struct buf result;
	struct buf status;
	char object_id[OBJECT_DIGEST];	/* signed commit or tag; image */
};

/*
 * A request of a connection; it ends by conn_answer() with state done or an
 * error, after which the connection must not use it any more.
 */
gpg_error_t request_new(struct conn *, const struct work *,
    struct request **);

/* Sets a text parameter; out of memory shows when the request is fed. */
void request_text(struct request *, char **, struct view);

/* The next piece of the payload; starts the way once it is whole. */
void request_feed(struct request *, struct view chunk);

/* Reads where the user of this request is, once; r->place stays NULL where
 * there is no such place. */
void request_find_place(struct request *);

/* The payload is whole: parses it and goes on from there. */
void request_begin(struct request *);

/* Ends without a signature, and records that where an intent was. */
void request_fail(struct request *, gpg_error_t);

/* What the client is told when it waits. */
void request_tell(struct request *, enum request_state, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The client waits for the next change: told now, or when it comes. */
void request_wait(struct request *);

/*
 * The agent is locked: ends what waits for a person or a token.  What a token
 * does already comes to its end.
 */
void request_lock(struct request *);

/* The client is gone. */
void request_abandon(struct request *);

/* ---- between the stations (request.c, request-token.c) ---- */

/* Finds the key and its token, waiting for it; goes on from there. */
void request_locate(struct request *);
bool request_is_late(const struct request *);

/* Asks the token, once the intent is recorded, and whom it needs. */
void request_ask_token(struct request *);

/* What the token gave is good: records that, then answers. */
void request_put_result(struct request *);

/* It came when the client was gone. */
void request_undelivered(struct request *);

#endif
