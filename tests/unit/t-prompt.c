/* What the prompter asks, and what it makes of the answers. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "prompter.h"

/* ---- a PIN ---- */

static void
good_pin_reaches_the_token(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 12%34\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "12%34");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_no_pin(f);
	assert_int_equal(logged(f, "GETPIN"), 1);
	assert_int_equal(logged(f, "SETDESC Sign commit x%0A%0ATries left: 3"),
	    1);
	assert_int_equal(logged(f, "SETPROMPT PIN:"), 1);
	assert_int_equal(logged(f, "SETTITLE touchstone"), 1);
	assert_int_equal(logged(f, "SETTIMEOUT 60"), 1);
	assert_int_equal(logged(f, "SETREPEAT Repeat:"), 0);
	assert_int_equal(logged(f, "OPTION ttyname=/dev/pts/99"), 1);
	assert_int_equal(logged(f, "OPTION ttytype=xterm"), 1);
	assert_int_equal(logged(f, "OPTION lc-ctype=C.UTF-8"), 1);
	assert_int_equal(logged(f, "OPTION display=:9"), 1);
	/* What is empty is not said. */
	assert_null(strstr(f->log, "lc-messages"));
}

static void
pinentry_gets_only_its_own_descriptors_and_environment(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "# fds 0 1 2"), 1);
	assert_int_equal(logged(f, "# env DISPLAY=:9"), 1);
	assert_int_equal(logged(f, "# env A=b"), 1);
	assert_null(strstr(f->log, "# env PATH"));
}

static void
wrong_pin_is_asked_again(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1111\npin 2222\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, UNKNOWN, "");
	assert_pin(f, "1111");
	say(f, PIN_WRONG, 2, "");
	assert_pin(f, "2222");
	say(f, PIN_WRONG, UNKNOWN, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "SETERROR Wrong PIN, 2 tries left"), 1);
	assert_int_equal(logged(f, "SETERROR Wrong PIN"), 1);
	/* One pinentry for all of it. */
	assert_int_equal(logged(f, "BYE"), 1);
}

static void
last_try_refused_is_not_spent(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1111\nrefuse\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 2, "");
	assert_pin(f, "1111");
	say(f, PIN_LAST, 1, "");
	assert_reply(f, GPG_ERR_CANCELED, "last try");
	assert_no_pin(f);
	assert_int_equal(logged(f, "GETPIN"), 1);
	assert_int_equal(logged(f, "CONFIRM"), 1);
	assert_int_equal(logged(f, "SETDESC Sign commit x%0A%0AThis is the "
	    "last try: another wrong PIN locks the token."), 1);
}

static void
last_try_confirmed_is_asked_for(void **state)
{
	struct fixture *f = *state;

	script(f, "confirm\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_LAST, 1, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "CONFIRM"), 1);
}

static void
locked_token_asks_nothing(void **state)
{
	struct fixture *f = *state;

	start(f, DIALOGUE_PIN);
	say(f, PIN_LOCKED, 0, "");
	assert_reply(f, GPG_ERR_PIN_BLOCKED, "unlock");
	assert_int_equal(pinentry_pid(f), 0);
}

static void
token_locked_by_the_last_pin_ends(void **state)
{
	struct fixture *f = *state;

	script(f, "confirm\npin 1111\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_LAST, 1, "");
	assert_pin(f, "1111");
	say(f, PIN_LOCKED, 0, "use the PUK");
	assert_reply(f, GPG_ERR_PIN_BLOCKED, "use the PUK");
	assert_no_pin(f);
}

static void
token_failure_is_told(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "1234");
	say(f, PIN_FAILED, UNKNOWN, "token removed");
	assert_reply(f, GPG_ERR_CARD, "token removed");
}

static void
token_process_that_ends_is_told(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "1234");
	close_fd(&f->pin);
	assert_reply(f, GPG_ERR_CARD, "ended");
}

static void
token_garbage_is_refused(void **state)
{
	struct fixture *f = *state;

	start(f, DIALOGUE_PIN);
	send_view(f->pin, view_str("\1garbage"));
	assert_reply(f, GPG_ERR_CARD, "verdict");
}

static void
unknown_verdict_is_refused(void **state)
{
	struct fixture *f = *state;

	start(f, DIALOGUE_PIN);
	say(f, (enum pin_verdict)99, UNKNOWN, "");
	assert_reply(f, GPG_ERR_CARD, "verdict");
}

static void
pin_of_wrong_length_never_leaves(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 123\npin 123456789\npin\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "GETPIN"), 4);
	assert_int_equal(logged(f, "SETERROR The PIN has 4 to 8 characters"),
	    3);
}

static void
oversized_pin_never_leaves(void **state)
{
	struct fixture *f = *state;
	char text[400] = "pin ";

	memset(text + 4, '1', 300);
	strcat(text, "\npin 12345678\n");
	script(f, text);
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_pin(f, "12345678");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
}

static void
endless_attempts_end(void **state)
{
	struct fixture *f = *state;

	script(f, "always pin 1\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK, 3, "");
	assert_reply(f, GPG_ERR_CANCELED, "too many attempts");
	assert_no_pin(f);
}

/* ---- a new PIN ---- */

static void
new_pin_is_asked_twice_by_pinentry(void **state)
{
	struct fixture *f = *state;

	script(f, "pin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK_NEW, UNKNOWN, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "SETREPEAT Repeat:"), 1);
	assert_int_equal(logged(f, "GETPIN"), 1);
	assert_int_equal(logged(f, "SETDESC Sign commit x%0A%0AChoose a PIN "
	    "of 4 to 8 characters."), 1);
}

static void
new_pin_is_asked_twice_by_hand(void **state)
{
	struct fixture *f = *state;

	script(f, "no-repeat\npin 1234\npin 4321\n"
	    "no-repeat\npin 1234\npin 1234\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK_NEW, UNKNOWN, "");
	assert_pin(f, "1234");
	say(f, PIN_GOOD, UNKNOWN, "");
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "GETPIN"), 4);
	assert_int_equal(logged(f, "SETERROR The two PINs differ"), 1);
}

static void
new_pin_that_is_cancelled_at_the_repeat_is_not_sent(void **state)
{
	struct fixture *f = *state;

	script(f, "no-repeat\npin 1234\ncancel\n");
	start(f, DIALOGUE_PIN);
	say(f, PIN_ASK_NEW, UNKNOWN, "");
	assert_reply(f, GPG_ERR_CANCELED, "closed");
	assert_no_pin(f);
}

/* ---- yes or no ---- */

static void
yes_is_yes(void **state)
{
	struct fixture *f = *state;

	script(f, "confirm\n");
	start(f, DIALOGUE_CONFIRM);
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "SETDESC Sign commit x"), 1);
	assert_int_equal(logged(f, "SETOK Sign"), 1);
	assert_int_equal(logged(f, "SETCANCEL Refuse"), 1);
	assert_int_equal(logged(f, "GETPIN"), 0);
}

static void
all_else_is_no(void **state)
{
	static const struct {
		const char *script;
		gpg_err_code_t code;
		const char *text;
	} rows[] = {
		{ "refuse\n", GPG_ERR_CANCELED, "refused" },
		{ "cancel\n", GPG_ERR_CANCELED, "refused" },
		{ "timeout\n", GPG_ERR_TIMEOUT, "nobody" },
		{ "exit\n", GPG_ERR_CANCELED, "ended" },
		{ "crash\n", GPG_ERR_CANCELED, "killed by signal 9" },
		{ "error 83918950\n", GPG_ERR_NO_PIN_ENTRY, "GPG_TTY" },
		{ "error 0\n", GPG_ERR_CANCELED, "ended" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unlink(path_of(f, ".log"));
		script(f, rows[i].script);
		start(f, DIALOGUE_CONFIRM);
		assert_reply(f, rows[i].code, rows[i].text);
		close_fd(&f->control);
	}
}

static void
description_cannot_inject_a_command(void **state)
{
	struct fixture *f = *state;

	script(f, "confirm\n");
	start_with(f, DIALOGUE_CONFIRM, f->pinentry,
	    "a%0ASETOK Yes%0D%0A100% é \\n", 60);
	assert_reply(f, 0, "");
	assert_int_equal(logged(f,
	    "SETDESC a%250ASETOK Yes%250D%250A100%25 é \\n"), 1);
	assert_int_equal(logged(f, "SETOK Yes"), 0);
}

static void
description_with_a_newline_is_refused(void **state)
{
	struct fixture *f = *state;
	struct msg_prompt_ask ask = {
		.dialogue = DIALOGUE_CONFIRM,
		.pinentry = view_str(f->pinentry),
		.description = view_str("one two"),
	};
	uint8_t *space;
	struct buf b;
	uint8_t raw[64];

	script(f, "confirm\n");
	spawn(f, false);
	buf_init(&b, DATAGRAM_MAX);
	assert_int_equal(datagram_put(&b, 77, MSG_prompt_ask, &ask), 0);
	space = memmem(b.data, b.end, "one two", 7);
	assert_non_null(space);
	space[3] = '\n';
	send_view(f->control, buf_view(&b));
	buf_free(&b);
	assert_int_equal(receive(f->control, raw, sizeof(raw)), 0);
	assert_int_equal(pinentry_pid(f), 0);
}

static void
long_description_keeps_both_ends(void **state)
{
	struct fixture *f = *state;
	char text[4001];
	const char *line;

	script(f, "confirm\n");
	for (size_t i = 0; i < 4000; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	memcpy(text, "FIRST", 5);
	text[5] = '%';
	memcpy(text + 3996, "LAST", 5);
	start_with(f, DIALOGUE_CONFIRM, f->pinentry, text, 60);
	assert_reply(f, 0, "");
	assert_non_null(line = strstr(read_log(f), "SETDESC FIRST%25"));
	assert_non_null(strstr(line, "é ... é"));
	assert_non_null(strstr(line, "éLAST\n"));
	assert_true(strcspn(line, "\n") < 1000);
}

static void
locale_without_the_characters_gets_others(void **state)
{
	struct fixture *f = *state;

	script(f, "error 83886246\nconfirm\n");
	start_with(f, DIALOGUE_CONFIRM, f->pinentry, "git ← bäsh", 60);
	assert_reply(f, 0, "");
	assert_int_equal(logged(f, "SETDESC git ? b?sh"), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(good_pin_reaches_the_token),
		T(pinentry_gets_only_its_own_descriptors_and_environment),
		T(wrong_pin_is_asked_again),
		T(last_try_refused_is_not_spent),
		T(last_try_confirmed_is_asked_for),
		T(locked_token_asks_nothing),
		T(token_locked_by_the_last_pin_ends),
		T(token_failure_is_told),
		T(token_process_that_ends_is_told),
		T(token_garbage_is_refused),
		T(unknown_verdict_is_refused),
		T(pin_of_wrong_length_never_leaves),
		T(oversized_pin_never_leaves),
		T(endless_attempts_end),
		T(new_pin_is_asked_twice_by_pinentry),
		T(new_pin_is_asked_twice_by_hand),
		T(new_pin_that_is_cancelled_at_the_repeat_is_not_sent),
		T(yes_is_yes),
		T(all_else_is_no),
		T(description_cannot_inject_a_command),
		T(description_with_a_newline_is_refused),
		T(long_description_keeps_both_ends),
		T(locale_without_the_characters_gets_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
