/*
 * Signatures that a key did make and that do not count all the same: by the
 * padding that the format does not allow, or with SHA-1.
 */
#ifndef CLIENT_IMAGE_REFUSED_H
#define CLIENT_IMAGE_REFUSED_H

#include "format/rawsig.h"

/* Words for people; NULL if it is none of these. */
const char *refused_why(const struct pubkey *, enum rawsig_form,
    const struct view *parts, size_t count, struct view signature);

#endif
