/* ssh-add: keys that clients give the agent to keep, and take back. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "added.h"
#include "audit.h"
#include "config.h"
#include "conn.h"
#include "dropin.h"
#include "format/sshkey.h"
#include "listing.h"
#include "serve.h"
#include "wire/text.h"

#define SESSIONS 4		/* threads that sign */
#define DEADLINE_S 10

/* A key on its way into the module, or keys on their way out. */
struct errand {
	struct agent *agent;
	struct conn *conn;	/* NULL: the client is gone */
	struct added *new, *old;	/* that is added, and what was there */
	size_t left;		/* answers that are missing */
	gpg_error_t err;
	char requester[256];
	char what[512];
};

static void
answer(struct conn *c, gpg_error_t err)
{
	if (frame_put_bare(&c->out, err ? SSH_AGENT_FAILURE :
	    SSH_AGENT_SUCCESS))
		c->doomed = true;
	conn_answered(c);
}

static void
record(struct agent *a, enum audit_stage stage, const char *kind,
    const char *what, const char *requester, const char *verdict)
{
	struct audit_record rec = {
		.stage = stage,
		.kind = kind,
		.format = "ssh",
		.summary = what,
		.requester = requester,
		.origin = "agent",
		.verdict = verdict,
	};

	if (!a->audit)
		return;
	if (stage == AUDIT_DENIED)
		audit_deny(a->audit, &rec);
	else
		audit_put(a->audit, &rec, NULL, NULL);
}

/* The protocol has no text for a failure: the log has it. */
static void
refuse(struct conn *c, const char *kind, const char *why)
{
	record(c->agent, AUDIT_DENIED, kind, NULL, conn_requester(c), why);
	answer(c, gpg_error(GPG_ERR_FORBIDDEN));
}

static bool
may_manage(struct conn *c, const char *kind)
{
	if (conn_may_manage(c))
		return true;
	refuse(c, kind, "only clients of this machine may manage keys");
	return false;
}

static struct errand *
errand_of(struct agent *a, const char *requester, const char *what)
{
	struct errand *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->agent = a;
	snprintf(e->requester, sizeof(e->requester), "%s", requester);
	snprintf(e->what, sizeof(e->what), "%s", what);
	return e;
}

static struct errand *
errand_new(struct conn *c, const char *what)
{
	struct errand *e = errand_of(c->agent, conn_requester(c), what);

	if (!e)
		return NULL;
	e->conn = c;
	c->errand = &e->conn;
	return e;
}

/* Answers its client and is no more. */
static void
errand_end(struct errand *e)
{
	struct conn *c = e->conn;

	if (c) {
		c->errand = NULL;
		answer(c, e->err);
	}
	free(e);
}

/* ---- the module ---- */

static struct module *
memory(struct agent *a)
{
	return module_by_name(a, view_str(MODULE_MEMORY_NAME));
}

/* Its process starts with the first key. */
static gpg_error_t
memory_find(struct agent *a, struct module **out)
{
	struct module_config config = {
		.type = MODULE_MEMORY,
		.name = strdup(MODULE_MEMORY_NAME),
		.env = calloc(1, sizeof(char *)),
		.sessions = SESSIONS,
		.deadline_s = DEADLINE_S,
	};
	gpg_error_t err = 0;

	if (!(*out = memory(a))) {
		err = config.name && config.env ? module_new(a, &config) :
		    gpg_error(GPG_ERR_ENOMEM);
		*out = err ? NULL : memory(a);
	}
	module_config_clear(&config);
	return err;
}

/* ---- adding ---- */

static void
on_imported(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct errand *e = arg;
	struct module *m = memory(e->agent);

	added_settle(e->agent, &e->new, &e->old, !err);
	record(e->agent, err ? AUDIT_DENIED : AUDIT_EVENT, "ssh-add", e->what,
	    e->requester, err ? text : "ok");
	if (!err && m)
		module_changed(m);
	e->err = err;
	errand_end(e);
}

static void
describe(const struct ssh_private *k, const struct ssh_constraints *c,
    char *dst, size_t size)
{
	char limits[96] = "", comment[160];
	size_t used = 0;

	if (c->lifetime_s)
		used = (size_t)snprintf(limits, sizeof(limits), ", for %u s",
		    c->lifetime_s);
	snprintf(limits + used, sizeof(limits) - used, "%s%s",
	    c->confirm ? ", confirmed" : "",
	    c->restricted ? ", for certain hosts" : "");
	text_clean(comment, sizeof(comment), k->comment);
	snprintf(dst, size, "%s%s \"%s\"%s",
	    algorithm_name(pubkey_algorithm(k->pub)),
	    k->certificate.len > 0 ? " certificate" : "", comment, limits);
}

/*
 * What limits the key is noted before the module has it, so that there is no
 * moment in which nothing does.
 */
static void
import(struct conn *c, const struct ssh_private *k,
    const struct ssh_constraints *limits)
{
	struct msg_token_import in;
	struct module *m = NULL;
	struct added *new = NULL, *old = NULL;
	struct errand *e = NULL;
	char what[512];

	describe(k, limits, what, sizeof(what));
	if (memory_find(c->agent, &m) ||
	    added_begin(c->agent, k, limits, &new, &old)) {
		refuse(c, "ssh-add", "it is being added already, or there is "
		    "no room: remove some (ssh-add -d)");
		return;
	}
	in = (struct msg_token_import){
		.lifetime_s = added_lifetime(c->agent, new->id),
		.label = view_str(new->comment),
		.key = k->key,
	};
	if ((e = errand_new(c, what))) {
		e->new = new;
		e->old = old;
		if (module_call(m, MSG_token_import, &in, -1,
		    DEADLINE_S * 1000, on_imported, e))
			return;
		c->errand = NULL;
		free(e);
	}
	added_settle(c->agent, &new, &old, false);
	answer(c, gpg_error(GPG_ERR_ENOMEM));
}

static const char *
why_no_key(gpg_error_t err)
{
	switch (gpg_err_code(err)) {
	case GPG_ERR_PUBKEY_ALGO:
		return "keys of this type are not kept: only Ed25519, ECDSA "
		    "and RSA of 2048 to 4096 bits";
	case GPG_ERR_BAD_CERT:
	case GPG_ERR_BAD_SIGNATURE:
		return "the key's certificate is not right";
	case GPG_ERR_BAD_PUBKEY:
		return "the public key is not right, or of a length that is "
		    "not used";
	default:
		return "the private key is malformed";
	}
}

static const char *
why_no_limits(gpg_error_t err)
{
	switch (gpg_err_code(err)) {
	case GPG_ERR_NOT_SUPPORTED:
		return "the key is limited in a way that this agent does not "
		    "know";
	case GPG_ERR_TOO_LARGE:
		return "the key is limited to too many hosts";
	default:
		return "what limits the key is malformed";
	}
}

static void
serve_private(struct conn *c, struct view v, bool constrained)
{
	struct ssh_constraints limits;
	struct ssh_private k;
	gpg_error_t err;

	if ((err = ssh_private_get(&v, &k))) {
		refuse(c, "ssh-add", why_no_key(err));
		return;
	}
	err = ssh_constraints_read(v, &limits);
	if (limits.lifetime_s == 0 && c->agent->dropin)
		limits.lifetime_s = c->agent->dropin->lifetime_s;
	if (err || limits.certs.len > 0)
		refuse(c, "ssh-add", why_no_limits(err));
	else if (!constrained && v.len > 0)
		refuse(c, "ssh-add", "the request is malformed");
	else
		import(c, &k, &limits);
	ssh_private_free(&k);
}

void
serve_ssh_add(struct conn *c, struct view body)
{
	struct msg_ssh_add_constrained in;
	struct msg_ssh_add plain = { { NULL, 0 } };
	bool constrained = c->question == MSG_ssh_add_constrained;

	if (constrained ? msg_decode(c->question, body, &in) :
	    msg_decode(c->question, body, &plain))
		refuse(c, "ssh-add", "the request is malformed");
	else if (!may_manage(c, "ssh-add"))
		;
	else if (!c->agent->config->software_keys)
		refuse(c, "ssh-add", "the configuration wants no keys in "
		    "memory (software_keys)");
	else
		serve_private(c, constrained ? in.key : plain.key,
		    constrained);
}

/* ---- removing ---- */

/* One answer less to wait for; after the last, the client gets its own. */
static void
removed(struct errand *e, const char *why)
{
	if (--e->left > 0)
		return;
	added_left(e->agent, e, !e->err);
	record(e->agent, e->err ? AUDIT_DENIED : AUDIT_EVENT, "ssh-add -d",
	    e->what, e->requester, e->err ? why : "ok");
	errand_end(e);
}

static void
on_removed(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct errand *e = arg;
	struct module *m = memory(e->agent);

	/* Its time may have been over already. */
	if (err && gpg_err_code(err) != GPG_ERR_MISSING_KEY)
		e->err = err;
	if (e->left > 1) {
		e->left--;
		return;
	}
	if (m)
		module_changed(m);
	removed(e, text);
}

/* Has the module forget a private key. */
static void
take_out(struct errand *e, const struct added *d)
{
	struct key *k = keyring_find_id(e->agent->keyring,
	    view_of(d->id, sizeof(d->id)));

	added_leave(e->agent, d->id, e);
	for (size_t i = 0; k && i < k->holder_count; i++) {
		const struct holder *h = &k->holders[i];
		struct msg_token_delete in = { .key = h->key };

		if (!(h->flags & KEY_SOFTWARE))
			continue;
		if (module_call(h->module, MSG_token_delete, &in, -1,
		    DEADLINE_S * 1000, on_removed, e))
			e->left++;
		else
			e->err = gpg_error(GPG_ERR_ENOMEM);
	}
	key_unref(&k);
}

static void
remove_one(struct conn *c, struct added *d)
{
	struct errand *e;
	char what[512];

	snprintf(what, sizeof(what), "\"%s\"", d->comment);
	if (d->pending || !(e = errand_new(c, what))) {
		refuse(c, "ssh-add -d", "it is just being added or removed");
		return;
	}
	e->left = 1;
	if (added_is_last(c->agent, d))
		take_out(e, d);
	else
		added_drop(c->agent, &d);
	removed(e, "there is no memory");
}

void
serve_ssh_remove(struct conn *c, struct view body)
{
	struct msg_ssh_remove in;
	struct added *d;
	struct key *k;

	if (msg_decode(MSG_ssh_remove, body, &in)) {
		refuse(c, "ssh-add -d", "the request is malformed");
	} else if (!may_manage(c, "ssh-add -d")) {
		;
	} else if ((d = added_find(c->agent, in.key))) {
		remove_one(c, d);
	} else if ((k = keyring_find_ssh(c->agent->keyring, in.key))) {
		key_unref(&k);
		refuse(c, "ssh-add -d", "the key is on a token, from which "
		    "ssh-add removes nothing");
	} else {
		refuse(c, "ssh-add -d", "there is no such key");
	}
}

/* All that was added; what is on tokens stays. */
static void
take_out_all(struct errand *e)
{
	struct added *d;

	e->left = 1;
	TAILQ_FOREACH(d, &e->agent->added, next)
		if (!d->pending)
			take_out(e, d);
	removed(e, "there is no memory");
}

void
serve_ssh_remove_all(struct conn *c, struct view body)
{
	struct errand *e;

	if (body.len > 0)
		refuse(c, "ssh-add -D", "the request is malformed");
	else if (!may_manage(c, "ssh-add -D"))
		;
	else if (!(e = errand_new(c, "all keys in memory")))
		answer(c, gpg_error(GPG_ERR_ENOMEM));
	else
		take_out_all(e);
}

void
forget_added(struct agent *a)
{
	struct errand *e = errand_of(a, "a signal", "all keys in memory");

	if (e)
		take_out_all(e);
}
