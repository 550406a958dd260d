/*
 * Content trust for the commands of images: whether it is asked for, per call
 * or per shell, and what trust data says.
 */
#ifndef CLIENT_IMAGE_CONTENT_H
#define CLIENT_IMAGE_CONTENT_H

#include "client/trust/session.h"

/*
 * --content-trust or --no-content-trust, the last counting; else
 * $TOUCHSTONE_CONTENT_TRUST, which is on unless it is empty or "0".
 */
bool content_wanted(const struct call *);

struct content {
	struct session session;
	struct answer answer;
	bool answered;
};

/* Gets trust data and its answer; call->why.  content_end() in any case. */
gpg_error_t content_begin(struct content *, struct call *, const char *ref);
void content_end(struct content *);

#endif
