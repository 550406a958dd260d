/*
 * The inside of the token process's server, for the serve*.c files: its
 * workers, the request that one has in hand, and the conversations that wait
 * for a person.
 */
#ifndef PKCS11_SERVER_H
#define PKCS11_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "serve.h"
#include "wire/frame.h"

struct worker {
	struct server *server;
	unsigned number;
	pthread_t thread;
	uint8_t *datagram;	/* DATAGRAM_MAX bytes, in: */
	struct buf in;
	struct buf reply;
};

struct server {
	int fd;
	const struct token_ops *ops;
	_Atomic(void *) state;	/* NULL before open */
	gpg_error_t err;	/* the first worker's */
	atomic_bool broken;	/* the protocol was */
	unsigned worker_count;
	struct worker workers[TOKEN_WORKERS_MAX];
	pthread_mutex_t mu;
	pthread_cond_t talked;
	struct talk *talks;	/* conversations that run, under mu */
	bool ending;		/* no more of them */
};

/* A request that waits for a person, in a thread of its own. */
struct talk {
	struct talk *next;
	struct server *server;
	enum msg_id id;
	uint32_t serial;
	uint32_t slot;
	uint8_t what;		/* enum token_secret, enum token_change */
	char text[33];		/* a label, an algorithm */
	int fd;
};

/* One request, taken from a datagram. */
struct request {
	enum msg_id id;
	uint32_t serial;
	struct view body;
	int fd;			/* -1, or one that came along */
};

/* Sends a reply, built in the buffer. */
void server_answer(struct server *, struct buf *, uint32_t serial,
    enum msg_id, gpg_error_t, const char *text, const void *reply);
gpg_error_t server_cannot(struct problem *);

/*
 * What a request asks for, done and answered (serve-do.c).  Errors are those
 * of who breaks the protocol.
 */
gpg_error_t request_do(struct worker *, struct request *);

/* The same for one that waits for a person; it takes rq->fd (serve-talk.c). */
gpg_error_t request_talk(struct worker *, struct request *);

/* Cancels the conversations and waits for them to end. */
void talks_end(struct server *);

#endif
