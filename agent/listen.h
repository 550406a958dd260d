/*
 * The agent's sockets: its own, bound under a lock so that two agents never
 * race, or those that systemd hands over (sd_listen_fds(3)).  A private agent
 * has one socket, and takes no name that is there.
 */
#ifndef AGENT_LISTEN_H
#define AGENT_LISTEN_H

#include "agent.h"

struct listener;

/*
 * Takes the lock and the sockets.  GPG_ERR_EALREADY if an agent runs already;
 * *problem is for people (free()).
 */
gpg_error_t listener_open(struct agent *, struct listener **, char **problem);

/* Lets nobody in any more; the lock stays. */
void listener_shut(struct listener *);

/* Closes; removes the sockets that were bound here and are still there. */
void listener_close(struct listener **);

#endif
