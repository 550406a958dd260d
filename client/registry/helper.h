/* Credential helpers: docker-credential-NAME get. */
#ifndef CLIENT_REGISTRY_HELPER_H
#define CLIENT_REGISTRY_HELPER_H

#include "client/registry/credentials.h"

/*
 * Asks the helper for what it has of a server.  It gets no more of our
 * environment than it needs, 30 seconds, and 64 KiB for its answer.
 */
gpg_error_t helper_get(const char *name, const char *server,
    struct credentials *, struct problem *);

#endif
