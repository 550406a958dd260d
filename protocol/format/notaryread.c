/* The Notary Project's envelopes, read and verified. */
#include "config.h"

#include <string.h>

#include "format/certs.h"
#include "format/codesign.h"
#include "format/rawsig.h"
#include "object/cbor.h"
#include "object/json.h"
#include "wire/base64.h"
#include "wire/text.h"

#define COSE_SIGN1 18
#define COSE_X5CHAIN 33
#define SIGNATURE_MAX 1024

static gpg_error_t
bad(const char **why, const char *text)
{
	*why = text;
	return gpg_error(GPG_ERR_BAD_DATA);
}

static bool
get_agent(struct notaryenv_read *r, struct view v)
{
	if (v.len >= sizeof(r->agent) || !text_is_clean(v))
		return false;
	if (v.len > 0)
		memcpy(r->agent, v.p, v.len);
	r->agent[v.len] = 0;
	return true;
}

/* Adds exactly one. */
static bool
add_cert(struct notaryenv_read *r, struct view der)
{
	size_t before = attest_certs_count(r->chain);

	return before < NOTARYENV_CERTS_MAX && der.len <= ATTEST_CERT_MAX &&
	    !attest_certs_add(&r->chain, der) &&
	    r->chain->count == before + 1;
}

static bool
read_x5c(struct notaryenv_read *r, const json_t *list)
{
	bool good = json_array_size(list) > 0;
	struct buf der;

	buf_init(&der, ATTEST_CERT_MAX);
	for (size_t i = 0; good && i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);

		buf_reset(&der);
		good = json_is_string(one) &&
		    !base64_get(view_of(json_string_value(one),
			json_string_length(one)), &der) &&
		    add_cert(r, buf_view(&der));
	}
	buf_free(&der);
	return good;
}

static gpg_error_t
read_jws(struct notaryenv_read *r, const json_t *j, const char **why)
{
	static const char *const names[] = { "payload", "protected", "header",
		"signature", NULL };
	static const char *const inside[] = { "x5c",
		NOTARY_KEY("signingAgent"), "alg", "crit", NULL };
	const json_t *header = json_object_get(j, "header");
	struct view payload, protected, signature, agent;
	struct buf json;
	gpg_error_t err;

	if (!json_names_are(j, names, false) ||
	    !json_get_text(j, "payload", &payload) ||
	    !json_get_text(j, "protected", &protected) ||
	    !json_get_text(j, "signature", &signature) ||
	    base64url_get(payload, &r->payload) ||
	    base64url_get(signature, &r->signature))
		return bad(why, "this is no JSON web signature with one "
		    "signature");
	/* What counts must be signed. */
	if (!json_names_are(header, inside, true) ||
	    json_object_get(header, "alg") || json_object_get(header, "crit") ||
	    !json_get_text(header, inside[1], &agent) ||
	    !get_agent(r, agent))
		return bad(why, "the signature's unprotected header is "
		    "malformed");
	if (!read_x5c(r, json_object_get(header, "x5c")))
		return bad(why, "the signature's certificates are malformed");
	buf_init(&json, NOTARY_HEADER_MAX);
	if (base64url_get(protected, &json))
		err = bad(why, "the signature's header is malformed");
	else
		err = notary_read_json(buf_view(&json), &r->header, why);
	buf_free(&json);
	if (err)
		return err;
	return notaryenv_put_input(&r->input, NOTARYENV_JWS, protected,
	    payload);
}

static bool
take_x5chain(struct notaryenv_read *r, struct view *v)
{
	struct cbor list, c;

	if (r->chain || !cbor_get(v, &list))
		return false;
	if (list.type == CBOR_BYTES)
		return add_cert(r, list.bytes);
	if (list.type != CBOR_ARRAY || list.number == 0)
		return false;
	for (; list.number > 0; list.number--)
		if (!cbor_get_type(v, CBOR_BYTES, &c) ||
		    !add_cert(r, c.bytes))
			return false;
	return true;
}

static bool
take_unprotected(struct notaryenv_read *r, struct view *v)
{
	struct cbor map, label, c;

	if (!cbor_get_type(v, CBOR_MAP, &map))
		return false;
	for (; map.number > 0; map.number--) {
		if (!cbor_get(v, &label))
			return false;
		if (label.type == CBOR_NUMBER) {
			if (label.number != COSE_X5CHAIN ||
			    !take_x5chain(r, v))
				return false;
		} else if (cbor_is_text(&label,
		    NOTARY_KEY("signingAgent"))) {
			if (!cbor_get_type(v, CBOR_TEXT, &c) ||
			    !get_agent(r, c.bytes))
				return false;
		} else if (label.type != CBOR_TEXT || !cbor_skip(v)) {
			return false;
		}
	}
	return r->chain != NULL;
}

static gpg_error_t
read_cose(struct notaryenv_read *r, struct view v, const char **why)
{
	struct cbor tag, array, protected, payload, signature;
	gpg_error_t err;

	if (!cbor_get_type(&v, CBOR_TAG, &tag) || tag.number != COSE_SIGN1 ||
	    !cbor_get_type(&v, CBOR_ARRAY, &array) || array.number != 4 ||
	    !cbor_get_type(&v, CBOR_BYTES, &protected))
		return bad(why, "this is no COSE message with one signature");
	if (!take_unprotected(r, &v))
		return bad(why, "the signature's unprotected header is "
		    "malformed");
	if (!cbor_get_type(&v, CBOR_BYTES, &payload) ||
	    !cbor_get_type(&v, CBOR_BYTES, &signature) || v.len > 0 ||
	    payload.bytes.len > NOTARY_PAYLOAD_MAX ||
	    signature.bytes.len > SIGNATURE_MAX)
		return bad(why, "the signature is malformed");
	if ((err = notary_read_cbor(protected.bytes, &r->header, why)) ||
	    (err = buf_put_view(&r->payload, payload.bytes)) ||
	    (err = buf_put_view(&r->signature, signature.bytes)))
		return err;
	return notaryenv_put_input(&r->input, NOTARYENV_COSE,
	    protected.bytes, payload.bytes);
}

gpg_error_t
notaryenv_read(struct notaryenv_read *r, enum notaryenv_form form,
    struct view v, const char **why)
{
	json_t *j = NULL;
	gpg_error_t err;

	*r = (struct notaryenv_read){ .chain = NULL };
	*why = NULL;
	buf_init(&r->payload, NOTARY_PAYLOAD_MAX);
	buf_init(&r->input, NOTARYENV_MAX);
	buf_init(&r->signature, SIGNATURE_MAX);
	if (v.len > NOTARYENV_MAX)
		err = bad(why, "the signature is too large");
	else if (form == NOTARYENV_COSE)
		err = read_cose(r, v, why);
	else if (!(err = json_read(v, &j, why)))
		err = read_jws(r, j, why);
	json_decref(j);
	if (err && !*why)
		*why = "there is not enough memory";
	if (err)
		notaryenv_read_free(r);
	return err;
}

void
notaryenv_read_free(struct notaryenv_read *r)
{
	buf_free(&r->payload);
	buf_free(&r->input);
	buf_free(&r->signature);
	attest_certs_free(&r->chain);
	*r = (struct notaryenv_read){ .chain = NULL };
}

static gpg_error_t
tell(char why[ATTEST_WHY], gpg_err_code_t code, const char *text)
{
	text_clean(why, ATTEST_WHY, view_str(text));
	return gpg_error(code);
}

static gpg_error_t
check_signature(const struct notaryenv_read *r, const struct pubkey *key,
    char why[ATTEST_WHY])
{
	const char *algorithm = notaryenv_algorithm(key);
	struct view input = buf_view(&r->input);

	if (!algorithm || strcmp(algorithm, r->header.algorithm))
		return tell(why, GPG_ERR_BAD_SIGNATURE, "the signature's "
		    "algorithm is not the one of its key");
	if (rawsig_check(key, RAWSIG_NOTARY, HASH_NONE, &input, 1,
	    buf_view(&r->signature)))
		return tell(why, GPG_ERR_BAD_SIGNATURE, "the signature is "
		    "wrong");
	return 0;
}

gpg_error_t
notaryenv_verify(const struct notaryenv_read *r,
    const struct attest_certs *roots, uint64_t now, struct pubkey **key,
    char why[ATTEST_WHY])
{
	const struct notary_header *h = &r->header;
	gpg_error_t err;

	*key = NULL;
	why[0] = 0;
	if (h->signed_at < 0 || (uint64_t)h->signed_at > now)
		return tell(why, GPG_ERR_TIME_CONFLICT, "the signature is "
		    "from the future");
	if (h->expires != 0 && (h->expires < 0 ||
	    (uint64_t)h->expires <= now))
		return tell(why, GPG_ERR_SIG_EXPIRED, "the signature has "
		    "expired");
	if ((err = codesign_verify(r->chain, roots, (uint64_t)h->signed_at,
	    why)) || (err = codesign_verify(r->chain, roots, now, why)))
		return err;
	if (certs_get_key(r->chain->certs[0], key))
		return tell(why, GPG_ERR_PUBKEY_ALGO, "the certificate's key "
		    "is of a kind that cannot be used");
	if ((err = check_signature(r, *key, why)))
		pubkey_free(key);
	return err;
}
