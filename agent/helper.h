/*
 * A helper process and the datagram socket to it.  What it sends is as little
 * trusted as what a client sends; what becomes of it is told once.
 */
#ifndef AGENT_HELPER_H
#define AGENT_HELPER_H

#include "agent.h"

struct helper;

struct helper_ops {
	void (*datagram)(void *arg, struct view);
	/* The process is gone or broke the rules; `how` is for people. */
	void (*gone)(void *arg, const char *how);
};

/*
 * Runs LIBEXECDIR/program with exactly this environment, its socket as
 * descriptor 3, `extra` (-1: none; always consumed) as descriptor 4, nothing
 * else open, in a session of its own.
 */
gpg_error_t helper_spawn(struct agent *, const char *program,
    char *const env[], int extra, const struct helper_ops *, void *arg,
    struct helper **);

/*
 * Sends one datagram, later if need be, until when a locked one is kept in
 * locked memory; fd (-1: none) is always consumed.
 */
gpg_error_t helper_send(struct helper *, const struct buf *, int fd);

/* No callback comes after either.  end: it sees its socket close and exits;
 * kill: at once. */
void helper_end(struct helper **);
void helper_kill(struct helper **);

uint32_t helper_pid(const struct helper *);

/* Frees what is left when the agent ends. */
void helper_forget(struct agent *);

/* On SIGCHLD. */
void helper_reap(struct agent *);

#endif
