/*
 * How `touchstone image …` is called: for touchstone, which tells of it, and
 * for touchstone-image, which does it.
 */
#ifndef CLIENT_IMAGE_ROWS_H
#define CLIENT_IMAGE_ROWS_H

#include "client/cmd.h"

/* Their `run` is NULL: another program carries them out. */
extern const struct command cmd_image_sign;
extern const struct command cmd_image_verify;
extern const struct command cmd_image_resolve;
extern const struct command cmd_image_copy;

/* Each carried out; in touchstone-image alone. */
int image_sign(struct call *);
int image_verify(struct call *);
int image_resolve(struct call *);
int image_copy(struct call *);

#endif
