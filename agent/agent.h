/*
 * The agent: what lives as long as the daemon and what all of its parts share.
 * One thread runs the loop; nothing that is called from it may block.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <sys/queue.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "wire/frame.h"
#include "local/paths.h"

#ifndef TAILQ_FOREACH_SAFE
#define TAILQ_FOREACH_SAFE(var, head, field, next) \
	for ((var) = TAILQ_FIRST(head); \
	    (var) && ((next) = TAILQ_NEXT(var, field), 1); (var) = (next))
#endif

struct agent;
struct config;
struct audit;
struct checks;
struct place;
struct keyring;
struct hosts;
struct dropin;
struct lock;

/* Called once when the keys or the modules have changed. */
struct watcher {
	TAILQ_ENTRY(watcher) next;
	void (*changed)(void *arg);
	void *arg;
	bool armed;
};

/* agent/certs.h */
struct certs {
	struct cert *list;
	size_t count;
};

TAILQ_HEAD(watchers, watcher);
TAILQ_HEAD(modules, module);
TAILQ_HEAD(conns, conn);
TAILQ_HEAD(prompts, prompt);
TAILQ_HEAD(helpers, helper);
TAILQ_HEAD(added_list, added);
TAILQ_HEAD(card_errands, card_errand);

struct agent {
	const struct dropin *dropin;	/* NULL: the user's own agent */
	struct event_base *base;
	struct paths paths;
	struct config *config;
	struct audit *audit;	/* NULL: nothing can be signed, and why: */
	char *audit_problem;
	struct checks *checks;	/* of signatures */
	struct keyring *keyring;
	struct hosts *hosts;	/* names of hosts */
	struct lock *lock;
	struct modules modules;
	struct added_list added;	/* by ssh-add */
	struct card_errands card_errands;
	struct certs certs;	/* of keys on tokens, from files */
	struct conns conns;
	size_t conn_count;
	struct prompts prompts;
	struct helpers helpers;
	struct watchers watchers;
	struct event *change;	/* tells the watchers, from the loop */
	struct place *session;	/* where prompts for requests from afar are */
	uint8_t *datagram;	/* DATAGRAM_MAX bytes, for receiving */
	struct buf incoming;	/* locked: what a client sends comes here
				   until it is known what it is */
	uint64_t started_ms;
	uint64_t requests;
	uint64_t signatures;
	size_t payload_bytes;	/* held for all clients */
	size_t pending;		/* requests under way */
	size_t forgetting;	/* modules that have not forgotten yet */
	bool draining;
};

/* What main() runs the loop between; agent_clear() after a failure too. */
gpg_error_t agent_init(struct agent *);
void agent_clear(struct agent *);

/* Reads configuration and records anew, or keeps what it has and says why. */
gpg_error_t agent_reload(struct agent *, char **problem);

/* Opens the audit log if it is not open; a->audit_problem says why not. */
gpg_error_t agent_audit(struct agent *);

/* Stops accepting, lets what is pending end, then leaves the loop. */
void agent_stop(struct agent *);
void agent_pending_done(struct agent *);

/* ---- watch.c ---- */

gpg_error_t agent_watch_init(struct agent *);

/* Watches for one change; agent_unwatch() may be called at any time. */
void agent_watch(struct agent *, struct watcher *);
void agent_unwatch(struct agent *, struct watcher *);
void agent_changed(struct agent *);

/* ---- log.c ---- */

uint64_t agent_now_ms(void);	/* monotonic */

/* A line for the agent's log (standard error). */
void agent_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A text for people that does not fit is cut; NULL when out of memory. */
char *agent_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
