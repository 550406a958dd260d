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

/* Lets the token make a key pair. */
gpg_error_t make_key(struct call *, const char *module, const char *token,
    const char *name, const char *algorithm, struct key_info **);

#endif
