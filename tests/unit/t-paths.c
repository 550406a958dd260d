/* The user's folders and files: who may, what is refused, whole or not at all. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>

#include "local/paths.h"
#include "skip.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

/* Each test has an empty folder of its own as working directory. */
static int
enter(void **state)
{
	char dir[] = "/tmp/t-paths.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir) || !(*state = strdup(dir)))
		return -1;
	return 0;
}

static int
leave(void **state)
{
	char cmd[256];
	int rc;

	snprintf(cmd, sizeof(cmd), "chmod -R u+rwx %s && rm -rf %s",
	    (char *)*state, (char *)*state);
	rc = chdir("/") || system(cmd);
	free(*state);
	return rc;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
test_folders_come_from_the_environment(void **state)
{
	struct paths p;

	setenv("HOME", "/h", 1);
	setenv("XDG_RUNTIME_DIR", "/r", 1);
	setenv("XDG_CONFIG_HOME", "/c", 1);
	unsetenv("XDG_DATA_HOME");
	unsetenv("XDG_STATE_HOME");
	assert_int_equal(paths_init(&p), 0);
	assert_string_equal(p.runtime, "/r/touchstone");
	assert_string_equal(p.local_sock, "/r/touchstone/local.sock");
	assert_string_equal(p.agent_sock, "/r/touchstone/agent.sock");
	assert_string_equal(p.lock, "/r/touchstone/lock");
	assert_string_equal(p.config, "/c/touchstone");
	assert_string_equal(p.data, "/h/.local/share/touchstone");
	assert_string_equal(p.state, "/h/.local/state/touchstone");
	paths_free(&p);
	assert_null(p.state);
}

static void
test_relative_folders_are_ignored(void **state)
{
	struct paths p;

	setenv("HOME", "/h", 1);
	setenv("XDG_RUNTIME_DIR", "r", 1);
	setenv("XDG_CONFIG_HOME", "./c", 1);
	setenv("XDG_DATA_HOME", "", 1);
	assert_int_equal(paths_init(&p), 0);
	assert_int_equal(p.runtime[0], '/');
	assert_string_equal(p.config, "/h/.config/touchstone");
	assert_string_equal(p.data, "/h/.local/share/touchstone");
	paths_free(&p);
}

static void
test_no_home_is_looked_up(void **state)
{
	struct paths p;

	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", "relative", 1);
	assert_int_equal(paths_init(&p), 0);
	assert_int_equal(p.config[0], '/');
	assert_null(strstr(p.config, "relative"));
	paths_free(&p);
}

static void
test_runtime_folder_without_xdg_is_named_for_the_uid(void **state)
{
	char run[64], tmp[64];
	struct paths p;
	struct stat st;

	unsetenv("XDG_RUNTIME_DIR");
	setenv("HOME", "/h", 1);
	snprintf(run, sizeof(run), "/run/user/%lu", (unsigned long)getuid());
	snprintf(tmp, sizeof(tmp), "/tmp/touchstone-%lu",
	    (unsigned long)getuid());
	assert_int_equal(paths_init(&p), 0);
	if (lstat(run, &st))
		assert_string_equal(p.runtime, tmp);
	else
		assert_memory_equal(p.runtime, run, strlen(run));
	paths_free(&p);
}

static void
test_folders_are_made_private_with_their_parents(void **state)
{
	assert_int_equal(paths_make("a/b/c/", true), 0);
	assert_int_equal(mode_of("a"), 0700);
	assert_int_equal(mode_of("a/b/c"), 0700);
	assert_int_equal(paths_make("a/b/c", true), 0);
}

static void
test_linked_folder_is_refused(void **state)
{
	assert_int_equal(mkdir("real", 0700), 0);
	assert_int_equal(symlink("real", "link"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_code(paths_make("link", false), GPG_ERR_EACCES);
	assert_code(paths_make("link/", false), GPG_ERR_EACCES);
	assert_code(paths_make("dangling", false), GPG_ERR_EACCES);
	assert_int_equal(paths_make("real/", false), 0);
	/* Only the folder itself must be none: parents may be links. */
	assert_int_equal(paths_make("link/inner", true), 0);
}

static void
test_open_folder_is_refused(void **state)
{
	assert_int_equal(mkdir("d", 0755), 0);
	chmod("d", 0755);
	assert_int_equal(paths_make("d", false), 0);
	assert_code(paths_make("d", true), GPG_ERR_EACCES);
	chmod("d", 0770);
	assert_code(paths_make("d", false), GPG_ERR_EACCES);
	chmod("d", 0702);
	assert_code(paths_make("d", false), GPG_ERR_EACCES);
	chmod("d", 0700);
	assert_int_equal(paths_make("d", true), 0);
}

static void
test_foreign_folder_is_refused(void **state)
{
	if (geteuid())
		skip_because("needs root");
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(paths_make("d", true), 0);
	assert_int_equal(chown("d", 12345, (gid_t)-1), 0);
	assert_code(paths_make("d", true), GPG_ERR_EACCES);
	assert_code(paths_make("d", false), GPG_ERR_EACCES);
}

static void
test_file_is_no_folder(void **state)
{
	assert_int_equal(paths_write("f", view_str("x")), 0);
	assert_code(paths_make("f", false), GPG_ERR_EACCES);
	assert_code(paths_make("f/d", false), GPG_ERR_EACCES);
	assert_code(paths_make("", false), GPG_ERR_ENOENT);
}

/* A listening socket at the path, or -1. */
static int
listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
test_connects_in_a_private_folder_only(void **state)
{
	int there, fd;

	assert_int_equal(paths_make("d", true), 0);
	assert_true((there = listen_at("d/s")) >= 0);
	assert_int_equal(paths_connect("d/s", &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	chmod("d", 0711);
	assert_code(paths_connect("d/s", &fd), GPG_ERR_EACCES);
	assert_int_equal(fd, -1);
	chmod("d", 0700);
	assert_int_equal(symlink("d", "link"), 0);
	assert_code(paths_connect("link/s", &fd), GPG_ERR_EACCES);
	close(there);
}

static void
test_nobody_listens(void **state)
{
	char name[256];
	int fd;

	assert_code(paths_connect("none/s", &fd), GPG_ERR_NO_AGENT);
	assert_int_equal(paths_make("d", true), 0);
	assert_code(paths_connect("d/s", &fd), GPG_ERR_NO_AGENT);
	close(listen_at("d/s"));
	assert_code(paths_connect("d/s", &fd), GPG_ERR_NO_AGENT);
	memset(name, 'x', sizeof(name));
	memcpy(name, "d/", 2);
	name[200] = 0;
	assert_code(paths_connect(name, &fd), GPG_ERR_ENAMETOOLONG);
}

/* Another uid listens at d/s until it is connected to. */
static pid_t
listen_as_another(int ready[2])
{
	pid_t pid = fork();
	char c;

	if (pid == 0) {
		int fd = chown("d", 12345, (gid_t)-1) || setuid(12345) ? -1 :
		    listen_at("d/s");

		if (write(ready[1], fd < 0 ? "n" : "y", 1) != 1)
			_exit(1);
		alarm(20);
		_exit(accept(fd, NULL, NULL) < 0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	return pid;
}

static void
test_foreign_listener_is_refused(void **state)
{
	int ready[2], fd;
	pid_t pid;

	if (geteuid())
		skip_because("needs root");
	assert_int_equal(chmod(".", 0711), 0);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(mkdir("d", 0700), 0);
	pid = listen_as_another(ready);
	assert_int_equal(chown("d", 0, (gid_t)-1), 0);
	assert_code(paths_connect("d/s", &fd), GPG_ERR_EACCES);
	assert_int_equal(fd, -1);
	kill(pid, SIGKILL);
	close(ready[0]);
	close(ready[1]);
}

static void
test_read_is_bounded(void **state)
{
	struct buf b;

	buf_init(&b, 5);
	assert_int_equal(paths_write("f", view_str("12345")), 0);
	assert_int_equal(paths_read("f", 5, &b), 0);
	assert_true(view_eq_str(buf_view(&b), "12345"));
	buf_reset(&b);
	assert_code(paths_read("f", 4, &b), GPG_ERR_TOO_LARGE);
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(paths_write("f", view_str("")), 0);
	assert_int_equal(paths_read("f", 4, &b), 0);
	assert_int_equal(buf_len(&b), 0);
	buf_free(&b);
}

static void
test_read_does_not_trust_the_size(void **state)
{
	struct buf b;

	/* Its size is told as 0. */
	buf_init(&b, 1 << 20);
	assert_int_equal(paths_read("/proc/self/status", 1 << 20, &b), 0);
	assert_true(buf_len(&b) > 20);
	buf_reset(&b);
	assert_code(paths_read("/proc/self/status", 20, &b),
	    GPG_ERR_TOO_LARGE);
	buf_free(&b);
}

static void
test_read_refuses_what_is_no_file(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_code(paths_read("fifo", 10, &b), GPG_ERR_EINVAL);
	assert_code(paths_read("/dev/zero", 10, &b), GPG_ERR_EINVAL);
	assert_code(paths_read(".", 10, &b), GPG_ERR_EISDIR);
	assert_code(paths_read("none", 10, &b), GPG_ERR_ENOENT);
	assert_int_equal(buf_error(&b), 0);
	buf_free(&b);
}

static unsigned
count_files(void)
{
	DIR *d = opendir(".");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void
test_write_is_private_and_leaves_nothing_beside(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	umask(0);
	assert_int_equal(paths_write("f", view_str("old")), 0);
	chmod("f", 0644);
	assert_int_equal(paths_write("f", view_str("new")), 0);
	assert_int_equal(mode_of("f"), 0600);
	assert_int_equal(paths_read("f", 100, &b), 0);
	assert_true(view_eq_str(buf_view(&b), "new"));
	assert_int_equal(count_files(), 1);
	buf_free(&b);
}

static void
test_failed_write_leaves_the_old_file(void **state)
{
	static uint8_t big[8192];
	struct rlimit old, small;
	struct buf b;
	gpg_error_t err;

	buf_init(&b, 100);
	assert_int_equal(paths_write("f", view_str("old")), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 4096;
	setrlimit(RLIMIT_FSIZE, &small);
	err = paths_write("f", view_of(big, sizeof(big)));
	setrlimit(RLIMIT_FSIZE, &old);
	assert_code(err, GPG_ERR_EFBIG);
	assert_int_equal(paths_read("f", 100, &b), 0);
	assert_true(view_eq_str(buf_view(&b), "old"));
	assert_int_equal(count_files(), 1);
	buf_free(&b);
	assert_code(paths_write("none/f", view_str("x")), GPG_ERR_ENOENT);
}

static void
test_reader_never_sees_half_a_file(void **state)
{
	static uint8_t a[50000], z[50000];
	struct buf b;
	pid_t pid;

	memset(a, 'a', sizeof(a));
	memset(z, 'z', sizeof(z));
	buf_init(&b, 1 << 20);
	assert_int_equal(paths_write("f", view_of(a, sizeof(a))), 0);
	if ((pid = fork()) == 0) {
		for (int i = 0; i < 200; i++)
			paths_write("f", view_of(i % 2 ? a : z, sizeof(a)));
		_exit(0);
	}
	for (int i = 0; i < 200; i++) {
		buf_reset(&b);
		assert_int_equal(paths_read("f", 1 << 20, &b), 0);
		assert_int_equal(buf_len(&b), sizeof(a));
		assert_memory_equal(buf_view(&b).p,
		    buf_view(&b).p[0] == 'a' ? a : z, sizeof(a));
	}
	kill(pid, SIGKILL);
	buf_free(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folders_come_from_the_environment),
		TEST(test_relative_folders_are_ignored),
		TEST(test_no_home_is_looked_up),
		TEST(test_runtime_folder_without_xdg_is_named_for_the_uid),
		TEST(test_folders_are_made_private_with_their_parents),
		TEST(test_linked_folder_is_refused),
		TEST(test_open_folder_is_refused),
		TEST(test_foreign_folder_is_refused),
		TEST(test_file_is_no_folder),
		TEST(test_connects_in_a_private_folder_only),
		TEST(test_nobody_listens),
		TEST(test_foreign_listener_is_refused),
		TEST(test_read_is_bounded),
		TEST(test_read_does_not_trust_the_size),
		TEST(test_read_refuses_what_is_no_file),
		TEST(test_write_is_private_and_leaves_nothing_beside),
		TEST(test_failed_write_leaves_the_old_file),
		TEST(test_reader_never_sees_half_a_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
