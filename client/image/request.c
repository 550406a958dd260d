/* Asks the agent for signatures of an image. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/image/request.h"
#include "client/pick.h"

#define FIRST_CHUNK 131072	/* the bound of sign-image-v1 */
#define NOTES_MAX 64
#define NOTES_BYTES (NOTES_MAX * 1200)

static gpg_error_t
find_chain(struct signature_request *r, bool needed)
{
	struct call *c = r->call;
	gpg_error_t err = r->key->name[0] ? chainfile_read(&c->paths,
	    r->key->name, &r->chain) : gpg_error(GPG_ERR_ENOENT);

	if (gpg_err_code(err) == GPG_ERR_ENOENT && !needed)
		return 0;
	if (gpg_err_code(err) == GPG_ERR_ENOENT)
		return call_problem(c, err, "the key has no certificate for "
		    "the Notary Project's signatures: touchstone keys "
		    "certify %s makes one", call_option(c, "key") ?
		    call_option(c, "key") : r->key->name);
	if (err)
		return call_problem(c, err, "the certificates of the key %s "
		    "cannot be read: %s", r->key->name, gpg_strerror(err));
	return 0;
}

gpg_error_t
request_add_note(struct signature_request *r, const char *text)
{
	const char *is = strchr(text, '=');
	struct msg_note note;

	if (!is || is == text || r->notes.count == NOTES_MAX)
		return call_problem(r->call, GPG_ERR_INV_ARG, "an annotation "
		    "is NAME=VALUE, and there are at most %d", NOTES_MAX);
	note.name = view_of(text, (size_t)(is - text));
	note.value = view_str(is + 1);
	if (msg_list_add(&r->note_bytes, &r->notes, MSG_note, &note))
		return call_problem(r->call, GPG_ERR_INV_ARG, "the "
		    "annotation \"%.100s\" is too long, or has what cannot "
		    "be shown", text);
	return 0;
}

void
request_drop_notes(struct signature_request *r)
{
	buf_reset(&r->note_bytes);
	r->notes = (struct msg_list){ .count = 0 };
}

static gpg_error_t
read_notes(struct signature_request *r)
{
	const char *text;
	gpg_error_t err = 0;

	for (size_t i = 0; !err &&
	    (text = call_each(r->call, "annotation", i)); i++)
		err = request_add_note(r, text);
	return err;
}

gpg_error_t
request_begin(struct signature_request *r, struct call *c, bool needed)
{
	gpg_error_t err;

	*r = (struct signature_request){ .call = c };
	buf_init(&r->note_bytes, NOTES_BYTES);
	if ((err = read_notes(r)) ||
	    (err = call_connect(c, CONNECT_START)) ||
	    (err = pick_key(c, &r->key)))
		return err;
	return find_chain(r, needed);
}

void
request_free(struct signature_request *r)
{
	chainfile_free(&r->chain);
	buf_free(&r->note_bytes);
	keys_free(&r->key, 1);
}

gpg_error_t
request_sign(struct signature_request *r, enum form form,
    const char *reference, struct view manifest, struct buf *result,
    struct buf *text)
{
	static const char *const formats[] = { "cosign-sig",
		"sigstore-bundle", "notary-jws", "notary-cose",
		"simple-signing" };
	bool notary = form == FORM_JWS || form == FORM_COSE;
	struct msg_sign_image in = {
		.key = view_str(r->key->hex),
		.format = view_str(formats[form]),
		.reference = view_str(reference),
		.chain = notary ? buf_view(&r->chain.der) : view_of(NULL, 0),
		.size = manifest.len,
	};
	struct talk *t = &r->call->talk;
	struct msg_progress done;
	gpg_error_t err;

	if (form != FORM_SIMPLE)
		in.notes = r->notes;
	in.chunk = view_of(manifest.p, manifest.len < FIRST_CHUNK ?
	    manifest.len : FIRST_CHUNK);
	manifest.p += in.chunk.len;
	manifest.len -= in.chunk.len;
	if ((err = talk_follow(t, MSG_sign_image, &in, manifest, &done))) {
		err = call_problem(r->call, err, "%s", t->said[0] ? t->said :
		    gpg_strerror(err));
		r->call->told = t->told;
		return err;
	}
	if ((err = buf_put_view(result, done.result)) ||
	    (err = buf_put_view(text, done.status)))
		call_problem(r->call, err, "the agent's signature cannot be "
		    "read: %s", gpg_strerror(err));
	return err;
}
