/* Which signatures of an image a key has made already. */
#ifndef CLIENT_IMAGE_SIGNED_H
#define CLIENT_IMAGE_SIGNED_H

#include "client/image/judge.h"
#include "client/key.h"

/*
 * Takes those forms out of `needed` in which the key has signed the image by
 * that descriptor, an index's image perhaps, and where a form signs names,
 * under the image's.  call->why.
 */
gpg_error_t signed_leave_out(struct image *, const struct descriptor *,
    struct key_info *, bool needed[FORMS]);

#endif
