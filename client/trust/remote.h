/*
 * A Notary server: the files and keys that it has of one repository.  What
 * comes is bounded and otherwise believed in nothing.
 */
#ifndef CLIENT_TRUST_REMOTE_H
#define CLIENT_TRUST_REMOTE_H

#include "client/registry/http.h"
#include "client/trust/gun.h"

struct remote;

/* The GUN is copied; *why gets the words of every error. */
gpg_error_t remote_open(struct remote **, const struct gun *,
    const struct http_options *, struct problem *why);
void remote_close(struct remote **);

/*
 * Gets NAME.json ("timestamp", "2.root", "targets/releases.<SHA-256>") behind
 * what the buffer has, at most max bytes.  GPG_ERR_NOT_FOUND;
 * GPG_ERR_TOO_LARGE where the server sends without end.
 */
gpg_error_t remote_get(struct remote *, const char *name, size_t max,
    struct buf *);

struct remote_file {
	const char *role;
	struct view bytes;
};

/*
 * Posts all or nothing.  GPG_ERR_CONFLICT where the server has a newer file
 * of one of them.
 */
gpg_error_t remote_post(struct remote *, const struct remote_file *,
    size_t count);

/*
 * The public key that the server holds for "snapshot" or "timestamp", as it
 * tells it; `rotate` has it make a new one.
 */
gpg_error_t remote_key(struct remote *, const char *role, bool rotate,
    struct buf *);

#endif
