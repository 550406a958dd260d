/* The roots that attestations of tokens are verified with. */
#ifndef CLIENT_ROOTS_H
#define CLIENT_ROOTS_H

#include "client/cmd.h"
#include "format/attest.h"

/*
 * From the file that --root names, else from all of *.pem in
 * XDG_DATA_HOME/touchstone/roots and in DATADIR/touchstone/roots.  There is
 * a root among them, or it fails and call->why tells where to put one.  Free
 * with attest_certs_free().
 */
gpg_error_t roots_load(struct call *, struct attest_certs **);

/* Reads a file of certificates in PEM; call->why. */
gpg_error_t roots_read(struct call *, const char *file,
    struct attest_certs **);

#endif
