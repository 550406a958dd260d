/*
 * The keyring: every key that a record names or a token holds.  A key is its
 * public key; the tokens that hold it are its holders, and any will do.
 */
#ifndef AGENT_KEYS_H
#define AGENT_KEYS_H

#include "agent.h"
#include "format/pubkey.h"

struct module;

/* Where a key can be used. */
struct holder {
	struct module *module;
	uint32_t key;		/* token_key.key */
	uint32_t slot;
	uint8_t flags;		/* KEY_ALWAYS_AUTH, KEY_TOUCH */
	uint8_t pin_policy, touch_policy, origin;
	uint32_t certificate_expires;
	char *slot_name;	/* of PIV: "9a"; or "" */
	char *uri;
	char *token;		/* label */
	char *serial;
	unsigned blame;		/* how often it failed to sign */
};

struct key {
	unsigned refs;
	struct pubkey *pub;
	char id[2 * PUBKEY_ID_LEN + 1];
	char *name;		/* nickname; "" without a record */
	char *label;		/* on the token, or "" */
	uint32_t created;	/* 0: not known, so no OpenPGP */
	uint32_t expires;	/* of its OpenPGP certificate; 0: never */
	char fpr[41];		/* OpenPGP, or "" */
	char ssh[64];		/* "SHA256:…" */
	char **user_ids;
	size_t user_id_count;
	struct holder *holders;
	size_t holder_count;
	char *last_module;	/* the name of the last that held it, or NULL */
	bool recorded;
};

gpg_error_t keyring_new(struct keyring **);
void keyring_free(struct keyring **);

/* Reads the records of a folder anew; what is broken is logged. */
gpg_error_t keyring_load(struct keyring *, const char *dir);

/* What a module holds now: replaces what it held before. */
void keyring_set(struct keyring *, struct module *,
    struct msg_token_listing *);
void keyring_drop(struct keyring *, struct module *);

/* How many keys of a slot there are. */
uint32_t keyring_held(const struct keyring *, const struct module *,
    uint32_t slot);

size_t keyring_count(const struct keyring *);
struct key *keyring_at(const struct keyring *, size_t);

/* A key stays as long as it is referred to, with the holders it has. */
struct key *key_ref(struct key *);
void key_unref(struct key **);

/*
 * Whether a text names this one place of a key: RFC 7512 URI, or a YubiKey's
 * slot and serial, "9c@12345678".
 */
bool holder_matches(const struct holder *, struct view text);

/*
 * Whether a key is meant: nickname, id, OpenPGP fingerprint or key id, SSH
 * fingerprint, user id or its address, or a place of it.
 */
bool key_matches(const struct key *, struct view text);

/*
 * The one key that is meant.  GPG_ERR_NO_SECKEY; GPG_ERR_AMBIGUOUS_NAME with
 * the candidates in *problem (free()).  The reference is the caller's.
 */
gpg_error_t keyring_find(const struct keyring *, struct view text,
    struct key **, char **problem);
struct key *keyring_find_ssh(const struct keyring *, struct view blob);
struct key *keyring_find_id(const struct keyring *, struct view id);

/*
 * Adds a holder as its module listed it, and drops a module's (NULL: all);
 * the keyring does.
 */
void key_add_holder(struct key *, struct module *,
    const struct msg_token_key *);
void key_drop_holders(struct key *, const struct module *);

/*
 * The holder that failed least, and among those the one that asks least of
 * the user; NULL if there is none.
 */
const struct holder *key_holder(const struct key *);

/* Whether a token holds it, not memory alone. */
bool key_is_on_token(const struct key *);

/* Whether another holder signs without a PIN being asked for. */
bool key_has_easier(const struct key *, const struct module *,
    uint32_t token_key);

/* Notes that a holder failed; returns whether a better one is left. */
bool key_blame(struct key *, const struct module *, uint32_t token_key);

/* "release" or the label or the beginning of the id; for people. */
const char *key_title(const struct key *);

#endif
