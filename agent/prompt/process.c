/* Starts and ends the pinentry's process. */
#include "config.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define STEP_MS 5
#define GRACE_MS 500

static void
run(const char *path, pid_t parent, int fd, int report)
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	sigset_t none;
	int code;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	/* The parent may have ended before this was set. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
		_exit(127);
	if (dup2(fd, 0) == 0 && dup2(fd, 1) == 1 &&
	    dup3(report, 3, O_CLOEXEC) == 3 && !close_range(4, ~0U, 0))
		execv(path, argv);
	code = errno;
	if (write(3, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

/* The error that exec told, or 0 when the pipe closed because it worked. */
static gpg_error_t
read_report(int fd)
{
	int code;
	ssize_t n;

	do
		n = read(fd, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	return n == sizeof(code) ? gpg_error_from_errno(code) : 0;
}

gpg_error_t
process_start(const char *path, pid_t *pid, int *fd)
{
	int talk[2], report[2];
	pid_t self = getpid();
	gpg_error_t err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk))
		return gpg_error_from_syserror();
	if (pipe2(report, O_CLOEXEC)) {
		err = gpg_error_from_syserror();
		goto out_talk;
	}
	if ((*pid = fork()) == 0)
		run(path, self, talk[1], report[1]);
	err = *pid < 0 ? gpg_error_from_syserror() : 0;
	close(report[1]);
	close(talk[1]);
	talk[1] = -1;
	if (!err && (err = read_report(report[0])))
		waitpid(*pid, NULL, 0);
	close(report[0]);
	if (!err) {
		*fd = talk[0];
		return 0;
	}
	*pid = 0;
out_talk:
	close(talk[0]);
	if (talk[1] >= 0)
		close(talk[1]);
	return err;
}

bool
process_wait(pid_t pid, int ms, int *status)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };
	siginfo_t info;

	for (;; ms -= STEP_MS) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info,
		    WEXITED | WNOHANG | WNOWAIT) || info.si_pid == pid)
			break;
		if (ms <= 0)
			return false;
		nanosleep(&step, NULL);
	}
	if (status)
		*status = info.si_code == CLD_EXITED ? 0 : info.si_status;
	return true;
}

void
process_end(pid_t pid)
{
	kill(-pid, SIGTERM);
	process_wait(pid, GRACE_MS, NULL);
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
