/*
 * Speaking with the agent: one request, one reply; and requests that take a
 * person's time, followed to their end.
 */
#ifndef CLIENT_TALK_H
#define CLIENT_TALK_H

#include "client/connect.h"
#include "wire/msg.h"

struct talk {
	int fd;			/* -1: not connected */
	enum connect_way way;
	struct buf in;		/* the last reply */
	struct buf out;
	char said[1100];	/* what the agent, or we, said of a failure */
	bool told;		/* the agent said it, of a request */
	bool silent;		/* what to do is not said on stderr */
};

/* For a descriptor that is open already; talk_release() leaves it open. */
void talk_init(struct talk *, int fd);
void talk_release(struct talk *);

/* Finds the agent (client/connect.h, also for the flags).  Close with talk_close(). */
gpg_error_t talk_open(struct talk *, const struct paths *, unsigned flags);
void talk_close(struct talk *);

/* Milliseconds of a clock that only goes forward. */
int64_t talk_now_ms(void);

/*
 * Sends what `out` holds and reads one frame (in t->in, until the next
 * exchange).  timeout_ms -1 waits for ever.
 */
gpg_error_t talk_exchange(struct talk *, int timeout_ms, struct view *frame);

/*
 * A request and its reply, whose views point into t->in until the next
 * exchange.  The error is the agent's or the connection's; t->said then tells
 * more, or is empty.
 */
gpg_error_t talk_ask(struct talk *, enum msg_id, const void *in, void *reply);

/*
 * A request that is answered by progress: sends `rest` in chunks as they are
 * asked for, tells the user what to do while it waits, and returns when all
 * is done.
 */
gpg_error_t talk_follow(struct talk *, enum msg_id, const void *in,
    struct view rest, struct msg_progress *done);

/* Signs `object`: a sign-v1 request, followed to its end. */
gpg_error_t talk_sign(struct talk *, const char *key, const char *format,
    struct view object, struct msg_progress *done);

#endif
