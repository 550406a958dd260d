/* Policy: may this key sign this object for this client? */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "config.h"
#include "keys.h"
#include "object/object.h"

/* The door that a client came by. */
enum origin {
	ORIGIN_LOCAL,		/* local.sock */
	ORIGIN_AGENT,		/* agent.sock: perhaps forwarded */
};

/* Who may be at the other end of a connection. */
enum reach {
	REACH_LOCAL,		/* a process here, by local.sock */
	REACH_HERE,		/* a process here, by agent.sock */
	REACH_FORWARDED,	/* a host: the connection is bound to it */
	REACH_LOGIN,		/* ssh, bound to a login; perhaps not its own,
				   if a socket is forwarded by other means
				   than agent forwarding */
	REACH_RELAY,		/* anybody: the peer passes on what it is sent
				   or cannot be looked at, and did not bind */
};

/* "local", "agent", "forwarded", "login", "relay", as audit has them. */
const char *reach_name(enum reach);

enum judgement {
	POLICY_ALLOW,
	POLICY_ASK,		/* the user is to agree first */
	POLICY_DENY,
};

/*
 * Judges a signature of an object.  `typed` is false for a plain SSH signature,
 * which agent.sock is for.  *why is a constant for people where it denies.
 */
enum judgement policy_judge(const struct config *, const struct key *,
    const struct object *, enum reach, bool typed, const char **why);

/* Whether keys and modules may be added, removed and locked from there. */
bool policy_may_manage(enum reach);

#endif
