/* Keys in memory: halves that fit, times that end, memory that is given back. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/crypto.h>

#include "pkcs11/soft.h"
#include "../tools/softssh.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

static const enum key_algorithm all[] = {
	ALGO_RSA2048, ALGO_P256, ALGO_P384, ALGO_P521, ALGO_ED25519,
};
#define ALL (sizeof(all) / sizeof(all[0]))

struct fixture {
	struct soft soft;
	EVP_PKEY *evp[ALL];
	struct buf bytes[ALL];		/* private keys, without a comment */
};

static int
make_keys(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct problem pb = { "" };

	/* Before OpenSSL is used at all. */
	if (!f || soft_memory_init(0, &f->soft.room, &pb)) {
		print_error("%s\n", pb.text);
		return -1;
	}
	pthread_rwlock_init(&f->soft.mu, NULL);
	f->soft.reserve = 65536;
	if (keeper_new(&f->soft.keeper, soft_expire, &f->soft))
		return -1;
	for (size_t i = 0; i < ALL; i++) {
		if (!(f->evp[i] = softkey_new(all[i])))
			return -1;
		buf_init(&f->bytes[i], 8192);
		softssh_put_private(&f->bytes[i], f->evp[i], view_of("", 0),
		    "");
		buf_truncate(&f->bytes[i], buf_len(&f->bytes[i]) - 4);
	}
	*state = f;
	return 0;
}

static int
free_keys(void **state)
{
	struct fixture *f = *state;

	keeper_free(&f->soft.keeper);
	for (size_t i = 0; i < ALL; i++) {
		EVP_PKEY_free(f->evp[i]);
		buf_free(&f->bytes[i]);
	}
	pthread_rwlock_destroy(&f->soft.mu);
	free(f);
	return 0;
}

static gpg_error_t
make(struct view bytes)
{
	struct problem pb = { "" };
	struct pubkey *pub;
	EVP_PKEY *evp;
	gpg_error_t err = soft_make(bytes, &evp, &pub, &pb);

	assert_int_equal(!err, !!evp);
	assert_int_equal(!err, !!pub);
	assert_int_equal(!err, !pb.text[0]);
	EVP_PKEY_free(evp);
	pubkey_free(&pub);
	return err;
}

/* A change of any byte of a number, or none of it, is noticed. */
static void
test_halves_belong_together(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct buf *b = &f->bytes[i];

		assert_code(make(buf_view(b)), 0);
		for (size_t n = 0; n < buf_len(b); n += i == 0 ? 7 : 1) {
			b->data[n] ^= 1;
			assert_int_not_equal(make(buf_view(b)), 0);
			b->data[n] ^= 1;
			assert_int_not_equal(make(view_of(b->data, n)), 0);
		}
		buf_put_u8(b, 0);
		assert_int_not_equal(make(buf_view(b)), 0);
		buf_truncate(b, buf_len(b) - 1);
		assert_code(make(buf_view(b)), 0);
	}
}

/* The private numbers of one key behind the public ones of another. */
static void
test_halves_of_two_keys_are_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		EVP_PKEY *other = softkey_new(all[i]);
		struct pubkey *pub = softkey_public(other);
		struct view mine = buf_view(&f->bytes[i]), skipped;
		struct buf b, theirs;

		buf_init(&b, 8192);
		buf_init(&theirs, 8192);
		softssh_put_private(&theirs, other, view_of("", 0), "");
		/* type, and of ECDSA curve and point; of RSA n and e */
		for (int n = all[i] == ALGO_ED25519 ? 2 : 3; n > 0; n--)
			assert_code(view_get_string(&mine, 8192, &skipped), 0);
		buf_put_view(&b, view_of(theirs.data,
		    (size_t)(mine.p - f->bytes[i].data)));
		/* Ed25519 has the public half once more. */
		if (all[i] == ALGO_ED25519) {
			buf_put_u32(&b, 64);
			buf_put(&b, mine.p + 4, 32);
			buf_put_view(&b, pubkey_public(pub));
		} else {
			buf_put_view(&b, mine);
		}
		assert_code(make(buf_view(&b)), GPG_ERR_BAD_SECKEY);
		buf_free(&b);
		buf_free(&theirs);
		pubkey_free(&pub);
		EVP_PKEY_free(other);
	}
}

/* ---- what is kept ---- */

static gpg_error_t
import(struct fixture *f, const struct buf *bytes, uint32_t lifetime_s,
    uint32_t *number)
{
	struct msg_token_import in = { .lifetime_s = lifetime_s,
		.label = view_str("label"), .key = buf_view(bytes) };
	struct msg_list keys = { 0, { NULL, 0 } };
	struct problem pb = { "" };
	struct msg_token_key key;
	struct buf b;
	gpg_error_t err;

	buf_init(&b, TOKEN_MAKE_ROOM);
	err = soft_import(&f->soft, 0, &in, &b, &keys, &pb);
	keys.raw = buf_view(&b);
	assert_int_equal(keys.count, err ? 0 : 1);
	assert_int_equal(!err, !pb.text[0]);
	if (!err) {
		assert_true(msg_list_next(&keys, MSG_token_key, &key));
		if (number)
			*number = key.key;
	}
	buf_free(&b);
	return err;
}

static uint32_t
count(struct fixture *f)
{
	struct msg_list slots = { 0, { NULL, 0 } }, keys = slots;
	struct problem pb = { "" };
	struct buf a, b;

	buf_init(&a, 8192);
	buf_init(&b, 160 * 1024);
	assert_code(soft_list(&f->soft, 0, true, &a, &slots, &b, &keys, &pb),
	    0);
	assert_int_equal(slots.count, 0);
	buf_free(&a);
	buf_free(&b);
	return keys.count;
}

static gpg_error_t
sign(struct fixture *f, uint32_t number, const struct pubkey *pub,
    uint8_t mechanism)
{
	struct view text = view_str("text");
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	struct token_signing in = { .key = number };
	struct problem pb = { "" };
	struct signing s;
	size_t len;
	gpg_error_t err;

	assert_code(signing_begin(&s, pub, pubkey_hash(pub), &text, 1), 0);
	in.data = buf_view(&s.data);
	in.mechanism = mechanism ? mechanism : s.mechanism;
	err = soft_sign(&f->soft, 0, &in, signature, &len, &pb);
	assert_int_equal(!err, !pb.text[0]);
	if (!err)
		err = signing_check(&s, pub, view_of(signature, len));
	signing_free(&s);
	return err;
}

static void
test_keys_are_used_until_they_are_removed(void **state)
{
	struct fixture *f = *state;
	static const uint8_t mechanism[ALL] = { MECH_RSA_PKCS1, MECH_ECDSA,
		MECH_ECDSA, MECH_ECDSA, MECH_EDDSA };
	struct problem pb = { "" };
	uint32_t number[ALL], again;

	for (size_t i = 0; i < ALL; i++)
		assert_code(import(f, &f->bytes[i], 0, &number[i]), 0);
	assert_int_equal(count(f), ALL);
	for (size_t i = 0; i < ALL; i++) {
		struct pubkey *pub = softkey_public(f->evp[i]);

		assert_code(sign(f, number[i], pub, 0), 0);
		for (uint8_t m = 1; m < 5; m++)		/* and only so */
			assert_code(sign(f, number[i], pub, m),
			    m == mechanism[i] ? 0 : GPG_ERR_INV_VALUE);
		assert_code(import(f, &f->bytes[i], 0, &again), 0);
		assert_int_equal(again, number[i]);
		assert_int_equal(count(f), ALL - i);
		assert_code(soft_remove(&f->soft, 0, number[i], &pb), 0);
		assert_code(soft_remove(&f->soft, 0, number[i], &pb),
		    GPG_ERR_MISSING_KEY);
		assert_code(sign(f, number[i], pub, 0), GPG_ERR_MISSING_KEY);
		/* It comes back as another. */
		assert_code(import(f, &f->bytes[i], 0, &again), 0);
		assert_int_not_equal(again, number[i]);
		assert_code(soft_remove(&f->soft, 0, again, &pb), 0);
		pubkey_free(&pub);
	}
	assert_int_equal(count(f), 0);
}

static void
test_keys_live_their_time(void **state)
{
	struct fixture *f = *state;
	struct pubkey *pub = softkey_public(f->evp[4]);
	uint32_t brief, other;

	assert_code(import(f, &f->bytes[4], 1, &brief), 0);
	assert_code(import(f, &f->bytes[1], 3600, &other), 0);
	assert_code(sign(f, brief, pub, 0), 0);
	for (int i = 0; i < 200 && count(f) > 1; i++)
		usleep(50 * 1000);
	assert_int_equal(count(f), 1);
	assert_code(sign(f, brief, pub, 0), GPG_ERR_MISSING_KEY);
	soft_wipe(&f->soft);
	assert_int_equal(count(f), 0);
	pubkey_free(&pub);
}

static void
test_memory_is_locked_and_given_back(void **state)
{
	struct fixture *f = *state;
	struct problem pb = { "" };
	uint32_t number;
	size_t before;

	/* What OpenSSL looks up at the first use stays. */
	for (size_t i = 0; i < ALL; i++)
		assert_code(import(f, &f->bytes[i], 0, NULL), 0);
	soft_wipe(&f->soft);
	before = CRYPTO_secure_used();
	for (size_t i = 0; i < ALL; i++) {
		assert_code(import(f, &f->bytes[i], 0, &number), 0);
		assert_true(CRYPTO_secure_used() > before);
		assert_true(CRYPTO_secure_allocated(f->soft.keys[0].evp));
		assert_code(soft_remove(&f->soft, 0, number, &pb), 0);
		assert_int_equal(CRYPTO_secure_used(), before);
	}
}

static void
test_what_does_not_fit_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t room = f->soft.room;
	uint32_t number;
	struct buf b;

	f->soft.room = CRYPTO_secure_used() + f->soft.reserve - 1;
	assert_code(import(f, &f->bytes[4], 0, &number),
	    GPG_ERR_RESOURCE_LIMIT);
	f->soft.room = room;
	for (size_t i = 0; i < SOFT_KEYS_MAX; i++) {
		EVP_PKEY *evp = softkey_new(ALGO_ED25519);

		buf_init(&b, 8192);
		softssh_put_private(&b, evp, view_of("", 0), "");
		buf_truncate(&b, buf_len(&b) - 4);
		assert_code(import(f, &b, 0, &number), 0);
		if (i + 1 < SOFT_KEYS_MAX)
			buf_free(&b);
		EVP_PKEY_free(evp);
	}
	assert_code(import(f, &f->bytes[4], 0, NULL), GPG_ERR_RESOURCE_LIMIT);
	assert_code(import(f, &b, 0, NULL), 0);		/* it is there */
	assert_int_equal(count(f), SOFT_KEYS_MAX);
	soft_wipe(&f->soft);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_halves_belong_together),
		cmocka_unit_test(test_halves_of_two_keys_are_refused),
		cmocka_unit_test(test_keys_are_used_until_they_are_removed),
		cmocka_unit_test(test_keys_live_their_time),
		cmocka_unit_test(test_memory_is_locked_and_given_back),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
