/*
 * Messages as a table: structs, ids and rows are made from messages.def, and
 * one encoder and one decoder read the rows.  ../PROTOCOL has the bytes.
 *
 * Decoded views point into the frame they were decoded from.
 */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include "wire/buf.h"

/* The name behind the @ of our extensions, until the project has a domain. */
#define WIRE_DOMAIN "touchstone.invalid"

/* The version that the agent and its token processes must share. */
#define WIRE_TOKEN_VERSION 1

/* Who may send a message, and where. */
enum msg_scope {
	SCOPE_NONE,	/* a reply or an element, never sent by itself */
	SCOPE_SSH,	/* RFC 9987 and OpenSSH, both sockets */
	SCOPE_ANY,	/* our extension, both sockets */
	SCOPE_LOCAL,	/* our extension, local.sock only */
	SCOPE_TOKEN,	/* agent and token process */
	SCOPE_PROMPT,	/* agent and prompter */
	SCOPE_PIN,	/* prompter and token process */
};

/* Where a signing request stands (progress.state). */
enum request_state {
	STATE_DONE = 0,
	STATE_MORE = 1,		/* send the next chunk */
	STATE_PIN = 2,		/* a PIN is asked for */
	STATE_TOUCH = 3,	/* the token wants to be touched */
	STATE_CONSENT = 4,	/* the user is asked to agree */
	STATE_TOKEN = 5,	/* the token is not there */
};

/* holder.flags and token_key.flags */
enum {
	KEY_ALWAYS_AUTH = 1,	/* the token wants the PIN for each signature */
	KEY_TOUCH = 2,
	KEY_SOFTWARE = 4,	/* in memory, on no token */
};

/* token.flags and token_slot.flags */
enum {
	TOKEN_LOGIN = 1,	/* a PIN is needed to sign */
	TOKEN_LOGGED_IN = 2,	/* and is held */
	TOKEN_PIN_LOW = 4,
	TOKEN_PIN_LAST = 8,
	TOKEN_PIN_LOCKED = 16,
	TOKEN_EMPTY = 32,	/* not initialized */
	TOKEN_DEFAULT_PIN = 64,	/* the token says so; it was not tried */
	TOKEN_DEFAULT_PUK = 128,
	TOKEN_DEFAULT_MGM = 256,
	TOKEN_PROTECTED_MGM = 512,	/* the PIN opens the management key */
	TOKEN_PUK_LOCKED = 1024,
	TOKEN_DOUBLED = 2048,	/* two say that they are it */
};

#define TOKEN_ALL_SLOTS UINT32_MAX	/* token_forget.slot */

/* pin_policy, touch_policy, origin, as PIV has them; 0: not known */
enum {
	PIN_POLICY_NEVER = 1,
	PIN_POLICY_ONCE = 2,
	PIN_POLICY_ALWAYS = 3,

	TOUCH_POLICY_NEVER = 1,
	TOUCH_POLICY_ALWAYS = 2,
	TOUCH_POLICY_CACHED = 3,	/* one touch lasts for 15 s */

	KEY_ORIGIN_GENERATED = 1,
	KEY_ORIGIN_IMPORTED = 2,
};

/* token_login.secret */
enum token_secret {
	SECRET_PIN = 0,
	SECRET_MANAGEMENT = 1,
};

/* secret.change and token_change.change */
enum token_change {
	CHANGE_PIN = 1,
	CHANGE_PUK = 2,
	CHANGE_UNBLOCK = 3,	/* a new PIN by the PUK */
	CHANGE_MANAGEMENT = 4,	/* random, kept on the token behind the PIN */
	CHANGE_MANAGEMENT_TO = 5,	/* to one that the user has */
};

/* token_event.event */
enum token_event {
	EVENT_CHANGED = 0,	/* tokens came or left: list again */
	EVENT_TOUCH = 1,	/* a request waits for a touch */
	EVENT_TOUCH_AGAIN = 2,	/* the touch did not come; once more */
};

/* pin_verdict.verdict */
enum pin_verdict {
	PIN_ASK = 0,		/* the first word: a PIN, please */
	PIN_ASK_NEW = 1,	/* the first word: a new PIN, please */
	PIN_GOOD = 2,
	PIN_WRONG = 3,		/* asks again */
	PIN_LAST = 4,		/* asks again; the last try, ask before it */
	PIN_LOCKED = 5,
	PIN_FAILED = 6,		/* `problem` says why */
};
#define PIN_TRIES_UNKNOWN UINT32_MAX

/* prompt_ask.dialogue */
enum dialogue {
	DIALOGUE_PIN = 0,	/* uses the PIN socket */
	DIALOGUE_CONFIRM = 1,
	DIALOGUE_NOTICE = 2,	/* until the agent takes it back */
};

struct msg_list {
	uint32_t count;
	struct view raw;	/* the elements' bytes */
};

enum msg_id {
#define ITEM(id) MSG_##id,
#define BODY(id) MSG_##id,
#define MESSAGE(id, scope, code, name, reply, what) MSG_##id,
#define U8(id, member)
#define U32(id, member)
#define U64(id, member)
#define TEXT(id, member, max)
#define BYTES(id, member, max)
#define SECRET(id, member, max)
#define LIST(id, member, item, max)
#define REST(id, member, max)
#define END(id)
#include "wire/messages.def"
	MSG_COUNT
};

#define ITEM(id) struct msg_##id {
#define BODY(id) struct msg_##id {
#define MESSAGE(id, scope, code, name, reply, what) struct msg_##id {
#define U8(id, member) uint8_t member;
#define U32(id, member) uint32_t member;
#define U64(id, member) uint64_t member;
#define TEXT(id, member, max) struct view member;
#define BYTES(id, member, max) struct view member;
#define SECRET(id, member, max) struct view member;
#define LIST(id, member, item, max) struct msg_list member;
#define REST(id, member, max) struct view member;
#define END(id) };
#include "wire/messages.def"

enum field_type {
	FIELD_END,
	FIELD_U8,
	FIELD_U32,
	FIELD_U64,
	FIELD_TEXT,
	FIELD_BYTES,
	FIELD_SECRET,
	FIELD_LIST,
	FIELD_REST,
};

struct msg_field {
	const char *name;
	enum field_type type;
	size_t offset;
	size_t max;		/* bytes, or elements of a list */
	enum msg_id item;	/* of a list */
};

struct msg_row {
	const char *id;
	enum msg_scope scope;
	uint8_t code;
	const char *name;
	enum msg_id reply;
	const char *what;
	size_t size;		/* of the struct */
	const struct msg_field *fields;
};

/* The row of a message; never NULL for an id below MSG_COUNT. */
const struct msg_row *msg_row(enum msg_id);

/*
 * Puts the fields of *in (a struct msg_<id>).  GPG_ERR_TOO_LARGE if a field
 * exceeds its row's bound, GPG_ERR_INV_VALUE if a text is not clean.
 */
gpg_error_t msg_encode(struct buf *, enum msg_id, const void *in);

/*
 * Takes the fields into *out (a struct msg_<id>, zeroed on failure).  Bytes
 * left over, a text that is not clean and anything over its bound are
 * refused: GPG_ERR_TRUNCATED, GPG_ERR_TOO_LARGE, GPG_ERR_INV_VALUE,
 * GPG_ERR_BAD_DATA.
 */
gpg_error_t msg_decode(enum msg_id, struct view body, void *out);

/* Puts one element; the caller counts. */
gpg_error_t msg_list_add(struct buf *, struct msg_list *, enum msg_id item,
    const void *in);

/* Takes the next element of a decoded list; false at its end. */
bool msg_list_next(struct msg_list *, enum msg_id item, void *out);

#endif
