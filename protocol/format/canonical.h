/*
 * Canonical JSON as Docker's Notary signs it: an object's members in the order
 * of their names' bytes, no blanks, in texts only '"' and '\' escaped, whole
 * numbers alone.
 */
#ifndef FORMAT_CANONICAL_H
#define FORMAT_CANONICAL_H

#include <jansson.h>

#include "wire/buf.h"

/*
 * Puts the value.  GPG_ERR_BAD_DATA for what has no canonical form that all
 * readers agree on: fractions, numbers beyond 2^53, control characters.
 */
gpg_error_t canonical_put(struct buf *, const json_t *);

/* Whether the bytes are the canonical form of what they were read as. */
bool canonical_is(struct view bytes, const json_t *);

#endif
