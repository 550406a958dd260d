/* Requests come, the backend does them, replies go. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"
#include "wire/frame.h"

struct worker {
	struct server *server;
	unsigned number;
	pthread_t thread;
	uint8_t *datagram;	/* DATAGRAM_MAX bytes, in: */
	struct buf in;
	struct buf reply;
};

struct server {
	int fd;
	const struct token_ops *ops;
	_Atomic(void *) state;	/* NULL before open */
	gpg_error_t err;	/* the first worker's */
	atomic_bool broken;	/* the protocol was */
	unsigned worker_count;
	struct worker workers[TOKEN_WORKERS_MAX];
	pthread_mutex_t mu;
	pthread_cond_t talked;
	struct talk *talks;	/* conversations that run, under mu */
	bool ending;		/* no more of them */
};

/* A request that waits for a person, in a thread of its own. */
struct talk {
	struct talk *next;
	struct server *server;
	enum msg_id id;
	uint32_t serial;
	uint32_t slot;
	uint8_t what;		/* enum token_secret, enum token_change */
	char text[33];		/* a label, an algorithm */
	int fd;
};

/* One request, taken from a datagram. */
struct request {
	enum msg_id id;
	uint32_t serial;
	struct view body;
	int fd;			/* -1, or one that came along */
};

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

static void
answer(struct server *s, struct buf *b, uint32_t serial, enum msg_id id,
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

static gpg_error_t
cannot(struct problem *pb)
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

/* ---- conversations ---- */

static gpg_error_t
talk_run(struct talk *t, struct problem *pb)
{
	const struct token_ops *ops = t->server->ops;
	void *state = atomic_load(&t->server->state);
	struct msg_token_prepare prepare = { .label = view_str(t->text) };

	if (t->id == MSG_token_login)
		return ops->login(state, t->slot, t->what, t->fd, pb);
	if (t->id == MSG_token_prepare)
		return ops->prepare(state, &prepare, t->fd, pb);
	if (!ops->change)
		return cannot(pb);
	return ops->change(state, t->slot, t->what, t->text, t->fd, pb);
}

static bool
talk_join(struct talk *t)
{
	struct server *s = t->server;
	bool ok;

	pthread_mutex_lock(&s->mu);
	if ((ok = !s->ending)) {
		t->next = s->talks;
		s->talks = t;
	}
	pthread_mutex_unlock(&s->mu);
	return ok;
}

/* The prompter hears that it is over before the agent does. */
static void
talk_hang_up(struct talk *t)
{
	pthread_mutex_lock(&t->server->mu);
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
	pthread_mutex_unlock(&t->server->mu);
}

static void
talk_leave(struct talk *t)
{
	struct server *s = t->server;
	struct talk **at;

	talk_hang_up(t);
	pthread_mutex_lock(&s->mu);
	for (at = &s->talks; *at && *at != t; at = &(*at)->next)
		;
	if (*at)
		*at = t->next;
	free(t);
	pthread_cond_signal(&s->talked);
	pthread_mutex_unlock(&s->mu);
}

/* Cancels the conversations and waits for them to end. */
static void
talks_end(struct server *s)
{
	pthread_mutex_lock(&s->mu);
	s->ending = true;
	for (struct talk *t = s->talks; t; t = t->next)
		if (t->fd != -1)
			shutdown(t->fd, SHUT_RDWR);
	while (s->talks)
		pthread_cond_wait(&s->talked, &s->mu);
	pthread_mutex_unlock(&s->mu);
}

static void *
talk_thread(void *arg)
{
	struct talk *t = arg;
	struct server *s = t->server;
	struct problem pb = { "" };
	struct buf b;
	gpg_error_t err;

	buf_init(&b, 4096);
	err = talk_run(t, &pb);
	talk_hang_up(t);
	answer(s, &b, t->serial, t->id, err, pb.text, NULL);
	buf_free(&b);
	talk_leave(t);
	return NULL;
}

/* Takes t over. */
static gpg_error_t
talk_start(struct talk *t)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc = ECANCELED;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (talk_join(t))
		rc = pthread_create(&thread, &attr, talk_thread, t);
	pthread_attr_destroy(&attr);
	if (!rc)
		return 0;
	talk_leave(t);
	return gpg_error_from_errno(rc);
}

/* Takes the request's parameters, which are gone when the talk runs. */
static gpg_error_t
talk_decode(struct talk *t, const struct request *rq)
{
	union {
		struct msg_token_login login;
		struct msg_token_prepare prepare;
		struct msg_token_change change;
	} in;
	struct view text = { NULL, 0 };

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	if (rq->id == MSG_token_login) {
		t->slot = in.login.slot;
		t->what = in.login.secret;
	} else if (rq->id == MSG_token_change) {
		t->slot = in.change.slot;
		t->what = in.change.change;
		text = in.change.algorithm;
	} else {
		text = in.prepare.label;
	}
	if (text.len > 0)
		memcpy(t->text, text.p, text.len);
	return 0;
}

static gpg_error_t
do_talk(struct worker *w, struct request *rq)
{
	struct talk *t;
	gpg_error_t err;

	if (rq->fd == -1 && rq->id == MSG_token_login)
		return gpg_error(GPG_ERR_BAD_DATA);
	if (!(t = calloc(1, sizeof(*t))))
		return gpg_error(GPG_ERR_ENOMEM);
	t->server = w->server;
	t->id = rq->id;
	t->serial = rq->serial;
	t->fd = rq->fd;
	if ((err = talk_decode(t, rq))) {
		free(t);
		return err;
	}
	rq->fd = -1;
	if ((err = talk_start(t)))
		answer(w->server, &w->reply, rq->serial, rq->id, err,
		    "no thread could be started", NULL);
	return 0;
}

/* ---- requests that a worker does itself ---- */

/* What a reply's lists may hold: a datagram, less its own few fields. */
#define LISTING_ROOM (DATAGRAM_MAX - 4096)
#define SLOTS_ROOM (32 * 1024)

static gpg_error_t
do_list(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_list in;
	struct msg_token_listing out = { 0 };
	struct problem pb = { "" };
	struct buf slots, keys;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	buf_init(&slots, SLOTS_ROOM);
	buf_init(&keys, LISTING_ROOM - SLOTS_ROOM);
	err = s->ops->list(atomic_load(&s->state), w->number, in.anew,
	    &slots, &out.slots, &keys, &out.keys, &pb);
	answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	buf_free(&slots);
	buf_free(&keys);
	return 0;
}

static gpg_error_t
do_sign(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_sign in;
	struct msg_token_signed out;
	struct problem pb;
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	size_t len = 0;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	pb.text[0] = 0;
	err = s->ops->sign(atomic_load(&s->state), w->number,
	    &(struct token_signing){ in.key, in.mechanism, in.data,
	    rq->serial },
	    signature, &len, &pb);
	out.signature = view_of(signature, len);
	answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	return 0;
}

static gpg_error_t
do_forget(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_forget in;
	struct problem pb = { "" };
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	err = s->ops->forget(atomic_load(&s->state), in.slot, &pb);
	answer(s, &w->reply, rq->serial, rq->id, err, pb.text, NULL);
	return 0;
}

static gpg_error_t
do_make(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_make in;
	struct msg_token_generated out = { 0 };
	struct problem pb = { "" };
	struct buf keys;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	buf_init(&keys, TOKEN_MAKE_ROOM);
	err = s->ops->make(atomic_load(&s->state), w->number, &in, &keys,
	    &out.keys, &pb);
	answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	buf_free(&keys);
	return 0;
}

static gpg_error_t
do_attest(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_attest in;
	struct msg_token_attested out;
	struct problem pb = { "" };
	struct buf leaf, middle;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	buf_init(&leaf, 4096);
	buf_init(&middle, 4096);
	err = !s->ops->attest ? cannot(&pb) :
	    s->ops->attest(atomic_load(&s->state), w->number, in.key, &leaf,
	    &middle, &pb);
	out.certificate = buf_view(&leaf);
	out.intermediate = buf_view(&middle);
	answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	buf_free(&leaf);
	buf_free(&middle);
	return 0;
}

/* What is done to one key, and is answered by whether it was. */
static gpg_error_t
do_change(struct worker *w, struct request *rq)
{
	const struct token_ops *ops = w->server->ops;
	void *state = atomic_load(&w->server->state);
	struct problem pb = { "" };
	union {
		struct msg_token_store store;
		struct msg_token_move move;
		struct msg_token_delete delete;
	} in;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	if (rq->id == MSG_token_store && ops->store)
		err = ops->store(state, w->number, &in.store, &pb);
	else if (rq->id == MSG_token_move && ops->move)
		err = ops->move(state, w->number, &in.move, &pb);
	else if (rq->id == MSG_token_delete && ops->remove)
		err = ops->remove(state, w->number, in.delete.key, &pb);
	else
		err = cannot(&pb);
	answer(w->server, &w->reply, rq->serial, rq->id, err, pb.text, NULL);
	return 0;
}

static gpg_error_t
do_import(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_import in;
	struct msg_token_generated out = { 0 };
	struct problem pb = { "" };
	struct buf keys;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	buf_init(&keys, TOKEN_MAKE_ROOM);
	err = !s->ops->import ? cannot(&pb) :
	    s->ops->import(atomic_load(&s->state), w->number, &in, &keys,
	    &out.keys, &pb);
	explicit_bzero(w->datagram, DATAGRAM_MAX);
	answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	buf_free(&keys);
	return 0;
}

static gpg_error_t
dispatch(struct worker *w, struct request *rq)
{
	switch (rq->id) {
	case MSG_token_list:
		return do_list(w, rq);
	case MSG_token_sign:
		return do_sign(w, rq);
	case MSG_token_login:
	case MSG_token_prepare:
	case MSG_token_change:
		return do_talk(w, rq);
	case MSG_token_forget:
		return do_forget(w, rq);
	case MSG_token_make:
		return do_make(w, rq);
	case MSG_token_attest:
		return do_attest(w, rq);
	case MSG_token_store:
	case MSG_token_move:
	case MSG_token_delete:
		return do_change(w, rq);
	case MSG_token_import:
		return do_import(w, rq);
	default:	/* open comes once, and first */
		return gpg_error(GPG_ERR_BAD_DATA);
	}
}

/* Requests until there are no more. */
static gpg_error_t
work(struct worker *w)
{
	struct request rq;
	gpg_error_t err;

	do {
		if (!(err = receive(w, &rq)))
			err = dispatch(w, &rq);
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
	w->server = s;
	w->number = number;
	buf_init(&w->reply, DATAGRAM_MAX);
	buf_init(&w->in, DATAGRAM_MAX);
	/* The first message is no secret; open tells why nothing is locked. */
	if (s->ops->locked && buf_lock(&w->in) && number == 0)
		buf_free(&w->in);
	return buf_reserve(&w->in, DATAGRAM_MAX, &w->datagram);
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
	answer(s, &w->reply, rq.serial, rq.id, err, pb.text, &out);
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
