/*
 * Prompts: one touchstone-prompt per question, one question at a time, at the
 * place of the client that asks.
 */
#ifndef AGENT_PROMPT_H
#define AGENT_PROMPT_H

#include "agent.h"
#include "place.h"

struct prompt;

/* Once: 0, GPG_ERR_CANCELED, GPG_ERR_TIMEOUT, GPG_ERR_NO_PIN_ENTRY, … */
typedef void prompt_done(void *arg, gpg_error_t err, const char *text);

/* Whom a question is for.  What comes from afar waits for what is local. */
struct prompt_where {
	const struct place *place;	/* NULL: nowhere */
	bool remote;
};

/* Whether so many questions from afar wait that no more are taken. */
bool prompt_is_crowded(const struct agent *);

/*
 * Queues a question; a notice waits for none.  pin_fd (-1: none; always consumed) is the PIN socket's
 * end for the prompter.  Texts and place are copied or kept until the end by
 * the caller: `place` must live until then.  NULL when out of memory.
 */
struct prompt *prompt_start(struct agent *, struct prompt_where,
    enum dialogue, const char *description, int pin_fd, prompt_done *,
    void *arg);

/* Takes the question back; the dialogue disappears. */
void prompt_cancel(struct prompt **);

#endif
