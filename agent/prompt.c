/* Runs prompters, one question at a time; notices come at once. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "helper.h"
#include "prompt.h"

#define REMOTE_MAX 2		/* questions from afar that may wait or run */

struct prompt {
	TAILQ_ENTRY(prompt) next;
	struct agent *agent;
	const struct place *place;
	bool remote;
	enum dialogue dialogue;
	char *description;
	int pin_fd;
	prompt_done *done;
	void *arg;
	struct helper *helper;	/* NULL: waits for its turn */
	struct event soon;	/* tells a failure to start, later */
	gpg_error_t err;
	char text[1024];
	bool running;
};

static void prompt_next(struct agent *);

static void
prompt_free(struct prompt *p)
{
	struct agent *a = p->agent;

	TAILQ_REMOVE(&a->prompts, p, next);
	if (p->running)
		event_del(&p->soon);
	if (p->pin_fd >= 0)
		close(p->pin_fd);
	helper_end(&p->helper);
	free(p->description);
	free(p);
	prompt_next(a);
}

static void
prompt_finish(struct prompt *p)
{
	prompt_done *done = p->done;
	void *arg = p->arg;
	gpg_error_t err = p->err;
	char text[sizeof(p->text)];

	strcpy(text, p->text);
	prompt_free(p);
	done(arg, err, text);
}

static void
on_soon(int fd, short what, void *arg)
{
	prompt_finish(arg);
}

static void
on_datagram(void *arg, struct view v)
{
	struct prompt *p = arg;
	struct msg_empty none;
	struct view text = { NULL, 0 };

	if (datagram_get_reply(v, MSG_prompt_ask, &p->err, &text, &none)) {
		p->err = gpg_error(GPG_ERR_PIN_ENTRY);
		text = view_str("the prompter answered garbage");
	}
	snprintf(p->text, sizeof(p->text), "%.*s", (int)text.len,
	    text.len ? (const char *)text.p : "");
	prompt_finish(p);
}

static void
on_gone(void *arg, const char *how)
{
	struct prompt *p = arg;

	p->helper = NULL;
	p->err = gpg_error(GPG_ERR_CANCELED);
	snprintf(p->text, sizeof(p->text), "the prompter failed: %s", how);
	prompt_finish(p);
}

static const struct helper_ops ops = { on_datagram, on_gone };

static struct view
or_empty(const char *s)
{
	return view_str(s ? s : "");
}

static gpg_error_t
prompt_send(struct prompt *p)
{
	const struct config *config = p->agent->config;
	struct msg_prompt_ask in = {
		.dialogue = p->dialogue,
		.pinentry = view_str(config->pinentry ? config->pinentry :
		    PINENTRY_PATH),
		.description = view_str(p->description),
		.ttyname = or_empty(p->place->ttyname),
		.ttytype = or_empty(p->place->ttytype),
		.lc_ctype = or_empty(p->place->lc_ctype),
		.lc_messages = or_empty(p->place->lc_messages),
		.timeout_s = config->prompt_timeout_s,
	};
	struct buf b;
	gpg_error_t err;

	buf_init(&b, DATAGRAM_MAX);
	if (!(err = datagram_put(&b, 1, MSG_prompt_ask, &in)))
		err = helper_send(p->helper, &b, -1);
	buf_free(&b);
	return err;
}

static void
prompt_run(struct prompt *p)
{
	static const struct timeval now = { 0, 0 };
	int fd = p->pin_fd;

	p->running = true;
	evtimer_assign(&p->soon, p->agent->base, on_soon, p);
	p->pin_fd = -1;
	if (!place_usable(p->place)) {
		if (fd >= 0)
			close(fd);
		p->err = gpg_error(GPG_ERR_NO_PIN_ENTRY);
		snprintf(p->text, sizeof(p->text), "%s, or run `touchstone "
		    "session` where prompts should appear",
		    place_problem(p->place));
		event_add(&p->soon, &now);
		return;
	}
	p->err = helper_spawn(p->agent, "touchstone-prompt", p->place->env,
	    fd, &ops, p, &p->helper);
	if (!p->err)
		p->err = prompt_send(p);
	if (p->err) {
		snprintf(p->text, sizeof(p->text), "cannot run %s/"
		    "touchstone-prompt: %s", LIBEXECDIR,
		    gpg_strerror(p->err));
		event_add(&p->soon, &now);
	}
}

static void
prompt_next(struct agent *a)
{
	struct prompt *p = TAILQ_FIRST(&a->prompts);

	while (p && p->dialogue == DIALOGUE_NOTICE)
		p = TAILQ_NEXT(p, next);
	if (p && !p->running)
		prompt_run(p);
}

bool
prompt_is_crowded(const struct agent *a)
{
	const struct prompt *p;
	size_t n = 0;

	TAILQ_FOREACH(p, &a->prompts, next)
		n += p->remote && p->dialogue != DIALOGUE_NOTICE;
	return n >= REMOTE_MAX;
}

/* Behind what runs and what is local, if it is local; else behind all. */
static void
enqueue(struct prompt *p)
{
	struct prompts *all = &p->agent->prompts;
	struct prompt *other;

	if (!p->remote)
		TAILQ_FOREACH(other, all, next)
			if (other->remote && !other->running) {
				TAILQ_INSERT_BEFORE(other, p, next);
				return;
			}
	TAILQ_INSERT_TAIL(all, p, next);
}

struct prompt *
prompt_start(struct agent *a, struct prompt_where where,
    enum dialogue dialogue, const char *description, int pin_fd,
    prompt_done *done, void *arg)
{
	struct prompt *p = calloc(1, sizeof(*p));

	if (!p || !(p->description = strdup(description))) {
		if (pin_fd >= 0)
			close(pin_fd);
		free(p);
		return NULL;
	}
	p->agent = a;
	p->place = where.place;
	p->remote = where.remote;
	p->dialogue = dialogue;
	p->pin_fd = pin_fd;
	p->done = done;
	p->arg = arg;
	if (dialogue == DIALOGUE_NOTICE) {
		TAILQ_INSERT_HEAD(&a->prompts, p, next);
		prompt_run(p);
	} else {
		enqueue(p);
		prompt_next(a);
	}
	return p;
}

void
prompt_cancel(struct prompt **pp)
{
	if (*pp)
		prompt_free(*pp);
	*pp = NULL;
}
