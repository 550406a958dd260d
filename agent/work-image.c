/*
 * Signing a container image, of which the client sends the manifest: what is
 * said of it is made here, and is read back before anybody signs it.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "format/dsse.h"
#include "format/opmessage.h"
#include "format/rawsig.h"
#include "wire/base64.h"
#include "image.h"
#include "work.h"

static gpg_error_t
image_parse(struct request *r)
{
	const char *why = NULL;
	gpg_error_t err;

	err = object_read(buf_view(&r->payload), &r->object, &why);
	if (!err && r->object.kind != OBJECT_MANIFEST &&
	    r->object.kind != OBJECT_INDEX) {
		r->object.summary[0] = 0;
		return request_problem(r, GPG_ERR_BAD_DATA,
		    "this is no manifest of an image");
	}
	if (!err)
		err = object_name_image(&r->object,
		    view_str(r->image->reference), &why);
	if (err)
		return request_problem(r, gpg_err_code(err), "%s", why ? why :
		    gpg_strerror(err));
	for (size_t n = 0; n < r->image->note_count; n++)
		if (!object_name_note(&r->object,
		    view_str(r->image->names[n]), view_str(r->image->values[n]),
		    r->image->note_count - n - 1))
			break;
	return 0;
}

/*
 * One of the makers of format/imagesig.h at work; the last two count for
 * simple signing alone.
 */
typedef gpg_error_t make_payload(struct buf *, const struct imagesig *,
    const char *creator, uint64_t now);

static gpg_error_t
make_cosign(struct buf *b, const struct imagesig *i, const char *creator,
    uint64_t now)
{
	return imagesig_put_cosign(b, i);
}

static gpg_error_t
make_statement(struct buf *b, const struct imagesig *i, const char *creator,
    uint64_t now)
{
	return imagesig_put_statement(b, i);
}

static gpg_error_t
make_notary(struct buf *b, const struct imagesig *i, const char *creator,
    uint64_t now)
{
	return imagesig_put_notary(b, i);
}

static gpg_error_t
make(struct request *r, make_payload *put, const char *reference)
{
	struct image *image = r->image;
	struct imagesig_note notes[IMAGESIG_NOTES_MAX];
	struct imagesig i = {
		.reference = reference,
		.digest = r->object.image.digest,
		.media_type = r->object.image.media_type,
		.size = buf_len(&r->payload),
		.notes = notes,
		.note_count = image->note_count,
	};
	gpg_error_t err;

	for (size_t n = 0; n < image->note_count; n++)
		notes[n] = (struct imagesig_note){ image->names[n],
			image->values[n] };
	err = put(&image->payload, &i, PACKAGE "/" PACKAGE_VERSION, r->now);
	if (gpg_err_code(err) == GPG_ERR_DUP_VALUE)
		return request_problem(r, GPG_ERR_DUP_VALUE,
		    "two annotations have the same name");
	if (gpg_err_code(err) == GPG_ERR_INV_VALUE)
		return request_problem(r, GPG_ERR_INV_VALUE,
		    "an annotation has no name, or one that cannot be shown");
	return err;
}

/* Nothing is signed that reads as anything but what it was made to be. */
static gpg_error_t
read_back(struct request *r, enum object_kind kind,
    enum object_wrapping wrapping)
{
	const char *why;
	struct object o;
	gpg_error_t err;

	err = object_read(buf_view(&r->image->payload), &o, &why);
	if (!err && o.kind == kind && o.image.wrapping == wrapping &&
	    !strcmp(o.image.digest, r->object.image.digest))
		return 0;
	return request_problem(r, GPG_ERR_INTERNAL, "what was made to be "
	    "signed reads as something else%s%s", err ? ": " : "",
	    err ? why : "");
}

/* The key's certificates, where some were sent, are the key's. */
static gpg_error_t
check_chain(struct request *r)
{
	char why[ATTEST_WHY];
	gpg_error_t err;

	err = notaryenv_check_chain(r->key->pub, r->image->chain, r->now, why);
	if (err)
		return request_problem(r, gpg_err_code(err), "the certificates "
		    "of key %s cannot be used: %s", key_title(r->key), why);
	return 0;
}

static gpg_error_t
begin_sigstore(struct request *r, enum hash_algorithm hash)
{
	struct view part = buf_view(&r->image->payload);

	return rawsig_begin(&r->signing, r->key->pub, RAWSIG_SIGSTORE, hash,
	    &part, 1);
}

/* ---- cosign's ".sig" ---- */

static gpg_error_t
cosign_begin(struct request *r)
{
	gpg_error_t err;

	if ((err = make(r, make_cosign, r->image->repository)) ||
	    (err = read_back(r, OBJECT_SIMPLE, WRAP_NONE)))
		return err;
	return begin_sigstore(r, HASH_SHA256);
}

static gpg_error_t
cosign_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;
	struct buf sig;
	gpg_error_t err;

	buf_init(&sig, RAWSIG_MAX);
	(void)((err = rawsig_put(&sig, r->key->pub, RAWSIG_SIGSTORE,
	    answer->signature)) ||
	    (err = buf_put_view(&r->result, buf_view(&r->image->payload))) ||
	    (err = base64_put(&r->status, buf_view(&sig))));
	buf_free(&sig);
	return err;
}

const struct work work_cosign_sig = {
	.format = "cosign-sig",
	.typed = true,
	.signs = true,
	.parse = image_parse,
	.locate = work_locate_key,
	.begin = cosign_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = cosign_finish,
};

/* ---- sigstore's bundle ---- */

static gpg_error_t
put_wrapped(struct image *i)
{
	struct buf statement;
	gpg_error_t err;

	buf_init(&statement, i->payload.max);
	if (!(err = buf_put_view(&statement, buf_view(&i->payload)))) {
		buf_reset(&i->payload);
		dsse_put_head(&i->payload, buf_len(&statement));
		i->head = buf_len(&i->payload);
		err = buf_put_view(&i->payload, buf_view(&statement));
	}
	buf_free(&statement);
	return err;
}

static gpg_error_t
bundle_begin(struct request *r)
{
	gpg_error_t err;

	if ((r->image->chain && (err = check_chain(r))) ||
	    (err = make(r, make_statement, NULL)) ||
	    (err = put_wrapped(r->image)) ||
	    (err = read_back(r, OBJECT_STATEMENT, WRAP_DSSE)))
		return err;
	return begin_sigstore(r, HASH_SHA256);
}

static gpg_error_t
bundle_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;
	struct view statement = buf_view(&r->image->payload), head;
	struct buf sig, leaf;
	gpg_error_t err;

	buf_init(&sig, RAWSIG_MAX);
	buf_init(&leaf, ATTEST_CERT_MAX);
	(void)((err = view_get_bytes(&statement, r->image->head, &head)) ||
	    (err = rawsig_put(&sig, r->key->pub, RAWSIG_SIGSTORE,
	    answer->signature)) ||
	    (r->image->chain &&
	    (err = attest_certs_put_first(r->image->chain, &leaf))) ||
	    (err = dsse_put_bundle(&r->result, statement, buf_view(&sig),
	    pubkey_id(r->key->pub), buf_view(&leaf))));
	buf_free(&sig);
	buf_free(&leaf);
	return err;
}

const struct work work_sigstore_bundle = {
	.format = "sigstore-bundle",
	.typed = true,
	.signs = true,
	.parse = image_parse,
	.locate = work_locate_key,
	.begin = bundle_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = bundle_finish,
};

/* ---- the Notary Project ---- */

static gpg_error_t
notary_begin(struct request *r, enum notaryenv_form form)
{
	struct image *i = r->image;
	gpg_error_t err;

	if (!notaryenv_algorithm(r->key->pub))
		return request_problem(r, GPG_ERR_PUBKEY_ALGO, "the Notary "
		    "Project knows no signatures by keys like %s (%s)",
		    key_title(r->key),
		    algorithm_name(pubkey_algorithm(r->key->pub)));
	if (!i->chain)
		return request_problem(r, GPG_ERR_NO_DATA, "the Notary Project "
		    "wants the key's certificate: make one with `touchstone "
		    "keys certify %s`", key_title(r->key));
	if ((err = check_chain(r)) ||
	    (err = make(r, make_notary, NULL)) ||
	    (err = read_back(r, OBJECT_NOTATION, WRAP_NONE)))
		return err;
	return notaryenv_begin(&i->notary, &r->signing, r->key->pub, form,
	    buf_view(&i->payload), r->now, 0);
}

static gpg_error_t
jws_begin(struct request *r)
{
	return notary_begin(r, NOTARYENV_JWS);
}

static gpg_error_t
cose_begin(struct request *r)
{
	return notary_begin(r, NOTARYENV_COSE);
}

static gpg_error_t
notary_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;

	return notaryenv_finish(r->image->notary, answer->signature,
	    r->image->chain, PACKAGE "/" PACKAGE_VERSION, &r->result);
}

const struct work work_notary_jws = {
	.format = "notary-jws",
	.typed = true,
	.signs = true,
	.parse = image_parse,
	.locate = work_locate_key,
	.begin = jws_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = notary_finish,
};

const struct work work_notary_cose = {
	.format = "notary-cose",
	.typed = true,
	.signs = true,
	.parse = image_parse,
	.locate = work_locate_key,
	.begin = cose_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = notary_finish,
};

/* ---- simple signing ---- */

static gpg_error_t
simple_begin(struct request *r)
{
	gpg_error_t err;

	if ((err = make(r, imagesig_put_gpg, r->image->reference)) ||
	    (err = read_back(r, OBJECT_SIMPLE, WRAP_NONE)))
		return err;
	return work_begin_openpgp(r, buf_view(&r->image->payload));
}

static gpg_error_t
simple_finish(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;
	gpg_error_t err;

	(void)((err = opmessage_put(&r->result, r->openpgp, answer->signature,
	    buf_view(&r->image->payload))) ||
	    (err = openpgp_status(r->openpgp, &r->status)));
	return err;
}

const struct work work_simple_signing = {
	.format = "simple-signing",
	.typed = true,
	.signs = true,
	.parse = image_parse,
	.locate = work_locate_key,
	.begin = simple_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = simple_finish,
};
