/*
 * Where an image and its signatures are: a registry, an OCI layout (a folder),
 * or an archive.  Each is a small table of operations; what can be said in
 * terms of them is in referrers.h.
 */
#ifndef CLIENT_REGISTRY_STORE_H
#define CLIENT_REGISTRY_STORE_H

#include "client/registry/http.h"
#include "client/registry/manifest.h"

struct store;

struct store_ops {
	gpg_error_t (*get)(struct store *, const char *which,
	    struct manifest *);
	gpg_error_t (*put)(struct store *, const char *which,
	    const struct manifest *, const char *condition, bool *indexed);
	gpg_error_t (*get_blob)(struct store *, const struct descriptor *,
	    struct buf *);
	gpg_error_t (*put_blob)(struct store *, const char *digest,
	    struct view);
	gpg_error_t (*referrers)(struct store *, const char *digest,
	    struct descriptors *);
	void (*close)(struct store *);
};

/* What every kind begins with. */
struct store {
	const struct store_ops *ops;
	struct problem why;	/* of the last error */
	struct reference image;	/* of a registry; else its tag only, or "" */
	struct append *pending;	/* append.h */
	int64_t slowest_ms;	/* that a manifest took to be written */
	bool busy;		/* others write there at the same time */
};

/*
 * "HOST/NAME:TAG" and so on; "oci:FOLDER[:TAG]"; "oci-archive:FILE[:TAG]";
 * "docker-archive:FILE[:TAG]".  *why has the words of an error here.
 */
gpg_error_t store_open(struct store **, const char *place,
    const struct http_options *, struct problem *why);
void store_close(struct store **);

/*
 * The manifest of a tag or digest; NULL is the image that the store was opened
 * for.  Its bytes have the digest that was asked for and that the other side
 * names.  GPG_ERR_NOT_FOUND.
 */
gpg_error_t store_get(struct store *, const char *which, struct manifest *);

/* The same by a descriptor, whose size and type must be true. */
gpg_error_t store_get_described(struct store *, const struct descriptor *,
    struct manifest *);

/*
 * Puts it at a tag or its digest.  With a condition, only where the one that
 * has this entity tag still is, or with "*" none is; GPG_ERR_CONFLICT.  Not
 * all registries keep that promise.  *indexed (may be NULL): what it refers to
 * now has it among its referrers.
 */
gpg_error_t store_put(struct store *, const char *which,
    const struct manifest *, const char *condition, bool *indexed);

/* Bounded by the buffer; size and digest must be true. */
gpg_error_t store_get_blob(struct store *, const struct descriptor *,
    struct buf *);
gpg_error_t store_put_blob(struct store *, struct view,
    char digest[DIGEST_SIZE]);

/* Of one file, streamed; for a registry only. */
gpg_error_t registry_put_file(struct store *, int fd, const char *digest,
    uint64_t len);

/* Each kind's own opening. */
gpg_error_t registry_open(struct store **, const struct reference *,
    const struct http_options *, struct problem *);
gpg_error_t layout_open(struct store **, const char *folder, const char *tag,
    struct problem *);
gpg_error_t archive_open(struct store **, const char *file, const char *tag,
    struct problem *);

/* Checks of what a store gives; words in why. */
gpg_error_t store_check_blob(const struct descriptor *, struct view,
    struct problem *);

#endif
