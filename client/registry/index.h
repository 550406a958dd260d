/* index.json of OCI layouts: descriptors, some with a name. */
#ifndef CLIENT_REGISTRY_INDEX_H
#define CLIENT_REGISTRY_INDEX_H

#include "client/registry/manifest.h"

/* A new reference; words in why. */
gpg_error_t index_parse(struct view, json_t **, struct problem *);

/*
 * By tag or digest; a digest that is not listed is found all the same, with no
 * type.  "" is the only image: what has no name, or a name that is not one of
 * signatures.  GPG_ERR_NOT_FOUND.
 */
gpg_error_t index_find(json_t *, const char *which, struct descriptor *,
    struct problem *);

/* Gives it that name, which another loses; "" adds it without. */
gpg_error_t index_set(json_t *, const char *tag, const struct descriptor *);

gpg_error_t index_all(json_t *, struct descriptors *, struct problem *);

#endif
