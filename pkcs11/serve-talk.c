/* Requests that wait for a person, each in a thread of its own. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

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
		return server_cannot(pb);
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

void
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
	server_answer(s, &b, t->serial, t->id, err, pb.text, NULL);
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

gpg_error_t
request_talk(struct worker *w, struct request *rq)
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
		server_answer(w->server, &w->reply, rq->serial, rq->id, err,
		    "no thread could be started", NULL);
	return 0;
}
