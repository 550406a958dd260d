/* Who is at the other end of a connection, in words and for policy. */
#ifndef AGENT_REACH_H
#define AGENT_REACH_H

#include "conn.h"

/* The service of session-bind@openssh.com. */
void serve_bind(struct conn *, struct view body);

/*
 * The row of the configuration that matches the host that the connection is
 * bound to a login at, and whether ssh is offered a key by it.  NULL: by none,
 * so all are.
 */
const struct host_row *conn_host_row(struct conn *);
bool host_row_offers(const struct host_row *, const struct key *);

/* Names an ssh login by what is known of the host that is logged in to. */
void conn_name_login(struct conn *, struct object *);

#endif
