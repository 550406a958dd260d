/*
 * Starting an agent where none runs: once, however many clients want one, and
 * with nothing of this process's surroundings but an allow-list.
 */
#ifndef CLIENT_START_H
#define CLIENT_START_H

#include "local/paths.h"

/*
 * Starts the installed agent, or waits for another client that is about to,
 * and connects to it.  GPG_ERR_NO_AGENT with `why` for people (clean) when
 * that did not work within some seconds.
 */
gpg_error_t start_agent(const struct paths *, int *fd, char *why,
    size_t size);

/*
 * The environment that an agent is started with, from `env`: a new
 * NULL-terminated array whose strings are the caller's or constants; free the
 * array.  NULL when out of memory.
 */
char **start_environment(char **env);

#endif
