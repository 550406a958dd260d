/*
 * ssh-add -s and -e: a module's keys are shown, within limits, or hidden.  A
 * client names no module that is not trusted already, and what it names else
 * is not looked at.
 */
#include <config.h>

#include <sys/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "card.h"
#include "config.h"
#include "conn.h"
#include "dropin.h"
#include "format/sshkey.h"
#include "listing.h"
#include "serve.h"

#define PIN_MAX 256
#define LOGIN_S 30		/* for a token to take the PIN */

extern char **environ;

/* A module on its way to being shown. */
struct card_errand {
	TAILQ_ENTRY(card_errand) next;
	struct agent *agent;
	struct conn *conn;	/* NULL: the client is gone */
	char *module;		/* its name */
	bool made;		/* for this errand */
	struct buf pin;		/* locked; empty: asked for when needed */
	struct buf limits;	/* as they came */
	struct watcher watcher;	/* of its listing */
	struct event timer;
	struct call *call;	/* the login */
	uint32_t slot;
	int fd;			/* where the PIN is asked for */
	struct event asked;
	char requester[512];
};

static void
record(struct agent *a, const char *kind, const char *what,
    const char *requester, const char *why)
{
	struct audit_record rec = {
		.stage = why ? AUDIT_DENIED : AUDIT_EVENT,
		.kind = kind,
		.format = "ssh",
		.summary = what,
		.requester = requester,
		.origin = "agent",
		.verdict = why ? why : "ok",
	};

	if (!a->audit)
		return;
	if (why)
		audit_deny(a->audit, &rec);
	else
		audit_put(a->audit, &rec, NULL, NULL);
}

static void
answer(struct conn *c, bool good)
{
	frame_put_bare(&c->out, good ? SSH_AGENT_SUCCESS : SSH_AGENT_FAILURE);
	conn_answered(c);
}

/* The protocol has no text for a failure: the log has it. */
static void
refuse(struct conn *c, const char *kind, const char *why)
{
	record(c->agent, kind, NULL, conn_requester(c), why);
	answer(c, false);
}

/* ---- which module is meant ---- */

static struct module *
find_module(struct agent *a, struct view text)
{
	struct module *m;

	TAILQ_FOREACH(m, &a->modules, next)
		if (!m->retired && m->config.type != MODULE_MEMORY &&
		    (view_eq_str(text, m->config.name) ||
		    (m->config.path && view_eq_str(text, m->config.path))))
			return m;
	return NULL;
}

/* A list as ssh_config(5) has it; what it takes back counts. */
static bool
is_in_list(const char *list, struct view path)
{
	bool found = false;

	for (size_t n; *list; list += n + (list[n] == ',')) {
		bool not = *list == '!';

		n = strcspn(list, ",");
		if (!ssh_pattern_matches(view_of(list + not, n - not), path))
			continue;
		if (not)
			return false;
		found = true;
	}
	return found;
}

/* The text alone decides: a name that leads elsewhere is none. */
static bool
is_allowed(struct agent *a, struct view path)
{
	const char *list = a->dropin ? a->dropin->modules : NULL;

	return list && path.len > 0 && path.p[0] == '/' &&
	    !memmem(path.p, path.len, "/.", 2) &&
	    !memmem(path.p, path.len, "//", 2) && is_in_list(list, path);
}

static char **
copy_environment(void)
{
	size_t n = 0;
	char **env;

	while (environ[n])
		n++;
	if (!(env = calloc(n + 1, sizeof(*env))))
		return NULL;
	for (size_t i = 0; i < n && (env[i] = strdup(environ[i])); i++)
		;
	return env;
}

/* As the agent's own environment has it, since no configuration does. */
static struct module *
make_module(struct agent *a, struct view path)
{
	struct module_config config = {
		.type = MODULE_PKCS11,
		.path = view_strdup(path),
		.env = copy_environment(),
		.sessions = 1,
		.pin_ttl_s = 600,
		.deadline_s = 10,
	};
	struct module *m = NULL;
	char name[32];

	for (unsigned n = 1; n < 64; n++) {
		snprintf(name, sizeof(name), "ssh-add-%u", n);
		if (!module_by_name(a, view_str(name)))
			break;
	}
	config.name = strdup(name);
	if (config.name && config.path && config.env &&
	    !module_by_name(a, view_str(name)) && !module_new(a, &config))
		m = module_by_name(a, view_str(name));
	module_config_clear(&config);
	return m;
}

/* ---- the end of an errand ---- */

static void
stop_login(struct card_errand *e)
{
	if (e->fd >= 0) {
		event_del(&e->asked);
		close(e->fd);
	}
	e->fd = -1;
}

static struct module *
errand_module(struct card_errand *e)
{
	return module_by_name(e->agent, view_str(e->module));
}

/* why NULL: the module's keys are there. */
static void
errand_end(struct card_errand *e, const char *why)
{
	struct module *m = errand_module(e);
	struct conn *c = e->conn;

	record(e->agent, "ssh-add -s", e->module, e->requester, why);
	if (why && m && e->made)
		module_retire(m);
	stop_login(e);
	call_cancel(&e->call);
	agent_unwatch(e->agent, &e->watcher);
	event_del(&e->timer);
	TAILQ_REMOVE(&e->agent->card_errands, e, next);
	buf_free(&e->pin);
	buf_free(&e->limits);
	free(e->module);
	free(e);
	if (c) {
		c->errand = NULL;
		answer(c, !why);
	}
}

static void
finish(struct card_errand *e, struct module *m)
{
	struct ssh_constraints limits;

	if (ssh_constraints_read(buf_view(&e->limits), &limits)) {
		errand_end(e, "what limits the keys is malformed");
		return;
	}
	if (limits.lifetime_s == 0 && e->agent->dropin)
		limits.lifetime_s = e->agent->dropin->lifetime_s;
	errand_end(e, card_show(m, &limits) ?
	    "a certificate is not right, or there is no memory" : NULL);
}

/* ---- the PIN ---- */

static void
on_login(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct card_errand *e = arg;
	struct module *m = errand_module(e);

	e->call = NULL;
	stop_login(e);
	if (err || !m) {
		errand_end(e, text && text[0] ? text :
		    "the token did not take the PIN");
		return;
	}
	m->nowhere_ms = 0;
	module_learn(m, e->slot, TOKEN_LOGGED_IN, 0);
	finish(e, m);
}

static bool
is_asked(int fd)
{
	struct msg_pin_verdict v;
	uint8_t raw[4096];
	enum msg_id id;
	struct view body;
	uint32_t serial;
	ssize_t n = recv(fd, raw, sizeof(raw), 0);

	return n > 0 && !datagram_get(view_of(raw, (size_t)n), SCOPE_PIN, &id,
	    &serial, &body) && id == MSG_pin_verdict &&
	    !msg_decode(id, body, &v) && v.verdict == PIN_ASK;
}

/* One try: whatever is said after it ends the conversation. */
static void
on_asked(int fd, short what, void *arg)
{
	struct card_errand *e = arg;
	struct msg_pin_entry entry = { .pin = buf_view(&e->pin) };
	struct buf b;

	if (buf_len(&e->pin) == 0 || !is_asked(fd)) {
		stop_login(e);
		return;
	}
	buf_init(&b, PIN_MAX + 64);
	if (buf_lock(&b) || datagram_put(&b, 0, MSG_pin_entry, &entry) ||
	    send(fd, buf_view(&b).p, buf_len(&b), MSG_NOSIGNAL) < 0)
		stop_login(e);
	buf_free(&b);
	buf_free(&e->pin);
}

static void
login(struct card_errand *e, struct module *m)
{
	struct msg_token_login in = { .slot = e->slot, .secret = SECRET_PIN };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		errand_end(e, "there is no descriptor for it");
		return;
	}
	e->fd = pair[1];
	event_assign(&e->asked, e->agent->base, e->fd, EV_READ | EV_PERSIST,
	    on_asked, e);
	event_add(&e->asked, NULL);
	e->call = module_call(m, MSG_token_login, &in, pair[0], 0, on_login,
	    e);
	if (!e->call)
		errand_end(e, "there is no memory");
}

/* The one token that a PIN can be meant for; else why there is none. */
static const char *
choose_token(struct card_errand *e, const struct module *m, bool *wanted)
{
	*wanted = false;
	for (size_t i = 0; i < m->slot_count; i++) {
		const struct slot *s = &m->slots[i];

		if (!(s->flags & TOKEN_LOGIN) || (s->flags & (TOKEN_EMPTY |
		    TOKEN_LOGGED_IN)))
			continue;
		if (*wanted)
			return "the module has several tokens, and a PIN is "
			    "for one: give none, and each is asked for when "
			    "it is needed";
		if (s->flags & (TOKEN_PIN_LAST | TOKEN_PIN_LOCKED))
			return "the token's last try is not for a PIN that "
			    "ssh-add sends";
		e->slot = s->slot;
		*wanted = true;
	}
	return NULL;
}

static void
on_listed(void *arg)
{
	struct card_errand *e = arg;
	struct module *m = errand_module(e);
	const char *why;
	bool wanted;

	if (!m) {
		errand_end(e, "the module is configured no more");
	} else if (m->listing) {
		agent_watch(e->agent, &e->watcher);
	} else if (m->problem[0]) {
		errand_end(e, m->problem);
	} else if (buf_len(&e->pin) == 0) {
		finish(e, m);
	} else if ((why = choose_token(e, m, &wanted))) {
		errand_end(e, why);
	} else if (!wanted) {
		finish(e, m);
	} else {
		login(e, m);
	}
}

static void
on_late(int fd, short what, void *arg)
{
	errand_end(arg, "the module did not answer in time");
}

/* ---- the services ---- */

static const char *
errand_new(struct conn *c, struct module *m, bool made,
    const struct msg_ssh_smartcard_add_constrained *in)
{
	const struct timeval tv = { LOGIN_S, 0 };
	struct card_errand *e = calloc(1, sizeof(*e));

	if (!e)
		return "there is no memory";
	e->agent = c->agent;
	e->made = made;
	e->fd = -1;
	e->watcher = (struct watcher){ .changed = on_listed, .arg = e };
	evtimer_assign(&e->timer, c->agent->base, on_late, e);
	buf_init(&e->pin, PIN_MAX);
	buf_init(&e->limits, FRAME_MAX);
	snprintf(e->requester, sizeof(e->requester), "%s", conn_requester(c));
	if (!(e->module = strdup(m->config.name)) || buf_lock(&e->pin) ||
	    buf_put_view(&e->pin, in->pin) ||
	    buf_put_view(&e->limits, in->constraints)) {
		buf_free(&e->pin);
		buf_free(&e->limits);
		free(e->module);
		free(e);
		return "there is no memory";
	}
	e->conn = c;
	c->errand = &e->conn;
	TAILQ_INSERT_TAIL(&c->agent->card_errands, e, next);
	event_add(&e->timer, &tv);
	module_refresh(m, 0);
	agent_watch(c->agent, &e->watcher);
	agent_changed(c->agent);
	return NULL;
}

static const char *
add(struct conn *c, const struct msg_ssh_smartcard_add_constrained *in)
{
	struct ssh_constraints limits;
	struct module *m;
	bool made = false;
	const char *why;

	if (!conn_may_manage(c))
		return "only clients of this machine may name modules";
	if (ssh_constraints_read(in->constraints, &limits))
		return "what limits the keys is malformed, or not known";
	if (!(m = find_module(c->agent, in->module)) &&
	    is_allowed(c->agent, in->module))
		made = (m = make_module(c->agent, in->module));
	if (!m)
		return "the configuration names no such module, so it was not "
		    "looked at";
	if ((why = errand_new(c, m, made, in)) && made)
		module_retire(m);
	return why;
}

void
serve_ssh_card_add(struct conn *c, struct view body)
{
	struct msg_ssh_smartcard_add_constrained in = { .pin = { NULL, 0 } };
	struct msg_ssh_smartcard_add plain;
	const char *why;

	if (c->question == MSG_ssh_smartcard_add) {
		why = msg_decode(c->question, body, &plain) ?
		    "the request is malformed" : NULL;
		in.module = plain.module;
		in.pin = plain.pin;
	} else {
		why = msg_decode(c->question, body, &in) ?
		    "the request is malformed" : NULL;
	}
	if (!why)
		why = add(c, &in);
	if (why)
		refuse(c, "ssh-add -s", why);
}

void
serve_ssh_card_remove(struct conn *c, struct view body)
{
	struct msg_ssh_smartcard_remove in;
	struct module *m;

	if (msg_decode(MSG_ssh_smartcard_remove, body, &in)) {
		refuse(c, "ssh-add -e", "the request is malformed");
	} else if (!conn_may_manage(c)) {
		refuse(c, "ssh-add -e",
		    "only clients of this machine may name modules");
	} else if (!(m = find_module(c->agent, in.module)) ||
	    card_hides(m)) {
		refuse(c, "ssh-add -e", "no module of that name is shown");
	} else {
		record(c->agent, "ssh-add -e", m->config.name,
		    conn_requester(c), NULL);
		card_hide(m);
		answer(c, true);
	}
}

void
card_errands_end(struct agent *a, const char *why)
{
	struct card_errand *e;

	while ((e = TAILQ_FIRST(&a->card_errands)))
		errand_end(e, why);
}
