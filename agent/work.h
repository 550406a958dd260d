/*
 * What the kinds of requests do at the stations of a request's way
 * (request.h).  All return 0, or an error with r->problem set for people.
 */
#ifndef AGENT_WORK_H
#define AGENT_WORK_H

#include "request.h"

struct work {
	const char *format;		/* "openpgp", as audit calls it */
	bool typed;			/* not a plain SSH signature */
	bool signs;			/* with a key; else it administers */
	bool pin_is_answer;		/* what follows the PIN is the answer */

	/* Reads the payload or names what will be built. */
	gpg_error_t (*parse)(struct request *);

	/*
	 * Finds the key or slot.  GPG_ERR_EAGAIN: ask again when the modules
	 * have been listed; GPG_ERR_CARD_NOT_PRESENT: or when the token is
	 * there.
	 */
	gpg_error_t (*locate)(struct request *);

	/* Prepares what the token is to do, the key or slot being known. */
	gpg_error_t (*begin)(struct request *);

	/* Asks the token process. */
	struct call *(*ask)(struct request *, call_done *);

	/* Asks the user for the PIN that it wanted, telling what for. */
	struct pin_wait *(*ask_pin)(struct request *, const char *description,
	    call_done *);

	/*
	 * Makes what the client gets of the token's answer: where `signs`, a
	 * signature that was checked.
	 */
	gpg_error_t (*finish)(struct request *, const void *reply);
};

extern const struct work work_openpgp;
extern const struct work work_sigstore_sha256, work_sigstore_sha384,
    work_sigstore_sha512, work_notary_raw;
extern const struct work work_cosign_sig, work_sigstore_bundle,
    work_notary_jws, work_notary_cose, work_simple_signing;
extern const struct work work_trust;
extern const struct work work_ssh;
extern const struct work work_certify;
extern const struct work work_revoke;
extern const struct work work_generate;
extern const struct work work_token_init;
extern const struct work work_certificate;
extern const struct work work_certify_image;
extern const struct work work_certificate_request;
extern const struct work work_attest;
extern const struct work work_secret;
extern const struct work work_move;
extern const struct work work_delete;

/* Stations that all signatures with a key share. */
gpg_error_t work_locate_key(struct request *);
struct call *work_ask_sign(struct request *, call_done *);
struct pin_wait *work_ask_login(struct request *, const char *description,
    call_done *);
/* The token that is named, or the only one; and what needs no preparation. */
gpg_error_t work_locate_slot(struct request *);
gpg_error_t work_begin_nothing(struct request *);

/* An OpenPGP signature of a document, by the key's certificate. */
gpg_error_t work_begin_openpgp(struct request *, struct view document);

/* Where the user of a request is asked. */
struct prompt_where request_where(const struct request *);

/* Sets r->problem; returns gpg_error(code). */
gpg_error_t request_problem(struct request *, gpg_err_code_t,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
