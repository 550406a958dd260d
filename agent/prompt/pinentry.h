/*
 * The user's pinentry: started when there is something to ask, driven by
 * libassuan, ended when the prompt is over.
 *
 * Whatever waits, waits in pinentry_wait(), which also sees that the agent
 * has given the prompt up: then every function here fails and `abandoned` is
 * set.
 */
#ifndef PROMPT_PINENTRY_H
#define PROMPT_PINENTRY_H

#include <sys/types.h>

#include <assuan.h>

#include "wire/msg.h"

#define PIN_MAX 256		/* bytes, as pin_entry.pin */

/* What somebody typed; in locked memory. */
struct typed {
	size_t len;
	bool too_long;		/* then len is 0 */
	bool repeated;		/* pinentry asked twice and got the same */
	char text[PIN_MAX];
};

/* One dialogue.  Texts are clean but for newlines; NULL: not shown. */
struct question {
	const char *description;
	const char *prompt;
	const char *error;
	const char *repeat;	/* the second prompt, for a new PIN */
	const char *ok;
	const char *cancel;
	bool message;		/* has nothing to be asked */
};

struct pinentry {
	const struct msg_prompt_ask *ask;
	char *path;
	int control;		/* the agent's socket; not ours to close */
	assuan_context_t ctx;	/* NULL: not running */
	pid_t pid;		/* 0: not running */
	int64_t deadline_ms;	/* of the monotonic clock; 0: none */
	bool ascii;		/* its locale cannot show anything else */
	bool abandoned;
	char problem[1024];	/* what to tell the user, when it failed */
};

gpg_error_t pinentry_init(struct pinentry *, const struct msg_prompt_ask *,
    int control);

/*
 * Asks for a PIN (into *typed), or with typed NULL for a yes.  0,
 * GPG_ERR_CANCELED (closed, refused, or pinentry died), GPG_ERR_TIMEOUT, or
 * GPG_ERR_NO_PIN_ENTRY when it could not be asked; `problem` is then set.
 */
gpg_error_t pinentry_ask(struct pinentry *, const struct question *,
    struct typed *);

/*
 * Until the descriptor can be read; GPG_ERR_TIMEOUT at the deadline,
 * GPG_ERR_ECONNABORTED when abandoned.
 */
gpg_error_t pinentry_wait(struct pinentry *, int fd);

/* Sets the deadline of the next pinentry_wait(), from now. */
void pinentry_within(struct pinentry *, uint32_t ms);

/* Ends it: by a word, then SIGTERM, after half a second SIGKILL. */
void pinentry_close(struct pinentry *);

#endif
