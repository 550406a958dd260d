/*
 * Which trust data is meant: the globally unique name of a repository (GUN),
 * as docker makes it of an image's name, and the Notary server that has it.
 */
#ifndef CLIENT_TRUST_GUN_H
#define CLIENT_TRUST_GUN_H

#include "client/registry/reference.h"

#define GUN_SIZE 256		/* what an agent takes, and a NUL */

struct gun {
	char name[GUN_SIZE];	/* "HOST/REPOSITORY" */
	char server[600];	/* "https://HOST[:PORT][/PATH]" */
	char host[300];		/* of the server, with the port if it is told */
	struct reference image;
	bool whole;		/* neither tag nor digest was given */
};

/*
 * Of an image's name or a GUN, which look the same.  The server is `server`,
 * or else $DOCKER_CONTENT_TRUST_SERVER, or Docker's for its own images and
 * the registry's host for others.  GPG_ERR_INV_NAME, GPG_ERR_INV_ARG.
 */
gpg_error_t gun_find(struct gun *, const char *text, const char *server,
    struct problem *);

#endif
