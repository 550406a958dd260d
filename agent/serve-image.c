/* Typed signing requests: of what is sent whole, of images, trust data. */
#include <config.h>

#include "conn.h"
#include "image.h"
#include "serve.h"
#include "work.h"

static const struct work *
find(const struct work *const *works, struct view format)
{
	while (*works && !view_eq_str(format, (*works)->format))
		works++;
	return *works;
}

static void
refuse_format(struct conn *c)
{
	conn_fail(c, gpg_error(GPG_ERR_NOT_SUPPORTED),
	    "this agent does not sign in that format");
}

void
serve_sign(struct conn *c, struct view body)
{
	static const struct work *const works[] = { &work_openpgp,
		&work_sigstore_sha256, &work_sigstore_sha384,
		&work_sigstore_sha512, &work_notary_raw, NULL };
	const struct work *work;
	struct msg_sign in;
	struct request *r;

	if (msg_decode(MSG_sign, body, &in)) {
		serve_malformed(c);
		return;
	}
	if (!(work = find(works, in.format))) {
		refuse_format(c);
		return;
	}
	if (!(r = serve_begin(c, work)))
		return;
	r->size = in.size;
	request_text(r, &r->key_text, in.key);
	request_feed(r, in.chunk);
}

void
serve_sign_image(struct conn *c, struct view body)
{
	static const struct work *const works[] = { &work_cosign_sig,
		&work_sigstore_bundle, &work_notary_jws, &work_notary_cose,
		&work_simple_signing, NULL };
	const struct work *work;
	struct msg_sign_image in;
	struct image *image;
	struct request *r;
	const char *why;
	gpg_error_t err;

	if (msg_decode(MSG_sign_image, body, &in)) {
		serve_malformed(c);
		return;
	}
	if (!(work = find(works, in.format))) {
		refuse_format(c);
		return;
	}
	if ((err = image_new(&image, &in, &why))) {
		conn_fail(c, err, why);
		return;
	}
	if (!(r = serve_begin(c, work))) {
		image_free(&image);
		return;
	}
	r->image = image;
	r->size = in.size;
	request_text(r, &r->key_text, in.key);
	request_feed(r, in.chunk);
}

void
serve_sign_trust(struct conn *c, struct view body)
{
	struct msg_sign_trust in;
	struct request *r;

	if (msg_decode(MSG_sign_trust, body, &in)) {
		serve_malformed(c);
		return;
	}
	if (!(r = serve_begin(c, &work_trust)))
		return;
	r->size = in.size;
	r->before = in.before;
	request_text(r, &r->key_text, in.key);
	request_text(r, &r->repository, in.repository);
	request_text(r, &r->role, in.role);
	request_feed(r, in.chunk);
}
