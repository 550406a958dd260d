/*
 * Proving to a registry who asks: Basic, and Bearer with tokens of the token
 * server that the registry names.  Tokens are kept in memory only.
 */
#ifndef CLIENT_REGISTRY_AUTH_H
#define CLIENT_REGISTRY_AUTH_H

#include "client/registry/credentials.h"
#include "client/registry/http.h"

struct auth;

/* All but the reference, which is copied, stays the caller's. */
gpg_error_t auth_new(struct auth **, struct http *, const struct reference *,
    const struct http_trust *, struct problem *);
void auth_free(struct auth **);		/* wipes */

/* Another name for the repository than the reference's, in tokens. */
void auth_scope(struct auth *, const char *repository);

/*
 * What to send for "pull", "pull,push" or "*"; NULL if nothing is known yet.
 * Valid until the next call.
 */
const char *auth_header(struct auth *, const char *actions);

/*
 * After a 401: makes the next auth_header() another.  GPG_ERR_NO_AUTH, with
 * words, where nothing else can be tried.
 */
gpg_error_t auth_answer(struct auth *, const struct http_reply *,
    const char *url, const char *actions);

/* What was sent was taken. */
void auth_worked(struct auth *, const char *actions);

#endif
