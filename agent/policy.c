/* The one place that says whether something may be signed. */
#include <config.h>

#include "policy.h"

enum judgement
policy_judge(const struct config *config, const struct key *key,
    enum object_kind kind, enum origin origin, bool typed, const char **why)
{
	const struct key_rule *rule = config_rule(config, key->name, key->id);
	const struct object_rule *object = object_rule(kind);
	bool remote = origin == ORIGIN_AGENT;

	*why = NULL;
	if (remote && object->by_policy)
		*why = "bytes of no kind that touchstone knows are signed for "
		    "local clients only";
	else if (object->by_policy && !rule->blob)
		*why = "the bytes are of no kind that touchstone knows, and "
		    "the key's rule does not allow that (blob = true)";
	else if (remote && typed && !object->forwarded)
		*why = "this is signed for local clients only";
	else if (remote && typed && !rule->forward)
		*why = "the key's rule does not allow requests that come by "
		    "agent.sock (forward = true)";
	if (*why)
		return POLICY_DENY;
	return rule->confirm ? POLICY_ASK : POLICY_ALLOW;
}
