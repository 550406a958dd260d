/*
 * Who may sign what: the keys of root's roles and of the delegations of
 * targets, changed in copies of these.
 */
#ifndef CLIENT_TRUST_GRANT_H
#define CLIENT_TRUST_GRANT_H

#include "client/trust/update.h"

/* A key as roles list it; grant_key_free(). */
struct grant_key {
	json_t *entry;
	char id[TUF_ID_LEN + 1];
	struct pubkey *key;
};

void grant_key_free(struct grant_key *);

/* The root of a new repository, in which no role has a key yet. */
json_t *grant_root_new(void);

/* One of root's roles is that key's alone. */
gpg_error_t grant_root(json_t *root, const char *role,
    const struct grant_key *);

/* Lists the key for a delegation, which it makes if need be: for all tags. */
gpg_error_t grant_add(json_t *targets, const char *delegation,
    const struct grant_key *, bool *changed);

/* Takes it away. */
void grant_remove(json_t *targets, const char *delegation);

/*
 * Takes one key out of a delegation; how many are left, and how many must
 * sign.
 */
void grant_take(json_t *targets, const char *delegation, const char *id,
    size_t *left, size_t *threshold);

/* Forgets the keys that no role and no delegation lists. */
void grant_sweep(json_t *role);

#endif
