/*
 * What set-up asks of a token that is more than a place for keys: a key's own
 * certificate, the proof that a key was made on it, other secrets.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "format/x509.h"
#include "listing.h"
#include "work.h"

/* ---- certificates ---- */

static gpg_error_t
certificate_parse(struct request *r)
{
	object_name_built(&r->object, OBJECT_CERTIFICATION, r->label);
	return 0;
}

static gpg_error_t
explain(struct request *r, gpg_error_t err, int max)
{
	if (gpg_err_code(err) == GPG_ERR_INV_NAME)
		return request_problem(r, GPG_ERR_INV_NAME, "a certificate's "
		    "subject is a text of 1 to %d bytes", max);
	return err;
}

/* The key's time is that which is known, or now. */
static gpg_error_t
certificate_begin(struct request *r)
{
	uint32_t created = r->key->created ? r->key->created : r->now;

	return explain(r, x509_begin(&r->x509, &r->signing, r->key->pub,
	    r->label, created, r->expires_after), X509_SUBJECT_MAX);
}

/* First the signature, then the token is to keep what was made of it. */
static struct call *
certificate_ask(struct request *r, call_done *done)
{
	struct msg_token_store in = {
		.key = r->token_key,
		.certificate = buf_view(&r->result),
	};

	if (r->step == 0)
		return work_ask_sign(r, done);
	return module_call(r->module, MSG_token_store, &in, -1,
	    r->module->config.deadline_s * 1000, done, r);
}

static gpg_error_t
certificate_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;
	gpg_error_t err;

	if (r->step > 0) {
		module_changed(r->module);
		return 0;
	}
	if ((err = x509_finish(r->x509, answer->signature, &r->result)))
		return err;
	r->step++;
	return gpg_error(GPG_ERR_UNFINISHED);
}

const struct work work_certificate = {
	.format = "x509",
	.typed = true,
	.signs = true,
	.parse = certificate_parse,
	.locate = work_locate_key,
	.begin = certificate_begin,
	.ask = certificate_ask,
	.ask_pin = work_ask_login,
	.finish = certificate_finish,
};

/* ---- certificates that the user keeps ---- */

static gpg_error_t
certify_image_begin(struct request *r)
{
	return explain(r, x509_begin_code(&r->x509, &r->signing, r->key->pub,
	    r->label, r->now, r->expires_after), X509_CODE_SUBJECT_MAX);
}

static gpg_error_t
certificate_request_parse(struct request *r)
{
	object_name_built(&r->object, OBJECT_CERTIFICATION, r->label);
	r->kind = "certificate-request";
	return 0;
}

static gpg_error_t
certificate_request_begin(struct request *r)
{
	return explain(r, x509_begin_request(&r->x509, &r->signing,
	    r->key->pub, r->label), X509_SUBJECT_MAX);
}

static gpg_error_t
x509_give(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;

	return x509_finish(r->x509, answer->signature, &r->result);
}

const struct work work_certify_image = {
	.format = "x509",
	.typed = true,
	.signs = true,
	.parse = certificate_parse,
	.locate = work_locate_key,
	.begin = certify_image_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = x509_give,
};

const struct work work_certificate_request = {
	.format = "x509",
	.typed = true,
	.signs = true,
	.parse = certificate_request_parse,
	.locate = work_locate_key,
	.begin = certificate_request_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = x509_give,
};

/* ---- attestation ---- */

static gpg_error_t
attest_parse(struct request *r)
{
	snprintf(r->object.summary, sizeof(r->object.summary),
	    "the attestation of key \"%s\"", r->key_text);
	r->kind = "attestation";
	return 0;
}

/* On the token of that label or serial number, where one is named. */
static gpg_error_t
attest_locate(struct request *r)
{
	gpg_error_t err;

	if ((err = work_locate_key(r)) || !r->token[0])
		return err;
	for (size_t i = 0; i < r->key->holder_count; i++) {
		const struct holder *h = &r->key->holders[i];

		if (strcmp(h->token, r->token) && strcmp(h->serial, r->token))
			continue;
		r->module = h->module;
		r->slot = h->slot;
		r->token_key = h->key;
		return 0;
	}
	return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
}

static struct call *
attest_ask(struct request *r, call_done *done)
{
	struct msg_token_attest in = { .key = r->token_key };

	return module_call(r->module, MSG_token_attest, &in, -1,
	    r->module->config.deadline_s * 1000, done, r);
}

static gpg_error_t
attest_finish(struct request *r, const void *reply)
{
	const struct msg_token_attested *answer = reply;

	buf_put_view(&r->result, answer->certificate);
	return buf_put_view(&r->result, answer->intermediate);
}

const struct work work_attest = {
	.format = "token",
	.parse = attest_parse,
	.locate = attest_locate,
	.begin = work_begin_nothing,
	.ask = attest_ask,
	.ask_pin = work_ask_login,
	.finish = attest_finish,
};

/* ---- secrets ---- */

static gpg_error_t
secret_parse(struct request *r)
{
	static const char *const names[] = {
		[CHANGE_PIN] = "a new PIN",
		[CHANGE_PUK] = "a new PUK",
		[CHANGE_UNBLOCK] = "a new PIN by the PUK",
		[CHANGE_MANAGEMENT] = "a new management key, kept behind the "
		    "PIN",
		[CHANGE_MANAGEMENT_TO] = "a new management key",
	};

	if (r->change < CHANGE_PIN || r->change > CHANGE_MANAGEMENT_TO)
		return request_problem(r, GPG_ERR_INV_VALUE,
		    "there is no such secret");
	snprintf(r->object.summary, sizeof(r->object.summary), "%s",
	    names[r->change]);
	r->kind = "secret";
	return 0;
}

static struct msg_token_change
secret_message(const struct request *r)
{
	return (struct msg_token_change){
		.slot = r->slot,
		.change = r->change,
		.algorithm = view_str(r->algorithm_text),
	};
}

/* Without a descriptor: it says what it needs, and does what needs none. */
static struct call *
secret_ask(struct request *r, call_done *done)
{
	struct msg_token_change in = secret_message(r);

	return module_call(r->module, MSG_token_change, &in, -1,
	    r->module->config.deadline_s * 1000, done, r);
}

static struct pin_wait *
secret_ask_pin(struct request *r, const char *description, call_done *done)
{
	struct msg_token_change in = secret_message(r);

	if (r->secret != SECRET_CHANGED)
		return work_ask_login(r, description, done);
	return pin_ask(r->module, r->slot, MSG_token_change, &in,
	    request_where(r), description, done, r);
}

static gpg_error_t
secret_finish(struct request *r, const void *reply)
{
	module_changed(r->module);
	return 0;
}

const struct work work_secret = {
	.format = "token",
	.parse = secret_parse,
	.locate = work_locate_slot,
	.begin = work_begin_nothing,
	.ask = secret_ask,
	.ask_pin = secret_ask_pin,
	.finish = secret_finish,
};
