/*
 * Where simple signatures are: in a folder or at a web server beside the
 * registry, as containers-registries.d(5) tells.
 */
#ifndef CLIENT_IMAGE_LOOKASIDE_H
#define CLIENT_IMAGE_LOOKASIDE_H

#include "client/image/image.h"

#define LOOKASIDE_FILE_MAX (256 * 1024)	/* of a configuration, bytes */

struct lookaside {
	char read[1024];	/* URL or folder; "": there is none */
	char write[1024];
};

/*
 * By --lookaside, or registries.d of the user or the system, or else the
 * user's own folder.  call->why.
 */
gpg_error_t lookaside_find(const struct image *, struct lookaside *);

/*
 * The N-th signature of the image, from 1; GPG_ERR_NOT_FOUND where there is
 * none.
 */
gpg_error_t lookaside_get(struct image *, const struct lookaside *,
    unsigned n, struct buf *, char *place, size_t size);

/* Adds one behind those that are there; `place` gets its file. */
gpg_error_t lookaside_put(struct image *, const struct lookaside *,
    struct view, char *place, size_t size);

/* Reads one file of registries.d, for the name of an image. */
struct lookaside_scope {
	const char *name;	/* "HOST/NAME:TAG" */
	size_t best;		/* how much of it the best scope has, + 1 */
	struct lookaside found;
};
gpg_error_t registriesd_read(struct view, struct lookaside_scope *,
    const char **why);

#endif
