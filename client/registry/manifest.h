/*
 * Manifests, indexes and descriptors as registries hold them: bytes, whose
 * digest is their name.  What an image is, is the agent's to say; here is only
 * what finding and adding signatures needs.
 */
#ifndef CLIENT_REGISTRY_MANIFEST_H
#define CLIENT_REGISTRY_MANIFEST_H

#include <jansson.h>

#include "client/registry/reference.h"

#define MANIFEST_MAX (4U << 20)
#define MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_DOCKER "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST \
    "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_EMPTY "application/vnd.oci.empty.v1+json"

struct descriptor {
	char media_type[256];
	char digest[DIGEST_SIZE];
	uint64_t size;
	char artifact_type[256];	/* or "" */
};

/* Several; at most so many signatures are looked at on one image. */
#define DESCRIPTORS_MAX 4096
struct descriptors {
	struct descriptor *list;
	size_t count;
};
gpg_error_t descriptors_add(struct descriptors *, const struct descriptor *);
void descriptors_free(struct descriptors *);

/* GPG_ERR_BAD_DATA unless it has a media type, a SHA-256 digest and a size. */
gpg_error_t descriptor_read(json_t *, struct descriptor *);
json_t *descriptor_make(const struct descriptor *);	/* a new reference */

struct manifest {
	char media_type[256];
	char digest[DIGEST_SIZE];	/* of the bytes */
	char etag[256];			/* as it was got; or "" */
	struct buf bytes;
	json_t *json;
};

void manifest_init(struct manifest *);
void manifest_free(struct manifest *);

/*
 * Takes the bytes: hashes and parses them.  `type` is what the other side
 * calls them, or ""; it must agree with what they say of themselves.
 */
gpg_error_t manifest_take(struct manifest *, struct view, const char *type,
    struct problem *);

/* The same of JSON of our own, which is consumed (NULL: out of memory). */
gpg_error_t manifest_make(struct manifest *, json_t *, struct problem *);

void manifest_descriptor(const struct manifest *, struct descriptor *);

bool manifest_is_index(const struct manifest *);

/* Its "manifests" or "layers", and whether one of them has that digest. */
json_t *manifest_list(const struct manifest *, const char *name);
bool manifest_has(const struct manifest *, const char *name,
    const char *digest);

#endif
