/*
 * A configured module and its token process: started when first needed, asked
 * by calls that have a deadline, given up when it does not answer.  A module
 * that crashes or hangs fails its own calls and nothing else; a YubiKey that
 * hangs fails its own calls, and no other YubiKey's.
 */
#ifndef AGENT_MODULE_H
#define AGENT_MODULE_H

#include "call.h"
#include "config.h"

struct pin_talk;

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
	size_t checking;	/* signatures of its that are being checked */
	bool retired;		/* configured no more; ends with its calls */
};

/* Takes over the contents of *config. */
gpg_error_t module_new(struct agent *, struct module_config *);

/* Ends it now; only when the agent ends. */
void module_free(struct module *);

/* Fails what is asked of it, since the agent ends. */
void module_end(struct module *);

/* Ends it as soon as it has no calls left, nor signatures to be checked. */
void module_retire(struct module *);

/*
 * A call, a talk or a check ended: a retired module that has none left is
 * freed, but by modules_sweep(), which the loop calls when nobody is using it.
 */
void module_settle(struct module *);
void modules_sweep(struct agent *);

struct module *module_by_name(struct agent *, struct view name);

/*
 * Asks the token process; fd (-1: none) goes along and is always consumed.
 * deadline_ms 0 waits for ever (a person).  Returns NULL when out of memory.
 */
struct call *module_call(struct module *, enum msg_id, const void *in, int fd,
    uint32_t deadline_ms, call_done *, void *arg);

/* Sets what is told of its last failure; `what` need not be clean. */
void module_problem(struct module *, const char *what);

#endif
