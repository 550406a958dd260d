/* The agent's keys, as the subcommands handle and show them. */
#ifndef CLIENT_KEY_H
#define CLIENT_KEY_H

#include "client/cmd.h"
#include "format/pubkey.h"

#define KEY_USER_IDS 16

/* A key that outlives the reply that told of it.  No text is NULL. */
struct key_info {
	uint8_t id[PUBKEY_ID_LEN];
	char hex[2 * PUBKEY_ID_LEN + 1];
	char *name;		/* "" without a record */
	char *algorithm;
	char *fingerprint;	/* OpenPGP's, or "" */
	char *module, *token, *serial, *uri;	/* "" while it is absent */
	char *slot;		/* of PIV: "9a"; or "" */
	uint8_t pin_policy, touch_policy, origin;	/* 0: not known */
	uint32_t certificate_expires;	/* X.509; 0: none, or no end */
	char *firmware;		/* of its token; "" if not known */
	uint32_t tries_left;	/* of its token's PIN, or PIN_TRIES_UNKNOWN */
	uint32_t token_flags;
	char *user_ids[KEY_USER_IDS];
	size_t user_id_count;
	struct pubkey *pub;	/* checked to be what the id names */
	uint32_t created;	/* 0: not known */
	uint32_t expires;	/* 0: never, or not known */
	uint8_t flags;
};

/* The keys that match; "" is all.  Free with keys_free(). */
gpg_error_t keys_fetch(struct call *, const char *match, bool refresh,
    struct key_info **, size_t *count);
void keys_free(struct key_info **, size_t count);

/*
 * The one key that is meant; call->why lists the candidates where it is not
 * one (GPG_ERR_NO_SECKEY, GPG_ERR_AMBIGUOUS_NAME).  Free with
 * keys_free(.., 1).
 */
gpg_error_t keys_fetch_one(struct call *, const char *text, bool refresh,
    struct key_info **);

/*
 * Adds what the agent's status tells of their tokens.  An agent that came
 * along from elsewhere does not tell: that is no failure.
 */
void keys_add_tokens(struct call *, struct key_info *, size_t count);

/* Words for the policies and the origin; NULL where it is not known. */
const char *key_pin_words(const struct key_info *);
const char *key_touch_words(const struct key_info *);
const char *key_origin_words(const struct key_info *);

/* Its name, or else the beginning of its id. */
const char *key_title(const struct key_info *, char *out, size_t size);

/* As the man page documents it. */
json_t *key_json(const struct key_info *);

#endif
