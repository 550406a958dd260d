/*
 * Keys that may go only to certain hosts, by certain ways
 * (restrict-destination-v00@openssh.com; OpenSSH's PROTOCOL.agent, 2): who
 * may see them and use them, given what a connection is bound to.
 */
#ifndef AGENT_RESTRAIN_H
#define AGENT_RESTRAIN_H

#include "agent/bind.h"
#include "format/sshadd.h"
#include "object/object.h"

/*
 * Whether the key may sign `what`, or be listed where that is NULL.  Without
 * a binding it is listed and signs nothing; where one was refused, neither.
 * `now`: seconds since 1970.  *why is a constant for people where it says no.
 */
bool restrain_permits(struct view destinations, const struct bindings *,
    const struct object *what, uint64_t now, const char **why);

#endif
