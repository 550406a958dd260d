/* Runs helper processes and carries datagrams to and from them. */
#include <config.h>

#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"

#define QUEUE_MAX 1024		/* datagrams that wait for room */

struct outgoing {
	STAILQ_ENTRY(outgoing) next;
	struct buf data;
	int fd;
};

struct helper {
	TAILQ_ENTRY(helper) next;
	struct agent *agent;
	const struct helper_ops *ops;
	void *arg;		/* NULL ops: nobody listens any more */
	pid_t pid;
	int fd;			/* -1 once closed */
	struct event readable, writable, overdue;
	STAILQ_HEAD(, outgoing) queue;
	size_t queued;
	char how[128];
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
disconnect(struct helper *h)
{
	struct outgoing *o;

	if (h->fd < 0)
		return;
	event_del(&h->readable);
	event_del(&h->writable);
	close_fd(&h->fd);
	while ((o = STAILQ_FIRST(&h->queue))) {
		STAILQ_REMOVE_HEAD(&h->queue, next);
		buf_free(&o->data);
		close_fd(&o->fd);
		free(o);
	}
	h->queued = 0;
}

/* Tells the owner, once; the process is kept until it is reaped. */
static void
tell_gone(struct helper *h, const char *how)
{
	const struct helper_ops *ops = h->ops;

	disconnect(h);
	h->ops = NULL;
	if (ops)
		ops->gone(h->arg, how);
}

static void
on_overdue(int fd, short what, void *arg)
{
	struct helper *h = arg;

	kill(h->pid, SIGKILL);
}

/* Gives a process whose socket is closed a moment to end by itself. */
static void
expect_end(struct helper *h)
{
	const struct timeval moment = { 1, 0 };

	disconnect(h);
	event_add(&h->overdue, &moment);
}

/* Takes one datagram; false when there is none, or no more to come. */
static bool
receive(struct helper *h)
{
	ssize_t n;

	n = recv(h->fd, h->agent->datagram, DATAGRAM_MAX, MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* It ended without reading all; what it said is still there. */
	if (n < 0 && errno == ECONNRESET)
		return true;
	if (n > 0 && n <= DATAGRAM_MAX) {
		h->ops->datagram(h->arg,
		    view_of(h->agent->datagram, (size_t)n));
		return h->ops && h->fd >= 0;
	}
	if (n > 0) {
		kill(h->pid, SIGKILL);
		tell_gone(h, "it sent too much");
	} else {
		/* How it ended is told when it is reaped. */
		expect_end(h);
	}
	return false;
}

static void
on_readable(int fd, short what, void *arg)
{
	receive(arg);
}

static gpg_error_t
send_now(int sock, struct view v, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)v.p, v.len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		return gpg_error_from_syserror();
	return 0;
}

static void
on_writable(int fd, short what, void *arg)
{
	struct helper *h = arg;
	struct outgoing *o;
	gpg_error_t err;

	while ((o = STAILQ_FIRST(&h->queue))) {
		err = send_now(fd, buf_view(&o->data), o->fd);
		if (gpg_err_code(err) == GPG_ERR_EAGAIN)
			return;
		if (err) {
			kill(h->pid, SIGKILL);
			tell_gone(h, "its socket failed");
			return;
		}
		STAILQ_REMOVE_HEAD(&h->queue, next);
		h->queued--;
		buf_free(&o->data);
		close_fd(&o->fd);
		free(o);
	}
	event_del(&h->writable);
}

static gpg_error_t
enqueue(struct helper *h, const struct buf *b, int fd)
{
	struct outgoing *o;

	if (h->queued >= QUEUE_MAX)
		return gpg_error(GPG_ERR_RESOURCE_LIMIT);
	if (!(o = calloc(1, sizeof(*o))))
		return gpg_error(GPG_ERR_ENOMEM);
	buf_init(&o->data, DATAGRAM_MAX);
	if (b->locked)
		buf_lock(&o->data);
	if (buf_put_view(&o->data, buf_view(b))) {
		free(o);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	o->fd = fd;
	STAILQ_INSERT_TAIL(&h->queue, o, next);
	if (h->queued++ == 0)
		event_add(&h->writable, NULL);
	return 0;
}

gpg_error_t
helper_send(struct helper *h, const struct buf *b, int fd)
{
	gpg_error_t err = gpg_error(GPG_ERR_EAGAIN);

	if (h->fd < 0)
		err = gpg_error(GPG_ERR_EPIPE);
	else if (h->queued == 0)
		err = send_now(h->fd, buf_view(b), fd);
	if (gpg_err_code(err) == GPG_ERR_EAGAIN && !(err = enqueue(h, b, fd)))
		return 0;
	close_fd(&fd);
	return err;
}

/* The descriptors of the child: null on 0 to 2, socket 3, perhaps 4. */
static int
child_files(posix_spawn_file_actions_t *files, int sock, int extra)
{
	int rc = 0;

	for (int fd = 0; fd < 3 && !rc; fd++)
		rc = posix_spawn_file_actions_addopen(files, fd, "/dev/null",
		    fd == 0 ? O_RDONLY : O_WRONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(files, sock, 3);
	if (!rc && extra >= 0)
		rc = posix_spawn_file_actions_adddup2(files, extra, 4);
	if (!rc)
		rc = posix_spawn_file_actions_addclosefrom_np(files,
		    extra >= 0 ? 5 : 4);
	return rc;
}

static gpg_error_t
spawn(const char *path, char *const env[], int sock, int extra, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	rc = child_files(&files, sock, extra);
	if (!rc)
		rc = posix_spawn(pid, path, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc ? gpg_error_from_errno(rc) : 0;
}

/* Moves a descriptor out of the way of 0 to 4; consumes it. */
static int
move_up(int fd)
{
	int moved;

	if (fd < 0)
		return -1;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	close(fd);
	return moved;
}

static void
watch(struct helper *h, int fd)
{
	int room = 2 * DATAGRAM_MAX;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	h->fd = fd;
	event_assign(&h->readable, h->agent->base, fd, EV_READ | EV_PERSIST,
	    on_readable, h);
	event_assign(&h->writable, h->agent->base, fd, EV_WRITE | EV_PERSIST,
	    on_writable, h);
	evtimer_assign(&h->overdue, h->agent->base, on_overdue, h);
	event_add(&h->readable, NULL);
}

gpg_error_t
helper_spawn(struct agent *agent, const char *program, char *const env[],
    int extra, const struct helper_ops *ops, void *arg, struct helper **out)
{
	int pair[2] = { -1, -1 }, theirs = -1, second = move_up(extra);
	struct helper *h = NULL;
	char path[1024];
	gpg_error_t err;

	*out = NULL;
	snprintf(path, sizeof(path), "%s/%s", LIBEXECDIR, program);
	if (!(h = calloc(1, sizeof(*h))) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, pair) < 0 || (theirs = move_up(pair[1])) < 0) {
		err = gpg_error_from_syserror();
		goto out;
	}
	pair[1] = -1;
	/* The helper's end blocks: its threads wait in recvmsg(). */
	fcntl(theirs, F_SETFL, 0);
	if ((err = spawn(path, env, theirs, second, &h->pid)))
		goto out;
	h->agent = agent;
	h->ops = ops;
	h->arg = arg;
	strcpy(h->how, "its process ended");
	STAILQ_INIT(&h->queue);
	watch(h, pair[0]);
	pair[0] = -1;
	TAILQ_INSERT_TAIL(&agent->helpers, h, next);
	*out = h;
	h = NULL;
out:
	free(h);
	close_fd(&pair[0]);
	close_fd(&pair[1]);
	close_fd(&theirs);
	close_fd(&second);
	return err;
}

void
helper_end(struct helper **hp)
{
	if (!*hp)
		return;
	(*hp)->ops = NULL;
	expect_end(*hp);
	*hp = NULL;
}

void
helper_kill(struct helper **hp)
{
	if (*hp)
		kill((*hp)->pid, SIGKILL);
	helper_end(hp);
}

uint32_t
helper_pid(const struct helper *h)
{
	return h ? (uint32_t)h->pid : 0;
}

static void
note_end(struct helper *h, int status)
{
	if (WIFSIGNALED(status))
		snprintf(h->how, sizeof(h->how), "its process died of %s",
		    strsignal(WTERMSIG(status)));
	else
		snprintf(h->how, sizeof(h->how),
		    "its process ended (exit status %d)",
		    WEXITSTATUS(status));
}

void
helper_reap(struct agent *agent)
{
	struct helper *h, *next;
	int status;

	TAILQ_FOREACH_SAFE(h, &agent->helpers, next, next) {
		if (waitpid(h->pid, &status, WNOHANG) != h->pid)
			continue;
		note_end(h, status);
		/* What it said before it ended still counts. */
		while (h->fd >= 0 && receive(h))
			;
		TAILQ_REMOVE(&agent->helpers, h, next);
		tell_gone(h, h->how);
		event_del(&h->overdue);
		free(h);
	}
}

void
helper_forget(struct agent *agent)
{
	struct helper *h;

	while ((h = TAILQ_FIRST(&agent->helpers))) {
		TAILQ_REMOVE(&agent->helpers, h, next);
		disconnect(h);
		event_del(&h->overdue);
		free(h);
	}
}
