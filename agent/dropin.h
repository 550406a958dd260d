/*
 * ssh-agent's command line: a private agent for a shell, a command or a
 * session, beside the one that the user has.  It has a socket of its own for
 * SSH_AUTH_SOCK and no other, and a log of its own; the configuration is the
 * user's.  What it prints, and how it exits, is as ssh-agent(1) does it.
 */
#ifndef AGENT_DROPIN_H
#define AGENT_DROPIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "local/paths.h"

#define DROPIN_OPTIONS "cDdksTUuE:O:P:a:t:"
#define DROPIN_GOES_ON (-1)	/* no exit status: there is more to do */
#define DROPIN_USAGE 1		/* as ssh-agent exits */

struct dropin {
	bool wanted;		/* else it is the user's own agent */
	bool csh, sh, debug, stays, kills, cleans;
	const char *socket;	/* as it was named; NULL: in `folder` */
	const char *modules;	/* patterns of what ssh-add -s may name */
	uint32_t lifetime_s;	/* of keys that are added; 0: for ever */
	char **command;		/* to run with the agent, or NULL */
	char *folder, *path;	/* made for it; the socket's, absolute */
};

/*
 * Takes an option of DROPIN_OPTIONS.  Returns DROPIN_GOES_ON, or a status to
 * exit with; DROPIN_USAGE after the usage was shown.
 */
int dropin_option(struct dropin *, int option, const char *arg);

/* The same after the last: what `rest` is and whether all fits together. */
int dropin_settle(struct dropin *, const char *program, char **rest);

/* What ssh-agent does without becoming an agent. */
int dropin_do(struct dropin *);

/*
 * Makes its folder and, unless it stays in the foreground, forks: in the child
 * this returns DROPIN_GOES_ON and *ready is to be given to dropin_ready() or
 * closed; the parent prints, or becomes the command, once the child is ready.
 */
int dropin_start(struct dropin *, int *ready);

/* Its folders in place of the user's. */
gpg_error_t dropin_paths(const struct dropin *, struct paths *);

/* It listens: says so to who waits. */
void dropin_ready(const struct dropin *, int ready);

/* Removes the folder, with what the agent put there. */
void dropin_clear(struct dropin *);

#endif
