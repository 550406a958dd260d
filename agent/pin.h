/*
 * Asking for a PIN: a prompter and a token process are given the two ends of
 * a socket pair, and talk until the token has it.  The PIN never passes
 * through here.  All who need the PIN of one slot share one dialogue.
 */
#ifndef AGENT_PIN_H
#define AGENT_PIN_H

#include "module.h"
#include "prompt.h"

struct pin_wait;

/*
 * Asks with `id` (MSG_token_login, MSG_token_prepare) and its struct; `slot`
 * tells which dialogues are the same (a prepare never is).  The place must
 * live until `done` or pin_cancel().  NULL when out of memory.
 */
struct pin_wait *pin_ask(struct module *, uint32_t slot, enum msg_id id,
    const void *in, struct prompt_where, const char *description,
    call_done *done, void *arg);

/*
 * Closes the dialogue if it was started here; others that joined it are told
 * GPG_ERR_EAGAIN, since the place it was at is gone.
 */
void pin_cancel(struct pin_wait **);

/* The module goes, when nobody waits any more. */
void pin_drop(struct module *);

#endif
