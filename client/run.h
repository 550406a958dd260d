/* Running a program of the user's: git, gpg. */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include "wire/buf.h"

/*
 * Runs argv[0] (found on PATH if it has no slash) with `input` (at most 4096
 * bytes) as stdin; its stdout goes to *output, bounded by the buffer, or
 * nowhere if that is NULL.  *status is its exit status, 128 and more for a
 * signal.  The error is one of running it.
 */
gpg_error_t run_program(const char *const *argv, struct view input,
    struct buf *output, int *status);

#endif
