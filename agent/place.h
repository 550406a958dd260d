/*
 * Who asks, and where a prompt for them appears.  Read from /proc of the
 * peer, never from a request's words.
 */
#ifndef AGENT_PLACE_H
#define AGENT_PLACE_H

#include <sys/types.h>

#include "wire/buf.h"

/* A terminal and an allow-listed environment.  Immutable. */
struct place {
	char *ttyname;		/* "/dev/pts/3", or NULL */
	bool tty_foreign;	/* there is one, but it is not ours */
	char *ttytype;		/* TERM, or NULL */
	char *lc_ctype;
	char *lc_messages;
	char **env;		/* NULL-terminated: DISPLAY, WAYLAND_DISPLAY,
				   XAUTHORITY, DBUS_SESSION_BUS_ADDRESS,
				   GPG_TTY, TERM, LANG, LC_*, XDG_RUNTIME_DIR,
				   HOME */
};

/*
 * The place of a process of our uid: its controlling terminal (GPG_TTY where
 * it names a terminal that is ours), its display.  The pid must still be the
 * process that connected: `start` is its start time from /proc/PID/stat, as
 * place_start_time() gave it then; GPG_ERR_NOT_FOUND if it is gone.  Bounded
 * reads; never blocks.  Free with place_free().
 */
gpg_error_t place_of(pid_t, uint64_t start, struct place **);
gpg_error_t place_copy(const struct place *, struct place **);
void place_free(struct place **);
gpg_error_t place_start_time(pid_t, uint64_t *start);

/* Whether a pinentry could show anything there; NULL is nowhere. */
bool place_usable(const struct place *);

/* Why not, for people: a constant that goes on with what to do. */
const char *place_problem(const struct place *);

/*
 * Names the process and its parents for people: "git ← bash ← tmux", at most
 * four; clean.  Never fails: what cannot be read is "?".
 */
void place_describe(pid_t, char *dst, size_t size);

#endif
