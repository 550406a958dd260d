/*
 * Who is at the other end: what the connection is bound to, and without that
 * what its peer is.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "wire/base64.h"
#include "wire/text.h"
#include "audit.h"
#include "peer.h"
#include "reach.h"

#define LOOKED_MS 1000		/* how long a look at a peer is good for */
#define HOST_TEXT 160

/*
 * One that was a relay stays one; another is looked at again, since a
 * process may become something else.
 */
static enum peer
look(struct conn *c)
{
	uint64_t now = agent_now_ms();
	enum peer peer;

	if (c->peer != PEER_PROCESS ||
	    (c->looked_ms && now - c->looked_ms < LOOKED_MS))
		return c->peer;
	c->looked_ms = now;
	peer = peer_look(c->pid, c->start);
	if (peer != c->peer)
		c->requester[0] = 0;
	return c->peer = peer;
}

enum reach
conn_reach(struct conn *c)
{
	if (bind_is_forwarded(&c->bindings))
		return REACH_FORWARDED;
	if (c->bindings.refused)
		return REACH_RELAY;
	if (c->origin == ORIGIN_LOCAL)
		return REACH_LOCAL;
	switch (look(c)) {
	case PEER_PROCESS:
		return REACH_HERE;
	case PEER_SSH:
		/* It binds what it forwards, so this is its own login. */
		return c->bindings.count > 0 ? REACH_LOGIN : REACH_RELAY;
	default:
		return REACH_RELAY;
	}
}

bool
conn_may_manage(struct conn *c)
{
	return policy_may_manage(conn_reach(c));
}

/* ---- names ---- */

/* What the user calls the host; names to try are those that are at hand. */
static void
find_names(struct conn *c, struct view host_key, const struct ssh_cert *cert,
    struct names *out)
{
	const struct config *config = c->agent->config;
	struct names *try = names_new();

	if (!try)
		return;
	peer_hosts(c->pid, c->start, try);
	for (size_t i = 0; i < config->host_count; i++)
		names_add(try, view_str(config->hosts[i].match));
	hosts_find(c->agent->hosts, host_key, cert, try, out);
	names_free(&try);
}

static const struct names *
binding_names(struct conn *c, struct binding *b)
{
	if (!b->names && (b->names = names_new()))
		find_names(c, b->host_key, b->is_cert ? &b->cert : NULL,
		    b->names);
	return b->names;
}

static void
put_fingerprint(struct view key, char *dst, size_t size)
{
	uint8_t hash[64];
	struct buf text;
	size_t len;

	buf_init(&text, 128);
	if (hash_bytes(HASH_SHA256, &key, 1, hash, &len) ||
	    base64_put(&text, view_of(hash, len)))
		snprintf(dst, size, "?");
	else
		snprintf(dst, size, "host SHA256:%.*s", 43,
		    (const char *)buf_view(&text).p);
	buf_free(&text);
}

static void
name_host(const struct names *names, struct view key, char dst[HOST_TEXT])
{
	if (names && names->count > 0)
		text_clean(dst, HOST_TEXT, view_str(names->list[0]));
	else
		put_fingerprint(key, dst, HOST_TEXT);
}

static void
name_bound(struct conn *c, struct binding *b, char dst[HOST_TEXT])
{
	name_host(binding_names(c, b), b->is_cert ? pubkey_ssh(b->cert.key) :
	    b->host_key, dst);
}

/* Whether the login is the one that the connection is bound to. */
static bool
is_bound_login(const struct binding *b, const struct object *login)
{
	return b && !b->forwarded && view_eq(b->session, login->session) &&
	    (login->host_key.len == 0 ||
	    view_eq(b->host_key, login->host_key));
}

void
conn_name_login(struct conn *c, struct object *login)
{
	struct bindings *all = &c->bindings;
	char host[HOST_TEXT], text[HOST_TEXT + 32];
	struct names *names = NULL;

	if (is_bound_login(bind_last(all), login)) {
		name_bound(c, all->list[all->count - 1], text);
	} else if (login->host_key.len > 0) {
		if ((names = names_new()))
			find_names(c, login->host_key, NULL, names);
		name_host(names, login->host_key, host);
		snprintf(text, sizeof(text), "unverified %s%s",
		    names && names->count > 0 ? "host " : "", host);
		names_free(&names);
	} else {
		snprintf(text, sizeof(text), "an unverified host");
	}
	object_name_login(login, text);
}

/* "build (forwarded through gate by ", the host that asks being the last. */
static void
put_hosts(struct conn *c, char *dst, size_t size)
{
	struct bindings *all = &c->bindings;
	char host[HOST_TEXT], way[256] = "", asks[HOST_TEXT] = "";
	size_t used = 0;

	for (unsigned i = 0; i < all->count; i++) {
		if (!all->list[i]->forwarded)
			continue;
		name_bound(c, all->list[i], host);
		if (asks[0] && used < sizeof(way))
			used += (size_t)snprintf(way + used,
			    sizeof(way) - used, "%s%s",
			    used ? ", " : " through ", asks);
		snprintf(asks, sizeof(asks), "%s", host);
	}
	snprintf(dst, size, "%s (forwarded%s by ", asks, way);
}

const char *
conn_requester(struct conn *c)
{
	enum reach reach = conn_reach(c);
	char names[160], text[768], hosts[512] = "";

	if (c->requester[0])
		return c->requester;
	place_describe(c->pid, names, sizeof(names));
	if (reach == REACH_FORWARDED)
		put_hosts(c, hosts, sizeof(hosts));
	else if (reach == REACH_RELAY)
		snprintf(hosts, sizeof(hosts), "somebody behind ");
	snprintf(text, sizeof(text), "%s%s (pid %d)%s", hosts, names,
	    (int)c->pid, reach == REACH_FORWARDED ? ")" : "");
	text_clean(c->requester, sizeof(c->requester), view_str(text));
	return c->requester;
}

/* ---- what is shown and bound ---- */

const struct host_row *
conn_host_row(struct conn *c)
{
	const struct config *config = c->agent->config;
	struct bindings *all = &c->bindings;
	const struct names *names;

	if (config->host_count == 0 || all->count == 0 ||
	    bind_last(all)->forwarded ||
	    !(names = binding_names(c, all->list[all->count - 1])))
		return NULL;
	for (size_t i = 0; i < config->host_count; i++)
		if (names_match(names, config->hosts[i].match))
			return &config->hosts[i];
	return NULL;
}

bool
host_row_offers(const struct host_row *row, const struct key *key)
{
	if (!row)
		return true;
	for (char **k = row->keys; *k; k++)
		if (key_matches(key, view_str(*k)))
			return true;
	return false;
}

static void
deny_binding(struct conn *c, const char *why)
{
	struct audit_record rec = {
		.stage = AUDIT_DENIED,
		.kind = "session-bind",
		.format = "ssh",
		.requester = conn_requester(c),
		.origin = reach_name(conn_reach(c)),
		.verdict = why,
	};

	if (c->agent->audit)
		audit_deny(c->agent->audit, &rec);
}

void
serve_bind(struct conn *c, struct view body)
{
	const char *why;
	struct msg_ssh_bind in;
	bool bad;

	/* What is malformed names no host, and is refused for that. */
	if (msg_decode(MSG_ssh_bind, body, &in))
		in = (struct msg_ssh_bind){ .forwarded = 0 };
	bad = bind_add(&c->bindings, &in, &why) != 0;
	c->requester[0] = 0;
	/* Who forwards local.sock gets no more than by agent.sock. */
	if (bind_is_forwarded(&c->bindings) || c->bindings.refused)
		c->origin = ORIGIN_AGENT;
	if (bad)
		deny_binding(c, why);
	frame_put_bare(&c->out, bad ? SSH_AGENT_FAILURE : SSH_AGENT_SUCCESS);
	conn_answered(c);
}
