/*
 * What SSH programs make of a key pair in memory: private keys as they send
 * them to an agent, signatures, certificates.  For tests.
 */
#ifndef TESTS_SOFTSSH_H
#define TESTS_SOFTSSH_H

#include "softkey.h"

/* The private key (RFC 9987, 3.2), with its certificate or an empty view. */
void softssh_put_private(struct buf *, EVP_PKEY *, struct view certificate,
    const char *comment);

/* A signature's blob; the flags are for RSA. */
void softssh_put_signature(struct buf *, EVP_PKEY *, struct view data,
    uint32_t flags);

struct softssh_cert {
	uint32_t type;		/* 1: a user's, 2: a host's */
	const char *id;
	const char *principals[3];
	uint64_t after, before;
	struct view options;
};

/* A certificate that the authority signs. */
void softssh_put_cert(struct buf *, EVP_PKEY *key, EVP_PKEY *authority,
    const struct softssh_cert *);

#endif
