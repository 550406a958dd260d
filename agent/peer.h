/*
 * What the process at the other end of a socket is, as far as /proc tells.
 * That is for refusing and for people: a process can pass for another.
 */
#ifndef AGENT_PEER_H
#define AGENT_PEER_H

#include <sys/types.h>

#include "agent/hosts.h"

enum peer {
	PEER_PROCESS,		/* that speaks for itself */
	PEER_RELAY,		/* others may speak through it */
	PEER_SSH,		/* the same, but it logs in, too */
};

/*
 * A relay is by its name a program that passes on what it is sent, or it
 * holds a socket to somewhere else.  What cannot be looked at, or is not the
 * process that was started at `start` (place_start_time()), may be anything:
 * PEER_RELAY.
 */
enum peer peer_look(pid_t, uint64_t start);

/* Whether its name alone makes it one; what cannot be read does not. */
bool peer_is_named_relay(pid_t);

/*
 * Adds the names of hosts that an ssh process was, perhaps, told on its
 * command line.  None if that cannot be read.
 */
void peer_hosts(pid_t, uint64_t start, struct names *);

#endif
