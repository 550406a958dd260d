/* The root of trust data, from the one that is known to the newest. */
#ifndef CLIENT_TRUST_ROOT_H
#define CLIENT_TRUST_ROOT_H

#include "client/trust/update.h"

/* Sets t->root and t->first; t->why. */
gpg_error_t root_update(struct trust *, const struct pin *);

#endif
