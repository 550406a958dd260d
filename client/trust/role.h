/*
 * One file of trust data: its bytes, what they say, and each check of them,
 * with a name and words for what is wrong.
 */
#ifndef CLIENT_TRUST_ROLE_H
#define CLIENT_TRUST_ROLE_H

#include "client/trust/state.h"
#include "format/tufsig.h"

struct trust_role {
	char name[TUF_NAME_MAX + 1];	/* "targets/releases" */
	size_t parent;			/* of a delegation: who delegates */
	bool there;			/* there is a file of it */
	struct buf bytes;
	struct tuf_envelope env;
	char sha256[65];		/* hex, of the bytes */
	struct tufsig_verdict signed_by;
	gpg_error_t err;		/* of a delegation that does not
					   count, and why, clean */
	char why[sizeof(((struct problem *)0)->text)];
};

void role_init(struct trust_role *, const char *name);
void role_free(struct trust_role *);

/* Parses its bytes, and hashes them. */
gpg_error_t role_read(struct trust_role *, struct problem *);

/*
 * Length and hash are those of the list (snapshot's, or timestamp's).
 * GPG_ERR_CHECKSUM, GPG_ERR_INV_LENGTH.
 */
gpg_error_t role_check_listed(const struct trust_role *,
    const struct tuf_file *, struct problem *);

/* Signed as `by` asks; GPG_ERR_BAD_SIGNATURE. */
gpg_error_t role_check_signed(struct trust_role *, const struct tuf_role *by,
    struct problem *);

/* GPG_ERR_SIG_EXPIRED: it is old, or kept back by a server. */
gpg_error_t role_check_time(const struct trust_role *, int64_t now,
    struct problem *);

/*
 * Not older than what was seen, nor the same version with other bytes, unless
 * a key that signed what was seen may no more: it may have been stolen, and
 * the version made up.  That another has gone changes nothing.
 * GPG_ERR_CONFLICT.
 */
gpg_error_t role_check_mark(const struct trust_role *, const struct state *,
    const struct tuf_role *by, struct problem *);

/* The same of one that no list has: none may have been there before. */
gpg_error_t role_check_missing(const struct trust_role *,
    const struct state *, const struct tuf_role *by, struct problem *);

/* Remembers it, and who signed it. */
gpg_error_t role_keep_mark(const struct trust_role *, struct state *);

/* Seconds since 1970 as "2029-11-22". */
void role_day(int64_t when, char out[16]);

#endif
