/* Running a program and reading what it says. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/run.h"

#define INPUT_MAX 4096		/* what a pipe takes without a reader */

static gpg_error_t
read_all(int fd, struct buf *b)
{
	gpg_error_t err;
	uint8_t *to;
	ssize_t n;

	for (;;) {
		if ((err = buf_reserve(b, 1024, &to)))
			return err;
		n = read(fd, to, 1024);
		if (n == 0)
			return 0;
		if (n > 0)
			buf_filled(b, (size_t)n);
		else if (errno != EINTR)
			return gpg_error_from_syserror();
	}
}

static gpg_error_t
spawn(const char *const *argv, int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t acts;
	int rc;

	if ((rc = posix_spawn_file_actions_init(&acts)))
		return gpg_error_from_errno(rc);
	if (!(rc = posix_spawn_file_actions_adddup2(&acts, in, 0)) &&
	    !(rc = posix_spawn_file_actions_adddup2(&acts, out, 1)))
		/* posix_spawn() does not write to what it is given. */
		rc = posix_spawnp(pid, argv[0], &acts, NULL,
		    (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	return rc ? gpg_error_from_errno(rc) : 0;
}

static gpg_error_t
wait_for(pid_t pid, int *status)
{
	int raw;

	while (waitpid(pid, &raw, 0) < 0)
		if (errno != EINTR)
			return gpg_error_from_syserror();
	*status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
	return 0;
}

gpg_error_t
run_program(const char *const *argv, struct view input, struct buf *output,
    int *status)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	gpg_error_t err, waited;
	pid_t pid;

	if (input.len > INPUT_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    (input.len > 0 &&
	    write(in[1], input.p, input.len) != (ssize_t)input.len)) {
		err = gpg_error_from_syserror();
		goto out;
	}
	if ((err = spawn(argv, in[0], output ? out[1] : STDERR_FILENO, &pid)))
		goto out;
	close(in[1]);
	close(out[1]);
	in[1] = out[1] = -1;
	if (output)
		err = read_all(out[0], output);
	close(out[0]);
	out[0] = -1;
	waited = wait_for(pid, status);
	err = err ? err : waited;
out:
	for (size_t i = 0; i < 2; i++) {
		if (in[i] >= 0)
			close(in[i]);
		if (out[i] >= 0)
			close(out[i]);
	}
	return err;
}
