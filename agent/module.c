/* One configured module: its token process and the calls to it. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "added.h"
#include "card.h"
#include "helper.h"
#include "keys.h"
#include "module.h"
#include "opensc.h"
#include "pin.h"
#include "wire/text.h"

#define PATIENCE_MAX_MS (1000 * 1000)	/* for a call and those before it */

struct call {
	TAILQ_ENTRY(call) next;
	struct module *module;
	uint32_t serial;
	enum msg_id id;
	call_done *done;	/* NULL: cancelled */
	call_event *event;
	void *arg;
	struct event timer;
	bool timed;
	uint32_t deadline_ms;
	uint32_t life;		/* which process it was asked of */
	bool given_up;		/* its process goes on without an answer */
};

static void
call_free(struct call *c)
{
	TAILQ_REMOVE(&c->module->calls, c, next);
	if (c->timed)
		event_del(&c->timer);
	if (c->module->listing == c)
		c->module->listing = NULL;
	free(c);
}

static void
call_finish(struct call *c, gpg_error_t err, const char *text,
    const void *reply)
{
	call_done *done = c->done;
	void *arg = c->arg;

	call_free(c);
	if (done)
		done(arg, err, text, reply);
}

void
call_cancel(struct call **cp)
{
	if (*cp)
		(*cp)->done = NULL;
	*cp = NULL;
}

static void
slots_free(struct module *m)
{
	for (size_t i = 0; i < m->slot_count; i++) {
		free(m->slots[i].label);
		free(m->slots[i].serial);
		free(m->slots[i].manufacturer);
		free(m->slots[i].model);
		free(m->slots[i].firmware);
	}
	free(m->slots);
	m->slots = NULL;
	m->slot_count = 0;
}

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
	slots_free(m);
	card_free(m);
	module_config_clear(&m->config);
	free(m);
}

static void list_again(struct module *, bool anew);

static void
set_problem(struct module *m, const char *what)
{
	char text[sizeof(m->problem)];

	snprintf(text, sizeof(text), "module %s: %s", m->config.name, what);
	text_clean(m->problem, sizeof(m->problem), view_str(text));
}

static struct call *
call_of_life(struct module *m, uint32_t life)
{
	struct call *c;

	TAILQ_FOREACH(c, &m->calls, next)
		if (c->life == life)
			return c;
	return NULL;
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

	set_problem(m, how);
	m->held = false;
	agent_log("%s", m->problem);
	helper_kill(&m->helper);
	m->state = MODULE_OFF;
	m->listed_ms = agent_now_ms();
	slots_free(m);
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
	return m->retired && TAILQ_EMPTY(&m->talks);
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

static struct call *
call_by_serial(struct module *m, uint32_t serial)
{
	struct call *c;

	TAILQ_FOREACH(c, &m->calls, next)
		if (c->serial == serial)
			return c;
	return NULL;
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
		list_again(m, false);
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

/*
 * A YubiKey that hangs costs its own call and one thread of the process, which
 * has the PINs of others: it goes on as long as it has another thread.
 */
static bool
may_give_up(const struct call *mine)
{
	const struct module *m = mine->module;
	const struct call *c;
	unsigned lost = 1;

	TAILQ_FOREACH(c, &m->calls, next)
		lost += c->given_up;
	return m->config.type == MODULE_PIV && m->state == MODULE_READY &&
	    lost < m->config.sessions;
}

/* An answer that comes after all is taken, and told nobody. */
static void
call_give_up(struct call *c, const char *text)
{
	struct module *m = c->module;
	call_done *done = c->done;

	c->done = NULL;
	c->timed = false;
	c->given_up = true;
	if (m->listing == c)
		m->listing = NULL;
	agent_log("%s", text);
	if (done)
		done(c->arg, gpg_error(GPG_ERR_TIMEOUT), text, NULL);
}

static void
on_deadline(int fd, short what, void *arg)
{
	struct call *c = arg;
	struct module *m = c->module;
	char how[128];

	if (may_give_up(c)) {
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

static gpg_error_t
call_send(struct call *c, const void *in, int fd)
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, DATAGRAM_MAX);
	if (c->id == MSG_token_import)
		buf_lock(&b);
	err = datagram_put(&b, c->serial, c->id, in);
	if (err && fd >= 0)
		close(fd);
	if (!err)
		err = helper_send(c->module->helper, &b, fd);
	buf_free(&b);
	return err;
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

static void
call_timer(struct call *c, event_callback_fn cb, uint32_t ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	evtimer_assign(&c->timer, c->module->agent->base, cb, c);
	event_add(&c->timer, &tv);
	c->timed = true;
}

void
call_on_event(struct call *c, call_event *event)
{
	if (c)
		c->event = event;
}

static bool module_start(struct module *);

/*
 * A token that is busy gets to a call when those before it are done, so that
 * many who ask at once do not look like one that hangs.
 */
static uint32_t
call_patience(const struct call *mine)
{
	const struct module *m = mine->module;
	const struct call *c;
	uint64_t ahead = 0;

	/* What ends a process on purpose does not wait for it. */
	if (mine->id == MSG_token_forget)
		return mine->deadline_ms;
	TAILQ_FOREACH(c, &m->calls, next)
		if (c != mine && c->timed)
			ahead += c->deadline_ms;
	ahead = mine->deadline_ms + ahead / m->config.sessions;
	return ahead < PATIENCE_MAX_MS ? (uint32_t)ahead : PATIENCE_MAX_MS;
}

struct call *
module_call(struct module *m, enum msg_id id, const void *in, int fd,
    uint32_t deadline_ms, call_done *done, void *arg)
{
	struct call *c;

	if (!(c = calloc(1, sizeof(*c)))) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	c->module = m;
	c->serial = ++m->serial;
	c->id = id;
	c->done = done;
	c->arg = arg;
	c->deadline_ms = deadline_ms;
	c->life = m->life;
	TAILQ_INSERT_TAIL(&m->calls, c, next);
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
on_listed(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct module *m = arg;
	struct msg_token_listing listing;
	struct msg_token_slot s;

	m->listed_ms = agent_now_ms();
	m->changed = false;
	m->held = gpg_err_code(err) == GPG_ERR_LOCKED;
	if (m->retired)
		return;
	if (err) {
		if (m->state == MODULE_READY)
			set_problem(m, text);
		/* What one token keeps others from telling still holds. */
		if (gpg_err_code(err) == GPG_ERR_TIMEOUT &&
		    m->state == MODULE_READY) {
			agent_changed(m->agent);
			return;
		}
		keyring_drop(m->agent->keyring, m);
		slots_free(m);
		agent_changed(m->agent);
		return;
	}
	listing = *(const struct msg_token_listing *)reply;
	m->problem[0] = 0;
	slots_free(m);
	m->slots = calloc(listing.slots.count ? listing.slots.count : 1,
	    sizeof(*m->slots));
	while (m->slots && msg_list_next(&listing.slots, MSG_token_slot, &s))
		m->slots[m->slot_count++] = (struct slot){
			.slot = s.slot, .flags = s.flags,
			.tries_left = s.tries_left,
			.firmware = view_strdup(s.firmware),
			.label = view_strdup(s.label),
			.serial = view_strdup(s.serial),
			.manufacturer = view_strdup(s.manufacturer),
			.model = view_strdup(s.model),
		};
	if (card_hides(m))
		keyring_drop(m->agent->keyring, m);
	else
		keyring_set(m->agent->keyring, m, &listing);
	if (m->config.type == MODULE_MEMORY)
		added_sweep(m->agent);
	agent_changed(m->agent);
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
		set_problem(m, how);
		agent_log("%s", m->problem);
		return false;
	}
	m->state = MODULE_OPENING;
	return module_call(m, MSG_token_open, &in, -1,
	    m->config.deadline_s * 1000, on_opened, m) != NULL;
}

/* Lists now; `anew` also what the process has looked at before. */
static void
list_now(struct module *m, bool anew)
{
	struct msg_token_list in = { .anew = anew };

	m->listing = module_call(m, MSG_token_list, &in, -1,
	    m->config.deadline_s * 1000, on_listed, m);
}

void
module_refresh(struct module *m, uint64_t max_age_ms)
{
	if (m->retired || m->listing)
		return;
	if (m->listed_ms && agent_now_ms() - m->listed_ms < max_age_ms)
		return;
	list_now(m, max_age_ms == 0);
}

/* What is being listed does not count any more. */
static void
list_again(struct module *m, bool anew)
{
	m->changed = true;
	if (m->listing)
		m->listing->done = NULL;
	m->listing = NULL;
	if (!m->retired)
		list_now(m, anew);
}

void
module_changed(struct module *m)
{
	list_again(m, true);
}

bool
modules_refresh(struct agent *a, uint64_t max_age_ms)
{
	struct module *m, *next;
	bool settled = true;

	TAILQ_FOREACH_SAFE(m, &a->modules, next, next) {
		module_refresh(m, max_age_ms);
		settled &= !m->listing;
	}
	return settled;
}

bool
modules_retry(struct agent *a, uint64_t since_ms)
{
	struct module *m, *next;
	bool tried = false;

	TAILQ_FOREACH_SAFE(m, &a->modules, next, next) {
		if (m->retired || !m->problem[0] || m->listed_ms > since_ms)
			continue;
		module_refresh(m, 0);
		tried |= m->listing != NULL;
	}
	return tried;
}

bool
modules_any(const struct agent *a)
{
	const struct module *m;

	TAILQ_FOREACH(m, &a->modules, next)
		if (!m->retired && m->config.type != MODULE_MEMORY)
			return true;
	return false;
}

const struct module *
modules_broken(const struct agent *a, const char *name)
{
	const struct module *m, *first = NULL;
	bool works = false;

	TAILQ_FOREACH(m, &a->modules, next) {
		/* That memory works does not tell that tokens do. */
		if (m->retired || (m->config.type == MODULE_MEMORY &&
		    (!name || strcmp(m->config.name, name))))
			continue;
		if (!m->problem[0])
			works = true;
		else if (name && !strcmp(m->config.name, name))
			return m;
		else if (!first)
			first = m;
	}
	return works ? NULL : first;
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

const struct slot *
module_slot(const struct module *m, uint32_t slot)
{
	for (size_t i = 0; i < m->slot_count; i++)
		if (m->slots[i].slot == slot)
			return &m->slots[i];
	return NULL;
}

void
module_learn(struct module *m, uint32_t slot, uint32_t set, uint32_t clear)
{
	for (size_t i = 0; i < m->slot_count; i++)
		if (m->slots[i].slot == slot)
			m->slots[i].flags = (m->slots[i].flags & ~clear) | set;
}
