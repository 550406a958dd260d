/* Signatures that threads check: each is told once, and truly. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>

#include "agent/check.h"
#include "../tools/softkey.h"

#define MANY 400

static const enum key_algorithm algorithms[] = { ALGO_ED25519, ALGO_P256,
	ALGO_RSA2048 };
#define KEYS (sizeof(algorithms) / sizeof(algorithms[0]))

struct signer {
	EVP_PKEY *evp;
	struct pubkey *key;
	struct signing signing;
	uint8_t sig[SOFTKEY_SIGNATURE_MAX];
	size_t len;
};

struct fixture {
	struct event_base *base;
	struct checks *checks;
	struct signer signers[KEYS];
	size_t told, wrong;
};

/* One that was asked for. */
struct one {
	struct fixture *f;
	bool good;
	const uint8_t *sig;
	size_t len, told;
};

static void
signer_make(struct signer *s, enum key_algorithm algorithm)
{
	struct view part = view_str("touchstone tells gold");

	s->evp = softkey_new(algorithm);
	s->key = softkey_public(s->evp);
	assert_int_equal(signing_begin(&s->signing, s->key,
	    pubkey_hash(s->key), &part, 1), 0);
	s->len = softkey_sign(s->evp, &s->signing, s->sig);
}

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	for (size_t i = 0; i < KEYS; i++)
		signer_make(&f->signers[i], algorithms[i]);
	f->base = event_base_new();
	assert_int_equal(checks_new(&f->checks, f->base), 0);
	*state = f;
	return 0;
}

static int
clear(void **state)
{
	struct fixture *f = *state;

	checks_end(&f->checks);
	event_base_free(f->base);
	for (size_t i = 0; i < KEYS; i++) {
		signing_free(&f->signers[i].signing);
		pubkey_free(&f->signers[i].key);
		EVP_PKEY_free(f->signers[i].evp);
	}
	free(f);
	return 0;
}

static void
on_checked(void *arg, gpg_error_t err, struct view signature)
{
	struct one *o = arg;

	o->told++;
	o->f->told++;
	o->f->wrong += gpg_err_code(err) !=
	    (o->good ? 0 : GPG_ERR_BAD_SIGNATURE) ||
	    !view_eq(signature, view_of(o->sig, o->len));
}

/* The n-th: each key in its turn, and every other one is spoilt. */
static void
ask(struct fixture *f, struct one *o, size_t n, const struct signer *s,
    uint8_t *sig)
{
	memcpy(sig, s->sig, s->len);
	*o = (struct one){ f, n / KEYS % 2 == 0, s->sig, s->len, 0 };
	if (!o->good) {
		sig[s->len - 1] ^= 1;
		o->sig = sig;
	}
	assert_int_equal(check_start(f->checks, &s->signing, s->key,
	    view_of(sig, s->len), on_checked, o), 0);
	/* It was copied. */
	if (o->good)
		memset(sig, 0, s->len);
}

static void
ask_many(struct fixture *f, struct one all[MANY],
    uint8_t sigs[MANY][SOFTKEY_SIGNATURE_MAX])
{
	for (size_t n = 0; n < MANY; n++)
		ask(f, &all[n], n, &f->signers[n % KEYS], sigs[n]);
}

static void
assert_told_once(const struct fixture *f, const struct one all[MANY])
{
	assert_int_equal(f->told, MANY);
	assert_int_equal(f->wrong, 0);
	for (size_t n = 0; n < MANY; n++)
		assert_int_equal(all[n].told, 1);
}

static void
test_each_is_told_once_good_from_bad(void **state)
{
	static uint8_t sigs[MANY][SOFTKEY_SIGNATURE_MAX];
	static struct one all[MANY];
	struct fixture *f = *state;

	ask_many(f, all, sigs);
	/* Of what takes long nothing is told from within the question. */
	for (size_t n = 0; n < MANY; n++)
		assert_int_equal(all[n].told,
		    algorithms[n % KEYS] == ALGO_RSA2048);
	while (f->told < MANY)
		assert_int_equal(event_base_loop(f->base, EVLOOP_ONCE), 0);
	assert_told_once(f, all);
}

static void
test_what_is_under_way_is_told_at_the_end(void **state)
{
	static uint8_t sigs[MANY][SOFTKEY_SIGNATURE_MAX];
	static struct one all[MANY];
	struct fixture *f = *state;

	ask_many(f, all, sigs);
	checks_end(&f->checks);
	assert_null(f->checks);
	assert_told_once(f, all);
}

static void
test_one_after_the_other(void **state)
{
	uint8_t sig[SOFTKEY_SIGNATURE_MAX];
	struct fixture *f = *state;
	struct one o;

	for (size_t n = 0; n < 2 * KEYS; n++) {
		ask(f, &o, n, &f->signers[n % KEYS], sig);
		while (o.told == 0)
			assert_int_equal(event_base_loop(f->base,
			    EVLOOP_ONCE), 0);
	}
	assert_int_equal(f->told, 2 * KEYS);
	assert_int_equal(f->wrong, 0);
}

static void
test_what_is_too_long_is_refused_at_once(void **state)
{
	uint8_t sig[1025] = { 0 };
	struct fixture *f = *state;
	struct signer *s = &f->signers[0];
	struct one o = { f, false, sig, 1024, 0 };

	assert_int_equal(gpg_err_code(check_start(f->checks, &s->signing,
	    s->key, view_of(sig, 1025), on_checked, &o)), GPG_ERR_TOO_LARGE);
	/* The longest that a token can give is looked at. */
	assert_int_equal(check_start(f->checks, &s->signing, s->key,
	    view_of(sig, 1024), on_checked, &o), 0);
	checks_end(&f->checks);
	assert_int_equal(o.told, 1);
	assert_int_equal(f->wrong, 0);
}

static void
test_nothing_was_asked(void **state)
{
	struct fixture *f = *state;

	checks_end(&f->checks);
	assert_null(f->checks);
	checks_end(&f->checks);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_is_told_once_good_from_bad),
		TEST(test_what_is_under_way_is_told_at_the_end),
		TEST(test_one_after_the_other),
		TEST(test_what_is_too_long_is_refused_at_once),
		TEST(test_nothing_was_asked),
	};

	alarm(120);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
