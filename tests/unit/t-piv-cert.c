/* Certificates of a card: what is taken from them, and what is none. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "piv.h"

#define DER_MAX 1024

/* One with Yubico's extension of these bytes; none where p is NULL. */
static struct view
certificate(uint8_t der[DER_MAX], const uint8_t *p, size_t n)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.4.1.41482.3.8", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509 *x = X509_new();
	X509_EXTENSION *e;
	unsigned char *at = der;
	int len;

	assert_true(key && id && value && x);
	ASN1_TIME_set(X509_getm_notBefore(x), 1700000000);
	ASN1_TIME_set(X509_getm_notAfter(x), 1900000000);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const uint8_t *)"a\tkey", -1, -1, 0);
	X509_set_pubkey(x, key);
	if (p) {
		ASN1_OCTET_STRING_set(value, p, (int)n);
		e = X509_EXTENSION_create_by_OBJ(NULL, id, 0, value);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	len = i2d_X509(x, NULL);
	assert_true(len > 0 && len < DER_MAX);
	i2d_X509(x, &at);
	X509_free(x);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(id);
	EVP_PKEY_free(key);
	return view_of(der, (size_t)len);
}

static void
test_a_certificate_is_read(void **state)
{
	uint8_t der[DER_MAX];
	struct piv_certificate c;

	assert_int_equal(piv_certificate(certificate(der, NULL, 0), &c), 0);
	assert_int_equal(pubkey_algorithm(c.pub), ALGO_P256);
	assert_int_equal(c.created, 1700000000);
	assert_int_equal(c.expires, 1900000000);
	assert_null(strchr(c.name, '\t'));
	assert_int_equal(c.pin_policy, 0);
	assert_int_equal(c.touch_policy, 0);
	pubkey_free(&c.pub);
}

static void
test_cut_or_lengthened_it_is_none(void **state)
{
	uint8_t der[DER_MAX] = { 0 };
	struct view v = certificate(der, NULL, 0);
	struct piv_certificate c;

	der[v.len] = 0;
	for (size_t len = 0; len <= v.len + 1; len++) {
		if (len == v.len)
			continue;
		assert_int_equal(gpg_err_code(piv_certificate(view_of(der,
		    len), &c)), GPG_ERR_BAD_CERT);
		assert_null(c.pub);
	}
}

/* The card says it in two bytes that mean something, or says nothing. */
static void
test_policies_are_two_that_there_are(void **state)
{
	static const struct {
		uint8_t bytes[3];
		size_t len;
		bool good;
	} rows[] = {
		{ { 2, 1 }, 2, true },
		{ { 3, 3 }, 2, true },
		{ { 4, 1 }, 2, false },
		{ { 1, 4 }, 2, false },
		{ { 2 }, 1, false },
		{ { 2, 1, 0 }, 3, false },
		{ { 0 }, 0, false },
	};
	uint8_t der[DER_MAX];
	struct piv_certificate c;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(piv_certificate(certificate(der,
		    rows[i].bytes, rows[i].len), &c), 0);
		assert_int_equal(c.pin_policy,
		    rows[i].good ? rows[i].bytes[0] : 0);
		assert_int_equal(c.touch_policy,
		    rows[i].good ? rows[i].bytes[1] : 0);
		pubkey_free(&c.pub);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_certificate_is_read),
		cmocka_unit_test(test_cut_or_lengthened_it_is_none),
		cmocka_unit_test(test_policies_are_two_that_there_are),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
