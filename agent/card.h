/*
 * What ssh-add -s and -e said of a module: whether its keys are to be seen,
 * and within which limits.  Of a module that nothing was said of, the keys are
 * there without limits.
 */
#ifndef AGENT_CARD_H
#define AGENT_CARD_H

#include "agent.h"
#include "certs.h"
#include "format/sshadd.h"
#include "object/object.h"

struct conn;
struct key;
struct module;

struct card {
	bool hidden;
	bool confirm;			/* the user is asked each time */
	bool restricted;		/* may go only to: */
	struct buf destinations;	/* for ssh_hop_pair_next() */
	bool certs_only;		/* for ssh: not the plain keys */
	struct certs certs;
	struct event over;		/* the lifetime is */
	uint64_t until_ms;		/* added_now(); 0: for ever */
};

/* Within these limits from now on.  On failure all is as it was. */
gpg_error_t card_show(struct module *, const struct ssh_constraints *);

/* From now on not at all; its PINs are forgotten. */
void card_hide(struct module *);

/* What was hidden is there again after a reload; limits stay. */
void cards_reload(struct agent *);

bool card_hides(const struct module *);
void card_free(struct module *);

/*
 * Whether a key of the module may sign, asked for under that blob (empty: by
 * another name), or be listed on the connection where `what` is NULL; *ask: if
 * the user agrees.  *why is a constant for people.
 */
bool card_permits(struct conn *, const struct module *, struct view blob,
    const struct object *what, bool *ask, const char **why);

/* Whether a token of a module that permits it holds the key. */
bool card_shows(struct conn *, const struct key *, struct view blob);

/* The key on a token whose certificate that is; NULL, or a reference. */
struct key *card_find_key(struct agent *, struct view cert);

#endif
