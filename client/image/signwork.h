/*
 * Signing images in the formats that a command asks for: all signatures of a
 * manifest are made before the first is written, and none is written if its
 * name stands for another by then.
 */
#ifndef CLIENT_IMAGE_SIGNWORK_H
#define CLIENT_IMAGE_SIGNWORK_H

#include "client/image/request.h"

struct signwork {
	struct call *call;
	struct signature_request request;
	bool wanted[FORMS];
	bool needed[FORMS];	/* of them, of the manifest at work */
	bool missing;		/* but what the key has signed already */
	bool dry;		/* only tells what would be made */
	bool stop;		/* the agent failed so that it would again */
	struct image *image;	/* at work; borrowed */
	struct store *to;	/* NULL: where the image is */
	struct buf results[FORMS], texts[FORMS];
	char places[FORMS][1536];	/* where it was written; "" */
	json_t *done;		/* what has been written, for --json */
};

/*
 * Takes the call's formats, --to, and the key, as request_begin(); call->why.
 * End with signwork_end() in any case.
 */
gpg_error_t signwork_begin(struct signwork *, struct call *);
void signwork_end(struct signwork *);

/* Whether an image has a name that can be signed in these formats. */
gpg_error_t signwork_check(const struct signwork *, const struct image *);

/*
 * Signs the image and, with --recursive, those of an index.  What was written
 * is in s->done and on stdout, also after an error; call->why.
 */
gpg_error_t signwork_add(struct signwork *, struct image *);

#endif
