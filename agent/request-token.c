/*
 * The station of a request's way where its token is asked: for the PIN, the
 * touch, the signature; and another one where that token fails.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "conn.h"
#include "listing.h"
#include "lock.h"
#include "request.h"
#include "wire/text.h"
#include "words.h"
#include "work.h"

/* A key is its public key: where one of its tokens fails, another will do. */
static bool
try_another(struct request *r)
{
	if (!r->key || r->tries++ >= r->key->holder_count ||
	    !key_blame(r->key, r->module, r->token_key))
		return false;
	agent_log("key %s: %s fails; another token is tried",
	    key_title(r->key), r->module->config.name);
	request_locate(r);
	return true;
}

/* Rather a token whose PIN is held than a question. */
static bool
try_easier(struct request *r)
{
	if (!r->key || !r->work->signs || r->step > 0 ||
	    r->tries >= r->key->holder_count ||
	    !key_has_easier(r->key, r->module, r->token_key))
		return false;
	r->tries++;
	request_locate(r);
	return true;
}

static void
finish(struct request *r, const void *reply)
{
	gpg_error_t err = r->work->finish(r, reply);

	if (gpg_err_code(err) == GPG_ERR_UNFINISHED)
		request_ask_token(r);
	else if (err)
		request_fail(r, err);
	else
		request_put_result(r);
}

static void
on_checked(void *arg, gpg_error_t err, struct view signature)
{
	const struct msg_token_signed good = { signature };
	struct request *r = arg;
	struct module *m = r->module;

	m->checking--;
	if (!r->conn) {
		request_undelivered(r);
	} else if (!err) {
		finish(r, &good);
	} else if (!try_another(r)) {
		err = request_problem(r, gpg_err_code(err), "module %s gave a "
		    "signature that is not right; it was discarded: the token "
		    "or its module is faulty", m->config.name);
		request_fail(r, err);
	}
	module_settle(m);
}

/* First of all the signature is checked, then made into what is wanted. */
static void
take_answer(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;
	struct module *m = r->module;
	gpg_error_t err;

	if (!r->work->signs || r->step > 0) {
		finish(r, reply);
		return;
	}
	r->stage = STAGE_CHECK;
	m->checking++;
	err = check_start(r->agent->checks, &r->signing, r->key->pub,
	    answer->signature, on_checked, r);
	if (err) {
		m->checking--;
		request_fail(r, err);
	}
}

static void
on_pin(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct request *r = arg;

	r->pin = NULL;
	if (!err && r->secret == SECRET_PIN)
		module_learn(r->module, r->slot, TOKEN_LOGGED_IN, 0);
	else if (gpg_err_code(err) == GPG_ERR_PIN_BLOCKED)
		module_learn(r->module, r->slot, TOKEN_PIN_LOCKED, 0);
	if (!err)
		r->module->nowhere_ms = 0;
	else if (r->reach != REACH_LOCAL &&
	    gpg_err_code(err) == GPG_ERR_NO_PIN_ENTRY)
		r->module->nowhere_ms = agent_now_ms();
	if (gpg_err_code(err) == GPG_ERR_EAGAIN) {
		request_ask_token(r);
	} else if (err) {
		request_problem(r, gpg_err_code(err), "%s", text);
		request_fail(r, err);
	} else if (r->work->pin_is_answer || r->secret == SECRET_CHANGED) {
		take_answer(r, reply);
	} else {
		request_ask_token(r);
	}
}

static void
ask_pin(struct request *r, uint8_t secret)
{
	const struct slot *s = module_slot(r->module, r->slot);
	char what[WORDS_MAX];

	r->stage = STAGE_PIN;
	if (agent_is_locked(r->agent)) {
		request_lock(r);
		return;
	}
	if (r->reach != REACH_LOCAL && prompt_is_crowded(r->agent)) {
		request_fail(r, request_problem(r, GPG_ERR_RESOURCE_LIMIT,
		    "too many questions from afar wait for an answer"));
		return;
	}
	request_find_place(r);
	words_pin(r, secret, what);
	if (place_usable(r->place))
		request_tell(r, STATE_PIN, "enter the %s of token \"%s\" in "
		    "the dialogue", secret_name(secret),
		    s && s->label ? s->label : "");
	r->secret = secret;
	r->pin = r->work->ask_pin(r, what, on_pin);
	if (!r->pin)
		request_fail(r, gpg_error(GPG_ERR_ENOMEM));
}

/*
 * The token's process knows better than its last listing: the next is waited
 * for, and a token that keeps changing its mind is asked once a second.
 */
static void
locate_again(struct request *r)
{
	const struct timeval tv = { POLL_MS / 1000, 0 };

	r->stage = STAGE_LOCATE;
	module_changed(r->module);
	if (!r->missed)
		agent_watch(r->agent, &r->watcher);
	event_add(&r->timer, &tv);
	r->missed = true;
}

/*
 * Another program has the card: that counts towards no deadline, only towards
 * how long a token is waited for.
 */
static bool
wait_for_turn(struct request *r, const char *text)
{
	const struct timeval soon = { 0, TURN_MS * 1000 };
	char raw[PROBLEM_MAX], notice[PROBLEM_MAX];

	if (r->held_ms == 0)
		r->held_ms = agent_now_ms();
	if (agent_now_ms() - r->held_ms >
	    (uint64_t)r->agent->config->token_wait_s * 1000)
		return false;
	snprintf(raw, sizeof(raw), "waiting, since %s", text);
	text_clean(notice, sizeof(notice), view_str(raw));
	if (r->state != STATE_TOKEN || strcmp(notice, r->notice))
		request_tell(r, STATE_TOKEN, "%s", raw);
	r->stage = STAGE_LOCATE;
	event_add(&r->timer, &soon);
	return true;
}

static void
on_token(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct request *r = arg;

	r->call = NULL;
	prompt_cancel(&r->prompt);
	if (!r->conn && err) {
		request_fail(r, request_problem(r, GPG_ERR_CANCELED,
		    "the client was gone, and nothing was signed"));
		return;
	}
	if (!r->conn) {
		request_undelivered(r);
		return;
	}
	if (gpg_err_code(err) != GPG_ERR_LOCKED)
		r->held_ms = 0;
	switch (gpg_err_code(err)) {
	case 0:
		take_answer(r, reply);
		return;
	case GPG_ERR_PIN_NOT_SYNCED:
		module_learn(r->module, r->slot, 0, TOKEN_LOGGED_IN);
		if (!try_easier(r))
			ask_pin(r, SECRET_PIN);
		return;
	case GPG_ERR_NO_PASSPHRASE:
		ask_pin(r, SECRET_MANAGEMENT);
		return;
	case GPG_ERR_NO_PIN:
		ask_pin(r, SECRET_CHANGED);
		return;
	case GPG_ERR_MISSING_KEY:
	case GPG_ERR_CARD_NOT_PRESENT:
		if (try_another(r))
			return;
		if (!request_is_late(r) && (!r->missed ||
		    gpg_err_code(err) == GPG_ERR_CARD_NOT_PRESENT)) {
			locate_again(r);
			return;
		}
		break;
	case GPG_ERR_PIN_BLOCKED:
		module_learn(r->module, r->slot, TOKEN_PIN_LOCKED,
		    TOKEN_LOGGED_IN);
		if (try_another(r))
			return;
		break;
	case GPG_ERR_CARD:
	case GPG_ERR_CARD_REMOVED:
	case GPG_ERR_TIMEOUT:
		if (try_another(r))
			return;
		break;
	case GPG_ERR_LOCKED:
		if (try_another(r) || wait_for_turn(r, text))
			return;
		break;
	default:
		break;
	}
	request_problem(r, gpg_err_code(err), "%s", text);
	request_fail(r, err);
}

static void
tell_touch(struct request *r, const char *before)
{
	const struct slot *s = module_slot(r->module, r->slot);
	bool local = r->reach == REACH_LOCAL;

	/* Who asks by local.sock is who is told. */
	request_tell(r, STATE_TOUCH, "%stouch %s, which holds key %s, to "
	    "sign%s%s: %s", before,
	    s && s->label && s->label[0] ? s->label : "the token",
	    r->key ? key_title(r->key) : "", local ? "" : ", asked by ",
	    local ? "" : r->requester, r->object.summary);
}

/* Who has closed the notice has read it. */
static void
on_notice(void *arg, gpg_error_t err, const char *text)
{
	struct request *r = arg;

	r->prompt = NULL;
}

/*
 * What the client cannot say: SSH's have no words for it, and who has no
 * terminal is a program that keeps them to itself.
 */
static void
show_touch(struct request *r)
{
	request_find_place(r);
	if (r->prompt || !place_usable(r->place) ||
	    (r->place->ttyname && r->work != &work_ssh))
		return;
	r->prompt = prompt_start(r->agent, request_where(r), DIALOGUE_NOTICE,
	    r->notice, -1, on_notice, r);
}

/* The token's process says that the touch is waited for, or once more. */
static void
on_event(void *arg, uint8_t event)
{
	struct request *r = arg;

	if (!r->conn || r->stage != STAGE_TOKEN)
		return;
	if (event == EVENT_TOUCH)
		tell_touch(r, "");
	else if (event == EVENT_TOUCH_AGAIN)
		tell_touch(r, "nobody touched it in time; once more: ");
	if (r->state == STATE_TOUCH)
		show_touch(r);
}

void
request_ask_token(struct request *r)
{
	r->stage = STAGE_TOKEN;
	r->call = r->work->ask(r, on_token);
	call_on_event(r->call, on_event);
	if (!r->call)
		request_fail(r, gpg_error(GPG_ERR_ENOMEM));
}
