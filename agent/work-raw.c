/*
 * Signing the very bytes that cosign or notation made of an image, for
 * plugins of theirs: what is signed here says what it is, and means nothing
 * elsewhere.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/notaryenv.h"
#include "format/rawsig.h"
#include "work.h"

#define CLOCKS_DIFFER 86400	/* seconds that a program's may be off */

/* A refused object has no name that could be taken for one that was signed. */
static gpg_error_t
refuse(struct request *r, const char *why)
{
	r->object.summary[0] = 0;
	return request_problem(r, GPG_ERR_FORBIDDEN, "%s", why);
}

static gpg_error_t
read_payload(struct request *r)
{
	const char *why = NULL;
	gpg_error_t err;

	err = object_read_raw(buf_view(&r->payload), &r->object, &why);
	if (err)
		return request_problem(r, gpg_err_code(err), "%s", why ? why :
		    gpg_strerror(err));
	return 0;
}

/* ---- sigstore ---- */

static gpg_error_t
sigstore_parse(struct request *r)
{
	const struct object *o = &r->object;
	gpg_error_t err;

	if ((err = read_payload(r)))
		return err;
	if (o->kind == OBJECT_BLOB ||
	    (o->kind == OBJECT_STATEMENT && o->image.wrapping == WRAP_DSSE) ||
	    (o->kind == OBJECT_SIMPLE && o->image.cosign))
		return 0;
	return refuse(r, "sigstore signs statements in DSSE and cosign's "
	    "payloads, and this is something else");
}

static gpg_error_t
sigstore_begin(struct request *r, enum hash_algorithm hash)
{
	struct view part = buf_view(&r->payload);
	gpg_error_t err;

	err = rawsig_begin(&r->signing, r->key->pub, RAWSIG_SIGSTORE, hash,
	    &part, 1);
	if (gpg_err_code(err) == GPG_ERR_TOO_LARGE)
		return request_problem(r, GPG_ERR_TOO_LARGE, "this is more "
		    "than an Ed25519 key signs: use an ECDSA or RSA key");
	return err;
}

static gpg_error_t
sha256_begin(struct request *r)
{
	return sigstore_begin(r, HASH_SHA256);
}

static gpg_error_t
sha384_begin(struct request *r)
{
	return sigstore_begin(r, HASH_SHA384);
}

static gpg_error_t
sha512_begin(struct request *r)
{
	return sigstore_begin(r, HASH_SHA512);
}

static gpg_error_t
sigstore_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;

	return rawsig_put(&r->result, r->key->pub, RAWSIG_SIGSTORE,
	    answer->signature);
}

#define WORK_SIGSTORE(hash)				\
	const struct work work_sigstore_##hash = {	\
		.format = "sigstore-" #hash,		\
		.typed = true,				\
		.signs = true,				\
		.parse = sigstore_parse,		\
		.locate = work_locate_key,		\
		.begin = hash##_begin,			\
		.ask = work_ask_sign,			\
		.ask_pin = work_ask_login,		\
		.finish = sigstore_finish,		\
	}

WORK_SIGSTORE(sha256);
WORK_SIGSTORE(sha384);
WORK_SIGSTORE(sha512);

/* ---- the Notary Project ---- */

/* The time is its program's to tell, and not one to be made up. */
static gpg_error_t
notary_parse(struct request *r)
{
	const struct object_image *i = &r->object.image;
	gpg_error_t err;

	if ((err = read_payload(r)))
		return err;
	if (r->object.kind != OBJECT_NOTATION || i->wrapping == WRAP_NONE)
		return refuse(r, "the Notary Project's signatures are of its "
		    "payloads in JWS or COSE, and this is something else");
	if (llabs(i->signed_at - (int64_t)r->now) > CLOCKS_DIFFER)
		return refuse(r, "the image's signature says that it is made "
		    "at another time than now: see that both clocks are right");
	return 0;
}

static gpg_error_t
notary_begin(struct request *r)
{
	const char *algorithm = notaryenv_algorithm(r->key->pub);
	struct view part = buf_view(&r->payload);

	if (!algorithm)
		return request_problem(r, GPG_ERR_PUBKEY_ALGO, "the Notary "
		    "Project knows no signatures by keys like %s (%s)",
		    key_title(r->key),
		    algorithm_name(pubkey_algorithm(r->key->pub)));
	if (strcmp(algorithm, r->object.image.algorithm))
		return request_problem(r, GPG_ERR_PUBKEY_ALGO, "the image's "
		    "signature says %s, and key %s makes %s",
		    r->object.image.algorithm, key_title(r->key), algorithm);
	return rawsig_begin(&r->signing, r->key->pub, RAWSIG_NOTARY,
	    HASH_NONE, &part, 1);
}

static gpg_error_t
notary_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;

	return rawsig_put(&r->result, r->key->pub, RAWSIG_NOTARY,
	    answer->signature);
}

const struct work work_notary_raw = {
	.format = "notary-raw",
	.typed = true,
	.signs = true,
	.parse = notary_parse,
	.locate = work_locate_key,
	.begin = notary_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = notary_finish,
};
