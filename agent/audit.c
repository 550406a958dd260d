/* The audit log's queue: records go to a thread that writes, and what came
 * of them comes back to the loop by an eventfd. */
#include <config.h>

#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/audit.h"
#include "agent/auditlog.h"
#include "agent/denials.h"

#define QUEUE_MAX 4096			/* records that wait */
#define TEXT_MAX (4 * CHAIN_LINE_MAX)	/* of one record, bytes */
#define DENIAL_WINDOW_MS 60000

static const struct {
	const char *name;
	size_t offset;
} texts[] = {
#define TEXT(member) { #member, offsetof(struct audit_record, member) }
	TEXT(kind),
	TEXT(format),
	TEXT(summary),
	TEXT(key_name),
	TEXT(requester),
	TEXT(origin),
	TEXT(object),
	TEXT(verdict),
#undef TEXT
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

/* A record on its way: to the thread, and back with its error. */
struct audit_wait {
	struct audit_wait *next;
	audit_done *done;	/* the loop's thread alone looks at it */
	void *arg;
	gpg_error_t err;
	bool sync;		/* somebody waits for it to be on disk */
	enum audit_stage stage;
	uint64_t ms;
	uint64_t request;
	uint64_t count;
	bool has_payload, has_key;
	uint8_t payload[32];
	uint8_t key[32];
	const char *text[TEXTS];
	char room[];		/* of the texts */
};

struct list {
	struct audit_wait *first;
	struct audit_wait **end;
};

struct audit {
	struct auditlog *log;	/* the thread's, while that runs */
	struct denials *denials;
	struct event *event;
	int wake;		/* eventfd: something is in `done` */
	size_t waiting;		/* records not yet given back */
	pthread_t thread;
	bool started;

	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t work;
	struct list queue;
	struct list done;
	bool stop;
};

static void
list_init(struct list *l)
{
	l->first = NULL;
	l->end = &l->first;
}

static void
list_add(struct list *l, struct audit_wait *w)
{
	w->next = NULL;
	*l->end = w;
	l->end = &w->next;
}

static struct audit_wait *
list_take(struct list *l)
{
	struct audit_wait *w = l->first;

	if (w && !(l->first = w->next))
		l->end = &l->first;
	return w;
}

/* Moves all of `from` to the end of `to`. */
static void
list_move(struct list *to, struct list *from)
{
	if (from->first) {
		*to->end = from->first;
		to->end = from->end;
	}
	list_init(from);
}

static const char *
stage_name(enum audit_stage stage)
{
	static const char *const names[] = {
		[AUDIT_INTENT] = "intent",
		[AUDIT_SIGNED] = "signed",
		[AUDIT_FAILED] = "failed",
		[AUDIT_UNDELIVERED] = "undelivered",
		[AUDIT_DENIED] = "denied",
		[AUDIT_EVENT] = "event",
	};

	return names[stage];
}

/* ---- the thread that writes ---- */

static gpg_error_t
put_record(struct auditlog *l, const struct audit_wait *w)
{
	struct chain_record r;

	chain_begin(&r, &l->batch, &l->next, w->ms, stage_name(w->stage));
	if (w->request > 0)
		chain_put_number(&r, "request", w->request);
	for (size_t i = 0; i < TEXTS; i++)
		chain_put_text(&r, texts[i].name, w->text[i]);
	if (w->has_payload)
		chain_put_hex(&r, "payload", view_of(w->payload, 32));
	if (w->has_key)
		chain_put_hex(&r, "key", view_of(w->key, 32));
	if (w->count > 0)
		chain_put_number(&r, "count", w->count);
	return chain_end(&r, &l->next);
}

static void
give_back(struct audit *a, struct list *l)
{
	bool wake;

	if (!l->first)
		return;
	pthread_mutex_lock(&a->lock);
	wake = !a->done.first;
	list_move(&a->done, l);
	pthread_mutex_unlock(&a->lock);
	/* It cannot fail: the counter is far from its end. */
	if (wake)
		eventfd_write(a->wake, 1);
}

/*
 * Writes as many of the records as a batch holds.  Those that only had to be
 * written are given back before the sync, which serves all others.
 */
static void
write_batch(struct audit *a, struct list *in)
{
	struct list put, sync;
	struct audit_wait *w;
	gpg_error_t err;

	list_init(&put);
	list_init(&sync);
	err = auditlog_begin(a->log);
	while (in->first && (err || !auditlog_full(a->log))) {
		w = list_take(in);
		w->err = err ? err : put_record(a->log, w);
		list_add(w->sync && !w->err ? &sync : &put, w);
	}
	if (!err && (err = auditlog_write(a->log)))
		for (w = put.first; w; w = w->next)
			w->err = w->err ? w->err : err;
	give_back(a, &put);
	if (!err && sync.first)
		err = auditlog_sync(a->log);
	for (w = sync.first; w; w = w->next)
		w->err = err;
	give_back(a, &sync);
}

/* Waits for records; false when there is nothing left to do. */
static bool
take_queue(struct audit *a, struct list *in)
{
	list_init(in);
	pthread_mutex_lock(&a->lock);
	while (!a->queue.first && !a->stop)
		pthread_cond_wait(&a->work, &a->lock);
	list_move(in, &a->queue);
	pthread_mutex_unlock(&a->lock);
	return in->first != NULL;
}

static void *
run(void *arg)
{
	struct audit *a = arg;
	struct list in;

	while (take_queue(a, &in))
		while (in.first)
			write_batch(a, &in);
	auditlog_sync(a->log);
	return NULL;
}

/* ---- the loop's thread ---- */

static void
deliver(struct audit *a)
{
	struct audit_wait *w;
	struct list l;

	list_init(&l);
	pthread_mutex_lock(&a->lock);
	list_move(&l, &a->done);
	pthread_mutex_unlock(&a->lock);
	while ((w = list_take(&l))) {
		a->waiting--;
		if (w->done)
			w->done(w->arg, w->err);
		free(w);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	deliver(arg);
}

static void
emit_denial(void *arg, const struct audit_record *r)
{
	audit_put(arg, r, NULL, NULL);
}

/* The loop's signals are not for the thread. */
static gpg_error_t
start_thread(struct audit *a)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	a->started = rc == 0;
	return rc ? gpg_error_from_errno(rc) : 0;
}

gpg_error_t
audit_open(struct audit **out, struct event_base *base, const char *dir,
    bool private, char **problem)
{
	struct audit *a;
	gpg_error_t err;

	*out = NULL;
	*problem = NULL;
	if (!(a = calloc(1, sizeof(*a))))
		return gpg_error(GPG_ERR_ENOMEM);
	list_init(&a->queue);
	list_init(&a->done);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->work, NULL);
	if ((a->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
		err = gpg_error_from_syserror();
	/* Each write is an edge; the count itself is never read. */
	else if (!(a->event = event_new(base, a->wake, EV_READ | EV_PERSIST |
	    EV_ET, on_wake, a)) || event_add(a->event, NULL) ||
	    !(a->denials = denials_new(base, DENIAL_WINDOW_MS, emit_denial,
	    a)))
		err = gpg_error(GPG_ERR_ENOMEM);
	else if (!(err = auditlog_open(&a->log, dir, private,
	    problem)))
		err = start_thread(a);
	if (err) {
		if (!*problem)
			*problem = strdup("the audit log could not be set up");
		audit_close(&a);
	}
	*out = a;
	return err;
}

static void
stop_thread(struct audit *a)
{
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
}

void
audit_close(struct audit **ap)
{
	struct audit *a = *ap;

	if (!a)
		return;
	denials_free(&a->denials);
	if (a->started)
		stop_thread(a);
	/* What is told may have more to record: that it was not delivered. */
	while (a->waiting > 0) {
		a->stop = false;
		deliver(a);
		a->stop = true;
		run(a);
	}
	*ap = NULL;
	auditlog_close(&a->log);
	if (a->event)
		event_free(a->event);
	if (a->wake >= 0)
		close(a->wake);
	pthread_cond_destroy(&a->work);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static const char *
text_of(const struct audit_record *r, size_t i)
{
	return *(const char *const *)((const char *)r + texts[i].offset);
}

/* A copy of the record, in one piece. */
static struct audit_wait *
copy(const struct audit_record *r)
{
	size_t len[TEXTS], all = 0;
	struct audit_wait *w;
	char *p;

	for (size_t i = 0; i < TEXTS; i++) {
		len[i] = text_of(r, i) ? strlen(text_of(r, i)) + 1 : 0;
		all += len[i];
	}
	if (all > TEXT_MAX || !(w = malloc(sizeof(*w) + all)))
		return NULL;
	*w = (struct audit_wait){ .stage = r->stage, .request = r->request,
	    .count = r->count, .has_payload = r->payload != NULL,
	    .has_key = r->key != NULL, .ms = auditlog_now() };
	if (r->payload)
		memcpy(w->payload, r->payload, sizeof(w->payload));
	if (r->key)
		memcpy(w->key, r->key, sizeof(w->key));
	p = w->room;
	for (size_t i = 0; i < TEXTS; p += len[i++])
		if (len[i] > 0)
			w->text[i] = memcpy(p, text_of(r, i), len[i]);
	return w;
}

struct audit_wait *
audit_put(struct audit *a, const struct audit_record *r, audit_done *done,
    void *arg)
{
	struct audit_wait *w;
	bool idle;

	/* Only this thread sets `stop`; what ends late finds no log at all. */
	if (!a || a->stop || a->waiting >= QUEUE_MAX || !(w = copy(r)))
		return NULL;
	w->done = done;
	w->arg = arg;
	w->sync = done && r->stage != AUDIT_INTENT;
	a->waiting++;
	pthread_mutex_lock(&a->lock);
	idle = !a->queue.first;
	list_add(&a->queue, w);
	pthread_mutex_unlock(&a->lock);
	if (idle)
		pthread_cond_signal(&a->work);
	return w;
}

void
audit_forget(struct audit_wait *w)
{
	w->done = NULL;
}

void
audit_deny(struct audit *a, const struct audit_record *r)
{
	denials_add(a->denials, r);
}

const char *
audit_path(const struct audit *a)
{
	return a->log->path;
}
