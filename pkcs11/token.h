/*
 * A backend of the token process, as a table of operations: any PKCS#11
 * module (p11-*.c), YubiKeys that are spoken to directly (piv-*.c), or keys in
 * memory (soft-*.c).  The process around it (serve.c) reads one request, calls
 * one operation, writes one reply; it knows nothing of tokens.
 */
#ifndef PKCS11_TOKEN_H
#define PKCS11_TOKEN_H

#include "wire/msg.h"

#define TOKEN_WORKERS_MAX 16
#define TOKEN_SIGNATURE_MAX 1024	/* bytes */
#define TOKEN_MAKE_ROOM (8 * 1024)	/* for one key of a listing, bytes */

/*
 * The text that goes with an error, for people: what went wrong and what to
 * do next.  Clean (wire/text.h) once it is sent.
 */
struct problem {
	char text[1000];
};

/* Writes the text and returns gpg_error(code), so that it can be returned. */
gpg_error_t problem_say(struct problem *, gpg_err_code_t,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* What a signature is wanted for: views into the request's datagram. */
struct token_signing {
	uint32_t key;
	uint8_t mechanism;	/* enum sign_mechanism */
	struct view data;
	uint32_t request;	/* for events */
};

/* Tells the agent what it did not ask for; from any thread. */
struct token_ear {
	void (*say)(void *arg, enum token_event, uint32_t request);
	void *arg;
};

/*
 * The operations.  All but open and close are called from several threads at
 * once; `worker` (0 to sessions - 1) names the calling thread, so that each
 * keeps a session of its own.  An operation may block for as long as its
 * device does: the agent gives up the whole process at its deadline.  Only
 * login and prepare wait for a person, and they are given threads of their
 * own, which `worker` does not count.
 *
 * Errors are gpg_error codes with a text; those that the agent acts on:
 *	GPG_ERR_PIN_NOT_SYNCED		log in, then ask again
 *	GPG_ERR_PIN_BLOCKED		only a PUK or SO PIN helps
 *	GPG_ERR_BAD_PIN			the PIN in pin_source was refused
 *	GPG_ERR_CARD_NOT_PRESENT	the token is gone, or another is there
 *	GPG_ERR_CARD_REMOVED		it was, in the middle of an operation
 *	GPG_ERR_MISSING_KEY		list again
 *	GPG_ERR_NO_PASSPHRASE		log in with the management key first
 *	GPG_ERR_CANCELED		the person did not want to
 *	GPG_ERR_EBUSY			somebody is being asked already
 *	GPG_ERR_LOCKED			another program has it: ask again
 */
struct token_ops {
	/*
	 * Loads what the request names.  *state is the backend's, given to
	 * every other operation; close() frees it.  `description` is for
	 * people and clean.  The request's views end with the call.
	 */
	gpg_error_t (*open)(const struct msg_token_open *, void **state,
	    char *description, size_t size, struct problem *);

	/*
	 * Puts the tokens and the keys that can sign into the two buffers
	 * (elements token_slot and token_key, counted in the lists), looking
	 * anew.  As many keys as the second buffer has room for.  What the
	 * numbers name stays the same for the life of the process: a token
	 * that comes back has its old one, another token never.
	 */
	gpg_error_t (*list)(void *state, unsigned worker, bool anew,
	    struct buf *slot_buf, struct msg_list *slots,
	    struct buf *key_buf, struct msg_list *keys, struct problem *);

	/*
	 * One signature, of at most TOKEN_SIGNATURE_MAX bytes.  Never asks
	 * anybody for a PIN; never sends a PIN that was refused once.  What
	 * comes back is not checked: the agent does, with the public key.
	 */
	gpg_error_t (*sign)(void *state, unsigned worker,
	    const struct token_signing *, uint8_t *signature, size_t *len,
	    struct problem *);

	/*
	 * Takes PINs from `fd` (see talk.h) until one is good, and holds it
	 * until its time is over.  Each PIN is tried once.  `fd` stays the
	 * caller's.
	 */
	gpg_error_t (*login)(void *state, uint32_t slot,
	    enum token_secret, int fd, struct problem *);

	/* Wipes the PIN of a slot, or of TOKEN_ALL_SLOTS, then logs out. */
	gpg_error_t (*forget)(void *state, uint32_t slot, struct problem *);

	/*
	 * Makes a key pair that never leaves the token and notes beside it
	 * when it was made.  Puts one token_key.  On failure nothing is left
	 * on the token.
	 */
	gpg_error_t (*make)(void *state, unsigned worker,
	    const struct msg_token_make *, struct buf *key_buf,
	    struct msg_list *keys, struct problem *);

	/*
	 * Initializes an empty token; its new PIN from `fd`, or, where fd is
	 * -1, from pin_source (GPG_ERR_PIN_NOT_SYNCED if there is none).
	 * Never touches an initialized one.
	 */
	gpg_error_t (*prepare)(void *state, const struct msg_token_prepare *,
	    int fd, struct problem *);

	/* These are NULL where a backend cannot do them. */

	/* The two certificates, DER, in the buffers. */
	gpg_error_t (*attest)(void *state, unsigned worker, uint32_t key,
	    struct buf *certificate, struct buf *intermediate,
	    struct problem *);

	/* Keeps a key's certificate beside it, in the place of another. */
	gpg_error_t (*store)(void *state, unsigned worker,
	    const struct msg_token_store *, struct problem *);

	/*
	 * Moves a key and its certificate to another slot.  GPG_ERR_EEXIST
	 * where that is in use and `overwrite` does not name it.  Loses
	 * nothing wherever it is interrupted: done again, it finishes.
	 */
	gpg_error_t (*move)(void *state, unsigned worker,
	    const struct msg_token_move *, struct problem *);

	/*
	 * Deletes a key for ever, and what is beside it.  Interrupted, it
	 * leaves what is still listed as this key: done again, it finishes.
	 */
	gpg_error_t (*remove)(void *state, unsigned worker, uint32_t key,
	    struct problem *);

	/*
	 * Changes a secret; all that is secret comes from `fd`.  Where that
	 * is -1: what needs no words is done, else it says what is missing
	 * (GPG_ERR_PIN_NOT_SYNCED, GPG_ERR_NO_PASSPHRASE, then
	 * GPG_ERR_NO_PIN: `fd`).
	 */
	gpg_error_t (*change)(void *state, uint32_t slot, enum token_change,
	    const char *algorithm, int fd, struct problem *);

	/*
	 * Keeps a private key for a time, instead of one with the same public
	 * half, and puts one token_key.  GPG_ERR_BAD_SECKEY where the halves
	 * do not belong together, GPG_ERR_RESOURCE_LIMIT where it is full.
	 */
	gpg_error_t (*import)(void *state, unsigned worker,
	    const struct msg_token_import *, struct buf *key_buf,
	    struct msg_list *keys, struct problem *);

	/* From now on, what happens is told; called once, after open. */
	void (*listen)(void *state, struct token_ear);

	/*
	 * Wipes every PIN at once, without waiting for a device; also called
	 * while other operations run.
	 */
	void (*wipe)(void *state);

	/* Closes all; no other operation runs.  May block. */
	void (*close)(void *state);

	bool locked;	/* requests are received into locked memory */
};

/* The one that the program was linked with. */
extern const struct token_ops token_ops;

#endif
