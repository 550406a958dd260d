/* The pinentry as a process: how it starts, how it ends. */
#ifndef PROMPT_PROCESS_H
#define PROMPT_PROCESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <gpg-error.h>

/*
 * Runs the program with one socket as standard input and output, nothing else
 * open but standard error, in a process group of its own; it gets SIGTERM
 * when this process ends.  The error is the one of exec.
 */
gpg_error_t process_start(const char *path, pid_t *, int *fd);

/*
 * Whether it ended within so many milliseconds; *status (may be NULL) is then
 * the signal that ended it, 0 if it exited.  It is not reaped yet, so that its
 * number stays its own.
 */
bool process_wait(pid_t, int ms, int *status);

/*
 * SIGTERM to it and its children, SIGKILL after half a second, and reaps it;
 * also one that has ended already.
 */
void process_end(pid_t);

#endif
