/*
 * What refers to an image: by the referrers of a registry or, where it has
 * none, the index at the fall-back tag; and the layers of a tag, which is
 * where cosign's older signatures are.
 */
#ifndef CLIENT_REGISTRY_REFERRERS_H
#define CLIENT_REGISTRY_REFERRERS_H

#include "client/registry/store.h"

#define ATTACHED_MAX (32U << 20)	/* one blob of what refers */

/*
 * All, or those of one artifact type; their number is bounded
 * (GPG_ERR_TOO_MANY).  Types are what the store says: what is got by a
 * descriptor is checked.
 */
gpg_error_t referrers_list(struct store *, const char *digest,
    const char *type, struct descriptors *);

struct attachment {
	const char *artifact_type;
	const char *config_type;	/* NULL: the empty one; its bytes are
					   "{}" in any case */
	const char *layer_type;
	struct view layer;
	json_t *annotations;	/* an object, or NULL; not consumed */
};

/*
 * Writes a manifest with one layer that refers to the subject, so that it is
 * found, and nothing that another wrote meanwhile is lost, once
 * append_settle() has looked again.  *made (may be NULL) is its descriptor.
 */
gpg_error_t referrers_attach(struct store *, const struct descriptor *subject,
    const struct attachment *, struct descriptor *made);

/* "sha256-<hex>" and a suffix as ".sig"; dst has 80 bytes. */
void referrers_tag(const char *digest, const char *suffix, char dst[80]);

/*
 * Appends a layer to the image at the tag, which it makes if there is none.
 * The same layer with the same annotations is there once.  append_settle() is
 * for this too.
 */
gpg_error_t layers_append(struct store *, const char *tag, const char *type,
    struct view layer, json_t *annotations);

/*
 * Copies what refers to the image, and its ".sig", where it is missing:
 * signatures that were made before the image was pushed.  *count of them.
 */
gpg_error_t referrers_copy(struct store *from, struct store *to,
    const char *digest, size_t *count);

#endif
