/*
 * PINs: one login at the token for one entry, never the last try unasked,
 * none that was refused sent again, none in memory once its time is over.
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
#include <unistd.h>

#include <cmocka.h>

#include "token-keys.h"

#define assert_code(err, code) assert_int_equal(gpg_err_code(err), (code))

/* A token with a PIN counter and a key; nobody is logged in. */
struct world {
	struct rig r;
	uint32_t slot;
	struct rig_key key;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	return w && rig_init(&w->r) ? 0 : -1;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	rig_clear(&w->r);
	rig_key_clear(&w->key);
	free(w);
	return 0;
}

static void
make_world(struct world *w, const struct rig_options *o)
{
	struct msg_token_listing out;

	assert_code(rig_ready(&w->r, &(struct rig_options){ 0 }, &w->slot),
	    0);
	assert_code(rig_make(&w->r, w->slot, ALGO_P256, &w->key), 0);
	assert_int_equal(rig_stop(&w->r), 0);
	rig_fault(&w->r, "tries 3\n");
	assert_code(rig_start(&w->r, o), 0);
	assert_code(rig_list(&w->r, &out, &w->slot), 0);
	w->key.slot = w->slot;
	w->key.number = w->slot << 16;
	rig_log_clear(&w->r);
}

static void
make_plain(struct world *w)
{
	make_world(w, &(struct rig_options){ 0 });
}

/* What the prompter saw, in letters. */
static void
assert_talk(struct world *w, const char *const *pins, gpg_err_code_t code,
    const char *letters)
{
	char seen[RIG_TALK_MAX + 1];
	struct rig_talk t;

	assert_code(rig_login(&w->r, w->slot, pins, &t), code);
	assert_string_equal(rig_letters(&t, seen), letters);
}

static void
assert_sign(struct world *w, gpg_err_code_t code)
{
	assert_code(rig_sign(&w->r, &w->key, "some text"), code);
}

#define PINS(...) (const char *const[]){ __VA_ARGS__, NULL }

static void
test_a_signature_wants_a_login_first(void **state)
{
	struct world *w = *state;

	make_plain(w);
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
	assert_true(rig_slot_flags(&w->r, w->slot) & TOKEN_LOGIN);
	assert_false(rig_slot_flags(&w->r, w->slot) & TOKEN_LOGGED_IN);
	assert_talk(w, rig_pins, 0, "AG");
	assert_true(rig_slot_flags(&w->r, w->slot) & TOKEN_LOGGED_IN);
	assert_sign(w, 0);
	assert_sign(w, 0);
	assert_int_equal(rig_count(&w->r, "C_Login"), 1);
}

static void
test_each_entry_is_one_login(void **state)
{
	struct world *w = *state;
	struct rig_talk t;

	make_plain(w);
	assert_code(rig_login(&w->r, w->slot, PINS("0000", RIG_PIN), &t), 0);
	assert_int_equal(t.count, 3);
	assert_int_equal(t.verdicts[1].verdict, PIN_WRONG);
	assert_int_equal(t.verdicts[1].tries_left, PIN_TRIES_UNKNOWN);
	assert_int_equal(t.verdicts[0].min_length, 4);
	assert_int_equal(rig_count(&w->r, "C_Login"), 2);
	assert_sign(w, 0);
}

static void
test_the_last_try_is_announced_before_it_is_used(void **state)
{
	struct world *w = *state;
	struct rig_talk t;

	make_plain(w);
	assert_code(rig_login(&w->r, w->slot, PINS("0000", "1111"), &t),
	    GPG_ERR_CANCELED);
	assert_int_equal(t.verdicts[2].verdict, PIN_LAST);
	assert_int_equal(t.verdicts[2].tries_left, 1);
	assert_true(rig_slot_flags(&w->r, w->slot) & TOKEN_PIN_LAST);
	assert_int_equal(rig_count(&w->r, "C_Login"), 2);
	/* And it is the first word of the next dialogue. */
	assert_talk(w, PINS(RIG_PIN), 0, "TG");
	assert_int_equal(rig_count(&w->r, "C_Login"), 3);
}

static void
test_a_locked_token_gets_no_further_try(void **state)
{
	struct world *w = *state;

	make_plain(w);
	assert_talk(w, PINS("0000", "1111", "2222", RIG_PIN),
	    GPG_ERR_PIN_BLOCKED, "AWTL");
	assert_non_null(strstr(w->r.text, "PUK"));
	assert_int_equal(rig_count(&w->r, "C_Login"), 3);
	assert_talk(w, PINS(RIG_PIN), GPG_ERR_PIN_BLOCKED, "L");
	assert_sign(w, GPG_ERR_PIN_BLOCKED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 3);
	assert_true(rig_slot_flags(&w->r, w->slot) & TOKEN_PIN_LOCKED);
}

static void
test_tries_that_another_program_used_up_stop_an_entry(void **state)
{
	struct world *w = *state;
	struct msg_token_login in = { 0 };
	int pair[2];
	char raw[2048];

	make_plain(w);
	in.slot = w->slot;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair), 0);
	assert_true(rig_send(&w->r, MSG_token_login, &in, pair[0]));
	assert_true(recv(pair[1], raw, sizeof(raw), 0) > 0);
	assert_int_equal(raw[5], PIN_ASK);
	rig_write(&w->r, "state", "2\n", 0600);
	assert_int_equal(send(pair[1], "\2\0\0\0\0\0\0\0\0064242", 13, 0), 13);
	close(pair[1]);
	assert_code(rig_receive(&w->r, MSG_token_login, NULL),
	    GPG_ERR_BAD_DATA);

	/* The same with an entry that is one. */
	rig_write(&w->r, "state", "0\n", 0600);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair), 0);
	assert_true(rig_send(&w->r, MSG_token_login, &in, pair[0]));
	assert_true(recv(pair[1], raw, sizeof(raw), 0) > 0);
	rig_write(&w->r, "state", "2\n", 0600);
	assert_int_equal(send(pair[1], "\2\0\0\0\0\0\0\0\0044242", 13, 0), 13);
	assert_true(recv(pair[1], raw, sizeof(raw), 0) > 0);
	assert_int_equal(raw[5], PIN_LAST);
	close(pair[1]);
	assert_code(rig_receive(&w->r, MSG_token_login, NULL),
	    GPG_ERR_CANCELED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
}

static void
test_an_empty_entry_is_not_tried(void **state)
{
	struct world *w = *state;

	make_plain(w);
	assert_talk(w, PINS("", "", RIG_PIN), 0, "AWWG");
	assert_int_equal(rig_count(&w->r, "C_Login"), 1);
}

static void
test_a_cancelled_dialogue_leaves_the_token_alone(void **state)
{
	static const char *const none[] = { NULL };
	struct world *w = *state;

	make_plain(w);
	assert_talk(w, none, GPG_ERR_CANCELED, "A");
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_talk(w, rig_pins, 0, "AG");
}

static void
test_one_person_is_asked_at_a_time(void **state)
{
	struct world *w = *state;
	struct msg_token_login in = { 0 };
	struct rig_talk t;
	char raw[2048];
	int pair[2];

	make_plain(w);
	in.slot = w->slot;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair), 0);
	assert_true(rig_send(&w->r, MSG_token_login, &in, pair[0]));
	assert_true(recv(pair[1], raw, sizeof(raw), 0) > 0);
	/* Nor does the dialogue keep the process from other work. */
	assert_true(rig_slot_flags(&w->r, w->slot) >= 0);
	assert_code(rig_login(&w->r, w->slot, rig_pins, &t), GPG_ERR_EBUSY);
	close(pair[1]);
	assert_code(rig_receive(&w->r, MSG_token_login, NULL),
	    GPG_ERR_CANCELED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
}

static void
test_who_is_logged_in_is_not_asked_again(void **state)
{
	struct world *w = *state;

	make_plain(w);
	assert_talk(w, rig_pins, 0, "AG");
	assert_talk(w, PINS("0000"), 0, "G");
	assert_int_equal(rig_count(&w->r, "C_Login"), 1);
}

static void
test_a_token_that_is_not_there_asks_nobody(void **state)
{
	struct world *w = *state;
	struct rig_talk t;

	make_plain(w);
	assert_code(rig_login(&w->r, 63, rig_pins, &t),
	    GPG_ERR_CARD_NOT_PRESENT);
	rig_fault(&w->r, "tries 3\nabsent\n");
	assert_code(rig_login(&w->r, w->slot, rig_pins, &t),
	    GPG_ERR_CARD_NOT_PRESENT);
	assert_int_equal(t.verdicts[0].verdict, PIN_FAILED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
}

/* ---- how long ---- */

static void
test_forget_wipes_the_pin_and_logs_out(void **state)
{
	struct world *w = *state;
	int found;

	make_plain(w);
	assert_talk(w, rig_pins, 0, "AG");
	assert_sign(w, 0);
	if ((found = rig_search(&w->r, RIG_PIN)) != -1)
		assert_int_equal(found, 1);
	assert_code(rig_forget(&w->r), 0);
	if (found != -1)
		assert_int_equal(rig_search(&w->r, RIG_PIN), 0);
	assert_int_equal(rig_count(&w->r, "C_Logout"), 1);
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 1);
	if (found == -1)
		print_message("# no right to look into the process\n");
}

static void
test_a_refused_pin_does_not_stay_in_memory(void **state)
{
	struct world *w = *state;

	make_plain(w);
	assert_talk(w, PINS("86421357"), GPG_ERR_CANCELED, "AW");
	assert_int_not_equal(rig_search(&w->r, "86421357"), 1);
}

static void
test_the_pin_is_wiped_when_its_time_is_over(void **state)
{
	struct world *w = *state;
	int found;

	make_world(w, &(struct rig_options){ .ttl_ms = 700 });
	assert_talk(w, rig_pins, 0, "AG");
	assert_sign(w, 0);
	found = rig_search(&w->r, RIG_PIN);
	usleep(1000 * 1000);
	if (found != -1) {
		assert_int_equal(found, 1);
		assert_int_equal(rig_search(&w->r, RIG_PIN), 0);
	}
	assert_int_equal(rig_count(&w->r, "C_Logout"), 1);
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
}

static void
test_a_hanging_module_does_not_keep_the_pin(void **state)
{
	struct world *w = *state;

	make_world(w, &(struct rig_options){ .ttl_ms = 500, .sessions = 2 });
	assert_talk(w, rig_pins, 0, "AG");
	rig_fault(&w->r, "tries 3\nhang sign\n");
	assert_true(rig_sign_send(&w->r, &w->key));
	usleep(1200 * 1000);
	assert_int_not_equal(rig_search(&w->r, RIG_PIN), 1);
	rig_fault(&w->r, "tries 3\n");
	assert_code(rig_receive(&w->r, MSG_token_sign,
	    &(struct msg_token_signed){ { NULL, 0 } }), 0);
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
}

static void
test_no_time_to_live_means_one_signature(void **state)
{
	struct world *w = *state;

	make_world(w, &(struct rig_options){ .no_ttl = true });
	assert_talk(w, rig_pins, 0, "AG");
	assert_sign(w, 0);
	assert_int_not_equal(rig_search(&w->r, RIG_PIN), 1);
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Logout"), 1);
}

/* ---- using it again ---- */

#define NOT_LOGGED_IN "fail sign 0x101 "

static void
test_a_login_that_was_lost_is_made_anew_once(void **state)
{
	struct world *w = *state;

	make_plain(w);
	assert_talk(w, rig_pins, 0, "AG");
	rig_fault(&w->r, "tries 3\n" NOT_LOGGED_IN "1\n");
	assert_sign(w, 0);
	assert_int_equal(rig_count(&w->r, "C_Sign"), 2);
	assert_int_equal(rig_count(&w->r, "C_Login"), 2);
	rig_log_clear(&w->r);
	rig_fault(&w->r, "tries 3\n" NOT_LOGGED_IN "0\n");
	assert_sign(w, GPG_ERR_CARD);
	assert_int_equal(rig_count(&w->r, "C_Sign"), 2);
}

static void
test_a_pin_that_is_refused_later_is_not_sent_twice(void **state)
{
	struct world *w = *state;

	make_plain(w);
	assert_talk(w, rig_pins, 0, "AG");
	rig_log_clear(&w->r);
	rig_fault(&w->r, "tries 3\n" NOT_LOGGED_IN "1\n"
	    "fail login 0xa0 0\n");
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 1);
	assert_int_not_equal(rig_search(&w->r, RIG_PIN), 1);
	rig_fault(&w->r, "tries 3\n");
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 1);
}

static void
test_the_last_try_is_not_spent_on_a_held_pin(void **state)
{
	struct world *w = *state;

	make_plain(w);
	assert_talk(w, rig_pins, 0, "AG");
	rig_log_clear(&w->r);
	rig_write(&w->r, "state", "2\n", 0600);
	rig_fault(&w->r, "tries 3\n" NOT_LOGGED_IN "1\n");
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
}

static void
test_keys_that_always_ask_take_the_held_pin(void **state)
{
	struct world *w = *state;
	int flags;

	make_plain(w);
	rig_fault(&w->r, "tries 3\nalways-auth\n");
	assert_talk(w, rig_pins, 0, "AG");
	assert_sign(w, 0);
	assert_sign(w, 0);
	assert_int_equal(rig_count(&w->r, "C_Login-context"), 2);
	assert_int_equal(rig_count(&w->r, "C_Login"), 1);
	assert_code(rig_forget(&w->r), 0);
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login-context"), 2);
	flags = rig_slot_flags(&w->r, w->slot);
	assert_false(flags & TOKEN_LOGGED_IN);
}

static void
test_a_pin_that_a_key_refuses_is_dropped(void **state)
{
	struct world *w = *state;

	make_plain(w);
	rig_fault(&w->r, "tries 3\nalways-auth\n");
	assert_talk(w, rig_pins, 0, "AG");
	rig_fault(&w->r, "tries 3\nalways-auth\nfail login 0xa0 0\n");
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login-context"), 1);
	assert_int_not_equal(rig_search(&w->r, RIG_PIN), 1);
	rig_fault(&w->r, "tries 3\nalways-auth\n");
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login-context"), 1);
	assert_talk(w, rig_pins, 0, "AG");
	assert_sign(w, 0);
}

static void
test_a_refused_pin_is_not_tried_by_the_others(void **state)
{
	struct msg_token_signed out;
	struct world *w = *state;

	make_world(w, &(struct rig_options){ .sessions = 4 });
	rig_fault(&w->r, "tries 3\nalways-auth\n");
	assert_talk(w, rig_pins, 0, "AG");
	rig_fault(&w->r, "tries 3\nalways-auth\nfail login 0xa0 0\n"
	    "delay login 50\n");
	for (int i = 0; i < 4; i++)
		assert_true(rig_sign_send(&w->r, &w->key));
	for (int i = 0; i < 4; i++)
		assert_code(rig_receive(&w->r, MSG_token_sign, &out),
		    GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login-context"), 1);
}

/* ---- from a file ---- */

static struct rig_options
with_source(struct world *w, const char *text, mode_t mode)
{
	static char path[64];

	assert_true(rig_write(&w->r, "pin", text, mode));
	return (struct rig_options){
		.pin_source = rig_path(&w->r, "pin", path)
	};
}

static void
test_a_pin_source_asks_nobody(void **state)
{
	struct world *w = *state;
	struct rig_options o = with_source(w, RIG_PIN "\n", 0600);

	make_world(w, &o);
	assert_sign(w, 0);
	assert_sign(w, 0);
	assert_int_equal(rig_count(&w->r, "C_Login"), 1);
	assert_int_not_equal(rig_search(&w->r, RIG_PIN), 1);
}

static void
test_a_wrong_pin_in_the_source_is_tried_once(void **state)
{
	struct world *w = *state;
	struct rig_options o = with_source(w, "0000\n", 0600);

	make_world(w, &o);
	assert_sign(w, GPG_ERR_BAD_PIN);
	assert_sign(w, GPG_ERR_BAD_PIN);
	assert_sign(w, GPG_ERR_BAD_PIN);
	assert_non_null(strstr(w->r.text, o.pin_source));
	assert_int_equal(rig_count(&w->r, "C_Login"), 1);
	with_source(w, RIG_PIN, 0600);
	assert_sign(w, 0);
	assert_int_equal(rig_count(&w->r, "C_Login"), 2);
}

static void
test_the_last_try_is_not_spent_on_the_source(void **state)
{
	struct world *w = *state;
	struct rig_options o = with_source(w, RIG_PIN, 0600);

	make_world(w, &o);
	rig_write(&w->r, "state", "2\n", 0600);
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
	assert_talk(w, rig_pins, 0, "TG");
	assert_sign(w, 0);
}

static void
test_a_pin_source_must_be_private_and_hold_a_pin(void **state)
{
	struct world *w = *state;
	struct rig_options o = with_source(w, RIG_PIN, 0644);
	char elsewhere[64], big[400];

	make_world(w, &o);
	assert_sign(w, GPG_ERR_EACCES);
	with_source(w, "\n", 0600);
	assert_sign(w, GPG_ERR_NO_PIN);
	memset(big, '1', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	with_source(w, big, 0600);
	assert_sign(w, GPG_ERR_TOO_LARGE);
	assert_true(rig_write(&w->r, "other", RIG_PIN, 0600));
	unlink(o.pin_source);
	assert_sign(w, GPG_ERR_ENOENT);
	assert_int_equal(symlink(rig_path(&w->r, "other", elsewhere),
	    o.pin_source), 0);
	assert_sign(w, GPG_ERR_EACCES);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
	with_source(w, RIG_PIN, 0600);
	assert_sign(w, 0);
}

static void
test_a_pin_pad_is_used_without_a_pin(void **state)
{
	static const char *const none[] = { NULL };
	struct world *w = *state;

	make_plain(w);
	rig_fault(&w->r, "tries 3\npad\n");
	assert_true(rig_write(&w->r, "pad", RIG_PIN, 0600));
	assert_sign(w, GPG_ERR_PIN_NOT_SYNCED);
	assert_int_equal(rig_count(&w->r, "C_Login"), 0);
	assert_talk(w, none, 0, "G");
	assert_sign(w, 0);
	assert_code(rig_forget(&w->r), 0);
	assert_true(rig_write(&w->r, "pad", "0000", 0600));
	assert_talk(w, none, GPG_ERR_BAD_PIN, "F");
	assert_int_equal(rig_count(&w->r, "C_Login"), 2);
}

#define row(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		row(test_a_signature_wants_a_login_first),
		row(test_each_entry_is_one_login),
		row(test_the_last_try_is_announced_before_it_is_used),
		row(test_a_locked_token_gets_no_further_try),
		row(test_tries_that_another_program_used_up_stop_an_entry),
		row(test_an_empty_entry_is_not_tried),
		row(test_a_cancelled_dialogue_leaves_the_token_alone),
		row(test_one_person_is_asked_at_a_time),
		row(test_who_is_logged_in_is_not_asked_again),
		row(test_a_token_that_is_not_there_asks_nobody),
		row(test_forget_wipes_the_pin_and_logs_out),
		row(test_a_refused_pin_does_not_stay_in_memory),
		row(test_the_pin_is_wiped_when_its_time_is_over),
		row(test_a_hanging_module_does_not_keep_the_pin),
		row(test_no_time_to_live_means_one_signature),
		row(test_a_login_that_was_lost_is_made_anew_once),
		row(test_a_pin_that_is_refused_later_is_not_sent_twice),
		row(test_the_last_try_is_not_spent_on_a_held_pin),
		row(test_keys_that_always_ask_take_the_held_pin),
		row(test_a_refused_pin_is_not_tried_by_the_others),
		row(test_a_pin_that_a_key_refuses_is_dropped),
		row(test_a_pin_source_asks_nobody),
		row(test_a_wrong_pin_in_the_source_is_tried_once),
		row(test_the_last_try_is_not_spent_on_the_source),
		row(test_a_pin_source_must_be_private_and_hold_a_pin),
		row(test_a_pin_pad_is_used_without_a_pin),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!rig_softhsm()) {
		puts("1..0 # SKIP SoftHSM is not installed");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
