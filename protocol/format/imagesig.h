/*
 * What signs a container image, made from parameters: simple signing's
 * payload, cosign's statement, the Notary Project's payload.  Each is read
 * back by object.h before anybody signs it.
 */
#ifndef FORMAT_IMAGESIG_H
#define FORMAT_IMAGESIG_H

#include "wire/buf.h"

#define IMAGESIG_NOTES_MAX 64

/* An annotation; clean texts. */
struct imagesig_note {
	const char *name, *value;
};

/* The image, as its manifest is: registries say the same of it. */
struct imagesig {
	const char *reference;	/* "HOST/NAME:TAG"; cosign: without the tag */
	const char *digest;
	const char *media_type;	/* of the manifest */
	uint64_t size;		/* of the manifest, bytes */
	const struct imagesig_note *notes;
	size_t note_count;
};

/*
 * Each puts JSON.  GPG_ERR_INV_VALUE if a text is not clean, is missing, or
 * is no digest or reference; GPG_ERR_DUP_VALUE if two notes have one name.
 */

/* containers-signature(5); notes are not in it.  `now` since 1970. */
gpg_error_t imagesig_put_gpg(struct buf *, const struct imagesig *,
    const char *creator, uint64_t now);

/* cosign's ".sig"; notes are its annotations. */
gpg_error_t imagesig_put_cosign(struct buf *, const struct imagesig *);

/* https://sigstore.dev/cosign/sign/v1; notes are the subject's. */
gpg_error_t imagesig_put_statement(struct buf *, const struct imagesig *);

/* The Notary Project's; notes are the descriptor's. */
gpg_error_t imagesig_put_notary(struct buf *, const struct imagesig *);

#endif
