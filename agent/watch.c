/* Who waits for keys or modules to change. */
#include <config.h>

#include "agent.h"
#include "module.h"

void
agent_watch(struct agent *a, struct watcher *w)
{
	if (w->armed)
		return;
	w->armed = true;
	TAILQ_INSERT_TAIL(&a->watchers, w, next);
}

void
agent_unwatch(struct agent *a, struct watcher *w)
{
	if (!w->armed)
		return;
	w->armed = false;
	TAILQ_REMOVE(&a->watchers, w, next);
}

/* From the loop: who changed something is not in the middle of it then. */
static void
on_changed(int fd, short what, void *arg)
{
	struct agent *a = arg;
	struct watcher mark = { .armed = true }, *w;

	modules_sweep(a);
	TAILQ_INSERT_TAIL(&a->watchers, &mark, next);
	while ((w = TAILQ_FIRST(&a->watchers)) != &mark) {
		agent_unwatch(a, w);
		w->changed(w->arg);
	}
	TAILQ_REMOVE(&a->watchers, &mark, next);
}

void
agent_changed(struct agent *a)
{
	event_active(a->change, EV_TIMEOUT, 0);
}

gpg_error_t
agent_watch_init(struct agent *a)
{
	TAILQ_INIT(&a->watchers);
	a->change = evtimer_new(a->base, on_changed, a);
	return a->change ? 0 : gpg_error(GPG_ERR_ENOMEM);
}
