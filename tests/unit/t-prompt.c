/*
 * The prompter as it is run: this test is its agent and its token process,
 * pinentry-script is the user.
 */
#include <config.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
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

#include "wire/frame.h"

#define PROMPTER BUILD "/touchstone-prompt"
#define SCRIPTED BUILD "/tests/tools/pinentry-script"
#define PATIENCE_MS 20000
#define UNKNOWN PIN_TRIES_UNKNOWN

struct fixture {
	char dir[64];
	char pinentry[96];
	pid_t pid;
	int control, pin;
	gpg_err_code_t code;	/* of the reply */
	char text[1025];
	char log[65536];
};

static int
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int)(t.tv_sec % 100000) * 1000 + (int)(t.tv_nsec / 1000000);
}

/* ---- the fixture ---- */

static const char *
path_of(struct fixture *f, const char *tail)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s%s", f->pinentry, tail);
	return path;
}

static int
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
	*state = f;
	return symlink(SCRIPTED, f->pinentry);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
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

static void
script(struct fixture *f, const char *text)
{
	FILE *out = fopen(path_of(f, ".script"), "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static const char *
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
static int
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

static pid_t
pinentry_pid(struct fixture *f)
{
	const char *line = strstr(read_log(f), "# pid ");

	return line ? (pid_t)atoi(line + 6) : 0;
}

/* Whether the process is gone (or a zombie) before so many milliseconds. */
static bool
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

static bool
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
be_prompter(int control, int pin)
{
	char *const argv[] = { (char *)(uintptr_t)"touchstone-prompt", NULL };
	char *const env[] = {
		(char *)(uintptr_t)"DISPLAY=:9", (char *)(uintptr_t)"A=b", NULL
	};
	int null = open("/dev/null", O_RDWR);

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

static void
spawn(struct fixture *f, bool with_pin)
{
	int control[2], pin[2] = { -1, -1 };

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    control), 0);
	if (with_pin)
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET |
		    SOCK_CLOEXEC, 0, pin), 0);
	if ((f->pid = fork()) == 0)
		be_prompter(control[1], pin[1]);
	assert_true(f->pid > 0);
	close(control[1]);
	close_fd(&pin[1]);
	f->control = control[0];
	f->pin = pin[0];
}

static void
send_view(int fd, struct view v)
{
	assert_int_equal(send(fd, v.p, v.len, MSG_NOSIGNAL), (ssize_t)v.len);
}

static void
send_ask(struct fixture *f, const struct msg_prompt_ask *ask)
{
	struct buf b;

	buf_init(&b, DATAGRAM_MAX);
	assert_int_equal(datagram_put(&b, 77, MSG_prompt_ask, ask), 0);
	send_view(f->control, buf_view(&b));
	buf_free(&b);
}

static void
start_with(struct fixture *f, enum dialogue dialogue, const char *pinentry,
    const char *description, uint32_t timeout_s)
{
	struct msg_prompt_ask ask = {
		.dialogue = dialogue,
		.pinentry = view_str(pinentry),
		.description = view_str(description),
		.ttyname = view_str("/dev/pts/99"),
		.ttytype = view_str("xterm"),
		.lc_ctype = view_str("C.UTF-8"),
		.timeout_s = timeout_s,
	};

	spawn(f, dialogue == DIALOGUE_PIN);
	send_ask(f, &ask);
}

static void
start(struct fixture *f, enum dialogue dialogue)
{
	start_with(f, dialogue, f->pinentry, "Sign commit x", 60);
}

static ssize_t
receive(int fd, uint8_t *raw, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	return recv(fd, raw, size, 0);
}

/* The one reply; and then the prompter exits. */
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

static void
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

static void
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

static void
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
	assert_int_equal(msg_decode(id, body, &entry), 0);
	if (!view_eq_str(entry.pin, wanted))
		fail_msg("PIN of %zu bytes instead of \"%s\"", entry.pin.len,
		    wanted);
}

static void
assert_no_pin(struct fixture *f)
{
	uint8_t raw[1024];

	assert_int_equal(receive(f->pin, raw, sizeof(raw)), 0);
}

/* ---- a PIN ---- */

static void
good_pin_reaches_the_token(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 12%34\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "12%34");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_no_pin(f);
	assert_int_equal(logged(f, "GETPIN"), 1);
	assert_int_equal(logged(f, "SETDESC Sign commit x%0A%0ATries left: 3"),
	    1);
	assert_int_equal(logged(f, "SETPROMPT PIN:"), 1);
	assert_int_equal(logged(f, "SETTITLE touchstone"), 1);
	assert_int_equal(logged(f, "SETTIMEOUT 60"), 1);
	assert_int_equal(logged(f, "SETREPEAT Repeat:"), 0);
	assert_int_equal(logged(f, "OPTION ttyname=/dev/pts/99"), 1);
	assert_int_equal(logged(f, "OPTION ttytype=xterm"), 1);
	assert_int_equal(logged(f, "OPTION lc-ctype=C.UTF-8"), 1);
	assert_int_equal(logged(f, "OPTION display=:9"), 1);
	/* What is empty is not said. */
	assert_null(strstr(f->log, "lc-messages"));
}

static void
pinentry_gets_only_its_own_descriptors_and_environment(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "# fds 0 1 2"), 1);
	assert_int_equal(logged(f, "# env DISPLAY=:9"), 1);
	assert_int_equal(logged(f, "# env A=b"), 1);
	assert_null(strstr(f->log, "# env PATH"));
}

static void
wrong_pin_is_asked_again(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1111\npin 2222\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, UNKNOWN, "");
	assert_pin(f, "1111");
	say(f, PIN_WRONG, 2, "");
	assert_pin(f, "2222");
	say(f, PIN_WRONG, UNKNOWN, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "SETERROR Wrong PIN, 2 tries left"), 1);
	assert_int_equal(logged(f, "SETERROR Wrong PIN"), 1);
	/* One pinentry for all of it. */
	assert_int_equal(logged(f, "BYE"), 1);
}

static void
last_try_refused_is_not_spent(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1111\nrefuse\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 2, "");
	assert_pin(f, "1111");
	say(f, PIN_LAST, 1, "");
	assert_reply(f, GPG_ERR_CANCELED, "last try");
	assert_no_pin(f);
	assert_int_equal(logged(f, "GETPIN"), 1);
	assert_int_equal(logged(f, "CONFIRM"), 1);
	assert_int_equal(logged(f, "SETDESC Sign commit x%0A%0AThis is the "
	    "last try: another wrong PIN locks the token."), 1);
}

static void
last_try_confirmed_is_asked_for(void **state)
{
	struct fixture *f = *state;

	script(f, "confirm\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_LAST, 1, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "CONFIRM"), 1);
}

static void
locked_token_asks_nothing(void **state)
{
	struct fixture *f = *state;

	start(f, DIALOGUE_PIN);
	say(f, PIN_LOCKED, 0, "");
	assert_reply(f, GPG_ERR_PIN_BLOCKED, "unlock");
	assert_int_equal(pinentry_pid(f), 0);
}

static void
token_locked_by_the_last_pin_ends(void **state)
{
	struct fixture *f = *state;

	script(f, "confirm\npin 1111\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_LAST, 1, "");
	assert_pin(f, "1111");
	say(f, PIN_LOCKED, 0, "use the PUK");
	assert_reply(f, GPG_ERR_PIN_BLOCKED, "use the PUK");
	assert_no_pin(f);
}

static void
token_failure_is_told(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "1234");
	say(f, PIN_FAILED, UNKNOWN, "token removed");
	assert_reply(f, GPG_ERR_CARD, "token removed");
}

static void
token_process_that_ends_is_told(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "1234");
	close_fd(&f->pin);
	assert_reply(f, GPG_ERR_CARD, "ended");
}

static void
token_garbage_is_refused(void **state)
{
	struct fixture *f = *state;

	start(f, DIALOGUE_PIN);
	send_view(f->pin, view_str("\1garbage"));
	assert_reply(f, GPG_ERR_CARD, "verdict");
}

static void
unknown_verdict_is_refused(void **state)
{
	struct fixture *f = *state;

	start(f, DIALOGUE_PIN);
	say(f, (enum pin_verdict)99, UNKNOWN, "");
	assert_reply(f, GPG_ERR_CARD, "verdict");
}

static void
pin_of_wrong_length_never_leaves(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 123\npin 123456789\npin\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "GETPIN"), 4);
	assert_int_equal(logged(f, "SETERROR The PIN has 4 to 8 characters"),
	    3);
}

static void
oversized_pin_never_leaves(void **state)
{
	struct fixture *f = *state;
	char text[400] = "pin ";

	memset(text + 4, '1', 300);
	strcat(text, "\npin 12345678\n");
	script(f, text);
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "12345678");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
}

static void
endless_attempts_end(void **state)
{
	struct fixture *f = *state;

	script(f, "always pin 1\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_reply(f, GPG_ERR_CANCELED, "too many attempts");
	assert_no_pin(f);
}

/* ---- a new PIN ---- */

static void
new_pin_is_asked_twice_by_pinentry(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK_NEW, UNKNOWN, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "SETREPEAT Repeat:"), 1);
	assert_int_equal(logged(f, "GETPIN"), 1);
	assert_int_equal(logged(f, "SETDESC Sign commit x%0A%0AChoose a PIN "
	    "of 4 to 8 characters."), 1);
}

static void
new_pin_is_asked_twice_by_hand(void **state)
{
	struct fixture *f = *state;

	script(f, "no-repeat\npin 1234\npin 4321\n"
	    "no-repeat\npin 1234\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK_NEW, UNKNOWN, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "GETPIN"), 4);
	assert_int_equal(logged(f, "SETERROR The two PINs differ"), 1);
}

static void
new_pin_that_is_cancelled_at_the_repeat_is_not_sent(void **state)
{
	struct fixture *f = *state;

	script(f, "no-repeat\npin 1234\ncancel\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK_NEW, UNKNOWN, "");
	assert_reply(f, GPG_ERR_CANCELED, "closed");
	assert_no_pin(f);
}

/* ---- yes or no ---- */

static void
yes_is_yes(void **state)
{
	struct fixture *f = *state;

	script(f, "confirm\n");
	start(f, DIALOGUE_CONFIRM);
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "SETDESC Sign commit x"), 1);
	assert_int_equal(logged(f, "SETOK Sign"), 1);
	assert_int_equal(logged(f, "SETCANCEL Refuse"), 1);
	assert_int_equal(logged(f, "GETPIN"), 0);
}

static void
all_else_is_no(void **state)
{
	static const struct {
		const char *script;
		gpg_err_code_t code;
		const char *text;
	} rows[] = {
		{ "refuse\n", GPG_ERR_CANCELED, "refused" },
		{ "cancel\n", GPG_ERR_CANCELED, "refused" },
		{ "timeout\n", GPG_ERR_TIMEOUT, "nobody" },
		{ "exit\n", GPG_ERR_CANCELED, "ended" },
		{ "crash\n", GPG_ERR_CANCELED, "killed by signal 9" },
		{ "error 83918950\n", GPG_ERR_NO_PIN_ENTRY, "GPG_TTY" },
		{ "error 0\n", GPG_ERR_CANCELED, "ended" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unlink(path_of(f, ".log"));
		script(f, rows[i].script);
		start(f, DIALOGUE_CONFIRM);
		assert_reply(f, rows[i].code, rows[i].text);
		close_fd(&f->control);
	}
}

static void
description_cannot_inject_a_command(void **state)
{
	struct fixture *f = *state;

	script(f, "confirm\n");
	start_with(f, DIALOGUE_CONFIRM, f->pinentry,
	    "a%0ASETOK Yes%0D%0A100% é \\n", 60);
	assert_reply(f, 0, "");
	assert_int_equal(logged(f,
	    "SETDESC a%250ASETOK Yes%250D%250A100%25 é \\n"), 1);
	assert_int_equal(logged(f, "SETOK Yes"), 0);
}

static void
description_with_a_newline_is_refused(void **state)
{
	struct fixture *f = *state;
	struct msg_prompt_ask ask = {
		.dialogue = DIALOGUE_CONFIRM,
		.pinentry = view_str(f->pinentry),
		.description = view_str("one two"),
	};
	uint8_t *space;
	struct buf b;
	uint8_t raw[64];

	script(f, "confirm\n");
	spawn(f, false);
	buf_init(&b, DATAGRAM_MAX);
	assert_int_equal(datagram_put(&b, 77, MSG_prompt_ask, &ask), 0);
	space = memmem(b.data, b.end, "one two", 7);
	assert_non_null(space);
	space[3] = '\n';
	send_view(f->control, buf_view(&b));
	buf_free(&b);
	assert_int_equal(receive(f->control, raw, sizeof(raw)), 0);
	assert_int_equal(pinentry_pid(f), 0);
}

static void
long_description_keeps_both_ends(void **state)
{
	struct fixture *f = *state;
	char text[4001];
	const char *line;

	script(f, "confirm\n");
	for (size_t i = 0; i < 4000; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	memcpy(text, "FIRST", 5);
	text[5] = '%';
	memcpy(text + 3996, "LAST", 5);
	start_with(f, DIALOGUE_CONFIRM, f->pinentry, text, 60);
	assert_reply(f, 0, "");
	assert_non_null(line = strstr(read_log(f), "SETDESC FIRST%25"));
	assert_non_null(strstr(line, "é ... é"));
	assert_non_null(strstr(line, "éLAST\n"));
	assert_true(strcspn(line, "\n") < 1000);
}

static void
locale_without_the_characters_gets_others(void **state)
{
	struct fixture *f = *state;

	script(f, "error 83886246\nconfirm\n");
	start_with(f, DIALOGUE_CONFIRM, f->pinentry, "git ← bäsh", 60);
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "SETDESC git ? b?sh"), 1);
}

/* ---- what can go wrong with pinentry ---- */

static void
cancelled_pin_is_cancelled(void **state)
{
	struct fixture *f = *state;

	script(f, "cancel\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_reply(f, GPG_ERR_CANCELED, "closed");
	assert_no_pin(f);
}

static void
crash_is_cancelled(void **state)
{
	struct fixture *f = *state;

	script(f, "crash\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_reply(f, GPG_ERR_CANCELED, "killed by signal 9");
	assert_no_pin(f);
}

static void
missing_pinentry_names_the_fix_at_once(void **state)
{
	static const char *const bad[] = {
		"/nonexistent/pinentry", "/etc/passwd", "/", "pinentry", "",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int before = now_ms();

		start_with(f, DIALOGUE_CONFIRM, bad[i], "x", 60);
		assert_reply(f, GPG_ERR_NO_PIN_ENTRY, "install one");
		assert_true(now_ms() - before < 1000);
		close_fd(&f->control);
	}
}

static void
program_that_is_no_pinentry_is_told(void **state)
{
	static const char *const bad[] = { "/bin/false", "/bin/cat" };
	struct fixture *f = *state;

	/* cat gives back what it is told, and it is told nothing first. */
	start_with(f, DIALOGUE_CONFIRM, bad[0], "x", 60);
	assert_reply(f, GPG_ERR_NO_PIN_ENTRY, "pinentry does");
	close_fd(&f->control);
	start_with(f, DIALOGUE_CONFIRM, bad[1], "x", 60);
	close_fd(&f->control);
	assert_true(is_gone(f->pid, 2000));
}

static void
pinentry_without_a_terminal_names_the_fix_at_once(void **state)
{
	struct fixture *f = *state;
	int before = now_ms();

	if (access("/usr/bin/pinentry-curses", X_OK))
		skip();
	start_with(f, DIALOGUE_CONFIRM, "/usr/bin/pinentry-curses", "x", 60);
	assert_reply(f, GPG_ERR_NO_PIN_ENTRY, "GPG_TTY");
	assert_true(now_ms() - before < 1000);
}

static void
silent_pinentry_is_given_up(void **state)
{
	struct fixture *f = *state;

	script(f, "hang\n");
	start_with(f, DIALOGUE_CONFIRM, f->pinentry, "x", 1);
	assert_reply(f, GPG_ERR_TIMEOUT, "1 seconds");
}

static void
agent_that_closes_ends_the_prompt(void **state)
{
	static const char *const scripts[] = { "hang\n", "hang-hard\n" };
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		int before;

		unlink(path_of(f, ".log"));
		script(f, scripts[i]);
		start(f, DIALOGUE_PIN);
		say(f, PIN_ASK, 3, "");
		assert_true(wait_logged(f, "GETPIN"));
		assert_false(is_gone(pinentry_pid(f), 0));
		before = now_ms();
		close_fd(&f->control);
		assert_true(is_gone(pinentry_pid(f), 900));
		assert_true(is_gone(f->pid, 1000));
		assert_true(i == 0 || now_ms() - before >= 450);
		assert_no_pin(f);
		close_fd(&f->pin);
		waitpid(f->pid, NULL, 0);
		f->pid = 0;
	}
}

static void
agent_that_closes_while_the_token_thinks_ends_the_prompt(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "1234");
	close_fd(&f->control);
	assert_true(is_gone(f->pid, 1000));
	assert_true(is_gone(pinentry_pid(f), 1000));
}

static void
killed_prompter_takes_pinentry_along(void **state)
{
	struct fixture *f = *state;

	script(f, "hang\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_true(wait_logged(f, "GETPIN"));
	kill(f->pid, SIGKILL);
	assert_true(is_gone(pinentry_pid(f), 2000));
}

/* ---- what can go wrong with the agent ---- */

static void
garbage_from_the_agent_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t raw[64];

	spawn(f, false);
	send_view(f->control, view_str("garbage"));
	assert_int_equal(receive(f->control, raw, sizeof(raw)), 0);
}

static void
pin_dialogue_needs_the_pin_socket(void **state)
{
	struct fixture *f = *state;
	struct msg_prompt_ask ask = {
		.dialogue = DIALOGUE_PIN, .pinentry = view_str(f->pinentry),
	};

	spawn(f, false);
	send_ask(f, &ask);
	assert_reply(f, GPG_ERR_INV_ARG, "");
	assert_int_equal(pinentry_pid(f), 0);
}

static void
it_is_not_run_by_hand(void **state)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 2);
		close_range(3, ~0U, 0);
		execl(PROMPTER, PROMPTER, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
}

/* ---- where a PIN may be ---- */

/*
 * All of the prompter's memory that can be written, while it waits for the
 * verdict: the PIN was sent and is nowhere any more.
 */
static int
occurrences(pid_t pid, const char *needle)
{
	char path[64], line[512], perms[8];
	unsigned long from, to;
	int mem, count = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	if ((mem = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	assert_non_null(maps = fopen(path, "re"));
	while (fgets(line, sizeof(line), maps)) {
		char *area, *p;
		ssize_t n;

		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 ||
		    perms[1] != 'w' || to - from > 64UL << 20 ||
		    !(area = malloc(to - from)))
			continue;
		n = pread(mem, area, to - from, (off_t)from);
		for (p = area; n > 0 && (p = memmem(p, (size_t)(area + n - p),
		    needle, strlen(needle))); p++)
			count++;
		free(area);
	}
	fclose(maps);
	close(mem);
	return count;
}

static void
pin_is_wiped_once_sent(void **state)
{
	struct fixture *f = *state;
	int found;

	script(f, "pin 7q%Zx9w\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "7q%Zx9w");
	/* The description is there: the search finds what is. */
	found = occurrences(f->pid, "Sign commit x");
	if (found < 0)
		skip();
	assert_true(found > 0);
	assert_int_equal(occurrences(f->pid, "7q%Zx9w"), 0);
	assert_int_equal(occurrences(f->pid, "7q%25Zx9w"), 0);
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
}

static void
prompter_cannot_be_looked_into_or_dump(void **state)
{
	struct fixture *f = *state;
	char path[64];
	struct rlimit limit;
	struct stat st;

#ifdef SANITIZERS
	skip();
#endif
	if (geteuid() != 0)
		skip();		/* the owner below tells it apart only then */
	script(f, "hang\n");
	start(f, DIALOGUE_CONFIRM);
	assert_true(wait_logged(f, "CONFIRM"));
	assert_int_equal(prlimit(f->pid, RLIMIT_CORE, NULL, &limit), 0);
	assert_int_equal(limit.rlim_max, 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)f->pid);
	assert_int_equal(stat(path, &st), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(good_pin_reaches_the_token),
		T(pinentry_gets_only_its_own_descriptors_and_environment),
		T(wrong_pin_is_asked_again),
		T(last_try_refused_is_not_spent),
		T(last_try_confirmed_is_asked_for),
		T(locked_token_asks_nothing),
		T(token_locked_by_the_last_pin_ends),
		T(token_failure_is_told),
		T(token_process_that_ends_is_told),
		T(token_garbage_is_refused),
		T(unknown_verdict_is_refused),
		T(pin_of_wrong_length_never_leaves),
		T(oversized_pin_never_leaves),
		T(endless_attempts_end),
		T(new_pin_is_asked_twice_by_pinentry),
		T(new_pin_is_asked_twice_by_hand),
		T(new_pin_that_is_cancelled_at_the_repeat_is_not_sent),
		T(yes_is_yes),
		T(all_else_is_no),
		T(description_cannot_inject_a_command),
		T(description_with_a_newline_is_refused),
		T(long_description_keeps_both_ends),
		T(locale_without_the_characters_gets_others),
		T(cancelled_pin_is_cancelled),
		T(crash_is_cancelled),
		T(missing_pinentry_names_the_fix_at_once),
		T(program_that_is_no_pinentry_is_told),
		T(pinentry_without_a_terminal_names_the_fix_at_once),
		T(silent_pinentry_is_given_up),
		T(agent_that_closes_ends_the_prompt),
		T(agent_that_closes_while_the_token_thinks_ends_the_prompt),
		T(killed_prompter_takes_pinentry_along),
		T(garbage_from_the_agent_is_refused),
		T(pin_dialogue_needs_the_pin_socket),
		T(it_is_not_run_by_hand),
		T(pin_is_wiped_once_sent),
		T(prompter_cannot_be_looked_into_or_dump),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
