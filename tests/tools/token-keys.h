/*
 * Keys on a token under test, used and checked as the agent would.
 */
#ifndef TESTS_TOKEN_KEYS_H
#define TESTS_TOKEN_KEYS_H

#include "format/pubkey.h"
#include "token-rig.h"

#define RIG_PIN "314159"
#define RIG_NO_SLOT UINT32_MAX

/* The good PIN, for rig_talk(). */
extern const char *const rig_pins[];

struct rig_key {
	uint32_t number, slot, created;
	uint8_t algorithm, flags;
	struct pubkey *pub;
};

void rig_key_clear(struct rig_key *);

/* Lists; the first token that is not empty, or RIG_NO_SLOT. */
gpg_error_t rig_list(struct rig *, struct msg_token_listing *, uint32_t *slot);

/* The flags of one token; -1 if it is not listed. */
int rig_slot_flags(struct rig *, uint32_t slot);

/* Starts with these options, and makes a token with the good PIN. */
gpg_error_t rig_ready(struct rig *, const struct rig_options *,
    uint32_t *slot);

/* A key pair, or a listed key. */
gpg_error_t rig_make(struct rig *, uint32_t slot, enum key_algorithm,
    struct rig_key *);
gpg_error_t rig_key_of(const struct msg_token_key *, struct rig_key *);

/* A signature of the text, checked; GPG_ERR_BAD_SIGNATURE is the check's. */
gpg_error_t rig_sign(struct rig *, const struct rig_key *, const char *text);
bool rig_sign_send(struct rig *, const struct rig_key *);

gpg_error_t rig_login(struct rig *, uint32_t slot, const char *const *pins,
    struct rig_talk *);
gpg_error_t rig_forget(struct rig *);

#endif
