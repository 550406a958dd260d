/*
 * What a connection is used for, as it says and proves: the hosts that it was
 * forwarded to, and the one that is logged in to (session-bind@openssh.com;
 * OpenSSH's PROTOCOL.agent, 1).  Nothing here knows of connections.
 */
#ifndef AGENT_BIND_H
#define AGENT_BIND_H

#include "format/sshkey.h"
#include "wire/msg.h"

#define BINDINGS_MAX 16
#define BINDING_CHECKS 64	/* of signatures, in a connection's life */

struct names;

struct binding {
	struct view host_key;		/* blob of a key or certificate */
	bool is_cert;
	struct ssh_cert cert;
	struct view session;		/* id */
	bool forwarded;			/* else for a login */
	struct names *names;		/* of the host; NULL: not looked for */
};

/* In the order in which they came. */
struct bindings {
	struct binding *list[BINDINGS_MAX];
	unsigned count, checks;
	bool refused;		/* any: the way is not known whole */
};

/*
 * Adds a binding if the host's key signed the session's id.  Refused: a bad
 * signature, a key that cannot be verified with, anything behind a binding for
 * a login, another key for a session that is bound, more than BINDINGS_MAX,
 * and more than BINDING_CHECKS altogether.  Once more what is bound as
 * forwarded is good.  *why is a constant for people.
 *
 * What is refused may have been a forwarding, so that others now speak on the
 * connection: no later binding makes it one that is not relayed.
 */
gpg_error_t bind_add(struct bindings *, const struct msg_ssh_bind *,
    const char **why);
void bind_clear(struct bindings *);

/* Whether any was forwarded. */
bool bind_is_forwarded(const struct bindings *);

/* The last; NULL where there is none. */
const struct binding *bind_last(const struct bindings *);

#endif
