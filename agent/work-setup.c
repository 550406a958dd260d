/*
 * What set-up asks for: OpenPGP certificates and revocations, which the agent
 * builds from parameters, new keys and new tokens.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/openpgp.h"
#include "listing.h"
#include "work.h"

static gpg_error_t
certify_parse(struct request *r)
{
	object_name_built(&r->object, OBJECT_CERTIFICATION, r->user_id);
	return 0;
}

/* A time that the client gives counts only where the token has none. */
static gpg_error_t
certify_begin(struct request *r)
{
	struct openpgp_key key = { r->key->pub, r->key->created };

	if (key.created == 0)
		key.created = r->created;
	if (key.created == 0 || key.created > r->now)
		return request_problem(r, GPG_ERR_INV_TIME,
		    "the key's creation time is not known, or not past");
	r->created = key.created;
	return openpgp_begin_certification(&r->openpgp, &r->signing, &key,
	    r->user_id, r->expires_after, r->now);
}

static gpg_error_t
certify_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;
	struct openpgp_key key = { r->key->pub, r->created };
	gpg_error_t err;

	(void)((err = openpgp_put_key(&r->result, &key)) ||
	    (err = openpgp_put_user_id(&r->result, r->user_id)) ||
	    (err = openpgp_finish(r->openpgp, answer->signature, &r->result)));
	return err;
}

const struct work work_certify = {
	.format = "openpgp",
	.typed = true,
	.signs = true,
	.parse = certify_parse,
	.locate = work_locate_key,
	.begin = certify_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = certify_finish,
};

static gpg_error_t
revoke_parse(struct request *r)
{
	object_name_built(&r->object, OBJECT_REVOCATION, r->comment);
	return 0;
}

static gpg_error_t
revoke_begin(struct request *r)
{
	struct openpgp_key key = { r->key->pub, r->key->created };

	if (key.created == 0)
		return request_problem(r, GPG_ERR_UNUSABLE_SECKEY,
		    "key %s has no OpenPGP certificate", key_title(r->key));
	return openpgp_begin_revocation(&r->openpgp, &r->signing, &key,
	    r->reason, r->comment, r->now);
}

static gpg_error_t
revoke_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;

	return openpgp_finish(r->openpgp, answer->signature, &r->result);
}

const struct work work_revoke = {
	.format = "openpgp",
	.typed = true,
	.signs = true,
	.parse = revoke_parse,
	.locate = work_locate_key,
	.begin = revoke_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = revoke_finish,
};

/* ---- keys and tokens ---- */

static gpg_error_t
locate_module(struct request *r)
{
	struct view name = view_str(r->module_name);

	r->module = module_by_name(r->agent, name);
	if (!r->module)
		return request_problem(r, GPG_ERR_NOT_FOUND, "no module \"%s\" "
		    "is configured in %s/modules.d", r->module_name,
		    r->agent->paths.config);
	if (!r->module->listed_ms)
		return gpg_error(GPG_ERR_EAGAIN);
	return 0;
}

/* The token of that label, or the only one. */
gpg_error_t
work_locate_slot(struct request *r)
{
	const struct slot *found = NULL;
	gpg_error_t err;

	if ((err = locate_module(r)))
		return err;
	for (size_t i = 0; i < r->module->slot_count; i++) {
		const struct slot *s = &r->module->slots[i];

		if ((s->flags & TOKEN_EMPTY) ||
		    (r->token[0] && strcmp(s->label, r->token) &&
		    strcmp(s->serial, r->token)))
			continue;
		if (found)
			return request_problem(r, GPG_ERR_AMBIGUOUS,
			    "module %s has more than one such token: name it "
			    "by label or serial (--token)", r->module_name);
		found = s;
	}
	if (!found)
		return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
	r->slot = found->slot;
	return 0;
}

gpg_error_t
work_begin_nothing(struct request *r)
{
	return 0;
}

static gpg_error_t
generate_parse(struct request *r)
{
	snprintf(r->object.summary, sizeof(r->object.summary),
	    "a new %s key \"%s\"", algorithm_name(r->algorithm), r->label);
	r->kind = "key";
	r->created = r->now;
	return 0;
}

static struct call *
generate_ask(struct request *r, call_done *done)
{
	struct msg_token_make in = {
		.slot = r->slot,
		.label = view_str(r->label),
		.algorithm = r->algorithm,
		.created = r->created,
		.slot_name = view_str(r->slot_name),
		.pin_policy = r->pin_policy,
		.touch_policy = r->touch_policy,
		.overwrite = view_str(r->overwrite),
	};

	/* Making an RSA key takes a card minutes. */
	return module_call(r->module, MSG_token_make, &in, -1, 300 * 1000,
	    done, r);
}

static gpg_error_t
generate_finish(struct request *r, const void *reply)
{
	struct msg_token_generated answer;
	struct msg_token_key made;
	struct pubkey *pub = NULL;
	gpg_error_t err;

	memcpy(&answer, reply, sizeof(answer));
	if (!msg_list_next(&answer.keys, MSG_token_key, &made))
		return gpg_error(GPG_ERR_NO_DATA);
	err = pubkey_new(&pub, made.algorithm, made.public, made.exponent);
	if (!err)
		err = buf_put_view(&r->result, pubkey_id(pub));
	pubkey_free(&pub);
	module_changed(r->module);
	return err;
}

const struct work work_generate = {
	.format = "token",
	.parse = generate_parse,
	.locate = work_locate_slot,
	.begin = work_begin_nothing,
	.ask = generate_ask,
	.ask_pin = work_ask_login,
	.finish = generate_finish,
};

static gpg_error_t
token_init_parse(struct request *r)
{
	snprintf(r->object.summary, sizeof(r->object.summary),
	    "a new token \"%s\"", r->label);
	r->kind = "token";
	return 0;
}

static struct call *
token_init_ask(struct request *r, call_done *done)
{
	struct msg_token_prepare in = { .label = view_str(r->label) };

	return module_call(r->module, MSG_token_prepare, &in, -1,
	    r->module->config.deadline_s * 1000, done, r);
}

static struct pin_wait *
token_init_ask_pin(struct request *r, const char *description,
    call_done *done)
{
	struct msg_token_prepare in = { .label = view_str(r->label) };

	return pin_ask(r->module, 0, MSG_token_prepare, &in,
	    request_where(r), description, done, r);
}

static gpg_error_t
token_init_finish(struct request *r, const void *reply)
{
	module_changed(r->module);
	return 0;
}

const struct work work_token_init = {
	.format = "token",
	.pin_is_answer = true,
	.parse = token_init_parse,
	.locate = locate_module,
	.begin = work_begin_nothing,
	.ask = token_init_ask,
	.ask_pin = token_init_ask_pin,
	.finish = token_init_finish,
};
