/*
 * What SSH clients gave the agent to keep (ssh-add): for each key or
 * certificate of one, what limits its use.  The private key is with the module
 * of the keys in memory; here is nothing secret.
 */
#ifndef AGENT_ADDED_H
#define AGENT_ADDED_H

#include "agent.h"
#include "format/sshadd.h"
#include "keys.h"
#include "object/object.h"

struct conn;

/* A key that was added, or a certificate of one. */
struct added {
	TAILQ_ENTRY(added) next;
	uint8_t id[PUBKEY_ID_LEN];	/* of the key */
	struct buf certificate;		/* empty: the plain key */
	char *comment;			/* clean */
	bool confirm;			/* the user is asked each time */
	bool restricted;		/* may go only to: */
	struct buf destinations;	/* for ssh_hop_pair_next() */
	uint64_t until_ms;		/* added_now(); 0: for ever */
	bool pending;			/* the module has not answered yet */
	const void *leaving;		/* who has it removed; pending too */
};

/* Milliseconds that also pass while the machine sleeps. */
uint64_t added_now(void);

/*
 * Notes a key that is about to be added, in the place of *old, the same one
 * if it was there (NULL), which is kept for added_settle().  GPG_ERR_EBUSY
 * while it is being added by another client, GPG_ERR_RESOURCE_LIMIT where
 * there are too many.
 */
gpg_error_t added_begin(struct agent *, const struct ssh_private *,
    const struct ssh_constraints *, struct added **, struct added **old);

/* It was added, or was not, so that *old counts again; frees the other. */
void added_settle(struct agent *, struct added **, struct added **old,
    bool good);

/* What the agent was given under that blob, or NULL; not what is over. */
struct added *added_find(struct agent *, struct view blob);

/*
 * What limits a signature that is asked for under that blob, or where it is
 * empty, by another name.  NULL: nothing does.
 */
const struct added *added_limits(struct agent *, const struct key *,
    struct view blob);

/* For how long the key is to be kept in all: seconds, 0 for ever. */
uint32_t added_lifetime(struct agent *, const uint8_t id[PUBKEY_ID_LEN]);

/* Whether the blob is the last under which the key was given. */
bool added_is_last(struct agent *, const struct added *);

void added_drop(struct agent *, struct added **);

/*
 * All of a key's are about to go, for `whom`; then they go, or stay.  What
 * limits the key does so until the module has it no more.
 */
void added_leave(struct agent *, const uint8_t id[PUBKEY_ID_LEN],
    const void *whom);
void added_left(struct agent *, const void *whom, bool gone);

/*
 * Whether what was added lets the key sign, asked for under that blob
 * (empty: by another name); *ask: if the user agrees.  *why is a constant for
 * people where it does not.
 */
bool added_permits(struct conn *, const struct key *, struct view blob,
    const struct object *what, bool *ask, const char **why);

/*
 * The key of a blob that was listed: a plain one, or a certificate that was
 * added.  NULL if there is none; the reference is the caller's.
 */
struct key *added_find_key(struct agent *, struct view blob);

/* What limits it allows it to be listed on the connection. */
bool added_shows(struct conn *, const struct added *);

/* The key of what was added, while it can be used; the same for the rest. */
struct key *added_key(struct agent *, const struct added *);

/* Forgets what the module of the keys in memory has no more. */
void added_sweep(struct agent *);
void added_clear(struct agent *);

#endif
