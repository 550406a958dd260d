/*
 * The token in software: SoftHSM2, with its own folder in the user's data and
 * a module of its own in the configuration.
 */
#ifndef CLIENT_SOFT_H
#define CLIENT_SOFT_H

#include "client/cmd.h"

#define SOFT_MODULE "soft"	/* modules.d/soft.conf */
#define SOFT_TOKEN "soft"	/* the token's label */

/* Whether the configuration has no such module yet. */
bool soft_is_new(struct call *);

/*
 * Makes what is missing of the folders, the configuration of SoftHSM2 and of
 * the module, and with `pin_file` (a path as it was typed, or NULL) a file
 * with a new PIN.  What is there is kept.  *changed tells whether anything
 * was made.  call->why tells of failures.
 */
gpg_error_t soft_prepare(struct call *, const char *pin_file, bool *changed);

#endif
