/* Calls of a module, from the first byte sent to the one answer. */
#include <config.h>

#include <stdlib.h>
#include <unistd.h>

#include "call.h"
#include "helper.h"
#include "module.h"

#define PATIENCE_MAX_MS (1000 * 1000)	/* for a call and those before it */

struct call *
call_new(struct module *m, enum msg_id id, uint32_t deadline_ms,
    call_done *done, void *arg)
{
	struct call *c;

	if (!(c = calloc(1, sizeof(*c))))
		return NULL;
	c->module = m;
	c->serial = ++m->serial;
	c->id = id;
	c->done = done;
	c->arg = arg;
	c->deadline_ms = deadline_ms;
	c->life = m->life;
	TAILQ_INSERT_TAIL(&m->calls, c, next);
	return c;
}

void
call_free(struct call *c)
{
	TAILQ_REMOVE(&c->module->calls, c, next);
	if (c->timed)
		event_del(&c->timer);
	if (c->module->listing == c)
		c->module->listing = NULL;
	free(c);
}

void
call_finish(struct call *c, gpg_error_t err, const char *text,
    const void *reply)
{
	call_done *done = c->done;
	void *arg = c->arg;

	call_free(c);
	if (done)
		done(arg, err, text, reply);
}

void
call_cancel(struct call **cp)
{
	if (*cp)
		(*cp)->done = NULL;
	*cp = NULL;
}

struct call *
call_of_life(struct module *m, uint32_t life)
{
	struct call *c;

	TAILQ_FOREACH(c, &m->calls, next)
		if (c->life == life)
			return c;
	return NULL;
}

struct call *
call_by_serial(struct module *m, uint32_t serial)
{
	struct call *c;

	TAILQ_FOREACH(c, &m->calls, next)
		if (c->serial == serial)
			return c;
	return NULL;
}

/*
 * A YubiKey that hangs costs its own call and one thread of the process, which
 * has the PINs of others: it goes on as long as it has another thread.
 */
bool
call_may_be_given_up(const struct call *mine)
{
	const struct module *m = mine->module;
	const struct call *c;
	unsigned lost = 1;

	TAILQ_FOREACH(c, &m->calls, next)
		lost += c->given_up;
	return m->config.type == MODULE_PIV && m->state == MODULE_READY &&
	    lost < m->config.sessions;
}

/* An answer that comes after all is taken, and told nobody. */
void
call_give_up(struct call *c, const char *text)
{
	struct module *m = c->module;
	call_done *done = c->done;

	c->done = NULL;
	c->timed = false;
	c->given_up = true;
	if (m->listing == c)
		m->listing = NULL;
	agent_log("%s", text);
	if (done)
		done(c->arg, gpg_error(GPG_ERR_TIMEOUT), text, NULL);
}

gpg_error_t
call_send(struct call *c, const void *in, int fd)
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, DATAGRAM_MAX);
	if (c->id == MSG_token_import)
		buf_lock(&b);
	err = datagram_put(&b, c->serial, c->id, in);
	if (err && fd >= 0)
		close(fd);
	if (!err)
		err = helper_send(c->module->helper, &b, fd);
	buf_free(&b);
	return err;
}

void
call_timer(struct call *c, event_callback_fn cb, uint32_t ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	evtimer_assign(&c->timer, c->module->agent->base, cb, c);
	event_add(&c->timer, &tv);
	c->timed = true;
}

void
call_on_event(struct call *c, call_event *event)
{
	if (c)
		c->event = event;
}

/*
 * A token that is busy gets to a call when those before it are done, so that
 * many who ask at once do not look like one that hangs.
 */
uint32_t
call_patience(const struct call *mine)
{
	const struct module *m = mine->module;
	const struct call *c;
	uint64_t ahead = 0;

	/* What ends a process on purpose does not wait for it. */
	if (mine->id == MSG_token_forget)
		return mine->deadline_ms;
	TAILQ_FOREACH(c, &m->calls, next)
		if (c != mine && c->timed)
			ahead += c->deadline_ms;
	ahead = mine->deadline_ms + ahead / m->config.sessions;
	return ahead < PATIENCE_MAX_MS ? (uint32_t)ahead : PATIENCE_MAX_MS;
}
