/* All signatures of an image, wherever they are, one after the other. */
#ifndef CLIENT_IMAGE_FIND_H
#define CLIENT_IMAGE_FIND_H

#include "client/image/judge.h"

/* So many are looked at; anybody who may push can add to them. */
#define FIND_MAX 512

/* Told of each; an error ends the search. */
typedef gpg_error_t find_each(void *arg, const struct found *);

/*
 * Of the forms that are wanted when their turn comes; NULL: of all.
 * call->why.  *more: there are others that were not looked at.  What cannot
 * be fetched is told of, in f->bytes empty and f->place, and hides no other.
 */
gpg_error_t find_all(struct image *, const bool wanted[FORMS], find_each *,
    void *arg, bool *more);

#endif
