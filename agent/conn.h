/*
 * One client: frames in, frames out, and at most one request under way.
 */
#ifndef AGENT_CONN_H
#define AGENT_CONN_H

#include "bind.h"
#include "peer.h"
#include "policy.h"
#include "request.h"

struct conn {
	TAILQ_ENTRY(conn) next;
	struct agent *agent;
	enum origin origin;
	int fd;
	pid_t pid;
	uint64_t start;			/* of the process, place_start_time() */
	struct bindings bindings;
	enum peer peer;			/* when it was last looked at: */
	uint64_t looked_ms;
	char requester[512];		/* "" until it is wanted */
	struct buf in, out;
	uint8_t head[5];		/* of the frame that comes: length and
					   type, */
	uint32_t head_len, left;	/* and how much of each is missing */
	struct event readable, writable;
	struct event overdue;		/* a frame or a reply takes too long */
	struct request *request;
	bool serving;			/* within conn_serve() */
	bool asked;			/* an answer is owed: */
	enum msg_id question;
	char *match;			/* of a keys request */
	bool refresh;
	struct watcher watcher;
	struct event patience;		/* for modules that do not settle */
	bool doomed;			/* closed once `out` is sent */
	struct conn **errand;		/* who answers later: its pointer here */
};

#define CONN_PIECE 8192			/* of what a client sends, at a time */

/* Takes over the descriptor.  Refuses others' uids and too many clients. */
void conn_new(struct agent *, int fd, enum origin);
void conn_close(struct conn *);

/* Who is at the other end (reach.c). */
enum reach conn_reach(struct conn *);
bool conn_may_manage(struct conn *);

/*
 * "git ← bash (pid 12)", "build (forwarded through gate by ssh ← bash (pid
 * 12))", "somebody behind socat ← bash (pid 12)".
 */
const char *conn_requester(struct conn *);

/* Whether keys may be added and removed by it. */
bool conn_may_manage(struct conn *);

/* Bytes of payloads that are held for this process, by all its connections. */
size_t conn_held(const struct conn *);

/* Who serves what: reads a whole frame and answers or begins to. */
void conn_serve_init(struct conn *);
void conn_serve(struct conn *, struct view frame);

/* What was put into `out` is the answer that was owed. */
void conn_answered(struct conn *);

/* Replies to the question that is owed an answer. */
void conn_reply(struct conn *, gpg_error_t, const char *text,
    const void *reply);
void conn_fail(struct conn *, gpg_error_t, const char *text);

/* The request's state changed: told at once if somebody waits for it. */
void conn_progress(struct conn *, struct request *);

/*
 * The request ended: answers what is asked, and lets go of the request.
 * Returns false, and keeps it, where nothing is asked at the moment.
 */
bool conn_answer(struct conn *, struct request *);

#endif
