/* Policy: may this key sign this object for this client? */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "config.h"
#include "keys.h"
#include "object/object.h"

enum origin {
	ORIGIN_LOCAL,		/* local.sock */
	ORIGIN_AGENT,		/* agent.sock: perhaps forwarded */
};

enum judgement {
	POLICY_ALLOW,
	POLICY_ASK,		/* the user is to agree first */
	POLICY_DENY,
};

/*
 * Judges a signature of `kind`.  `typed` is false for a plain SSH signature,
 * which agent.sock is for.  *why is a constant for people where it denies.
 */
enum judgement policy_judge(const struct config *, const struct key *,
    enum object_kind, enum origin, bool typed, const char **why);

#endif
