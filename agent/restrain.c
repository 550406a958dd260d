/*
 * Whether a way, hop by hop, is one that a key may take.  The verdicts are
 * those of OpenSSH's agent, which the clients that make the restrictions are
 * made for.
 */
#include <config.h>

#include "restrain.h"

/*
 * A host is a hop by its key, or by a certificate of one of the hop's
 * authorities that names the host.
 */
static bool
is_hop(const struct binding *b, const struct ssh_hop *hop, uint64_t now)
{
	struct view keys = hop->keys, blob;
	bool authority;

	while (ssh_hop_key_next(&keys, &blob, &authority)) {
		if (authority != b->is_cert)
			continue;
		if (!b->is_cert && view_eq(blob, b->host_key))
			return true;
		if (b->is_cert && view_eq(blob, b->cert.signer) &&
		    ssh_cert_is_for_host(&b->cert, hop->host, now))
			return true;
	}
	return false;
}

/* `from` NULL: from here; `to` NULL: anywhere; user NULL: anybody. */
static bool
may_go(struct view destinations, const struct binding *from,
    const struct binding *to, const struct view *user, uint64_t now)
{
	struct ssh_hop_pair pair;

	while (ssh_hop_pair_next(&destinations, &pair)) {
		if (from ? !is_hop(from, &pair.from, now) :
		    pair.from.host.len > 0 || pair.from.keys.len > 0)
			continue;
		if (to && !is_hop(to, &pair.to, now))
			continue;
		if (!user || pair.to.user.len == 0 ||
		    ssh_pattern_matches(pair.to.user, *user))
			return true;
	}
	return false;
}

/* What signing wants beyond a way that may be taken. */
static const char *
refuse_login(const struct bindings *all, const struct object *login)
{
	const struct binding *last = bind_last(all);

	if (login->kind != OBJECT_SSH_USERAUTH)
		return "the key is restricted to logins at certain hosts";
	if (!last)
		return "the key is restricted to certain hosts, and the "
		    "connection does not say which one is logged in to";
	if (last->forwarded)
		return "the key is restricted to certain hosts, and the "
		    "connection is bound to a forwarding, not to a login";
	if (!view_eq(login->session, last->session))
		return "the login is in another session than the one that "
		    "the connection is bound to";
	if (all->count > 1 && login->host_key.len == 0)
		return "the login comes from afar and does not name its host";
	if (login->host_key.len > 0 &&
	    !view_eq(login->host_key, last->host_key))
		return "the login is at another host than the one that the "
		    "connection is bound to";
	return NULL;
}

static bool
is_permitted_way(struct view destinations, const struct bindings *all,
    const struct view *user, uint64_t now)
{
	const struct binding *from = NULL;

	for (unsigned i = 0; i < all->count; i++) {
		const struct binding *to = all->list[i];
		bool is_last = i + 1 == all->count;

		if ((!is_last && !to->forwarded) ||
		    !may_go(destinations, from, to, is_last ? user : NULL,
		    now))
			return false;
		from = to;
	}
	return true;
}

bool
restrain_permits(struct view destinations, const struct bindings *all,
    const struct object *what, uint64_t now, const char **why)
{
	const struct binding *last = bind_last(all);

	*why = NULL;
	if (all->refused)
		*why = "the key is restricted to certain hosts, and not all "
		    "hosts that the connection passes are known";
	else if (what)
		*why = refuse_login(all, what);
	if (*why || !last)
		return !*why;
	if (is_permitted_way(destinations, all, what ? &what->user : NULL,
	    now) &&
	    /* At a host beyond which it may not be used, it is not shown. */
	    (what || !last->forwarded ||
	    may_go(destinations, last, NULL, NULL, now)))
		return true;
	*why = "the key is restricted to other hosts or users than this one";
	return false;
}
