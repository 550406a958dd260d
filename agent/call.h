/*
 * A question to a token process, which ends with one answer: the process's,
 * or that none came.
 */
#ifndef AGENT_CALL_H
#define AGENT_CALL_H

#include "agent.h"

struct module;

/*
 * The answer to a call; once.  `reply` is the struct of the message's reply,
 * filled only where err is 0 and valid only now; `text` is for people.
 */
typedef void call_done(void *arg, gpg_error_t err, const char *text,
    const void *reply);

/* What happened to a call before its answer: enum token_event. */
typedef void call_event(void *arg, uint8_t event);

struct call {
	TAILQ_ENTRY(call) next;
	struct module *module;
	uint32_t serial;
	enum msg_id id;
	call_done *done;	/* NULL: cancelled */
	call_event *event;
	void *arg;
	struct event timer;
	bool timed;
	uint32_t deadline_ms;
	uint32_t life;		/* which process it was asked of */
	bool given_up;		/* its process goes on without an answer */
};

TAILQ_HEAD(calls, call);

/* Tells what happens until then, to the same `arg`. */
void call_on_event(struct call *, call_event *);

/* The answer is of no interest any more. */
void call_cancel(struct call **);

/* ---- for module.c, which alone makes them ---- */

/* NULL when out of memory. */
struct call *call_new(struct module *, enum msg_id, uint32_t deadline_ms,
    call_done *, void *arg);

/* fd (-1: none) goes along and is always consumed. */
gpg_error_t call_send(struct call *, const void *in, int fd);

/* Tells the answer and frees it; or frees it and tells nobody. */
void call_finish(struct call *, gpg_error_t, const char *text,
    const void *reply);
void call_free(struct call *);

struct call *call_by_serial(struct module *, uint32_t serial);
struct call *call_of_life(struct module *, uint32_t life);

/* One timer for each; *arg of the callback is the call. */
void call_timer(struct call *, event_callback_fn, uint32_t ms);

/* How long it may take, behind those that were asked before it. */
uint32_t call_patience(const struct call *);

/*
 * Whether the process can do without the thread that hangs in this call; then
 * the caller is told so, and an answer that comes after all nobody.
 */
bool call_may_be_given_up(const struct call *);
void call_give_up(struct call *, const char *text);

#endif
