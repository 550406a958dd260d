/* One configured module: the life of its token process. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card.h"
#include "helper.h"
#include "keys.h"
#include "listing.h"
#include "opensc.h"
#include "pin.h"
#include "wire/text.h"

void
module_free(struct module *m)
{
	struct call *c;

	pin_drop(m);
	while ((c = TAILQ_FIRST(&m->calls))) {
		c->done = NULL;
		call_free(c);
	}
	TAILQ_REMOVE(&m->agent->modules, m, next);
	helper_end(&m->helper);
	keyring_drop(m->agent->keyring, m);
	listing_free(m);
	card_free(m);
	module_config_clear(&m->config);
	free(m);
}

void
module_problem(struct module *m, const char *what)
{
	char text[sizeof(m->problem)];

	snprintf(text, sizeof(text), "module %s: %s", m->config.name, what);
	text_clean(m->problem, sizeof(m->problem), view_str(text));
}

/*
 * The process is gone: all that was asked of it fails, nothing else does.
 * Whoever is told so may start the next process at once.
 */
static void
module_down(struct module *m, gpg_error_t err, const char *how)
{
	uint32_t life = m->life++;
	char text[sizeof(m->problem)];
	struct call *c;

	module_problem(m, how);
	m->held = false;
	agent_log("%s", m->problem);
	helper_kill(&m->helper);
	m->state = MODULE_OFF;
	m->listed_ms = agent_now_ms();
	listing_free(m);
	keyring_drop(m->agent->keyring, m);
	strcpy(text, m->problem);
	while ((c = call_of_life(m, life)))
		call_finish(c, err, text, NULL);
	agent_changed(m->agent);
}

static bool
is_over(const struct module *m)
{
	const struct call *c;

	TAILQ_FOREACH(c, &m->calls, next)
		if (!c->given_up)
			return false;
	return m->retired && TAILQ_EMPTY(&m->talks) && m->checking == 0;
}

void
module_settle(struct module *m)
{
	if (is_over(m))
		agent_changed(m->agent);
}

void
modules_sweep(struct agent *a)
{
	struct module *m, *next;

	TAILQ_FOREACH_SAFE(m, &a->modules, next, next)
		if (is_over(m))
			module_free(m);
}

static void
on_gone(void *arg, const char *how)
{
	struct module *m = arg;

	m->helper = NULL;
	module_down(m, gpg_error(GPG_ERR_CARD), how);
	module_settle(m);
}

/* What the token process says unasked; false: it is not that. */
static bool
take_event(struct module *m, struct view v)
{
	struct msg_token_event event;
	struct view body;
	enum msg_id id;
	uint32_t serial;
	struct call *c;

	if (datagram_get(v, SCOPE_TOKEN, &id, &serial, &body) ||
	    id != MSG_token_event || serial != 0 ||
	    msg_decode(id, body, &event))
		return false;
	if (event.event == EVENT_CHANGED) {
		listing_again(m, false);
	} else if ((c = call_by_serial(m, event.request)) && c->event &&
	    c->done) {
		c->event(c->arg, event.event);
	}
	return true;
}

static void
on_datagram(void *arg, struct view v)
{
	_Alignas(max_align_t) char reply[256];
	char words[1025];
	struct module *m = arg;
	gpg_error_t err, code;
	struct view text;
	struct call *c;
	uint32_t serial;
	bool is_reply;

	if (take_event(m, v))
		return;
	err = datagram_get_serial(v, &is_reply, &serial);
	if (!err && (!is_reply || !(c = call_by_serial(m, serial))))
		err = gpg_error(GPG_ERR_BAD_DATA);
	if (!err && msg_row(msg_row(c->id)->reply)->size > sizeof(reply))
		err = gpg_error(GPG_ERR_BUG);
	if (!err)
		err = datagram_get_reply(v, c->id, &code, &text, reply);
	if (err) {
		module_down(m, gpg_error(GPG_ERR_CARD),
		    "its process answered garbage");
		module_settle(m);
		return;
	}
	snprintf(words, sizeof(words), "%.*s", (int)text.len,
	    text.len ? (const char *)text.p : "");
	call_finish(c, code, words, code ? NULL : reply);
	module_settle(m);
}

static void
on_deadline(int fd, short what, void *arg)
{
	struct call *c = arg;
	struct module *m = c->module;
	char how[128];

	if (call_may_be_given_up(c)) {
		snprintf(how, sizeof(how), "module %s: a token did not answer "
		    "within %u s", m->config.name, m->config.deadline_s);
		call_give_up(c, how);
		module_settle(m);
		return;
	}
	snprintf(how, sizeof(how), "it did not answer within %u s and was "
	    "ended", m->config.deadline_s);
	module_down(m, gpg_error(GPG_ERR_TIMEOUT), how);
	module_settle(m);
}

static void
on_send_failed(int fd, short what, void *arg)
{
	struct call *c = arg;
	struct module *m = c->module;
	char text[sizeof(m->problem)];

	strcpy(text, m->problem[0] ? m->problem :
	    "the token's process cannot be asked");
	call_finish(c, gpg_error(GPG_ERR_CARD), text, NULL);
	module_settle(m);
}

static bool module_start(struct module *);

struct call *
module_call(struct module *m, enum msg_id id, const void *in, int fd,
    uint32_t deadline_ms, call_done *done, void *arg)
{
	struct call *c;

	if (!(c = call_new(m, id, deadline_ms, done, arg))) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (m->state == MODULE_OFF && !module_start(m)) {
		if (fd >= 0)
			close(fd);
		call_timer(c, on_send_failed, 0);
	} else if (call_send(c, in, fd)) {
		call_timer(c, on_send_failed, 0);
	} else if (deadline_ms > 0) {
		call_timer(c, on_deadline, call_patience(c));
	}
	return c;
}

static void
on_opened(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct module *m = arg;

	if (err && m->state == MODULE_OPENING) {
		module_down(m, err, text);
		return;
	}
	if (!err)
		m->state = MODULE_READY;
}

static const struct helper_ops ops = { on_datagram, on_gone };

static const char *
or_empty(const char *s)
{
	return s ? s : "";
}

static gpg_error_t
spawn(struct module *m, const char *program)
{
	char **env;
	gpg_error_t err;

	if ((err = opensc_env(m->agent, &m->config, &env)))
		return err;
	err = helper_spawn(m->agent, program, env ? env : m->config.env, -1,
	    &ops, m, &m->helper);
	opensc_env_free(&env);
	return err;
}

static const char *const programs[] = {
	[MODULE_PKCS11] = "touchstone-token",
	[MODULE_PIV] = "touchstone-piv",
	[MODULE_MEMORY] = "touchstone-softkeys",
};

/* Starts the process; what is called meanwhile is answered in order. */
static bool
module_start(struct module *m)
{
	struct msg_token_open in = {
		.version = WIRE_TOKEN_VERSION,
		.path = view_str(or_empty(m->config.type == MODULE_PIV ?
		    m->config.reader : m->config.path)),
		.pin_source = view_str(or_empty(m->config.pin_source)),
		.sessions = m->config.sessions,
		.pin_ttl_ms = m->config.pin_ttl_s * 1000,
	};
	const char *program = programs[m->config.type];
	char how[512];
	gpg_error_t err;

	if ((err = spawn(m, program))) {
		snprintf(how, sizeof(how), "cannot run %s/%s: %s", LIBEXECDIR,
		    program, gpg_strerror(err));
		module_problem(m, how);
		agent_log("%s", m->problem);
		return false;
	}
	m->state = MODULE_OPENING;
	return module_call(m, MSG_token_open, &in, -1,
	    m->config.deadline_s * 1000, on_opened, m) != NULL;
}

gpg_error_t
module_new(struct agent *a, struct module_config *config)
{
	struct module *m;

	if (!(m = calloc(1, sizeof(*m))))
		return gpg_error(GPG_ERR_ENOMEM);
	m->agent = a;
	m->config = *config;
	memset(config, 0, sizeof(*config));
	TAILQ_INIT(&m->calls);
	TAILQ_INIT(&m->talks);
	TAILQ_INSERT_TAIL(&a->modules, m, next);
	return 0;
}

void
module_end(struct module *m)
{
	if (!TAILQ_EMPTY(&m->calls))
		module_down(m, gpg_error(GPG_ERR_CANCELED), "the agent ended");
	module_settle(m);
}

void
module_retire(struct module *m)
{
	m->retired = true;
	keyring_drop(m->agent->keyring, m);
	agent_changed(m->agent);
}

struct module *
module_by_name(struct agent *a, struct view name)
{
	struct module *m;

	TAILQ_FOREACH(m, &a->modules, next)
		if (!m->retired && view_eq_str(name, m->config.name))
			return m;
	return NULL;
}
