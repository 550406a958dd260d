/*
 * Keys that leave the place where they are: for another slot, or for ever.  A
 * key may be in several places; these concern one, which is named.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "listing.h"
#include "work.h"

/* "9c@12345678"; elsewhere the URI tells. */
static void
place_name(const struct holder *h, struct buf *b)
{
	if (h->slot_name && h->slot_name[0])
		buf_putf(b, "%s@%s", h->slot_name, h->serial);
	else
		buf_putf(b, "%s", h->uri ? h->uri : "");
}

static gpg_error_t
ambiguous(struct request *r)
{
	struct buf b;
	struct view list;
	gpg_error_t err;

	buf_init(&b, PROBLEM_MAX);
	for (size_t i = 0; i < r->key->holder_count; i++) {
		buf_put_text(&b, i ? ", " : "");
		place_name(&r->key->holders[i], &b);
	}
	list = buf_view(&b);
	err = request_problem(r, GPG_ERR_AMBIGUOUS_NAME, "key %s is in "
	    "several places, and only one of them is meant: name it by one "
	    "of %.*s", key_title(r->key), (int)list.len,
	    (const char *)list.p);
	buf_free(&b);
	return err;
}

/* The place that `copy` names; without one, the only one there is. */
static gpg_error_t
locate_copy(struct request *r, const struct holder **out)
{
	struct view copy = view_str(r->copy);
	const struct holder *found = NULL;
	gpg_error_t err;

	if ((err = work_locate_key(r)))
		return err;
	for (size_t i = 0; i < r->key->holder_count; i++) {
		const struct holder *h = &r->key->holders[i];

		if (copy.len > 0 && !holder_matches(h, copy))
			continue;
		if (found)
			return ambiguous(r);
		found = h;
	}
	if (!found)
		return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
	r->module = found->module;
	r->slot = found->slot;
	r->token_key = found->key;
	*out = found;
	return 0;
}

/* What the audit log and the dialogue for the PIN are told. */
static void
name_place(struct request *r, const struct holder *h, const char *what)
{
	snprintf(r->object.summary, sizeof(r->object.summary), "%s key \"%s\""
	    "%s%s on token \"%s\" (%s)", what, key_title(r->key),
	    h->slot_name && h->slot_name[0] ? " in slot " : "",
	    h->slot_name ? h->slot_name : "",
	    h->token, h->serial);
}

/* ---- moving ---- */

static gpg_error_t
move_parse(struct request *r)
{
	snprintf(r->object.summary, sizeof(r->object.summary),
	    "the move of a key");
	r->kind = "move";
	return 0;
}

/*
 * Who agrees to an overwriting names a slot; on which card that is, the copy
 * says, since another may have come in the place of the one that was seen.
 */
static gpg_error_t
check_overwrite(struct request *r, const struct holder *h)
{
	struct buf b;
	bool named;

	if (!r->overwrite[0])
		return 0;
	buf_init(&b, PROBLEM_MAX);
	place_name(h, &b);
	named = view_eq_str(buf_view(&b), r->copy);
	buf_free(&b);
	return named ? 0 : request_problem(r, GPG_ERR_NOT_CONFIRMED, "the "
	    "YubiKey whose slot is to be overwritten is not named: name the "
	    "key by SLOT@SERIAL");
}

static gpg_error_t
move_locate(struct request *r)
{
	const struct holder *h;
	char what[64];
	gpg_error_t err;

	if ((err = locate_copy(r, &h)) || (err = check_overwrite(r, h)))
		return err;
	snprintf(what, sizeof(what), "the move to slot %.16s of",
	    r->slot_name);
	name_place(r, h, what);
	return 0;
}

static struct call *
move_ask(struct request *r, call_done *done)
{
	struct msg_token_move in = {
		.key = r->token_key,
		.slot_name = view_str(r->slot_name),
		.overwrite = view_str(r->overwrite),
	};

	return module_call(r->module, MSG_token_move, &in, -1,
	    r->module->config.deadline_s * 1000, done, r);
}

static gpg_error_t
changed(struct request *r, const void *reply)
{
	module_changed(r->module);
	return 0;
}

const struct work work_move = {
	.format = "token",
	.parse = move_parse,
	.locate = move_locate,
	.begin = work_begin_nothing,
	.ask = move_ask,
	.ask_pin = work_ask_login,
	.finish = changed,
};

/* ---- deleting ---- */

static gpg_error_t
delete_parse(struct request *r)
{
	snprintf(r->object.summary, sizeof(r->object.summary),
	    "the deletion of a key");
	r->kind = "deletion";
	return 0;
}

/* Firmware that cannot is told before anybody is asked to agree. */
static gpg_error_t
check_firmware(struct request *r, const struct holder *h)
{
	const struct slot *s = module_slot(r->module, h->slot);
	unsigned major, minor;

	if (!h->slot_name || !h->slot_name[0] || !s || !s->firmware ||
	    sscanf(s->firmware, "%u.%u", &major, &minor) != 2 || major > 5 ||
	    (major == 5 && minor >= 7))
		return 0;
	return request_problem(r, GPG_ERR_NOT_SUPPORTED, "YubiKey %s has "
	    "firmware %s, which cannot delete a key (5.7 can): a new one can "
	    "take its place, by \"touchstone keys generate --name NAME "
	    "--overwrite %s@%s\"", h->serial, s->firmware, h->slot_name,
	    h->serial);
}

/*
 * The consent names the key and where it is.  It is looked at whenever the
 * place is, since another token may come to be the only one meanwhile.
 */
static gpg_error_t
check_agreed(struct request *r, const struct holder *h)
{
	char words[256];

	snprintf(words, sizeof(words), "delete %s@%s", h->slot_name &&
	    h->slot_name[0] ? h->slot_name : r->key->id, h->serial);
	if (!strcmp(r->agreed, words))
		return 0;
	return request_problem(r, GPG_ERR_NOT_CONFIRMED, "%s: it would be "
	    "lost for ever; agree by \"%s\"", r->object.summary, words);
}

static gpg_error_t
delete_locate(struct request *r)
{
	const struct holder *h;
	gpg_error_t err;

	if ((err = locate_copy(r, &h)) || (err = check_firmware(r, h)))
		return err;
	name_place(r, h, "the deletion of");
	return check_agreed(r, h);
}

static struct call *
delete_ask(struct request *r, call_done *done)
{
	struct msg_token_delete in = { .key = r->token_key };

	return module_call(r->module, MSG_token_delete, &in, -1,
	    r->module->config.deadline_s * 1000, done, r);
}

const struct work work_delete = {
	.format = "token",
	.parse = delete_parse,
	.locate = delete_locate,
	.begin = work_begin_nothing,
	.ask = delete_ask,
	.ask_pin = work_ask_login,
	.finish = changed,
};
