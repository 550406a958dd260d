/*
 * Where a prompt may appear: read from processes that this test starts, with
 * terminals and environments that it made.
 */
#include <config.h>

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/place.h"
#include "wire/text.h"

extern char **environ;

/* Wipes the NULs of its own environment, as setproctitle() may. */
static void
spoil_environ(void)
{
	char *start = environ[0], *end = start;

	for (size_t i = 0; environ[i]; i++)
		end = environ[i] + strlen(environ[i]) + 1;
	memset(start, 'A', (size_t)(end - start));
	memcpy(start, "DISPLAY=:7", 10);
}

/* What this program is when it is run as its own test subject. */
static int
subject(const char *how)
{
	if (!strcmp(how, "spoiled"))
		spoil_environ();
	if (write(1, "x", 1) != 1)
		return 1;
	for (;;)
		pause();
}

struct proc {
	pid_t pid;
	int pty;	/* its terminal's other side, or -1 */
	char tty[64];
	uint64_t start;
};

static void
become(const char *how, char *const *env, const char *tty, int out)
{
	char *const argv[] = {
		(char *)(uintptr_t)"t-place", (char *)(uintptr_t)how, NULL
	};
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	if (tty && ((fd = open(tty, O_RDWR)) < 0 || ioctl(fd, TIOCSCTTY, 0)))
		_exit(126);
	dup2(out, 1);
	execve("/proc/self/exe", argv, env);
	_exit(127);
}

static void
start_proc(struct proc *p, const char *how, char *const *env, bool with_tty)
{
	int fds[2];
	char c;

	p->pty = -1;
	p->tty[0] = 0;
	if (with_tty) {
		p->pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_true(p->pty >= 0);
		assert_int_equal(grantpt(p->pty) || unlockpt(p->pty), 0);
		assert_int_equal(ptsname_r(p->pty, p->tty, sizeof(p->tty)), 0);
	}
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if ((p->pid = fork()) == 0)
		become(how, env, with_tty ? p->tty : NULL, fds[1]);
	assert_true(p->pid > 0);
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	assert_int_equal(place_start_time(p->pid, &p->start), 0);
}

static void
stop_proc(struct proc *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	if (p->pty >= 0)
		close(p->pty);
}

static const char *
env_of(const struct place *p, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; p->env[i]; i++)
		if (!strncmp(p->env[i], name, n) && p->env[i][n] == '=')
			return p->env[i] + n + 1;
	return NULL;
}

/* The place of a process with that environment. */
static struct place *
place_with(const char *how, char *const *env, bool with_tty, char *tty)
{
	struct place *place;
	struct proc p;

	start_proc(&p, how, env, with_tty);
	assert_int_equal(place_of(p.pid, p.start, &place), 0);
	if (tty)
		strcpy(tty, p.tty);
	stop_proc(&p);
	return place;
}

#define ENV(...) ((char *const []){ __VA_ARGS__, NULL })
#define E(s) ((char *)(uintptr_t)(s))

static void
own_process_is_found(void **state)
{
	struct place *place;
	uint64_t start;

	assert_int_equal(place_start_time(getpid(), &start), 0);
	assert_true(start > 0);
	assert_int_equal(place_of(getpid(), start, &place), 0);
	assert_non_null(place->env);
	place_free(&place);
	assert_null(place);
}

static void
dead_process_is_refused(void **state)
{
	struct place *place;
	struct proc p;
	uint64_t start;

	start_proc(&p, "plain", ENV(E("A=b")), false);
	stop_proc(&p);
	assert_int_equal(gpg_err_code(place_of(p.pid, p.start, &place)),
	    GPG_ERR_NOT_FOUND);
	assert_null(place);
	assert_int_equal(gpg_err_code(place_start_time(p.pid, &start)),
	    GPG_ERR_NOT_FOUND);
	assert_int_equal(gpg_err_code(place_start_time(0, &start)),
	    GPG_ERR_NOT_FOUND);
	assert_int_equal(gpg_err_code(place_start_time(-1, &start)),
	    GPG_ERR_NOT_FOUND);
}

static void
zombie_is_refused(void **state)
{
	struct place *place;
	siginfo_t info;
	struct proc p;

	start_proc(&p, "plain", ENV(E("DISPLAY=:1")), false);
	kill(p.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)p.pid, &info,
	    WEXITED | WNOWAIT), 0);
	assert_int_equal(gpg_err_code(place_of(p.pid, p.start, &place)),
	    GPG_ERR_NOT_FOUND);
	stop_proc(&p);
}

static void
reused_pid_is_refused(void **state)
{
	struct place *place;
	struct proc p;

	start_proc(&p, "plain", ENV(E("DISPLAY=:1")), false);
	assert_int_equal(gpg_err_code(place_of(p.pid, p.start + 1, &place)),
	    GPG_ERR_NOT_FOUND);
	assert_null(place);
	assert_int_equal(place_of(p.pid, p.start, &place), 0);
	place_free(&place);
	stop_proc(&p);
}

static void
foreign_process_is_refused(void **state)
{
	struct place *place;
	uint64_t start;
	pid_t pid;
	int gate[2];

	if (geteuid() != 0) {
		assert_int_equal(place_start_time(1, &start), 0);
		assert_int_equal(gpg_err_code(place_of(1, start, &place)),
		    GPG_ERR_EACCES);
		return;
	}
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		if (setuid(65534) || write(gate[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(gate[0], &start, 1), 1);
	assert_int_equal(place_start_time(pid, &start), 0);
	assert_int_equal(gpg_err_code(place_of(pid, start, &place)),
	    GPG_ERR_EACCES);
	assert_null(place);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(gate[0]);
	close(gate[1]);
}

static void
controlling_terminal_is_named(void **state)
{
	struct place *place;
	char tty[64];

	place = place_with("plain", ENV(E("TERM=xterm")), true, tty);
	assert_non_null(place->ttyname);
	assert_string_equal(place->ttyname, tty);
	assert_string_equal(place->ttytype, "xterm");
	assert_true(place_usable(place));
	place_free(&place);

	place = place_with("plain", ENV(E("TERM=xterm")), false, NULL);
	assert_null(place->ttyname);
	assert_false(place_usable(place));
	place_free(&place);
}

static void
gpg_tty_must_be_a_terminal_of_ours(void **state)
{
	static const char *const bad[] = {
		"/dev/null", "/dev/tty", "/dev/pts/ptmx", "/etc/passwd",
		"/dev/pts/../null", "/dev/pts/999999", "pts/0",
		"/dev/tty/../null", "",
	};
	struct place *place;
	char line[128], other[64];
	int pty;

	pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(grantpt(pty) || unlockpt(pty), 0);
	assert_int_equal(ptsname_r(pty, other, sizeof(other)), 0);
	snprintf(line, sizeof(line), "GPG_TTY=%s", other);
	place = place_with("plain", ENV(line), false, NULL);
	assert_string_equal(place->ttyname, other);
	assert_string_equal(env_of(place, "GPG_TTY"), other);
	place_free(&place);
	close(pty);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "GPG_TTY=%s", bad[i]);
		place = place_with("plain", ENV(line), false, NULL);
		assert_null(place->ttyname);
		assert_null(env_of(place, "GPG_TTY"));
		place_free(&place);
	}
}

static void
environment_is_an_allow_list(void **state)
{
	struct place *place = place_with("plain", ENV(E("LD_PRELOAD=/x.so"),
	    E("PATH=/evil"), E("DISPLAY=:3"), E("DISPLAY=:4"),
	    E("WAYLAND_DISPLAY=w"), E("HOME=/home/a"), E("LC_EVIL=x"),
	    E("LC_TIME=C"), E("LANG=de_DE.UTF-8"), E("LC_CTYPE=C.UTF-8"),
	    E("TERMINFO=/evil"), E("DISPLAYX=1"), E("PINENTRY_USER_DATA=x"),
	    E("XDG_RUNTIME_DIR=/run/user/1")), false, NULL);
	size_t n = 0;

	while (place->env[n])
		n++;
	assert_int_equal(n, 7);
	assert_string_equal(env_of(place, "DISPLAY"), ":3");
	assert_string_equal(env_of(place, "WAYLAND_DISPLAY"), "w");
	assert_string_equal(env_of(place, "HOME"), "/home/a");
	assert_string_equal(env_of(place, "XDG_RUNTIME_DIR"), "/run/user/1");
	assert_string_equal(env_of(place, "LC_TIME"), "C");
	assert_string_equal(place->lc_ctype, "C.UTF-8");
	assert_string_equal(place->lc_messages, "de_DE.UTF-8");
	assert_true(place_usable(place));
	place_free(&place);
}

static void
unclean_values_are_refused(void **state)
{
	char longer[2000] = "TERM=";
	struct place *place;

	memset(longer + 5, 'a', 100);
	place = place_with("plain", ENV(E("DISPLAY=:1\033[2J"),
	    E("XAUTHORITY=relative"), E("HOME=/a\nb"), E("LC_ALL=../../x"),
	    E("WAYLAND_DISPLAY=\xe2\x80\xae"), E("LANG=\xff"), longer),
	    false, NULL);
	assert_null(place->env[0]);
	assert_null(place->ttytype);
	assert_null(place->lc_ctype);
	assert_false(place_usable(place));
	place_free(&place);
}

static void
huge_environment_counts_as_empty(void **state)
{
	static char filler[12][100 * 1024];
	char *env[14] = { E("DISPLAY=:1") };
	struct place *place;

	for (size_t i = 0; i < 12; i++) {
		memset(filler[i], 'x', sizeof(filler[i]) - 1);
		filler[i][1] = '=';
		env[i + 1] = filler[i];
	}
	place = place_with("plain", env, false, NULL);
	assert_null(place->env[0]);
	place_free(&place);
	env[3] = NULL;
	place = place_with("plain", env, false, NULL);
	assert_string_equal(env_of(place, "DISPLAY"), ":1");
	place_free(&place);
}

static void
environment_without_end_is_survived(void **state)
{
	struct place *place = place_with("spoiled",
	    ENV(E("DISPLAY=:1"), E("HOME=/home/a")), false, NULL);

	assert_null(place->env[0]);
	assert_false(place_usable(place));
	place_free(&place);
}

static void
description_names_the_ancestors(void **state)
{
	char text[256], small[8], tiny[2] = "x";
	struct proc p;

	start_proc(&p, "plain", ENV(E("A=b")), false);
	place_describe(p.pid, text, sizeof(text));
	/* The subject is run by way of /proc/self/exe. */
	assert_non_null(strstr(text, " ← "));
	assert_true(strncmp(text, "exe", 3) == 0 ||
	    strncmp(text, "t-place", 7) == 0);
	assert_non_null(strstr(text, "t-place"));
	place_describe(p.pid, small, sizeof(small));
	assert_true(strlen(small) < sizeof(small));
	place_describe(p.pid, tiny, sizeof(tiny));
	assert_string_equal(tiny, "");
	stop_proc(&p);
	place_describe(p.pid, text, sizeof(text));
	assert_string_equal(text, "?");
}

static void
description_is_clean(void **state)
{
	char text[256];
	pid_t pid;
	int gate[2];
	char c;

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		prctl(PR_SET_NAME, "a) Z 1\033[2J\xff");
		if (write(gate[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(gate[0], &c, 1), 1);
	place_describe(pid, text, sizeof(text));
	assert_true(text_is_clean(view_str(text)));
	assert_int_equal(strncmp(text, "a) Z 1?[2J? ← ", 15), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(gate[0]);
	close(gate[1]);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_process_is_found),
		cmocka_unit_test(dead_process_is_refused),
		cmocka_unit_test(zombie_is_refused),
		cmocka_unit_test(reused_pid_is_refused),
		cmocka_unit_test(foreign_process_is_refused),
		cmocka_unit_test(controlling_terminal_is_named),
		cmocka_unit_test(gpg_tty_must_be_a_terminal_of_ours),
		cmocka_unit_test(environment_is_an_allow_list),
		cmocka_unit_test(unclean_values_are_refused),
		cmocka_unit_test(huge_environment_counts_as_empty),
		cmocka_unit_test(environment_without_end_is_survived),
		cmocka_unit_test(description_names_the_ancestors),
		cmocka_unit_test(description_is_clean),
	};

	if (argc == 2)
		return subject(argv[1]);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
