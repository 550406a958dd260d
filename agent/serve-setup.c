/* What set-up asks for: requests whose parameters come in one message. */
#include <config.h>

#include "conn.h"
#include "serve.h"
#include "work.h"

/* Begins one, its parameters decoded into *in. */
static struct request *
start_with(struct conn *c, const struct work *work, struct view body, void *in)
{
	if (!msg_decode(c->question, body, in))
		return serve_begin(c, work);
	serve_malformed(c);
	return NULL;
}

void
serve_certify(struct conn *c, struct view body)
{
	struct msg_certify in;
	struct request *r;

	if (!(r = start_with(c, &work_certify, body, &in)))
		return;
	request_text(r, &r->key_text, in.key);
	request_text(r, &r->user_id, in.user_id);
	r->created = in.created;
	r->expires_after = in.expires_after;
	request_feed(r, view_of(NULL, 0));
}

void
serve_revoke(struct conn *c, struct view body)
{
	struct msg_revoke in;
	struct request *r;

	if (!(r = start_with(c, &work_revoke, body, &in)))
		return;
	request_text(r, &r->key_text, in.key);
	r->reason = in.reason;
	request_text(r, &r->comment, in.comment);
	request_feed(r, view_of(NULL, 0));
}

void
serve_generate(struct conn *c, struct view body)
{
	struct msg_generate in;
	struct request *r;
	enum key_algorithm algorithm;

	if (msg_decode(MSG_generate, body, &in)) {
		serve_malformed(c);
		return;
	}
	if (!(algorithm = algorithm_by_name(in.algorithm))) {
		conn_fail(c, gpg_error(GPG_ERR_PUBKEY_ALGO),
		    "no such algorithm: P-256, P-384, P-521, Ed25519, "
		    "RSA-2048, RSA-3072 or RSA-4096");
		return;
	}
	if (!(r = serve_begin(c, &work_generate)))
		return;
	r->algorithm = algorithm;
	request_text(r, &r->module_name, in.module);
	request_text(r, &r->token, in.token);
	request_text(r, &r->label, in.label);
	request_text(r, &r->slot_name, in.slot_name);
	request_text(r, &r->overwrite, in.overwrite);
	r->pin_policy = in.pin_policy;
	r->touch_policy = in.touch_policy;
	request_feed(r, view_of(NULL, 0));
}

void
serve_token_init(struct conn *c, struct view body)
{
	struct msg_token_init in;
	struct request *r;

	if (!(r = start_with(c, &work_token_init, body, &in)))
		return;
	request_text(r, &r->module_name, in.module);
	request_text(r, &r->label, in.label);
	request_feed(r, view_of(NULL, 0));
}

void
serve_certificate(struct conn *c, struct view body)
{
	struct msg_certificate in;
	struct request *r;

	if (!(r = start_with(c, &work_certificate, body, &in)))
		return;
	request_text(r, &r->key_text, in.key);
	request_text(r, &r->label, in.subject);
	r->expires_after = in.expires_after;
	request_feed(r, view_of(NULL, 0));
}

void
serve_certify_image(struct conn *c, struct view body)
{
	struct msg_certify_image in;
	struct request *r;

	if (!(r = start_with(c, &work_certify_image, body, &in)))
		return;
	request_text(r, &r->key_text, in.key);
	request_text(r, &r->label, in.subject);
	r->expires_after = in.expires_after;
	request_feed(r, view_of(NULL, 0));
}

void
serve_certificate_request(struct conn *c, struct view body)
{
	struct msg_certificate_request in;
	struct request *r;

	if (!(r = start_with(c, &work_certificate_request, body, &in)))
		return;
	request_text(r, &r->key_text, in.key);
	request_text(r, &r->label, in.subject);
	request_feed(r, view_of(NULL, 0));
}

void
serve_attest(struct conn *c, struct view body)
{
	struct msg_attest in;
	struct request *r;

	if (!(r = start_with(c, &work_attest, body, &in)))
		return;
	request_text(r, &r->key_text, in.key);
	request_text(r, &r->token, in.token);
	request_feed(r, view_of(NULL, 0));
}

void
serve_secret(struct conn *c, struct view body)
{
	struct msg_secret in;
	struct request *r;

	if (!(r = start_with(c, &work_secret, body, &in)))
		return;
	request_text(r, &r->module_name, in.module);
	request_text(r, &r->token, in.token);
	request_text(r, &r->algorithm_text, in.algorithm);
	r->change = in.change;
	request_feed(r, view_of(NULL, 0));
}

void
serve_move(struct conn *c, struct view body)
{
	struct msg_move in;
	struct request *r;

	if (!(r = start_with(c, &work_move, body, &in)))
		return;
	request_text(r, &r->key_text, in.key);
	request_text(r, &r->copy, in.copy);
	request_text(r, &r->slot_name, in.slot_name);
	request_text(r, &r->overwrite, in.overwrite);
	request_feed(r, view_of(NULL, 0));
}

void
serve_delete(struct conn *c, struct view body)
{
	struct msg_delete in;
	struct request *r;

	if (!(r = start_with(c, &work_delete, body, &in)))
		return;
	request_text(r, &r->key_text, in.key);
	request_text(r, &r->copy, in.copy);
	request_text(r, &r->agreed, in.agreed);
	request_feed(r, view_of(NULL, 0));
}
