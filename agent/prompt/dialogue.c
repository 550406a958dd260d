/* What is asked, and in which order. */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialogue.h"
#include "secret.h"
#include "wire/frame.h"

#define VERDICT_MS 60000		/* for a token to judge a PIN */
#define PAD_MS 180000
#define ENTRY_MAX 512		/* a datagram with a PIN, bytes */
#define VERDICT_MAX 2048

/* All that ever holds a PIN; in locked memory. */
struct secrets {
	struct typed typed, again;
	uint8_t entry[ENTRY_MAX];
};

struct talk {
	struct pinentry *pinentry;
	struct secrets *secrets;
	int fd;			/* to the token process */
	uint32_t min, max;	/* bytes of a PIN */
	int questions;
	bool is_new;
	bool asked_old;		/* there was an old one to give first */
	char what[64];		/* is asked for: "PIN" */
	char old[64];		/* and was, before the new one */
	char prompt[80];
	bool sent;		/* a PIN has been tried */
	char *label;		/* of the field; may be empty */
	char *description;	/* as the agent gave it */
	char text[4096 + 256];	/* and what is told about the tries */
	char error[1200];	/* shown with the next question */
};

static gpg_error_t
fail(struct talk *t, gpg_err_code_t code, const char *text)
{
	snprintf(t->pinentry->problem, sizeof(t->pinentry->problem), "%.*s",
	    (int)sizeof(t->pinentry->problem) - 1, text);
	return gpg_error(code);
}

static void
copy_text(char *dst, size_t size, struct view v)
{
	snprintf(dst, size, "%.*s", (int)v.len, v.len ? (const char *)v.p : "");
}

/* ---- yes or no ---- */

gpg_error_t
dialogue_confirm(struct pinentry *p)
{
	char *description = view_strdup(p->ask->description);
	struct question q = {
		.description = description,
		.ok = "Sign",
		.cancel = "Refuse",
	};
	gpg_error_t err = gpg_error(GPG_ERR_ENOMEM);

	if (description)
		err = pinentry_ask(p, &q, NULL);
	free(description);
	return err;
}

gpg_error_t
dialogue_notice(struct pinentry *p)
{
	char *description = view_strdup(p->ask->description);
	struct question q = {
		.description = description,
		.ok = "Hide",
		.message = true,
	};
	gpg_error_t err = gpg_error(GPG_ERR_ENOMEM);

	if (description)
		err = pinentry_ask(p, &q, NULL);
	free(description);
	return err;
}

/* ---- the token process ---- */

static gpg_error_t
hear(struct talk *t, uint8_t raw[VERDICT_MAX], struct msg_pin_verdict *v)
{
	struct view body;
	enum msg_id id;
	uint32_t serial;
	gpg_error_t err;
	ssize_t n;

	/* Before the first PIN somebody may be typing at a PIN pad. */
	pinentry_within(t->pinentry, t->sent ? VERDICT_MS : PAD_MS);
	err = pinentry_wait(t->pinentry, t->fd);
	if (gpg_err_code(err) == GPG_ERR_TIMEOUT)
		return fail(t, GPG_ERR_TIMEOUT, "the token says nothing of the "
		    "PIN: unplug it, or end touchstone with \"touchstone "
		    "stop\"");
	if (err)
		return err;
	n = recv(t->fd, raw, VERDICT_MAX, MSG_TRUNC);
	if (n <= 0)
		return fail(t, GPG_ERR_CARD,
		    "the token process ended while the PIN was asked for");
	if (n > VERDICT_MAX ||
	    datagram_get(view_of(raw, (size_t)n), SCOPE_PIN, &id, &serial,
	    &body) || id != MSG_pin_verdict || msg_decode(id, body, v))
		return fail(t, GPG_ERR_CARD,
		    "the token process sent what is no verdict on a PIN");
	t->min = v->min_length > 0 ? v->min_length : 1;
	t->max = v->max_length > 0 && v->max_length < PIN_MAX ?
	    v->max_length : PIN_MAX;
	return 0;
}

static gpg_error_t
send_pin(struct talk *t)
{
	struct secrets *s = t->secrets;
	struct msg_pin_entry entry = {
		.pin = view_of(s->typed.text, s->typed.len)
	};
	/* Never grows out of the locked memory: it is as big as it may be. */
	struct buf b = {
		.data = s->entry, .cap = ENTRY_MAX, .max = ENTRY_MAX
	};
	struct view v;
	gpg_error_t err;

	if (!(err = datagram_put(&b, 0, MSG_pin_entry, &entry))) {
		v = buf_view(&b);
		if (send(t->fd, v.p, v.len, MSG_NOSIGNAL) < 0)
			err = fail(t, GPG_ERR_CARD, "the token process ended "
			    "while the PIN was asked for");
	}
	explicit_bzero(s, sizeof(*s));
	t->sent = true;
	return err;
}

/* ---- the person ---- */

static gpg_error_t
ask(struct talk *t, const struct question *q, struct typed *typed)
{
	if (t->questions++ >= QUESTIONS_MAX)
		return fail(t, GPG_ERR_CANCELED,
		    "too many attempts at one prompt: try again");
	return pinentry_ask(t->pinentry, q, typed);
}

static bool
fits(struct talk *t, const struct typed *typed)
{
	if (!typed->too_long && typed->len >= t->min && typed->len <= t->max)
		return true;
	if (t->min == t->max)
		snprintf(t->error, sizeof(t->error),
		    "The %s has %" PRIu32 " characters", t->what, t->max);
	else
		snprintf(t->error, sizeof(t->error), "The %s has %" PRIu32
		    " to %" PRIu32 " characters", t->what, t->min, t->max);
	return false;
}

/* The second time, where pinentry did not ask twice by itself. */
static gpg_error_t
ask_again(struct talk *t, bool *same)
{
	struct secrets *s = t->secrets;
	struct question q = {
		.description = t->text,
		.prompt = "Repeat:",
		.ok = "OK",
		.cancel = "Cancel",
	};
	gpg_error_t err;

	if ((err = ask(t, &q, &s->again)))
		return err;
	*same = s->again.len == s->typed.len &&
	    !memcmp(s->again.text, s->typed.text, s->typed.len);
	explicit_bzero(&s->again, sizeof(s->again));
	if (!*same)
		snprintf(t->error, sizeof(t->error), "The two %ss differ",
		    t->what);
	return 0;
}

/* Until there is a PIN that may be sent; what does not fit never leaves. */
static gpg_error_t
ask_pin(struct talk *t)
{
	struct typed *typed = &t->secrets->typed;
	struct question q = {
		.description = t->text,
		.prompt = t->label[0] ? t->label : t->prompt,
		.repeat = t->is_new ? "Repeat:" : NULL,
		.ok = "OK",
		.cancel = "Cancel",
	};
	bool good = false;
	gpg_error_t err;

	snprintf(t->prompt, sizeof(t->prompt), "%s%s:",
	    t->is_new ? "New " : "", t->what);
	while (!good) {
		q.error = t->error;
		if ((err = ask(t, &q, typed)))
			return err;
		t->error[0] = 0;
		good = fits(t, typed);
		if (good && t->is_new && !typed->repeated &&
		    (err = ask_again(t, &good)))
			return err;
	}
	return 0;
}

static gpg_error_t
ask_last(struct talk *t)
{
	struct question q = {
		.description = t->text,
		.ok = "Try",
		.cancel = "Stop",
	};
	gpg_error_t err;

	err = ask(t, &q, NULL);
	if (gpg_err_code(err) == GPG_ERR_CANCELED && !t->pinentry->abandoned)
		return fail(t, GPG_ERR_CANCELED,
		    "stopped before the token's last try for a PIN");
	return err;
}

static void
describe(struct talk *t, const struct msg_pin_verdict *v)
{
	char more[256] = "";

	if (v->verdict == PIN_LAST)
		snprintf(more, sizeof(more), "\n\nThis is the last try: "
		    "another wrong %s locks the token.", t->what);
	else if (t->is_new)
		snprintf(more, sizeof(more), "\n\nChoose a %s of %" PRIu32
		    " to %" PRIu32 " characters.", t->what, t->min, t->max);
	else if (v->tries_left != PIN_TRIES_UNKNOWN)
		snprintf(more, sizeof(more), "\n\nTries left: %" PRIu32,
		    v->tries_left);
	snprintf(t->text, sizeof(t->text), "%s%s", t->description, more);
}

static void
describe_wrong(struct talk *t, const struct msg_pin_verdict *v)
{
	if (v->problem.len > 0)
		copy_text(t->error, sizeof(t->error), v->problem);
	else if (t->is_new)
		snprintf(t->error, sizeof(t->error),
		    "The token refused this %s", t->what);
	else if (v->tries_left == PIN_TRIES_UNKNOWN)
		snprintf(t->error, sizeof(t->error), "Wrong %s", t->what);
	else
		snprintf(t->error, sizeof(t->error), "Wrong %s, %" PRIu32
		    " %s left", t->what, v->tries_left,
		    v->tries_left == 1 ? "try" : "tries");
}

static gpg_error_t
end_failed(struct talk *t, const struct msg_pin_verdict *v)
{
	char text[1100];

	copy_text(text, sizeof(text), v->problem);
	if (v->verdict == PIN_LOCKED)
		return fail(t, GPG_ERR_PIN_BLOCKED, text[0] ? text :
		    "the token's PIN is locked: unlock it with the token's "
		    "own tool (its PUK, or the security officer's PIN)");
	return fail(t, GPG_ERR_CARD, text[0] ? text :
	    "the token failed while the PIN was checked");
}

/* Which secret is meant; the PIN, if it is not said. */
static void
ask_for(struct talk *t, bool is_new, const struct msg_pin_verdict *v)
{
	t->is_new = is_new;
	if (v->problem.len > 0)
		copy_text(t->what, sizeof(t->what), v->problem);
	else
		strcpy(t->what, "PIN");
	if (!is_new) {
		t->asked_old = true;
		strcpy(t->old, t->what);
	}
}

/* What was wrong is the old one, where there is one. */
static void
ask_old_again(struct talk *t)
{
	if (!t->asked_old)
		return;
	t->is_new = false;
	strcpy(t->what, t->old);
}

/* One verdict and what follows from it; *done when there is no more. */
static gpg_error_t
step(struct talk *t, bool *done)
{
	uint8_t raw[VERDICT_MAX];
	struct msg_pin_verdict v;
	gpg_error_t err;

	if ((err = hear(t, raw, &v)))
		return err;
	switch (v.verdict) {
	case PIN_ASK:
		ask_for(t, false, &v);
		break;
	case PIN_ASK_NEW:
		ask_for(t, true, &v);
		break;
	case PIN_WRONG:
		ask_old_again(t);
		describe_wrong(t, &v);
		break;
	case PIN_LAST:
		ask_old_again(t);
		if (t->sent)
			snprintf(t->error, sizeof(t->error), "Wrong %s",
			    t->what);
		else
			ask_for(t, false, &v);
		break;
	case PIN_GOOD:
		*done = true;
		return 0;
	case PIN_LOCKED:
	case PIN_FAILED:
		return end_failed(t, &v);
	default:
		return fail(t, GPG_ERR_CARD,
		    "the token process sent an unknown verdict on a PIN");
	}
	describe(t, &v);
	if ((v.verdict == PIN_LAST && (err = ask_last(t))) ||
	    (err = ask_pin(t)))
		return err;
	return send_pin(t);
}

gpg_error_t
dialogue_pin(struct pinentry *p, int pin_fd)
{
	struct talk t = { .pinentry = p, .fd = pin_fd, .what = "PIN" };
	gpg_error_t err = 0;
	bool done = false;

	t.secrets = secret_alloc(sizeof(*t.secrets));
	t.description = view_strdup(p->ask->description);
	t.label = view_strdup(p->ask->label);
	if (!t.secrets)
		err = fail(&t, GPG_ERR_ENOMEM,
		    "no memory may be locked for a PIN: raise `ulimit -l`");
	else if (!t.description || !t.label)
		err = gpg_error(GPG_ERR_ENOMEM);
	while (!err && !done)
		err = step(&t, &done);
	secret_free(t.secrets);
	free(t.description);
	free(t.label);
	return err;
}
