/* Starting an agent, cleanly and once. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/start.h"
#include "client/talk.h"
#include "wire/text.h"

#define AGENT BINDIR "/touchstone-agent"
#define READY_MS 5000
#define LOCK_MS 15000
#define LOG_MAX (64 * 1024)

char **
start_environment(char **env)
{
	static const char *const names[] = {
		"HOME=", "USER=", "LOGNAME=", "XDG_CONFIG_HOME=",
		"XDG_DATA_HOME=", "XDG_STATE_HOME=", "XDG_RUNTIME_DIR=",
		"LANG=", "TZ=", "LC_",
	};
	static const char path[] = "PATH=/usr/bin:/bin";
	size_t count = 0, used = 0;
	char **out;

	while (env[count])
		count++;
	if (!(out = calloc(count + 2, sizeof(*out))))
		return NULL;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (!strncmp(env[i], names[k], strlen(names[k])))
				out[used++] = env[i];
	out[used] = (char *)(uintptr_t)path;
	return out;
}

/* Where the agent's stderr goes: one bounded file, begun anew when full. */
static int
open_log(const struct paths *paths, char *name, size_t size)
{
	struct stat st;
	int fd;

	snprintf(name, size, "%s/agent.log", paths->state);
	if (paths_make(paths->state, false))
		return -1;
	fd = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
	    O_NOCTTY | O_NONBLOCK, 0600);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (st.st_size > LOG_MAX && ftruncate(fd, 0))) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * The last whole line of what the agent wrote since `from`, for the error
 * that tells why it did not start.
 */
static void
last_line(int log, off_t from, char *line, size_t size)
{
	char raw[1024], *p;
	struct stat st;
	ssize_t n;
	off_t at;

	line[0] = 0;
	if (log < 0 || fstat(log, &st) || st.st_size <= from)
		return;
	at = st.st_size - from > (off_t)sizeof(raw) - 1 ?
	    st.st_size - (off_t)sizeof(raw) + 1 : from;
	if ((n = pread(log, raw, sizeof(raw) - 1, at)) <= 0)
		return;
	while (n > 0 && raw[n - 1] == '\n')
		n--;
	raw[n] = 0;
	p = memrchr(raw, '\n', (size_t)n);
	text_clean(line, size, view_str(p ? p + 1 : raw));
}

/* Gives the signals back their meaning, which an exec would pass on. */
static void
reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the new process: becomes the agent, or says on the pipe why not. */
static void __attribute__((noreturn))
become_agent(int ready, int log, char **env)
{
	char *argv[] = { (char[]){ "touchstone-agent" },
		(char[]){ "--ready-fd" }, (char[]){ "3" }, NULL };
	unsigned char word[2] = { 'E', 0 };
	int null;

	reset_signals();
	umask(077);
	/* Out of the way of 0 to 3 first. */
	null = open("/dev/null", O_RDWR);
	null = fcntl(null, F_DUPFD, 10);
	ready = fcntl(ready, F_DUPFD, 10);
	log = log < 0 ? null : fcntl(log, F_DUPFD, 10);
	if (null >= 0 && ready >= 0 && log >= 0 && !chdir("/") &&
	    dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(log, 2) == 2 &&
	    dup2(ready, 3) == 3 && !close_range(4, ~0U, 0)) {
		execve(AGENT, argv, env);
		ready = 3;
	}
	word[1] = (unsigned char)errno;
	(void)!write(ready, word, sizeof(word));
	_exit(127);
}

/* Two forks, so that nobody has to wait for the agent's end. */
static gpg_error_t
spawn(int ready, int log, char **env)
{
	int status;
	pid_t pid;

	if ((pid = fork()) < 0)
		return gpg_error_from_syserror();
	if (pid == 0) {
		setsid();
		if ((pid = fork()) == 0)
			become_agent(ready, log, env);
		_exit(pid < 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return gpg_error_from_syserror();
	return status ? gpg_error(GPG_ERR_EAGAIN) : 0;
}

/*
 * One byte and the end: it listens.  The end at once: it gave up.  Two bytes:
 * it could not be executed.
 */
static gpg_error_t
wait_ready(int fd, int *exec_errno)
{
	int64_t deadline = talk_now_ms() + READY_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned char word[2];
	size_t got = 0;
	ssize_t n;

	for (;;) {
		int64_t left = deadline - talk_now_ms();

		if (left <= 0)
			return gpg_error(GPG_ERR_TIMEOUT);
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, word + got, sizeof(word) - got);
		if (n < 0 && errno != EINTR)
			return gpg_error_from_syserror();
		if (n > 0)
			got += (size_t)n;
		if (got == sizeof(word)) {
			*exec_errno = word[1];
			return gpg_error(GPG_ERR_NO_AGENT);
		}
		if (n == 0)
			return got == 1 ? 0 : gpg_error(GPG_ERR_EOF);
	}
}

static void
explain(gpg_error_t err, int exec_errno, const char *last, const char *log,
    char *why, size_t size)
{
	if (exec_errno)
		snprintf(why, size, "%s cannot be run (%s): is touchstone "
		    "installed?", AGENT, strerror(exec_errno));
	else if (last[0])
		snprintf(why, size, "the agent did not start: %s", last);
	else if (gpg_err_code(err) == GPG_ERR_TIMEOUT)
		snprintf(why, size, "the agent was not ready within %d "
		    "seconds: see %s", READY_MS / 1000, log);
	else
		snprintf(why, size, "the agent ended at its start (%s): see "
		    "%s, or run %s in a terminal", gpg_strerror(err), log,
		    AGENT);
}

static gpg_error_t
launch(const struct paths *paths, char *why, size_t size)
{
	char log_name[4096], last[512] = "", **env = NULL;
	int ready[2] = { -1, -1 }, log, exec_errno = 0;
	gpg_error_t err;
	off_t from;

	log = open_log(paths, log_name, sizeof(log_name));
	from = log < 0 ? 0 : lseek(log, 0, SEEK_END);
	if (pipe2(ready, O_CLOEXEC) || !(env = start_environment(environ))) {
		err = gpg_error_from_syserror();
		goto out;
	}
	err = spawn(ready[1], log, env);
	close(ready[1]);
	if (!err)
		err = wait_ready(ready[0], &exec_errno);
	close(ready[0]);
	last_line(log, from, last, sizeof(last));
out:
	if (err)
		explain(err, exec_errno, last, log_name, why, size);
	free(env);
	if (log >= 0)
		close(log);
	return err ? gpg_error(GPG_ERR_NO_AGENT) : 0;
}

/* Others may be starting one: they hold the lock for READY_MS at most. */
static gpg_error_t
take_lock(const char *file, int *lock)
{
	const struct timespec pause = { 0, 10 * 1000 * 1000 };
	int64_t deadline = talk_now_ms() + LOCK_MS;

	*lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NOCTTY, 0600);
	if (*lock < 0)
		return gpg_error_from_syserror();
	while (flock(*lock, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return gpg_error_from_syserror();
		if (talk_now_ms() > deadline)
			return gpg_error(GPG_ERR_TIMEOUT);
		nanosleep(&pause, NULL);
	}
	return 0;
}

gpg_error_t
start_agent(const struct paths *paths, int *fd, char *why, size_t size)
{
	char file[4096];
	gpg_error_t err;
	int lock = -1;

	*fd = -1;
	why[0] = 0;
	snprintf(file, sizeof(file), "%s/start.lock", paths->runtime);
	if ((err = paths_make(paths->runtime, true)) ||
	    (err = take_lock(file, &lock))) {
		snprintf(why, size, "%s: %s", paths->runtime,
		    gpg_strerror(err));
		goto out;
	}
	err = paths_connect(paths->local_sock, fd);
	if (gpg_err_code(err) != GPG_ERR_NO_AGENT)
		goto out;
	err = launch(paths, why, size);
	/* It may have ended because somebody else's was quicker. */
	if (!paths_connect(paths->local_sock, fd))
		err = 0;
	else if (!err && (err = gpg_error(GPG_ERR_NO_AGENT)))
		snprintf(why, size, "the agent started, but does not answer "
		    "at %s", paths->local_sock);
out:
	if (lock >= 0)
		close(lock);
	return err ? gpg_error(GPG_ERR_NO_AGENT) : 0;
}
