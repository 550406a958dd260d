/*
 * What can go wrong around a prompt: with pinentry, with the agent, with the
 * place of a PIN; and the real pinentry-curses at a terminal.
 */
#include <config.h>

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
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "prompter.h"
#include "skip.h"

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
		skip_because("no pinentry-curses");
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
		skip_because("its memory cannot be read");
	assert_true(found > 0);
	/* It is sent just before it is wiped. */
	for (int i = 0; i < 200 && occurrences(f->pid, "7q%Zx9w") > 0; i++)
		poll(NULL, 0, 10);
	assert_int_equal(occurrences(f->pid, "7q%Zx9w"), 0);
	assert_int_equal(occurrences(f->pid, "7q%25Zx9w"), 0);
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
}

#ifndef SANITIZERS	/* which do not lock memory */
static bool
may_run(uid_t uid, const char *path)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit((uid && setresuid(uid, uid, uid)) ||
		    access(path, X_OK));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* As a user without privileges, which the test is unless it is root. */
static void
start_unprivileged(struct fixture *f)
{
	f->uid = geteuid() == 0 ? 65534 : 0;
	script(f, "hang\n");
	if (f->uid && (chown(f->dir, f->uid, (gid_t)-1) ||
	    chown(path_of(f, ".script"), f->uid, (gid_t)-1)))
		fail();
	if (!may_run(f->uid, PROMPTER) || !may_run(f->uid, f->pinentry))
		skip_because("the build is in a folder that is root's alone");
	start(f, DIALOGUE_PIN);
}

/* The number behind a name, in the file of /proc/PID. */
static long
proc_number(pid_t pid, const char *file, const char *name)
{
	char path[64], line[256];
	long n = -1;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	assert_non_null(in = fopen(path, "re"));
	while (fgets(line, sizeof(line), in))
		if (!strncmp(line, name, strlen(name)))
			n = atol(line + strlen(name));
	fclose(in);
	return n;
}

static void
memory_of_a_pin_is_locked_and_never_dumped(void **state)
{
	struct fixture *f = *state;
	char path[64];
	struct stat st;

	start_unprivileged(f);
	say(f, PIN_ASK, 3, "");
	assert_true(wait_logged(f, "GETPIN"));
	assert_true(proc_number(f->pid, "status", "VmLck:") >= 8);
	assert_int_equal(proc_number(f->pid, "limits",
	    "Max core file size"), 0);
	assert_true(proc_number(f->pid, "limits", "Max open files") > 0);
	/* Root's, as that of any process that is not dumpable. */
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)f->pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	/* And pinentry's own is that user's. */
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pinentry_pid(f));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, f->uid ? f->uid : geteuid());
}

static void
without_locked_memory_no_pin_is_asked(void **state)
{
	struct fixture *f = *state;

	f->no_lock = true;
	start_unprivileged(f);
	assert_reply(f, GPG_ERR_ENOMEM, "ulimit -l");
	assert_int_equal(pinentry_pid(f), 0);
}
#endif

/* ---- the real one ---- */

#define CURSES "/usr/bin/pinentry-curses"

/* Starts a PIN dialogue at a terminal of its own; returns its other side. */
static int
start_curses(struct fixture *f, char tty[64], uint32_t timeout_s)
{
	int pty;

	if (access(CURSES, X_OK))
		skip_because("no pinentry-curses");
	pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(pty >= 0);
	assert_int_equal(grantpt(pty) || unlockpt(pty), 0);
	assert_int_equal(ptsname_r(pty, tty, 64), 0);
	f->tty = tty;
	start_with(f, DIALOGUE_PIN, CURSES, "asked by git ← bash", timeout_s);
	say(f, PIN_ASK, 3, "");
	return pty;
}

/* Reads the screen until it shows a text. */
static void
assert_shown(int pty, const char *text)
{
	static char screen[65536];
	struct pollfd p = { .fd = pty, .events = POLLIN };
	int until = now_ms() + 10000;
	size_t len = 0;
	ssize_t n;

	while (now_ms() < until && len < sizeof(screen)) {
		if (poll(&p, 1, 100) != 1)
			continue;
		if ((n = read(pty, screen + len, sizeof(screen) - len)) > 0)
			len += (size_t)n;
		else
			poll(NULL, 0, 20);
		if (memmem(screen, len, text, strlen(text)))
			return;
	}
	fail_msg("the terminal does not show \"%s\"", text);
}

static void
type(int pty, const char *keys)
{
	assert_int_equal(write(pty, keys, strlen(keys)),
	    (ssize_t)strlen(keys));
}

static void
real_pinentry_takes_a_pin(void **state)
{
	struct fixture *f = *state;
	char tty[64];
	int pty = start_curses(f, tty, 60);

	assert_shown(pty, "git ← bash");
	type(pty, "12\r");
	assert_shown(pty, "4 to 8");
	type(pty, "1234\r");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	close(pty);
}

static void
real_pinentry_shows_what_its_locale_can(void **state)
{
	struct fixture *f = *state;
	char tty[64];
	int pty;

	f->lc_ctype = "C";
	pty = start_curses(f, tty, 60);
	assert_shown(pty, "git ? bash");
	type(pty, "1234\r");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	close(pty);
}

static void
real_pinentry_is_cancelled(void **state)
{
	struct fixture *f = *state;
	char tty[64];
	int pty = start_curses(f, tty, 60);

	assert_shown(pty, "Tries left: 3");
	type(pty, "\t\t\r");
	assert_reply(f, GPG_ERR_CANCELED, "closed");
	assert_no_pin(f);
	close(pty);
}

static void
real_pinentry_times_out(void **state)
{
	struct fixture *f = *state;
	char tty[64];
	int pty = start_curses(f, tty, 1);

	assert_reply(f, GPG_ERR_TIMEOUT, "1 seconds");
	assert_no_pin(f);
	close(pty);
}

static void
real_pinentry_leaves_the_terminal_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct termios before, after;
	char tty[64];
	int pty = start_curses(f, tty, 60);
	int slave = open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(slave >= 0);
	assert_shown(pty, "Tries left: 3");
	assert_int_equal(tcgetattr(slave, &before), 0);
	assert_false(before.c_lflag & ECHO);
	close_fd(&f->control);
	assert_true(is_gone(f->pid, 1000));
	assert_int_equal(tcgetattr(slave, &after), 0);
	assert_true(after.c_lflag & ECHO);
	assert_no_pin(f);
	close(slave);
	close(pty);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
#ifndef SANITIZERS
		T(memory_of_a_pin_is_locked_and_never_dumped),
		T(without_locked_memory_no_pin_is_asked),
#endif
		T(real_pinentry_takes_a_pin),
		T(real_pinentry_shows_what_its_locale_can),
		T(real_pinentry_is_cancelled),
		T(real_pinentry_times_out),
		T(real_pinentry_leaves_the_terminal_as_it_was),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
