/* Public keys: canonical from whatever source, and refused if they are none. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include "format/pubkey.h"
#include "../tools/softkey.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

static const enum key_algorithm all[] = {
	ALGO_RSA2048, ALGO_RSA3072, ALGO_RSA4096, ALGO_P256, ALGO_P384,
	ALGO_P521, ALGO_ED25519,
};
#define ALL (sizeof(all) / sizeof(all[0]))

static const struct view none;

struct fixture {
	EVP_PKEY *evp[ALL];
	struct pubkey *key[ALL];
};

static int
make_keys(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	for (size_t i = 0; f && i < ALL; i++) {
		f->evp[i] = softkey_new(all[i]);
		if (!f->evp[i] || !(f->key[i] = softkey_public(f->evp[i])))
			return -1;
	}
	*state = f;
	return f ? 0 : -1;
}

static int
free_keys(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		EVP_PKEY_free(f->evp[i]);
		pubkey_free(&f->key[i]);
	}
	free(f);
	return 0;
}

static void
assert_refused(enum key_algorithm algorithm, struct view public,
    struct view exponent, gpg_err_code_t code)
{
	struct pubkey *key = (struct pubkey *)&key;

	assert_code(pubkey_new(&key, algorithm, public, exponent), code);
	assert_null(key);
}

static void
assert_spki_refused(struct view der, gpg_err_code_t code)
{
	struct pubkey *key = (struct pubkey *)&key;

	assert_code(pubkey_from_spki(&key, der), code);
	assert_null(key);
}

static void
test_algorithm_names_are_read_in_any_case(void **state)
{
	static const char *const good[] = {
		"RSA-2048", "rsa3072", "Rsa-4096", "p256", "p-384", "P521",
		"ed25519",
	};
	static const char *const bad[] = {
		"", "-", "p--256", "p-256 ", " p256", "p25", "p2566", "rsa",
		"RSA-1024", "P-512", "ed-25519", "ed448", "r-sa2048", "none",
	};

	for (size_t i = 0; i < ALL; i++) {
		assert_int_equal(algorithm_by_name(view_str(good[i])), all[i]);
		assert_int_equal(algorithm_by_name(view_str(
		    algorithm_name(all[i]))), all[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(algorithm_by_name(view_str(bad[i])),
		    ALGO_NONE);
	assert_int_equal(algorithm_by_name(view_of("p256\0", 5)), ALGO_NONE);
	assert_string_equal(algorithm_name(ALGO_NONE), "none");
	assert_string_equal(algorithm_name((enum key_algorithm)99), "none");
}

static void
test_a_key_is_the_same_from_numbers_and_from_der(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct pubkey *a = f->key[i], *b;
		uint8_t *der = NULL;
		int len = i2d_PUBKEY(f->evp[i], &der);

		assert_true(view_eq(pubkey_spki(a), view_of(der, (size_t)len)));
		OPENSSL_free(der);
		assert_int_equal(pubkey_algorithm(a), all[i]);
		assert_code(pubkey_new(&b, all[i], pubkey_public(a),
		    pubkey_exponent(a)), 0);
		assert_true(view_eq(pubkey_spki(a), pubkey_spki(b)));
		assert_true(view_eq(pubkey_ssh(a), pubkey_ssh(b)));
		assert_true(view_eq(pubkey_id(a), pubkey_id(b)));
		assert_int_equal(pubkey_id(a).len, PUBKEY_ID_LEN);
		pubkey_free(&b);
		assert_null(b);
	}
	pubkey_free(&(struct pubkey *){ NULL });
}

static void
test_leading_zeros_of_rsa_make_no_other_key(void **state)
{
	struct fixture *f = *state;
	uint8_t n[258] = { 0 }, e[8] = { 0, 0, 0, 0, 0, 1, 0, 1 };
	struct pubkey *key;

	memcpy(n + 2, pubkey_public(f->key[0]).p, 256);
	assert_code(pubkey_new(&key, ALGO_RSA2048, view_of(n, 258),
	    view_of(e, 8)), 0);
	assert_true(view_eq(pubkey_id(key), pubkey_id(f->key[0])));
	assert_int_equal(pubkey_public(key).len, 256);
	assert_int_equal(pubkey_exponent(key).len, 3);
	pubkey_free(&key);
}

static void
test_rsa_of_other_lengths_has_the_next_class(void **state)
{
	static const struct {
		unsigned bits;
		enum key_algorithm algorithm;	/* ALGO_NONE: refused */
		enum hash_algorithm hash;
	} rows[] = {
		{ 1024, ALGO_NONE, HASH_NONE },
		{ 2047, ALGO_NONE, HASH_NONE },
		{ 2048, ALGO_RSA2048, HASH_SHA256 },
		{ 2049, ALGO_RSA3072, HASH_SHA256 },
		{ 3072, ALGO_RSA3072, HASH_SHA256 },
		{ 3073, ALGO_RSA4096, HASH_SHA512 },
		{ 4096, ALGO_RSA4096, HASH_SHA512 },
		{ 4097, ALGO_NONE, HASH_NONE },
	};
	static const uint8_t e[] = { 1, 0, 1 };
	uint8_t n[513];
	struct pubkey *key;

	memset(n, 0xff, sizeof(n));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = (rows[i].bits + 7) / 8;

		n[0] = 0xff >> (len * 8 - rows[i].bits);
		if (rows[i].algorithm == ALGO_NONE) {
			assert_refused(ALGO_RSA2048, view_of(n, len),
			    view_of(e, 3), GPG_ERR_BAD_PUBKEY);
			continue;
		}
		assert_code(pubkey_new(&key, ALGO_RSA2048, view_of(n, len),
		    view_of(e, 3)), 0);
		assert_int_equal(pubkey_bits(key), rows[i].bits);
		assert_int_equal(pubkey_algorithm(key), rows[i].algorithm);
		assert_int_equal(pubkey_hash(key), rows[i].hash);
		pubkey_free(&key);
	}
}

static void
test_numbers_that_are_no_rsa_key_are_refused(void **state)
{
	static const struct {
		const char *e;
		size_t len;
	} bad[] = {
		{ "", 0 }, { "\0\0", 2 }, { "\1", 1 }, { "\2", 1 },
		{ "\1\0\0", 3 }, { "\1\0\0\0\0\0\0\0\1", 9 },
	};
	struct fixture *f = *state;
	struct view n = pubkey_public(f->key[0]), e = view_of("\3", 1);
	uint8_t even[256];
	struct pubkey *key;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(ALGO_RSA2048, n, view_of(bad[i].e, bad[i].len),
		    GPG_ERR_BAD_PUBKEY);
	memcpy(even, n.p, 256);
	even[255] &= 0xfe;
	assert_refused(ALGO_RSA2048, view_of(even, 256), e,
	    GPG_ERR_BAD_PUBKEY);
	assert_refused(ALGO_RSA2048, none, e, GPG_ERR_BAD_PUBKEY);
	assert_code(pubkey_new(&key, ALGO_RSA2048, n, e), 0);
	pubkey_free(&key);
}

/* 02 or 03 and x. */
static void
compress(const uint8_t *point, size_t field, uint8_t *out)
{
	out[0] = 0x02 | (point[2 * field] & 1);
	memcpy(out + 1, point + 1, field);
}

static void
test_points_off_the_curve_are_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 3; i < 6; i++) {
		struct view good = pubkey_public(f->key[i]);
		size_t field = (good.len - 1) / 2;
		uint8_t p[133];
		struct pubkey *key;

		for (size_t bit = 8; bit < good.len * 8; bit += 37) {
			memcpy(p, good.p, good.len);
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_refused(all[i], view_of(p, good.len), none,
			    GPG_ERR_BAD_PUBKEY);
		}
		memcpy(p, good.p, good.len);
		assert_refused(all[i], view_of(p, good.len), view_of("\3", 1),
		    GPG_ERR_BAD_PUBKEY);
		assert_refused(all[i], view_of(p, good.len - 1), none,
		    GPG_ERR_BAD_PUBKEY);
		assert_refused(all[i == 5 ? 3 : i + 1], view_of(p, good.len), none,
		    GPG_ERR_BAD_PUBKEY);
		p[0] = 0x06 | (p[2 * field] & 1);	/* hybrid */
		assert_refused(all[i], view_of(p, good.len), none,
		    GPG_ERR_BAD_PUBKEY);
		compress(good.p, field, p);
		assert_refused(all[i], view_of(p, 1 + field), none,
		    GPG_ERR_BAD_PUBKEY);
		assert_refused(all[i], view_of("", 1), none,	/* infinity */
		    GPG_ERR_BAD_PUBKEY);
		assert_refused(all[i], none, none, GPG_ERR_BAD_PUBKEY);
		memset(p, 0xff, sizeof(p));	/* beyond the field */
		p[0] = 0x04;
		assert_refused(all[i], view_of(p, good.len), none,
		    GPG_ERR_BAD_PUBKEY);
		assert_code(pubkey_new(&key, all[i], good, none), 0);
		pubkey_free(&key);
	}
}

static void
test_points_that_anybody_can_sign_for_are_refused(void **state)
{
	static const uint8_t order_8[2][32] = {
		{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3,
		    0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05,
		    0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
		    0xfc, 0x05 },
		{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c,
		    0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa,
		    0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
		    0x03, 0x7a },
	};
	/* y = 0, 1, -1; p, p + 1; 2 and 7 are of no point; 2^255 - 1 */
	static const struct {
		uint8_t first, middle, last;
	} y[] = {
		{ 0, 0, 0 }, { 1, 0, 0 }, { 0xec, 0xff, 0x7f },
		{ 0xed, 0xff, 0x7f }, { 0xee, 0xff, 0x7f }, { 2, 0, 0 },
		{ 7, 0, 0 }, { 0xff, 0xff, 0x7f },
	};
	uint8_t p[32] = { 3 };
	struct pubkey *key;

	assert_code(pubkey_new(&key, ALGO_ED25519, view_of(p, 32), none), 0);
	pubkey_free(&key);
	for (int sign = 0; sign < 2; sign++) {
		for (size_t i = 0; i < sizeof(y) / sizeof(y[0]); i++) {
			memset(p, y[i].middle, sizeof(p));
			p[0] = y[i].first;
			p[31] = y[i].last | (uint8_t)(sign << 7);
			assert_refused(ALGO_ED25519, view_of(p, 32), none,
			    GPG_ERR_BAD_PUBKEY);
		}
		for (size_t i = 0; i < 2; i++) {
			memcpy(p, order_8[i], 32);
			p[31] |= (uint8_t)(sign << 7);
			assert_refused(ALGO_ED25519, view_of(p, 32), none,
			    GPG_ERR_BAD_PUBKEY);
		}
	}
}

static void
test_every_real_ed25519_key_is_taken(void **state)
{
	for (int i = 0; i < 200; i++) {
		EVP_PKEY *evp = softkey_new(ALGO_ED25519);
		struct pubkey *key = softkey_public(evp);

		assert_non_null(key);
		pubkey_free(&key);
		EVP_PKEY_free(evp);
	}
}

static void
test_ed25519_has_32_bytes(void **state)
{
	struct fixture *f = *state;
	struct view good = pubkey_public(f->key[6]);
	uint8_t p[33] = { 0x40 };

	memcpy(p + 1, good.p, 32);
	assert_refused(ALGO_ED25519, view_of(p, 33), none, GPG_ERR_BAD_PUBKEY);
	assert_refused(ALGO_ED25519, view_of(p + 1, 31), none,
	    GPG_ERR_BAD_PUBKEY);
	assert_refused(ALGO_ED25519, view_of(p + 1, 32), view_of("\3", 1),
	    GPG_ERR_BAD_PUBKEY);
}

static void
test_other_algorithms_are_named_as_such(void **state)
{
	struct fixture *f = *state;
	static const char *const others[] = { "X25519", "ED448", "X448" };

	assert_refused(ALGO_NONE, pubkey_public(f->key[3]), none,
	    GPG_ERR_PUBKEY_ALGO);
	assert_refused((enum key_algorithm)8, pubkey_public(f->key[3]), none,
	    GPG_ERR_PUBKEY_ALGO);
	for (size_t i = 0; i < 5; i++) {
		EVP_PKEY *evp = i < 3 ? EVP_PKEY_Q_keygen(NULL, NULL, others[i])
		    : EVP_EC_gen(i == 3 ? "P-224" : "secp256k1");
		uint8_t *der = NULL;
		int len = i2d_PUBKEY(evp, &der);

		assert_true(len > 0);
		assert_spki_refused(view_of(der, (size_t)len),
		    GPG_ERR_PUBKEY_ALGO);
		OPENSSL_free(der);
		EVP_PKEY_free(evp);
	}
}

static void
test_a_compressed_point_names_the_same_key(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 3; i < 6; i++) {
		struct view spki = pubkey_spki(f->key[i]);
		struct view point = pubkey_public(f->key[i]);
		size_t field = (point.len - 1) / 2, len;
		EVP_PKEY *evp = EVP_PKEY_dup(f->evp[i]);
		uint8_t *der = NULL;
		struct pubkey *key;

		assert_int_equal(EVP_PKEY_set_utf8_string_param(evp,
		    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
		    1);
		len = (size_t)i2d_PUBKEY(evp, &der);
		assert_true(len <= spki.len - field);
		assert_code(pubkey_from_spki(&key, view_of(der, len)), 0);
		assert_true(view_eq(pubkey_id(key), pubkey_id(f->key[i])));
		assert_true(view_eq(pubkey_spki(key), spki));
		pubkey_free(&key);
		der[len - field - 1] ^= 1;	/* the other y */
		assert_code(pubkey_from_spki(&key, view_of(der, len)), 0);
		assert_false(view_eq(pubkey_id(key), pubkey_id(f->key[i])));
		pubkey_free(&key);
		OPENSSL_free(der);
		EVP_PKEY_free(evp);
	}
}

static void
test_explicit_curve_parameters_are_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 3; i < 6; i++) {
		EVP_PKEY *evp = EVP_PKEY_dup(f->evp[i]);
		uint8_t *der = NULL;
		int len;

		assert_int_equal(EVP_PKEY_set_utf8_string_param(evp,
		    OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
		len = i2d_PUBKEY(evp, &der);
		assert_true(len > 200);
		assert_spki_refused(view_of(der, (size_t)len),
		    GPG_ERR_BAD_PUBKEY);
		OPENSSL_free(der);
		EVP_PKEY_free(evp);
	}
}

/* RSA-2048: 30 82 hh ll 30 0d 06 09 oid 05 00 03 82 … */
static void
test_rsa_without_null_names_the_same_key(void **state)
{
	struct fixture *f = *state;
	struct view spki = pubkey_spki(f->key[0]);
	uint8_t der[300];
	struct pubkey *key;

	memcpy(der, spki.p, spki.len);
	memmove(der + 17, der + 19, spki.len - 19);
	der[5] -= 2;
	der[2] = (uint8_t)((spki.len - 2 - 4) >> 8);
	der[3] = (uint8_t)((spki.len - 2 - 4) & 0xff);
	assert_code(pubkey_from_spki(&key, view_of(der, spki.len - 2)), 0);
	assert_true(view_eq(pubkey_id(key), pubkey_id(f->key[0])));
	assert_true(view_eq(pubkey_spki(key), spki));
	pubkey_free(&key);
}

/* Adds to the length at an offset, of one byte or of two. */
static void
grow(uint8_t *der, size_t at, size_t bytes, size_t n)
{
	if (bytes == 2)
		n += (size_t)der[at++] << 8;
	n += der[at];
	der[at] = n & 0xff;
	if (bytes == 2)
		der[at - 1] = n >> 8 & 0xff;
}

/* 05 00 becomes 05 01 00, or another INTEGER follows where none may. */
static void
test_more_than_an_rsa_key_is_refused(void **state)
{
	static const struct {
		size_t at;	/* from the end, if 0 */
		const char *more;
		size_t len;
		int depth;	/* how many sequences it is in */
	} rows[] = {
		{ 19, "\x02\x01\x05", 3, -1 }, { 18, "\x01", 1, -2 },
		{ 0, "\x02\x01\x05", 3, 1 }, { 0, "\x02\x01\x05", 3, 2 },
		{ 0, "\x02\x01\x05", 3, 3 },
	};
	struct fixture *f = *state;
	struct view spki = pubkey_spki(f->key[0]);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at = rows[i].at ? rows[i].at : spki.len;
		size_t len = rows[i].len;
		uint8_t der[300];

		memcpy(der, spki.p, at);
		memcpy(der + at, rows[i].more, len);
		memcpy(der + at + len, spki.p + at, spki.len - at);
		if (rows[i].depth == -2)
			der[18] = 1, der[19] = 0;
		if (rows[i].depth < 0)
			grow(der, 5, 1, len);
		if (rows[i].depth >= 2)
			grow(der, 21, 2, len);
		if (rows[i].depth >= 3)
			grow(der, 26, 2, len);
		grow(der, 2, 2, len);
		assert_spki_refused(view_of(der, spki.len + len),
		    GPG_ERR_BAD_PUBKEY);
	}
}

static void
test_cut_or_lengthened_der_is_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct view spki = pubkey_spki(f->key[i]);
		uint8_t der[601] = { 0 };

		memcpy(der, spki.p, spki.len);
		for (size_t len = 0; len < spki.len; len++)
			assert_spki_refused(view_of(der, len),
			    GPG_ERR_BAD_PUBKEY);
		assert_spki_refused(view_of(der, spki.len + 1),
		    GPG_ERR_BAD_PUBKEY);
	}
}

static void
test_der_in_another_form_is_refused(void **state)
{
	struct fixture *f = *state;
	struct view spki = pubkey_spki(f->key[6]);
	uint8_t der[64];

	/* the outer length in two bytes, and indefinite */
	der[0] = 0x30;
	der[1] = 0x81;
	memcpy(der + 2, spki.p + 1, spki.len - 1);
	assert_spki_refused(view_of(der, spki.len + 1), GPG_ERR_BAD_PUBKEY);
	memcpy(der, spki.p, spki.len);
	der[1] = 0x80;
	der[spki.len] = der[spki.len + 1] = 0;
	assert_spki_refused(view_of(der, spki.len + 2), GPG_ERR_BAD_PUBKEY);
	/* unused bits */
	memcpy(der, spki.p, spki.len);
	der[11] = 1;
	assert_spki_refused(view_of(der, spki.len), GPG_ERR_BAD_PUBKEY);
	der[11] = 0;
	assert_true(view_eq(view_of(der, spki.len), spki));
}

static void
test_no_flipped_bit_leaves_the_name(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct view spki = pubkey_spki(f->key[i]);
		uint8_t der[600];

		memcpy(der, spki.p, spki.len);
		for (size_t bit = 0; bit < spki.len * 8; bit++) {
			struct pubkey *key;

			der[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (!pubkey_from_spki(&key, view_of(der, spki.len))) {
				assert_false(view_eq(pubkey_id(key),
				    pubkey_id(f->key[i])));
				assert_true(view_eq(pubkey_spki(key),
				    view_of(der, spki.len)));
				pubkey_free(&key);
			}
			der[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_algorithm_names_are_read_in_any_case),
		cmocka_unit_test(
		    test_a_key_is_the_same_from_numbers_and_from_der),
		cmocka_unit_test(test_leading_zeros_of_rsa_make_no_other_key),
		cmocka_unit_test(test_rsa_of_other_lengths_has_the_next_class),
		cmocka_unit_test(test_numbers_that_are_no_rsa_key_are_refused),
		cmocka_unit_test(test_points_off_the_curve_are_refused),
		cmocka_unit_test(
		    test_points_that_anybody_can_sign_for_are_refused),
		cmocka_unit_test(test_every_real_ed25519_key_is_taken),
		cmocka_unit_test(test_ed25519_has_32_bytes),
		cmocka_unit_test(test_other_algorithms_are_named_as_such),
		cmocka_unit_test(test_a_compressed_point_names_the_same_key),
		cmocka_unit_test(test_explicit_curve_parameters_are_refused),
		cmocka_unit_test(test_rsa_without_null_names_the_same_key),
		cmocka_unit_test(test_more_than_an_rsa_key_is_refused),
		cmocka_unit_test(test_cut_or_lengthened_der_is_refused),
		cmocka_unit_test(test_der_in_another_form_is_refused),
		cmocka_unit_test(test_no_flipped_bit_leaves_the_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
