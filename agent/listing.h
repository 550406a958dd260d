/*
 * What the tokens of modules hold: listed when it is asked for and too old,
 * and when a token says that it changed.
 */
#ifndef AGENT_LISTING_H
#define AGENT_LISTING_H

#include "module.h"

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

/* The same of what a token says itself; `anew` looks at all of it. */
void listing_again(struct module *, bool anew);
void listing_free(struct module *);

const struct slot *module_slot(const struct module *, uint32_t slot);

/* What was learnt of a slot since it was listed: flags that it has, or not. */
void module_learn(struct module *, uint32_t slot, uint32_t set,
    uint32_t clear);

#endif
