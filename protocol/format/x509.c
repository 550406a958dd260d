/* A key's own X.509 certificate, and requests for one, in DER. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/key.h"
#include "format/x509.h"
#include "wire/text.h"

#define TBS_MAX 2048		/* bytes; an RSA-4096 key takes some 550 */
#define DN_MAX (X509_CODE_SUBJECT_MAX + 32)

enum {
	DER_INTEGER = 0x02,
	DER_BITS = 0x03,
	DER_UTF8 = 0x0c,
	DER_UTC = 0x17,
	DER_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_ATTRIBUTES = 0xa0,
	DER_EXTENSIONS = 0xa3,
};

struct x509 {
	const struct pubkey *key;
	struct buf tbs;
	struct view algorithm;		/* AlgorithmIdentifier, DER */
};

static void
der_put(struct buf *b, uint8_t tag, struct view v)
{
	buf_put_u8(b, tag);
	if (v.len > 0xff) {
		buf_put_u8(b, 0x82);
		buf_put_u16(b, (uint16_t)v.len);
	} else {
		if (v.len > 0x7f)
			buf_put_u8(b, 0x81);
		buf_put_u8(b, (uint8_t)v.len);
	}
	buf_put_view(b, v);
}

/* Puts what `inside` has gathered, and empties it. */
static void
der_wrap(struct buf *b, uint8_t tag, struct buf *inside)
{
	der_put(b, tag, buf_view(inside));
	if (buf_error(inside) && !b->err)
		b->err = buf_error(inside);
	buf_reset(inside);
}

/* RFC 5758, RFC 8017 (appendix C), RFC 8410. */
static struct view
algorithm_of(const struct pubkey *key)
{
	static const uint8_t
	    ecdsa256[] = { 0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d,
		    4, 3, 2 },
	    ecdsa384[] = { 0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d,
		    4, 3, 3 },
	    ecdsa512[] = { 0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d,
		    4, 3, 4 },
	    rsa256[] = { 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		    1, 1, 0x0b, 5, 0 },
	    rsa512[] = { 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		    1, 1, 0x0d, 5, 0 },
	    ed25519[] = { 0x30, 5, 6, 3, 0x2b, 0x65, 0x70 };

	switch (pubkey_algorithm(key)) {
	case ALGO_P256:
		return view_of(ecdsa256, sizeof(ecdsa256));
	case ALGO_P384:
		return view_of(ecdsa384, sizeof(ecdsa384));
	case ALGO_P521:
		return view_of(ecdsa512, sizeof(ecdsa512));
	case ALGO_ED25519:
		return view_of(ed25519, sizeof(ed25519));
	default:
		return pubkey_hash(key) == HASH_SHA512 ?
		    view_of(rsa512, sizeof(rsa512)) :
		    view_of(rsa256, sizeof(rsa256));
	}
}

/* One common name. */
static void
put_name(struct buf *b, struct view name)
{
	static const uint8_t common_name[] = { 6, 3, 0x55, 4, 3 };
	struct buf pair, set, all;

	buf_init(&pair, DN_MAX);
	buf_init(&set, DN_MAX);
	buf_init(&all, DN_MAX);
	buf_put(&pair, common_name, sizeof(common_name));
	der_put(&pair, DER_UTF8, name);
	der_wrap(&set, DER_SEQUENCE, &pair);
	der_wrap(&all, DER_SET, &set);
	der_wrap(b, DER_SEQUENCE, &all);
	buf_free(&pair);
	buf_free(&set);
	buf_free(&all);
}

/* UTCTime until 2049, then GeneralizedTime (RFC 5280, 4.1.2.5). */
static void
put_time(struct buf *b, uint32_t seconds)
{
	time_t at = (time_t)seconds;
	char text[32];
	struct tm tm;
	bool utc;

	if (!gmtime_r(&at, &tm)) {
		b->err = gpg_error(GPG_ERR_INV_TIME);
		return;
	}
	utc = tm.tm_year < 150;
	strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
	der_put(b, utc ? DER_UTC : DER_TIME, view_str(text + (utc ? 2 : 0)));
}

static void
put_validity(struct buf *b, uint32_t created, uint32_t expires_after)
{
	struct buf inside;

	buf_init(&inside, 64);
	put_time(&inside, created);
	if (expires_after)
		put_time(&inside, created + expires_after);
	else
		der_put(&inside, DER_TIME, view_str("99991231235959Z"));
	der_wrap(b, DER_SEQUENCE, &inside);
	buf_free(&inside);
}

/*
 * Not an authority; signs; both critical.  And what for, where that is told:
 * code, as the Notary Project has it.
 */
static void
put_extensions(struct buf *b, bool code)
{
	static const uint8_t signs[] = {
		0x30, 0x0c, 6, 3, 0x55, 0x1d, 0x13, 1, 1, 0xff, 4, 2, 0x30, 0,
		0x30, 0x0e, 6, 3, 0x55, 0x1d, 0x0f, 1, 1, 0xff, 4, 4, 3, 2, 7,
		0x80,
	};
	static const uint8_t what[] = {
		0x30, 0x13, 6, 3, 0x55, 0x1d, 0x25, 4, 0x0c, 0x30, 0x0a, 6, 8,
		0x2b, 6, 1, 5, 5, 7, 3, 3,
	};
	struct buf inside;

	buf_init(&inside, 128);
	buf_put(&inside, signs, sizeof(signs));
	if (code)
		buf_put(&inside, what, sizeof(what));
	der_wrap(b, DER_SEQUENCE, &inside);
	buf_free(&inside);
}

/* Positive, and as good as unique: of the key and of when. */
static gpg_error_t
put_serial(struct buf *b, const struct pubkey *key, uint32_t created)
{
	uint8_t hash[64], when[4] = { (uint8_t)(created >> 24),
		(uint8_t)(created >> 16), (uint8_t)(created >> 8),
		(uint8_t)created };
	struct view parts[] = { pubkey_id(key), view_of(when, sizeof(when)) };
	gpg_error_t err;
	size_t len;

	if ((err = hash_bytes(HASH_SHA256, parts, 2, hash, &len)))
		return err;
	hash[0] = (uint8_t)((hash[0] & 0x7f) | 0x40);
	der_put(b, DER_INTEGER, view_of(hash, 16));
	return 0;
}

static gpg_error_t
put_tbs(struct x509 *x, struct view subject, uint32_t created,
    uint32_t expires_after, bool code)
{
	static const uint8_t version3[] = { 0xa0, 3, DER_INTEGER, 1, 2 };
	struct buf inside, extensions;
	gpg_error_t err;

	buf_init(&inside, TBS_MAX);
	buf_init(&extensions, 128);
	buf_put(&inside, version3, sizeof(version3));
	if (!(err = put_serial(&inside, x->key, created))) {
		buf_put_view(&inside, x->algorithm);
		put_name(&inside, subject);
		put_validity(&inside, created, expires_after);
		put_name(&inside, subject);
		buf_put_view(&inside, pubkey_spki(x->key));
		put_extensions(&extensions, code);
		der_wrap(&inside, DER_EXTENSIONS, &extensions);
		der_wrap(&x->tbs, DER_SEQUENCE, &inside);
		err = buf_error(&x->tbs);
	}
	buf_free(&inside);
	buf_free(&extensions);
	return err;
}

/* The request's attribute that asks for them (RFC 2985, 5.4.2). */
static void
put_asked(struct buf *b)
{
	static const uint8_t extension_request[] = { 6, 9, 0x2a, 0x86, 0x48,
		0x86, 0xf7, 0x0d, 1, 9, 0x0e };
	struct buf extensions, attribute, all;

	buf_init(&extensions, 128);
	buf_init(&attribute, 256);
	buf_init(&all, 256);
	put_extensions(&extensions, true);
	buf_put(&attribute, extension_request, sizeof(extension_request));
	der_wrap(&attribute, DER_SET, &extensions);
	der_wrap(&all, DER_SEQUENCE, &attribute);
	der_wrap(b, DER_ATTRIBUTES, &all);
	buf_free(&extensions);
	buf_free(&attribute);
	buf_free(&all);
}

/* RFC 2986, section 4. */
static gpg_error_t
put_request(struct x509 *x, struct view subject)
{
	static const uint8_t version1[] = { DER_INTEGER, 1, 0 };
	struct buf inside;

	buf_init(&inside, TBS_MAX);
	buf_put(&inside, version1, sizeof(version1));
	put_name(&inside, subject);
	buf_put_view(&inside, pubkey_spki(x->key));
	put_asked(&inside);
	der_wrap(&x->tbs, DER_SEQUENCE, &inside);
	buf_free(&inside);
	return buf_error(&x->tbs);
}

/* What is to be made: a certificate, or a request for one. */
struct wanted {
	bool request, code;
	uint32_t created, expires_after;
};

static gpg_error_t
begin(struct x509 **out, struct signing *signing, const struct pubkey *key,
    const char *subject, const struct wanted *w)
{
	struct view name = view_str(subject), tbs;
	struct x509 *x;
	gpg_error_t err;

	*out = NULL;
	if (name.len == 0 || !text_is_clean(name) || name.len > (w->code ?
	    X509_CODE_SUBJECT_MAX : X509_SUBJECT_MAX))
		return gpg_error(GPG_ERR_INV_NAME);
	if (!w->request && (w->created == 0 ||
	    w->expires_after > UINT32_MAX - w->created))
		return gpg_error(GPG_ERR_INV_TIME);
	if (!(x = calloc(1, sizeof(*x))))
		return gpg_error(GPG_ERR_ENOMEM);
	x->key = key;
	x->algorithm = algorithm_of(key);
	buf_init(&x->tbs, TBS_MAX);
	err = w->request ? put_request(x, name) :
	    put_tbs(x, name, w->created, w->expires_after, w->code);
	if (!err) {
		tbs = buf_view(&x->tbs);
		err = signing_begin(signing, key,
		    pubkey_algorithm(key) == ALGO_ED25519 ? HASH_NONE :
		    pubkey_hash(key), &tbs, 1);
	}
	if (err)
		x509_free(&x);
	*out = x;
	return err;
}

gpg_error_t
x509_begin(struct x509 **out, struct signing *signing,
    const struct pubkey *key, const char *subject, uint32_t created,
    uint32_t expires_after)
{
	return begin(out, signing, key, subject, &(struct wanted){
	    .created = created, .expires_after = expires_after });
}

gpg_error_t
x509_begin_code(struct x509 **out, struct signing *signing,
    const struct pubkey *key, const char *subject, uint32_t created,
    uint32_t expires_after)
{
	return begin(out, signing, key, subject, &(struct wanted){
	    .code = true, .created = created,
	    .expires_after = expires_after });
}

gpg_error_t
x509_begin_request(struct x509 **out, struct signing *signing,
    const struct pubkey *key, const char *subject)
{
	return begin(out, signing, key, subject, &(struct wanted){
	    .request = true });
}

void
x509_free(struct x509 **xp)
{
	if (!*xp)
		return;
	buf_free(&(*xp)->tbs);
	free(*xp);
	*xp = NULL;
}

/* ECDSA's r || s becomes a SEQUENCE; the others are as they are. */
static void
put_signature(struct buf *b, const struct pubkey *key, struct view sig)
{
	size_t field = algorithm_field(pubkey_algorithm(key));
	struct buf bits;

	buf_init(&bits, 1024);
	buf_put_u8(&bits, 0);
	if (field > 0 && sig.len == 2 * field)
		ecdsa_put_der(&bits, sig);
	else
		buf_put_view(&bits, sig);
	der_wrap(b, DER_BITS, &bits);
	buf_free(&bits);
}

gpg_error_t
x509_finish(const struct x509 *x, struct view signature, struct buf *der)
{
	struct buf inside;

	buf_init(&inside, TBS_MAX + 1024);
	buf_put_view(&inside, buf_view(&x->tbs));
	buf_put_view(&inside, x->algorithm);
	put_signature(&inside, x->key, signature);
	der_wrap(der, DER_SEQUENCE, &inside);
	buf_free(&inside);
	return buf_error(der);
}
