/*
 * The Notary Project's envelopes: what every key signs is read back and
 * verified up to the root, and nothing else is.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/x509v3.h>

#include "format/notaryenv.h"
#include "format/rawsig.h"
#include "object/object.h"
#include "wire/base64.h"
#include "wire/text.h"
#include "../tools/softkey.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

#define NOW 1795321624
#define DAY 86400
#define PAYLOAD "{\"targetArtifact\":{\"mediaType\":\"application/vnd.oci." \
	"image.manifest.v1+json\",\"digest\":\"sha256:44136fa355b3678a1146ad" \
	"16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":16724}}"

static const enum key_algorithm all[] = {
	ALGO_RSA2048, ALGO_RSA3072, ALGO_RSA4096, ALGO_P256, ALGO_P384,
	ALGO_P521,
};
static const char *const names[] = {
	"PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
};
#define ALL COUNT(all)
#define P256 3

struct world {
	EVP_PKEY *evp[ALL], *root;
	struct pubkey *key[ALL];
	X509 *authority;
	struct attest_certs *roots;
};

/* How a certificate may differ from a good one. */
struct shape {
	const char *ca, *usage, *purpose;
	const EVP_MD *md;
	long from, until;	/* seconds from NOW */
};

static const struct shape good_shape = {
	.ca = "critical,CA:FALSE", .usage = "critical,digitalSignature",
	.purpose = "codeSigning", .from = -DAY, .until = DAY,
};

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = value ?
	    X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	if (value)
		assert_non_null(e);
	if (e)
		assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static X509 *
make_cert(EVP_PKEY *subject, const char *name, EVP_PKEY *issuer,
    const char *issuer_name, const struct shape *shape)
{
	X509 *x = X509_new();

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN",
	    MBSTRING_UTF8, (const unsigned char *)issuer_name, -1, -1, 0);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW + shape->from);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + shape->until);
	X509_set_pubkey(x, subject);
	add_extension(x, NID_basic_constraints, shape->ca);
	add_extension(x, NID_key_usage, shape->usage);
	add_extension(x, NID_ext_key_usage, shape->purpose);
	assert_true(X509_sign(x, issuer, shape->md ? shape->md :
	    EVP_sha256()) > 0);
	return x;
}

static void
add_cert(struct attest_certs **certs, X509 *x)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);

	assert_code(attest_certs_add(certs, view_of(der, (size_t)len)), 0);
	OPENSSL_free(der);
}

static int
make_world(void **state)
{
	static const struct shape root = { .ca = "critical,CA:TRUE",
		.usage = "critical,keyCertSign", .from = -10 * DAY,
		.until = 10 * DAY };
	struct world *w = calloc(1, sizeof(*w));

	w->root = softkey_new(ALGO_P384);
	w->authority = make_cert(w->root, "root", w->root, "root", &root);
	add_cert(&w->roots, w->authority);
	for (size_t i = 0; i < ALL; i++) {
		w->evp[i] = softkey_new(all[i]);
		w->key[i] = softkey_public(w->evp[i]);
	}
	*state = w;
	return 0;
}

static int
free_world(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ALL; i++) {
		EVP_PKEY_free(w->evp[i]);
		pubkey_free(&w->key[i]);
	}
	EVP_PKEY_free(w->root);
	X509_free(w->authority);
	attest_certs_free(&w->roots);
	free(w);
	return 0;
}

/* The key's certificate by the root, and the root's. */
static struct attest_certs *
make_chain(struct world *w, size_t i, const struct shape *shape)
{
	X509 *x = make_cert(w->evp[i], "signer", w->root, "root", shape);
	struct attest_certs *chain = NULL;

	add_cert(&chain, x);
	add_cert(&chain, w->authority);
	X509_free(x);
	return chain;
}

static void
make(struct world *w, size_t i, enum notaryenv_form form,
    const struct attest_certs *chain, uint64_t now, uint64_t expires,
    struct buf *out)
{
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	struct notaryenv *n;
	struct signing s;
	size_t len;

	assert_code(notaryenv_begin(&n, &s, w->key[i], form,
	    view_str(PAYLOAD), now, expires), 0);
	len = softkey_sign(w->evp[i], &s, raw);
	assert_code(signing_check(&s, w->key[i], view_of(raw, len)), 0);
	assert_code(notaryenv_finish(n, view_of(raw, len), chain,
	    "touchstone/1.0", out), 0);
	notaryenv_free(&n);
	assert_null(n);
	signing_free(&s);
}

static gpg_error_t
check(struct world *w, enum notaryenv_form form, struct view v, uint64_t now,
    const struct pubkey *wanted)
{
	uint8_t *copy = malloc(v.len ? v.len : 1);
	char why[ATTEST_WHY];
	struct notaryenv_read r;
	struct pubkey *key = NULL;
	const char *problem;
	gpg_error_t err;

	memcpy(copy, v.p, v.len);
	err = notaryenv_read(&r, form, view_of(copy, v.len), &problem);
	assert_int_equal(!err, !problem);
	if (!err) {
		err = notaryenv_verify(&r, w->roots, now, &key, why);
		assert_int_equal(!err, !why[0]);
		assert_true(text_is_clean(view_str(why)));
		assert_int_equal(!err, key != NULL);
	}
	if (!err) {
		assert_true(view_eq_str(buf_view(&r.payload), PAYLOAD));
		assert_true(view_eq(pubkey_id(key), pubkey_id(wanted)));
	}
	pubkey_free(&key);
	notaryenv_read_free(&r);
	free(copy);
	return err;
}

static void
test_every_key_signs_both_forms(void **state)
{
	struct world *w = *state;
	struct notaryenv_read r;
	const char *why;
	struct object o;
	struct buf b;

	for (size_t i = 0; i < 2 * ALL; i++) {
		enum notaryenv_form form = i % 2;
		struct attest_certs *chain = make_chain(w, i / 2,
		    &good_shape);

		buf_init(&b, NOTARYENV_MAX);
		make(w, i / 2, form, chain, NOW, i == 2 ? NOW + 60 : 0, &b);
		assert_code(check(w, form, buf_view(&b), NOW, w->key[i / 2]),
		    0);
		assert_code(notaryenv_read(&r, form, buf_view(&b), &why), 0);
		assert_string_equal(r.header.algorithm, names[i / 2]);
		assert_int_equal(r.header.signed_at, NOW);
		assert_int_equal(r.header.expires, i == 2 ? NOW + 60 : 0);
		assert_string_equal(r.agent, "touchstone/1.0");
		assert_int_equal(attest_certs_count(r.chain), 2);
		/* What a plugin is given to sign is known for what it is. */
		assert_code(object_read(buf_view(&r.input), &o, &why), 0);
		assert_int_equal(o.kind, OBJECT_NOTATION);
		assert_int_equal(o.image.wrapping, form == NOTARYENV_JWS ?
		    WRAP_JWS : WRAP_COSE);
		assert_string_equal(o.image.algorithm, names[i / 2]);
		notaryenv_read_free(&r);
		/* And one form is not the other. */
		assert_code(check(w, !form, buf_view(&b), NOW, NULL),
		    GPG_ERR_BAD_DATA);
		buf_free(&b);
		attest_certs_free(&chain);
	}
}

static void
test_keys_that_cannot_sign_are_told(void **state)
{
	EVP_PKEY *evp = softkey_new(ALGO_ED25519);
	struct pubkey *key = softkey_public(evp);
	struct notaryenv *n;
	struct signing s;

	assert_null(notaryenv_algorithm(key));
	assert_code(notaryenv_begin(&n, &s, key, NOTARYENV_JWS,
	    view_str(PAYLOAD), NOW, 0), GPG_ERR_PUBKEY_ALGO);
	assert_null(n);
	pubkey_free(&key);
	EVP_PKEY_free(evp);
}

static void
test_what_is_not_signed_may_differ_and_nothing_else(void **state)
{
	struct world *w = *state;
	struct attest_certs *chain = make_chain(w, P256, &good_shape);
	struct buf b;
	size_t passed;

	for (int form = 0; form < 2; form++) {
		buf_init(&b, NOTARYENV_MAX);
		make(w, P256, form, chain, NOW, 0, &b);
		for (size_t n = 0; n < buf_len(&b); n++)
			assert_int_not_equal(check(w, form,
			    view_of(buf_view(&b).p, n), NOW, w->key[P256]), 0);
		passed = 0;
		for (size_t n = 0; n < buf_len(&b); n++) {
			/* check() says that payload and key are the same. */
			b.data[b.off + n] ^= 0x01;
			passed += !check(w, form, buf_view(&b), NOW,
			    w->key[P256]);
			b.data[b.off + n] ^= 0x01;
		}
		/* The program's name; a label; the spare root. */
		assert_true(passed < 1200);
		buf_put_u8(&b, ' ');
		assert_code(check(w, form, buf_view(&b), NOW, w->key[P256]),
		    form == NOTARYENV_JWS ? GPG_ERR_NO_ERROR :
		    GPG_ERR_BAD_DATA);
		buf_put_u8(&b, '0');
		assert_code(check(w, form, buf_view(&b), NOW, w->key[P256]),
		    GPG_ERR_BAD_DATA);
		buf_free(&b);
	}
	attest_certs_free(&chain);
}

static void
test_times_are_heeded(void **state)
{
	static const struct {
		long signed_at, expires, now;
		gpg_err_code_t code;
	} c[] = {
		{ 0, 0, 0, GPG_ERR_NO_ERROR },
		{ 0, 0, DAY - 1, GPG_ERR_NO_ERROR },
		{ 0, 0, DAY + 2, GPG_ERR_CERT_EXPIRED },
		{ 0, 60, 59, GPG_ERR_NO_ERROR },
		{ 0, 60, 60, GPG_ERR_SIG_EXPIRED },
		{ 1, 0, 0, GPG_ERR_TIME_CONFLICT },
		{ -DAY - 2, 0, 0, GPG_ERR_CERT_TOO_YOUNG },
	};
	struct world *w = *state;
	struct attest_certs *chain = make_chain(w, P256, &good_shape);
	struct notaryenv *n;
	struct signing s;
	struct buf b;

	for (size_t i = 0; i < COUNT(c) * 2; i++) {
		buf_init(&b, NOTARYENV_MAX);
		make(w, P256, i % 2, chain, (uint64_t)(NOW +
		    c[i / 2].signed_at), c[i / 2].expires ? (uint64_t)(NOW +
		    c[i / 2].expires) : 0, &b);
		assert_code(check(w, i % 2, buf_view(&b), (uint64_t)(NOW +
		    c[i / 2].now), w->key[P256]), c[i / 2].code);
		buf_free(&b);
	}
	assert_code(notaryenv_begin(&n, &s, w->key[P256], NOTARYENV_JWS,
	    view_str(PAYLOAD), NOW, NOW), GPG_ERR_INV_TIME);
	assert_code(notaryenv_begin(&n, &s, w->key[P256], NOTARYENV_JWS,
	    view_str(PAYLOAD), 0, 0), GPG_ERR_INV_TIME);
	attest_certs_free(&chain);
}

static void
test_certificates_are_for_signing_code(void **state)
{
	static const struct {
		const char *ca, *usage, *purpose;
		bool good;
	} c[] = {
		{ NULL, "critical,digitalSignature", NULL, true },
		{ NULL, "critical,digitalSignature,nonRepudiation",
		    "codeSigning", true },
		{ NULL, "critical,digitalSignature", "codeSigning,1.2.3.4",
		    true },
		{ NULL, "digitalSignature", NULL, false },
		{ NULL, NULL, NULL, false },
		{ NULL, "critical,nonRepudiation", NULL, false },
		{ NULL, "critical,digitalSignature,keyEncipherment", NULL,
		    false },
		{ NULL, "critical,digitalSignature,keyCertSign", NULL, false },
		{ "CA:TRUE", "critical,digitalSignature", NULL, false },
		{ NULL, "critical,digitalSignature", "serverAuth", false },
		{ NULL, "critical,digitalSignature", "1.2.3.4", false },
		{ NULL, "critical,digitalSignature",
		    "codeSigning,clientAuth", false },
		{ NULL, "critical,digitalSignature",
		    "codeSigning,timeStamping", false },
		{ NULL, "critical,digitalSignature",
		    "codeSigning,emailProtection", false },
	};
	struct world *w = *state;
	struct buf b;

	for (size_t i = 0; i < COUNT(c); i++) {
		struct shape shape = { c[i].ca, c[i].usage, c[i].purpose,
			NULL, -DAY, DAY };
		struct attest_certs *chain = make_chain(w, P256, &shape);

		buf_init(&b, NOTARYENV_MAX);
		make(w, P256, NOTARYENV_COSE, chain, NOW, 0, &b);
		assert_code(check(w, NOTARYENV_COSE, buf_view(&b), NOW,
		    w->key[P256]), c[i].good ? GPG_ERR_NO_ERROR :
		    GPG_ERR_WRONG_KEY_USAGE);
		buf_free(&b);
		attest_certs_free(&chain);
	}
}

static void
test_only_the_given_root_counts(void **state)
{
	struct world *w = *state, other = *w;
	struct shape weak = good_shape;
	struct attest_certs *chain;
	struct buf b;
	X509 *x;

	/* Whoever calls himself root. */
	x = make_cert(w->evp[4], "root", w->evp[4], "root",
	    &(struct shape){ .ca = "critical,CA:TRUE",
	    .usage = "critical,keyCertSign", .from = -DAY, .until = DAY });
	other.roots = NULL;
	add_cert(&other.roots, x);
	X509_free(x);
	chain = make_chain(w, P256, &good_shape);
	buf_init(&b, NOTARYENV_MAX);
	make(w, P256, NOTARYENV_JWS, chain, NOW, 0, &b);
	assert_code(check(w, NOTARYENV_JWS, buf_view(&b), NOW, w->key[P256]),
	    0);
	assert_code(check(&other, NOTARYENV_JWS, buf_view(&b), NOW, NULL),
	    GPG_ERR_BAD_CERT_CHAIN);
	attest_certs_free(&other.roots);
	assert_code(check(&other, NOTARYENV_JWS, buf_view(&b), NOW, NULL),
	    GPG_ERR_BAD_CERT_CHAIN);
	buf_free(&b);
	attest_certs_free(&chain);

	/* A certificate that was signed with SHA-1. */
	weak.md = EVP_sha1();
	chain = make_chain(w, P256, &weak);
	buf_init(&b, NOTARYENV_MAX);
	make(w, P256, NOTARYENV_JWS, chain, NOW, 0, &b);
	assert_code(check(w, NOTARYENV_JWS, buf_view(&b), NOW, NULL),
	    GPG_ERR_BAD_CERT_CHAIN);
	buf_free(&b);
	attest_certs_free(&chain);
}

static void
test_who_signs_for_himself_is_trusted_by_name(void **state)
{
	struct world *w = *state, other = *w;
	X509 *x = make_cert(w->evp[P256], "me", w->evp[P256], "me",
	    &good_shape);
	struct attest_certs *chain = NULL;
	struct buf b;

	add_cert(&chain, x);
	X509_free(x);
	other.roots = chain;
	buf_init(&b, NOTARYENV_MAX);
	make(w, P256, NOTARYENV_JWS, chain, NOW, 0, &b);
	assert_code(check(&other, NOTARYENV_JWS, buf_view(&b), NOW,
	    w->key[P256]), 0);
	assert_code(check(w, NOTARYENV_JWS, buf_view(&b), NOW, NULL),
	    GPG_ERR_BAD_CERT_CHAIN);
	buf_free(&b);
	attest_certs_free(&chain);
}

static void
test_the_chain_is_the_keys(void **state)
{
	struct world *w = *state;
	struct attest_certs *chain = make_chain(w, 4, &good_shape);
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	struct notaryenv *n;
	struct signing s;
	struct buf b;
	size_t len;

	buf_init(&b, NOTARYENV_MAX);
	assert_code(notaryenv_begin(&n, &s, w->key[P256], NOTARYENV_JWS,
	    view_str(PAYLOAD), NOW, 0), 0);
	len = softkey_sign(w->evp[P256], &s, raw);
	assert_code(notaryenv_finish(n, view_of(raw, len), chain, "x", &b),
	    GPG_ERR_BAD_CERT);
	assert_code(notaryenv_finish(n, view_of(raw, len), NULL, "x", &b),
	    GPG_ERR_BAD_CERT);
	attest_certs_free(&chain);
	chain = make_chain(w, P256, &good_shape);
	assert_code(notaryenv_finish(n, view_of(raw, len), chain, "a\"b", &b),
	    GPG_ERR_INV_VALUE);
	assert_int_equal(buf_len(&b), 0);
	notaryenv_free(&n);
	signing_free(&s);
	buf_free(&b);
	attest_certs_free(&chain);
}

/* An envelope in which everything is as the caller says. */
static void
put_jws(struct world *w, size_t i, const char *header, bool pkcs1,
    const struct attest_certs *chain, struct buf *out)
{
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	struct buf input, whole, rest;
	struct signing s;
	struct view part, tail;
	const char *at;

	buf_init(&input, 8192);
	base64url_put(&input, view_str(header));
	buf_put_u8(&input, '.');
	base64url_put(&input, view_str(PAYLOAD));
	part = buf_view(&input);
	assert_code(pkcs1 ? signing_begin(&s, w->key[i], HASH_SHA256, &part,
	    1) : rawsig_begin(&s, w->key[i], RAWSIG_NOTARY, HASH_NONE, &part,
	    1), 0);
	/* The certificates as a good one has them. */
	buf_init(&whole, NOTARYENV_MAX);
	make(w, i, NOTARYENV_JWS, chain, NOW, 0, &whole);
	buf_put_u8(&whole, 0);
	at = strstr((const char *)buf_view(&whole).p, "\"header\":");
	tail = view_str(at);
	tail.len = (size_t)(strstr(at, "\"signature\"") - at);
	buf_init(&rest, 4096);
	base64url_put(&rest, view_of(raw, softkey_sign(w->evp[i], &s, raw)));
	buf_put_text(out, "{\"payload\":\"");
	base64url_put(out, view_str(PAYLOAD));
	buf_put_text(out, "\",\"protected\":\"");
	base64url_put(out, view_str(header));
	buf_put_text(out, "\",");
	buf_put_view(out, tail);
	buf_put_text(out, "\"signature\":\"");
	buf_put_view(out, buf_view(&rest));
	buf_put_text(out, "\"}");
	signing_free(&s);
	buf_free(&input);
	buf_free(&whole);
	buf_free(&rest);
}

#define SCHEME "io.cncf.notary.signingScheme"
#define HEADER(alg) "{\"alg\":\"" alg "\",\"cty\":\"" NOTARY_PAYLOAD "\"," \
	"\"crit\":[\"" SCHEME "\"],\"" SCHEME "\":\"notary.x509\"," \
	"\"io.cncf.notary.signingTime\":\"2026-11-22T04:27:04Z\"}"

static void
test_algorithms_are_not_confused(void **state)
{
	static const struct {
		size_t key;
		const char *header;
		bool pkcs1;
		gpg_err_code_t code;
	} c[] = {
		{ 0, HEADER("PS256"), false, GPG_ERR_NO_ERROR },
		{ 0, HEADER("PS256"), true, GPG_ERR_BAD_SIGNATURE },
		{ 0, HEADER("RS256"), true, GPG_ERR_BAD_DATA },
		{ 0, HEADER("PS384"), false, GPG_ERR_BAD_SIGNATURE },
		{ 0, HEADER("none"), false, GPG_ERR_BAD_DATA },
		{ 0, HEADER("HS256"), false, GPG_ERR_BAD_DATA },
		{ P256, HEADER("ES256"), false, GPG_ERR_NO_ERROR },
		{ P256, HEADER("ES384"), false, GPG_ERR_BAD_SIGNATURE },
		{ P256, HEADER("PS256"), false, GPG_ERR_BAD_SIGNATURE },
		{ 4, HEADER("ES384"), false, GPG_ERR_NO_ERROR },
		{ 4, HEADER("ES256"), false, GPG_ERR_BAD_SIGNATURE },
	};
	struct world *w = *state;
	struct buf b;

	for (size_t i = 0; i < COUNT(c); i++) {
		struct attest_certs *chain = make_chain(w, c[i].key,
		    &good_shape);

		buf_init(&b, NOTARYENV_MAX);
		put_jws(w, c[i].key, c[i].header, c[i].pkcs1, chain, &b);
		assert_code(check(w, NOTARYENV_JWS, buf_view(&b), NOW,
		    w->key[c[i].key]), c[i].code);
		buf_free(&b);
		attest_certs_free(&chain);
	}
}

static void
test_jws_is_read_strictly(void **state)
{
	static const struct {
		const char *from, *to;
	} c[] = {
		{ "{\"payload\"", "{\"payload\":\"\",\"payload\"" },
		{ "{\"payload\"", "{\"Payload\":\"\",\"payload\"" },
		{ "{\"payload\"", "{\"signatures\":[],\"payload\"" },
		{ "\"x5c\":", "\"alg\":\"none\",\"x5c\":" },
		{ "\"x5c\":", "\"x5c\":[],\"x5c\":" },
		{ "\"x5c\":", "\"X5c\":[],\"x5c\":" },
		{ "\"x5c\":[", "\"x5c\":[\"\"," },
		{ "\"x5c\":[", "\"x5c\":[5," },
		{ "\"x5c\":", "\"x\":" },
		{ "\"signature\":\"", "\"signature\":\"=" },
		{ "touchstone/1.0", "\\u001b[0m" },
		{ "\"payload\":\"", "\"payload\":\" " },
	};
	struct world *w = *state;
	struct attest_certs *chain = make_chain(w, P256, &good_shape);
	struct buf b;

	buf_init(&b, NOTARYENV_MAX);
	make(w, P256, NOTARYENV_JWS, chain, NOW, 0, &b);
	buf_put_u8(&b, 0);
	for (size_t i = 0; i < COUNT(c); i++) {
		const char *text = (const char *)buf_view(&b).p,
		    *at = strstr(text, c[i].from);
		char *changed = malloc(strlen(text) + strlen(c[i].to) + 1);

		assert_non_null(at);
		sprintf(changed, "%.*s%s%s", (int)(at - text), text, c[i].to,
		    at + strlen(c[i].from));
		assert_code(check(w, NOTARYENV_JWS, view_str(changed), NOW,
		    NULL), GPG_ERR_BAD_DATA);
		free(changed);
	}
	buf_free(&b);
	attest_certs_free(&chain);
}

/* What the signature does not cover may not say by what it was made. */
static void
test_cose_is_read_strictly(void **state)
{
	static const struct {
		struct view from, to;
		gpg_err_code_t code;
	} c[] = {
#define V(s) { (const uint8_t *)s, sizeof(s) - 1 }
#define UNPROTECTED V("\xa2\x18\x21")
		{ UNPROTECTED, V("\xa3\x61x\x01\x18\x21"), 0 },
		{ UNPROTECTED, V("\xa3\x01\x26\x18\x21"),
		    GPG_ERR_BAD_DATA },
		{ UNPROTECTED, V("\xa3\x01\x38\x22\x18\x21"),
		    GPG_ERR_BAD_DATA },
		{ UNPROTECTED, V("\xa3\x02\x80\x18\x21"),
		    GPG_ERR_BAD_DATA },
		{ UNPROTECTED, V("\xa3\x20\x80\x18\x21"),
		    GPG_ERR_BAD_DATA },
		{ UNPROTECTED, V("\xa2\x18\x22"), GPG_ERR_BAD_DATA },
		{ UNPROTECTED, V("\xa2\x19\0\x21"), GPG_ERR_BAD_DATA },
		{ UNPROTECTED, V("\xa3\x18\x21"), GPG_ERR_BAD_DATA },
		{ UNPROTECTED, V("\xbf\x18\x21"), GPG_ERR_BAD_DATA },
		{ V("\xd2\x84"), V("\x84"), GPG_ERR_BAD_DATA },
		{ V("\xd2\x84"), V("\xd1\x84"), GPG_ERR_BAD_DATA },
		{ V("\xd2\x84"), V("\xd2\x85"), GPG_ERR_BAD_DATA },
	};
	struct world *w = *state;
	struct attest_certs *chain = make_chain(w, P256, &good_shape);
	struct buf b, changed;

	buf_init(&b, NOTARYENV_MAX);
	buf_init(&changed, NOTARYENV_MAX);
	make(w, P256, NOTARYENV_COSE, chain, NOW, 0, &b);
	for (size_t i = 0; i < COUNT(c); i++) {
		struct view v = buf_view(&b);
		const uint8_t *at = memmem(v.p, v.len, c[i].from.p,
		    c[i].from.len);
		size_t before = (size_t)(at - v.p);

		assert_non_null(at);
		buf_reset(&changed);
		buf_put(&changed, v.p, before);
		buf_put_view(&changed, c[i].to);
		before += c[i].from.len;
		buf_put(&changed, v.p + before, v.len - before);
		assert_code(check(w, NOTARYENV_COSE, buf_view(&changed), NOW,
		    c[i].code ? NULL : w->key[P256]), c[i].code);
	}
	buf_put_u8(&b, 0);
	assert_code(check(w, NOTARYENV_COSE, buf_view(&b), NOW, NULL),
	    GPG_ERR_BAD_DATA);
	buf_free(&changed);
	buf_free(&b);
	attest_certs_free(&chain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_signs_both_forms),
		cmocka_unit_test(test_keys_that_cannot_sign_are_told),
		cmocka_unit_test(
		    test_what_is_not_signed_may_differ_and_nothing_else),
		cmocka_unit_test(test_times_are_heeded),
		cmocka_unit_test(test_certificates_are_for_signing_code),
		cmocka_unit_test(test_only_the_given_root_counts),
		cmocka_unit_test(
		    test_who_signs_for_himself_is_trusted_by_name),
		cmocka_unit_test(test_the_chain_is_the_keys),
		cmocka_unit_test(test_algorithms_are_not_confused),
		cmocka_unit_test(test_jws_is_read_strictly),
		cmocka_unit_test(test_cose_is_read_strictly),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_world, free_world);
}
