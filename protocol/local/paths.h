/*
 * Where the agent and its clients meet on this machine, and where the user's
 * files are.  The only part of protocol/ that looks at the system: XDG base
 * directories and the folder of the sockets.
 */
#ifndef LOCAL_PATHS_H
#define LOCAL_PATHS_H

#include "wire/buf.h"

struct paths {
	char *runtime;		/* the folder of the sockets */
	char *local_sock;	/* runtime/local.sock */
	char *agent_sock;	/* runtime/agent.sock */
	char *lock;		/* runtime/lock */
	char *config;		/* XDG_CONFIG_HOME/touchstone */
	char *data;		/* XDG_DATA_HOME/touchstone */
	char *state;		/* XDG_STATE_HOME/touchstone */
};

/*
 * From the environment: relative XDG paths are ignored, as the specification
 * wants.  Without XDG_RUNTIME_DIR the runtime folder is in /run/user/UID if
 * that is there, else in /tmp, named for the uid.  HOME or, without it, the
 * password database gives the home folder.  Free with paths_free().
 */
gpg_error_t paths_init(struct paths *);
void paths_free(struct paths *);

/*
 * Makes the folder 0700 if it is missing (parents too) and refuses it
 * (GPG_ERR_EACCES) if it is a symbolic link, not ours, or open to others for
 * writing; `private` also refuses it if others may look in.
 */
gpg_error_t paths_make(const char *dir, bool private);

/*
 * Connects to a socket after checking that its folder is ours and private and
 * that the peer's uid is ours (GPG_ERR_EACCES).  GPG_ERR_NO_AGENT when nobody
 * listens.  The descriptor is close-on-exec and blocking.
 */
gpg_error_t paths_connect(const char *sock, int *fd);

/* Reads a whole file of at most max bytes; GPG_ERR_TOO_LARGE beyond. */
gpg_error_t paths_read(const char *file, size_t max, struct buf *);

/*
 * Writes a file whole or not at all: a new file beside it, synced, renamed
 * over it, mode 0600.
 */
gpg_error_t paths_write(const char *file, struct view);

/* The same, mode 0700. */
gpg_error_t paths_write_program(const char *file, struct view);

#endif
