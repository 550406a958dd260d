/* The user's folders, the agent's sockets, and files read and written whole. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "local/paths.h"

static gpg_error_t
errno_error(int no)
{
	return gpg_error_from_errno(no);
}

/* The value of a variable that names a folder; NULL unless it is absolute. */
static const char *
env_dir(const char *name)
{
	const char *dir = getenv(name);

	return dir && dir[0] == '/' ? dir : NULL;
}

/* DIR/NAME, or NULL when out of memory. */
static char *
join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static char *
home_of_user(void)
{
	char room[4096], *dir = NULL;
	struct passwd pw, *found = NULL;

	if (env_dir("HOME"))
		return strdup(env_dir("HOME"));
	if (!getpwuid_r(getuid(), &pw, room, sizeof(room), &found) && found &&
	    pw.pw_dir && pw.pw_dir[0] == '/')
		dir = strdup(pw.pw_dir);
	return dir;
}

/* $NAME/touchstone, or HOME/otherwise/touchstone. */
static char *
base_dir(const char *name, const char *home, const char *otherwise)
{
	const char *dir = env_dir(name);
	char *path;

	if (dir)
		return join(dir, PACKAGE);
	if (asprintf(&path, "%s/%s/" PACKAGE, home, otherwise) < 0)
		return NULL;
	return path;
}

static char *
runtime_dir(void)
{
	const char *dir = env_dir("XDG_RUNTIME_DIR");
	unsigned long uid = getuid();
	char run[64], *path;
	struct stat st;

	if (dir)
		return join(dir, PACKAGE);
	snprintf(run, sizeof(run), "/run/user/%lu", uid);
	if (!lstat(run, &st) && S_ISDIR(st.st_mode) && st.st_uid == uid)
		return join(run, PACKAGE);
	return asprintf(&path, "/tmp/" PACKAGE "-%lu", uid) < 0 ? NULL : path;
}

gpg_error_t
paths_init(struct paths *p)
{
	char *home;

	*p = (struct paths){ .runtime = NULL };
	if (!(home = home_of_user()))
		return gpg_error(GPG_ERR_ENOENT);
	if (!(p->runtime = runtime_dir()) ||
	    !(p->local_sock = join(p->runtime, "local.sock")) ||
	    !(p->agent_sock = join(p->runtime, "agent.sock")) ||
	    !(p->lock = join(p->runtime, "lock")) ||
	    !(p->config = base_dir("XDG_CONFIG_HOME", home, ".config")) ||
	    !(p->data = base_dir("XDG_DATA_HOME", home, ".local/share")) ||
	    !(p->state = base_dir("XDG_STATE_HOME", home, ".local/state"))) {
		paths_free(p);
		free(home);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	free(home);
	return 0;
}

void
paths_free(struct paths *p)
{
	free(p->runtime);
	free(p->local_sock);
	free(p->agent_sock);
	free(p->lock);
	free(p->config);
	free(p->data);
	free(p->state);
	*p = (struct paths){ .runtime = NULL };
}

/* What of the path is its folder; "/" for "/x", "." for "x". */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	while (slash > path && slash[-1] == '/')
		slash--;
	if (slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}

/*
 * Looks at the folder that the name itself stands for: a link is not
 * followed, and what is looked at is what was opened.
 */
static gpg_error_t
check_dir(const char *dir, bool private)
{
	gpg_error_t err = 0;
	struct stat st;
	int fd;

	fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ?
		    gpg_error(GPG_ERR_EACCES) : errno_error(errno);
	if (fstat(fd, &st))
		err = errno_error(errno);
	else if (st.st_uid != geteuid() ||
	    (st.st_mode & (private ? 0077 : 0022)))
		err = gpg_error(GPG_ERR_EACCES);
	close(fd);
	return err;
}

/* A copy without slashes at its end, behind which a link would be followed. */
static char *
trimmed(const char *dir)
{
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	return strndup(dir, len);
}

/* Makes each folder of the path that is missing. */
static gpg_error_t
make_all(char *dir)
{
	for (char *p = dir + 1; *p; p++) {
		bool failed;

		if (*p != '/')
			continue;
		*p = 0;
		failed = mkdir(dir, 0700) && errno != EEXIST;
		*p = '/';
		if (failed)
			return errno_error(errno);
	}
	if (mkdir(dir, 0700) && errno != EEXIST)
		return errno_error(errno);
	return 0;
}

gpg_error_t
paths_make(const char *dir, bool private)
{
	gpg_error_t err;
	char *path;

	if (!dir[0])
		return gpg_error(GPG_ERR_ENOENT);
	if (!(path = trimmed(dir)))
		return gpg_error(GPG_ERR_ENOMEM);
	err = check_dir(path, private);
	if (gpg_err_code(err) == GPG_ERR_ENOENT && !(err = make_all(path)))
		err = check_dir(path, private);
	free(path);
	return err;
}

static gpg_error_t
check_peer(int fd)
{
	socklen_t len = sizeof(struct ucred);
	struct ucred peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return errno_error(errno);
	return peer.uid == geteuid() ? 0 : gpg_error(GPG_ERR_EACCES);
}

static gpg_error_t
connect_to(const char *sock, int *fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	gpg_error_t err = 0;
	int rc;

	if (strlen(sock) >= sizeof(addr.sun_path))
		return gpg_error(GPG_ERR_ENAMETOOLONG);
	memcpy(addr.sun_path, sock, strlen(sock));
	if ((*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return errno_error(errno);
	do
		rc = connect(*fd, (struct sockaddr *)&addr, sizeof(addr));
	while (rc && errno == EINTR);
	if (rc && (errno == ECONNREFUSED || errno == ENOENT))
		err = gpg_error(GPG_ERR_NO_AGENT);
	else if (rc)
		err = errno_error(errno);
	else
		err = check_peer(*fd);
	if (err) {
		close(*fd);
		*fd = -1;
	}
	return err;
}

gpg_error_t
paths_connect(const char *sock, int *fd)
{
	gpg_error_t err;
	char *dir;

	*fd = -1;
	if (!(dir = folder_of(sock)))
		return gpg_error(GPG_ERR_ENOMEM);
	err = check_dir(dir, true);
	free(dir);
	if (gpg_err_code(err) == GPG_ERR_ENOENT)
		return gpg_error(GPG_ERR_NO_AGENT);
	return err ? err : connect_to(sock, fd);
}

static ssize_t
read_some(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Reads to the end; one byte beyond max is looked for, not kept. */
static gpg_error_t
read_all(int fd, size_t max, struct buf *b)
{
	size_t left = max;
	ssize_t got;
	gpg_error_t err;
	uint8_t *p, beyond;

	while (left > 0) {
		size_t n = left < 16384 ? left : 16384;

		if ((err = buf_reserve(b, n, &p)))
			return err;
		if ((got = read_some(fd, p, n)) < 0)
			return errno_error(errno);
		if (got == 0)
			return 0;
		buf_filled(b, (size_t)got);
		left -= (size_t)got;
	}
	got = read_some(fd, &beyond, 1);
	explicit_bzero(&beyond, 1);
	if (got < 0)
		return errno_error(errno);
	return got == 0 ? 0 : gpg_error(GPG_ERR_TOO_LARGE);
}

gpg_error_t
paths_read(const char *file, size_t max, struct buf *b)
{
	size_t before = buf_len(b);
	gpg_error_t err;
	struct stat st;
	int fd;

	/* Nothing else may make us wait: a FIFO is opened, then refused. */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno_error(errno);
	if (fstat(fd, &st))
		err = errno_error(errno);
	else if (S_ISDIR(st.st_mode))
		err = gpg_error(GPG_ERR_EISDIR);
	else if (!S_ISREG(st.st_mode))
		err = gpg_error(GPG_ERR_EINVAL);
	else if (st.st_size > 0 && (uintmax_t)st.st_size > max)
		err = gpg_error(GPG_ERR_TOO_LARGE);
	else
		err = read_all(fd, max, b);
	if (err)
		buf_truncate(b, before);
	close(fd);
	return err;
}

static gpg_error_t
write_all(int fd, struct view v)
{
	while (v.len > 0) {
		ssize_t n = write(fd, v.p, v.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno_error(errno);
		v.p += n;
		v.len -= (size_t)n;
	}
	return 0;
}

/* Makes the new name of a file last; not every file system can. */
static void
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

static gpg_error_t
write_file(const char *file, struct view v, mode_t mode)
{
	char *dir = folder_of(file), *tmp = NULL;
	const char *slash = strrchr(file, '/');
	gpg_error_t err = 0;
	int fd = -1;

	if (!dir || asprintf(&tmp, "%s/.%s.XXXXXX", dir,
	    slash ? slash + 1 : file) < 0) {
		free(dir);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	if ((fd = mkostemp(tmp, O_CLOEXEC)) < 0) {
		err = errno_error(errno);
		goto out;
	}
	if (fchmod(fd, mode))
		err = errno_error(errno);
	else if (!(err = write_all(fd, v)) && fsync(fd))
		err = errno_error(errno);
	if (close(fd) && !err)
		err = errno_error(errno);
	if (!err && rename(tmp, file))
		err = errno_error(errno);
	if (err)
		unlink(tmp);
	else
		sync_dir(dir);
 out:
	free(tmp);
	free(dir);
	return err;
}

gpg_error_t
paths_write(const char *file, struct view v)
{
	return write_file(file, v, 0600);
}

gpg_error_t
paths_write_program(const char *file, struct view v)
{
	return write_file(file, v, 0700);
}
