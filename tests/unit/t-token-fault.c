/*
 * Modules and tokens that go wrong: each costs an error with a name, at worst
 * the process, and never more.
 */
#include "config.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "token-keys.h"

#define assert_code(err, code) assert_int_equal(gpg_err_code(err), (code))

/* A token with two keys; somebody is logged in. */
struct world {
	struct rig r;
	uint32_t slot;
	struct rig_key key, other;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (!w || !rig_init(&w->r) || rig_ready(&w->r,
	    &(struct rig_options){ .sessions = 2 }, &w->slot) ||
	    rig_make(&w->r, w->slot, ALGO_P256, &w->key) ||
	    rig_make(&w->r, w->slot, ALGO_P256, &w->other))
		return -1;
	rig_log_clear(&w->r);
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	rig_clear(&w->r);
	rig_key_clear(&w->key);
	rig_key_clear(&w->other);
	free(w);
	return 0;
}

static void
assert_sign(struct world *w, gpg_err_code_t code)
{
	assert_code(rig_sign(&w->r, &w->key, "some text"), code);
}

/* How many keys are listed; -1 where listing fails. */
static int
keys_listed(struct world *w)
{
	struct msg_token_listing out;
	uint32_t slot;

	return rig_list(&w->r, &out, &slot) ? -1 : (int)out.keys.count;
}

static void
test_false_signatures_are_passed_on_for_the_agent_to_refuse(void **state)
{
	static const char *const faults[] = { "garbage\n", "short\n", "long\n",
		"other\n" };
	struct world *w = *state;

	for (size_t i = 0; i < 4; i++) {
		rig_fault(&w->r, faults[i]);
		assert_sign(w, GPG_ERR_BAD_SIGNATURE);
	}
	rig_fault(&w->r, "");
	assert_sign(w, 0);
}

static void
test_an_absurd_length_of_a_signature_is_not_believed(void **state)
{
	struct world *w = *state;

	rig_fault(&w->r, "absurd\n");
	assert_sign(w, GPG_ERR_CARD);
	rig_fault(&w->r, "");
	assert_sign(w, 0);
}

static void
test_a_crash_costs_the_process_alone(void **state)
{
	static const char *const faults[] = { "crash sign\n", "crash list\n" };
	struct world *w = *state;
	struct msg_token_listing out;
	int status;

	for (size_t i = 0; i < 2; i++) {
		rig_fault(&w->r, faults[i]);
		if (i == 0)
			assert_sign(w, GPG_ERR_EOF);
		else
			assert_int_equal(keys_listed(w), -1);
		status = rig_wait(&w->r);
		assert_true(WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGABRT);
		assert_false(WCOREDUMP(status));
		rig_fault(&w->r, "");
		assert_code(rig_start(&w->r, &(struct rig_options){ 0 }), 0);
		assert_code(rig_list(&w->r, &out, &w->slot), 0);
		assert_int_equal(out.keys.count, 2);
		assert_code(rig_login(&w->r, w->slot, rig_pins, NULL), 0);
	}
}

static void
test_a_hanging_signature_leaves_the_other_session_free(void **state)
{
	struct world *w = *state;
	struct msg_token_signed out;

	rig_fault(&w->r, "hang sign\n");
	assert_true(rig_sign_send(&w->r, &w->key));
	assert_int_equal(poll(&(struct pollfd){ .fd = w->r.fd,
	    .events = POLLIN }, 1, 200), 0);
	rig_fault(&w->r, "delay sign 1000\n");	/* frees it, later */
	assert_true(rig_sign_send(&w->r, &w->key));
	rig_fault(&w->r, "");
	assert_code(rig_receive(&w->r, MSG_token_sign, &out), 0);
	assert_code(rig_receive(&w->r, MSG_token_sign, &out), 0);
}

/* The agent closes the socket of what hangs: it ends in a few seconds. */
static void
test_a_process_that_hangs_still_ends(void **state)
{
	struct world *w = *state;
	int status;

	rig_fault(&w->r, "hang sign\n");
	assert_true(rig_sign_send(&w->r, &w->key));
	usleep(100 * 1000);
	kill(w->r.pid, SIGTERM);
	status = rig_wait(&w->r);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);

	rig_fault(&w->r, "hang init\n");
	assert_true(rig_spawn(&w->r));
	assert_true(rig_send(&w->r, MSG_token_open, &(struct msg_token_open){
	    .version = WIRE_TOKEN_VERSION, .sessions = 1,
	    .path = view_str(BUILD "/tests/modules/fault.so") }, -1));
	usleep(100 * 1000);
	kill(w->r.pid, SIGTERM);
	status = rig_wait(&w->r);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

static void
test_a_module_that_does_not_start_is_named(void **state)
{
	struct world *w = *state;

	rig_stop(&w->r);
	rig_fault(&w->r, "fail init 0x30 0\n");
	assert_code(rig_start(&w->r, &(struct rig_options){ 0 }),
	    GPG_ERR_CARD);
	assert_non_null(strstr(w->r.text, "fault.so"));
	assert_int_not_equal(rig_wait(&w->r), 0);
}

/* ---- absurd answers ---- */

static void
test_absurd_attributes_leave_keys_out(void **state)
{
	static const char *const faults[] = { "huge\n", "unavailable\n" };
	struct world *w = *state;

	assert_int_equal(keys_listed(w), 2);
	for (size_t i = 0; i < 2; i++) {
		rig_fault(&w->r, faults[i]);
		assert_int_equal(keys_listed(w), 0);
		rig_fault(&w->r, "");
		assert_int_equal(keys_listed(w), 2);
		assert_sign(w, 0);
	}
}

static void
test_more_objects_than_fit_are_an_error(void **state)
{
	struct world *w = *state;

	rig_fault(&w->r, "many\n");
	assert_int_equal(keys_listed(w), -1);
	rig_fault(&w->r, "slots\n");
	assert_int_equal(keys_listed(w), -1);
	rig_fault(&w->r, "");
	assert_int_equal(keys_listed(w), 2);
}

/* ---- tokens that come and go ---- */

#define REMOVED "fail sign 0x32 "
#define STALE_SESSION "fail sign 0xb3 "
#define STALE_OBJECT "fail sign 0x82 "

static void
test_what_went_stale_is_mended_once(void **state)
{
	static const char *const faults[] = { REMOVED "1\n",
		STALE_SESSION "1\n", STALE_OBJECT "1\n" };
	struct world *w = *state;

	for (size_t i = 0; i < 3; i++) {
		rig_fault(&w->r, faults[i]);
		rig_log_clear(&w->r);
		assert_sign(w, 0);
		assert_int_equal(rig_count(&w->r, "C_Sign"), 2);
	}
}

static void
test_what_stays_stale_is_an_error(void **state)
{
	static const char *const faults[] = { REMOVED "0\n",
		STALE_SESSION "0\n", STALE_OBJECT "0\n" };
	struct world *w = *state;

	for (size_t i = 0; i < 3; i++) {
		rig_fault(&w->r, faults[i]);
		rig_log_clear(&w->r);
		assert_sign(w, GPG_ERR_CARD);
		assert_int_equal(rig_count(&w->r, "C_Sign"), 2);
	}
	rig_fault(&w->r, "");
	assert_sign(w, 0);
}

static void
test_a_token_that_is_gone_takes_its_pin_along(void **state)
{
	struct world *w = *state;

	rig_fault(&w->r, "absent\n");
	assert_sign(w, GPG_ERR_CARD_NOT_PRESENT);
	assert_int_not_equal(rig_search(&w->r, RIG_PIN), 1);
	assert_int_equal(keys_listed(w), 0);
	rig_fault(&w->r, "");
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
	assert_code(rig_login(&w->r, w->slot, rig_pins, NULL), 0);
	assert_sign(w, 0);
}

static void
test_listing_notices_that_a_token_is_gone(void **state)
{
	struct world *w = *state;

	rig_fault(&w->r, "absent\n");
	assert_int_equal(keys_listed(w), 0);
	assert_int_equal(rig_slot_flags(&w->r, w->slot), -1);
	assert_int_not_equal(rig_search(&w->r, RIG_PIN), 1);
	rig_fault(&w->r, "");
	assert_int_equal(keys_listed(w), 2);
	assert_false(rig_slot_flags(&w->r, w->slot) & TOKEN_LOGGED_IN);
}

static void
test_another_token_never_gets_the_pin(void **state)
{
	struct world *w = *state;

	rig_fault(&w->r, "swapped\nfail sign 0x101 1\n");
	assert_sign(w, GPG_ERR_CARD_NOT_PRESENT);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
	rig_fault(&w->r, "swapped\n" REMOVED "1\n");
	assert_sign(w, GPG_ERR_CARD_NOT_PRESENT);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
	assert_int_not_equal(rig_search(&w->r, RIG_PIN), 1);
}

/* ---- making ---- */

static void
test_a_key_half_made_is_removed(void **state)
{
	struct world *w = *state;
	struct rig_key k;

	rig_fault(&w->r, "no-data\n");
	assert_code(rig_make(&w->r, w->slot, ALGO_P256, &k), GPG_ERR_ENOSPC);
	assert_int_equal(rig_count(&w->r, "C_DestroyObject"), 2);
	rig_fault(&w->r, "");
	assert_int_equal(keys_listed(w), 2);
}

static void
test_a_failed_making_is_named(void **state)
{
	struct world *w = *state;
	struct rig_key k;

	rig_fault(&w->r, "fail make 0x70 0\n");
	assert_code(rig_make(&w->r, w->slot, ALGO_P256, &k),
	    GPG_ERR_NOT_SUPPORTED);
	rig_fault(&w->r, "fail make 0x31 0\n");
	assert_code(rig_make(&w->r, w->slot, ALGO_P256, &k),
	    GPG_ERR_ENOSPC);
	assert_int_equal(keys_listed(w), 2);
}

static void
test_keys_without_public_objects_are_left_out_or_told(void **state)
{
	struct world *w = *state;

	/* SoftHSM's private EC keys do not tell their point. */
	rig_fault(&w->r, "no-public\n");
	assert_int_equal(keys_listed(w), 0);
	assert_sign(w, GPG_ERR_MISSING_KEY);
	rig_fault(&w->r, "");
	assert_int_equal(keys_listed(w), 2);
	rig_key_clear(&w->other);
	assert_code(rig_make(&w->r, w->slot, ALGO_RSA2048, &w->other), 0);
	/* Its private RSA keys do. */
	rig_fault(&w->r, "no-public\n");
	assert_int_equal(keys_listed(w), 1);
	assert_code(rig_sign(&w->r, &w->other, "x"), 0);
}

#define row(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		row(test_false_signatures_are_passed_on_for_the_agent_to_refuse),
		row(test_an_absurd_length_of_a_signature_is_not_believed),
		row(test_a_crash_costs_the_process_alone),
		row(test_a_hanging_signature_leaves_the_other_session_free),
		row(test_a_process_that_hangs_still_ends),
		row(test_a_module_that_does_not_start_is_named),
		row(test_absurd_attributes_leave_keys_out),
		row(test_more_objects_than_fit_are_an_error),
		row(test_what_went_stale_is_mended_once),
		row(test_what_stays_stale_is_an_error),
		row(test_a_token_that_is_gone_takes_its_pin_along),
		row(test_listing_notices_that_a_token_is_gone),
		row(test_another_token_never_gets_the_pin),
		row(test_a_key_half_made_is_removed),
		row(test_a_failed_making_is_named),
		row(test_keys_without_public_objects_are_left_out_or_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!rig_softhsm()) {
		puts("1..0 # SKIP SoftHSM is not installed");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
