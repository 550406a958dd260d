/*
 * The token process against a real module: keys, signatures, and what it does
 * with messages that are none.
 */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "token-keys.h"

static const struct msg_token_prepare prepare = {
	.label = { (const uint8_t *)"the token", 9 }
};

static int
setup(void **state)
{
	static struct rig r;

	*state = &r;
	return rig_init(&r) ? 0 : -1;
}

static int
teardown(void **state)
{
	rig_clear(*state);
	return 0;
}

#define assert_code(err, code) assert_int_equal(gpg_err_code(err), (code))

static void
start(struct rig *r)
{
	assert_code(rig_start(r, &(struct rig_options){ 0 }), 0);
}

static uint32_t
list(struct rig *r, struct msg_token_listing *out)
{
	uint32_t slot;

	assert_code(rig_list(r, out, &slot), 0);
	return slot;
}

static uint32_t
ready(struct rig *r)
{
	uint32_t slot;

	assert_code(rig_ready(r, &(struct rig_options){ 0 }, &slot), 0);
	return slot;
}

static struct rig_key
make(struct rig *r, uint32_t slot, enum key_algorithm algorithm)
{
	struct rig_key k;

	assert_code(rig_make(r, slot, algorithm, &k), 0);
	assert_int_equal(k.algorithm, algorithm);
	assert_int_equal(k.slot, slot);
	return k;
}

static void
test_every_kind_of_key_is_made_and_signs(void **state)
{
	static const enum key_algorithm all[] = { ALGO_RSA2048, ALGO_RSA3072,
		ALGO_P256, ALGO_P384, ALGO_ED25519 };
	struct rig *r = *state;
	uint32_t slot = ready(r);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct rig_key m = make(r, slot, all[i]);

		assert_int_equal(m.created, 1700000000);
		assert_code(rig_sign(r, &m, "some text"), 0);
		assert_code(rig_sign(r, &m, ""), 0);
		rig_key_clear(&m);
	}
	assert_int_equal(rig_stop(r), 0);
}

static void
test_kinds_that_are_not_made_are_refused(void **state)
{
	struct rig *r = *state;
	struct msg_token_make in = { .slot = ready(r), .algorithm = 77 };
	struct msg_token_generated out;

	assert_code(rig_call(r, MSG_token_make, &in, -1, &out),
	    GPG_ERR_PUBKEY_ALGO);
	in.algorithm = ALGO_P256;
	in.slot = 40;
	assert_code(rig_call(r, MSG_token_make, &in, -1, &out),
	    GPG_ERR_CARD_NOT_PRESENT);
	assert_int_equal(rig_count(r, "C_GenerateKeyPair"), 0);
}

static void
test_a_new_process_lists_the_same_keys_before_any_login(void **state)
{
	struct rig *r = *state;
	struct rig_key m = make(r, ready(r), ALGO_P256);
	struct msg_token_listing out;
	struct msg_token_key key;
	struct pubkey *again = NULL;

	assert_int_equal(rig_stop(r), 0);
	start(r);
	rig_log_clear(r);
	list(r, &out);
	assert_int_equal(rig_count(r, "C_Login"), 0);
	assert_int_equal(out.keys.count, 1);
	assert_true(msg_list_next(&out.keys, MSG_token_key, &key));
	assert_code(pubkey_new(&again, key.algorithm, key.public,
	    key.exponent), 0);
	assert_true(view_eq(pubkey_id(again), pubkey_id(m.pub)));
	assert_int_equal(key.created, 1700000000);
	assert_int_equal(key.cka_id.len, 16);
	assert_true(view_eq_str(key.label, "key"));
	assert_true(view_starts(key.uri, "pkcs11:"));
	pubkey_free(&again);
	rig_key_clear(&m);
}

static void
test_a_number_means_the_same_key_after_a_new_listing(void **state)
{
	struct rig *r = *state;
	uint32_t slot = ready(r);
	struct rig_key a = make(r, slot, ALGO_P256), b = make(r, slot, ALGO_P256);
	struct msg_token_listing out;

	for (int i = 0; i < 3; i++) {
		list(r, &out);
		assert_int_equal(out.keys.count, 2);
		assert_code(rig_sign(r, &a, "a"), 0);
		assert_code(rig_sign(r, &b, "b"), 0);
	}
	assert_int_not_equal(a.number, b.number);
	rig_key_clear(&a);
	rig_key_clear(&b);
}

static void
test_handles_are_kept_between_signatures(void **state)
{
	struct rig *r = *state;
	struct rig_key m = make(r, ready(r), ALGO_P256);

	assert_code(rig_sign(r, &m, "one"), 0);
	rig_log_clear(r);
	for (int i = 0; i < 10; i++)
		assert_code(rig_sign(r, &m, "more"), 0);
	assert_int_equal(rig_count(r, "C_Sign"), 10);
	assert_int_equal(rig_count(r, "C_FindObjectsInit"), 0);
	rig_key_clear(&m);
}

static void
test_several_sessions_sign_in_parallel(void **state)
{
	struct rig *r = *state;
	struct rig_key m = make(r, ready(r), ALGO_P256);
	struct msg_token_sign in = { .mechanism = MECH_ECDSA };
	struct msg_token_listing listing;
	struct msg_token_signed out;
	struct msg_token_login login = { 0 };
	uint8_t hash[32] = { 1 };
	struct timespec from, to;

	rig_stop(r);
	assert_code(rig_start(r, &(struct rig_options){ .sessions = 4 }), 0);
	login.slot = list(r, &listing);
	assert_code(rig_talk(r, MSG_token_login, &login, rig_pins, NULL), 0);
	rig_fault(r, "delay sign 400\n");
	in.key = login.slot << 16;
	in.data = view_of(hash, sizeof(hash));
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 4; i++)
		assert_true(rig_send(r, MSG_token_sign, &in, -1));
	for (int i = 0; i < 4; i++)
		assert_code(rig_receive(r, MSG_token_sign, &out), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true((to.tv_sec - from.tv_sec) * 1000 +
	    (to.tv_nsec - from.tv_nsec) / 1000000 < 1200);
	rig_key_clear(&m);
}

static void
test_data_that_does_not_fit_the_key_is_refused(void **state)
{
	struct rig *r = *state;
	struct rig_key m = make(r, ready(r), ALGO_P256);
	struct msg_token_sign in = { .key = m.number };
	struct msg_token_signed out;
	uint8_t data[300] = { 0 };

	rig_log_clear(r);
	in.data = view_of(data, 32);
	in.mechanism = MECH_RSA_PKCS1;
	assert_code(rig_call(r, MSG_token_sign, &in, -1, &out),
	    GPG_ERR_INV_VALUE);
	in.mechanism = MECH_EDDSA;
	assert_code(rig_call(r, MSG_token_sign, &in, -1, &out),
	    GPG_ERR_INV_VALUE);
	in.mechanism = MECH_RSA_PSS;
	assert_code(rig_call(r, MSG_token_sign, &in, -1, &out),
	    GPG_ERR_INV_VALUE);
	in.mechanism = 99;
	assert_code(rig_call(r, MSG_token_sign, &in, -1, &out),
	    GPG_ERR_INV_VALUE);
	in.mechanism = MECH_ECDSA;
	in.data.len = sizeof(data);
	assert_code(rig_call(r, MSG_token_sign, &in, -1, &out),
	    GPG_ERR_INV_VALUE);
	assert_int_equal(rig_count(r, "C_Sign"), 0);
	in.data.len = 32;
	assert_code(rig_call(r, MSG_token_sign, &in, -1, &out), 0);
	rig_key_clear(&m);
}

/* The data is a hash, by the length of which the others go. */
static void
test_rsa_signs_by_pss(void **state)
{
	static const enum hash_algorithm hashes[] = { HASH_SHA256,
		HASH_SHA384, HASH_SHA512 };
	struct rig *r = *state;
	struct rig_key m = make(r, ready(r), ALGO_RSA2048);
	struct msg_token_sign in = { .key = m.number,
		.mechanism = MECH_RSA_PSS };
	struct msg_token_signed out;
	struct view text = view_str("text");
	struct signing s;

	for (size_t i = 0; i < 3; i++) {
		assert_code(signing_begin_pss(&s, m.pub, hashes[i], &text, 1),
		    0);
		in.data = buf_view(&s.data);
		assert_code(rig_call(r, MSG_token_sign, &in, -1, &out), 0);
		assert_code(signing_check(&s, m.pub, out.signature), 0);
		in.data.len--;
		assert_code(rig_call(r, MSG_token_sign, &in, -1, &out),
		    GPG_ERR_INV_VALUE);
		signing_free(&s);
	}
	rig_key_clear(&m);
}

static void
test_unknown_keys_are_named_missing(void **state)
{
	static const uint32_t numbers[] = { 1, 0xffff, 0x10000, 0xffffffff };
	struct rig *r = *state;
	struct msg_token_sign in = { .mechanism = MECH_ECDSA,
		.data = view_str("01234567890123456789012345678901") };
	struct msg_token_signed out;

	ready(r);
	for (size_t i = 0; i < 4; i++) {
		in.key = numbers[i];
		assert_code(rig_call(r, MSG_token_sign, &in, -1, &out),
		    GPG_ERR_MISSING_KEY);
	}
}

static void
test_an_initialized_token_is_never_initialized_again(void **state)
{
	struct rig *r = *state;
	struct msg_token_listing out;
	struct rig_key m = make(r, ready(r), ALGO_P256);

	/* SoftHSM always shows one more, empty: another token is made. */
	assert_code(rig_talk(r, MSG_token_prepare, &prepare, rig_pins, NULL), 0);
	list(r, &out);
	assert_int_equal(out.keys.count, 1);
	assert_int_equal(rig_count(r, "C_InitToken"), 2);
	assert_code(rig_sign(r, &m, "still there"), 0);
	rig_key_clear(&m);
}

static void
test_without_a_pin_source_a_new_token_asks(void **state)
{
	struct rig *r = *state;

	start(r);
	assert_code(rig_call(r, MSG_token_prepare, &prepare, -1, NULL),
	    GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(r, "C_InitToken"), 0);
}

static void
test_a_new_token_takes_its_pin_from_the_source(void **state)
{
	struct rig *r = *state;
	struct rig_options o = { 0 };
	struct msg_token_listing out;
	char path[64];
	struct rig_key m;

	assert_true(rig_write(r, "pin", "271828\n", 0600));
	o.pin_source = rig_path(r, "pin", path);
	assert_code(rig_start(r, &o), 0);
	assert_code(rig_call(r, MSG_token_prepare, &prepare, -1, NULL), 0);
	m = make(r, list(r, &out), ALGO_P256);
	assert_code(rig_sign(r, &m, "nobody was asked"), 0);
	rig_key_clear(&m);
}

static void
test_a_new_pin_of_a_wrong_length_is_asked_for_again(void **state)
{
	static const char *const typed[] = { "1", "", "314159", NULL };
	struct rig *r = *state;
	struct rig_talk t;
	char letters[RIG_TALK_MAX + 1];

	start(r);
	assert_code(rig_talk(r, MSG_token_prepare, &prepare, typed, &t), 0);
	assert_string_equal(rig_letters(&t, letters), "NWWG");
	assert_int_equal(t.verdicts[0].min_length, 4);
	assert_int_equal(rig_count(r, "C_InitToken"), 1);
}

/* ---- modules that are none ---- */

static void
test_what_is_no_module_is_named(void **state)
{
	static const char *const paths[] = { "libsofthsm2.so", "/nonexistent",
		"/tmp", "/etc/passwd" };
	static const gpg_err_code_t codes[] = { GPG_ERR_INV_NAME,
		GPG_ERR_ENOENT, GPG_ERR_INV_NAME, GPG_ERR_CARD };
	struct rig *r = *state;

	for (size_t i = 0; i < 4; i++) {
		assert_code(rig_start(r, &(struct rig_options){
		    .module = paths[i] }), codes[i]);
		assert_non_null(strstr(r->text, paths[i]));
		assert_int_not_equal(rig_wait(r), 0);
	}
	assert_code(rig_start(r, &(struct rig_options){
	    .module = rig_softhsm() }), 0);
	assert_int_equal(rig_stop(r), 0);
}

/* ---- messages that are none ---- */

/* The process ends, with a failure, and without a word. */
static void
assert_cut_off(struct rig *r)
{
	int status;

	assert_code(rig_receive(r, MSG_token_list, NULL), GPG_ERR_EOF);
	status = rig_wait(r);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void
test_the_first_message_is_open(void **state)
{
	struct rig *r = *state;
	struct msg_token_list in = { 0 };

	assert_true(rig_spawn(r));
	assert_true(rig_send(r, MSG_token_list, &in, -1));
	assert_cut_off(r);
}

static void
test_another_version_is_refused(void **state)
{
	struct rig *r = *state;
	struct msg_token_open in = { .version = WIRE_TOKEN_VERSION + 1,
		.path = view_str(rig_softhsm()), .sessions = 1 };
	struct msg_token_opened out;

	assert_true(rig_spawn(r));
	assert_code(rig_call(r, MSG_token_open, &in, -1, &out),
	    GPG_ERR_UNKNOWN_VERSION);
	assert_int_not_equal(rig_wait(r), 0);
}

static void
test_garbage_ends_the_process(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} garbage[] = {
		{ "\xff", 1 },				/* truncated */
		{ "\x63\0\0\0\1", 5 },			/* unknown */
		{ "\x82\0\0\0\1\0\0\0\0\0\0\0\0", 13 },	/* a reply */
		{ "\2\0\0\0\1\0x", 7 },			/* bytes left over */
		{ "\3\0\0\0\1\0\0\0\0\2\xff\xff\xff\xff", 14 },
		{ "\1\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", 25 },
		{ "\4\0\0\0\1\0\0\0\0\0", 10 },		/* login, no socket */
	};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		start(r);
		assert_true(rig_send_raw(r, garbage[i].bytes, garbage[i].len,
		    NULL, 0));
		assert_cut_off(r);
	}
}

static void
test_an_oversized_datagram_ends_the_process(void **state)
{
	struct rig *r = *state;
	char *big = calloc(1, DATAGRAM_MAX + 1);

	assert_non_null(big);
	memcpy(big, "\2\0\0\0\1", 5);
	start(r);
	assert_true(rig_send_raw(r, big, DATAGRAM_MAX + 1, NULL, 0));
	assert_cut_off(r);
	free(big);
}

static void
test_descriptors_come_only_where_they_belong(void **state)
{
	static const int fds[] = { 0, 0, 0, 0, 0, 0 };
	struct rig *r = *state;

	for (size_t n = 1; n <= 6; n += 5) {
		start(r);
		assert_true(rig_send_raw(r, "\2\0\0\0\1", 5, fds, n));
		assert_cut_off(r);
	}
	start(r);
	assert_true(rig_send_raw(r, "\4\0\0\0\1\0\0\0\0", 9, fds, 2));
	assert_cut_off(r);
}

static void
test_it_runs_only_for_an_agent(void **state)
{
	FILE *p;
	char line[256];
	int status;

	p = popen(BUILD "/touchstone-token 3</dev/null 2>&1", "re");
	assert_non_null(p);
	assert_non_null(fgets(line, sizeof(line), p));
	assert_non_null(strstr(line, "usage:"));
	status = pclose(p);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

static void
test_it_ends_on_a_signal_and_at_the_end_of_its_socket(void **state)
{
	struct rig *r = *state;
	int status;

	start(r);
	kill(r->pid, SIGTERM);
	status = rig_wait(r);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	start(r);
	status = rig_stop(r);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define row(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		row(test_every_kind_of_key_is_made_and_signs),
		row(test_kinds_that_are_not_made_are_refused),
		row(test_a_new_process_lists_the_same_keys_before_any_login),
		row(test_a_number_means_the_same_key_after_a_new_listing),
		row(test_handles_are_kept_between_signatures),
		row(test_several_sessions_sign_in_parallel),
		row(test_data_that_does_not_fit_the_key_is_refused),
		row(test_rsa_signs_by_pss),
		row(test_unknown_keys_are_named_missing),
		row(test_an_initialized_token_is_never_initialized_again),
		row(test_without_a_pin_source_a_new_token_asks),
		row(test_a_new_token_takes_its_pin_from_the_source),
		row(test_a_new_pin_of_a_wrong_length_is_asked_for_again),
		row(test_what_is_no_module_is_named),
		row(test_the_first_message_is_open),
		row(test_another_version_is_refused),
		row(test_garbage_ends_the_process),
		row(test_an_oversized_datagram_ends_the_process),
		row(test_descriptors_come_only_where_they_belong),
		row(test_it_runs_only_for_an_agent),
		row(test_it_ends_on_a_signal_and_at_the_end_of_its_socket),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!rig_softhsm()) {
		puts("1..0 # SKIP SoftHSM is not installed");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
