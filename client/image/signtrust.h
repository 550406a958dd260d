/* The tag of an image that is signed goes into trust data as well. */
#ifndef CLIENT_IMAGE_SIGNTRUST_H
#define CLIENT_IMAGE_SIGNTRUST_H

#include "client/image/image.h"
#include "client/key.h"

/*
 * As `touchstone trust sign` does; each role that was posted is added to
 * `done`.  call->why.
 */
gpg_error_t signtrust(struct image *, struct key_info *, json_t *done);

#endif
