/* Hosts with key pairs, and connections that are bound to them, for tests. */
#ifndef TESTS_BOUND_H
#define TESTS_BOUND_H

#include "agent/bind.h"
#include "../tools/softssh.h"

struct host {
	EVP_PKEY *evp;
	struct pubkey *pub;
	struct buf cert;	/* empty: it has none */
};

void host_make(struct host *);
void host_certify(struct host *, const struct host *authority,
    const char *principal, uint64_t before);
void host_free(struct host *);

/* Its certificate if it has one, else its key. */
struct view host_blob(const struct host *);

/* "session N", long enough. */
struct view session_id(char room[32], int n);

/* Binds the connection to the host's n-th session. */
gpg_error_t bind_to(struct bindings *, const struct host *, int n,
    bool forwarded);

#endif
