/*
 * The lock (RFC 9987, 3.7): while the agent is locked it shows no keys, signs
 * nothing and holds no PIN.  What opens it again is known by a slow hash of
 * the passphrase only, which a thread makes, so that nobody waits for it.
 */
#ifndef AGENT_LOCK_H
#define AGENT_LOCK_H

#include "wire/buf.h"

struct agent;
struct conn;
struct lock;

gpg_error_t lock_new(struct agent *, struct lock **);
void lock_free(struct lock **);

bool agent_is_locked(const struct agent *);

/* What a client is told then; the error is GPG_ERR_LOCKED. */
#define LOCK_PROBLEM "the agent is locked: unlock it with `touchstone " \
	"unlock` or `ssh-add -X`"

/* The services of lock and unlock. */
void serve_ssh_lock(struct conn *, struct view body);

#endif
