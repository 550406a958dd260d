/* Requests that a worker does itself. */
#include "config.h"

#include <string.h>

#include "server.h"

/* What a reply's lists may hold: a datagram, less its own few fields. */
#define LISTING_ROOM (DATAGRAM_MAX - 4096)
#define SLOTS_ROOM (32 * 1024)

static gpg_error_t
do_list(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_list in;
	struct msg_token_listing out = { 0 };
	struct problem pb = { "" };
	struct buf slots, keys;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	buf_init(&slots, SLOTS_ROOM);
	buf_init(&keys, LISTING_ROOM - SLOTS_ROOM);
	err = s->ops->list(atomic_load(&s->state), w->number, in.anew,
	    &slots, &out.slots, &keys, &out.keys, &pb);
	server_answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	buf_free(&slots);
	buf_free(&keys);
	return 0;
}

static gpg_error_t
do_sign(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_sign in;
	struct msg_token_signed out;
	struct problem pb;
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	size_t len = 0;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	pb.text[0] = 0;
	err = s->ops->sign(atomic_load(&s->state), w->number,
	    &(struct token_signing){ in.key, in.mechanism, in.data,
	    rq->serial },
	    signature, &len, &pb);
	out.signature = view_of(signature, len);
	server_answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	return 0;
}

static gpg_error_t
do_forget(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_forget in;
	struct problem pb = { "" };
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	err = s->ops->forget(atomic_load(&s->state), in.slot, &pb);
	server_answer(s, &w->reply, rq->serial, rq->id, err, pb.text, NULL);
	return 0;
}

static gpg_error_t
do_make(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_make in;
	struct msg_token_generated out = { 0 };
	struct problem pb = { "" };
	struct buf keys;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	buf_init(&keys, TOKEN_MAKE_ROOM);
	err = s->ops->make(atomic_load(&s->state), w->number, &in, &keys,
	    &out.keys, &pb);
	server_answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	buf_free(&keys);
	return 0;
}

static gpg_error_t
do_attest(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_attest in;
	struct msg_token_attested out;
	struct problem pb = { "" };
	struct buf leaf, middle;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	buf_init(&leaf, 4096);
	buf_init(&middle, 4096);
	err = !s->ops->attest ? server_cannot(&pb) :
	    s->ops->attest(atomic_load(&s->state), w->number, in.key, &leaf,
	    &middle, &pb);
	out.certificate = buf_view(&leaf);
	out.intermediate = buf_view(&middle);
	server_answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	buf_free(&leaf);
	buf_free(&middle);
	return 0;
}

/* What is done to one key, and is answered by whether it was. */
static gpg_error_t
do_change(struct worker *w, struct request *rq)
{
	const struct token_ops *ops = w->server->ops;
	void *state = atomic_load(&w->server->state);
	struct problem pb = { "" };
	union {
		struct msg_token_store store;
		struct msg_token_move move;
		struct msg_token_delete delete;
	} in;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	if (rq->id == MSG_token_store && ops->store)
		err = ops->store(state, w->number, &in.store, &pb);
	else if (rq->id == MSG_token_move && ops->move)
		err = ops->move(state, w->number, &in.move, &pb);
	else if (rq->id == MSG_token_delete && ops->remove)
		err = ops->remove(state, w->number, in.delete.key, &pb);
	else
		err = server_cannot(&pb);
	server_answer(w->server, &w->reply, rq->serial, rq->id, err, pb.text,
	    NULL);
	return 0;
}

static gpg_error_t
do_import(struct worker *w, struct request *rq)
{
	struct server *s = w->server;
	struct msg_token_import in;
	struct msg_token_generated out = { 0 };
	struct problem pb = { "" };
	struct buf keys;
	gpg_error_t err;

	if (msg_decode(rq->id, rq->body, &in))
		return gpg_error(GPG_ERR_BAD_DATA);
	buf_init(&keys, TOKEN_MAKE_ROOM);
	err = !s->ops->import ? server_cannot(&pb) :
	    s->ops->import(atomic_load(&s->state), w->number, &in, &keys,
	    &out.keys, &pb);
	explicit_bzero(w->datagram, DATAGRAM_MAX);
	server_answer(s, &w->reply, rq->serial, rq->id, err, pb.text, &out);
	buf_free(&keys);
	return 0;
}

gpg_error_t
request_do(struct worker *w, struct request *rq)
{
	switch (rq->id) {
	case MSG_token_list:
		return do_list(w, rq);
	case MSG_token_sign:
		return do_sign(w, rq);
	case MSG_token_login:
	case MSG_token_prepare:
	case MSG_token_change:
		return request_talk(w, rq);
	case MSG_token_forget:
		return do_forget(w, rq);
	case MSG_token_make:
		return do_make(w, rq);
	case MSG_token_attest:
		return do_attest(w, rq);
	case MSG_token_store:
	case MSG_token_move:
	case MSG_token_delete:
		return do_change(w, rq);
	case MSG_token_import:
		return do_import(w, rq);
	default:	/* open comes once, and first */
		return gpg_error(GPG_ERR_BAD_DATA);
	}
}
