/* What verified trust data says of a tag, and who says it. */
#ifndef CLIENT_TRUST_RESOLVE_H
#define CLIENT_TRUST_RESOLVE_H

#include "client/trust/update.h"

struct answer {
	char tag[TUF_TARGET_MAX + 1];
	char digest[DIGEST_SIZE];
	uint64_t size;			/* bytes of the manifest */
	const struct trust_role *role;	/* that counts */
};

/*
 * Docker's order: targets/releases, then targets.  GPG_ERR_NOT_FOUND.  Where
 * targets/releases is there and does not count, nothing is answered: what it
 * took back may still be in targets.
 */
gpg_error_t trust_resolve(struct trust *, const char *tag, struct answer *);

/*
 * Tells of every tag, each once, as trust_resolve() has it; an error ends it,
 * and is returned.
 */
typedef gpg_error_t trust_told(void *arg, const struct answer *);
gpg_error_t trust_each(struct trust *, trust_told *, void *arg);

/* The first tag with that digest, in the same order. */
gpg_error_t trust_resolve_digest(struct trust *, const char *digest,
    struct answer *);

/* What one role says of a tag; false: nothing, or it does not count. */
bool trust_says(const struct trust *, const struct trust_role *,
    const char *tag, struct answer *);

#endif
