/* The way of a request, as a state machine. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/openpgp.h"
#include "format/x509.h"
#include "added.h"
#include "card.h"
#include "conn.h"
#include "image.h"
#include "listing.h"
#include "lock.h"
#include "request.h"
#include "words.h"
#include "work.h"

#define FRESH_MS 1000		/* how old a listing may be that says "no" */
#define NOWHERE_MS 30000	/* how long "nowhere to ask" is believed */

static void
stop_waiting(struct request *r)
{
	call_cancel(&r->call);
	pin_cancel(&r->pin);
	prompt_cancel(&r->prompt);
	if (r->written)
		audit_forget(r->written);
	r->written = NULL;
	agent_unwatch(r->agent, &r->watcher);
	event_del(&r->timer);
}

static void
request_free(struct request *r)
{
	struct agent *a = r->agent;

	stop_waiting(r);
	a->payload_bytes -= r->held;
	buf_free(&r->payload);
	buf_free(&r->ssh_key);
	buf_free(&r->result);
	buf_free(&r->status);
	signing_free(&r->signing);
	openpgp_free(&r->openpgp);
	x509_free(&r->x509);
	image_free(&r->image);
	key_unref(&r->key);
	place_free(&r->place);
	free(r->key_text);
	free(r->user_id);
	free(r->label);
	free(r->token);
	free(r->module_name);
	free(r->comment);
	free(r->slot_name);
	free(r->overwrite);
	free(r->algorithm_text);
	free(r->copy);
	free(r->agreed);
	free(r->repository);
	free(r->role);
	free(r);
	agent_pending_done(a);
}

/* The one exit.  Between two questions of its client it waits for the next. */
static void
request_end(struct request *r)
{
	r->stage = STAGE_ENDED;
	r->state = STATE_DONE;
	if (!r->conn || conn_answer(r->conn, r))
		request_free(r);
}

void
request_wait(struct request *r)
{
	if (r->stage == STAGE_ENDED)
		request_end(r);
	else if (!r->told)
		conn_progress(r->conn, r);
}

static struct audit_record
record(const struct request *r, enum audit_stage stage, const char *verdict)
{
	return (struct audit_record){
		.stage = stage,
		.request = r->number,
		.kind = r->kind,
		.format = r->work->format,
		.summary = r->object.summary,
		.payload = r->hashed ? r->payload_hash : NULL,
		.key = r->key ? pubkey_id(r->key->pub).p : NULL,
		.key_name = r->key ? key_title(r->key) : NULL,
		.requester = r->requester,
		.origin = reach_name(r->reach),
		.object = r->object_id[0] ? r->object_id : NULL,
		.verdict = verdict,
	};
}

static void
on_failure_written(void *arg, gpg_error_t err)
{
	struct request *r = arg;

	r->written = NULL;
	request_end(r);
}

/* Ends without a signature; what was intended is recorded as failed. */
void
request_fail(struct request *r, gpg_error_t err)
{
	struct audit_record rec;

	stop_waiting(r);
	r->err = err;
	if (!r->problem[0])
		request_problem(r, gpg_err_code(err), "%s",
		    gpg_strerror(err));
	buf_reset(&r->result);
	if (r->intent) {
		r->stage = STAGE_RESULT;
		rec = record(r, AUDIT_FAILED, r->problem);
		r->written = audit_put(r->agent->audit, &rec,
		    on_failure_written, r);
		if (r->written)
			return;
	}
	request_end(r);
}

static void
deny(struct request *r, gpg_err_code_t code, const char *why)
{
	struct audit_record rec;

	gpg_error_t err = request_problem(r, code, "%s", why);

	rec = record(r, AUDIT_DENIED, r->problem);
	if (r->agent->audit)
		audit_deny(r->agent->audit, &rec);
	request_fail(r, err);
}

/* ---- audit: the result; the answer ---- */

static void
on_result_written(void *arg, gpg_error_t err)
{
	struct request *r = arg;
	struct audit_record rec;

	r->written = NULL;
	if (err) {
		buf_reset(&r->result);
		r->err = request_problem(r, gpg_err_code(err), "the signature "
		    "is not released, since it cannot be recorded in %s: %s",
		    audit_path(r->agent->audit), gpg_strerror(err));
	} else if (!r->conn) {
		rec = record(r, AUDIT_UNDELIVERED, "the client was gone");
		audit_put(r->agent->audit, &rec, NULL, NULL);
	} else {
		r->agent->signatures += r->work->signs;
	}
	request_end(r);
}

void
request_put_result(struct request *r)
{
	struct audit_record rec = record(r, AUDIT_SIGNED, "ok");

	r->stage = STAGE_RESULT;
	r->written = audit_put(r->agent->audit, &rec, on_result_written, r);
	if (!r->written)
		on_result_written(r, gpg_error(GPG_ERR_ENOMEM));
}

void
request_undelivered(struct request *r)
{
	struct audit_record rec = record(r, AUDIT_UNDELIVERED,
	    "the client was gone; the signature was discarded");

	audit_put(r->agent->audit, &rec, NULL, NULL);
	request_end(r);
}

/* ---- audit: the intent ---- */

static void
on_intent_written(void *arg, gpg_error_t err)
{
	struct request *r = arg;

	r->written = NULL;
	if (err) {
		r->intent = false;
		request_problem(r, gpg_err_code(err), "nothing is signed, "
		    "since it cannot be recorded in %s: %s",
		    audit_path(r->agent->audit), gpg_strerror(err));
		request_fail(r, err);
		return;
	}
	/* What was known of the token may have changed meanwhile. */
	if (r->conn)
		request_locate(r);
	else
		request_fail(r, request_problem(r, GPG_ERR_CANCELED,
		    "the client was gone"));
}

static void
put_intent(struct request *r)
{
	struct audit_record rec = record(r, AUDIT_INTENT, NULL);
	gpg_error_t err;

	r->stage = STAGE_INTENT;
	if ((err = agent_audit(r->agent))) {
		request_problem(r, gpg_err_code(err), "nothing is signed, "
		    "since it cannot be recorded: %s",
		    r->agent->audit_problem);
		request_fail(r, err);
		return;
	}
	r->intent = true;
	r->written = audit_put(r->agent->audit, &rec, on_intent_written, r);
	if (!r->written) {
		r->intent = false;
		request_fail(r, gpg_error(GPG_ERR_RESOURCE_LIMIT));
	}
}

/* ---- policy and consent ---- */

static void
on_consent(void *arg, gpg_error_t err, const char *text)
{
	struct request *r = arg;

	r->prompt = NULL;
	if (gpg_err_code(err) == GPG_ERR_CANCELED) {
		deny(r, GPG_ERR_CANCELED, text[0] ? text :
		    "the user refused");
	} else if (err) {
		request_problem(r, gpg_err_code(err), "%s", text);
		request_fail(r, err);
	} else {
		r->consented = true;
		if (r->intent)
			request_locate(r);
		else
			put_intent(r);
	}
}

static void
ask_consent(struct request *r)
{
	char what[WORDS_MAX];

	if (r->reach != REACH_LOCAL && prompt_is_crowded(r->agent)) {
		deny(r, GPG_ERR_RESOURCE_LIMIT,
		    "too many questions from afar wait for an answer");
		return;
	}
	r->stage = STAGE_CONSENT;
	request_find_place(r);
	words_consent(r, what);
	if (place_usable(r->place))
		request_tell(r, STATE_CONSENT,
		    "agree to the signature in the dialogue");
	r->prompt = prompt_start(r->agent, request_where(r), DIALOGUE_CONFIRM,
	    what, -1, on_consent, r);
	if (!r->prompt)
		request_fail(r, gpg_error(GPG_ERR_ENOMEM));
}

/*
 * A request from afar just failed for want of a place to ask for its PIN.
 * The next ones are refused before they leave an intent in the log each.
 */
static bool
asks_nowhere(const struct request *r)
{
	uint64_t then = r->module->nowhere_ms;

	return r->reach != REACH_LOCAL && then &&
	    agent_now_ms() - then < NOWHERE_MS;
}

/* What policy says of the key, and what was said when it was added. */
static enum judgement
judge_key(struct request *r, const char **why)
{
	enum judgement verdict = policy_judge(r->agent->config, r->key,
	    &r->object, r->reach, r->work->typed, why);
	bool ask;

	if (verdict == POLICY_DENY)
		return verdict;
	if (!added_permits(r->conn, r->key, buf_view(&r->ssh_key), &r->object,
	    &ask, why))
		return POLICY_DENY;
	if (ask)
		verdict = POLICY_ASK;
	if (!card_permits(r->conn, r->module, buf_view(&r->ssh_key),
	    &r->object, &ask, why))
		return POLICY_DENY;
	return ask ? POLICY_ASK : verdict;
}

static void
judge(struct request *r)
{
	const char *why = NULL;
	enum judgement verdict = POLICY_ALLOW;
	gpg_error_t err;

	if ((err = r->work->begin(r))) {
		request_fail(r, err);
		return;
	}
	if (asks_nowhere(r)) {
		deny(r, GPG_ERR_NO_PIN_ENTRY, "a PIN is needed, and nobody "
		    "said where to ask for it: run `touchstone session` there");
		return;
	}
	if (r->work->signs)
		verdict = judge_key(r, &why);
	switch (verdict) {
	case POLICY_DENY:
		deny(r, GPG_ERR_FORBIDDEN, why);
		break;
	case POLICY_ASK:
		ask_consent(r);
		break;
	case POLICY_ALLOW:
		put_intent(r);
		break;
	}
}

/*
 * What was intended may meet limits that were not there when it was judged: of
 * another module that has the key, or newly set.
 */
static void
judge_again(struct request *r)
{
	const char *why;
	enum judgement verdict = judge_key(r, &why);

	if (verdict == POLICY_DENY)
		deny(r, GPG_ERR_FORBIDDEN, why);
	else if (verdict == POLICY_ASK && !r->consented)
		ask_consent(r);
	else
		request_ask_token(r);
}

/* ---- finding the key and its token ---- */

static void
on_keys_changed(void *arg)
{
	struct request *r = arg;

	event_del(&r->timer);
	request_locate(r);
}

static void
on_poll(int fd, short what, void *arg)
{
	struct request *r = arg;

	agent_unwatch(r->agent, &r->watcher);
	request_locate(r);
}

static const struct module *
broken(const struct request *r)
{
	return modules_broken(r->agent, r->key ? r->key->last_module : NULL);
}

/* Whether waiting is of no use; the problem says why. */
static bool
is_hopeless(struct request *r)
{
	const struct module *m = broken(r), *hidden = NULL;

	if (m && m->held && !request_is_late(r))
		return false;
	if (!m && r->key && r->key->last_module)
		hidden = module_by_name(r->agent,
		    view_str(r->key->last_module));
	if (hidden && card_hides(hidden)) {
		request_problem(r, GPG_ERR_CARD, "module %s is hidden: show "
		    "it with `ssh-add -s %s` or `touchstone reload`",
		    hidden->config.name, hidden->config.name);
		return true;
	}
	if (r->key && r->key->last_module &&
	    !strcmp(r->key->last_module, MODULE_MEMORY_NAME))
		request_problem(r, GPG_ERR_CARD, "key %s is in memory no "
		    "more: add it again (ssh-add)", key_title(r->key));
	else if (m)
		request_problem(r, GPG_ERR_CARD, "%s", m->problem);
	else if (!modules_any(r->agent))
		request_problem(r, GPG_ERR_CARD, "no module is configured "
		    "that could have key %s: see touchstone.conf(5)",
		    r->key ? key_title(r->key) : r->key_text);
	else
		return false;
	return true;
}

bool
request_is_late(const struct request *r)
{
	return agent_now_ms() - r->started_ms >
	    (uint64_t)r->agent->config->token_wait_s * 1000;
}

static void
wait_for_token(struct request *r)
{
	const struct timeval tv = { POLL_MS / 1000, 0 };
	char wanted[256];

	words_wanted(r, wanted, sizeof(wanted));
	if (is_hopeless(r)) {
		request_fail(r, gpg_error(GPG_ERR_CARD));
		return;
	}
	if (request_is_late(r)) {
		request_problem(r, GPG_ERR_CARD_NOT_PRESENT, "the token for %s "
		    "was not inserted within %u s", wanted,
		    r->agent->config->token_wait_s);
		request_fail(r, gpg_error(GPG_ERR_CARD_NOT_PRESENT));
		return;
	}
	if (r->state != STATE_TOKEN && broken(r))
		request_tell(r, STATE_TOKEN, "waiting, since %s",
		    broken(r)->problem);
	else if (r->state != STATE_TOKEN)
		request_tell(r, STATE_TOKEN, "insert the token that holds %s",
		    wanted);
	agent_watch(r->agent, &r->watcher);
	event_add(&r->timer, &tv);
}

void
request_locate(struct request *r)
{
	gpg_error_t err;

	r->stage = STAGE_LOCATE;
	if (agent_is_locked(r->agent)) {
		request_lock(r);
		return;
	}
	err = r->work->locate(r);
	if (gpg_err_code(err) == GPG_ERR_EAGAIN ||
	    gpg_err_code(err) == GPG_ERR_CARD_NOT_PRESENT) {
		if (!modules_refresh(r->agent, FRESH_MS) ||
		    modules_retry(r->agent, r->started_ms)) {
			agent_watch(r->agent, &r->watcher);
			return;
		}
		if (gpg_err_code(err) == GPG_ERR_CARD_NOT_PRESENT) {
			wait_for_token(r);
			return;
		}
		err = gpg_error(GPG_ERR_NO_SECKEY);
	}
	if (err) {
		request_fail(r, err);
		return;
	}
	r->problem[0] = 0;
	if (!r->intent)
		judge(r);
	else if (r->work->signs)
		judge_again(r);
	else
		request_ask_token(r);
}

/* ---- receiving ---- */

void
request_begin(struct request *r)
{
	struct view payload = buf_view(&r->payload);
	size_t len;
	gpg_error_t err;

	r->now = (uint32_t)time(NULL);
	if (payload.len > 0) {
		err = hash_bytes(HASH_SHA256, &payload, 1, r->payload_hash,
		    &len);
		if (err) {
			request_fail(r, err);
			return;
		}
		r->hashed = true;
	}
	err = r->work->parse(r);
	strcpy(r->object_id, r->object.image.digest);
	if (!r->kind)
		r->kind = object_rule(r->object.kind)->name;
	if (!err) {
		request_locate(r);
		return;
	}
	if (gpg_err_code(err) == GPG_ERR_FORBIDDEN ||
	    gpg_err_code(err) == GPG_ERR_BAD_DATA) {
		char why[PROBLEM_MAX];

		strcpy(why, r->problem);
		deny(r, gpg_err_code(err), why);
	} else {
		request_fail(r, err);
	}
}

gpg_error_t
request_new(struct conn *c, const struct work *work, struct request **out)
{
	struct agent *a = c->agent;
	struct request *r;

	*out = NULL;
	if (!(r = calloc(1, sizeof(*r))))
		return gpg_error(GPG_ERR_ENOMEM);
	r->agent = a;
	r->conn = c;
	r->work = work;
	r->reach = conn_reach(c);
	r->number = ++a->requests;
	r->started_ms = agent_now_ms();
	r->state = STATE_MORE;
	r->watcher = (struct watcher){ .changed = on_keys_changed, .arg = r };
	snprintf(r->requester, sizeof(r->requester), "%s", conn_requester(c));
	evtimer_assign(&r->timer, a->base, on_poll, r);
	buf_init(&r->payload, object_limit());
	buf_init(&r->ssh_key, 8192);
	buf_init(&r->result, 131072);
	buf_init(&r->status, 1024);
	a->pending++;
	*out = r;
	return 0;
}

void
request_lock(struct request *r)
{
	if (r->stage == STAGE_LOCATE || r->stage == STAGE_CONSENT ||
	    r->stage == STAGE_PIN)
		request_fail(r, request_problem(r, GPG_ERR_LOCKED, "%s",
		    LOCK_PROBLEM));
}

void
request_abandon(struct request *r)
{
	r->conn = NULL;
	switch (r->stage) {
	case STAGE_RECEIVE:
	case STAGE_LOCATE:
	case STAGE_CONSENT:
	case STAGE_PIN:
		request_fail(r, request_problem(r, GPG_ERR_CANCELED,
		    "the client was gone"));
		break;
	case STAGE_ENDED:
		if (r->err)
			request_free(r);
		else
			request_undelivered(r);
		break;
	case STAGE_INTENT:
	case STAGE_TOKEN:
	case STAGE_CHECK:
	case STAGE_RESULT:
		prompt_cancel(&r->prompt);
		/* What was asked of others comes to its end and is recorded. */
		break;
	}
}
