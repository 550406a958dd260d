/*
 * The part of the configuration that says what may be signed and what is
 * offered, for config.c.
 */
#ifndef AGENT_RULES_H
#define AGENT_RULES_H

#include "agent/config.h"
#include "agent/source.h"

/* Reads the lists "keys" and "hosts"; and frees them. */
void config_read_rules(struct source *, struct config *);
void config_clear_rules(struct config *);

#endif
