/* Joins a prompter and a token process for one PIN. */
#include <config.h>

#include <sys/socket.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pin.h"
#include "prompt.h"

/* How long a token process may take to notice that its prompter ended. */
#define SETTLE_MS 3000

struct pin_wait {
	TAILQ_ENTRY(pin_wait) next;
	struct pin_talk *talk;
	call_done *done;
	void *arg;
};

struct pin_talk {
	TAILQ_ENTRY(pin_talk) next;
	TAILQ_HEAD(, pin_wait) waits;
	struct pin_wait *starter;	/* the prompt is at this one's place;
					   NULL: all wait for the end only */
	struct module *module;
	uint32_t slot;
	enum msg_id id;
	struct prompt *prompt;	/* NULL once it ended */
	struct call *call;	/* NULL once it was answered */
	struct event settle;
	gpg_error_t prompt_err, call_err;
	char prompt_text[1024], call_text[1024];
};

static void
talk_free(struct pin_talk *d)
{
	prompt_cancel(&d->prompt);
	call_cancel(&d->call);
	event_del(&d->settle);
	TAILQ_REMOVE(&d->module->talks, d, next);
	module_settle(d->module);
	free(d);
}

/* A wait may be cancelled by what another one's callback does. */
static void
talk_tell(struct pin_talk *d, gpg_error_t err, const char *text)
{
	TAILQ_HEAD(, pin_wait) waits = TAILQ_HEAD_INITIALIZER(waits);
	struct pin_wait *w;

	TAILQ_CONCAT(&waits, &d->waits, next);
	TAILQ_FOREACH(w, &waits, next)
		w->talk = NULL;
	talk_free(d);
	while ((w = TAILQ_FIRST(&waits))) {
		TAILQ_REMOVE(&waits, w, next);
		if (w->done)
			w->done(w->arg, err, text, NULL);
		free(w);
	}
}

/*
 * Tells all who wait.  The token's word counts, but where it was merely told
 * that no PIN would come, the prompter knows why.
 */
static void
talk_finish(struct pin_talk *d)
{
	bool why = gpg_err_code(d->call_err) == GPG_ERR_CANCELED &&
	    d->prompt_err;
	gpg_error_t err = why ? d->prompt_err : d->call_err;
	char text[1024];

	if (!d->starter) {
		talk_tell(d, gpg_error(GPG_ERR_EAGAIN), "");
		return;
	}
	strcpy(text, why ? d->prompt_text : d->call_text);
	talk_tell(d, err, text);
}

static void
on_settle(int fd, short what, void *arg)
{
	struct pin_talk *d = arg;

	if (d->call) {
		d->call_err = gpg_error(GPG_ERR_CANCELED);
		call_cancel(&d->call);
	}
	talk_finish(d);
}

static void
wait_for_other(struct pin_talk *d)
{
	const struct timeval tv = { SETTLE_MS / 1000, 0 };

	event_add(&d->settle, &tv);
}

static void
on_prompt(void *arg, gpg_error_t err, const char *text)
{
	struct pin_talk *d = arg;

	d->prompt = NULL;
	d->prompt_err = err;
	snprintf(d->prompt_text, sizeof(d->prompt_text), "%s", text);
	if (d->call)
		wait_for_other(d);
	else
		talk_finish(d);
}

static void
on_call(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct pin_talk *d = arg;

	d->call = NULL;
	d->call_err = err;
	snprintf(d->call_text, sizeof(d->call_text), "%s", text);
	if (d->prompt && gpg_err_code(err) == GPG_ERR_CANCELED)
		wait_for_other(d);
	else
		talk_finish(d);
}

/*
 * Its place is gone, and the prompt with it.  The others ask anew, at a place
 * of their own, but not before the token knows that this one is over.
 */
static void
talk_abandon(struct pin_talk *d)
{
	d->starter = NULL;
	prompt_cancel(&d->prompt);
	if (d->call)
		wait_for_other(d);
	else
		talk_finish(d);
}

static struct pin_talk *
talk_start(struct module *m, uint32_t slot, enum msg_id id,
    const void *in, struct prompt_where where, const char *description)
{
	struct pin_talk *d;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return NULL;
	if (!(d = calloc(1, sizeof(*d)))) {
		close(pair[0]);
		close(pair[1]);
		return NULL;
	}
	d->module = m;
	d->slot = slot;
	d->id = id;
	TAILQ_INIT(&d->waits);
	TAILQ_INSERT_TAIL(&m->talks, d, next);
	evtimer_assign(&d->settle, m->agent->base, on_settle, d);
	d->call = module_call(m, id, in, pair[0], 0, on_call, d);
	d->prompt = prompt_start(m->agent, where, DIALOGUE_PIN, description,
	    pair[1], on_prompt, d);
	if (!d->call || !d->prompt) {
		talk_free(d);
		return NULL;
	}
	return d;
}

struct pin_wait *
pin_ask(struct module *m, uint32_t slot, enum msg_id id, const void *in,
    struct prompt_where where, const char *description, call_done *done,
    void *arg)
{
	struct pin_wait *w = calloc(1, sizeof(*w));
	struct pin_talk *d = NULL;

	if (!w)
		return NULL;
	if (id == MSG_token_login)
		TAILQ_FOREACH(d, &m->talks, next)
			if (d->slot == slot && d->id == id)
				break;
	if (!d) {
		if (!(d = talk_start(m, slot, id, in, where, description))) {
			free(w);
			return NULL;
		}
		d->starter = w;
	}
	w->talk = d;
	w->done = done;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&d->waits, w, next);
	return w;
}

void
pin_cancel(struct pin_wait **wp)
{
	struct pin_wait *w = *wp;
	struct pin_talk *d;

	*wp = NULL;
	if (!w)
		return;
	if (!(d = w->talk)) {
		w->done = NULL;
		return;
	}
	TAILQ_REMOVE(&d->waits, w, next);
	if (w == d->starter)
		talk_abandon(d);
	free(w);
}

void
pin_drop(struct module *m)
{
	struct pin_talk *d;

	while ((d = TAILQ_FIRST(&m->talks))) {
		prompt_cancel(&d->prompt);
		call_cancel(&d->call);
		event_del(&d->settle);
		TAILQ_REMOVE(&m->talks, d, next);
		free(d);
	}
}
