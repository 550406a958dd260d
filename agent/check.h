/*
 * Signatures are checked by threads of their own: that takes longer than all
 * else that the loop does for one, and than some keys take to make it.
 */
#ifndef AGENT_CHECK_H
#define AGENT_CHECK_H

#include <event2/event.h>

#include "format/pubkey.h"

struct checks;

/* Called in the loop's thread; the signature is that which was given. */
typedef void check_done(void *arg, gpg_error_t err, struct view signature);

/* The threads are started when there is something to check. */
gpg_error_t checks_new(struct checks **, struct event_base *);

/* What is being checked comes to its end, and its callbacks from here. */
void checks_end(struct checks **);

/*
 * Checks a signature (signing_check()), which is copied; what was to be signed
 * and the key must stay as they are until `done` was called, once: before this
 * returns for RSA, which takes less than the way to a thread and back.
 * GPG_ERR_TOO_LARGE for what is no signature; it is not called after an error.
 */
gpg_error_t check_start(struct checks *, const struct signing *,
    const struct pubkey *, struct view signature, check_done *, void *arg);

#endif
