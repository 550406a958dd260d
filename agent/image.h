/*
 * What a client wants said of a container image, beside its manifest; and
 * what was made of that.
 */
#ifndef AGENT_IMAGE_H
#define AGENT_IMAGE_H

#include "format/attest.h"
#include "format/imagesig.h"
#include "format/notaryenv.h"
#include "wire/msg.h"

struct image {
	char *reference;	/* "HOST/NAME:TAG" */
	char *repository;	/* without the tag */
	struct attest_certs *chain;	/* NULL: none was sent */
	char *names[IMAGESIG_NOTES_MAX], *values[IMAGESIG_NOTES_MAX];
	size_t note_count;
	struct buf payload;	/* that is signed, but for the Notary's */
	size_t head;		/* bytes of it before the statement */
	struct notaryenv *notary;
};

/*
 * From the request; *why (a constant) for people.  Free with image_free(),
 * which sets the pointer to NULL.
 */
gpg_error_t image_new(struct image **, const struct msg_sign_image *,
    const char **why);
void image_free(struct image **);

#endif
