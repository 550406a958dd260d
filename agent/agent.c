/* What lives as long as the daemon: how it begins, reloads and ends. */
#include <config.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "added.h"
#include "agent.h"
#include "audit.h"
#include "card.h"
#include "check.h"
#include "config.h"
#include "conn.h"
#include "dropin.h"
#include "helper.h"
#include "hosts.h"
#include "keys.h"
#include "lock.h"
#include "module.h"
#include "opensc.h"
#include "place.h"
#include "serve.h"

#define DRAIN_S 5		/* what is pending gets this long to end */

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
	err = audit_open(&a->audit, a->base, dir, a->dropin != NULL,
	    &a->audit_problem);
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

	if (a->type != b->type || !same_text(a->reader, b->reader) ||
	    !same_text(a->name, b->name) || !same_text(a->path, b->path) ||
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
	if (m->config.type == MODULE_MEMORY)
		return c->software_keys;
	for (size_t i = 0; i < c->module_count; i++)
		if (c->modules[i].name &&
		    same_module(&c->modules[i], &m->config))
			return true;
	return false;
}

/* Whether YubiKeys are served from the same readers as before. */
static bool
same_yubikeys(const struct agent *a, const struct config *c)
{
	const struct module *m;
	size_t n = 0;

	TAILQ_FOREACH(m, &a->modules, next) {
		if (m->retired || m->config.type != MODULE_PIV)
			continue;
		if (!is_configured(c, m))
			return false;
		n++;
	}
	for (size_t i = 0; i < c->module_count; i++)
		n -= c->modules[i].type == MODULE_PIV;
	return n == 0;
}

/* Modules that are configured as before keep their process and its PIN. */
static void
update_modules(struct agent *a, struct config *c)
{
	bool same = same_yubikeys(a, c);
	struct module *m, *next;

	TAILQ_FOREACH_SAFE(m, &a->modules, next, next)
		if (!m->retired && (!is_configured(c, m) ||
		    (!same && opensc_concerns(&m->config))))
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
	snprintf(dir, sizeof(dir), "%s/keys", a->paths.data);
	if ((err = keyring_load(a->keyring, dir))) {
		*problem = agent_text("%s: %s", dir, gpg_strerror(err));
		config_free(&c);
		return err;
	}
	update_modules(a, c);
	config_free(&a->config);
	a->config = c;
	certs_load(a, dir);
	cards_reload(a);
	added_sweep(a);
	agent_changed(a);
	return 0;
}

/* ---- the end ---- */

static void
on_drained(int fd, short what, void *arg)
{
	struct agent *a = arg;

	if (a->pending == 0)
		event_base_loopbreak(a->base);
}

static void
on_drain_limit(int fd, short what, void *arg)
{
	struct agent *a = arg;

	event_base_loopbreak(a->base);
}

void
agent_stop(struct agent *a)
{
	const struct timeval limit = { DRAIN_S, 0 }, soon = { 0, 20000 };

	if (a->draining)
		return;
	a->draining = true;
	event_base_once(a->base, -1, EV_TIMEOUT, on_drain_limit, a, &limit);
	/* A reply that was just put still leaves. */
	event_base_once(a->base, -1, EV_TIMEOUT, on_drained, a, &soon);
}

void
agent_pending_done(struct agent *a)
{
	static const struct timeval soon = { 0, 20000 };

	if (--a->pending == 0 && a->draining)
		event_base_once(a->base, -1, EV_TIMEOUT, on_drained, a, &soon);
}

/* Where ssh looks for the names of hosts. */
static gpg_error_t
init_hosts(struct agent *a)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;
	char dir[1024];

	if ((!home || home[0] != '/') && (pw = getpwuid(getuid())))
		home = pw->pw_dir;
	snprintf(dir, sizeof(dir), "%s/.ssh", home ? home : "");
	a->hosts = hosts_new(dir, "/etc/ssh/ssh_known_hosts");
	return a->hosts ? 0 : gpg_error(GPG_ERR_ENOMEM);
}

gpg_error_t
agent_init(struct agent *a)
{
	struct event_config *how = event_config_new();
	gpg_error_t err;

	TAILQ_INIT(&a->modules);
	TAILQ_INIT(&a->conns);
	TAILQ_INIT(&a->prompts);
	TAILQ_INIT(&a->helpers);
	TAILQ_INIT(&a->added);
	TAILQ_INIT(&a->card_errands);
	buf_init(&a->incoming, CONN_PIECE);
	if (!how)
		return gpg_error(GPG_ERR_ENOMEM);
	event_config_set_flag(how, EVENT_BASE_FLAG_NOLOCK |
	    EVENT_BASE_FLAG_IGNORE_ENV);
	a->base = event_base_new_with_config(how);
	event_config_free(how);
	if (!a->base || !(a->datagram = malloc(DATAGRAM_MAX)) ||
	    agent_watch_init(a))
		return gpg_error(GPG_ERR_ENOMEM);
	a->started_ms = agent_now_ms();
	if ((err = paths_init(&a->paths)) || (a->dropin &&
	    (err = dropin_paths(a->dropin, &a->paths))) ||
	    (err = init_hosts(a)) || (err = lock_new(a, &a->lock)) ||
	    (err = checks_new(&a->checks, a->base)))
		return err;
	return keyring_new(&a->keyring);
}

void
agent_clear(struct agent *a)
{
	struct module *m, *next;
	struct conn *c;

	/* While there is a log: what was intended is recorded as failed. */
	TAILQ_FOREACH_SAFE(m, &a->modules, next, next)
		module_end(m);
	while ((c = TAILQ_FIRST(&a->conns)))
		conn_close(c);
	card_errands_end(a, "the agent ends");
	lock_free(&a->lock);
	checks_end(&a->checks);
	audit_close(&a->audit);
	while ((m = TAILQ_FIRST(&a->modules)))
		module_free(m);
	place_free(&a->session);
	added_clear(a);
	certs_clear(&a->certs);
	buf_free(&a->incoming);
	keyring_free(&a->keyring);
	hosts_free(&a->hosts);
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
