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

/* Reads the arguments; call->why.  End with session_end() in any case. */
gpg_error_t session_begin(struct session *, struct call *, const char *ref);
void session_end(struct session *);

/*
 * Gets trust data, anew if there is some; call->why.  On stderr it is told
 * which root key is trusted from now on, when that is new.
 */
gpg_error_t session_update(struct session *);

/* Takes the words of the trust data's last error. */
gpg_error_t session_fail(struct session *, gpg_error_t);

#endif
