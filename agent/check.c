/* Checks signatures in a few threads, and gives them back by an eventfd. */
#include <config.h>

#include <sys/eventfd.h>
#include <sys/queue.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/check.h"

#define THREADS_MAX 4
#define SIGNATURE_MAX 1024	/* as a token process gives it */

struct check {
	STAILQ_ENTRY(check) next;
	const struct signing *signing;
	const struct pubkey *key;
	check_done *done;
	void *arg;
	gpg_error_t err;
	size_t len;
	uint8_t signature[SIGNATURE_MAX];
};

STAILQ_HEAD(list, check);

struct checks {
	struct event *event;
	int wake;		/* eventfd: something is in `done` */
	pthread_t threads[THREADS_MAX];
	unsigned count, max;
	size_t open;		/* signatures that were not given back yet */

	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t work;
	struct list queue;
	struct list done;
	bool stop;
};

/* ---- the threads ---- */

static struct check *
take(struct checks *cs)
{
	struct check *c;

	pthread_mutex_lock(&cs->lock);
	while (!(c = STAILQ_FIRST(&cs->queue)) && !cs->stop)
		pthread_cond_wait(&cs->work, &cs->lock);
	if (c)
		STAILQ_REMOVE_HEAD(&cs->queue, next);
	pthread_mutex_unlock(&cs->lock);
	return c;
}

static void
give_back(struct checks *cs, struct check *c)
{
	bool wake;

	pthread_mutex_lock(&cs->lock);
	wake = STAILQ_EMPTY(&cs->done);
	STAILQ_INSERT_TAIL(&cs->done, c, next);
	pthread_mutex_unlock(&cs->lock);
	/* It cannot fail: the counter is far from its end. */
	if (wake)
		eventfd_write(cs->wake, 1);
}

static void *
run(void *arg)
{
	struct checks *cs = arg;
	struct check *c;

	while ((c = take(cs))) {
		c->err = signing_check(c->signing, c->key,
		    view_of(c->signature, c->len));
		give_back(cs, c);
	}
	return NULL;
}

/* ---- the loop's thread ---- */

static void
deliver(struct checks *cs)
{
	struct list l = STAILQ_HEAD_INITIALIZER(l);
	struct check *c;

	pthread_mutex_lock(&cs->lock);
	STAILQ_CONCAT(&l, &cs->done);
	pthread_mutex_unlock(&cs->lock);
	while ((c = STAILQ_FIRST(&l))) {
		STAILQ_REMOVE_HEAD(&l, next);
		cs->open--;
		c->done(c->arg, c->err, view_of(c->signature, c->len));
		free(c);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	deliver(arg);
}

/* The loop's signals are not for the threads. */
static gpg_error_t
start_thread(struct checks *cs)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&cs->threads[cs->count], NULL, run, cs);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		return gpg_error_from_errno(rc);
	cs->count++;
	return 0;
}

gpg_error_t
check_start(struct checks *cs, const struct signing *signing,
    const struct pubkey *key, struct view signature, check_done *done,
    void *arg)
{
	struct check *c;
	gpg_error_t err = 0;

	if (signature.len > SIGNATURE_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if (pubkey_exponent(key).len > 0) {
		done(arg, signing_check(signing, key, signature), signature);
		return 0;
	}
	/* Without one more, those that there are do it. */
	if (cs->open >= cs->count && cs->count < cs->max)
		err = start_thread(cs);
	if (cs->count == 0)
		return err;
	if (!(c = malloc(sizeof(*c))))
		return gpg_error(GPG_ERR_ENOMEM);
	c->signing = signing;
	c->key = key;
	c->done = done;
	c->arg = arg;
	c->len = signature.len;
	memcpy(c->signature, signature.p, signature.len);
	cs->open++;
	pthread_mutex_lock(&cs->lock);
	STAILQ_INSERT_TAIL(&cs->queue, c, next);
	pthread_mutex_unlock(&cs->lock);
	pthread_cond_signal(&cs->work);
	return 0;
}

gpg_error_t
checks_new(struct checks **out, struct event_base *base)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct checks *cs;
	gpg_error_t err = 0;

	*out = NULL;
	if (!(cs = calloc(1, sizeof(*cs))))
		return gpg_error(GPG_ERR_ENOMEM);
	cs->max = processors < 1 ? 1 : processors < THREADS_MAX ?
	    (unsigned)processors : THREADS_MAX;
	STAILQ_INIT(&cs->queue);
	STAILQ_INIT(&cs->done);
	pthread_mutex_init(&cs->lock, NULL);
	pthread_cond_init(&cs->work, NULL);
	if ((cs->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
		err = gpg_error_from_syserror();
	/* Each write is an edge; the count itself is never read. */
	else if (!(cs->event = event_new(base, cs->wake, EV_READ |
	    EV_PERSIST | EV_ET, on_wake, cs)) || event_add(cs->event, NULL))
		err = gpg_error(GPG_ERR_ENOMEM);
	if (err)
		checks_end(&cs);
	*out = cs;
	return err;
}

void
checks_end(struct checks **csp)
{
	struct checks *cs = *csp;

	if (!cs)
		return;
	*csp = NULL;
	pthread_mutex_lock(&cs->lock);
	cs->stop = true;
	pthread_cond_broadcast(&cs->work);
	pthread_mutex_unlock(&cs->lock);
	for (unsigned i = 0; i < cs->count; i++)
		pthread_join(cs->threads[i], NULL);
	deliver(cs);
	if (cs->event)
		event_free(cs->event);
	if (cs->wake >= 0)
		close(cs->wake);
	pthread_cond_destroy(&cs->work);
	pthread_mutex_destroy(&cs->lock);
	free(cs);
}
