/* The keys of snapshot and timestamp that a server holds and signs with. */
#ifndef CLIENT_TRUST_SERVERKEY_H
#define CLIENT_TRUST_SERVERKEY_H

#include "client/trust/owner.h"

/*
 * Gets the public key, of a new one with `rotate`; call->why.  Free with
 * grant_key_free(), also after an error.
 */
gpg_error_t serverkey_get(struct owner *, const char *role, bool rotate,
    struct grant_key *);

#endif
