/*
 * An image that a subcommand is about: found in a registry, a layout or an
 * archive, and named by the digest of the bytes that came.
 */
#ifndef CLIENT_IMAGE_IMAGE_H
#define CLIENT_IMAGE_IMAGE_H

#include "client/cmd.h"
#include "client/registry/referrers.h"

#define SIGSTORE_LAYER "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIGSTORE_NOTE "dev.cosignproject.cosign/signature"
#define SIGSTORE_PREDICATE "https://sigstore.dev/cosign/sign/v1"
#define NOTARY_ARTIFACT "application/vnd.cncf.notary.signature"
#define NOTARY_JWS_LAYER "application/jose+json"
#define NOTARY_COSE_LAYER "application/cose"

struct image {
	struct call *call;
	struct http_options http;
	struct store *store;
	struct problem why;
	struct manifest manifest;
	struct descriptor d;	/* of the manifest */
	struct reference name;	/* what people call it; no registry: not told */
};

/*
 * Opens the place and gets the image's manifest; --as tells the name of what
 * is in no registry.  call->why has the words of an error.  Close with
 * image_close(), also after an error.
 */
gpg_error_t image_open(struct image *, struct call *, const char *place);
void image_close(struct image *);

/* Takes the words that the store has for its last error. */
gpg_error_t image_fail(struct image *, gpg_error_t);

/* GPG_ERR_CONFLICT if the name stands for another image by now. */
gpg_error_t image_check_place(struct image *);

/* "HOST/NAME", with ":TAG" where there is one; "" where it has no name. */
void image_name(const struct image *, bool tag, char dst[768]);

/* What registries are asked with, by the options of the call. */
void image_options(struct call *, struct http_options *);

#endif
