/*
 * The certificates beside a key: NAME.chain.pem in the folder of the records,
 * the key's own first and the root last (touchstone keys certify, import-chain).
 */
#ifndef CLIENT_CHAINFILE_H
#define CLIENT_CHAINFILE_H

#include "local/paths.h"

#define CHAINFILE_MAX (64 * 1024)	/* of the file, bytes */
#define CHAINFILE_CERTS 16

struct chainfile {
	struct buf der;		/* one behind the other */
	size_t ends[CHAINFILE_CERTS];
	size_t count;
};

/* Its path; NULL when out of memory.  Free with free(). */
char *chainfile_path(const struct paths *, const char *name);

/*
 * Reads the file of a key: certificates in PEM, text between them left out.
 * That they make a chain was checked when they were written.  GPG_ERR_ENOENT
 * if there is none, GPG_ERR_BAD_DATA.  Free with chainfile_free() in any
 * case.
 */
gpg_error_t chainfile_read(const struct paths *, const char *name,
    struct chainfile *);
void chainfile_free(struct chainfile *);

/* The i-th certificate, DER. */
struct view chainfile_get(const struct chainfile *, size_t i);

#endif
