/* A connection is bound to what hosts signed, and to nothing else. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bound.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

static struct host gate, build;

static int
make_hosts(void **state)
{
	host_make(&gate);
	host_make(&build);
	return 0;
}

static int
free_hosts(void **state)
{
	host_free(&gate);
	host_free(&build);
	return 0;
}

static void
test_a_hosts_signature_binds(void **state)
{
	struct bindings b = { .count = 0 };

	assert_null(bind_last(&b));
	assert_false(bind_is_forwarded(&b));
	assert_code(bind_to(&b, &gate, 1, true), 0);
	assert_true(bind_is_forwarded(&b));
	assert_code(bind_to(&b, &build, 2, false), 0);
	assert_int_equal(b.count, 2);
	assert_true(view_eq(bind_last(&b)->host_key, host_blob(&build)));
	assert_false(bind_last(&b)->forwarded);
	assert_true(bind_is_forwarded(&b));
	bind_clear(&b);
	assert_int_equal(b.count, 0);
	assert_code(bind_to(&b, &build, 2, false), 0);
	assert_false(bind_is_forwarded(&b));
	bind_clear(&b);
}

/* Each change to a good binding makes one that binds nothing. */
static void
test_another_signature_does_not(void **state)
{
	struct bindings b = { .count = 0 };
	char room[32], other[32];
	struct view sid = session_id(room, 1);
	struct buf sig, forged;
	const char *why;
	const struct msg_ssh_bind good = { .host_key = host_blob(&gate),
		.session = sid, .forwarded = 1 };
	struct msg_ssh_bind bad[7];
	size_t n = sizeof(bad) / sizeof(bad[0]);

	buf_init(&sig, 2048);
	softssh_put_signature(&sig, gate.evp, sid, 0);
	buf_init(&forged, 2048);
	softssh_put_signature(&forged, build.evp, sid, 0);
	for (size_t i = 0; i < n; i++) {
		bad[i] = good;
		bad[i].signature = buf_view(&sig);
	}
	bad[0].host_key = host_blob(&build);
	bad[1].session = session_id(other, 2);
	bad[2].signature = buf_view(&forged);
	bad[3].signature.len--;
	bad[4].signature.len = 0;
	bad[5].host_key.len--;
	bad[6].session.len = 15;
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(bind_add(&b, &bad[i], &why), 0);
		assert_non_null(why);
		assert_int_equal(b.count, 0);
		assert_true(b.refused);
		b.refused = false;
	}
	bad[0] = good;
	bad[0].signature = buf_view(&sig);
	assert_code(bind_add(&b, &bad[0], &why), 0);
	assert_null(why);
	assert_false(b.refused);
	/* Once refused, it stays so beside what is good. */
	assert_code(bind_add(&b, &bad[1], &why), GPG_ERR_BAD_SIGNATURE);
	assert_code(bind_add(&b, &bad[0], &why), 0);
	assert_true(b.refused);
	bind_clear(&b);
	assert_false(b.refused);
	buf_free(&sig);
	buf_free(&forged);
}

/* What is short enough to be met by chance names no session. */
static void
test_a_session_has_16_bytes(void **state)
{
	static const char *const sessions[] = { "", "fifteen bytes..",
		"sixteen bytes..." };
	struct msg_ssh_bind in = { .host_key = host_blob(&gate) };
	struct bindings b = { .count = 0 };
	struct buf sig;
	const char *why;

	for (size_t i = 0; i < 3; i++) {
		in.session = view_str(sessions[i]);
		buf_init(&sig, 2048);
		softssh_put_signature(&sig, gate.evp, in.session, 0);
		in.signature = buf_view(&sig);
		assert_code(bind_add(&b, &in, &why),
		    i < 2 ? GPG_ERR_FORBIDDEN : 0);
		buf_free(&sig);
	}
	bind_clear(&b);
}

static void
test_nothing_follows_a_login(void **state)
{
	struct bindings b = { .count = 0 };

	assert_code(bind_to(&b, &gate, 1, false), 0);
	assert_code(bind_to(&b, &build, 2, true), GPG_ERR_FORBIDDEN);
	assert_code(bind_to(&b, &build, 2, false), GPG_ERR_FORBIDDEN);
	assert_code(bind_to(&b, &gate, 1, false), GPG_ERR_FORBIDDEN);
	assert_int_equal(b.count, 1);
	assert_false(bind_is_forwarded(&b));
	bind_clear(&b);
}

static void
test_a_session_has_one_host(void **state)
{
	struct bindings b = { .count = 0 };

	assert_code(bind_to(&b, &gate, 1, true), 0);
	assert_code(bind_to(&b, &build, 1, true), GPG_ERR_FORBIDDEN);
	assert_code(bind_to(&b, &build, 1, false), GPG_ERR_FORBIDDEN);
	/* What is there already is good, and is not there twice. */
	assert_code(bind_to(&b, &gate, 1, true), 0);
	assert_int_equal(b.count, 1);
	/* Nor does it become a login by that. */
	assert_code(bind_to(&b, &gate, 1, false), 0);
	assert_true(bind_last(&b)->forwarded);
	/* Another session with the same host is another binding. */
	assert_code(bind_to(&b, &gate, 2, true), 0);
	assert_int_equal(b.count, 2);
	bind_clear(&b);
}

static void
test_bindings_are_few(void **state)
{
	struct bindings b = { .count = 0 };

	for (int i = 0; i < BINDINGS_MAX; i++)
		assert_code(bind_to(&b, &gate, i, true), 0);
	assert_code(bind_to(&b, &gate, 99, true), GPG_ERR_FORBIDDEN);
	assert_code(bind_to(&b, &gate, 99, false), GPG_ERR_FORBIDDEN);
	assert_code(bind_to(&b, &gate, 0, true), 0);
	assert_int_equal(b.count, BINDINGS_MAX);
	bind_clear(&b);
}

/* Who binds for ever makes the agent verify some signatures, not all. */
static void
test_checks_are_few(void **state)
{
	struct bindings b = { .count = 0 };

	for (int i = 0; i < BINDING_CHECKS; i++)
		assert_code(bind_to(&b, &gate, 1, true), 0);
	assert_code(bind_to(&b, &gate, 1, true), GPG_ERR_FORBIDDEN);
	assert_int_equal(b.checks, BINDING_CHECKS);
	assert_int_equal(b.count, 1);
	bind_clear(&b);
}

static void
test_a_certificate_binds_by_its_key(void **state)
{
	struct bindings b = { .count = 0 };
	struct host ca, host;

	host_make(&ca);
	host_make(&host);
	host_certify(&host, &ca, "host.example", UINT64_MAX);
	assert_code(bind_to(&b, &host, 1, true), 0);
	assert_true(bind_last(&b)->is_cert);
	assert_true(view_eq(bind_last(&b)->cert.signer, pubkey_ssh(ca.pub)));
	/* A certificate that its authority did not sign. */
	host.cert.data[host.cert.end - 1] ^= 1;
	assert_code(bind_to(&b, &host, 2, true), GPG_ERR_BAD_SIGNATURE);
	/* And one that another key uses. */
	host_certify(&host, &ca, "host.example", UINT64_MAX);
	EVP_PKEY_free(host.evp);
	host.evp = softkey_new(ALGO_ED25519);
	assert_code(bind_to(&b, &host, 3, true), GPG_ERR_BAD_SIGNATURE);
	assert_int_equal(b.count, 1);
	bind_clear(&b);
	host_free(&ca);
	host_free(&host);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_hosts_signature_binds),
		cmocka_unit_test(test_another_signature_does_not),
		cmocka_unit_test(test_a_session_has_16_bytes),
		cmocka_unit_test(test_nothing_follows_a_login),
		cmocka_unit_test(test_a_session_has_one_host),
		cmocka_unit_test(test_bindings_are_few),
		cmocka_unit_test(test_checks_are_few),
		cmocka_unit_test(test_a_certificate_binds_by_its_key),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_hosts, free_hosts);
}
