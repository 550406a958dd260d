/* Attestations: what leads to the root is believed, all else is refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/x509v3.h>

#include "format/attest.h"
#include "tests/tools/softkey.h"
#include "wire/text.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

#define NOW 1795321624		/* 2026-11-22 */
#define DAY 86400
#define YUBICO "1.3.6.1.4.1.41482.3."
#define LEAF "YubiKey PIV Attestation 9c"

/* A certificate to be made; what is 0 or NULL is left out. */
struct plan {
	EVP_PKEY *key, *signer;
	const char *name, *issuer;
	const char *constraints;
	const char *firmware, *serial, *policy, *form;	/* hex */
	const char *critical;	/* an OID of a critical extension */
	const char *twice;	/* an OID that is there once more */
	long from, until;	/* days from NOW; 0: -1, 100 */
	const EVP_MD *hash;
};

/* Keys are slow to make: all tests use these. */
struct keys {
	EVP_PKEY *root, *middle, *f9, *key, *other;
};

static void
set_name(X509 *x, const char *name, const char *issuer)
{
	X509_NAME *n = X509_NAME_new();

	assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
	    (const unsigned char *)name, -1, -1, 0), 1);
	assert_int_equal(X509_set_subject_name(x, n), 1);
	X509_NAME_free(n);
	n = X509_NAME_new();
	assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
	    (const unsigned char *)issuer, -1, -1, 0), 1);
	assert_int_equal(X509_set_issuer_name(x, n), 1);
	X509_NAME_free(n);
}

static void
add_raw(X509 *x, const char *oid, const char *hex, int critical)
{
	long len;
	unsigned char *raw = OPENSSL_hexstr2buf(hex, &len);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	X509_EXTENSION *e;

	assert_non_null(raw);
	ASN1_OCTET_STRING_set(s, raw, (int)len);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, s);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(o);
	OPENSSL_free(raw);
}

static void
add_extensions(X509 *x, const struct plan *p)
{
	X509_EXTENSION *e;

	if (p->constraints) {
		e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
		    p->constraints);
		assert_int_equal(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	if (p->firmware)
		add_raw(x, YUBICO "3", p->firmware, 0);
	if (p->serial)
		add_raw(x, YUBICO "7", p->serial, 0);
	if (p->policy)
		add_raw(x, YUBICO "8", p->policy, 0);
	if (p->form)
		add_raw(x, YUBICO "9", p->form, 0);
	if (p->twice)
		add_raw(x, p->twice, "0201", 0);
	if (p->critical)
		add_raw(x, p->critical, "0500", 1);
}

/* Makes the certificate and adds it. */
static void
make(struct attest_certs **to, const struct plan *p)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;
	int len;

	assert_int_equal(X509_set_version(x, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	set_name(x, p->name, p->issuer);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW + DAY * (p->from ? p->from :
	    -1));
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + DAY * (p->until ?
	    p->until : 100));
	assert_int_equal(X509_set_pubkey(x, p->key), 1);
	add_extensions(x, p);
	assert_true(X509_sign(x, p->signer, p->hash ? p->hash : EVP_sha256()) >
	    0);
	len = i2d_X509(x, &der);
	assert_true(len > 0);
	assert_int_equal(attest_certs_add(to, view_of(der, (size_t)len)), 0);
	OPENSSL_free(der);
	X509_free(x);
}

/* The chain of a card: its plans may be changed before it is made. */
struct card {
	struct plan root, middle, f9, leaf;
	bool with_middle, middle_in_roots;
	struct attest_certs *chain, *roots;
	struct attestation a;
	char why[ATTEST_WHY];
};

static void
card_plan(struct card *c, const struct keys *k)
{
	memset(c, 0, sizeof(*c));
	c->root = (struct plan){ .key = k->root, .signer = k->root,
		.name = "Root", .issuer = "Root",
		.constraints = "critical,CA:TRUE" };
	c->middle = (struct plan){ .key = k->middle, .signer = k->root,
		.name = "Middle", .issuer = "Root",
		.constraints = "critical,CA:TRUE,pathlen:1" };
	c->f9 = (struct plan){ .key = k->f9, .signer = k->root,
		.name = "Card", .issuer = "Root", .firmware = "050403",
		.constraints = "critical,CA:TRUE,pathlen:0" };
	c->leaf = (struct plan){ .key = k->key, .signer = k->f9,
		.name = LEAF, .issuer = "Card", .firmware = "050403",
		.serial = "020400989681", .policy = "0302", .form = "03" };
}

static gpg_error_t
card_verify(struct card *c, const struct pubkey *key)
{
	gpg_error_t err;

	if (c->with_middle || c->middle_in_roots) {
		c->f9.issuer = "Middle";
		c->f9.signer = c->middle.key;
	}
	attest_certs_free(&c->chain);
	attest_certs_free(&c->roots);
	make(&c->chain, &c->leaf);
	make(&c->chain, &c->f9);
	if (c->with_middle)
		make(&c->chain, &c->middle);
	make(&c->roots, &c->root);
	if (c->middle_in_roots)
		make(&c->roots, &c->middle);
	err = attest_verify(c->chain, c->roots, NOW, key, &c->a, c->why);
	assert_int_equal(!err, !c->why[0]);
	assert_int_equal(!err, !!c->a.key);
	assert_true(text_is_clean(view_str(c->why)));
	return err;
}

static void
card_free(struct card *c)
{
	attestation_free(&c->a);
	attest_certs_free(&c->chain);
	attest_certs_free(&c->roots);
}

/* One change, one refusal. */
static void
refused(struct card *c, gpg_err_code_t code, const char *word)
{
	gpg_error_t err = card_verify(c, NULL);

	if (gpg_err_code(err) != code || !strstr(c->why, word))
		fail_msg("%s: \"%s\" does not tell %s", gpg_strerror(err),
		    c->why, word);
	card_free(c);
}

static void
test_good_chain_tells_all(void **state)
{
	const struct keys *k = *state;
	struct pubkey *key = softkey_public(k->key);
	struct card c;

	card_plan(&c, k);
	assert_int_equal(card_verify(&c, key), 0);
	assert_true(view_eq(pubkey_id(c.a.key), pubkey_id(key)));
	assert_int_equal(c.a.serial, 10000001);
	assert_memory_equal(c.a.firmware, "\5\4\3", 3);
	assert_int_equal(c.a.pin, ATTEST_PIN_ALWAYS);
	assert_int_equal(c.a.touch, ATTEST_TOUCH_ALWAYS);
	assert_int_equal(c.a.slot, 0x9c);
	assert_string_equal(attest_form_words(c.a.form_factor),
	    "USB-C keychain");
	assert_string_equal(c.a.root, "Root");
	card_free(&c);
	pubkey_free(&key);
}

static void
test_authority_between_is_used(void **state)
{
	struct attestation again;
	struct card c;

	card_plan(&c, *state);
	c.with_middle = true;
	assert_int_equal(card_verify(&c, NULL), 0);
	card_free(&c);
	card_plan(&c, *state);
	c.middle_in_roots = true;
	assert_int_equal(card_verify(&c, NULL), 0);
	/* For who has the root alone, it comes along. */
	assert_int_equal(attest_certs_count(c.chain), 2);
	assert_int_equal(attest_certs_count(c.a.path), 3);
	attest_certs_free(&c.roots);
	make(&c.roots, &c.root);
	assert_int_equal(attest_verify(c.a.path, c.roots, NOW, NULL, &again,
	    c.why), 0);
	attestation_free(&again);
	card_free(&c);
	/* Named, but nowhere. */
	card_plan(&c, *state);
	c.f9.issuer = "Middle";
	c.f9.signer = ((struct keys *)*state)->middle;
	refused(&c, GPG_ERR_BAD_CERT_CHAIN, "lead to the root");
}

static void
test_authority_between_is_no_root(void **state)
{
	struct card c;

	card_plan(&c, *state);
	c.middle_in_roots = true;
	assert_int_equal(card_verify(&c, NULL), 0);
	attestation_free(&c.a);
	attest_certs_free(&c.roots);
	make(&c.roots, &c.middle);
	assert_int_equal(attest_certs_roots(c.roots), 0);
	assert_code(attest_verify(c.chain, c.roots, NOW, NULL, &c.a, c.why),
	    GPG_ERR_BAD_CERT_CHAIN);
	assert_code(attest_verify(c.chain, NULL, NOW, NULL, &c.a, c.why),
	    GPG_ERR_BAD_CERT_CHAIN);
	assert_code(attest_verify(NULL, c.roots, NOW, NULL, &c.a, c.why),
	    GPG_ERR_NO_DATA);
	card_free(&c);
}

/* The chain brings a root of its own along: that one is not believed. */
static void
test_root_of_the_chain_is_not_trusted(void **state)
{
	const struct keys *k = *state;
	struct card c;

	card_plan(&c, k);
	c.f9.signer = k->other;
	c.with_middle = false;
	assert_code(card_verify(&c, NULL), GPG_ERR_BAD_CERT_CHAIN);
	c.root.key = c.root.signer = k->other;
	make(&c.chain, &c.root);
	assert_code(attest_verify(c.chain, c.roots, NOW, NULL, &c.a, c.why),
	    GPG_ERR_BAD_CERT_CHAIN);
	/* It would be, were it the root. */
	attest_certs_free(&c.roots);
	make(&c.roots, &c.root);
	assert_int_equal(attest_verify(c.chain, c.roots, NOW, NULL, &c.a,
	    c.why), 0);
	card_free(&c);
}

static void
test_wrong_signature_is_refused(void **state)
{
	const struct keys *k = *state;
	struct card c;

	card_plan(&c, k);
	c.leaf.signer = k->other;
	refused(&c, GPG_ERR_BAD_CERT_CHAIN, "signature");
	card_plan(&c, k);
	c.leaf.hash = EVP_sha1();
	refused(&c, GPG_ERR_BAD_CERT_CHAIN, "");
}

static void
test_dates_are_checked(void **state)
{
	struct card c;

	for (int i = 0; i < 6; i++) {
		struct plan *p[] = { &c.root, &c.f9, &c.leaf };

		card_plan(&c, *state);
		if (i % 2)
			p[i / 2]->from = 1;
		else
			p[i / 2]->from = -9, p[i / 2]->until = -1;
		if (i % 2)
			refused(&c, GPG_ERR_CERT_TOO_YOUNG, "not valid yet");
		else
			refused(&c, GPG_ERR_CERT_EXPIRED, "expired");
	}
}

static void
test_only_authorities_sign(void **state)
{
	struct card c;

	card_plan(&c, *state);
	c.f9.constraints = NULL;
	refused(&c, GPG_ERR_BAD_CERT_CHAIN, "");
	card_plan(&c, *state);
	c.f9.constraints = "critical,CA:FALSE";
	refused(&c, GPG_ERR_BAD_CERT_CHAIN, "");
	card_plan(&c, *state);
	c.with_middle = true;
	c.middle.constraints = "critical,CA:TRUE,pathlen:0";
	refused(&c, GPG_ERR_BAD_CERT_CHAIN, "path length");
	card_plan(&c, *state);
	c.root.constraints = NULL;
	refused(&c, GPG_ERR_BAD_CERT_CHAIN, "no root");
	card_plan(&c, *state);
	c.leaf.constraints = "critical,CA:TRUE";
	c.f9.constraints = "critical,CA:TRUE";
	refused(&c, GPG_ERR_BAD_CERT, "authority");
}

static void
test_card_itself_is_no_attestation(void **state)
{
	struct attest_certs *one = NULL;
	struct card c;

	card_plan(&c, *state);
	assert_int_equal(card_verify(&c, NULL), 0);
	attestation_free(&c.a);
	make(&one, &c.f9);
	assert_code(attest_verify(one, c.roots, NOW, NULL, &c.a, c.why),
	    GPG_ERR_BAD_CERT);
	attest_certs_free(&one);
	make(&one, &c.root);
	assert_true(gpg_err_code(attest_verify(one, c.roots, NOW, NULL, &c.a,
	    c.why)) != 0);
	attest_certs_free(&one);
	card_free(&c);
}

static void
test_missing_extension_is_refused(void **state)
{
	struct card c;

	for (int i = 0; i < 4; i++) {
		const char **p[] = { &c.leaf.firmware, &c.leaf.serial,
			&c.leaf.policy, &c.leaf.form };

		card_plan(&c, *state);
		*p[i] = NULL;
		refused(&c, GPG_ERR_BAD_CERT, "is not told");
	}
}

static void
test_extension_told_twice_is_refused(void **state)
{
	static const char *const oids[] = { YUBICO "3", YUBICO "7", YUBICO "8",
		YUBICO "9" };
	struct card c;

	for (size_t i = 0; i < 4; i++) {
		card_plan(&c, *state);
		c.leaf.twice = oids[i];
		if (card_verify(&c, NULL) == 0)
			fail_msg("%s twice is taken", oids[i]);
		card_free(&c);
	}
}

static void
test_malformed_extension_is_refused(void **state)
{
	static const struct {
		const char *firmware, *serial, *policy, *form;
	} bad[] = {
		{ .firmware = "0504" }, { .firmware = "05040300" },
		{ .serial = "0101ff" }, { .serial = "0205000000" },
		{ .serial = "020480000000" }, { .serial = "02050100000000" },
		{ .serial = "0200" }, { .serial = "02" },
		{ .serial = "020700000000000001" }, { .serial = "02010100" },
		{ .policy = "02" }, { .policy = "020100" },
		{ .policy = "0001" }, { .policy = "0601" },
		{ .policy = "0200" }, { .policy = "0204" },
		{ .form = "0101" },
	};
	struct card c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		card_plan(&c, *state);
		if (bad[i].firmware)
			c.leaf.firmware = bad[i].firmware;
		if (bad[i].serial)
			c.leaf.serial = bad[i].serial;
		if (bad[i].policy)
			c.leaf.policy = bad[i].policy;
		if (bad[i].form)
			c.leaf.form = bad[i].form;
		assert_code(card_verify(&c, NULL), GPG_ERR_BAD_CERT);
		card_free(&c);
	}
}

static void
test_serials_of_any_length_are_read(void **state)
{
	static const struct {
		const char *hex;
		uint32_t serial;
	} good[] = {
		{ "020107", 7 }, { "02020100", 256 },
		{ "020400000007", 7 }, { "02047fffffff", 0x7fffffff },
		{ "020500ffffffff", 0xffffffff },
	};
	struct card c;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		card_plan(&c, *state);
		c.leaf.serial = good[i].hex;
		assert_int_equal(card_verify(&c, NULL), 0);
		assert_int_equal(c.a.serial, good[i].serial);
		card_free(&c);
	}
}

static void
test_unknown_critical_extension_is_refused(void **state)
{
	struct card c;

	card_plan(&c, *state);
	c.leaf.critical = "1.2.3.4";
	refused(&c, GPG_ERR_BAD_CERT_CHAIN, "critical");
	card_plan(&c, *state);
	c.f9.critical = "1.2.3.4";
	refused(&c, GPG_ERR_BAD_CERT_CHAIN, "critical");
}

static void
test_another_key_is_refused(void **state)
{
	const struct keys *k = *state;
	struct pubkey *other = softkey_public(k->other);
	struct card c;

	card_plan(&c, k);
	assert_code(card_verify(&c, other), GPG_ERR_BAD_PUBKEY);
	pubkey_free(&other);
	card_free(&c);
}

static void
test_unusable_key_is_refused(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("secp256k1");
	struct card c;

	card_plan(&c, *state);
	c.leaf.key = other;
	refused(&c, GPG_ERR_BAD_CERT, "kind");
	EVP_PKEY_free(other);
}

static void
test_name_tells_the_slot_or_nothing(void **state)
{
	static const struct {
		const char *name;
		uint8_t slot;
	} names[] = {
		{ LEAF, 0x9c }, { "YubiKey PIV Attestation 82", 0x82 },
		{ "YubiKey PIV Attestation 8", 0 },
		{ "YubiKey PIV Attestation 8g", 0 },
		{ "YubiKey PIV Attestation 820", 0 }, { "Anything", 0 },
	};
	struct card c;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		card_plan(&c, *state);
		c.leaf.name = names[i].name;
		assert_int_equal(card_verify(&c, NULL), 0);
		assert_int_equal(c.a.slot, names[i].slot);
		card_free(&c);
	}
}

static void
test_pem_is_read_back(void **state)
{
	struct attest_certs *again = NULL;
	struct attestation a;
	struct buf pem;
	struct card c;

	buf_init(&pem, ATTEST_FILE_MAX);
	card_plan(&c, *state);
	assert_int_equal(card_verify(&c, NULL), 0);
	buf_put_text(&pem, "An attestation.\n");
	assert_int_equal(attest_certs_put(c.chain, &pem), 0);
	buf_put_text(&pem, "And that is all.\n");
	assert_int_equal(attest_certs_read(&again, buf_view(&pem)), 0);
	assert_int_equal(attest_certs_count(again), 2);
	assert_int_equal(attest_verify(again, c.roots, NOW, NULL, &a, c.why),
	    0);
	attestation_free(&a);
	attest_certs_free(&again);
	buf_free(&pem);
	card_free(&c);
}

/* As a card gives them: one certificate behind the other. */
static void
test_der_is_read_one_behind_the_other(void **state)
{
	struct attest_certs *certs = NULL;
	const struct keys *k = *state;
	unsigned char *der = NULL;
	X509 *x = X509_new();
	struct buf b;
	int len;

	set_name(x, "A", "A");
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), DAY);
	X509_set_pubkey(x, k->key);
	X509_sign(x, k->key, EVP_sha256());
	assert_true((len = i2d_X509(x, &der)) > 0);
	buf_init(&b, ATTEST_FILE_MAX);
	buf_put(&b, der, (size_t)len);
	buf_put(&b, der, (size_t)len);
	assert_int_equal(attest_certs_add(&certs, buf_view(&b)), 0);
	assert_int_equal(attest_certs_count(certs), 2);
	buf_put_u8(&b, 0);
	assert_code(attest_certs_add(&certs, buf_view(&b)), GPG_ERR_BAD_CERT);
	buf_truncate(&b, buf_len(&b) - 2);
	assert_code(attest_certs_add(&certs, buf_view(&b)), GPG_ERR_BAD_CERT);
	assert_code(attest_certs_add(&certs, view_of(NULL, 0)),
	    GPG_ERR_NO_DATA);
	assert_int_equal(attest_certs_count(certs), 2);
	attest_certs_free(&certs);
	buf_free(&b);
	OPENSSL_free(der);
	X509_free(x);
}

static void
assert_unread(struct attest_certs **c, struct view pem, gpg_err_code_t code)
{
	size_t before = attest_certs_count(*c);

	assert_code(attest_certs_read(c, pem), code);
	assert_int_equal(attest_certs_count(*c), before);
}

static void
test_what_is_no_certificate_is_refused(void **state)
{
	static const char key[] = "-----BEGIN PRIVATE KEY-----\nMAA=\n"
	    "-----END PRIVATE KEY-----\n";
	static const char empty[] = "-----BEGIN CERTIFICATE-----\nMAA=\n"
	    "-----END CERTIFICATE-----\n";
	static const char cut[] = "-----BEGIN CERTIFICATE-----\nMAA";
	struct attest_certs *none = NULL;
	struct buf pem;
	struct card c;

	assert_unread(&none, view_str(""), GPG_ERR_NO_DATA);
	assert_unread(&none, view_str("words\n"), GPG_ERR_NO_DATA);
	assert_unread(&none, view_str(key), GPG_ERR_BAD_CERT);
	assert_unread(&none, view_str(empty), GPG_ERR_BAD_CERT);
	assert_unread(&none, view_str(cut), GPG_ERR_BAD_CERT);
	assert_null(none);
	assert_code(attest_certs_add(&none, view_str("0")), GPG_ERR_BAD_CERT);
	assert_null(none);

	/* Behind good ones: nothing is added. */
	buf_init(&pem, 2 * ATTEST_FILE_MAX);
	card_plan(&c, *state);
	assert_int_equal(card_verify(&c, NULL), 0);
	attest_certs_put(c.chain, &pem);
	buf_put_text(&pem, key);
	assert_unread(&c.chain, buf_view(&pem), GPG_ERR_BAD_CERT);
	buf_reset(&pem);
	for (int i = 0; i < ATTEST_CERTS_MAX / 2; i++)
		attest_certs_put(c.chain, &pem);
	assert_unread(&c.chain, buf_view(&pem), GPG_ERR_TOO_LARGE);
	while (buf_len(&pem) <= ATTEST_FILE_MAX)
		attest_certs_put(c.chain, &pem);
	assert_unread(&c.chain, buf_view(&pem), GPG_ERR_TOO_LARGE);
	buf_free(&pem);
	card_free(&c);
}

static void
test_every_changed_byte_is_noticed(void **state)
{
	struct card c;
	struct buf pem;

	buf_init(&pem, ATTEST_FILE_MAX);
	card_plan(&c, *state);
	assert_int_equal(card_verify(&c, NULL), 0);
	attestation_free(&c.a);
	attest_certs_put(c.chain, &pem);
	for (size_t i = 0; i < buf_len(&pem); i += 13) {
		struct attest_certs *bad = NULL;
		uint8_t old = pem.data[pem.off + i];
		struct attestation a;

		/* Padding, and bits before it that no byte has. */
		if (old == '-' || old == '=' || old == '\n' ||
		    (i + 1 < buf_len(&pem) && pem.data[pem.off + i + 1] == '='))
			continue;
		pem.data[pem.off + i] = old == 'B' ? 'C' : 'B';
		if (!attest_certs_read(&bad, buf_view(&pem)) &&
		    !attest_verify(bad, c.roots, NOW, NULL, &a, c.why))
			fail_msg("byte %zu does not matter", i);
		attest_certs_free(&bad);
		pem.data[pem.off + i] = old;
	}
	buf_free(&pem);
	card_free(&c);
}

static void
test_weak_firmware_is_known(void **state)
{
	const struct keys *k = *state;
	struct attestation a = { .firmware = { 4, 2, 6 } };

	a.key = softkey_public(k->other);
	assert_true(attest_is_weak(&a));
	a.firmware[2] = 5;
	assert_false(attest_is_weak(&a));
	memcpy(a.firmware, "\4\3\4", 3);
	assert_true(attest_is_weak(&a));
	a.firmware[2] = 5;
	assert_false(attest_is_weak(&a));
	pubkey_free(&a.key);
	a.key = softkey_public(k->key);
	a.firmware[2] = 4;
	assert_false(attest_is_weak(&a));
	pubkey_free(&a.key);
}

static int
make_keys(void **state)
{
	struct keys *k = calloc(1, sizeof(*k));

	k->root = softkey_new(ALGO_RSA2048);
	k->middle = softkey_new(ALGO_P256);
	k->f9 = softkey_new(ALGO_RSA2048);
	k->key = softkey_new(ALGO_P256);
	k->other = softkey_new(ALGO_RSA2048);
	*state = k;
	return k->root && k->middle && k->f9 && k->key && k->other ? 0 : -1;
}

static int
free_keys(void **state)
{
	struct keys *k = *state;

	EVP_PKEY_free(k->root);
	EVP_PKEY_free(k->middle);
	EVP_PKEY_free(k->f9);
	EVP_PKEY_free(k->key);
	EVP_PKEY_free(k->other);
	free(k);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_chain_tells_all),
		cmocka_unit_test(test_authority_between_is_used),
		cmocka_unit_test(test_authority_between_is_no_root),
		cmocka_unit_test(test_root_of_the_chain_is_not_trusted),
		cmocka_unit_test(test_wrong_signature_is_refused),
		cmocka_unit_test(test_dates_are_checked),
		cmocka_unit_test(test_only_authorities_sign),
		cmocka_unit_test(test_card_itself_is_no_attestation),
		cmocka_unit_test(test_missing_extension_is_refused),
		cmocka_unit_test(test_extension_told_twice_is_refused),
		cmocka_unit_test(test_malformed_extension_is_refused),
		cmocka_unit_test(test_serials_of_any_length_are_read),
		cmocka_unit_test(test_unknown_critical_extension_is_refused),
		cmocka_unit_test(test_another_key_is_refused),
		cmocka_unit_test(test_unusable_key_is_refused),
		cmocka_unit_test(test_name_tells_the_slot_or_nothing),
		cmocka_unit_test(test_pem_is_read_back),
		cmocka_unit_test(test_der_is_read_one_behind_the_other),
		cmocka_unit_test(test_what_is_no_certificate_is_refused),
		cmocka_unit_test(test_every_changed_byte_is_noticed),
		cmocka_unit_test(test_weak_firmware_is_known),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
