/*
 * Signing a role of Docker Content Trust: the client sends it as it is to be,
 * behind the one that it follows, so that what is new can be told.
 */
#include <config.h>

#include "format/canonical.h"
#include "format/tufsig.h"
#include "object/tuf.h"
#include "work.h"

/*
 * What servers and clients hash is not what they were sent but what they
 * make of it: a role that is not canonical would be another.
 */
static gpg_error_t
name_role(struct request *r, struct view before, const struct tuf_role *now,
    const char **why)
{
	struct tuf_role was = { 0 };
	gpg_error_t err;

	if (!canonical_is(r->object.bytes, now->json)) {
		*why = "the role of trust data is not in canonical JSON";
		return gpg_error(GPG_ERR_BAD_DATA);
	}
	if (before.len > object_rule(r->object.kind)->limit) {
		*why = "the role of trust data before it is larger than is "
		    "read";
		return gpg_error(GPG_ERR_TOO_LARGE);
	}
	if (before.len > 0 && (err = tuf_role_read(&was, before, why)))
		return err;
	err = object_name_trust(&r->object, &was, now, r->repository, r->role,
	    why);
	tuf_role_free(&was);
	return err;
}

static gpg_error_t
read_role(struct request *r, struct view before, struct view bytes,
    const char **why)
{
	struct tuf_role now;
	gpg_error_t err;

	if ((err = object_read_trust(bytes, &r->object, &now, why)))
		return err;
	err = name_role(r, before, &now, why);
	tuf_role_free(&now);
	return err;
}

/* The record has the hash of what is signed, without what was before. */
static gpg_error_t
trust_parse(struct request *r)
{
	struct view now = buf_view(&r->payload), before;
	const char *why = NULL;
	size_t len;
	gpg_error_t err;

	if (r->before > now.len ||
	    view_get_bytes(&now, (size_t)r->before, &before) || now.len == 0)
		return request_problem(r, GPG_ERR_BAD_DATA, "there is no role "
		    "of trust data behind the one before it");
	if ((err = hash_bytes(HASH_SHA256, &now, 1, r->payload_hash, &len)))
		return err;
	if (!(err = read_role(r, before, now, &why)))
		return 0;
	r->object.summary[0] = 0;
	return request_problem(r, gpg_err_code(err), "%s", why ? why :
	    gpg_strerror(err));
}

static gpg_error_t
trust_begin(struct request *r)
{
	gpg_error_t err = tufsig_begin(&r->signing, r->key->pub,
	    r->object.bytes);

	if (gpg_err_code(err) == GPG_ERR_TOO_LARGE)
		return request_problem(r, GPG_ERR_TOO_LARGE, "this is more "
		    "than an Ed25519 key signs: use an ECDSA or RSA key");
	return err;
}

static gpg_error_t
trust_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;
	gpg_error_t err;

	(void)((err = buf_put_view(&r->result, answer->signature)) ||
	    (err = buf_put_text(&r->status, tufsig_method(r->key->pub))));
	return err;
}

const struct work work_trust = {
	.format = "tuf",
	.typed = true,
	.signs = true,
	.parse = trust_parse,
	.locate = work_locate_key,
	.begin = trust_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = trust_finish,
};
