/* How a private agent begins beside who started it, and what it leaves. */
#include <config.h>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/dropin.h"

static int
fail(const char *what)
{
	perror(what);
	return EXIT_FAILURE;
}

/* ---- its folder ---- */

/* The socket's name is used after the change to another folder. */
static char *
absolute(const char *path)
{
	char *here, *whole = NULL;

	if (path[0] == '/')
		return strdup(path);
	if (!(here = getcwd(NULL, 0)) ||
	    asprintf(&whole, "%s/%s", here, path) < 0)
		whole = NULL;
	free(here);
	return whole;
}

static int
make_folder(struct dropin *d)
{
	const char *tmp = getenv("TMPDIR");

	if (asprintf(&d->folder, "%s/ssh-XXXXXX",
	    tmp && tmp[0] == '/' ? tmp : "/tmp") < 0) {
		d->folder = NULL;
		return fail("private socket dir");
	}
	if (!mkdtemp(d->folder)) {
		free(d->folder);
		d->folder = NULL;
		return fail("mkdtemp: private socket dir");
	}
	if (d->socket)
		d->path = absolute(d->socket);
	else if (asprintf(&d->path, "%s/agent.%ld", d->folder,
	    (long)getpid()) < 0)
		d->path = NULL;
	return d->path ? DROPIN_GOES_ON : fail("socket");
}

void
dropin_clear(struct dropin *d)
{
	DIR *dir = d->folder ? opendir(d->folder) : NULL;
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	if (d->folder)
		rmdir(d->folder);
	free(d->folder);
	free(d->path);
	d->folder = d->path = NULL;
}

gpg_error_t
dropin_paths(const struct dropin *d, struct paths *p)
{
	char *runtime = strdup(d->folder), *socket = strdup(d->path);

	if (!runtime || !socket) {
		free(runtime);
		free(socket);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	free(p->runtime);
	free(p->agent_sock);
	p->runtime = runtime;
	p->agent_sock = socket;
	return 0;
}

/* ---- who started it ---- */

static void
print_variable(const struct dropin *d, const char *name, const char *value)
{
	if (d->csh)
		printf("setenv %s %s;\n", name, value);
	else
		printf("%s=%s; export %s;\n", name, value, name);
}

static void
print_variables(const struct dropin *d, const char *socket, pid_t pid)
{
	char number[24];

	snprintf(number, sizeof(number), "%ld", (long)pid);
	print_variable(d, "SSH_AUTH_SOCK", socket);
	if (!d->stays)
		print_variable(d, "SSH_AGENT_PID", number);
	printf("echo Agent pid %s;\n", number);
	fflush(stdout);
}

static const char *
shown_name(const struct dropin *d)
{
	return d->socket ? d->socket : d->path;
}

/* The agent said why it could not start. */
static bool
is_ready(int fd)
{
	ssize_t n;
	char byte;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	close(fd);
	return n == 1;
}

static int
go_on(const struct dropin *d, pid_t agent, int ready)
{
	char number[24];

	if (!is_ready(ready))
		return EXIT_FAILURE;
	if (!d->command) {
		print_variables(d, shown_name(d), agent);
		return 0;
	}
	snprintf(number, sizeof(number), "%ld", (long)agent);
	if (setenv("SSH_AUTH_SOCK", shown_name(d), 1) ||
	    setenv("SSH_AGENT_PID", number, 1))
		return fail("setenv");
	execvp(d->command[0], d->command);
	return fail(d->command[0]);
}

/* ---- the agent ---- */

/* Nothing of who started it is kept, so that nobody waits for its end. */
static int
detach(const struct dropin *d, pid_t parent, int ready)
{
	/* It ends with its command, into which its parent turns. */
	if (d->command && prctl(PR_SET_PDEATHSIG, SIGTERM))
		return fail("prctl");
	if (d->command && getppid() != parent)
		return EXIT_FAILURE;
	if (setsid() < 0)
		return fail("setsid");
	if (chdir("/"))
		return fail("/");
	if (dup2(ready, 3) < 0 || fcntl(3, F_SETFD, FD_CLOEXEC) ||
	    close_range(4, ~0U, 0))
		return fail("descriptors");
	return DROPIN_GOES_ON;
}

int
dropin_start(struct dropin *d, int *ready)
{
	pid_t parent = getpid(), child;
	int ends[2], status;

	*ready = -1;
	if ((status = make_folder(d)) != DROPIN_GOES_ON || d->stays)
		return status;
	if (pipe2(ends, O_CLOEXEC))
		return fail("pipe");
	if ((child = fork()) < 0)
		return fail("fork");
	if (child > 0) {
		close(ends[1]);
		status = go_on(d, child, ends[0]);
		free(d->folder);
		free(d->path);
		d->folder = d->path = NULL;
		return status;
	}
	*ready = 3;
	return detach(d, parent, ends[1]);
}

void
dropin_ready(const struct dropin *d, int ready)
{
	int null;

	if (d->stays) {
		print_variables(d, shown_name(d), getpid());
		return;
	}
	if ((null = open("/dev/null", O_RDWR)) >= 0) {
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		if (null > 2)
			close(null);
	}
	if (write(ready, "", 1) < 0)
		perror("ready");
	close(ready);
}
