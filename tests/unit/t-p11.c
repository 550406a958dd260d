/*
 * What tokens tell of keys: attributes and certificates in all their forms,
 * and in none.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/pubkey.h"
#include "p11.h"
#include "softcert.h"
#include "softkey.h"

#define assert_code(err, code) assert_int_equal(gpg_err_code(err), (code))

static const uint8_t p256[] = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
static const uint8_t p384[] = "\x06\x05\x2b\x81\x04\x00\x22";
static const uint8_t ed_oid[] = "\x06\x03\x2b\x65\x70";
static const uint8_t ed_name[] = "\x13\x0c" "edwards25519";
static const uint8_t p521[] = "\x06\x05\x2b\x81\x04\x00\x23";
static const uint8_t k256[] = "\x06\x05\x2b\x81\x04\x00\x0a";

/* A point or key of `len` bytes, bare or in an OCTET STRING. */
static struct view
point(uint8_t *room, uint8_t first, size_t len, bool wrapped)
{
	size_t head = !wrapped ? 0 : len < 0x80 ? 2 : 3;

	memset(room, 0x55, 200);
	room[0] = 0x04;
	room[1] = head == 3 ? 0x81 : (uint8_t)len;
	if (head == 3)
		room[2] = (uint8_t)len;
	room[head] = first;
	return view_of(room, head + len);
}

static void
test_points_are_read_bare_and_wrapped(void **state)
{
	static const struct {
		const uint8_t *params;
		size_t params_len, len;
		uint8_t first, algorithm;
	} rows[] = {
		{ p256, 10, 65, 4, ALGO_P256 },
		{ p384, 7, 97, 4, ALGO_P384 },
		{ p521, 7, 133, 4, ALGO_P521 },
		{ ed_oid, 5, 32, 9, ALGO_ED25519 },
		{ ed_name, 14, 32, 4, ALGO_ED25519 },
	};
	struct p11_public pub;
	uint8_t room[256];

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = i / 2;

		assert_code(p11_public_ec(&pub, view_of(rows[n].params,
		    rows[n].params_len), point(room, rows[n].first,
		    rows[n].len, i % 2)), 0);
		assert_int_equal(pub.algorithm, rows[n].algorithm);
		assert_int_equal(pub.len, rows[n].len);
		assert_int_equal(pub.bytes[0], rows[n].first);
		assert_int_equal(pub.bytes[rows[n].len - 1], 0x55);
	}
}

static void
test_points_of_another_form_are_refused(void **state)
{
	struct p11_public pub;
	uint8_t room[256];
	struct view params = view_of(p256, 10);

	for (size_t len = 0; len < 150; len++)
		if (len != 65 && len != 67)
			assert_code(p11_public_ec(&pub, params,
			    point(room, 4, len, false)),
			    GPG_ERR_BAD_PUBKEY);
	/* compressed; and wrapped with a wrong length */
	assert_code(p11_public_ec(&pub, params, point(room, 2, 65, false)),
	    GPG_ERR_BAD_PUBKEY);
	point(room, 4, 65, true);
	room[1] = 64;
	assert_code(p11_public_ec(&pub, params, view_of(room, 67)),
	    GPG_ERR_BAD_PUBKEY);
	point(room, 4, 133, true);
	room[1] = 133;
	assert_code(p11_public_ec(&pub, view_of(p521, 7), view_of(room, 136)),
	    GPG_ERR_BAD_PUBKEY);
	assert_code(p11_public_ec(&pub, view_of(k256, 7),
	    point(room, 4, 65, false)), GPG_ERR_PUBKEY_ALGO);
	assert_code(p11_public_ec(&pub, view_of(p256, 9),
	    point(room, 4, 65, false)), GPG_ERR_PUBKEY_ALGO);
	assert_code(p11_public_ec(&pub, view_of(NULL, 0),
	    point(room, 4, 65, false)), GPG_ERR_PUBKEY_ALGO);
}

static void
test_rsa_is_bounded(void **state)
{
	static const uint8_t f4[] = { 0, 1, 0, 1 }, even[] = { 1, 0, 0 };
	uint8_t n[600];
	struct p11_public pub;

	memset(n, 0xff, sizeof(n));
	n[0] = 0;
	assert_code(p11_public_rsa(&pub, view_of(n, 257), view_of(f4, 4)), 0);
	assert_int_equal(pub.algorithm, ALGO_RSA2048);
	assert_int_equal(pub.len, 256);
	assert_int_equal(pub.exponent_len, 3);
	assert_code(p11_public_rsa(&pub, view_of(n, 385), view_of(f4, 4)), 0);
	assert_int_equal(pub.algorithm, ALGO_RSA3072);
	assert_code(p11_public_rsa(&pub, view_of(n, 513), view_of(f4, 4)), 0);
	assert_int_equal(pub.algorithm, ALGO_RSA4096);
	assert_code(p11_public_rsa(&pub, view_of(n, 514), view_of(f4, 4)),
	    GPG_ERR_PUBKEY_ALGO);
	assert_code(p11_public_rsa(&pub, view_of(n, 256), view_of(f4, 4)),
	    GPG_ERR_PUBKEY_ALGO);
	n[1] = 0x7f;
	assert_code(p11_public_rsa(&pub, view_of(n, 257), view_of(f4, 4)),
	    GPG_ERR_PUBKEY_ALGO);
	n[1] = 0xff;
	assert_code(p11_public_rsa(&pub, view_of(n, 257), view_of(even, 3)),
	    GPG_ERR_BAD_PUBKEY);
	assert_code(p11_public_rsa(&pub, view_of(n, 257), view_of(f4, 2)),
	    GPG_ERR_BAD_PUBKEY);
	assert_code(p11_public_rsa(&pub, view_of(n, 257), view_of(n, 10)),
	    GPG_ERR_BAD_PUBKEY);
	n[256] = 0xfe;
	assert_code(p11_public_rsa(&pub, view_of(n, 257), view_of(f4, 4)),
	    GPG_ERR_BAD_PUBKEY);
	assert_code(p11_public_rsa(&pub, view_of(NULL, 0), view_of(NULL, 0)),
	    GPG_ERR_PUBKEY_ALGO);
}

/* ---- certificates ---- */

static void
test_a_certificate_tells_key_and_time(void **state)
{
	static const enum key_algorithm all[] = { ALGO_RSA2048, ALGO_P256,
		ALGO_P384, ALGO_ED25519 };
	/* UTCTime up to 2049, GeneralizedTime from 2050; leap days. */
	static const uint32_t times[] = { 0, 951782400, 951868800,
		1700000000, 2524607999u, 2524608000u, 4107542400u };
	uint8_t der[4096];
	struct p11_public pub;
	uint32_t at;
	size_t len;

	for (size_t i = 0; i < 7; i++) {
		enum key_algorithm algorithm = all[i % 4];
		EVP_PKEY *key = softkey_new(algorithm);
		struct pubkey *want = softkey_public(key);

		len = softcert_make(key, times[i], der, sizeof(der));
		assert_true(len > 0);
		assert_code(p11_certificate(view_of(der, len), &pub, &at), 0);
		assert_int_equal(at, times[i]);
		assert_int_equal(pub.algorithm, algorithm);
		assert_true(view_eq(view_of(pub.bytes, pub.len),
		    pubkey_public(want)));
		assert_true(view_eq(view_of(pub.exponent, pub.exponent_len),
		    pubkey_exponent(want)));
		pubkey_free(&want);
		EVP_PKEY_free(key);
	}
}

/* In memory of exactly that size, for a sanitizer to watch. */
static gpg_error_t
read_copy(const uint8_t *der, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct p11_public pub;
	gpg_error_t err;
	uint32_t at;

	assert_non_null(copy);
	memcpy(copy, der, len);
	err = p11_certificate(view_of(copy, len), &pub, &at);
	free(copy);
	return err;
}

static void
test_a_certificate_is_read_whole_or_not(void **state)
{
	EVP_PKEY *key = softkey_new(ALGO_P256);
	uint8_t der[4096];
	size_t len = softcert_make(key, 1700000000, der, sizeof(der) - 1);

	assert_code(read_copy(der, len), 0);
	for (size_t n = 0; n < len; n++)
		assert_int_not_equal(read_copy(der, n), 0);
	der[len] = 0;
	assert_int_not_equal(read_copy(der, len + 1), 0);
	EVP_PKEY_free(key);
}

/* Whatever a byte is changed to: no read outside, no crash. */
static void
test_a_spoilt_certificate_does_no_harm(void **state)
{
	static const uint8_t values[] = { 0x00, 0x30, 0x7f, 0x80, 0x81, 0x84,
		0xff };
	EVP_PKEY *key = softkey_new(ALGO_RSA2048);
	uint8_t der[4096], was;
	size_t len = softcert_make(key, 1700000000, der, sizeof(der));
	unsigned refused = 0;

	for (size_t n = 0; n < len; n++) {
		was = der[n];
		for (size_t v = 0; v < sizeof(values); v++) {
			der[n] = values[v];
			refused += read_copy(der, len) != 0;
		}
		der[n] = was;
	}
	assert_true(refused > 100);
	assert_code(read_copy(der, len), 0);
	EVP_PKEY_free(key);
}

/* ---- PINs in memory ---- */

static void
test_a_pin_is_held_copied_and_wiped(void **state)
{
	static const uint8_t nothing[PIN_MAX];
	uint8_t big[PIN_MAX + 1] = { 0 };
	struct pin *a, *b;
	size_t size;

	assert_code(pin_new(&a), 0);
	assert_code(pin_new(&b), 0);
	assert_int_equal(pin_view(a).len, 0);
	assert_code(pin_set(a, view_str("123456")), 0);
	pin_copy(b, a);
	assert_true(view_eq_str(pin_view(b), "123456"));
	assert_code(pin_set(a, view_str("12")), 0);
	assert_true(view_eq_str(pin_view(a), "12"));
	assert_memory_equal(pin_bytes(a) + 2, nothing, PIN_MAX - 2);
	assert_code(pin_set(a, view_of(big, sizeof(big))), GPG_ERR_TOO_LARGE);
	assert_code(pin_set(a, view_of(big, PIN_MAX)), 0);
	memcpy(pin_room(b, &size), "secret", 6);
	assert_true(size > PIN_MAX + 9);
	pin_wipe(b);
	assert_int_equal(pin_view(b).len, 0);
	assert_memory_equal(pin_bytes(b), nothing, PIN_MAX);
	assert_memory_equal(pin_room(b, &size), nothing, 6);
	pin_free(&a);
	pin_free(&b);
	assert_null(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points_are_read_bare_and_wrapped),
		cmocka_unit_test(test_points_of_another_form_are_refused),
		cmocka_unit_test(test_rsa_is_bounded),
		cmocka_unit_test(test_a_certificate_tells_key_and_time),
		cmocka_unit_test(test_a_certificate_is_read_whole_or_not),
		cmocka_unit_test(test_a_spoilt_certificate_does_no_harm),
		cmocka_unit_test(test_a_pin_is_held_copied_and_wiped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
