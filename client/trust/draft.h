/*
 * The next version of a role, up to what a server is sent: what it says, the
 * signatures of the agent's keys, and whether these count.
 */
#ifndef CLIENT_TRUST_DRAFT_H
#define CLIENT_TRUST_DRAFT_H

#include "client/key.h"
#include "client/trust/session.h"

#define DRAFTS_MAX 16		/* in one post */

struct draft {
	char name[TUF_NAME_MAX + 1];
	struct tuf_role role;		/* what it says */
	const struct tuf_role *by[2];	/* who must sign it; NULL: no more */
	struct buf before, after;	/* canonical; before: what the agent is
					   to compare it with */
	struct buf signatures;		/* as the file lists them */
	json_t *ids;			/* of the keys that signed */
	struct buf file;
};

/* Free with draft_free(). */
void draft_init(struct draft *, const char *name);
void draft_free(struct draft *);

/*
 * Takes what the role is to say (and the reference), gives it the version
 * after that of `was` and its expiry.  `fresh`: the agent is to name all that
 * is in it, and not only what is new.
 */
gpg_error_t draft_make(struct draft *, json_t *, const struct trust_role *was,
    bool fresh, int64_t now, struct problem *);

/*
 * Has the agent sign it by this key, which the file calls `id`; what has
 * signed already does not again.  call->why.
 */
gpg_error_t draft_sign(struct draft *, struct call *, const char *gun,
    const struct key_info *, const char *id);

/* Makes the file, and checks it as those who read it do: with d->by. */
gpg_error_t draft_finish(struct draft *, struct problem *);

/* Posts all or none of them; errors are remote_post()'s. */
gpg_error_t draft_post(const struct draft *, size_t count, struct remote *);

/* The server has what was posted: it is seen, and remembered; call->why. */
gpg_error_t draft_confirm(struct session *, const struct draft *,
    size_t count);

/* The id by which a role's signers have that key; NULL: it is not theirs. */
const char *draft_key_id(const struct tuf_role *by, const char *role,
    const struct pubkey *);

#endif
