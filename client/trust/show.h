/* Trust data as it is shown, to people and in JSON. */
#ifndef CLIENT_TRUST_SHOW_H
#define CLIENT_TRUST_SHOW_H

#include "client/trust/session.h"

/* "alice" of "targets/alice": those who say the same of the tag. */
json_t *show_signers(const struct trust *, const struct answer *);

/* All that is said of a tag, and a line of it on stdout. */
json_t *show_answer(const struct trust *, const struct answer *);
void show_line(const struct trust *, const struct answer *);

/* Ids of the keys whose signatures of a role count. */
json_t *show_keys(const struct trust_role *);

/* "2029-11-22T09:08:07Z" */
json_t *show_time(int64_t);

#endif
