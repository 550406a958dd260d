/*
 * Certificates of root keys, in the names of repositories: Notary's clients
 * look at the name and take a root without it for another repository's.
 */
#ifndef CLIENT_TRUST_ROOTCERT_H
#define CLIENT_TRUST_ROOTCERT_H

#include "client/cmd.h"
#include "format/attest.h"

/*
 * Has the agent make one of the key with that id; call->why.  Free with
 * attest_certs_free().
 */
gpg_error_t rootcert_make(struct call *, const char *hex, const char *gun,
    struct attest_certs **);

/*
 * Keeps that of a root that was posted, in a file to give to those who
 * verify; *file, for free(), is its name.
 */
gpg_error_t rootcert_keep(struct call *, const char *gun,
    const struct attest_certs *, char **file);

#endif
