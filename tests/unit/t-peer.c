/* Peers: which may pass on what others send, and what ssh was told. */
#include "config.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/peer.h"
#include "agent/place.h"

static uint64_t
start_of(pid_t pid)
{
	uint64_t start;

	assert_int_equal(place_start_time(pid, &start), 0);
	return start;
}

static enum peer
look_at_us(void)
{
	return peer_look(getpid(), start_of(getpid()));
}

static void
test_a_process_is_that_which_connected(void **state)
{
	uint64_t start = start_of(getpid());

	assert_int_equal(peer_look(getpid(), start), PEER_PROCESS);
	assert_int_equal(peer_look(getpid(), start + 1), PEER_RELAY);
	assert_int_equal(peer_look(getpid(), 0), PEER_RELAY);
	assert_int_equal(peer_look(0, start), PEER_RELAY);
	assert_int_equal(peer_look(-1, start), PEER_RELAY);
	assert_int_equal(peer_look(0x7fffffff, start), PEER_RELAY);
}

static void
test_sockets_to_elsewhere_make_a_relay(void **state)
{
	static const struct {
		int domain, type;
		enum peer peer;
	} rows[] = {
		{ AF_UNIX, SOCK_STREAM, PEER_PROCESS },
		{ AF_UNIX, SOCK_DGRAM, PEER_PROCESS },
		{ AF_UNIX, SOCK_SEQPACKET, PEER_PROCESS },
		{ AF_NETLINK, SOCK_DGRAM, PEER_PROCESS },
		{ AF_INET, SOCK_STREAM, PEER_RELAY },
		{ AF_INET, SOCK_DGRAM, PEER_RELAY },
		{ AF_INET6, SOCK_STREAM, PEER_RELAY },
		{ AF_INET6, SOCK_DGRAM, PEER_RELAY },
		{ AF_VSOCK, SOCK_STREAM, PEER_RELAY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = socket(rows[i].domain, rows[i].type, 0);

		/* Not every machine has every protocol. */
		if (fd < 0)
			continue;
		assert_int_equal(look_at_us(), rows[i].peer);
		close(fd);
		assert_int_equal(look_at_us(), PEER_PROCESS);
	}
}

/* In libc's place: tells what is asked. */
static unsigned asked, asked_files;

ssize_t
getxattr(const char *path, const char *name, void *value, size_t size)
{
	char is[64] = "";

	asked++;
	if (readlink(path, is, sizeof(is) - 1) < 0 ||
	    strncmp(is, "socket:", 7))
		asked_files++;
	return syscall(SYS_getxattr, path, name, value, size);
}

/* A file of a host that does not answer would hold up who asks about it. */
static void
test_files_are_not_asked(void **state)
{
	int file = open("/dev/null", O_RDONLY), fd = socket(AF_UNIX,
	    SOCK_STREAM, 0);

	assert_true(file >= 0 && fd >= 0);
	asked = asked_files = 0;
	assert_int_equal(look_at_us(), PEER_PROCESS);
	assert_int_not_equal(asked, 0);
	assert_int_equal(asked_files, 0);
	close(file);
	close(fd);
}

static void
test_names_make_a_relay(void **state)
{
	static const char *const relays[] = { "socat", "nc", "sshd",
		"plink", "dbclient", "ssh" };
	char name[16];

	prctl(PR_GET_NAME, name);
	for (size_t i = 0; i < sizeof(relays) / sizeof(relays[0]); i++) {
		prctl(PR_SET_NAME, relays[i]);
		assert_int_equal(look_at_us(), PEER_RELAY);
		assert_true(peer_is_named_relay(getpid()));
	}
	prctl(PR_SET_NAME, "git");
	assert_int_equal(look_at_us(), PEER_PROCESS);
	assert_false(peer_is_named_relay(getpid()));
	assert_false(peer_is_named_relay(0x7fffffff));
	assert_false(peer_is_named_relay(0));
	prctl(PR_SET_NAME, name);
}

/* Root may look at anybody. */
static void
test_who_cannot_be_looked_at_is_a_relay(void **state)
{
	if (geteuid() == 0)
		skip();
	assert_int_equal(peer_look(1, start_of(1)), PEER_RELAY);
}

/* A process with these arguments, until the pipe is closed. */
static pid_t
run(char *const argv[], int *out)
{
	int wait[2], ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(wait) | pipe(ready), 0);
	if ((pid = fork()) == 0) {
		dup2(wait[0], 0);
		dup2(ready[1], 1);
		close(wait[1]);
		execv("/bin/sh", argv);
		_exit(127);
	}
	close(wait[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*out = wait[1];
	return pid;
}

static bool
has(const struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (!strcmp(n->list[i], name))
			return true;
	return false;
}

static void
test_hosts_are_what_ssh_was_told(void **state)
{
	char words[][40] = { "ssh", "-c", "echo; read x", "-", "-p", "2022",
		"-oHostName=Real.example", "-J", "git@one.example,two.example:99",
		"root@name", "ssh://u@url.example:77/", "esc\033[1m", "a b" };
	char *argv[sizeof(words) / sizeof(words[0]) + 1] = { NULL };
	struct names *names = names_new();
	uint64_t start;
	pid_t pid;
	int fd;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		argv[i] = words[i];
	pid = run(argv, &fd);
	start = start_of(pid);
	peer_hosts(pid, start + 1, names);
	assert_int_equal(names->count, 0);
	peer_hosts(pid, start, names);
	assert_true(has(names, "name"));
	assert_true(has(names, "[name]:2022"));
	assert_true(has(names, "one.example"));
	assert_true(has(names, "two.example"));
	assert_true(has(names, "[two.example]:99"));
	assert_true(has(names, "url.example"));
	assert_true(has(names, "[url.example]:77"));
	assert_false(has(names, "ssh"));
	for (size_t i = 0; i < names->count; i++)
		assert_null(strpbrk(names->list[i], "\033 @=/"));
	close(fd);
	waitpid(pid, NULL, 0);
	names_free(&names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_process_is_that_which_connected),
		cmocka_unit_test(test_sockets_to_elsewhere_make_a_relay),
		cmocka_unit_test(test_files_are_not_asked),
		cmocka_unit_test(test_names_make_a_relay),
		cmocka_unit_test(test_who_cannot_be_looked_at_is_a_relay),
		cmocka_unit_test(test_hosts_are_what_ssh_was_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
