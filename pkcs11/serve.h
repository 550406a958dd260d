/*
 * The token process as its agent sees it: requests come as datagrams, workers
 * take them from the one socket (the kernel hands each datagram to one of
 * them), call the backend and answer.
 */
#ifndef PKCS11_SERVE_H
#define PKCS11_SERVE_H

#include "token.h"

struct server;

/*
 * Starts to serve; the socket stays the caller's.  When the other side closes
 * or breaks the protocol, the process gets a SIGTERM from itself, so that
 * whoever waits for that signal is the one place where the process ends.
 */
gpg_error_t server_start(struct server **, int fd, const struct token_ops *);

/* Wipes every PIN at once; may be called at any time. */
void server_wipe(struct server *);

/*
 * Waits for all workers and closes the backend.  Shut the socket down first.
 * GPG_ERR_BAD_DATA where the other side broke the protocol, or the error that
 * open failed with.
 */
gpg_error_t server_finish(struct server **);

#endif
