/* Runs the prompter, and is all that is around it. */
#include <config.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "prompter.h"

#define PATIENCE_MS 20000

int
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int)(t.tv_sec % 100000) * 1000 + (int)(t.tv_nsec / 1000000);
}

/* ---- the fixture ---- */

const char *
path_of(struct fixture *f, const char *tail)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s%s", f->pinentry, tail);
	return path;
}

int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	snprintf(f->dir, sizeof(f->dir), "%.40s/t-prompt.XXXXXX",
	    tmp ? tmp : "/tmp");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->pinentry, sizeof(f->pinentry), "%s/pinentry", f->dir);
	f->control = f->pin = -1;
	f->tty = "/dev/pts/99";
	f->lc_ctype = "C.UTF-8";
	*state = f;
	return symlink(SCRIPTED, f->pinentry);
}

void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int
tear_down(void **state)
{
	struct fixture *f = *state;

	close_fd(&f->control);
	close_fd(&f->pin);
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	unlink(path_of(f, ".log"));
	unlink(path_of(f, ".script"));
	unlink(f->pinentry);
	rmdir(f->dir);
	free(f);
	return 0;
}

void
script(struct fixture *f, const char *text)
{
	FILE *out = fopen(path_of(f, ".script"), "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

const char *
read_log(struct fixture *f)
{
	int fd = open(path_of(f, ".log"), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	f->log[0] = 0;
	if (fd < 0)
		return f->log;
	n = read(fd, f->log, sizeof(f->log) - 1);
	assert_true(n >= 0);
	f->log[n] = 0;
	close(fd);
	return f->log;
}

/* How many lines of the log are this one. */
int
logged(struct fixture *f, const char *line)
{
	size_t len = strlen(line);
	int count = 0;

	for (char *p = (char *)(uintptr_t)read_log(f), *end; *p; p = end) {
		end = strchrnul(p, '\n');
		count += (size_t)(end - p) == len && !memcmp(p, line, len);
		end += *end == '\n';
	}
	return count;
}

pid_t
pinentry_pid(struct fixture *f)
{
	const char *line = strstr(read_log(f), "# pid ");

	return line ? (pid_t)atoi(line + 6) : 0;
}

bool
is_gone(pid_t pid, int ms)
{
	char path[64], line[256], *end;
	int until = now_ms() + ms;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	do {
		FILE *in = fopen(path, "r");
		bool gone = !in || !fgets(line, sizeof(line), in) ||
		    ((end = strrchr(line, ')')) && end[2] == 'Z');

		if (in)
			fclose(in);
		if (gone)
			return true;
		poll(NULL, 0, 10);
	} while (now_ms() < until);
	return false;
}

bool
wait_logged(struct fixture *f, const char *line)
{
	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		if (logged(f, line))
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

/* ---- the agent's side ---- */

static void
be_prompter(const struct fixture *f, int control, int pin)
{
	const struct rlimit none = { 0, 0 };
	char *const argv[] = { (char *)(uintptr_t)"touchstone-prompt", NULL };
	char *const env[] = {
		(char *)(uintptr_t)"DISPLAY=:9", (char *)(uintptr_t)"A=b", NULL
	};
	int null = open("/dev/null", O_RDWR);

	if ((f->no_lock && setrlimit(RLIMIT_MEMLOCK, &none)) ||
	    (f->uid && setresuid(f->uid, f->uid, f->uid)))
		_exit(126);
	dup2(null, 0);
	dup2(null, 1);
	/* Above what they become, so that neither is overwritten. */
	control = fcntl(control, F_DUPFD, 20);
	pin = pin < 0 ? -1 : fcntl(pin, F_DUPFD, 20);
	dup2(control, 3);
	if (pin >= 0)
		dup2(pin, 4);
	close_range(pin >= 0 ? 5 : 4, ~0U, 0);
	execve(PROMPTER, argv, env);
	_exit(127);
}

void
spawn(struct fixture *f, bool with_pin)
{
	int control[2], pin[2] = { -1, -1 };

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    control), 0);
	if (with_pin)
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET |
		    SOCK_CLOEXEC, 0, pin), 0);
	if ((f->pid = fork()) == 0)
		be_prompter(f, control[1], pin[1]);
	assert_true(f->pid > 0);
	close(control[1]);
	close_fd(&pin[1]);
	f->control = control[0];
	f->pin = pin[0];
}

void
send_view(int fd, struct view v)
{
	assert_int_equal(send(fd, v.p, v.len, MSG_NOSIGNAL), (ssize_t)v.len);
}

void
send_ask(struct fixture *f, const struct msg_prompt_ask *ask)
{
	struct buf b;

	buf_init(&b, DATAGRAM_MAX);
	assert_int_equal(datagram_put(&b, 77, MSG_prompt_ask, ask), 0);
	send_view(f->control, buf_view(&b));
	buf_free(&b);
}

void
start_with(struct fixture *f, enum dialogue dialogue, const char *pinentry,
    const char *description, uint32_t timeout_s)
{
	struct msg_prompt_ask ask = {
		.dialogue = dialogue,
		.pinentry = view_str(pinentry),
		.description = view_str(description),
		.ttyname = view_str(f->tty),
		.ttytype = view_str("xterm"),
		.lc_ctype = view_str(f->lc_ctype),
		.timeout_s = timeout_s,
	};

	spawn(f, dialogue == DIALOGUE_PIN);
	send_ask(f, &ask);
}

void
start(struct fixture *f, enum dialogue dialogue)
{
	start_with(f, dialogue, f->pinentry, "Sign commit x", 60);
}

ssize_t
receive(int fd, uint8_t *raw, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	return recv(fd, raw, size, 0);
}

static void
hear_reply(struct fixture *f)
{
	struct view text = { NULL, 0 };
	struct msg_empty none;
	uint8_t raw[4096];
	uint32_t serial;
	gpg_error_t err;
	bool is_reply;
	ssize_t n;
	int status;

	n = receive(f->control, raw, sizeof(raw));
	assert_true(n > 0);
	assert_int_equal(datagram_get_serial(view_of(raw, (size_t)n),
	    &is_reply, &serial), 0);
	assert_true(is_reply);
	assert_int_equal(serial, 77);
	assert_int_equal(datagram_get_reply(view_of(raw, (size_t)n),
	    MSG_prompt_ask, &err, &text, &none), 0);
	f->code = gpg_err_code(err);
	snprintf(f->text, sizeof(f->text), "%.*s", (int)text.len,
	    text.len ? (const char *)text.p : "");
	assert_int_equal(receive(f->control, raw, sizeof(raw)), 0);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	f->pid = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void
assert_reply(struct fixture *f, gpg_err_code_t code, const char *text)
{
	hear_reply(f);
	assert_int_equal(f->code, code);
	if (!strstr(f->text, text))
		fail_msg("\"%s\" does not say \"%s\"", f->text, text);
	/* Whatever was asked for is closed. */
	if (pinentry_pid(f))
		assert_true(is_gone(pinentry_pid(f), 2000));
}

/* ---- the token process's side ---- */

void
say(struct fixture *f, enum pin_verdict verdict, uint32_t tries,
    const char *problem)
{
	struct msg_pin_verdict v = {
		.verdict = (uint8_t)verdict,
		.tries_left = tries,
		.min_length = 4,
		.max_length = 8,
		.problem = view_str(problem),
	};
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(datagram_put(&b, 0, MSG_pin_verdict, &v), 0);
	send_view(f->pin, buf_view(&b));
	buf_free(&b);
}

void
assert_pin(struct fixture *f, const char *wanted)
{
	struct msg_pin_entry entry;
	struct view body;
	uint8_t raw[1024];
	uint32_t serial;
	enum msg_id id;
	ssize_t n;

	n = receive(f->pin, raw, sizeof(raw));
	assert_true(n > 0);
	assert_int_equal(datagram_get(view_of(raw, (size_t)n), SCOPE_PIN, &id,
	    &serial, &body), 0);
	assert_int_equal(id, MSG_pin_entry);
	assert_int_equal(serial, 0);
	assert_int_equal(msg_decode(id, body, &entry), 0);
	if (!view_eq_str(entry.pin, wanted))
		fail_msg("PIN of %zu bytes instead of \"%s\"", entry.pin.len,
		    wanted);
}

void
assert_no_pin(struct fixture *f)
{
	uint8_t raw[1024];

	assert_int_equal(receive(f->pin, raw, sizeof(raw)), 0);
}
