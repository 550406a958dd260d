/*
 * The next version of targets or of a delegation: what is in it, and nobody
 * here knows, stays.
 */
#ifndef CLIENT_TRUST_EDIT_H
#define CLIENT_TRUST_EDIT_H

#include "client/trust/resolve.h"

#define EDIT_YEARS 3		/* until it expires, as Notary has it */
#define EDIT_ROOT_YEARS 10

/* A copy of what the role says now, or of an empty role; NULL: no memory. */
json_t *edit_begin(const struct trust_role *);

/* *changed: it was not there, or not so. */
gpg_error_t edit_add(json_t *, const char *tag, const char *digest,
    uint64_t size, bool *changed);
gpg_error_t edit_remove(json_t *, const char *tag, bool *changed);

/*
 * Gives it the next version and its expiry and puts it, canonical, if it is a
 * role of that name that can be read.
 */
gpg_error_t edit_finish(json_t *, const struct trust_role *, int64_t now,
    struct buf *, struct problem *);

/* What the role says now, canonical; nothing if it is new. */
gpg_error_t edit_before(const struct trust_role *, struct buf *);

#endif
