/* Answers that wait for the modules: listings, status, what was forgotten. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "card.h"
#include "conn.h"
#include "helper.h"
#include "listing.h"
#include "lock.h"
#include "serve.h"

#define SETTLE_S 2		/* what a listing waits for slow modules */
#define LISTING_FRESH_MS 3000	/* older: listed anew, in the background */

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
		list_keys(c);
	else if (c->question == MSG_forget)
		conn_reply(c, 0, "", NULL);
	else if (c->question == MSG_ssh_lock)
		answer_locked(c);
	else if (c->question == MSG_status)
		answer_status(c);
	else
		list_identities(c);
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

void
serve_identities(struct conn *c, struct view body)
{
	if (body.len > 0) {
		frame_put_bare(&c->out, SSH_AGENT_FAILURE);
		conn_answered(c);
		return;
	}
	serve_listing(c, false);
}

void
serve_keys(struct conn *c, struct view body)
{
	struct msg_keys in;

	if (msg_decode(MSG_keys, body, &in) ||
	    !(c->match = view_strdup(in.match)))
		serve_malformed(c);
	else
		serve_listing(c, in.refresh);
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
void
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
