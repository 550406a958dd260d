/* A key's own certificate, read again and verified by OpenSSL. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "format/x509.h"
#include "../tools/softkey.h"

#define CREATED 1700000000u	/* 2023-11-14 22:13:20 */

static X509 *
make(EVP_PKEY *pair, const struct pubkey *key, uint32_t expires_after)
{
	struct signing s = { 0 };
	uint8_t sig[SOFTKEY_SIGNATURE_MAX];
	const unsigned char *p;
	struct x509 *x;
	struct buf der;
	size_t len;
	X509 *out;

	buf_init(&der, 8192);
	assert_int_equal(x509_begin(&x, &s, key, "a subject", CREATED,
	    expires_after), 0);
	len = softkey_sign(pair, &s, sig);
	assert_true(len > 0);
	assert_int_equal(x509_finish(x, view_of(sig, len), &der), 0);
	p = buf_view(&der).p;
	out = d2i_X509(NULL, &p, (long)buf_len(&der));
	assert_non_null(out);
	assert_ptr_equal(p, buf_view(&der).p + buf_len(&der));
	x509_free(&x);
	assert_null(x);
	signing_free(&s);
	buf_free(&der);
	return out;
}

static void
assert_time(const ASN1_TIME *t, time_t wanted)
{
	assert_int_equal(ASN1_TIME_cmp_time_t(t, wanted), 0);
}

static void
test_every_key_certifies_itself(void **state)
{
	static const enum key_algorithm all[] = { ALGO_RSA2048, ALGO_RSA3072,
		ALGO_RSA4096, ALGO_P256, ALGO_P384, ALGO_ED25519 };
	char name[64];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		EVP_PKEY *pair = softkey_new(all[i]), *other;
		struct pubkey *key = softkey_public(pair);
		X509 *x = make(pair, key, 86400);

		assert_int_equal(X509_verify(x, pair), 1);
		other = softkey_new(all[i]);
		assert_int_not_equal(X509_verify(x, other), 1);
		EVP_PKEY_free(other);
		assert_int_equal(X509_get_version(x), X509_VERSION_3);
		assert_time(X509_get0_notBefore(x), CREATED);
		assert_time(X509_get0_notAfter(x), CREATED + 86400);
		assert_true(X509_NAME_get_text_by_NID(
		    X509_get_subject_name(x), NID_commonName, name,
		    sizeof(name)) > 0);
		assert_string_equal(name, "a subject");
		assert_int_equal(X509_check_ca(x), 0);
		assert_int_equal(X509_get_key_usage(x),
		    KU_DIGITAL_SIGNATURE);
		assert_int_equal(X509_get_extension_flags(x) &
		    EXFLAG_INVALID, 0);
		X509_free(x);
		pubkey_free(&key);
		EVP_PKEY_free(pair);
	}
}

static X509 *
make_code(EVP_PKEY *pair, const struct pubkey *key)
{
	struct signing s = { 0 };
	uint8_t sig[SOFTKEY_SIGNATURE_MAX];
	const unsigned char *p;
	struct x509 *x;
	struct buf der;
	X509 *out;

	buf_init(&der, 8192);
	assert_int_equal(x509_begin_code(&x, &s, key, "a signer", CREATED,
	    86400), 0);
	assert_int_equal(x509_finish(x, view_of(sig, softkey_sign(pair, &s,
	    sig)), &der), 0);
	p = buf_view(&der).p;
	out = d2i_X509(NULL, &p, (long)buf_len(&der));
	assert_non_null(out);
	x509_free(&x);
	signing_free(&s);
	buf_free(&der);
	return out;
}

static void
test_one_that_signs_code_says_so(void **state)
{
	EVP_PKEY *pair = softkey_new(ALGO_P256);
	struct pubkey *key = softkey_public(pair);
	X509 *x = make_code(pair, key), *plain = make(pair, key, 86400);

	assert_int_equal(X509_verify(x, pair), 1);
	assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(x), XKU_CODE_SIGN);
	assert_int_equal(X509_check_ca(x), 0);
	assert_int_equal(X509_get_extension_flags(x) & EXFLAG_INVALID, 0);
	assert_int_equal(X509_get_extension_flags(plain) & EXFLAG_XKUSAGE, 0);
	X509_free(x);
	X509_free(plain);
	pubkey_free(&key);
	EVP_PKEY_free(pair);
}

static void
assert_asks(X509_REQ *r)
{
	STACK_OF(X509_EXTENSION) *asked = X509_REQ_get_extensions(r);
	EXTENDED_KEY_USAGE *what;
	ASN1_BIT_STRING *usage;
	int critical;

	assert_int_equal(sk_X509_EXTENSION_num(asked), 3);
	usage = X509V3_get_d2i(asked, NID_key_usage, &critical, NULL);
	assert_non_null(usage);
	assert_int_equal(critical, 1);
	assert_int_equal(ASN1_BIT_STRING_get_bit(usage, 0), 1);
	what = X509V3_get_d2i(asked, NID_ext_key_usage, &critical, NULL);
	assert_int_equal(sk_ASN1_OBJECT_num(what), 1);
	assert_int_equal(OBJ_obj2nid(sk_ASN1_OBJECT_value(what, 0)),
	    NID_code_sign);
	ASN1_BIT_STRING_free(usage);
	EXTENDED_KEY_USAGE_free(what);
	sk_X509_EXTENSION_pop_free(asked, X509_EXTENSION_free);
}

static void
test_every_key_asks_for_a_certificate(void **state)
{
	static const enum key_algorithm all[] = { ALGO_RSA2048, ALGO_RSA4096,
		ALGO_P256, ALGO_P384, ALGO_P521, ALGO_ED25519 };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		EVP_PKEY *pair = softkey_new(all[i]);
		struct pubkey *key = softkey_public(pair);
		uint8_t sig[SOFTKEY_SIGNATURE_MAX];
		const unsigned char *p;
		struct signing s;
		struct x509 *x;
		struct buf der;
		X509_REQ *r;

		buf_init(&der, 8192);
		assert_int_equal(x509_begin_request(&x, &s, key, "a signer"),
		    0);
		assert_int_equal(x509_finish(x, view_of(sig,
		    softkey_sign(pair, &s, sig)), &der), 0);
		p = buf_view(&der).p;
		r = d2i_X509_REQ(NULL, &p, (long)buf_len(&der));
		assert_non_null(r);
		assert_ptr_equal(p, buf_view(&der).p + buf_len(&der));
		assert_int_equal(X509_REQ_verify(r, pair), 1);
		assert_int_equal(X509_REQ_get_version(r), 0);
		assert_asks(r);
		X509_REQ_free(r);
		x509_free(&x);
		signing_free(&s);
		buf_free(&der);
		pubkey_free(&key);
		EVP_PKEY_free(pair);
	}
}

static void
test_ends_are_told_as_the_rfc_has_them(void **state)
{
	EVP_PKEY *pair = softkey_new(ALGO_P256);
	struct pubkey *key = softkey_public(pair);
	X509 *x;

	x = make(pair, key, 0);
	assert_string_equal((const char *)ASN1_STRING_get0_data(
	    X509_get0_notAfter(x)), "99991231235959Z");
	X509_free(x);
	x = make(pair, key, 2524607999u - CREATED);	/* end of 2049 */
	assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(x)),
	    V_ASN1_UTCTIME);
	X509_free(x);
	x = make(pair, key, 2524608000u - CREATED);
	assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(x)),
	    V_ASN1_GENERALIZEDTIME);
	assert_time(X509_get0_notAfter(x), 2524608000);
	X509_free(x);
	pubkey_free(&key);
	EVP_PKEY_free(pair);
}

static void
assert_refused(const struct pubkey *key, const char *subject,
    uint32_t created, uint32_t expires_after, gpg_err_code_t code)
{
	struct signing s = { 0 };
	struct x509 *x;

	assert_int_equal(gpg_err_code(x509_begin(&x, &s, key, subject,
	    created, expires_after)), code);
	assert_null(x);
	signing_free(&s);
}

static void
test_names_and_times_have_bounds(void **state)
{
	EVP_PKEY *pair = softkey_new(ALGO_P256);
	struct pubkey *key = softkey_public(pair);
	char name[X509_SUBJECT_MAX + 2];
	struct signing s = { 0 };
	struct x509 *x;

	memset(name, 'x', sizeof(name));
	name[X509_SUBJECT_MAX + 1] = 0;
	assert_refused(key, name, CREATED, 0, GPG_ERR_INV_NAME);
	assert_refused(key, "", CREATED, 0, GPG_ERR_INV_NAME);
	assert_refused(key, "a\nb", CREATED, 0, GPG_ERR_INV_NAME);
	assert_refused(key, "a", 0, 0, GPG_ERR_INV_TIME);
	assert_refused(key, "a", CREATED, UINT32_MAX, GPG_ERR_INV_TIME);
	name[X509_SUBJECT_MAX] = 0;
	assert_int_equal(x509_begin(&x, &s, key, name, CREATED,
	    UINT32_MAX - CREATED), 0);
	x509_free(&x);
	signing_free(&s);
	pubkey_free(&key);
	EVP_PKEY_free(pair);
}

static void
test_those_of_repositories_may_have_long_names(void **state)
{
	EVP_PKEY *pair = softkey_new(ALGO_P256);
	struct pubkey *key = softkey_public(pair);
	char name[X509_CODE_SUBJECT_MAX + 2];
	struct signing s = { 0 };
	struct x509 *x;

	memset(name, 'x', sizeof(name));
	name[X509_CODE_SUBJECT_MAX + 1] = 0;
	assert_int_equal(gpg_err_code(x509_begin_code(&x, &s, key, name,
	    CREATED, 0)), GPG_ERR_INV_NAME);
	signing_free(&s);
	name[X509_CODE_SUBJECT_MAX] = 0;
	assert_int_equal(x509_begin_code(&x, &s, key, name, CREATED, 0), 0);
	x509_free(&x);
	signing_free(&s);
	pubkey_free(&key);
	EVP_PKEY_free(pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_certifies_itself),
		cmocka_unit_test(test_one_that_signs_code_says_so),
		cmocka_unit_test(test_every_key_asks_for_a_certificate),
		cmocka_unit_test(test_ends_are_told_as_the_rfc_has_them),
		cmocka_unit_test(test_names_and_times_have_bounds),
		cmocka_unit_test(
		    test_those_of_repositories_may_have_long_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
