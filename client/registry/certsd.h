/*
 * Authorities and client certificates that the system or the user has for one
 * registry, where docker and podman look: certs.d/HOST[:PORT]/, *.crt being
 * authorities, NAME.cert and NAME.key what we show.
 */
#ifndef CLIENT_REGISTRY_CERTSD_H
#define CLIENT_REGISTRY_CERTSD_H

#include "client/registry/http.h"

/* The first folder that is there counts; none is no error. */
gpg_error_t certsd_find(const char *host, struct http_trust *,
    struct problem *);

/* The same of a Notary server: first where docker keeps those, ~/.docker/tls. */
gpg_error_t certsd_find_notary(const char *host, struct http_trust *,
    struct problem *);
void certsd_free(struct http_trust *);

#endif
