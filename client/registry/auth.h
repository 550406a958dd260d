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
 * Asks for what takes these actions ("pull", "pull,push", "*"), with as many
 * rounds of proving who asks as make sense; but not to a host that we were
 * sent to, which could name any server of tokens.  Sets what goes along in
 * the request.  GPG_ERR_NO_AUTH, with words, where nothing else can be tried;
 * else as http_ask().
 */
gpg_error_t auth_ask(struct auth *, struct http_request *, const char *actions,
    struct http_reply *);

#endif
