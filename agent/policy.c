/*
 * The one place that says whether something may be signed:
 *
 *			local.sock	agent.sock	forwarded or relayed
 *	typed		yes		forward		forward
 *	a trust root	yes		no		no
 *	ssh login	yes		yes		forward_login
 *	SSHSIG		yes		yes		forward
 *	unknown, typed	blob		no		no
 *	unknown, ssh	blob		blob		no
 *	a hash, ssh	host_key	host_key	host_key by a relay
 *	managing keys	yes		yes		no
 *
 * where a word is what the key's rule must say.  That a process is here is
 * read from its pid, which is why nothing in the second column goes beyond
 * what any process of the user can have by local.sock.
 */
#include <config.h>

#include "policy.h"

const char *
reach_name(enum reach reach)
{
	static const char *const names[] = {
		[REACH_LOCAL] = "local",
		[REACH_HERE] = "agent",
		[REACH_FORWARDED] = "forwarded",
		[REACH_LOGIN] = "login",
		[REACH_RELAY] = "relay",
	};

	return names[reach];
}

static bool
is_afar(enum reach reach)
{
	return reach != REACH_LOCAL && reach != REACH_HERE;
}

static bool
is_login_afar(enum object_kind kind, enum reach reach)
{
	return kind == OBJECT_SSH_USERAUTH && is_afar(reach) &&
	    reach != REACH_LOGIN;
}

static const char *
refuse_blob(const struct key_rule *rule, enum reach reach, bool typed)
{
	if (is_afar(reach) || (typed && reach != REACH_LOCAL))
		return "bytes of no kind that touchstone knows are signed for "
		    "local clients only";
	if (!rule->blob)
		return "the bytes are of no kind that touchstone knows, and "
		    "the key's rule does not allow that (blob = true)";
	return NULL;
}

/*
 * sshd has a host's key sign hashes, and is a relay by its name; what the
 * agent is forwarded to by ssh is no sshd of ours.
 */
static const char *
refuse_hash(const struct key_rule *rule, const struct key *key,
    const struct object *object, enum reach reach)
{
	if (reach == REACH_FORWARDED || reach == REACH_LOGIN)
		return "hashes are signed for local clients only";
	if (!rule->host_key)
		return "the bytes could be a hash of anything, and the key's "
		    "rule does not say that it is a host's (host_key = true)";
	if (object->old_openpgp && key->user_id_count > 0)
		return "the bytes read as an old OpenPGP signature's, and the "
		    "key has an OpenPGP certificate";
	return NULL;
}

static const char *
refuse(const struct key_rule *rule, const struct key *key,
    const struct object *object, enum reach reach, bool typed)
{
	enum object_kind kind = object->kind;

	if (kind == OBJECT_SSH_HASH)
		return refuse_hash(rule, key, object, reach);
	if (object_rule(kind)->by_policy)
		return refuse_blob(rule, reach, typed);
	if (typed && reach != REACH_LOCAL && !object_rule(kind)->forwarded)
		return "this is signed for local clients only";
	if (typed && reach != REACH_LOCAL && !rule->forward)
		return "the key's rule does not allow requests that come by "
		    "agent.sock (forward = true)";
	if (kind == OBJECT_SSHSIG && is_afar(reach) && !rule->forward)
		return "the key's rule does not allow signatures for other "
		    "hosts than this one (forward = true)";
	if (is_login_afar(kind, reach) &&
	    rule->forward_login == FORWARD_LOGIN_REFUSE)
		return "the key's rule does not allow logins from other hosts "
		    "than this one (forward_login)";
	return NULL;
}

enum judgement
policy_judge(const struct config *config, const struct key *key,
    const struct object *object, enum reach reach, bool typed,
    const char **why)
{
	const struct key_rule *rule = config_rule(config, key->name, key->id);

	if ((*why = refuse(rule, key, object, reach, typed)))
		return POLICY_DENY;
	if (is_login_afar(object->kind, reach) &&
	    rule->forward_login == FORWARD_LOGIN_ASK)
		return POLICY_ASK;
	return rule->confirm ? POLICY_ASK : POLICY_ALLOW;
}

bool
policy_may_manage(enum reach reach)
{
	return !is_afar(reach);
}
