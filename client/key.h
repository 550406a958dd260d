/* The agent's keys, as the subcommands handle and show them. */
#ifndef CLIENT_KEY_H
#define CLIENT_KEY_H

#include "client/cmd.h"
#include "format/pubkey.h"

#define KEY_USER_IDS 16
#define KEY_CERTS 16
#define KEY_HOLDERS 16

/* Where a key can be used.  No text is NULL. */
struct key_holder {
	char *module, *token, *serial, *uri;
	char *firmware;		/* "" if not known */
	char *slot;		/* of PIV: "9a"; or "" */
	uint8_t pin_policy, touch_policy, origin;	/* 0: not known */
	uint8_t flags;
	uint32_t certificate_expires;	/* X.509; 0: none, or no end */
	uint32_t tries_left;	/* of the PIN, or PIN_TRIES_UNKNOWN */
};

struct key_cert {
	char *comment;
	uint64_t after, before;	/* seconds since 1970 */
};

/* A key that outlives the reply that told of it.  No text is NULL. */
struct key_info {
	uint8_t id[PUBKEY_ID_LEN];
	char hex[2 * PUBKEY_ID_LEN + 1];
	char *name;		/* "" without a record */
	char *algorithm;
	char *fingerprint;	/* OpenPGP's, or "" */
	struct key_holder holders[KEY_HOLDERS];
	size_t holder_count;	/* 0 while no token that has it is here */
	char *user_ids[KEY_USER_IDS];
	size_t user_id_count;
	struct key_cert certs[KEY_CERTS];	/* of SSH, beside it */
	size_t cert_count;
	struct pubkey *pub;	/* checked to be what the id names */
	uint32_t created;	/* 0: not known */
	uint32_t expires;	/* 0: never, or not known */
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
 * Has an agent of this machine ask its tokens how they are (PIN tries left)
 * before keys are fetched; any other does not tell.
 */
void keys_look(struct call *);

/* The first holder; one of empty texts while there is none. */
const struct key_holder *key_first(const struct key_info *);

/*
 * The first holder on the token with that label or serial number, and in that
 * slot unless it is NULL; NULL: there is none.
 */
const struct key_holder *key_on_token(const struct key_info *,
    const char *module, const char *label);
const struct key_holder *key_on_card(const struct key_info *,
    const char *module, const char *serial, const char *slot);

/* Words for the policies and the origin; NULL where it is not known. */
const char *key_pin_words(const struct key_holder *);
const char *key_touch_words(const struct key_holder *);
const char *key_origin_words(const struct key_holder *);

/* Its name, or else the beginning of its id. */
const char *key_title(const struct key_info *, char *out, size_t size);

/* As the man page documents it. */
json_t *key_json(const struct key_info *);

#endif
