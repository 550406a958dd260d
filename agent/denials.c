/* Denials, the first of a kind at once and the others as a number. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/denials.h"

struct kind {
	char *kind;
	char *requester;
	char *verdict;
	uint64_t count;		/* after the first */
	uint64_t ends;		/* ms, monotonic */
};

struct denials {
	struct kind kinds[DENIALS_KINDS];
	size_t used;		/* in the order of `ends` */
	uint64_t others;	/* for which there was no room */
	unsigned window_ms;
	struct event *timer;
	denials_emit *emit;
	void *arg;
};

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
emit_count(struct denials *d, const struct kind *k, uint64_t count)
{
	struct audit_record r = { .stage = AUDIT_DENIED, .kind = k->kind,
	    .requester = k->requester, .verdict = k->verdict,
	    .count = count };

	if (count > 0)
		d->emit(d->arg, &r);
}

static void
free_kind(struct kind *k)
{
	free(k->kind);
	free(k->requester);
	free(k->verdict);
	*k = (struct kind){ NULL };
}

static void
emit_others(struct denials *d)
{
	char verdict[] = "denials of too many kinds to tell apart";
	struct kind all = { .verdict = verdict };

	emit_count(d, &all, d->others);
	d->others = 0;
}

/* Ends the kinds whose time was over at `now`. */
static void
flush(struct denials *d, uint64_t now)
{
	size_t n = 0;

	while (n < d->used && d->kinds[n].ends <= now) {
		emit_count(d, &d->kinds[n], d->kinds[n].count);
		free_kind(&d->kinds[n++]);
	}
	if (n == 0)
		return;
	memmove(d->kinds, d->kinds + n, (d->used - n) * sizeof(d->kinds[0]));
	d->used -= n;
	emit_others(d);
}

static void
arm(struct denials *d)
{
	uint64_t now = now_ms(), left;
	struct timeval tv;

	if (d->used == 0)
		return;
	left = d->kinds[0].ends > now ? d->kinds[0].ends - now : 0;
	tv.tv_sec = (time_t)(left / 1000);
	tv.tv_usec = (suseconds_t)(left % 1000 * 1000);
	evtimer_add(d->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct denials *d = arg;

	flush(d, now_ms());
	arm(d);
}

struct denials *
denials_new(struct event_base *base, unsigned window_ms, denials_emit *emit,
    void *arg)
{
	struct denials *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->window_ms = window_ms;
	d->emit = emit;
	d->arg = arg;
	if (!(d->timer = evtimer_new(base, on_timer, d))) {
		free(d);
		d = NULL;
	}
	return d;
}

static bool
same(const char *a, const char *b)
{
	return !strcmp(a, b ? b : "");
}

static struct kind *
find(struct denials *d, const struct audit_record *r)
{
	for (size_t i = 0; i < d->used; i++)
		if (same(d->kinds[i].kind, r->kind) &&
		    same(d->kinds[i].requester, r->requester) &&
		    same(d->kinds[i].verdict, r->verdict))
			return &d->kinds[i];
	return NULL;
}

/* False if there is no room to remember it. */
static bool
remember(struct denials *d, const struct audit_record *r)
{
	struct kind *k = &d->kinds[d->used];

	if (d->used == DENIALS_KINDS)
		return false;
	k->kind = strdup(r->kind ? r->kind : "");
	k->requester = strdup(r->requester ? r->requester : "");
	k->verdict = strdup(r->verdict ? r->verdict : "");
	if (!k->kind || !k->requester || !k->verdict) {
		free_kind(k);
		return false;
	}
	k->ends = now_ms() + d->window_ms;
	d->used++;
	return true;
}

void
denials_add(struct denials *d, const struct audit_record *r)
{
	struct kind *k;

	flush(d, now_ms());
	if ((k = find(d, r)))
		k->count++;
	else if (remember(d, r))
		d->emit(d->arg, r);
	else
		d->others++;
	arm(d);
}

void
denials_free(struct denials **dp)
{
	struct denials *d = *dp;

	*dp = NULL;
	if (!d)
		return;
	flush(d, UINT64_MAX);
	emit_others(d);
	event_free(d->timer);
	free(d);
}
