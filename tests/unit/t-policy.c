/* Policy: the whole table of who may have what signed, rule by rule. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/policy.h"

static const enum reach all[] = { REACH_LOCAL, REACH_HERE, REACH_FORWARDED,
	REACH_LOGIN, REACH_RELAY };
#define ALL (sizeof(all) / sizeof(all[0]))

/* 'y': allowed, 'n': denied, 'a': the user is asked, for each of them. */
static void
assert_row(struct key_rule rule, enum object_kind kind, bool typed,
    const char *want)
{
	struct key key = { .id = "00", .name = (char *)(uintptr_t)"soft" };
	struct config config = { .rules = &rule, .rule_count = 1 };
	struct object object = { .kind = kind };
	char got[ALL + 1] = "";
	const char *why;

	rule.key = key.name;
	for (size_t i = 0; i < ALL; i++) {
		got[i] = "yan"[policy_judge(&config, &key, &object, all[i],
		    typed, &why)];
		assert_int_equal(got[i] == 'n', why != NULL);
	}
	assert_string_equal(got, want);
}

static void
test_typed_by_agent_sock_needs_leave(void **state)
{
	assert_row((struct key_rule){ 0 }, OBJECT_COMMIT, true, "ynnnn");
	assert_row((struct key_rule){ .blob = true }, OBJECT_COMMIT, true,
	    "ynnnn");
	assert_row((struct key_rule){ .forward = true }, OBJECT_COMMIT, true,
	    "yyyyy");
	assert_row((struct key_rule){ .forward = true, .confirm = true },
	    OBJECT_COMMIT, true, "aaaaa");
	/* What the agent builds itself is for local clients, always. */
	assert_row((struct key_rule){ .forward = true, .blob = true },
	    OBJECT_CERTIFICATION, true, "ynnnn");
}

/* One hash in 150 does by chance, and a host's key signs them all. */
static void
test_old_openpgp_is_refused_to_keys_of_people(void **state)
{
	struct key_rule rule = { .host_key = true };
	struct config config = { .rules = &rule, .rule_count = 1 };
	struct key key = { .id = "00", .name = (char *)(uintptr_t)"host" };
	struct object object = { .kind = OBJECT_SSH_HASH };
	const char *why;

	rule.key = key.name;
	for (unsigned old = 0; old < 2; old++)
		for (unsigned ids = 0; ids < 2; ids++) {
			object.old_openpgp = old;
			key.user_id_count = ids;
			assert_int_equal(policy_judge(&config, &key, &object,
			    REACH_HERE, false, &why), old && ids ?
			    POLICY_DENY : POLICY_ALLOW);
		}
}

static void
test_logins_are_what_forwarding_is_for(void **state)
{
	assert_row((struct key_rule){ 0 }, OBJECT_SSH_USERAUTH, false,
	    "yyyyy");
	assert_row((struct key_rule){ .forward_login = FORWARD_LOGIN_ASK },
	    OBJECT_SSH_USERAUTH, false, "yyaya");
	assert_row((struct key_rule){ .forward_login = FORWARD_LOGIN_REFUSE },
	    OBJECT_SSH_USERAUTH, false, "yynyn");
	assert_row((struct key_rule){ .confirm = true,
	    .forward_login = FORWARD_LOGIN_REFUSE }, OBJECT_SSH_USERAUTH,
	    false, "aanan");
}

static void
test_sshsig_from_afar_needs_leave(void **state)
{
	assert_row((struct key_rule){ 0 }, OBJECT_SSHSIG, false, "yynnn");
	assert_row((struct key_rule){ .blob = true }, OBJECT_SSHSIG, false,
	    "yynnn");
	assert_row((struct key_rule){ .forward = true }, OBJECT_SSHSIG, false,
	    "yyyyy");
	/* What is said of logins is not of these. */
	assert_row((struct key_rule){ .forward = true,
	    .forward_login = FORWARD_LOGIN_REFUSE }, OBJECT_SSHSIG, false,
	    "yyyyy");
}

static void
test_unknown_bytes_are_signed_here_only(void **state)
{
	assert_row((struct key_rule){ 0 }, OBJECT_BLOB, false, "nnnnn");
	assert_row((struct key_rule){ .forward = true }, OBJECT_BLOB, false,
	    "nnnnn");
	assert_row((struct key_rule){ .forward = true, .blob = true },
	    OBJECT_BLOB, false, "yynnn");
	assert_row((struct key_rule){ .forward = true, .blob = true },
	    OBJECT_BLOB, true, "ynnnn");
}

static void
test_hashes_are_signed_by_keys_of_hosts(void **state)
{
	assert_row((struct key_rule){ 0 }, OBJECT_SSH_HASH, false, "nnnnn");
	assert_row((struct key_rule){ .blob = true, .forward = true },
	    OBJECT_SSH_HASH, false, "nnnnn");
	assert_row((struct key_rule){ .host_key = true }, OBJECT_SSH_HASH,
	    false, "yynny");
	/* And nothing else is by that. */
	assert_row((struct key_rule){ .host_key = true }, OBJECT_BLOB, false,
	    "nnnnn");
	assert_row((struct key_rule){ .host_key = true }, OBJECT_SSHSIG,
	    false, "yynnn");
}

static void
test_nobody_manages_from_afar(void **state)
{
	for (size_t i = 0; i < ALL; i++)
		assert_int_equal(policy_may_manage(all[i]),
		    all[i] == REACH_LOCAL || all[i] == REACH_HERE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typed_by_agent_sock_needs_leave),
		cmocka_unit_test(test_old_openpgp_is_refused_to_keys_of_people),
		cmocka_unit_test(test_logins_are_what_forwarding_is_for),
		cmocka_unit_test(test_sshsig_from_afar_needs_leave),
		cmocka_unit_test(test_unknown_bytes_are_signed_here_only),
		cmocka_unit_test(test_hashes_are_signed_by_keys_of_hosts),
		cmocka_unit_test(test_nobody_manages_from_afar),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
