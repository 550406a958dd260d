/* The lock, the sockets and who may connect to them. */
#include <config.h>

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "listen.h"

#define LISTEN_FIRST 3		/* SD_LISTEN_FDS_START */
#define BACKLOG 128

struct door {
	struct agent *agent;
	enum origin origin;
	int fd;
	struct event readable, rested;
	char *path;		/* to remove; NULL: not bound here */
	dev_t dev;
	ino_t ino;
};

struct listener {
	int lock;
	struct door doors[2];
};

/* Who cannot be let in stays readable; that must not keep us busy. */
static void
door_rest(struct door *d)
{
	static const struct timeval moment = { 0, 200000 };

	event_del(&d->readable);
	event_add(&d->rested, &moment);
}

static void
on_connection(int fd, short what, void *arg)
{
	struct door *d = arg;
	int client;

	client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client >= 0)
		conn_new(d->agent, client, d->origin);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		door_rest(d);
}

static void
on_rested(int fd, short what, void *arg)
{
	struct door *d = arg;

	event_add(&d->readable, NULL);
}

static gpg_error_t
door_watch(struct door *d)
{
	if (evtimer_assign(&d->rested, d->agent->base, on_rested, d) ||
	    event_assign(&d->readable, d->agent->base, d->fd,
	    EV_READ | EV_PERSIST, on_connection, d) ||
	    event_add(&d->readable, NULL))
		return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

static bool
is_live(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool live;

	if (fd < 0)
		return true;
	live = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ||
	    errno == EAGAIN;
	close(fd);
	return live;
}

/* With the lock held, what nobody listens on is stale. */
static gpg_error_t
door_bind(struct door *d, const char *path, bool locked, char **problem)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		*problem = agent_text("%s: too long for a socket's name; set "
		    "XDG_RUNTIME_DIR to a shorter one", path);
		return gpg_error(GPG_ERR_ENAMETOOLONG);
	}
	strcpy(addr.sun_path, path);
	if (lstat(path, &st) == 0) {
		if (!locked || !S_ISSOCK(st.st_mode) || is_live(&addr)) {
			*problem = agent_text("%s: something else is there "
			    "already; remove it or end it", path);
			return gpg_error(GPG_ERR_EADDRINUSE);
		}
		unlink(path);
	}
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0 ||
	    bind(d->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    chmod(path, 0600) < 0 || lstat(path, &st) < 0 ||
	    listen(d->fd, BACKLOG) < 0) {
		gpg_error_t err = gpg_error_from_syserror();

		*problem = agent_text("%s: %s", path, gpg_strerror(err));
		return err;
	}
	d->dev = st.st_dev;
	d->ino = st.st_ino;
	if (!(d->path = strdup(path)))
		return gpg_error(GPG_ERR_ENOMEM);
	return door_watch(d);
}

static gpg_error_t
take_lock(struct listener *l, const char *path, char **problem)
{
	gpg_error_t err;

	l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->lock >= 0 && flock(l->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	err = errno == EWOULDBLOCK ? gpg_error(GPG_ERR_EALREADY) :
	    gpg_error_from_syserror();
	*problem = gpg_err_code(err) == GPG_ERR_EALREADY ?
	    strdup("an agent is running already") :
	    agent_text("%s: %s", path, gpg_strerror(err));
	return err;
}

/* The n-th word of LISTEN_FDNAMES tells which socket it is. */
static bool
is_named(const char *names, int n, const char *name)
{
	size_t len;

	for (; names && n > 0; n--)
		if ((names = strchr(names, ':')))
			names++;
	if (!names)
		return false;
	len = strcspn(names, ":");
	return len == strlen(name) && !strncmp(names, name, len);
}

static gpg_error_t
take_passed(struct listener *l, int count, const char *names, char **problem)
{
	for (int i = 0; i < count; i++) {
		struct door *d = is_named(names, i, "agent") ? &l->doors[1] :
		    is_named(names, i, "local") ? &l->doors[0] : NULL;
		int fd = LISTEN_FIRST + i, listens = 0;
		socklen_t len = sizeof(listens);

		if (!d || d->fd >= 0 || getsockopt(fd, SOL_SOCKET,
		    SO_ACCEPTCONN, &listens, &len) < 0 || !listens) {
			*problem = strdup("LISTEN_FDS: two listening sockets "
			    "named local and agent are wanted");
			return gpg_error(GPG_ERR_INV_ARG);
		}
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		d->fd = fd;
		if (door_watch(d))
			return gpg_error(GPG_ERR_ENOMEM);
	}
	return 0;
}

static int
passed_count(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	if (!pid || !fds || atol(pid) != (long)getpid())
		return 0;
	return atoi(fds);
}

/* The user's own agent: its lock, and both sockets. */
static gpg_error_t
open_all(struct listener *l, const struct paths *paths, char **problem)
{
	int passed = passed_count();
	gpg_error_t err;

	err = take_lock(l, paths->lock, problem);
	if (!err && passed > 0)
		err = take_passed(l, passed, getenv("LISTEN_FDNAMES"),
		    problem);
	if (!err && l->doors[0].fd < 0)
		err = door_bind(&l->doors[0], paths->local_sock, true,
		    problem);
	if (!err && l->doors[1].fd < 0)
		err = door_bind(&l->doors[1], paths->agent_sock, true,
		    problem);
	return err;
}

gpg_error_t
listener_open(struct agent *a, struct listener **out, char **problem)
{
	struct listener *l;
	gpg_error_t err;

	*problem = NULL;
	if (!(*out = l = calloc(1, sizeof(*l))))
		return gpg_error(GPG_ERR_ENOMEM);
	l->lock = -1;
	for (int i = 0; i < 2; i++)
		l->doors[i] = (struct door){ .agent = a, .fd = -1,
			.origin = i == 0 ? ORIGIN_LOCAL : ORIGIN_AGENT };
	err = paths_make(a->paths.runtime, true);
	if (err)
		*problem = agent_text("%s: not a folder that is yours alone: "
		    "%s", a->paths.runtime, gpg_strerror(err));
	if (!err)
		err = a->dropin ? door_bind(&l->doors[1], a->paths.agent_sock,
		    false, problem) : open_all(l, &a->paths, problem);
	if (err)
		listener_close(out);
	return err;
}

static void
door_close(struct door *d)
{
	struct stat st;

	if (d->fd < 0)
		return;
	if (event_initialized(&d->readable)) {
		event_del(&d->readable);
		event_del(&d->rested);
	}
	close(d->fd);
	if (d->path && lstat(d->path, &st) == 0 && st.st_dev == d->dev &&
	    st.st_ino == d->ino)
		unlink(d->path);
	free(d->path);
	d->path = NULL;
	d->fd = -1;
}

void
listener_shut(struct listener *l)
{
	door_close(&l->doors[0]);
	door_close(&l->doors[1]);
}

void
listener_close(struct listener **lp)
{
	if (!*lp)
		return;
	listener_shut(*lp);
	if ((*lp)->lock >= 0)
		close((*lp)->lock);
	free(*lp);
	*lp = NULL;
}
