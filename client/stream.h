/* Reading and writing the standard streams of a program of ours, whole. */
#ifndef CLIENT_STREAM_H
#define CLIENT_STREAM_H

#include "wire/buf.h"

/*
 * Whatever this process opens must not become its stdin, stdout or stderr,
 * where a caller closed them.
 */
bool stream_keep_standard(void);

/* Reads to the end; GPG_ERR_TOO_LARGE once the buffer's bound is reached. */
gpg_error_t stream_read(int fd, struct buf *);

gpg_error_t stream_write(int fd, struct view);

#endif
