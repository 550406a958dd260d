/* What is served to whom: one row per message that a client may send. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "card.h"
#include "conn.h"
#include "lock.h"
#include "reach.h"
#include "serve.h"
#include "work.h"

void
serve_malformed(struct conn *c)
{
	conn_fail(c, gpg_error(GPG_ERR_INV_REQUEST),
	    "the request is malformed");
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
	{ MSG_sign_image, serve_sign_image, false, false },
	{ MSG_sign_trust, serve_sign_trust, false, false },
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
	{ MSG_certify_image, serve_certify_image, false, false },
	{ MSG_certificate_request, serve_certificate_request, false, false },
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
