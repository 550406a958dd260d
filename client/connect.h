/*
 * Finding the user's agent: the one that $TOUCHSTONE_SOCK names; in an SSH
 * session the one that came along, if it speaks our extension; the one of
 * this machine; a new one.
 */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

#include "local/paths.h"

enum connect_way {
	WAY_NONE,
	WAY_NAMED,		/* $TOUCHSTONE_SOCK */
	WAY_FORWARDED,		/* $SSH_AUTH_SOCK in an SSH session */
	WAY_LOCAL,
	WAY_STARTED,
};

/* The order of the search; the functions are a table for the tests. */
struct connect_search {
	const char *named;	/* NULL: not set */
	const char *forwarded;	/* NULL: no SSH session, or no agent in it */
	const char *local;
	bool may_start;
	gpg_error_t (*open)(void *, const char *sock, int *fd);
	/* 0 if the agent signs for us */
	gpg_error_t (*query)(void *, int fd);
	gpg_error_t (*start)(void *, int *fd);
	void *arg;
};

/*
 * Searches.  A named agent that does not answer is an error and not a reason
 * to look further; a forwarded one that does not know us is.
 */
gpg_error_t connect_find(const struct connect_search *, int *fd,
    enum connect_way *);

enum {
	CONNECT_START = 1,	/* starts one where none listens */
	CONNECT_HERE = 2,	/* no forwarded one: what administers is local */
};

/*
 * Connects to the agent of this process's environment.  GPG_ERR_NO_AGENT if
 * there is none, or none can be started; `why` (clean, may stay empty) then
 * says more.  The descriptor is the caller's.
 */
gpg_error_t connect_agent(const struct paths *, unsigned flags, int *fd,
    enum connect_way *, char *why, size_t size);

/*
 * Whether the user has anything of touchstone's: somebody who never set it up
 * needs no agent.
 */
bool connect_configured(const struct paths *);

#endif
