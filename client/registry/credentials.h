/*
 * The user's name and password for a registry, as docker and podman keep
 * them: in auth.json or config.json, or with a credential helper.
 */
#ifndef CLIENT_REGISTRY_CREDENTIALS_H
#define CLIENT_REGISTRY_CREDENTIALS_H

#include "client/registry/reference.h"

struct credentials {
	char *user;		/* NULL: none are known */
	char *secret;
	bool is_token;		/* the secret is an identity token */
	char source[512];	/* a file, or a helper's name, for people */
};

/*
 * Looks in $REGISTRY_AUTH_FILE, or else in podman's auth.json and docker's
 * config.json; the most exact entry of the first file that has one counts.
 * None is no error: user is NULL.  A file that cannot be read or is no JSON
 * is one, and so is a helper that fails.
 */
gpg_error_t credentials_find(const struct reference *, struct credentials *,
    struct problem *);

/* Wipes. */
void credentials_free(struct credentials *);

#endif
