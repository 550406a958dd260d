/*
 * Signing a role of Docker Content Trust: the client sends it as it is to be,
 * behind the one that it follows, so that what is new can be told.
 */
#include <config.h>

#include "format/canonical.h"
#include "format/tufsig.h"
#include "object/json.h"
#include "work.h"

/*
 * What servers and clients hash is not what they were sent but what they
 * make of it: one that is not canonical would be another's.
 */
static gpg_error_t
check_canonical(struct view now, const char **why)
{
	json_t *json;
	gpg_error_t err;

	if ((err = json_read(now, &json, why)))
		return err;
	if (!canonical_is(now, json)) {
		*why = "the role of trust data is not in canonical JSON";
		err = gpg_error(GPG_ERR_BAD_DATA);
	}
	json_decref(json);
	return err;
}

static gpg_error_t
read_role(struct request *r, struct view before, struct view now,
    const char **why)
{
	gpg_error_t err;

	if ((err = object_read(now, &r->object, why)))
		return err;
	if (r->object.kind != OBJECT_TRUST_TARGETS &&
	    r->object.kind != OBJECT_TRUST_ROOT) {
		*why = "this is no role of trust data";
		return gpg_error(GPG_ERR_BAD_DATA);
	}
	(void)((err = check_canonical(now, why)) ||
	    (err = object_name_trust(&r->object, before, r->repository,
	    r->role, why)));
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
