/* Who is connected to pcscd is named, and nobody else. */
#include "config.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "holder.h"

struct clients {
	char dir[32];
	struct sockaddr_un at;
	int listener;
	pid_t pid[2];
};

static int
enter(void **state)
{
	struct clients *c = calloc(1, sizeof(*c));

	strcpy(c->dir, "/tmp/t-holder.XXXXXX");
	c->at.sun_family = AF_UNIX;
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*state = c;
	return c->listener < 0 || !mkdtemp(c->dir);
}

static int
leave(void **state)
{
	struct clients *c = *state;

	for (int i = 0; i < 2; i++)
		if (c->pid[i]) {
			kill(c->pid[i], SIGKILL);
			waitpid(c->pid[i], NULL, 0);
		}
	close(c->listener);
	unlink(c->at.sun_path);
	rmdir(c->dir);
	free(c);
	return 0;
}

static void
listen_at(struct clients *c, const char *name)
{
	snprintf(c->at.sun_path, sizeof(c->at.sun_path), "%s/%s", c->dir,
	    name);
	assert_int_equal(bind(c->listener, (void *)&c->at, sizeof(c->at)), 0);
	assert_int_equal(listen(c->listener, 4), 0);
}

/* A process of that name with a connection, which is accepted here. */
static void
connect_as(struct clients *c, int i, const char *name)
{
	char ready;
	int fd;

	if (!(c->pid[i] = fork())) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		prctl(PR_SET_NAME, name);
		if (connect(fd, (void *)&c->at, sizeof(c->at)) ||
		    write(fd, "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	fd = accept(c->listener, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &ready, 1), 1);
}

static void
test_one_is_named_until_it_ends(void **state)
{
	struct clients *c = *state;
	char want[64];

	listen_at(c, "pcscd.comm");
	assert_string_equal(holders_find().text, "");
	connect_as(c, 0, "one\033[1m");
	snprintf(want, sizeof(want), " (pid %d)", (int)c->pid[0]);
	assert_memory_equal(holders_find().text, ": one", 5);
	assert_null(strchr(holders_find().text, '\033'));
	assert_non_null(strstr(holders_find().text, want));
	assert_null(strstr(holders_find().text, "gpgconf"));
	kill(c->pid[0], SIGKILL);
	waitpid(c->pid[0], NULL, 0);
	c->pid[0] = 0;
	assert_string_equal(holders_find().text, "");
}

static void
test_two_are_both_named(void **state)
{
	struct clients *c = *state;
	char *text;

	listen_at(c, "pcscd.comm");
	connect_as(c, 0, "scdaemon");
	assert_non_null(strstr(holders_find().text, "gpgconf"));
	connect_as(c, 1, "browser");
	text = strdup(holders_find().text);
	assert_memory_equal(text, ": one of ", 9);
	assert_non_null(strstr(text, "scdaemon (pid "));
	assert_non_null(strstr(text, "browser (pid "));
	free(text);
}

static void
test_other_sockets_do_not_count(void **state)
{
	struct clients *c = *state;

	listen_at(c, "pcscd.command");
	connect_as(c, 0, "another");
	assert_string_equal(holders_find().text, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_is_named_until_it_ends),
		TEST(test_two_are_both_named),
		TEST(test_other_sockets_do_not_count),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	/* Sockets of its own, so that no real pcscd's clients are seen. */
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		puts("1..0 # SKIP no network namespace can be had");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
