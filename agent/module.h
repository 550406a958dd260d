/*
 * A configured module and its token process: started when first needed, asked
 * by calls that have a deadline, given up when it does not answer.  A module
 * that crashes or hangs fails its own calls and nothing else; a YubiKey that
 * hangs fails its own calls, and no other YubiKey's.
 */
#ifndef AGENT_MODULE_H
#define AGENT_MODULE_H

#include "agent.h"
#include "config.h"

struct call;
struct pin_talk;

/*
 * The answer to a call; once.  `reply` is the struct of the message's reply,
 * filled only where err is 0 and valid only now; `text` is for people.
 */
typedef void call_done(void *arg, gpg_error_t err, const char *text,
    const void *reply);

/* What happened to a call before its answer: enum token_event. */
typedef void call_event(void *arg, uint8_t event);

struct slot {
	uint32_t slot;
	char *label;
	char *serial;
	char *manufacturer;
	char *model;
	char *firmware;
	uint32_t tries_left;	/* or PIN_TRIES_UNKNOWN */
	uint32_t flags;
};

enum module_state {
	MODULE_OFF,		/* not started, or ended */
	MODULE_OPENING,
	MODULE_READY,
};

TAILQ_HEAD(calls, call);
TAILQ_HEAD(pin_talks, pin_talk);

struct module {
	TAILQ_ENTRY(module) next;
	struct agent *agent;
	struct module_config config;	/* owned */
	enum module_state state;
	struct helper *helper;
	struct calls calls;
	struct pin_talks talks;	/* PINs that are being asked for */
	struct slot *slots;
	size_t slot_count;
	struct card *card;	/* what ssh-add -s said; NULL: nothing */
	struct call *listing;	/* under way */
	uint64_t listed_ms;	/* 0: never */
	uint64_t nowhere_ms;	/* when its PIN was wanted from afar, and there
				   was no place to ask */
	bool changed;		/* by us, since it was last listed */
	char problem[1024];	/* of the last failure, or "" */
	bool held;		/* which is that another program has a card */
	uint32_t serial;	/* of the last call */
	uint32_t life;		/* counts the processes it had */
	bool retired;		/* configured no more; ends with its calls */
};

/* Takes over the contents of *config. */
gpg_error_t module_new(struct agent *, struct module_config *);

/* Ends it now; only when the agent ends. */
void module_free(struct module *);

/* Fails what is asked of it, since the agent ends. */
void module_end(struct module *);

/* Ends it as soon as it has no calls left. */
void module_retire(struct module *);

/*
 * A call or a talk ended: a retired module that has none left is freed, but
 * by modules_sweep(), which the loop calls when nobody is using it.
 */
void module_settle(struct module *);
void modules_sweep(struct agent *);

struct module *module_by_name(struct agent *, struct view name);
const struct slot *module_slot(const struct module *, uint32_t slot);

/* What was learnt of a slot since it was listed: flags that it has, or not. */
void module_learn(struct module *, uint32_t slot, uint32_t set,
    uint32_t clear);

/*
 * Asks the token process; fd (-1: none) goes along and is always consumed.
 * deadline_ms 0 waits for ever (a person).  Returns NULL when out of memory.
 */
struct call *module_call(struct module *, enum msg_id, const void *in, int fd,
    uint32_t deadline_ms, call_done *, void *arg);

/* Tells what happens until then, to the same `arg`. */
void call_on_event(struct call *, call_event *);

/* The answer is of no interest any more. */
void call_cancel(struct call **);

/*
 * Starts and lists what is not younger than max_age_ms; agent_changed() comes
 * when something changed or ended.  Returns whether all of it is settled.
 */
bool modules_refresh(struct agent *, uint64_t max_age_ms);
void module_refresh(struct module *, uint64_t max_age_ms);

/* Tries again what last failed before a time; whether there is such a one. */
bool modules_retry(struct agent *, uint64_t since_ms);

/* Whether any is configured; memory is not. */
bool modules_any(const struct agent *);

/*
 * The module that does not work and so keeps a key away: the one of that name
 * (or NULL), or the first where none works.  NULL: none.
 */
const struct module *modules_broken(const struct agent *, const char *name);

/* A key or token was made: what was listed does not count any more. */
void module_changed(struct module *);

#endif
