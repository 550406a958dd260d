/* What is served to whom: one row per message that a client may send. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "added.h"
#include "audit.h"
#include "card.h"
#include "conn.h"
#include "helper.h"
#include "lock.h"
#include "reach.h"
#include "serve.h"
#include "work.h"

#define KEYS_LISTED 256		/* as messages.def bounds the lists */
#define HOLDERS_LISTED 16
#define CERTS_SHOWN 16
#define SETTLE_S 2		/* what a listing waits for slow modules */
#define LISTING_FRESH_MS 3000	/* older: listed anew, in the background */

void
serve_malformed(struct conn *c)
{
	conn_fail(c, gpg_error(GPG_ERR_INV_REQUEST),
	    "the request is malformed");
}

/* ---- listings ---- */

static gpg_error_t
put_identity(struct buf *b, struct msg_list *list, struct view key,
    const char *comment)
{
	struct msg_ssh_identity one = { key, view_str(comment) };

	return list->count < KEYS_LISTED ?
	    msg_list_add(b, list, MSG_ssh_identity, &one) : 0;
}

/* What was added and is on no token; certificates of any. */
static gpg_error_t
put_added(struct conn *c, const struct host_row *row, struct buf *b,
    struct msg_list *list)
{
	struct agent *a = c->agent;
	const struct added *d;
	gpg_error_t err = 0;

	TAILQ_FOREACH(d, &a->added, next) {
		struct view cert = buf_view(&d->certificate);
		struct key *k = added_key(a, d);

		if (k && !err && (cert.len > 0 || !key_is_on_token(k)) &&
		    host_row_offers(row, k) && added_shows(c, d))
			err = put_identity(b, list, cert.len > 0 ? cert :
			    pubkey_ssh(k->pub), d->comment);
		key_unref(&k);
	}
	return err;
}

/* Those of a key on a token that are the same for all, and its module's. */
static gpg_error_t
put_certs(struct conn *c, const struct certs *certs, const struct key *k,
    struct buf *b, struct msg_list *list)
{
	const struct cert *one;
	gpg_error_t err = 0;
	size_t at = 0;

	while (!err && (one = certs_next(certs, k, &at)))
		if (card_shows(c, k, buf_view(&one->blob)))
			err = put_identity(b, list, buf_view(&one->blob),
			    one->comment);
	return err;
}

static gpg_error_t
put_on_token(struct conn *c, const struct key *k, struct buf *b,
    struct msg_list *list)
{
	struct module *m;
	gpg_error_t err = 0;

	if (card_shows(c, k, pubkey_ssh(k->pub)))
		err = put_identity(b, list, pubkey_ssh(k->pub), key_title(k));
	if (!err)
		err = put_certs(c, &c->agent->certs, k, b, list);
	TAILQ_FOREACH(m, &c->agent->modules, next)
		if (!err && m->card && !m->retired)
			err = put_certs(c, &m->card->certs, k, b, list);
	return err;
}

static gpg_error_t
put_identities(struct conn *c, struct buf *b, struct msg_list *list)
{
	const struct host_row *row = conn_host_row(c);
	const struct keyring *ring = c->agent->keyring;
	gpg_error_t err = 0;

	for (size_t i = 0; i < keyring_count(ring) && !err; i++) {
		struct key *k = keyring_at(ring, i);

		if (key_is_on_token(k) && host_row_offers(row, k))
			err = put_on_token(c, k, b, list);
	}
	return err ? err : put_added(c, row, b, list);
}

static void
answer_identities(struct conn *c)
{
	struct msg_ssh_identities_answer reply = { .keys = { 0 } };
	struct buf list;
	gpg_error_t err = 0;

	buf_init(&list, FRAME_MAX);
	if (!agent_is_locked(c->agent))
		err = put_identities(c, &list, &reply.keys);
	if (!err)
		err = frame_put(&c->out, SSH_AGENT_IDENTITIES_ANSWER,
		    MSG_ssh_identities_answer, &reply);
	if (err)
		frame_put_bare(&c->out, SSH_AGENT_FAILURE);
	buf_free(&list);
	conn_answered(c);
}

static gpg_error_t
put_user_ids(const struct key *k, struct buf *b, struct msg_list *list)
{
	gpg_error_t err = 0;

	for (size_t i = 0; i < k->user_id_count && !err; i++) {
		struct msg_user_id one = { view_str(k->user_ids[i]) };

		err = msg_list_add(b, list, MSG_user_id, &one);
	}
	return err;
}

static struct view
text_of(const char *s)
{
	return view_str(s ? s : "");
}

/* What the state of a token is concerns clients of this machine alone. */
static gpg_error_t
put_holder(const struct holder *h, enum origin origin, struct buf *b,
    struct msg_list *list)
{
	const struct slot *s = origin == ORIGIN_LOCAL ?
	    module_slot(h->module, h->slot) : NULL;
	struct msg_holder one = {
		.module = view_str(h->module->config.name),
		.token = text_of(h->token),
		.serial = text_of(h->serial),
		.firmware = text_of(s ? s->firmware : NULL),
		.tries_left = s ? s->tries_left : PIN_TRIES_UNKNOWN,
		.uri = text_of(h->uri),
		.slot_name = text_of(h->slot_name),
		.pin_policy = h->pin_policy,
		.touch_policy = h->touch_policy,
		.origin = h->origin,
		.certificate_expires = h->certificate_expires,
		.flags = h->flags,
	};

	return msg_list_add(b, list, MSG_holder, &one);
}

/* Those that the client named go first. */
static gpg_error_t
put_holders(const struct key *k, struct view match, enum origin origin,
    struct buf *b, struct msg_list *list)
{
	gpg_error_t err = 0;

	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; i < k->holder_count && !err &&
		    list->count < HOLDERS_LISTED; i++)
			if (holder_matches(&k->holders[i], match) == named)
				err = put_holder(&k->holders[i], origin, b,
				    list);
	return err;
}

/* When the certificates beside a key are good. */
static gpg_error_t
put_validity(struct conn *c, const struct key *k, struct buf *b,
    struct msg_list *list)
{
	const struct cert *one;
	gpg_error_t err = 0;
	size_t at = 0;

	while (!err && list->count < CERTS_SHOWN &&
	    (one = certs_of(&c->agent->certs, k, &at))) {
		struct msg_ssh_certificate m = { view_str(one->comment),
			one->after, one->before };

		err = msg_list_add(b, list, MSG_ssh_certificate, &m);
	}
	return err;
}

static gpg_error_t
put_key(struct conn *c, const struct key *k, struct buf *b,
    struct msg_list *list)
{
	struct msg_key one = {
		.id = pubkey_id(k->pub),
		.name = view_str(k->name),
		.algorithm = view_str(algorithm_name(
		    pubkey_algorithm(k->pub))),
		.spki = pubkey_spki(k->pub),
		.created = k->created,
		.expires = k->expires,
		.fingerprint = view_str(k->fpr),
	};
	struct buf ids, holders, certs;
	gpg_error_t err;

	buf_init(&ids, FRAME_MAX);
	buf_init(&holders, FRAME_MAX);
	buf_init(&certs, FRAME_MAX);
	if (!(err = put_user_ids(k, &ids, &one.user_ids)) &&
	    !(err = put_holders(k, view_str(c->match), c->origin,
	    &holders, &one.holders)) &&
	    !(err = put_validity(c, k, &certs, &one.certificates)))
		err = msg_list_add(b, list, MSG_key, &one);
	buf_free(&ids);
	buf_free(&holders);
	buf_free(&certs);
	return err;
}

/* Whether a key may be known of on the connection. */
static bool
is_shown(struct conn *c, const struct key *k)
{
	const struct added *d = added_limits(c->agent, k, view_of(NULL, 0));

	if (key_is_on_token(k))
		return card_shows(c, k, view_of(NULL, 0));
	return !d || added_shows(c, d);
}

/* Those in memory alone, or the others. */
static gpg_error_t
put_keys(struct conn *c, bool memory, struct buf *b, struct msg_list *list)
{
	const struct keyring *ring = c->agent->keyring;
	struct view match = view_str(c->match);
	gpg_error_t err = 0;

	for (size_t i = 0; i < keyring_count(ring) && !err &&
	    list->count < KEYS_LISTED; i++) {
		struct key *k = keyring_at(ring, i);

		if ((k->holder_count > 0 && !key_is_on_token(k)) != memory)
			continue;
		if (is_shown(c, k) &&
		    (match.len == 0 || key_matches(k, match)))
			err = put_key(c, k, b, list);
	}
	return err;
}

static void
answer_keys(struct conn *c)
{
	struct msg_keys_answer reply = { .keys = { 0 } };
	struct buf list;
	gpg_error_t err;

	buf_init(&list, FRAME_MAX);
	if (!(err = put_keys(c, false, &list, &reply.keys)))
		err = put_keys(c, true, &list, &reply.keys);
	if (err)
		conn_fail(c, err, "too many keys to list: name one");
	else
		conn_reply(c, 0, "", &reply);
	buf_free(&list);
}

static gpg_error_t
put_module(struct module *m, struct buf *b, struct msg_list *list)
{
	struct msg_module_status one = {
		.name = view_str(m->config.name),
		.type = view_str(module_type_name(m->config.type)),
		.path = view_str(m->config.path ? m->config.path : ""),
		.pid = helper_pid(m->helper),
		.problem = view_str(card_hides(m) ? "hidden by ssh-add -e, or "
		    "since its time is over: ssh-add -s shows it" :
		    m->problem),
	};
	struct buf tokens;
	gpg_error_t err = 0;

	buf_init(&tokens, FRAME_MAX);
	for (size_t i = 0; i < m->slot_count && !err; i++) {
		const struct slot *s = &m->slots[i];
		struct msg_token t = {
			.module = view_str(m->config.name),
			.label = view_str(s->label),
			.serial = view_str(s->serial),
			.manufacturer = view_str(s->manufacturer),
			.model = view_str(s->model),
			.firmware = view_str(s->firmware ? s->firmware : ""),
			.tries_left = s->tries_left,
			.flags = s->flags,
			.keys = keyring_held(m->agent->keyring, m, s->slot),
		};

		err = msg_list_add(&tokens, &one.tokens, MSG_token, &t);
	}
	if (!err)
		err = msg_list_add(b, list, MSG_module_status, &one);
	buf_free(&tokens);
	return err;
}

static void
answer_status(struct conn *c)
{
	struct agent *a = c->agent;
	struct msg_status_answer reply = {
		.version = view_str(PACKAGE_VERSION),
		.pid = (uint32_t)getpid(),
		.uptime_ms = agent_now_ms() - a->started_ms,
		.signatures = a->signatures,
		.connections = (uint32_t)a->conn_count,
		.config = view_str(a->paths.config),
		.locked = agent_is_locked(a),
		.audit = view_str(a->audit ? audit_path(a->audit) :
		    a->audit_problem ? a->audit_problem : ""),
	};
	struct module *m;
	struct buf list;
	gpg_error_t err = 0;

	buf_init(&list, FRAME_MAX);
	TAILQ_FOREACH(m, &a->modules, next)
		if (!err && !m->retired)
			err = put_module(m, &list, &reply.modules);
	if (err)
		conn_fail(c, err, NULL);
	else
		conn_reply(c, 0, "", &reply);
	buf_free(&list);
}

static void
answer_locked(struct conn *c)
{
	frame_put_bare(&c->out, SSH_AGENT_SUCCESS);
	conn_answered(c);
}

static void
answer_listing(struct conn *c)
{
	if (c->question == MSG_keys && agent_is_locked(c->agent))
		conn_fail(c, gpg_error(GPG_ERR_LOCKED), LOCK_PROBLEM);
	else if (c->question == MSG_keys)
		answer_keys(c);
	else if (c->question == MSG_forget)
		conn_reply(c, 0, "", NULL);
	else if (c->question == MSG_ssh_lock)
		answer_locked(c);
	else if (c->question == MSG_status)
		answer_status(c);
	else
		answer_identities(c);
}

static bool
is_settled(struct conn *c)
{
	struct module *m;

	if (c->question == MSG_forget || c->question == MSG_ssh_lock)
		return c->agent->forgetting == 0;
	TAILQ_FOREACH(m, &c->agent->modules, next)
		if (m->listing && (c->refresh || m->changed || !m->listed_ms))
			return false;
	return true;
}

static void
on_changed(void *arg)
{
	struct conn *c = arg;

	if (is_settled(c))
		answer_listing(c);
	else
		agent_watch(c->agent, &c->watcher);
}

static void
on_patience(int fd, short what, void *arg)
{
	answer_listing(arg);
}

static void
answer_when_settled(struct conn *c)
{
	const struct timeval tv = { SETTLE_S, 0 };

	if (is_settled(c)) {
		answer_listing(c);
		return;
	}
	agent_watch(c->agent, &c->watcher);
	event_add(&c->patience, &tv);
}

void
conn_serve_init(struct conn *c)
{
	c->watcher = (struct watcher){ .changed = on_changed, .arg = c };
	evtimer_assign(&c->patience, c->agent->base, on_patience, c);
}

/* What was listed once is answered at once, and looked after behind. */
static void
serve_listing(struct conn *c, bool refresh)
{
	c->refresh = refresh;
	modules_refresh(c->agent, refresh ? 0 : LISTING_FRESH_MS);
	answer_when_settled(c);
}

static void
serve_identities(struct conn *c, struct view body)
{
	if (body.len > 0) {
		frame_put_bare(&c->out, SSH_AGENT_FAILURE);
		conn_answered(c);
		return;
	}
	serve_listing(c, false);
}

static void
serve_keys(struct conn *c, struct view body)
{
	struct msg_keys in;

	if (msg_decode(MSG_keys, body, &in) ||
	    !(c->match = view_strdup(in.match)))
		serve_malformed(c);
	else
		serve_listing(c, in.refresh);
}

/* ---- signing ---- */

struct request *
serve_begin(struct conn *c, const struct work *work)
{
	gpg_error_t err;

	if ((err = request_new(c, work, &c->request)))
		conn_fail(c, err, NULL);
	return c->request;
}

static void
serve_ssh_sign(struct conn *c, struct view body)
{
	struct msg_ssh_sign_request in;

	if (msg_decode(MSG_ssh_sign_request, body, &in) ||
	    request_new(c, &work_ssh, &c->request)) {
		frame_put_bare(&c->out, SSH_AGENT_FAILURE);
		conn_answered(c);
		return;
	}
	c->request->flags = in.flags;
	buf_put_view(&c->request->ssh_key, in.key);
	c->request->size = in.data.len;
	request_feed(c->request, in.data);
}

static void
serve_sign(struct conn *c, struct view body)
{
	struct msg_sign in;
	struct request *r;

	if (msg_decode(MSG_sign, body, &in)) {
		serve_malformed(c);
		return;
	}
	if (!view_eq_str(in.format, work_openpgp.format)) {
		conn_fail(c, gpg_error(GPG_ERR_NOT_SUPPORTED),
		    "this agent does not sign in that format");
		return;
	}
	if (!(r = serve_begin(c, &work_openpgp)))
		return;
	r->size = in.size;
	request_text(r, &r->key_text, in.key);
	request_feed(r, in.chunk);
}

static void
serve_more(struct conn *c, struct view body)
{
	struct msg_more in;

	if (!c->request || c->request->stage != STAGE_RECEIVE ||
	    msg_decode(MSG_more, body, &in) || in.chunk.len == 0)
		serve_malformed(c);
	else
		request_feed(c->request, in.chunk);
}

static void
serve_wait(struct conn *c, struct view body)
{
	if (!c->request || c->request->stage == STAGE_RECEIVE || body.len > 0)
		serve_malformed(c);
	else
		request_wait(c->request);
}

/* ---- administration ---- */

void
serve_note(struct conn *c, const char *what)
{
	struct audit_record rec = {
		.stage = AUDIT_EVENT,
		.kind = what,
		.requester = conn_requester(c),
		.origin = "local",
	};

	if (c->agent->audit)
		audit_put(c->agent->audit, &rec, NULL, NULL);
}

void
serve_forgotten(struct conn *c)
{
	if (is_settled(c))
		answer_listing(c);
	else
		agent_watch(c->agent, &c->watcher);
}

/* Whether a PIN is held is the token process's to say, and changes. */
static void
serve_status(struct conn *c, struct view body)
{
	struct module *m, *next;

	if (body.len > 0) {
		serve_malformed(c);
		return;
	}
	TAILQ_FOREACH_SAFE(m, &c->agent->modules, next, next)
		if (m->state == MODULE_READY)
			module_refresh(m, 0);
	c->refresh = true;
	answer_when_settled(c);
}

static void
serve_reload(struct conn *c, struct view body)
{
	char *problem = NULL;
	gpg_error_t err;

	serve_note(c, "reload");
	if ((err = agent_reload(c->agent, &problem)))
		conn_fail(c, err, problem);
	else
		conn_reply(c, 0, "", NULL);
	free(problem);
}

static void
serve_stop(struct conn *c, struct view body)
{
	serve_note(c, "stop");
	conn_reply(c, 0, "", NULL);
	agent_stop(c->agent);
}

static void
serve_session(struct conn *c, struct view body)
{
	struct place *place;
	struct module *m;
	gpg_error_t err;

	if ((err = place_of(c->pid, c->start, &place))) {
		conn_fail(c, err, NULL);
		return;
	}
	if (!place_usable(place)) {
		conn_fail(c, gpg_error(GPG_ERR_NO_PIN_ENTRY),
		    place_problem(place));
		place_free(&place);
		return;
	}
	place_free(&c->agent->session);
	c->agent->session = place;
	TAILQ_FOREACH(m, &c->agent->modules, next)
		m->nowhere_ms = 0;
	serve_note(c, "session");
	conn_reply(c, 0, "", NULL);
}

static const struct {
	enum msg_id id;
	void (*serve)(struct conn *, struct view body);
	bool meanwhile;		/* while a request is under way */
	bool locked;		/* while the agent is locked */
} services[] = {
	{ MSG_ssh_request_identities, serve_identities, false, true },
	{ MSG_ssh_sign_request, serve_ssh_sign, false, false },
	{ MSG_ssh_bind, serve_bind, false, true },
	{ MSG_ssh_add, serve_ssh_add, false, false },
	{ MSG_ssh_add_constrained, serve_ssh_add, false, false },
	{ MSG_ssh_remove, serve_ssh_remove, false, false },
	{ MSG_ssh_remove_all, serve_ssh_remove_all, false, false },
	{ MSG_ssh_smartcard_add, serve_ssh_card_add, false, false },
	{ MSG_ssh_smartcard_add_constrained, serve_ssh_card_add, false,
	    false },
	{ MSG_ssh_smartcard_remove, serve_ssh_card_remove, false, false },
	{ MSG_ssh_lock, serve_ssh_lock, false, true },
	{ MSG_ssh_unlock, serve_ssh_lock, false, true },
	{ MSG_sign, serve_sign, false, false },
	{ MSG_more, serve_more, true, true },
	{ MSG_wait, serve_wait, true, true },
	{ MSG_keys, serve_keys, false, false },
	{ MSG_status, serve_status, false, true },
	{ MSG_forget, serve_forget, false, true },
	{ MSG_reload, serve_reload, false, true },
	{ MSG_stop, serve_stop, false, true },
	{ MSG_session, serve_session, false, true },
	{ MSG_token_init, serve_token_init, false, false },
	{ MSG_generate, serve_generate, false, false },
	{ MSG_certify, serve_certify, false, false },
	{ MSG_revoke, serve_revoke, false, false },
	{ MSG_certificate, serve_certificate, false, false },
	{ MSG_attest, serve_attest, false, false },
	{ MSG_secret, serve_secret, false, false },
	{ MSG_move, serve_move, false, false },
	{ MSG_delete, serve_delete, false, false },
};

#define SERVICES (sizeof(services) / sizeof(services[0]))

/* RFC 9987, 3.8.1: the names of the extensions that this socket takes. */
static void
serve_query(struct conn *c)
{
	size_t place = buf_open(&c->out);

	buf_put_u8(&c->out, SSH_AGENT_EXTENSION_RESPONSE);
	buf_put_cstring(&c->out, "query");
	for (size_t i = 0; i < SERVICES; i++) {
		const struct msg_row *row = msg_row(services[i].id);
		char name[128];

		if (row->code != SSH_AGENTC_EXTENSION ||
		    (row->scope == SCOPE_LOCAL && c->origin != ORIGIN_LOCAL))
			continue;
		snprintf(name, sizeof(name), "%s%s", row->name,
		    row->scope == SCOPE_SSH ? "" : "@" WIRE_DOMAIN);
		buf_put_cstring(&c->out, name);
	}
	buf_close(&c->out, place);
	conn_answered(c);
}

static bool
is_query(struct view frame)
{
	struct view name;
	uint8_t type;

	return !view_get_u8(&frame, &type) && type == SSH_AGENTC_EXTENSION &&
	    !view_get_string(&frame, 256, &name) &&
	    view_eq_str(name, "query") && frame.len == 0;
}

static void
refuse(struct conn *c, struct view frame)
{
	frame_put_bare(&c->out, frame.p[0] == SSH_AGENTC_EXTENSION ?
	    SSH_AGENT_EXTENSION_FAILURE : SSH_AGENT_FAILURE);
	conn_answered(c);
}

/* Words go where there is room for them. */
static void
refuse_locked(struct conn *c, struct view frame)
{
	if (msg_row(c->question)->scope == SCOPE_SSH)
		refuse(c, frame);
	else
		conn_fail(c, gpg_error(GPG_ERR_LOCKED), LOCK_PROBLEM);
}

void
conn_serve(struct conn *c, struct view frame)
{
	struct view body;
	enum msg_id id;

	c->asked = true;
	if (c->agent->draining && !c->request) {
		refuse(c, frame);
		c->doomed = true;
		return;
	}
	if (is_query(frame)) {
		serve_query(c);
		return;
	}
	if (frame_get_request(frame, &id, &body) ||
	    (msg_row(id)->scope == SCOPE_LOCAL &&
	    c->origin != ORIGIN_LOCAL)) {
		refuse(c, frame);
		return;
	}
	c->question = id;
	for (size_t i = 0; i < SERVICES; i++) {
		if (services[i].id != id)
			continue;
		if (c->request && !services[i].meanwhile)
			break;
		if (agent_is_locked(c->agent) && !services[i].locked)
			refuse_locked(c, frame);
		else
			services[i].serve(c, body);
		return;
	}
	refuse(c, frame);
}
