/* One client's connection: bytes, bounds and deadlines. */
#include <config.h>

#include <sys/socket.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"

#define CONNS_MAX 256		/* in all */
#define CONNS_PER_PROCESS 64
#define FRAME_DEADLINE_S 10	/* for the rest of a frame, the next chunk */
#define REPLY_DEADLINE_S 30	/* for a client to take its reply */
#define KEEP_SIZE 65536		/* of a buffer, between frames */

void
conn_close(struct conn *c)
{
	struct agent *a = c->agent;

	if (c->request) {
		struct request *r = c->request;

		c->request = NULL;
		request_abandon(r);
	}
	if (c->errand)
		*c->errand = NULL;
	agent_unwatch(a, &c->watcher);
	event_del(&c->readable);
	event_del(&c->writable);
	event_del(&c->overdue);
	event_del(&c->patience);
	TAILQ_REMOVE(&a->conns, c, next);
	a->conn_count--;
	close(c->fd);
	bind_clear(&c->bindings);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c->match);
	free(c);
}

static void
on_overdue(int fd, short what, void *arg)
{
	conn_close(arg);
}

static void
expect_within(struct conn *c, int seconds)
{
	const struct timeval tv = { seconds, 0 };

	if (!event_pending(&c->overdue, EV_TIMEOUT, NULL))
		event_add(&c->overdue, &tv);
}

/* Sends what can be sent; false when the connection is no more. */
static bool
conn_flush(struct conn *c)
{
	while (buf_len(&c->out) > 0) {
		struct view v = buf_view(&c->out);
		ssize_t n = send(c->fd, v.p, v.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(&c->writable, NULL);
			expect_within(c, REPLY_DEADLINE_S);
			return true;
		}
		if (n < 0)
			return false;
		buf_consume(&c->out, (size_t)n);
	}
	event_del(&c->writable);
	event_del(&c->overdue);
	return !c->doomed;
}

static bool
is_receiving(const struct conn *c)
{
	return c->request && c->request->stage == STAGE_RECEIVE;
}

/*
 * Serves the frames that are there.  A frame is only begun when nothing is
 * owed and everything was taken, so that what a client makes us hold is
 * bounded by one request and one reply.
 */
static bool
conn_advance(struct conn *c)
{
	struct view frame;
	gpg_error_t err;

	while (!c->asked && buf_len(&c->out) == 0 && !c->doomed) {
		err = frame_peek(&c->in, &frame);
		if (gpg_err_code(err) == GPG_ERR_INCOMPLETE_LINE)
			break;
		if (err)
			return false;
		event_del(&c->overdue);
		c->serving = true;
		conn_serve(c, frame);
		c->serving = false;
		buf_consume(&c->in, frame_size(frame));
		if (buf_len(&c->in) == 0 &&
		    (c->in.locked || c->in.cap > KEEP_SIZE))
			buf_free(&c->in);
		if (!conn_flush(c))
			return false;
	}
	if (!c->asked && (buf_len(&c->in) > 0 || is_receiving(c)))
		expect_within(c, FRAME_DEADLINE_S);
	return true;
}

/* What has a private key, a PIN or a passphrase in it. */
static bool
is_secret(uint8_t type)
{
	static const enum msg_id secret[] = { MSG_ssh_add,
		MSG_ssh_add_constrained, MSG_ssh_smartcard_add,
		MSG_ssh_smartcard_add_constrained, MSG_ssh_smartcard_remove,
		MSG_ssh_lock, MSG_ssh_unlock };

	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		if (msg_row(secret[i])->code == type)
			return true;
	return false;
}

/* Follows the frames in what was read; whether a secret one is among them. */
static bool
note_frames(struct conn *c, struct view v)
{
	bool secret = false;
	struct view head, part;
	uint32_t len;
	size_t n;

	while (v.len > 0) {
		n = c->left ? c->left : sizeof(c->head) - c->head_len;
		n = n < v.len ? n : v.len;
		if (view_get_bytes(&v, n, &part))
			break;
		if (c->left) {
			c->left -= (uint32_t)n;
			continue;
		}
		memcpy(c->head + c->head_len, part.p, n);
		if ((c->head_len += (uint32_t)n) < sizeof(c->head))
			continue;
		c->head_len = 0;
		head = view_of(c->head, sizeof(c->head));
		/* One of a length that is refused ends the connection. */
		c->left = view_get_u32(&head, &len) || len == 0 ? 0 : len - 1;
		secret |= is_secret(c->head[4]);
	}
	return secret;
}

/*
 * Reads what is there, into locked memory until it is known to be nothing
 * secret.  GPG_ERR_EAGAIN; GPG_ERR_EOF.
 */
static gpg_error_t
receive(struct conn *c)
{
	size_t most = FRAME_MAX + 4 - buf_len(&c->in);
	struct buf *to = c->left && !c->in.locked ? &c->in :
	    &c->agent->incoming;
	size_t room = to == &c->in ? c->left : CONN_PIECE;
	gpg_error_t err;
	uint8_t *p;
	ssize_t n;

	room = room < most ? room : most;
	/* Somebody who sends on while an answer is owed gets no more room. */
	if (room == 0)
		return gpg_error(GPG_ERR_TOO_LARGE);
	/* Where nothing can be locked, secrets are refused below. */
	if (to != &c->in && buf_lock(to))
		buf_free(to);
	if ((err = buf_reserve(to, room, &p)))
		return err;
	n = recv(c->fd, p, room, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return gpg_error(GPG_ERR_EAGAIN);
	if (n <= 0)
		return gpg_error(GPG_ERR_EOF);
	buf_filled(to, (size_t)n);
	if (note_frames(c, view_of(p, (size_t)n)))
		err = buf_lock(&c->in);
	if (to != &c->in) {
		err = err ? err : buf_put_view(&c->in, buf_view(to));
		buf_reset(to);
	}
	return err;
}

static void
on_readable(int fd, short what, void *arg)
{
	struct conn *c = arg;
	gpg_error_t err = receive(c);

	if (gpg_err_code(err) == GPG_ERR_EAGAIN)
		return;
	if (err || !conn_advance(c))
		conn_close(c);
}

static void
on_writable(int fd, short what, void *arg)
{
	struct conn *c = arg;

	if (!conn_flush(c) || !conn_advance(c))
		conn_close(c);
}

/*
 * After an answer that comes later than its question: sends it, and goes on
 * with what the client had sent meanwhile, but from the loop.
 */
void
conn_answered(struct conn *c)
{
	c->asked = false;
	agent_unwatch(c->agent, &c->watcher);
	event_del(&c->patience);
	free(c->match);
	c->match = NULL;
	if (c->serving)
		return;
	if (!conn_flush(c))
		c->doomed = true;
	if (c->doomed || buf_len(&c->in) > 0)
		event_active(&c->writable, EV_WRITE, 0);
}

void
conn_reply(struct conn *c, gpg_error_t code, const char *text,
    const void *reply)
{
	gpg_error_t err;

	err = frame_put_reply(&c->out, c->question, code, text, reply);
	if (err)
		err = frame_put_reply(&c->out, c->question, err,
		    "the reply is too large", NULL);
	c->doomed |= err != 0;
	conn_answered(c);
}

void
conn_fail(struct conn *c, gpg_error_t code, const char *text)
{
	conn_reply(c, code, text ? text : gpg_strerror(code), NULL);
}

void
conn_progress(struct conn *c, struct request *r)
{
	struct msg_progress reply = {
		.state = (uint8_t)r->state,
		.notice = view_str(r->notice),
	};

	/* A plain SSH client is told only how it ended. */
	if (!c->asked || c->question == MSG_ssh_sign_request)
		return;
	r->told = true;
	conn_reply(c, 0, "", &reply);
}

static void
answer_ssh(struct conn *c, struct request *r)
{
	struct msg_ssh_sign_response reply = {
		.signature = buf_view(&r->result),
	};
	gpg_error_t err;

	if (r->err)
		err = frame_put_bare(&c->out, SSH_AGENT_FAILURE);
	else
		err = frame_put(&c->out, SSH_AGENT_SIGN_RESPONSE,
		    MSG_ssh_sign_response, &reply);
	c->doomed |= err != 0;
	conn_answered(c);
}

bool
conn_answer(struct conn *c, struct request *r)
{
	struct msg_progress reply = {
		.state = STATE_DONE,
		.result = buf_view(&r->result),
		.status = buf_view(&r->status),
	};

	if (!c->asked)
		return false;
	c->request = NULL;
	r->conn = NULL;
	if (c->question == MSG_ssh_sign_request) {
		answer_ssh(c, r);
		return true;
	}
	conn_reply(c, r->err, r->err ? r->problem : "", &reply);
	return true;
}

size_t
conn_held(const struct conn *mine)
{
	const struct conn *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &mine->agent->conns, next)
		if (c->request && c->pid == mine->pid)
			n += c->request->held;
	return n;
}

static size_t
conns_of(struct agent *a, pid_t pid)
{
	struct conn *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &a->conns, next)
		n += c->pid == pid;
	return n;
}

static bool
is_idle(const struct conn *c)
{
	return !c->request && !c->asked;
}

/* When full, who has the most loses the oldest that nothing waits for. */
static bool
make_room(struct agent *a)
{
	struct conn *c, *victim = NULL;
	size_t most = 0, n;

	TAILQ_FOREACH(c, &a->conns, next) {
		if (!is_idle(c) || (n = conns_of(a, c->pid)) <= most)
			continue;
		most = n;
		victim = c;
	}
	if (!victim)
		return false;
	conn_close(victim);
	return true;
}

static bool
welcome(struct agent *a, int fd, pid_t *pid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
	    peer.uid != getuid())
		return false;
	*pid = peer.pid;
	return conns_of(a, peer.pid) < CONNS_PER_PROCESS &&
	    (a->conn_count < CONNS_MAX || make_room(a));
}

void
conn_new(struct agent *a, int fd, enum origin origin)
{
	struct conn *c;
	pid_t pid;

	if (a->draining || !welcome(a, fd, &pid) ||
	    !(c = calloc(1, sizeof(*c)))) {
		close(fd);
		return;
	}
	c->agent = a;
	c->fd = fd;
	/* Who passes on local.sock gets no more than by agent.sock. */
	c->origin = peer_is_named_relay(pid) ? ORIGIN_AGENT : origin;
	c->pid = pid;
	if (place_start_time(pid, &c->start))
		c->start = 0;
	buf_init(&c->in, FRAME_MAX + 4);
	buf_init(&c->out, 2 * FRAME_MAX);
	event_assign(&c->readable, a->base, fd, EV_READ | EV_PERSIST,
	    on_readable, c);
	event_assign(&c->writable, a->base, fd, EV_WRITE | EV_PERSIST,
	    on_writable, c);
	evtimer_assign(&c->overdue, a->base, on_overdue, c);
	conn_serve_init(c);
	TAILQ_INSERT_TAIL(&a->conns, c, next);
	a->conn_count++;
	event_add(&c->readable, NULL);
}
