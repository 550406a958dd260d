/* Which key the user means to sign with. */
#ifndef CLIENT_PICK_H
#define CLIENT_PICK_H

#include "client/key.h"

/*
 * --key, else git's user.signingkey, else the only one.  Connected already;
 * call->why.  Free with keys_free(.., 1).
 */
gpg_error_t pick_key(struct call *, struct key_info **);

#endif
