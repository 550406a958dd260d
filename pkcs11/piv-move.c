/*
 * Keys that leave their slot: for another, with their certificate, or for
 * ever.  Yubico's command F6, since firmware 5.7: P1 is the slot to go to, or
 * FF for none, P2 the one to leave.
 *
 * The order of the commands is such that a card that is pulled out between any
 * two of them has the key in one slot or the other and its certificate beside
 * it, and that what is left to do can be seen: a copy of the certificate.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "piv.h"

#define SLOT_NOWHERE 0xff

struct mover {
	struct piv *p;
	struct piv_use use;
	uint8_t to;
	struct view overwrite;
	struct buf reply, certificate;	/* the object, as it is */
	struct buf other;		/* that of the slot to go to */
	bool taken;			/* that has a key */
	struct problem *pb;
};

/* ---- what is in a slot ---- */

static bool
is_key(struct view metadata, const struct pubkey *pub)
{
	struct view algorithm, public;
	struct pubkey *found = NULL;
	bool same;

	same = !tlv_find(metadata, 1, &algorithm) && algorithm.len == 1 &&
	    !tlv_find(metadata, 4, &public) &&
	    !piv_public(algorithm.p[0], public, &found) &&
	    view_eq(pubkey_id(found), pubkey_id(pub));
	pubkey_free(&found);
	return same;
}

/* Whether there is a key, and whether it is the one that is meant. */
static gpg_error_t
look(struct mover *m, uint8_t slot, bool *any, bool *ours)
{
	gpg_error_t err;
	int sw;

	err = piv_send(m->use.card, &(struct piv_command){ 0xf7, 0, slot,
	    view_of(NULL, 0) }, &m->reply, &sw);
	if (err)
		return err;
	if (sw != SW_OK && sw != SW_NO_KEY)
		return piv_problem(m->pb, m->use.card, sw,
		    "looking into a slot");
	*any = sw == SW_OK;
	*ours = *any && is_key(buf_view(&m->reply), m->use.pub);
	return 0;
}

/* The certificate's object; empty where there is none. */
static gpg_error_t
get_certificate(struct mover *m, uint8_t slot, struct buf *out)
{
	struct view object;
	gpg_error_t err;

	buf_reset(out);
	err = piv_object_get(m->use.card, piv_slot_object(slot), &m->reply,
	    &object, m->pb);
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
		return 0;
	return err ? err : buf_put_view(out, object);
}

/* An empty one takes away what is there. */
static gpg_error_t
put_certificate(struct mover *m, uint8_t slot, struct view object)
{
	gpg_error_t err;
	int sw;

	err = piv_object_put(m->use.card, piv_slot_object(slot), object, &sw,
	    m->pb);
	if (!err && sw != SW_OK)
		err = piv_problem(m->pb, m->use.card, sw, object.len > 0 ?
		    "storing a certificate" : "removing a certificate");
	return err;
}

static gpg_error_t
send_away(struct mover *m, uint8_t from, uint8_t to)
{
	gpg_error_t err;
	int sw;

	err = piv_send(m->use.card, &(struct piv_command){ 0xf6, to, from,
	    view_of(NULL, 0) }, &m->reply, &sw);
	if (!err && sw != SW_OK)
		err = piv_problem(m->pb, m->use.card, sw,
		    to == SLOT_NOWHERE ? "deleting a key" : "moving a key");
	return err;
}

/* ---- what both begin with ---- */

static gpg_error_t
check_firmware(struct mover *m)
{
	struct piv_card *c = m->use.card;
	uint8_t v[3];

	pthread_mutex_lock(&c->mu);
	memcpy(v, c->firmware, sizeof(v));
	pthread_mutex_unlock(&c->mu);
	if (v[0] > 5 || (v[0] == 5 && v[1] >= 7))
		return 0;
	return problem_say(m->pb, GPG_ERR_NOT_SUPPORTED, "%s has firmware "
	    "%u.%u.%u, which can neither move nor delete a key: 5.7 and "
	    "later can", piv_card_title(c).text, v[0], v[1], v[2]);
}

/* Another program may have put another key there since the card was read. */
static gpg_error_t
check_key(struct mover *m)
{
	bool any, ours;
	gpg_error_t err;

	if ((err = check_firmware(m)) ||
	    (err = look(m, m->use.slot, &any, &ours)))
		return err;
	if (ours)
		return get_certificate(m, m->use.slot, &m->certificate);
	if ((err = piv_keys_read(m->p, m->use.card, m->pb)))
		return err;
	return problem_say(m->pb, GPG_ERR_CONFLICT, "the key is not in that "
	    "slot of %s any more: \"touchstone keys list --refresh\" tells "
	    "what is there", piv_card_title(m->use.card).text);
}

/* The last word is that of what failed, if something did. */
static gpg_error_t
read_anew(struct mover *m, gpg_error_t err)
{
	struct problem unheard = { "" };
	gpg_error_t again;

	if (err && !m->pb->text[0])
		return err;		/* the connection is lost */
	again = piv_keys_read(m->p, m->use.card, err ? &unheard : m->pb);
	return err ? err : again;
}

typedef gpg_error_t held_fn(struct mover *);

static gpg_error_t
hold(struct mover *m, held_fn *fn)
{
	struct piv_card *c = m->use.card;
	gpg_error_t err;

	buf_init(&m->reply, PIV_REPLY_MAX);
	buf_init(&m->certificate, PIV_REPLY_MAX);
	buf_init(&m->other, PIV_REPLY_MAX);
	if (!(err = piv_card_lock(c, m->pb))) {
		if (!(err = piv_card_hold(m->p, c, m->pb)) && (err = fn(m)) &&
		    !m->pb->text[0])
			err = piv_card_lost(m->p, c, m->pb);
		piv_card_used(m->p, c);
		piv_card_unlock(c);
	}
	buf_free(&m->reply);
	buf_free(&m->certificate);
	buf_free(&m->other);
	return err;
}

static gpg_error_t
no_key(struct problem *pb)
{
	return problem_say(pb, GPG_ERR_MISSING_KEY,
	    "there is no such key any more");
}

/* ---- moving ---- */

/* A copy of the certificate alone is what an interrupted move has left. */
static gpg_error_t
check_free(struct mover *m)
{
	struct view old;
	bool ours;
	char name[3], agreed[16];
	gpg_error_t err;

	if ((err = look(m, m->to, &m->taken, &ours)) ||
	    (err = get_certificate(m, m->to, &m->other)))
		return err;
	old = buf_view(&m->other);
	piv_slot_name(m->to, name);
	snprintf(agreed, sizeof(agreed), "overwrite %s", name);
	if ((!m->taken && (old.len == 0 || view_eq(old,
	    buf_view(&m->certificate)))) || view_eq_str(m->overwrite, agreed))
		return 0;
	return problem_say(m->pb, GPG_ERR_EEXIST, "slot %s of %s has a %s: "
	    "choose another, or agree by \"%s\"", name,
	    piv_card_title(m->use.card).text, m->taken ? "key" :
	    "certificate", agreed);
}

/* The copy goes first, the original last. */
static gpg_error_t
carry(struct mover *m)
{
	struct view der = buf_view(&m->certificate);
	gpg_error_t err;

	if (m->taken && (err = send_away(m, m->to, SLOT_NOWHERE)))
		return err;
	if (!view_eq(der, buf_view(&m->other)) &&
	    (err = put_certificate(m, m->to, der)))
		return err;
	if ((err = send_away(m, m->use.slot, m->to)) || der.len == 0)
		return err;
	return put_certificate(m, m->use.slot, view_of(NULL, 0));
}

static gpg_error_t
clean(struct mover *m, uint8_t slot)
{
	bool any, ours;
	gpg_error_t err;

	if ((err = get_certificate(m, slot, &m->other)) ||
	    !view_eq(buf_view(&m->other), buf_view(&m->certificate)) ||
	    (err = look(m, slot, &any, &ours)) || any ||
	    (err = piv_manage(m->p, m->use.card, m->pb)))
		return err;
	return put_certificate(m, slot, view_of(NULL, 0));
}

/* The key is there already; a copy of its certificate may be elsewhere. */
static gpg_error_t
finish(struct mover *m)
{
	gpg_error_t err = 0;

	for (unsigned i = 0; i < PIV_SLOTS && !err &&
	    buf_len(&m->certificate) > 0; i++)
		if (piv_slot_at(i) != m->to)
			err = clean(m, piv_slot_at(i));
	return err;
}

static gpg_error_t
move_held(struct mover *m)
{
	gpg_error_t err;

	if ((err = check_key(m)))
		return err;
	if (m->to == m->use.slot)
		return finish(m);
	if ((err = check_free(m)) ||
	    (err = piv_manage(m->p, m->use.card, m->pb)))
		return err;
	return read_anew(m, carry(m));
}

gpg_error_t
piv_move(void *state, unsigned worker, const struct msg_token_move *in,
    struct problem *pb)
{
	struct mover m = { .p = state, .overwrite = in->overwrite, .pb = pb };

	if (!(m.to = piv_slot_by_name(in->slot_name)))
		return problem_say(pb, GPG_ERR_INV_VALUE, "a YubiKey's slots "
		    "are 9a, 9c, 9d, 9e and 82 to 95");
	if (!piv_key_use(state, in->key, &m.use))
		return no_key(pb);
	return hold(&m, move_held);
}

/* ---- deleting ---- */

/* The key last: as long as it is there, it can be named to finish this. */
static gpg_error_t
remove_all(struct mover *m)
{
	gpg_error_t err;

	if (buf_len(&m->certificate) > 0 && (err = put_certificate(m,
	    m->use.slot, view_of(NULL, 0))))
		return err;
	return send_away(m, m->use.slot, SLOT_NOWHERE);
}

static gpg_error_t
remove_held(struct mover *m)
{
	gpg_error_t err;

	if ((err = check_key(m)) ||
	    (err = piv_manage(m->p, m->use.card, m->pb)))
		return err;
	return read_anew(m, remove_all(m));
}

gpg_error_t
piv_remove(void *state, unsigned worker, uint32_t key, struct problem *pb)
{
	struct mover m = { .p = state, .pb = pb };

	if (!piv_key_use(state, key, &m.use))
		return no_key(pb);
	return hold(&m, remove_held);
}
