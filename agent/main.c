/* touchstone-agent: starts, reads its configuration, runs the loop, ends. */
#include <config.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "agent.h"
#include "audit.h"
#include "config.h"
#include "conn.h"
#include "helper.h"
#include "keys.h"
#include "listen.h"
#include "module.h"
#include "place.h"

#define DRAIN_S 5		/* what is pending gets this long to end */

uint64_t
agent_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
agent_log(const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "touchstone-agent: %s\n", line);
}

char *
agent_text(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return strdup(text);
}

void
agent_watch(struct agent *a, struct watcher *w)
{
	if (w->armed)
		return;
	w->armed = true;
	TAILQ_INSERT_TAIL(&a->watchers, w, next);
}

void
agent_unwatch(struct agent *a, struct watcher *w)
{
	if (!w->armed)
		return;
	w->armed = false;
	TAILQ_REMOVE(&a->watchers, w, next);
}

/* From the loop: who changed something is not in the middle of it then. */
static void
on_changed(int fd, short what, void *arg)
{
	struct agent *a = arg;
	struct watcher mark = { .armed = true }, *w;

	TAILQ_INSERT_TAIL(&a->watchers, &mark, next);
	while ((w = TAILQ_FIRST(&a->watchers)) != &mark) {
		agent_unwatch(a, w);
		w->changed(w->arg);
	}
	TAILQ_REMOVE(&a->watchers, &mark, next);
}

void
agent_changed(struct agent *a)
{
	event_active(a->change, EV_TIMEOUT, 0);
}

gpg_error_t
agent_audit(struct agent *a)
{
	char dir[1024];
	gpg_error_t err;

	if (a->audit)
		return 0;
	free(a->audit_problem);
	a->audit_problem = NULL;
	snprintf(dir, sizeof(dir), "%s/audit", a->paths.state);
	err = audit_open(&a->audit, a->base, dir, &a->audit_problem);
	if (err && !a->audit_problem)
		a->audit_problem = strdup(gpg_strerror(err));
	return err;
}

/* ---- configuration ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool
same_module(const struct module_config *a, const struct module_config *b)
{
	size_t i = 0;

	if (!same_text(a->name, b->name) || !same_text(a->path, b->path) ||
	    !same_text(a->pin_source, b->pin_source) ||
	    a->sessions != b->sessions || a->pin_ttl_s != b->pin_ttl_s ||
	    a->deadline_s != b->deadline_s)
		return false;
	for (; a->env[i] && b->env[i]; i++)
		if (strcmp(a->env[i], b->env[i]))
			return false;
	return !a->env[i] && !b->env[i];
}

static bool
is_configured(const struct config *c, const struct module *m)
{
	for (size_t i = 0; i < c->module_count; i++)
		if (c->modules[i].name &&
		    same_module(&c->modules[i], &m->config))
			return true;
	return false;
}

/* Modules that are configured as before keep their process and its PIN. */
static void
update_modules(struct agent *a, struct config *c)
{
	struct module *m, *next;

	TAILQ_FOREACH_SAFE(m, &a->modules, next, next)
		if (!m->retired && !is_configured(c, m))
			module_retire(m);
	for (size_t i = 0; i < c->module_count; i++)
		if (!module_by_name(a, view_str(c->modules[i].name)) &&
		    module_new(a, &c->modules[i]))
			agent_log("module: out of memory");
}

gpg_error_t
agent_reload(struct agent *a, char **problem)
{
	struct config *c;
	char dir[1024];
	gpg_error_t err;

	if ((err = config_load(a->paths.config, &c, problem)))
		return err;
	update_modules(a, c);
	config_free(&a->config);
	a->config = c;
	snprintf(dir, sizeof(dir), "%s/keys", a->paths.data);
	if ((err = keyring_load(a->keyring, dir)))
		*problem = agent_text("%s: %s", dir, gpg_strerror(err));
	agent_changed(a);
	return err;
}

/* ---- the end ---- */

static void
on_drained(int fd, short what, void *arg)
{
	struct agent *a = arg;

	event_base_loopbreak(a->base);
}

void
agent_stop(struct agent *a)
{
	const struct timeval tv = { DRAIN_S, 0 }, soon = { 0, 20000 };

	if (a->draining)
		return;
	a->draining = true;
	/* A reply that was just put still leaves. */
	event_base_once(a->base, -1, EV_TIMEOUT, on_drained, a,
	    a->pending ? &tv : &soon);
}

void
agent_pending_done(struct agent *a)
{
	static const struct timeval soon = { 0, 20000 };

	if (--a->pending == 0 && a->draining)
		event_base_once(a->base, -1, EV_TIMEOUT, on_drained, a, &soon);
}

static void
on_signal(int sig, short what, void *arg)
{
	struct agent *a = arg;
	char *problem = NULL;

	switch (sig) {
	case SIGCHLD:
		helper_reap(a);
		break;
	case SIGHUP:
		if (agent_reload(a, &problem))
			agent_log("kept as it was: %s",
			    problem ? problem : "cannot reload");
		free(problem);
		break;
	default:
		agent_stop(a);
	}
}

/* ---- the beginning ---- */

/* No core, no debugger, no privileges gained, no configuration of OpenSSL. */
static void
harden(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
}

static gpg_error_t
agent_init(struct agent *a)
{
	struct event_config *how = event_config_new();
	gpg_error_t err;

	TAILQ_INIT(&a->modules);
	TAILQ_INIT(&a->conns);
	TAILQ_INIT(&a->prompts);
	TAILQ_INIT(&a->helpers);
	TAILQ_INIT(&a->watchers);
	if (!how)
		return gpg_error(GPG_ERR_ENOMEM);
	event_config_set_flag(how, EVENT_BASE_FLAG_NOLOCK |
	    EVENT_BASE_FLAG_IGNORE_ENV);
	a->base = event_base_new_with_config(how);
	event_config_free(how);
	if (!a->base || !(a->datagram = malloc(DATAGRAM_MAX)) ||
	    !(a->change = evtimer_new(a->base, on_changed, a)))
		return gpg_error(GPG_ERR_ENOMEM);
	a->started_ms = agent_now_ms();
	if ((err = paths_init(&a->paths)))
		return err;
	return keyring_new(&a->keyring);
}

static void
agent_clear(struct agent *a)
{
	struct module *m;
	struct conn *c;

	while ((c = TAILQ_FIRST(&a->conns)))
		conn_close(c);
	audit_close(&a->audit);
	while ((m = TAILQ_FIRST(&a->modules)))
		module_free(m);
	place_free(&a->session);
	keyring_free(&a->keyring);
	config_free(&a->config);
	helper_forget(a);
	paths_free(&a->paths);
	free(a->audit_problem);
	free(a->datagram);
	if (a->change)
		event_free(a->change);
	if (a->base)
		event_base_free(a->base);
}

static void
say_ready(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "", 1) < 0)
		agent_log("nobody waits for it to be ready");
	close(fd);
}

static int
run(struct agent *a, int ready_fd)
{
	static const int signals[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };
	struct event events[4];
	struct listener *listener = NULL;
	char *problem = NULL;
	gpg_error_t err;

	if ((err = agent_init(a)) || (err = listener_open(a, &listener,
	    &problem)) || (err = agent_reload(a, &problem))) {
		agent_log("%s", problem ? problem : gpg_strerror(err));
		free(problem);
		listener_close(&listener);
		agent_clear(a);
		return gpg_err_code(err) == GPG_ERR_EALREADY ? 3 : 1;
	}
	for (size_t i = 0; i < 4; i++) {
		evsignal_assign(&events[i], a->base, signals[i], on_signal, a);
		event_add(&events[i], NULL);
	}
	if (agent_audit(a))
		agent_log("nothing can be signed: %s", a->audit_problem);
	say_ready(ready_fd);
	event_base_dispatch(a->base);
	listener_close(&listener);
	for (size_t i = 0; i < 4; i++)
		event_del(&events[i]);
	agent_clear(a);
	return 0;
}

static void
usage(FILE *to)
{
	fputs("usage: touchstone-agent [--ready-fd N] [--help] [--version]\n"
	    "Signs with keys on tokens, for touchstone-gpg, touchstone and "
	    "ssh.\nClients start it when it is needed; `touchstone stop` ends "
	    "it.\nSee touchstone-agent(1).\n", to);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "ready-fd", required_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct agent agent = { 0 };
	int opt, ready_fd = -1;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			usage(stdout);
			return 0;
		case 'v':
			puts("touchstone-agent " PACKAGE_VERSION);
			return 0;
		case 'r':
			ready_fd = atoi(optarg);
			if (ready_fd > 2)
				break;
			/* FALLTHROUGH */
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return 2;
	}
	harden();
	return run(&agent, ready_fd);
}
