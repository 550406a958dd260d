/*
 * What is remembered of a repository's trust data: the root that is trusted,
 * and the highest version that was seen of each role, which no server may fall
 * behind.  One file, in $XDG_STATE_HOME/touchstone/trust.
 */
#ifndef CLIENT_TRUST_STATE_H
#define CLIENT_TRUST_STATE_H

#include <limits.h>
#include <jansson.h>

#include "client/trust/gun.h"
#include "local/paths.h"

struct state {
	char file[PATH_MAX];
	struct buf read;	/* the file as it was; empty at the first use */
	json_t *json;
	bool dirty;
};

/*
 * Reads the file; without one *first is true.  One that is damaged is an
 * error: it is never taken for none.  Free with state_free(), also after an
 * error.
 */
gpg_error_t state_load(struct state *, const struct paths *,
    const struct gun *, bool *first, struct problem *);
void state_free(struct state *);

/*
 * Writes it whole, if anything was set; what another process wrote meanwhile
 * is merged, the higher version counting.
 */
gpg_error_t state_save(struct state *, struct problem *);

/* The trusted root's bytes; empty if none is. */
struct view state_root(const struct state *);
gpg_error_t state_set_root(struct state *, struct view);

/* Since when the root is trusted, and by what: "first use", "--root" or
   "made here". */
const char *state_pinned(const struct state *, int64_t *since);
gpg_error_t state_set_pinned(struct state *, const char *how, int64_t since);

/* What was last seen of a role. */
struct mark {
	uint32_t version;	/* 0: nothing */
	char sha256[65];	/* hex, of its file */
	json_t *keys;		/* ids that signed it; borrowed */
};

void state_mark(const struct state *, const char *role, struct mark *);
gpg_error_t state_set_mark(struct state *, const char *role,
    const struct mark *);

#endif
