/* What every `touchstone trust …` begins with: names, options, trust data. */
#ifndef CLIENT_TRUST_SESSION_H
#define CLIENT_TRUST_SESSION_H

#include "client/cmd.h"
#include "client/trust/resolve.h"

struct session {
	struct call *call;
	struct gun gun;
	struct pin pin;
	struct http_options http;
	struct trust trust;
};

/*
 * Reads the arguments; `root` is a pin's text, or NULL.  call->why.  End with
 * session_end() in any case.
 */
gpg_error_t session_begin(struct session *, struct call *, const char *ref,
    const char *root);
void session_end(struct session *);

/*
 * Gets trust data, anew if there is some; call->why.  On stderr it is told
 * which root key is trusted from now on, when that is new.
 */
gpg_error_t session_update(struct session *);

/*
 * What trust data says of the tag that was named, or which tag is the digest
 * that was: GPG_ERR_NO_DATA if it says nothing.  call->why.
 */
gpg_error_t session_answer(struct session *, struct answer *);

/* The image has these bytes: GPG_ERR_BAD_SIGNATURE if not. */
gpg_error_t session_compare(struct session *, const struct answer *,
    const char *digest, uint64_t size);

/* Takes the words of the trust data's last error. */
gpg_error_t session_fail(struct session *, gpg_error_t);

#endif
