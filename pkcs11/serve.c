/* Requests come, the backend does them, replies go. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

static void
stop_process(void)
{
	kill(getpid(), SIGTERM);
}

/* ---- datagrams ---- */

/* The descriptors that came along: one at most, or the protocol is broken. */
static gpg_error_t
take_fd(struct msghdr *msg, int *fd)
{
	gpg_error_t err = 0;
	struct cmsghdr *c;
	int got;

	*fd = -1;
	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(got) <= c->cmsg_len;
		    at += sizeof(got)) {
			memcpy(&got, (char *)c + at, sizeof(got));
			if (*fd == -1) {
				*fd = got;
				continue;
			}
			close(got);
			err = gpg_error(GPG_ERR_BAD_DATA);
		}
	}
	if (msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		err = gpg_error(GPG_ERR_BAD_DATA);
	return err;
}

/* GPG_ERR_EOF at the end, GPG_ERR_BAD_DATA for what is no request. */
static gpg_error_t
receive(struct worker *w, struct request *rq)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = { w->datagram, DATAGRAM_MAX };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	gpg_error_t err;
	ssize_t n;

	do
		n = recvmsg(w->server->fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	rq->fd = -1;
	if (n <= 0)
		return gpg_error(GPG_ERR_EOF);
	if ((err = take_fd(&msg, &rq->fd)) ||
	    (err = datagram_get(view_of(w->datagram, (size_t)n), SCOPE_TOKEN,
	    &rq->id, &rq->serial, &rq->body)))
		return gpg_error(GPG_ERR_BAD_DATA);
	if (rq->fd != -1 && rq->id != MSG_token_login &&
	    rq->id != MSG_token_prepare && rq->id != MSG_token_change)
		return gpg_error(GPG_ERR_BAD_DATA);
	return 0;
}

void
server_answer(struct server *s, struct buf *b, uint32_t serial, enum msg_id id,
    gpg_error_t code, const char *text, const void *reply)
{
	struct view out;

	buf_reset(b);
	if (datagram_put_reply(b, serial, id, code, text, reply)) {
		buf_reset(b);
		datagram_put_reply(b, serial, id,
		    gpg_error(GPG_ERR_BUG), "the reply could not be built",
		    NULL);
	}
	out = buf_view(b);
	if (send(s->fd, out.p, out.len, MSG_NOSIGNAL) < 0)
		stop_process();
}

gpg_error_t
server_cannot(struct problem *pb)
{
	return problem_say(pb, GPG_ERR_NOT_SUPPORTED,
	    "a token of this kind cannot do that");
}

/* What happens in the backend, for the agent. */
static void
tell(void *arg, enum token_event event, uint32_t request)
{
	struct msg_token_event out = { (uint8_t)event, request };
	struct server *s = arg;
	struct view v;
	struct buf b;

	buf_init(&b, 64);
	if (!datagram_put(&b, 0, MSG_token_event, &out)) {
		v = buf_view(&b);
		if (send(s->fd, v.p, v.len, MSG_NOSIGNAL) < 0)
			stop_process();
	}
	buf_free(&b);
}

/* Requests until there are no more. */
static gpg_error_t
work(struct worker *w)
{
	struct request rq;
	gpg_error_t err;

	do {
		if (!(err = receive(w, &rq)))
			err = request_do(w, &rq);
		if (rq.fd != -1)
			close(rq.fd);
	} while (!err);
	if (gpg_err_code(err) == GPG_ERR_EOF)
		return 0;
	atomic_store(&w->server->broken, true);
	return err;
}

/* ---- from the first message to the last ---- */

static gpg_error_t
worker_init(struct worker *w, struct server *s, unsigned number)
{
	gpg_error_t err;

	w->server = s;
	w->number = number;
	buf_init(&w->reply, DATAGRAM_MAX);
	buf_init(&w->in, DATAGRAM_MAX);
	if (s->ops->locked)
		buf_lock(&w->in);
	err = buf_reserve(&w->in, DATAGRAM_MAX, &w->datagram);
	if (err && s->ops->locked && number == 0) {
		/* The first message is no secret; open tells what is wrong. */
		buf_free(&w->in);
		err = buf_reserve(&w->in, DATAGRAM_MAX, &w->datagram);
	}
	return err;
}

static void
worker_clear(struct worker *w)
{
	buf_free(&w->in);
	buf_free(&w->reply);
}

/* The first message: whom we serve and what is to be loaded. */
static gpg_error_t
open_backend(struct worker *w)
{
	struct server *s = w->server;
	struct msg_token_open in;
	struct msg_token_opened out;
	struct problem pb = { "" };
	char description[256] = "";
	struct request rq;
	void *state = NULL;
	gpg_error_t err;

	if ((err = receive(w, &rq)))
		return err;
	if (rq.id != MSG_token_open || msg_decode(rq.id, rq.body, &in) ||
	    in.sessions < 1 || in.sessions > TOKEN_WORKERS_MAX)
		return gpg_error(GPG_ERR_BAD_DATA);
	if (in.version != WIRE_TOKEN_VERSION)
		err = problem_say(&pb, GPG_ERR_UNKNOWN_VERSION,
		    "the agent and its token process are of different "
		    "versions: stop the agent (touchstone stop), so that the "
		    "installed one starts");
	else
		err = s->ops->open(&in, &state, description,
		    sizeof(description), &pb);
	atomic_store(&s->state, state);
	s->worker_count = in.sessions;
	out.description = view_str(description);
	server_answer(s, &w->reply, rq.serial, rq.id, err, pb.text, &out);
	if (!err && s->ops->listen)
		s->ops->listen(state, (struct token_ear){ tell, s });
	return err;
}

static void *
other_worker(void *arg)
{
	struct worker *w = arg;

	work(w);
	stop_process();
	worker_clear(w);
	return NULL;
}

static unsigned
start_others(struct server *s)
{
	unsigned n;

	for (n = 1; n < s->worker_count; n++) {
		struct worker *w = &s->workers[n];

		if (worker_init(w, s, n) ||
		    pthread_create(&w->thread, NULL, other_worker, w)) {
			worker_clear(w);
			break;
		}
	}
	return n;
}

/* Opens, then works like the others, and waits for them at the end. */
static void *
first_worker(void *arg)
{
	struct worker *w = arg;
	struct server *s = w->server;
	unsigned count;

	if ((s->err = open_backend(w))) {
		if (gpg_err_code(s->err) == GPG_ERR_BAD_DATA)
			atomic_store(&s->broken, true);
		stop_process();
		return NULL;
	}
	if (s->ops->locked && !w->in.locked) {
		s->err = gpg_error(GPG_ERR_ENOMEM);
		stop_process();
		return NULL;
	}
	count = start_others(s);
	s->err = work(w);
	stop_process();
	for (unsigned n = 1; n < count; n++)
		pthread_join(s->workers[n].thread, NULL);
	return NULL;
}

gpg_error_t
server_start(struct server **out, int fd, const struct token_ops *ops)
{
	struct server *s;
	gpg_error_t err;

	*out = NULL;
	if (!(s = calloc(1, sizeof(*s))))
		return gpg_error(GPG_ERR_ENOMEM);
	s->fd = fd;
	s->ops = ops;
	pthread_mutex_init(&s->mu, NULL);
	pthread_cond_init(&s->talked, NULL);
	if ((err = worker_init(&s->workers[0], s, 0)) ||
	    (err = gpg_error_from_errno(pthread_create(&s->workers[0].thread,
	    NULL, first_worker, &s->workers[0])))) {
		worker_clear(&s->workers[0]);
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void
server_wipe(struct server *s)
{
	void *state = atomic_load(&s->state);

	if (state)
		s->ops->wipe(state);
}

gpg_error_t
server_finish(struct server **sp)
{
	struct server *s = *sp;
	void *state;
	gpg_error_t err;

	talks_end(s);
	pthread_join(s->workers[0].thread, NULL);
	if ((state = atomic_load(&s->state)))
		s->ops->close(state);
	err = atomic_load(&s->broken) ? gpg_error(GPG_ERR_BAD_DATA) : s->err;
	worker_clear(&s->workers[0]);
	pthread_mutex_destroy(&s->mu);
	pthread_cond_destroy(&s->talked);
	free(s);
	*sp = NULL;
	return err;
}
