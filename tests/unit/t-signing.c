/* What a token is to sign; and that nothing but its signature passes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "format/pss.h"
#include "format/pubkey.h"
#include "../tools/softkey.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

static const enum key_algorithm all[] = {
	ALGO_RSA2048, ALGO_RSA3072, ALGO_RSA4096, ALGO_P256, ALGO_P384,
	ALGO_P521, ALGO_ED25519,
};
#define ALL (sizeof(all) / sizeof(all[0]))

static const char message[] = "touchstone tells gold from what glitters";

struct signer {
	EVP_PKEY *evp;
	struct pubkey *key;
	struct signing signing;
	uint8_t sig[SOFTKEY_SIGNATURE_MAX];
	size_t len;
};

static void
begin(struct signing *s, const struct pubkey *key, const char *text)
{
	struct view part = view_str(text);

	assert_code(signing_begin(s, key, pubkey_hash(key), &part, 1), 0);
}

static int
make_signers(void **state)
{
	struct signer *signers = calloc(ALL, sizeof(*signers));

	for (size_t i = 0; signers && i < ALL; i++) {
		struct signer *s = &signers[i];

		s->evp = softkey_new(all[i]);
		if (!s->evp || !(s->key = softkey_public(s->evp)))
			return -1;
		begin(&s->signing, s->key, message);
		s->len = softkey_sign(s->evp, &s->signing, s->sig);
	}
	*state = signers;
	return signers ? 0 : -1;
}

static int
free_signers(void **state)
{
	struct signer *signers = *state;

	for (size_t i = 0; i < ALL; i++) {
		signing_free(&signers[i].signing);
		pubkey_free(&signers[i].key);
		EVP_PKEY_free(signers[i].evp);
	}
	free(signers);
	return 0;
}

static void
assert_bad(const struct signer *s, const void *sig, size_t len)
{
	assert_code(signing_check(&s->signing, s->key, view_of(sig, len)),
	    GPG_ERR_BAD_SIGNATURE);
}

static void
assert_good(const struct signer *s)
{
	assert_code(signing_check(&s->signing, s->key,
	    view_of(s->sig, s->len)), 0);
}

static void
test_the_signature_passes_as_often_as_asked(void **state)
{
	struct signer *s = *state;

	for (size_t i = 0; i < ALL; i++) {
		assert_true(s[i].len > 0);
		assert_good(&s[i]);
		assert_good(&s[i]);
		assert_bad(&s[i], s[i].sig, s[i].len - 1);
		assert_good(&s[i]);
	}
}

static void
test_no_flipped_bit_passes(void **state)
{
	struct signer *s = *state;

	for (size_t i = 0; i < ALL; i++)
		for (size_t bit = 0; bit < s[i].len * 8; bit++) {
			s[i].sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_bad(&s[i], s[i].sig, s[i].len);
			s[i].sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
}

static void
test_no_other_length_passes(void **state)
{
	struct signer *s = *state;

	for (size_t i = 0; i < ALL; i++) {
		uint8_t padded[SOFTKEY_SIGNATURE_MAX + 2] = { 0 };

		for (size_t len = 0; len < s[i].len; len++)
			assert_bad(&s[i], s[i].sig, len);
		memcpy(padded + 1, s[i].sig, s[i].len);
		assert_bad(&s[i], padded, s[i].len + 1);
		assert_bad(&s[i], padded + 1, s[i].len + 1);
		assert_bad(&s[i], padded, s[i].len);
		assert_bad(&s[i], NULL, 0);
	}
}

static void
test_zeros_and_ones_do_not_pass(void **state)
{
	struct signer *s = *state;
	uint8_t fill[SOFTKEY_SIGNATURE_MAX];

	for (size_t i = 0; i < ALL; i++) {
		memset(fill, 0, sizeof(fill));
		assert_bad(&s[i], fill, s[i].len);
		fill[s[i].len - 1] = 1;
		assert_bad(&s[i], fill, s[i].len);
		fill[s[i].len / 2 - 1] = 1;	/* r = s = 1 */
		assert_bad(&s[i], fill, s[i].len);
		memset(fill, 0xff, sizeof(fill));
		assert_bad(&s[i], fill, s[i].len);
	}
}

static void
test_the_signature_of_something_else_does_not_pass(void **state)
{
	struct signer *s = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct signing other;
		uint8_t sig[SOFTKEY_SIGNATURE_MAX];
		size_t len;

		begin(&other, s[i].key, "something else");
		len = softkey_sign(s[i].evp, &other, sig);
		assert_code(signing_check(&other, s[i].key,
		    view_of(sig, len)), 0);
		assert_bad(&s[i], sig, len);
		assert_code(signing_check(&other, s[i].key,
		    view_of(s[i].sig, s[i].len)), GPG_ERR_BAD_SIGNATURE);
		signing_free(&other);
	}
}

static void
test_the_signature_of_another_hash_does_not_pass(void **state)
{
	struct signer *s = *state;
	struct view part = view_str(message);

	for (size_t i = 0; i < ALL; i++) {
		enum hash_algorithm hash =
		    pubkey_hash(s[i].key) == HASH_SHA384 ? HASH_SHA256 :
							   HASH_SHA384;
		struct signing other;
		uint8_t sig[SOFTKEY_SIGNATURE_MAX];
		size_t len;

		assert_code(signing_begin(&other, s[i].key, hash, &part, 1),
		    0);
		len = softkey_sign(s[i].evp, &other, sig);
		assert_bad(&s[i], sig, len);
		signing_free(&other);
	}
}

static void
test_the_signature_of_another_key_does_not_pass(void **state)
{
	struct signer *s = *state;

	for (size_t i = 0; i < ALL; i++) {
		EVP_PKEY *evp = softkey_new(all[i] == ALGO_RSA4096 ?
			ALGO_RSA2048 : all[i]);
		uint8_t sig[SOFTKEY_SIGNATURE_MAX];
		size_t len = softkey_sign(evp, &s[i].signing, sig);

		assert_true(len > 0);
		assert_bad(&s[i], sig, len);
		EVP_PKEY_free(evp);
		for (size_t j = 0; j < ALL; j++)
			if (i != j)
				assert_code(signing_check(&s[i].signing,
				    s[j].key, view_of(s[i].sig, s[i].len)),
				    GPG_ERR_BAD_SIGNATURE);
	}
}

static void
test_swapped_halves_do_not_pass(void **state)
{
	struct signer *s = *state;
	uint8_t sig[132];

	for (size_t i = 3; i < ALL; i++) {
		size_t half = s[i].len / 2;

		memcpy(sig, s[i].sig + half, half);
		memcpy(sig + half, s[i].sig, half);
		assert_bad(&s[i], sig, s[i].len);
	}
}

/* DER is what a careless token might answer: only r || s passes. */
static void
test_ecdsa_in_der_does_not_pass(void **state)
{
	struct signer *s = *state;

	for (size_t i = 3; i < 6; i++) {
		int half = (int)s[i].len / 2;
		ECDSA_SIG *sig = ECDSA_SIG_new();
		uint8_t *der = NULL;
		int len;

		ECDSA_SIG_set0(sig, BN_bin2bn(s[i].sig, half, NULL),
		    BN_bin2bn(s[i].sig + half, half, NULL));
		len = i2d_ECDSA_SIG(sig, &der);
		assert_true(len > 0);
		assert_bad(&s[i], der, (size_t)len);
		OPENSSL_free(der);
		ECDSA_SIG_free(sig);
	}
}

/* sum = a + b, both of the modulus's length; whether it fits. */
static bool
add(uint8_t sum[256], const uint8_t *a, const uint8_t *b)
{
	unsigned carry = 0;

	for (size_t k = 256; k-- > 0; carry >>= 8) {
		carry += a[k] + b[k];
		sum[k] = carry & 0xff;
	}
	return carry == 0;
}

/* s and s + n are the same to mathematics; only one is the signature. */
static void
test_rsa_beyond_the_modulus_does_not_pass(void **state)
{
	struct signer s = { 0 };
	uint8_t sum[256];
	bool fits = false;

	/* A modulus that leaves room above it, then a signature that fits. */
	do {
		pubkey_free(&s.key);
		EVP_PKEY_free(s.evp);
		s.evp = softkey_new(ALGO_RSA2048);
		s.key = softkey_public(s.evp);
		assert_non_null(s.key);
	} while (pubkey_public(s.key).p[0] >= 0xe0);
	for (unsigned i = 0; !fits; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%u", i);
		begin(&s.signing, s.key, text);
		s.len = softkey_sign(s.evp, &s.signing, s.sig);
		assert_good(&s);
		if ((fits = add(sum, s.sig, pubkey_public(s.key).p)))
			assert_bad(&s, sum, 256);
		signing_free(&s.signing);
	}
	pubkey_free(&s.key);
	EVP_PKEY_free(s.evp);
}

/* The same number, a byte shorter. */
static void
test_rsa_without_its_leading_zero_does_not_pass(void **state)
{
	struct signer one = *(struct signer *)*state;

	one.sig[0] = 1;
	for (unsigned i = 0; one.sig[0] != 0; i++) {
		char text[16];

		if (i > 0)
			signing_free(&one.signing);
		snprintf(text, sizeof(text), "%u", i);
		begin(&one.signing, one.key, text);
		one.len = softkey_sign(one.evp, &one.signing, one.sig);
	}
	assert_good(&one);
	assert_bad(&one, one.sig + 1, one.len - 1);
	signing_free(&one.signing);
}

/* RFC 8017 lets readers take a DigestInfo without NULL; we do not. */
static void
test_rsa_over_another_digest_info_does_not_pass(void **state)
{
	struct signer *s = *state;
	struct view info = buf_view(&s[0].signing.data);
	struct signing other = s[0].signing;
	uint8_t sig[SOFTKEY_SIGNATURE_MAX];

	assert_int_equal(info.len, 51);
	buf_init(&other.data, 64);
	buf_put(&other.data, "\x30\x2f\x30\x0b", 4);
	buf_put(&other.data, info.p + 4, 11);
	buf_put(&other.data, info.p + 17, info.len - 17);
	assert_int_equal(softkey_sign(s[0].evp, &other, sig), 256);
	assert_code(signing_check(&other, s[0].key, view_of(sig, 256)), 0);
	assert_bad(&s[0], sig, 256);
	buf_reset(&other.data);
	buf_put(&other.data, info.p + 19, 32);	/* the bare hash */
	assert_int_equal(softkey_sign(s[0].evp, &other, sig), 256);
	assert_bad(&s[0], sig, 256);
	buf_free(&other.data);
}

static void
test_a_mechanism_of_another_key_does_not_pass(void **state)
{
	struct signer *s = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct signing other = s[i].signing;

		other.mechanism = other.mechanism % 3 + 1;
		assert_code(signing_check(&other, s[i].key,
		    view_of(s[i].sig, s[i].len)), GPG_ERR_BAD_SIGNATURE);
		other.mechanism = 0;
		assert_code(signing_check(&other, s[i].key,
		    view_of(s[i].sig, s[i].len)), GPG_ERR_BAD_SIGNATURE);
	}
}

/* OpenSSL's own verification of the message, with the hash that we name. */
static bool
others_verify(const struct signer *s, const char *md, const void *data,
    size_t data_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	const uint8_t *sig = s->sig;
	size_t len = s->len;
	bool good;

	if (s->signing.mechanism == MECH_ECDSA) {
		ECDSA_SIG *es = ECDSA_SIG_new();

		ECDSA_SIG_set0(es, BN_bin2bn(s->sig, (int)len / 2, NULL),
		    BN_bin2bn(s->sig + len / 2, (int)len / 2, NULL));
		len = (size_t)i2d_ECDSA_SIG(es, &der);
		sig = der;
		ECDSA_SIG_free(es);
	}
	good = EVP_DigestVerifyInit_ex(ctx, NULL, md, NULL, NULL, s->evp,
	    NULL) == 1 && EVP_DigestVerify(ctx, sig, len, data, data_len) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	return good;
}

static void
test_what_we_let_sign_is_what_others_verify(void **state)
{
	static const char *const names[] = { NULL, "SHA256", "SHA384",
		"SHA512" };
	struct view part = view_str(message);
	struct signer *s = *state;

	for (size_t i = 0; i < ALL; i++)
		for (int hash = HASH_SHA256; hash <= HASH_SHA512; hash++) {
			struct signer one = s[i];
			struct view data;

			assert_code(signing_begin(&one.signing, one.key,
			    (enum hash_algorithm)hash, &part, 1), 0);
			one.len = softkey_sign(one.evp, &one.signing, one.sig);
			assert_good(&one);
			data = buf_view(&one.signing.data);
			/* some tokens take no longer hash than the field */
			if (one.signing.mechanism == MECH_ECDSA)
				assert_true(data.len <= one.len / 2);
			if (all[i] == ALGO_ED25519)
				assert_true(others_verify(&one, NULL, data.p,
				    data.len));
			else
				assert_true(others_verify(&one, names[hash],
				    message, strlen(message)));
			assert_false(others_verify(&one, NULL, "x", 1));
			signing_free(&one.signing);
		}
}

static void
test_only_ed25519_signs_the_message_itself(void **state)
{
	struct view parts[2] = { view_str("two "), view_str("parts") };
	struct signer *s = *state;
	struct signing signing;

	for (size_t i = 0; i < 6; i++)
		assert_code(signing_begin(&signing, s[i].key, HASH_NONE, parts,
		    2), GPG_ERR_DIGEST_ALGO);
	assert_code(signing_begin(&signing, s[6].key, HASH_NONE, parts, 2), 0);
	assert_true(view_eq_str(buf_view(&signing.data), "two parts"));
	signing_free(&signing);
	assert_code(signing_begin(&signing, s[6].key, (enum hash_algorithm)4,
	    parts, 2), GPG_ERR_DIGEST_ALGO);
}

static void
test_a_message_longer_than_a_token_takes_is_refused(void **state)
{
	struct signer *s = *state;
	uint8_t *big = calloc(1, 131073);
	struct view part = view_of(big, 131073);
	struct signing signing;

	assert_code(signing_begin(&signing, s[6].key, HASH_NONE, &part, 1),
	    GPG_ERR_TOO_LARGE);
	assert_int_equal(buf_len(&signing.data), 0);
	part.len--;
	assert_code(signing_begin(&signing, s[6].key, HASH_NONE, &part, 1), 0);
	signing_free(&signing);
	part.len++;
	assert_code(signing_begin(&signing, s[6].key, HASH_SHA512, &part, 1),
	    0);
	signing_free(&signing);
	free(big);
}

/* FIPS 180-2, appendix B. */
static void
test_hashes_are_those_of_the_standard(void **state)
{
	static const char *const want[] = {
		NULL,
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
		"f20015ad",
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a"
		"43ff5bed8086072ba1e7cc2358baeca134c825a7",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee6"
		"4b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
		"2a9ac94fa54ca49f",
	};
	struct view parts[4] = {
		view_str("a"), view_of(NULL, 0), view_str("b"), view_str("c"),
	};
	uint8_t out[64];
	size_t len;
	struct buf hex;

	buf_init(&hex, 256);
	for (int hash = HASH_SHA256; hash <= HASH_SHA512; hash++) {
		assert_code(hash_bytes((enum hash_algorithm)hash, parts, 4,
		    out, &len), 0);
		buf_reset(&hex);
		buf_put_hex(&hex, view_of(out, len));
		assert_true(view_eq_str(buf_view(&hex), want[hash]));
	}
	buf_free(&hex);
	assert_code(hash_bytes(HASH_NONE, parts, 4, out, &len),
	    GPG_ERR_DIGEST_ALGO);
}

static const enum hash_algorithm sha2[] = { HASH_SHA256, HASH_SHA384,
	HASH_SHA512 };

static void
test_pss_is_told_from_all_else(void **state)
{
	struct signer *s = *state;
	struct view part = view_str(message), other = view_str("other");
	uint8_t sig[SOFTKEY_SIGNATURE_MAX];
	struct signing pss, wrong;
	size_t len;

	for (size_t i = 0; i < 9; i++) {
		struct signer *k = &s[i / 3];

		assert_code(signing_begin_pss(&pss, k->key, sha2[i % 3],
		    &part, 1), 0);
		assert_int_equal(pss.mechanism, MECH_RSA_PSS);
		len = softkey_sign(k->evp, &pss, sig);
		assert_code(signing_check(&pss, k->key, view_of(sig, len)), 0);
		assert_code(signing_check(&k->signing, k->key,
		    view_of(sig, len)), GPG_ERR_BAD_SIGNATURE);
		assert_code(signing_check(&pss, k->key,
		    view_of(k->sig, k->len)), GPG_ERR_BAD_SIGNATURE);
		assert_good(k);
		for (size_t h = 0; h < 3; h++) {
			assert_code(signing_begin_pss(&wrong, k->key, sha2[h],
			    h == i % 3 ? &other : &part, 1), 0);
			assert_code(signing_check(&wrong, k->key,
			    view_of(sig, len)), GPG_ERR_BAD_SIGNATURE);
			signing_free(&wrong);
		}
		sig[len / 2] ^= 1;
		assert_code(signing_check(&pss, k->key, view_of(sig, len)),
		    GPG_ERR_BAD_SIGNATURE);
		signing_free(&pss);
	}
	for (size_t i = 3; i < ALL; i++)
		assert_code(signing_begin_pss(&pss, s[i].key, HASH_SHA256,
		    &part, 1), GPG_ERR_PUBKEY_ALGO);
	assert_code(signing_begin_pss(&pss, s[0].key, HASH_NONE, &part, 1),
	    GPG_ERR_DIGEST_ALGO);
}

/* The token's half, where it can no more than raise to a power. */
static size_t
raise(EVP_PKEY *evp, struct view block, uint8_t *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
	size_t len = SOFTKEY_SIGNATURE_MAX;

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING),
	    1);
	assert_int_equal(EVP_PKEY_sign(ctx, out, &len, block.p, block.len),
	    1);
	EVP_PKEY_CTX_free(ctx);
	return len;
}

static void
test_a_pss_block_is_what_others_verify(void **state)
{
	struct signer *s = *state;
	uint8_t salt[64], sig[SOFTKEY_SIGNATURE_MAX];
	struct view part = view_str(message), digest;
	struct signing pss;
	struct buf block;

	for (size_t i = 0; i < 9 * 16; i++) {
		struct signer *k = &s[i % 3];

		memset(salt, (int)i, sizeof(salt));
		buf_init(&block, 512);
		assert_code(signing_begin_pss(&pss, k->key, sha2[i / 3 % 3],
		    &part, 1), 0);
		digest = buf_view(&pss.data);
		assert_code(pss_encode(digest, view_of(salt, digest.len),
		    pubkey_bits(k->key), &block), 0);
		assert_int_equal(buf_len(&block), k->len);
		assert_code(signing_check(&pss, k->key, view_of(sig,
		    raise(k->evp, buf_view(&block), sig))), 0);
		assert_code(pss_encode(digest, view_of(salt, digest.len - 1),
		    2048, &block), GPG_ERR_DIGEST_ALGO);
		assert_code(pss_encode(view_of(salt, 20), view_of(salt, 20),
		    2048, &block), GPG_ERR_DIGEST_ALGO);
		assert_code(pss_encode(digest, view_of(salt, digest.len),
		    512, &block), GPG_ERR_TOO_LARGE);
		buf_free(&block);
		signing_free(&pss);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_signature_passes_as_often_as_asked),
		cmocka_unit_test(test_no_flipped_bit_passes),
		cmocka_unit_test(test_no_other_length_passes),
		cmocka_unit_test(test_zeros_and_ones_do_not_pass),
		cmocka_unit_test(
		    test_the_signature_of_something_else_does_not_pass),
		cmocka_unit_test(
		    test_the_signature_of_another_hash_does_not_pass),
		cmocka_unit_test(
		    test_the_signature_of_another_key_does_not_pass),
		cmocka_unit_test(test_swapped_halves_do_not_pass),
		cmocka_unit_test(test_ecdsa_in_der_does_not_pass),
		cmocka_unit_test(test_rsa_beyond_the_modulus_does_not_pass),
		cmocka_unit_test(
		    test_rsa_without_its_leading_zero_does_not_pass),
		cmocka_unit_test(
		    test_rsa_over_another_digest_info_does_not_pass),
		cmocka_unit_test(test_a_mechanism_of_another_key_does_not_pass),
		cmocka_unit_test(test_what_we_let_sign_is_what_others_verify),
		cmocka_unit_test(test_only_ed25519_signs_the_message_itself),
		cmocka_unit_test(
		    test_a_message_longer_than_a_token_takes_is_refused),
		cmocka_unit_test(test_pss_is_told_from_all_else),
		cmocka_unit_test(test_a_pss_block_is_what_others_verify),
		cmocka_unit_test(test_hashes_are_those_of_the_standard),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_signers, free_signers);
}
