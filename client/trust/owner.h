/*
 * What the owner of a repository, or a signer, changes of its roles: drafts
 * that are signed by the agent's keys which the roles list, posted whole, and
 * made again upon what somebody else posted meanwhile.
 */
#ifndef CLIENT_TRUST_OWNER_H
#define CLIENT_TRUST_OWNER_H

#include "client/trust/draft.h"
#include "client/trust/grant.h"
#include "client/trust/session.h"

struct owner {
	struct session session;
	struct key_info *keys;		/* all that the agent has */
	size_t key_count;
	struct draft drafts[DRAFTS_MAX];
	size_t count;
	void *command;			/* what the edit is told */
};

/*
 * Reads the arguments, of which that one names the repository, connects (with
 * flags of client/connect.h: roots are signed on this machine alone), and
 * lists the keys; call->why.  End with owner_end() in any case.
 */
gpg_error_t owner_begin(struct owner *, struct call *, int arg,
    unsigned flags);
void owner_end(struct owner *);

/* Gets trust data; `renew` takes roles that are expired, to sign them anew. */
gpg_error_t owner_update(struct owner *, bool renew);

/*
 * A key of the agent, for a role to list: the one that is named, or that a
 * command signs with where it names none.  Of root with a new certificate in
 * the repository's name.  Free with grant_key_free() and attest_certs_free(),
 * also after an error.
 */
gpg_error_t owner_key(struct owner *, const char *name, struct grant_key *);
gpg_error_t owner_root_key(struct owner *, const char *name,
    struct grant_key *, struct attest_certs **);

/* Adds a draft, signed by nobody yet, of what the role is to say (consumed). */
gpg_error_t owner_draft(struct owner *, json_t *,
    const struct trust_role *was, bool fresh, struct draft **);

/* Signs the drafts as their d->by ask for, and checks them. */
gpg_error_t owner_sign(struct owner *);

/*
 * All of it: `edit` drafts what is to change of the trust data as it is (or
 * nothing), once more after each conflict.
 */
gpg_error_t owner_change(struct owner *,
    gpg_error_t (*edit)(struct owner *));

/* Whether a key of the agent may sign the role; whose token is there first. */
const struct key_info *owner_finds(const struct owner *,
    const struct tuf_role *by, const char *role);

/* GPG_ERR_NO_SECKEY, with what to do, where none may. */
gpg_error_t owner_check(const struct owner *, const struct tuf_role *by,
    const char *role);

/*
 * What was posted: JSON with what `more` (consumed) has besides, or lines;
 * returns the exit status.
 */
int owner_report(struct owner *, json_t *more);

#endif
