/* The keys as a client is told of them, by SSH's message and by ours. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "added.h"
#include "card.h"
#include "conn.h"
#include "listing.h"
#include "lock.h"
#include "reach.h"
#include "serve.h"

#define KEYS_LISTED 256		/* as messages.def bounds the lists */
#define IDENTITIES_SIZE (FRAME_MAX - 5)	/* beside type and count, bytes */
#define HOLDERS_LISTED 16
#define CERTS_SHOWN 16

/* What the answer has no room for is left out. */
static gpg_error_t
put_identity(struct buf *b, struct msg_list *list, struct view key,
    const char *comment)
{
	struct msg_ssh_identity one = { key, view_str(comment) };
	size_t size = 8 + one.key.len + one.comment.len;

	return list->count < KEYS_LISTED &&
	    buf_len(b) + size <= IDENTITIES_SIZE ?
	    msg_list_add(b, list, MSG_ssh_identity, &one) : 0;
}

/* What was added and is on no token; certificates of any. */
static gpg_error_t
put_added(struct conn *c, const struct host_row *row, struct buf *b,
    struct msg_list *list)
{
	struct agent *a = c->agent;
	const struct added *d;
	gpg_error_t err = 0;

	TAILQ_FOREACH(d, &a->added, next) {
		struct view cert = buf_view(&d->certificate);
		struct key *k = added_key(a, d);

		if (k && !err && (cert.len > 0 || !key_is_on_token(k)) &&
		    host_row_offers(row, k) && added_shows(c, d))
			err = put_identity(b, list, cert.len > 0 ? cert :
			    pubkey_ssh(k->pub), d->comment);
		key_unref(&k);
	}
	return err;
}

/* Those of a key on a token that are the same for all, and its module's. */
static gpg_error_t
put_certs(struct conn *c, const struct certs *certs, const struct key *k,
    struct buf *b, struct msg_list *list)
{
	const struct cert *one;
	gpg_error_t err = 0;
	size_t at = 0;

	while (!err && (one = certs_next(certs, k, &at)))
		if (card_shows(c, k, buf_view(&one->blob)))
			err = put_identity(b, list, buf_view(&one->blob),
			    one->comment);
	return err;
}

static gpg_error_t
put_on_token(struct conn *c, const struct key *k, struct buf *b,
    struct msg_list *list)
{
	struct module *m;
	gpg_error_t err = 0;

	if (card_shows(c, k, pubkey_ssh(k->pub)))
		err = put_identity(b, list, pubkey_ssh(k->pub), key_title(k));
	if (!err)
		err = put_certs(c, &c->agent->certs, k, b, list);
	TAILQ_FOREACH(m, &c->agent->modules, next)
		if (!err && m->card && !m->retired)
			err = put_certs(c, &m->card->certs, k, b, list);
	return err;
}

static gpg_error_t
put_identities(struct conn *c, struct buf *b, struct msg_list *list)
{
	const struct host_row *row = conn_host_row(c);
	const struct keyring *ring = c->agent->keyring;
	gpg_error_t err = 0;

	for (size_t i = 0; i < keyring_count(ring) && !err; i++) {
		struct key *k = keyring_at(ring, i);

		if (key_is_on_token(k) && host_row_offers(row, k))
			err = put_on_token(c, k, b, list);
	}
	return err ? err : put_added(c, row, b, list);
}

void
list_identities(struct conn *c)
{
	struct msg_ssh_identities_answer reply = { .keys = { 0 } };
	struct buf list;
	gpg_error_t err = 0;

	buf_init(&list, IDENTITIES_SIZE);
	if (!agent_is_locked(c->agent))
		err = put_identities(c, &list, &reply.keys);
	if (!err)
		err = frame_put(&c->out, SSH_AGENT_IDENTITIES_ANSWER,
		    MSG_ssh_identities_answer, &reply);
	if (err)
		frame_put_bare(&c->out, SSH_AGENT_FAILURE);
	buf_free(&list);
	conn_answered(c);
}

static gpg_error_t
put_user_ids(const struct key *k, struct buf *b, struct msg_list *list)
{
	gpg_error_t err = 0;

	for (size_t i = 0; i < k->user_id_count && !err; i++) {
		struct msg_user_id one = { view_str(k->user_ids[i]) };

		err = msg_list_add(b, list, MSG_user_id, &one);
	}
	return err;
}

static struct view
text_of(const char *s)
{
	return view_str(s ? s : "");
}

/* What the state of a token is concerns clients of this machine alone. */
static gpg_error_t
put_holder(const struct holder *h, enum origin origin, struct buf *b,
    struct msg_list *list)
{
	const struct slot *s = origin == ORIGIN_LOCAL ?
	    module_slot(h->module, h->slot) : NULL;
	struct msg_holder one = {
		.module = view_str(h->module->config.name),
		.token = text_of(h->token),
		.serial = text_of(h->serial),
		.firmware = text_of(s ? s->firmware : NULL),
		.tries_left = s ? s->tries_left : PIN_TRIES_UNKNOWN,
		.uri = text_of(h->uri),
		.slot_name = text_of(h->slot_name),
		.pin_policy = h->pin_policy,
		.touch_policy = h->touch_policy,
		.origin = h->origin,
		.certificate_expires = h->certificate_expires,
		.flags = h->flags,
	};

	return msg_list_add(b, list, MSG_holder, &one);
}

/* Those that the client named go first. */
static gpg_error_t
put_holders(const struct key *k, struct view match, enum origin origin,
    struct buf *b, struct msg_list *list)
{
	gpg_error_t err = 0;

	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; i < k->holder_count && !err &&
		    list->count < HOLDERS_LISTED; i++)
			if (holder_matches(&k->holders[i], match) == named)
				err = put_holder(&k->holders[i], origin, b,
				    list);
	return err;
}

static gpg_error_t
put_validity(const struct certs *certs, const struct key *k, struct buf *b,
    struct msg_list *list)
{
	const struct cert *one;
	gpg_error_t err = 0;
	size_t at = 0;

	while (!err && list->count < CERTS_SHOWN &&
	    (one = certs_of(certs, k, &at))) {
		struct msg_ssh_certificate m = { view_str(one->comment),
			one->after, one->before };

		err = msg_list_add(b, list, MSG_ssh_certificate, &m);
	}
	return err;
}

/* When a key's certificates are good: from files, and from ssh-add -s. */
static gpg_error_t
put_certificates(struct conn *c, const struct key *k, struct buf *b,
    struct msg_list *list)
{
	gpg_error_t err = put_validity(&c->agent->certs, k, b, list);
	struct module *m;

	TAILQ_FOREACH(m, &c->agent->modules, next)
		if (!err && m->card && !m->retired)
			err = put_validity(&m->card->certs, k, b, list);
	return err;
}

static gpg_error_t
put_key(struct conn *c, const struct key *k, struct buf *b,
    struct msg_list *list)
{
	struct msg_key one = {
		.id = pubkey_id(k->pub),
		.name = view_str(k->name),
		.algorithm = view_str(algorithm_name(
		    pubkey_algorithm(k->pub))),
		.spki = pubkey_spki(k->pub),
		.created = k->created,
		.expires = k->expires,
		.fingerprint = view_str(k->fpr),
	};
	struct buf ids, holders, certs;
	gpg_error_t err;

	buf_init(&ids, FRAME_MAX);
	buf_init(&holders, FRAME_MAX);
	buf_init(&certs, FRAME_MAX);
	if (!(err = put_user_ids(k, &ids, &one.user_ids)) &&
	    !(err = put_holders(k, view_str(c->match), c->origin,
	    &holders, &one.holders)) &&
	    !(err = put_certificates(c, k, &certs, &one.certificates)))
		err = msg_list_add(b, list, MSG_key, &one);
	buf_free(&ids);
	buf_free(&holders);
	buf_free(&certs);
	return err;
}

/* Whether a key may be known of on the connection. */
static bool
is_shown(struct conn *c, const struct key *k)
{
	const struct added *d = added_limits(c->agent, k, view_of(NULL, 0));

	if (key_is_on_token(k))
		return card_shows(c, k, view_of(NULL, 0));
	return !d || added_shows(c, d);
}

/* Those in memory alone, or the others. */
static gpg_error_t
put_keys(struct conn *c, bool memory, struct buf *b, struct msg_list *list)
{
	const struct keyring *ring = c->agent->keyring;
	struct view match = view_str(c->match);
	gpg_error_t err = 0;

	for (size_t i = 0; i < keyring_count(ring) && !err &&
	    list->count < KEYS_LISTED; i++) {
		struct key *k = keyring_at(ring, i);

		if ((k->holder_count > 0 && !key_is_on_token(k)) != memory)
			continue;
		if (is_shown(c, k) &&
		    (match.len == 0 || key_matches(k, match)))
			err = put_key(c, k, b, list);
	}
	return err;
}

void
list_keys(struct conn *c)
{
	struct msg_keys_answer reply = { .keys = { 0 } };
	struct buf list;
	gpg_error_t err;

	buf_init(&list, FRAME_MAX);
	if (!(err = put_keys(c, false, &list, &reply.keys)))
		err = put_keys(c, true, &list, &reply.keys);
	if (err)
		conn_fail(c, err, "too many keys to list: name one");
	else
		conn_reply(c, 0, "", &reply);
	buf_free(&list);
}
