/* The Notary Project's envelopes, made. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/certs.h"
#include "format/codesign.h"
#include "format/rawsig.h"
#include "object/cbor.h"
#include "wire/base64.h"
#include "wire/text.h"

#define COSE_SIGN1 18
#define COSE_X5CHAIN 33
#define TIME_MAX_SECONDS 253402300799	/* the end of 9999 */
#define KEY_SCHEME NOTARY_KEY("signingScheme")
#define KEY_TIME NOTARY_KEY("signingTime")
#define KEY_EXPIRY NOTARY_KEY("expiry")

struct notaryenv {
	const struct pubkey *key;
	enum notaryenv_form form;
	struct buf header;	/* JWS: as base64url */
	struct buf payload;	/* the same */
};

const char *
notaryenv_algorithm(const struct pubkey *key)
{
	bool rsa = pubkey_exponent(key).len > 0;

	switch (rawsig_hash(key, RAWSIG_NOTARY)) {
	case HASH_SHA256:
		return rsa ? "PS256" : "ES256";
	case HASH_SHA384:
		return rsa ? "PS384" : "ES384";
	case HASH_SHA512:
		return rsa ? "PS512" : "ES512";
	case HASH_NONE:
		break;
	}
	return NULL;
}

static void
put_time(struct buf *b, const char *name, uint64_t seconds)
{
	time_t at = (time_t)seconds;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_putf(b, ",\"%s\":\"%s\"", name, text);
}

static gpg_error_t
put_jws_header(struct notaryenv *n, uint64_t now, uint64_t expires)
{
	struct buf json;
	gpg_error_t err;

	buf_init(&json, NOTARY_HEADER_MAX);
	buf_putf(&json, "{\"alg\":\"%s\",\"crit\":[\"" KEY_SCHEME "\"%s],"
	    "\"cty\":\"" NOTARY_PAYLOAD "\",\"" KEY_SCHEME "\":\""
	    NOTARY_SCHEME "\"", notaryenv_algorithm(n->key),
	    expires ? ",\"" KEY_EXPIRY "\"" : "");
	put_time(&json, KEY_TIME, now);
	if (expires)
		put_time(&json, KEY_EXPIRY, expires);
	if (!(err = buf_put_u8(&json, '}')))
		err = base64url_put(&n->header, buf_view(&json));
	buf_free(&json);
	return err;
}

static void
put_cose_time(struct buf *b, const char *name, uint64_t seconds)
{
	cbor_put_text(b, name);
	cbor_put(b, CBOR_TAG, 1);
	cbor_put(b, CBOR_NUMBER, seconds);
}

/* The labels in the order of RFC 8949, 4.2.1. */
static gpg_error_t
put_cose_header(struct notaryenv *n, uint64_t now, uint64_t expires)
{
	struct buf *b = &n->header;
	int64_t algorithm = notary_to_cose(notaryenv_algorithm(n->key));

	cbor_put(b, CBOR_MAP, expires ? 6 : 5);
	cbor_put(b, CBOR_NUMBER, 1);
	cbor_put(b, CBOR_NEGATIVE, (uint64_t)(-1 - algorithm));
	cbor_put(b, CBOR_NUMBER, 2);
	cbor_put(b, CBOR_ARRAY, expires ? 2 : 1);
	cbor_put_text(b, KEY_SCHEME);
	if (expires)
		cbor_put_text(b, KEY_EXPIRY);
	cbor_put(b, CBOR_NUMBER, 3);
	cbor_put_text(b, NOTARY_PAYLOAD);
	if (expires)
		put_cose_time(b, KEY_EXPIRY, expires);
	put_cose_time(b, KEY_TIME, now);
	cbor_put_text(b, KEY_SCHEME);
	return cbor_put_text(b, NOTARY_SCHEME);
}

gpg_error_t
notaryenv_put_input(struct buf *b, enum notaryenv_form form,
    struct view header, struct view payload)
{
	if (form == NOTARYENV_JWS) {
		buf_put_view(b, header);
		buf_put_u8(b, '.');
		return buf_put_view(b, payload);
	}
	cbor_put(b, CBOR_ARRAY, 4);
	cbor_put_text(b, "Signature1");
	cbor_put_bytes(b, header);
	cbor_put_bytes(b, view_of(NULL, 0));
	return cbor_put_bytes(b, payload);
}

static gpg_error_t
begin(struct notaryenv *n, struct signing *s, struct view payload,
    uint64_t now, uint64_t expires)
{
	bool jws = n->form == NOTARYENV_JWS;
	struct buf input;
	struct view part;
	gpg_error_t err;

	if ((err = jws ? put_jws_header(n, now, expires) :
	    put_cose_header(n, now, expires)) ||
	    (err = jws ? base64url_put(&n->payload, payload) :
	    buf_put_view(&n->payload, payload)))
		return err;
	buf_init(&input, NOTARYENV_MAX);
	if (!(err = notaryenv_put_input(&input, n->form,
	    buf_view(&n->header), buf_view(&n->payload)))) {
		part = buf_view(&input);
		err = rawsig_begin(s, n->key, RAWSIG_NOTARY, HASH_NONE,
		    &part, 1);
	}
	buf_free(&input);
	return err;
}

gpg_error_t
notaryenv_begin(struct notaryenv **out, struct signing *s,
    const struct pubkey *key, enum notaryenv_form form, struct view payload,
    uint64_t now, uint64_t expires)
{
	struct notaryenv *n;
	gpg_error_t err;

	*out = NULL;
	*s = (struct signing){ 0 };
	if (!notaryenv_algorithm(key))
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	if (now == 0 || now > TIME_MAX_SECONDS ||
	    expires > TIME_MAX_SECONDS || (expires && expires <= now))
		return gpg_error(GPG_ERR_INV_TIME);
	if (payload.len > NOTARY_PAYLOAD_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if (!(n = calloc(1, sizeof(*n))))
		return gpg_error(GPG_ERR_ENOMEM);
	n->key = key;
	n->form = form;
	buf_init(&n->header, 2 * NOTARY_HEADER_MAX);
	buf_init(&n->payload, NOTARYENV_MAX);
	if ((err = begin(n, s, payload, now, expires)))
		notaryenv_free(&n);
	*out = n;
	return err;
}

void
notaryenv_free(struct notaryenv **n)
{
	if (!*n)
		return;
	buf_free(&(*n)->header);
	buf_free(&(*n)->payload);
	free(*n);
	*n = NULL;
}

/* The certificate is the key's. */
static gpg_error_t
check_first(const struct notaryenv *n, const struct attest_certs *chain)
{
	struct pubkey *key;
	bool same;

	if (!chain || chain->count == 0 ||
	    chain->count > NOTARYENV_CERTS_MAX ||
	    certs_get_key(chain->certs[0], &key))
		return gpg_error(GPG_ERR_BAD_CERT);
	same = view_eq(pubkey_id(key), pubkey_id(n->key));
	pubkey_free(&key);
	return same ? 0 : gpg_error(GPG_ERR_BAD_CERT);
}

/* Nothing in it needs an escape. */
static bool
is_agent(const char *text)
{
	return *text && strlen(text) < NOTARYENV_AGENT_MAX &&
	    !strpbrk(text, "\"\\") && text_is_clean(view_str(text));
}

static gpg_error_t
put_certs(struct buf *b, const struct attest_certs *chain, bool jws)
{
	struct buf der;
	gpg_error_t err = 0;

	buf_init(&der, ATTEST_CERT_MAX);
	for (size_t i = 0; i < chain->count && !err; i++) {
		buf_reset(&der);
		if ((err = certs_put_der(chain->certs[i], &der)))
			break;
		if (!jws) {
			err = cbor_put_bytes(b, buf_view(&der));
			continue;
		}
		buf_put_text(b, i > 0 ? ",\"" : "\"");
		base64_put(b, buf_view(&der));
		err = buf_put_u8(b, '"');
	}
	buf_free(&der);
	return err;
}

static gpg_error_t
finish_jws(const struct notaryenv *n, struct view sig,
    const struct attest_certs *chain, const char *agent, struct buf *b)
{
	gpg_error_t err;

	buf_put_text(b, "{\"payload\":\"");
	buf_put_view(b, buf_view(&n->payload));
	buf_put_text(b, "\",\"protected\":\"");
	buf_put_view(b, buf_view(&n->header));
	buf_put_text(b, "\",\"header\":{\"x5c\":[");
	if ((err = put_certs(b, chain, true)))
		return err;
	buf_putf(b, "],\"" NOTARY_KEY("signingAgent") "\":\"%s\"},"
	    "\"signature\":\"", agent);
	base64url_put(b, sig);
	return buf_put_text(b, "\"}");
}

static gpg_error_t
finish_cose(const struct notaryenv *n, struct view sig,
    const struct attest_certs *chain, const char *agent, struct buf *b)
{
	gpg_error_t err;

	cbor_put(b, CBOR_TAG, COSE_SIGN1);
	cbor_put(b, CBOR_ARRAY, 4);
	cbor_put_bytes(b, buf_view(&n->header));
	cbor_put(b, CBOR_MAP, 2);
	cbor_put(b, CBOR_NUMBER, COSE_X5CHAIN);
	cbor_put(b, CBOR_ARRAY, chain->count);
	if ((err = put_certs(b, chain, false)))
		return err;
	cbor_put_text(b, NOTARY_KEY("signingAgent"));
	cbor_put_text(b, agent);
	cbor_put_bytes(b, buf_view(&n->payload));
	return cbor_put_bytes(b, sig);
}

gpg_error_t
notaryenv_finish(const struct notaryenv *n, struct view sig,
    const struct attest_certs *chain, const char *agent, struct buf *b)
{
	gpg_error_t err;

	if ((err = check_first(n, chain)))
		return err;
	if (!is_agent(agent))
		return gpg_error(GPG_ERR_INV_VALUE);
	return n->form == NOTARYENV_JWS ?
	    finish_jws(n, sig, chain, agent, b) :
	    finish_cose(n, sig, chain, agent, b);
}
