/* Public keys of others, from PEM: of themselves or of certificates. */
#ifndef CLIENT_TRUST_PEMKEY_H
#define CLIENT_TRUST_PEMKEY_H

#include "client/registry/problem.h"
#include "client/trust/grant.h"

/* A certificate's key, or a key.  Free with pubkey_free(). */
gpg_error_t pemkey_public(struct view pem, struct pubkey **);

/* A name that no key of an agent can have: no file is taken for a key. */
bool pemkey_is_file(const char *text);

/*
 * As roles list it: a key, or the first certificate, which must be valid now.
 * Free with grant_key_free(), also after an error.
 */
gpg_error_t pemkey_read(const char *file, struct grant_key *,
    struct problem *);

#endif
