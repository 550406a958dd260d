/*
 * Who may sign is changed and nothing else: what other roles and delegations
 * list, and what nobody here knows, stays; and keys of others are read from
 * PEM as those who list them write it.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "client/trust/pemkey.h"

#define A "aaaa"
#define B "bbbb"

static json_t *
parse(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);

	assert_non_null(j);
	return j;
}

static void
assert_json(json_t *j, const char *text)
{
	json_t *wanted = parse(text);
	char *is = json_dumps(j, JSON_SORT_KEYS | JSON_COMPACT);

	if (!json_equal(j, wanted))
		fail_msg("%s", is);
	free(is);
	json_decref(wanted);
}

/* A key whose entry is its id. */
static struct grant_key
key(const char *id)
{
	struct grant_key k = { .entry = json_string(id) };

	snprintf(k.id, sizeof(k.id), "%s", id);
	return k;
}

static void
add(json_t *j, const char *delegation, const char *id, bool is_new)
{
	struct grant_key k = key(id);
	bool changed = false;

	assert_int_equal(grant_add(j, delegation, &k, &changed), 0);
	assert_int_equal(changed, is_new);
	grant_key_free(&k);
}

static void
a_delegation_is_made_and_then_has_more_keys(void **state)
{
	json_t *j = parse("{\"targets\":{\"v1\":1},\"delegations\":null}");

	(void)state;
	add(j, "targets/a", A, true);
	add(j, "targets/a", A, false);
	assert_json(j, "{\"targets\":{\"v1\":1},\"delegations\":{"
	    "\"keys\":{\"aaaa\":\"aaaa\"},\"roles\":[{\"keyids\":[\"aaaa\"],"
	    "\"name\":\"targets/a\",\"paths\":[\"\"],\"threshold\":1}]}}");
	add(j, "targets/a", B, true);
	assert_json(json_object_get(j, "delegations"), "{\"keys\":{"
	    "\"aaaa\":\"aaaa\",\"bbbb\":\"bbbb\"},\"roles\":[{\"keyids\":["
	    "\"aaaa\",\"bbbb\"],\"name\":\"targets/a\",\"paths\":[\"\"],"
	    "\"threshold\":1}]}");
	json_decref(j);
}

static void
another_keeps_its_place_and_what_is_not_known(void **state)
{
	static const char before[] = "{\"delegations\":{\"keys\":{"
	    "\"aaaa\":1},\"note\":2,\"roles\":[{\"keyids\":[\"aaaa\"],"
	    "\"name\":\"targets/z\",\"paths\":[\"v\"],\"threshold\":1,"
	    "\"note\":3}]},\"note\":4}";
	json_t *j = parse(before);

	(void)state;
	add(j, "targets/a", B, true);
	assert_json(json_array_get(json_object_get(json_object_get(j,
	    "delegations"), "roles"), 0), "{\"keyids\":[\"aaaa\"],"
	    "\"name\":\"targets/z\",\"paths\":[\"v\"],\"threshold\":1,"
	    "\"note\":3}");
	grant_remove(j, "targets/none");
	grant_remove(j, "targets/a");
	grant_sweep(j);
	assert_json(j, before);
	json_decref(j);
}

static void
a_key_is_taken_out_of_one_alone(void **state)
{
	json_t *j = json_object();
	size_t left, threshold;

	(void)state;
	add(j, "targets/a", A, true);
	add(j, "targets/releases", A, true);
	add(j, "targets/releases", B, true);
	grant_take(j, "targets/releases", A, &left, &threshold);
	assert_int_equal(left, 1);
	assert_int_equal(threshold, 1);
	grant_sweep(j);
	assert_json(json_object_get(json_object_get(j, "delegations"),
	    "keys"), "{\"aaaa\":\"aaaa\",\"bbbb\":\"bbbb\"}");
	grant_remove(j, "targets/a");
	grant_sweep(j);
	assert_json(json_object_get(json_object_get(j, "delegations"),
	    "keys"), "{\"bbbb\":\"bbbb\"}");
	grant_take(j, "targets/releases", B, &left, &threshold);
	assert_int_equal(left, 0);
	grant_take(j, "targets/none", B, &left, &threshold);
	assert_int_equal(left, 0);
	assert_int_equal(threshold, 0);
	json_decref(j);
}

static void
root_lists_one_key_of_a_role(void **state)
{
	json_t *j = grant_root_new();
	struct grant_key a = key(A), b = key(B);

	(void)state;
	assert_int_equal(grant_root(j, "root", &a), 0);
	assert_int_equal(grant_root(j, "targets", &a), 0);
	json_object_set_new(json_object_get(j, "roles"), "other",
	    json_pack("{s:[]}", "keyids"));
	assert_int_equal(grant_root(j, "targets", &b), 0);
	assert_json(json_object_get(j, "keys"),
	    "{\"aaaa\":\"aaaa\",\"bbbb\":\"bbbb\"}");
	assert_int_equal(grant_root(j, "root", &b), 0);
	assert_json(json_object_get(j, "keys"), "{\"bbbb\":\"bbbb\"}");
	assert_json(json_object_get(j, "roles"), "{\"root\":{\"keyids\":["
	    "\"bbbb\"],\"threshold\":1},\"targets\":{\"keyids\":[\"bbbb\"],"
	    "\"threshold\":1},\"other\":{\"keyids\":[]}}");
	grant_key_free(&a);
	grant_key_free(&b);
	json_decref(j);
}

/* ---- PEM ---- */

#define POINT \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiTS0yamPU/wE2jc2rROQ2q5dzcX1\n" \
	"OSppOncQgCXG+1rr07Ppjqm7Pejf3oSvPhT/LjfBBxquYsFc6Kgt4mvuMg==\n"
#define BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define END "-----END PUBLIC KEY-----\n"

static gpg_err_code_t
read_text(const char *text, char id[TUF_ID_LEN + 1])
{
	char file[] = "/tmp/t-grant.XXXXXX";
	int fd = mkstemp(file);
	struct problem why = { "" };
	struct grant_key k;
	gpg_error_t err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	err = pemkey_read(file, &k, &why);
	unlink(file);
	assert_int_equal(!err, !why.text[0]);
	snprintf(id, TUF_ID_LEN + 1, "%s", k.id);
	grant_key_free(&k);
	return gpg_err_code(err);
}

static void
keys_are_read_with_headers_and_text_around_them(void **state)
{
	char id[TUF_ID_LEN + 1], other[TUF_ID_LEN + 1];

	(void)state;
	assert_int_equal(read_text(BEGIN POINT END, id), 0);
	assert_int_equal(strlen(id), TUF_ID_LEN);
	assert_int_equal(read_text(BEGIN "role: guest\n\n" POINT END, other),
	    0);
	assert_string_equal(id, other);
	assert_int_equal(read_text("mine:\n" BEGIN POINT END "bye\n", other),
	    0);
	assert_string_equal(id, other);
}

static void
what_is_no_public_key_is_refused(void **state)
{
	char id[TUF_ID_LEN + 1];

	(void)state;
	assert_int_not_equal(read_text("", id), 0);
	assert_int_not_equal(read_text("key", id), 0);
	assert_int_not_equal(read_text(BEGIN END, id), 0);
	assert_int_not_equal(read_text(BEGIN "AAAA\n" END, id), 0);
	assert_int_not_equal(read_text(BEGIN POINT, id), 0);
	assert_int_not_equal(read_text("-----BEGIN EC PRIVATE KEY-----\n"
	    POINT "-----END EC PRIVATE KEY-----\n", id), 0);
	assert_int_not_equal(read_text("-----BEGIN CERTIFICATE-----\n"
	    POINT "-----END CERTIFICATE-----\n", id), 0);
}

static void
names_of_files_are_no_names_of_keys(void **state)
{
	(void)state;
	assert_true(pemkey_is_file("./key"));
	assert_true(pemkey_is_file("key.pub"));
	assert_true(pemkey_is_file("key.pem"));
	assert_true(pemkey_is_file("key.crt"));
	assert_false(pemkey_is_file("key"));
	assert_false(pemkey_is_file(".pem"));
	assert_false(pemkey_is_file("pem"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delegation_is_made_and_then_has_more_keys),
		cmocka_unit_test(
		    another_keeps_its_place_and_what_is_not_known),
		cmocka_unit_test(a_key_is_taken_out_of_one_alone),
		cmocka_unit_test(root_lists_one_key_of_a_role),
		cmocka_unit_test(
		    keys_are_read_with_headers_and_text_around_them),
		cmocka_unit_test(what_is_no_public_key_is_refused),
		cmocka_unit_test(names_of_files_are_no_names_of_keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
