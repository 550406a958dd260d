/*
 * A repository's trust data, got and verified in the order of the TUF
 * specification (section 5): root, timestamp, snapshot, targets, delegations.
 * Nothing that was known of it changes unless all of that is good.
 */
#ifndef CLIENT_TRUST_UPDATE_H
#define CLIENT_TRUST_UPDATE_H

#include "client/trust/pin.h"
#include "client/trust/remote.h"

#define TRUST_ROLES 256		/* targets and delegations of a repository */
#define TRUST_RELEASES "targets/releases"

struct trust {
	struct gun gun;
	struct problem why;	/* of the last error */
	struct remote *remote;
	struct state state;
	int64_t now;		/* seconds since 1970 */
	bool first;		/* the root was trusted at first sight */
	bool renew;		/* set before: what is expired is taken, of
				   what people sign */
	struct trust_role root, timestamp, snapshot;
	struct trust_role *roles;	/* targets, then delegations, parents
					   before children */
	size_t role_count;
};

/*
 * Gets all of it.  A delegation that does not count has
 * an error of its own.  Errors are role.h's, those of the server, and
 * GPG_ERR_NOT_FOUND where there is no trust data; words in t->why.  Free with
 * trust_end(), also after an error.
 */
gpg_error_t trust_update(struct trust *, const struct gun *,
    const struct paths *, const struct http_options *, const struct pin *,
    int64_t now);
void trust_end(struct trust *);

/* The role of that name; NULL if nothing delegates to it. */
const struct trust_role *trust_find_role(const struct trust *,
    const char *name);

/* Who may sign a role: root's, or a delegation's.  Borrowed. */
bool trust_signer(const struct trust *, const struct trust_role *,
    struct tuf_signer *);

/* The role that says who: root, or the targets that delegate. */
const struct tuf_role *trust_parent(const struct trust *,
    const struct trust_role *);

/* Whether it and all above it may say something of a tag. */
bool trust_covers(const struct trust *, const struct trust_role *,
    const char *tag);

#endif
