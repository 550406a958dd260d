/* DSSE and sigstore's bundles. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "format/dsse.h"
#include "object/json.h"
#include "wire/base64.h"
#include "wire/text.h"

#define INTOTO "application/vnd.in-toto+json"
#define BUNDLE "application/vnd.dev.sigstore.bundle"
#define SIGNATURE_MAX 1024
#define CERTIFICATE_MAX 8192

gpg_error_t
dsse_put_head(struct buf *b, size_t len)
{
	return buf_putf(b, "DSSEv1 %zu %s %zu ", strlen(INTOTO), INTOTO, len);
}

static gpg_error_t
put_quoted(struct buf *b, struct view v)
{
	buf_put_u8(b, '"');
	base64_put(b, v);
	return buf_put_u8(b, '"');
}

/* Nothing in it needs an escape. */
gpg_error_t
dsse_put(struct buf *b, struct view statement, struct view signature)
{
	buf_put_text(b, "{\"payload\":");
	put_quoted(b, statement);
	buf_put_text(b, ",\"payloadType\":\"" INTOTO "\",\"signatures\":["
	    "{\"sig\":");
	put_quoted(b, signature);
	return buf_put_text(b, "}]}");
}

gpg_error_t
dsse_put_bundle(struct buf *b, struct view statement, struct view signature,
    struct view key_id, struct view certificate)
{
	bool cert = certificate.len > 0;

	buf_put_text(b, "{\"mediaType\":\"" DSSE_BUNDLE "\","
	    "\"verificationMaterial\":{");
	buf_put_text(b, cert ? "\"certificate\":{\"rawBytes\":" :
	    "\"publicKey\":{\"hint\":");
	put_quoted(b, cert ? certificate : key_id);
	buf_put_text(b, "}},\"dsseEnvelope\":");
	dsse_put(b, statement, signature);
	return buf_put_text(b, "}");
}

static gpg_error_t
bad(const char **why, const char *text)
{
	*why = text;
	return gpg_error(GPG_ERR_BAD_DATA);
}

/* Base64 of something. */
static bool
get_bytes(const json_t *o, const char *name, struct buf *b)
{
	struct view text;

	return json_get_text(o, name, &text) && text.len > 0 &&
	    !base64_get(text, b);
}

static gpg_error_t
read_envelope(struct dsse *d, const json_t *e, const char **why)
{
	static const char *const names[] = { "payload", "payloadType",
		"signatures", NULL };
	static const char *const inside[] = { "sig", "keyid", NULL };
	const json_t *list = json_object_get(e, "signatures"),
	    *one = json_array_get(list, 0);
	struct view type, keyid;

	if (!json_names_are(e, names, false) ||
	    !json_get_text(e, "payloadType", &type))
		return bad(why, "this is no DSSE envelope");
	if (!view_eq_str(type, INTOTO))
		return bad(why, "the DSSE envelope holds no in-toto "
		    "statement");
	if (json_array_size(list) != 1)
		return bad(why, "the DSSE envelope has not one signature");
	/* cosign 2 also names the certificate there, in some versions. */
	if (!json_names_are(one, inside, true) ||
	    !json_get_text(one, "keyid", &keyid) ||
	    !get_bytes(one, "sig", &d->signature))
		return bad(why, "the DSSE envelope's signature is malformed");
	if (!get_bytes(e, "payload", &d->statement))
		return bad(why, "the DSSE envelope's payload is malformed");
	return 0;
}

/* A certificate by itself, or the first of a chain (before 0.3). */
static bool
read_certificate(struct dsse *d, const json_t *material)
{
	const json_t *one = json_object_get(material, "certificate"),
	    *chain = json_object_get(material, "x509CertificateChain");

	if (one && chain)
		return false;
	if (chain)
		one = json_array_get(json_object_get(chain, "certificates"),
		    0);
	return get_bytes(one, "rawBytes", &d->certificate);
}

static gpg_error_t
read_bundle(struct dsse *d, const json_t *j, const char **why)
{
	static const char *const names[] = { "mediaType",
		"verificationMaterial", "dsseEnvelope", NULL };
	static const char *const inside[] = { "publicKey", "certificate",
		"x509CertificateChain", "tlogEntries",
		"timestampVerificationData", NULL };
	const json_t *material = json_object_get(j, "verificationMaterial"),
	    *key = json_object_get(material, "publicKey");
	struct view type, hint;

	d->bundle = true;
	if (!json_get_text(j, "mediaType", &type) ||
	    (!view_eq_str(type, DSSE_BUNDLE) &&
	    !view_eq_str(type, BUNDLE "+json;version=0.3") &&
	    !view_eq_str(type, BUNDLE "+json;version=0.2") &&
	    !view_eq_str(type, BUNDLE "+json;version=0.1")))
		return bad(why, "the bundle is of an unknown version");
	if (!json_names_are(j, names, false) ||
	    !json_names_are(material, inside, false))
		return bad(why, "the bundle holds no DSSE envelope");
	if (!json_get_text(key, "hint", &hint) ||
	    hint.len >= sizeof(d->hint) || !text_is_clean(hint))
		return bad(why, "the bundle's hint is malformed");
	if (hint.len > 0)
		memcpy(d->hint, hint.p, hint.len);
	if (key ? json_object_get(material, "certificate") ||
	    json_object_get(material, "x509CertificateChain") :
	    !read_certificate(d, material))
		return bad(why, "the bundle says in no one way whose it is");
	return read_envelope(d, json_object_get(j, "dsseEnvelope"), why);
}

gpg_error_t
dsse_read(struct dsse *d, struct view v, const char **why)
{
	json_t *j = NULL;
	gpg_error_t err;

	*d = (struct dsse){ .bundle = false };
	*why = NULL;
	buf_init(&d->statement, DSSE_PAYLOAD_MAX);
	buf_init(&d->signature, SIGNATURE_MAX);
	buf_init(&d->certificate, CERTIFICATE_MAX);
	if (v.len > DSSE_MAX)
		err = bad(why, "the DSSE envelope is too large");
	else if (!(err = json_read(v, &j, why)))
		err = json_object_get(j, "payload") ?
		    read_envelope(d, j, why) : read_bundle(d, j, why);
	json_decref(j);
	if (err)
		dsse_free(d);
	return err;
}

void
dsse_free(struct dsse *d)
{
	buf_free(&d->statement);
	buf_free(&d->signature);
	buf_free(&d->certificate);
	*d = (struct dsse){ .bundle = false };
}
