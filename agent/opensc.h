/*
 * OpenSC's module opens every card that it finds.  Where YubiKeys are served
 * directly (type = "piv"), it is kept off their readers, those that are not
 * plugged in yet included, by a configuration that is made for it.
 */
#ifndef AGENT_OPENSC_H
#define AGENT_OPENSC_H

#include "config.h"
#include "wire/buf.h"

struct agent;

/* Whether a module may be OpenSC's, by its name; p11-kit's proxy loads it. */
bool opensc_concerns(const struct module_config *);

/*
 * The environment of such a module's process: its own, with OPENSC_CONF
 * naming a file in the runtime folder that is written for it.  *env stays
 * NULL where that is not needed; free it with opensc_env_free().
 */
gpg_error_t opensc_env(struct agent *, const struct module_config *,
    char ***env);
void opensc_env_free(char ***env);

/*
 * A configuration, and in each of its blocks that readers whose names have
 * one of these texts in them are ignored.
 */
gpg_error_t opensc_rewrite(struct view conf, const char *const *readers,
    size_t count, struct buf *out);

#endif
