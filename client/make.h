/* Making keys on a token, by name, once. */
#ifndef CLIENT_MAKE_H
#define CLIENT_MAKE_H

#include "client/key.h"

/* Checks a nickname; call->why. */
gpg_error_t make_check_name(struct call *, const char *name);

/* The algorithm's own spelling, "P-256" for NULL; NULL and call->why. */
const char *make_algorithm(struct call *, const char *name);

/*
 * The key that is recorded by this name, or that a token of the module holds
 * unrecorded with this label: what an interrupted set-up left.
 * GPG_ERR_NOT_FOUND; GPG_ERR_CONFLICT where the name is another's.
 */
gpg_error_t make_find(struct call *, const char *module, const char *token,
    const char *name, struct key_info **);

/* A key pair to be made.  What is "", NULL or 0 is left to the token. */
struct make_plan {
	const char *module, *token;	/* names */
	const char *name;
	const char *algorithm;
	const char *slot;		/* of PIV: "9a" */
	uint8_t pin_policy, touch_policy;
	const char *overwrite;		/* a slot whose key may go; NULL */
};

/* Lets the token make it. */
gpg_error_t make_key(struct call *, const struct make_plan *,
    struct key_info **);

/* --pin-policy and --touch-policy; 0 if not given; call->why. */
gpg_error_t make_policies(struct call *, uint8_t *pin, uint8_t *touch);

/* Whether it names a PIV slot, as "9c"; call->why. */
gpg_error_t make_check_slot(struct call *, const char *slot);

#endif
