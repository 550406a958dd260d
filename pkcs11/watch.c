/*
 * Notices by PC/SC what is plugged in and out, and that pcscd stops and
 * starts; tells the agent, so that nobody has to ask.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "piv.h"

#define RETRY_S 1		/* while there is no pcscd */
#define PNP "\\\\?PnP?\\Notification"

struct piv_watch {
	struct piv *p;
	pthread_t thread;
	pthread_mutex_t mu;
	pthread_cond_t ending;
	SCARDCONTEXT context;	/* under mu; 0: none */
	bool stop;		/* under mu */
};

static bool
is_over(struct piv_watch *w)
{
	bool stop;

	pthread_mutex_lock(&w->mu);
	stop = w->stop;
	pthread_mutex_unlock(&w->mu);
	return stop;
}

static void
pause_watch(struct piv_watch *w)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += RETRY_S;
	pthread_mutex_lock(&w->mu);
	if (!w->stop)
		pthread_cond_timedwait(&w->ending, &w->mu, &ts);
	pthread_mutex_unlock(&w->mu);
}

/* What happened in one reader to the card that we know to be in it. */
static bool
look_at_card(struct piv_card *c, const SCARD_READERSTATE *rs)
{
	uint32_t events = (uint32_t)(rs->dwEventState >> 16);
	bool mine, gone;

	pthread_mutex_lock(&c->mu);
	mine = c->present && !strcmp(c->reader, rs->szReader);
	gone = mine && (c->events != events ||
	    !(rs->dwEventState & SCARD_STATE_PRESENT));
	pthread_mutex_unlock(&c->mu);
	if (gone)
		piv_card_left(c);
	return gone;
}

/* Whether the agent is to list again. */
static bool
look_at_reader(struct piv *p, const SCARD_READERSTATE *rs)
{
	DWORD bits = SCARD_STATE_PRESENT | 0xffff0000;
	bool changed = (rs->dwCurrentState & bits) !=
	    (rs->dwEventState & bits);
	struct piv_card *c;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++)
		changed |= look_at_card(c, rs);
	return changed;
}

static void
all_left(struct piv *p)
{
	struct piv_card *c;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++)
		piv_card_left(c);
}

/* Cards whose readers are there no more. */
static bool
miss_readers(struct piv *p, const struct piv_readers *r)
{
	struct piv_card *c;
	bool missed = false;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++) {
		bool here = false, present;

		pthread_mutex_lock(&c->mu);
		present = c->present;
		for (unsigned j = 0; j < r->count; j++)
			here |= !strcmp(c->reader, r->states[j].szReader);
		pthread_mutex_unlock(&c->mu);
		if (present && !here) {
			piv_card_left(c);
			missed = true;
		}
	}
	return missed;
}

static void
tell(struct piv *p)
{
	p->ear.say(p->ear.arg, EVENT_CHANGED, 0);
}

/*
 * Changes of the readers that there are now, until there are others.  The
 * first look only learns the states, which a listing may have missed.
 */
static LONG
watch_readers(struct piv_watch *w, SCARDCONTEXT context, bool *first)
{
	struct piv_readers r;
	bool changed, others = false;
	LONG rv;

	if ((rv = piv_readers_get(context, &r)) != SCARD_S_SUCCESS)
		return rv;
	if (miss_readers(w->p, &r) || !*first)
		tell(w->p);
	*first = false;
	r.states[r.count].szReader = PNP;
	while (rv == SCARD_S_SUCCESS && !others && !is_over(w)) {
		rv = SCardGetStatusChange(context, INFINITE, r.states,
		    r.count + 1);
		changed = false;
		for (unsigned i = 0; i < r.count && rv == SCARD_S_SUCCESS;
		    i++) {
			changed |= look_at_reader(w->p, &r.states[i]);
			others |= !!(r.states[i].dwEventState &
			    (SCARD_STATE_UNKNOWN | SCARD_STATE_IGNORE));
			r.states[i].dwCurrentState = r.states[i].dwEventState;
		}
		others |= !!(r.states[r.count].dwEventState &
		    SCARD_STATE_CHANGED);
		if (changed && !others)
			tell(w->p);
	}
	piv_readers_free(&r);
	return rv;
}

static bool
set_context(struct piv_watch *w, SCARDCONTEXT context)
{
	bool stop;

	pthread_mutex_lock(&w->mu);
	w->context = context;
	stop = w->stop;
	pthread_mutex_unlock(&w->mu);
	return !stop;
}

static void *
watch(void *arg)
{
	struct piv_watch *w = arg;
	bool first = true;
	SCARDCONTEXT context;
	LONG rv;

	while (!is_over(w)) {
		rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL,
		    &context);
		if (rv != SCARD_S_SUCCESS) {
			first = false;
			pause_watch(w);
			continue;
		}
		while (set_context(w, context) && rv == SCARD_S_SUCCESS)
			rv = watch_readers(w, context, &first);
		set_context(w, 0);
		SCardReleaseContext(context);
		if (is_over(w))
			break;
		all_left(w->p);
		tell(w->p);
		pause_watch(w);
	}
	return NULL;
}

gpg_error_t
piv_watch_new(struct piv *p)
{
	struct piv_watch *w;

	if (!(w = calloc(1, sizeof(*w))))
		return gpg_error(GPG_ERR_ENOMEM);
	w->p = p;
	pthread_mutex_init(&w->mu, NULL);
	pthread_cond_init(&w->ending, NULL);
	if (pthread_create(&w->thread, NULL, watch, w)) {
		free(w);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	p->watch = w;
	return 0;
}

void
piv_watch_free(struct piv *p)
{
	struct piv_watch *w = p->watch;

	if (!w)
		return;
	pthread_mutex_lock(&w->mu);
	w->stop = true;
	if (w->context)
		SCardCancel(w->context);
	pthread_cond_signal(&w->ending);
	pthread_mutex_unlock(&w->mu);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->mu);
	pthread_cond_destroy(&w->ending);
	free(w);
	p->watch = NULL;
}
