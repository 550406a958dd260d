/*
 * How `touchstone trust …` is called: for touchstone, which tells of it, and
 * for touchstone-trust, which does it.
 */
#ifndef CLIENT_TRUST_ROWS_H
#define CLIENT_TRUST_ROWS_H

#include "client/cmd.h"

/* Their `run` is NULL: another program carries them out. */
extern const struct command cmd_trust_sign;
extern const struct command cmd_trust_inspect;
extern const struct command cmd_trust_verify;
extern const struct command cmd_trust_revoke;
extern const struct command cmd_trust_init;
extern const struct command cmd_trust_signer;
extern const struct command cmd_trust_rotate;
extern const struct command cmd_trust_witness;
extern const struct command cmd_trust_migrate;

/* Each carried out; in touchstone-trust alone. */
int trust_sign(struct call *);
int trust_inspect(struct call *);
int trust_verify(struct call *);
int trust_revoke(struct call *);
int trust_init(struct call *);
int trust_signers(struct call *);
int trust_rotate(struct call *);
int trust_witness(struct call *);
int trust_migrate(struct call *);

#endif
