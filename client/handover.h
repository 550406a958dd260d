/*
 * Handing a command line to the real gpg: unchanged, by an absolute path.
 */
#ifndef CLIENT_HANDOVER_H
#define CLIENT_HANDOVER_H

#include "wire/buf.h"

/*
 * The real gpg: $TOUCHSTONE_GPG if it is set, else what configure was told.
 * NULL if $TOUCHSTONE_GPG is not an absolute path.
 */
const char *handover_gpg(void);

/*
 * Becomes the real gpg.  Returns only if that failed, having said why: not
 * found, or it is this very program.
 */
void handover(char *const *argv);

/* The same, with `input` for its stdin. */
void handover_with(char *const *argv, struct view input);

#endif
