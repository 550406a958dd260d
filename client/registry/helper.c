/* Runs a credential helper. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <jansson.h>

#include "client/registry/helper.h"

#define ANSWER_MAX 65536
#define TIME_MS 30000
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789._-"

static const char *const passed[] = { "PATH", "HOME", "USER", "LOGNAME",
	"LANG", "LC_ALL", "LC_CTYPE", "TERM", "TMPDIR", "GPG_TTY",
	"GNUPGHOME", "PASSWORD_STORE_DIR", "DISPLAY", "WAYLAND_DISPLAY",
	"XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR",
	"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME",
	"XDG_STATE_HOME", "AWS_PROFILE", "AWS_REGION", "DOCKER_CONFIG" };
#define PASSED (sizeof(passed) / sizeof(passed[0]))

/* Pointers into our own environment. */
static void
make_environment(char *env[PASSED + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < PASSED; i++)
		for (char **e = environ; *e; e++) {
			size_t len = strlen(passed[i]);

			if (!strncmp(*e, passed[i], len) && (*e)[len] == '=') {
				env[n++] = *e;
				break;
			}
		}
	env[n] = NULL;
}

/* In a process group of its own, so that all of it can be ended. */
static gpg_error_t
start(const char *program, int in, int out, pid_t *pid)
{
	char *argv[] = { (char *)(uintptr_t)program, (char[]){ "get" }, NULL };
	char *env[PASSED + 1];
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	int rc;

	make_environment(env);
	if (posix_spawn_file_actions_init(&acts))
		return gpg_error(GPG_ERR_ENOMEM);
	if (posix_spawnattr_init(&attr)) {
		posix_spawn_file_actions_destroy(&acts);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	if (!(rc = posix_spawn_file_actions_adddup2(&acts, in, 0)) &&
	    !(rc = posix_spawn_file_actions_adddup2(&acts, out, 1)) &&
	    !(rc = posix_spawn_file_actions_addopen(&acts, 2, "/dev/null",
	    O_WRONLY, 0)))
		rc = posix_spawnp(pid, program, &acts, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&acts);
	return rc ? gpg_error_from_errno(rc) : 0;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static gpg_error_t
read_answer(int fd, struct buf *b)
{
	int64_t end = now_ms() + TIME_MS, left;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	gpg_error_t err;
	uint8_t *to;
	ssize_t n;

	while ((left = end - now_ms()) > 0) {
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		if ((err = buf_reserve(b, 1024, &to)))
			return err;
		n = read(fd, to, 1024);
		if (n == 0)
			return 0;
		if (n > 0)
			buf_filled(b, (size_t)n);
		else if (errno != EINTR && errno != EAGAIN)
			return gpg_error_from_syserror();
	}
	return gpg_error(GPG_ERR_TIMEOUT);
}

/* It closed its end, or is ended; it is not waited for longer than a second. */
static int
reap(pid_t pid, bool end)
{
	int raw = 0;

	for (unsigned i = 0; !end && i < 100; i++) {
		if (waitpid(pid, &raw, WNOHANG) == pid)
			return raw;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	kill(-pid, SIGKILL);
	while (waitpid(pid, &raw, 0) < 0 && errno == EINTR)
		;
	return raw;
}

/* A server's name is shorter than what a pipe takes without a reader. */
static gpg_error_t
run(const char *program, const char *server, struct buf *answer, int *raw)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	size_t len = strlen(server);
	gpg_error_t err;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    write(in[1], server, len) != (ssize_t)len) {
		err = gpg_error_from_syserror();
		goto out;
	}
	if ((err = start(program, in[0], out[1], &pid)))
		goto out;
	close(in[1]);
	close(out[1]);
	in[1] = out[1] = -1;
	err = read_answer(out[0], answer);
	*raw = reap(pid, err != 0);
out:
	for (size_t i = 0; i < 2; i++) {
		if (in[i] >= 0)
			close(in[i]);
		if (out[i] >= 0)
			close(out[i]);
	}
	return err;
}

static bool
says_none(struct view v)
{
	static const char none[] = "credentials not found";

	return memmem(v.p, v.len, none, strlen(none)) != NULL;
}

static gpg_error_t
take_answer(struct view v, struct credentials *c)
{
	json_t *j = json_loadb((const char *)v.p, v.len,
	    JSON_REJECT_DUPLICATES, NULL);
	const char *user, *secret;
	gpg_error_t err = 0;

	if (json_unpack(j, "{s:s,s:s}", "Username", &user, "Secret",
	    &secret)) {
		err = gpg_error(GPG_ERR_BAD_DATA);
	} else {
		c->is_token = !strcmp(user, "<token>");
		c->user = strdup(user);
		c->secret = strdup(secret);
		if (!c->user || !c->secret)
			err = gpg_error(GPG_ERR_ENOMEM);
	}
	json_decref(j);
	return err;
}

gpg_error_t
helper_get(const char *name, const char *server, struct credentials *c,
    struct problem *why)
{
	char program[128];
	struct buf answer;
	gpg_error_t err;
	int raw = 0;

	if (!*name || strlen(name) > 64 ||
	    strspn(name, NAME_CHARS) != strlen(name))
		return problem_set(why, GPG_ERR_INV_NAME, "\"%.80s\", which "
		    "the configuration names, cannot be a credential helper",
		    name);
	snprintf(program, sizeof(program), "docker-credential-%s", name);
	buf_init(&answer, ANSWER_MAX);
	if (!(err = buf_lock(&answer)))
		err = run(program, server, &answer, &raw);
	if (err == gpg_error_from_errno(ENOENT))
		problem_set(why, err, "the credential helper %s is not "
		    "installed; install it, or log in to %.200s without it",
		    program, server);
	else if (err)
		problem_set(why, err, "the credential helper %s: %s", program,
		    gpg_strerror(err));
	else if (raw == 0 && (err = take_answer(buf_view(&answer), c)))
		problem_set(why, err, "the credential helper %s answers "
		    "nonsense", program);
	else if (raw != 0 && !says_none(buf_view(&answer)))
		err = problem_set(why, GPG_ERR_NO_AUTH, "the credential "
		    "helper %s fails for %.200s; try `echo %.200s | %s get`",
		    program, server, server, program);
	snprintf(c->source, sizeof(c->source), "%s", program);
	buf_free(&answer);
	return err;
}
