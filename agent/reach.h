/* Who is at the other end of a connection, in words and for policy. */
#ifndef AGENT_REACH_H
#define AGENT_REACH_H

#include "conn.h"

/* The service of session-bind@openssh.com. */
void serve_bind(struct conn *, struct view body);

/*
 * Whether ssh is offered a key on this connection: where it is bound to a
 * login at a host that a row of the configuration matches, those keys are.
 */
bool conn_offers(struct conn *, const struct key *);

/* Names an ssh login by what is known of the host that is logged in to. */
void conn_name_login(struct conn *, struct object *);

#endif
