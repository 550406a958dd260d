/* Key records: what is written is read back, and what is wrong is refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "local/keyfile.h"
#include "local/paths.h"
#include "wire/base64.h"
#include "wire/text.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

static int
enter(void **state)
{
	char dir[] = "/tmp/t-keyfile.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir) || !(*state = strdup(dir)))
		return -1;
	return 0;
}

static int
leave(void **state)
{
	char cmd[256];
	int rc;

	snprintf(cmd, sizeof(cmd), "rm -rf %s", (char *)*state);
	rc = chdir("/") || system(cmd);
	free(*state);
	return rc;
}

#define HEX8 "00112233445566778899aabbccddeeff"
#define ARMOR "-----BEGIN PGP PUBLIC KEY BLOCK-----\\n\\nmDM=\\n"
#define RECORD \
	"{\"version\": 1, \"name\": \"release\", " \
	"\"id\": \"" HEX8 HEX8 "\", \"created\": 1700000000, " \
	"\"expires\": 1794608000, " \
	"\"user_ids\": [\"A \\u00e9 <a@x>\"], \"spki\": \"MFkwEw==\", " \
	"\"certificate\": \"" ARMOR "\"}"

/* RECORD with the first `from` in it replaced. */
static char *
changed(const char *from, const char *to)
{
	const char *at = strstr(RECORD, from);
	char *text;

	assert_non_null(at);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(at - RECORD), RECORD,
	    to, at + strlen(from)) > 0);
	return text;
}

static void
assert_refused(const char *from, const char *to, const char *word)
{
	char *text = changed(from, to), *problem;
	struct keyfile *k;

	assert_code(keyfile_parse("k/release.json", view_str(text), &k,
	    &problem), GPG_ERR_BAD_DATA);
	assert_null(k);
	assert_non_null(problem);
	assert_true(text_is_clean(view_str(problem)));
	assert_non_null(strstr(problem, "k/release.json: "));
	if (!strstr(problem, word))
		fail_msg("\"%s\" does not tell of %s", problem, word);
	free(problem);
	free(text);
}

static void
assert_taken(const char *from, const char *to)
{
	char *text = changed(from, to), *problem;
	struct keyfile *k;

	assert_int_equal(keyfile_parse("k/release.json", view_str(text), &k,
	    &problem), 0);
	assert_null(problem);
	assert_non_null(k);
	keyfile_free(&k);
	assert_null(k);
	free(text);
}

static void
test_names(void **state)
{
	char name[66];

	assert_true(keyfile_name_ok(view_str("release")));
	assert_true(keyfile_name_ok(view_str("a-1._z")));
	assert_true(keyfile_name_ok(view_str("g")));
	assert_true(keyfile_name_ok(view_str("abc-")));
	assert_false(keyfile_name_ok(view_str("")));
	assert_false(keyfile_name_ok(view_str("abc")));
	assert_false(keyfile_name_ok(view_str("a1")));
	assert_false(keyfile_name_ok(view_str("Release")));
	assert_false(keyfile_name_ok(view_str("1release")));
	assert_false(keyfile_name_ok(view_str(".release")));
	assert_false(keyfile_name_ok(view_str("re/lease")));
	assert_false(keyfile_name_ok(view_str("rel ease")));
	assert_false(keyfile_name_ok(view_str("rel\xc3\xa9")));
	memset(name, 'x', sizeof(name));
	assert_true(keyfile_name_ok(view_of(name, 64)));
	assert_false(keyfile_name_ok(view_of(name, 65)));
}

static void
test_base64_has_one_text_for_the_same_bytes(void **state)
{
	static const char *good[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "\xff\xfe\xfd", "//79" },
	};
	static const char *bad[] = {
		"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zg==Zg==", "Z===",
		"====", "Zm 9", "Zm9v\n", "Zm-v", "=m9v", "Z=9v",
	};
	struct buf b;

	buf_init(&b, 64);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(base64_put(&b, view_str(good[i][0])), 0);
		assert_true(view_eq_str(buf_view(&b), good[i][1]));
		buf_reset(&b);
		assert_int_equal(base64_get(view_str(good[i][1]), &b), 0);
		assert_true(view_eq_str(buf_view(&b), good[i][0]));
		buf_reset(&b);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_code(base64_get(view_str(bad[i]), &b),
		    GPG_ERR_BAD_DATA);
		buf_reset(&b);
	}
	buf_free(&b);
}

static void
test_record_is_read(void **state)
{
	struct keyfile *k;
	char *problem;

	assert_int_equal(keyfile_parse("release.json", view_str(RECORD), &k,
	    &problem), 0);
	assert_string_equal(k->name, "release");
	assert_int_equal(k->id[1], 0x11);
	assert_int_equal(k->id[31], 0xff);
	assert_int_equal(k->created, 1700000000);
	assert_int_equal(k->expires, 1794608000);
	assert_int_equal(k->user_id_count, 1);
	assert_string_equal(k->user_ids[0], "A \xc3\xa9 <a@x>");
	assert_int_equal(buf_len(&k->spki), 4);
	assert_non_null(strstr(k->certificate, "\nmDM=\n"));
	keyfile_free(&k);
}

static void
test_unknown_twice_or_missing_members_are_refused(void **state)
{
	assert_refused("{\"version\"", "{\"x\": 1, \"version\"", "x");
	assert_refused("{\"version\"", "{\"x\\u001b\": 1, \"version\"", "x");
	assert_refused("{\"version\"", "{\"name\": \"release\", \"version\"",
	    "uplicate");
	assert_refused("\"name\": \"release\", ", "", "name");
	assert_refused("\"spki\": \"MFkwEw==\", ", "", "spki");
	assert_refused("\"version\": 1, ", "", "version");
}

static void
test_every_member_is_checked(void **state)
{
	assert_refused("\"version\": 1", "\"version\": 2", "version");
	assert_refused("\"version\": 1", "\"version\": \"1\"", "version");
	assert_refused("release", "Release", "name");
	assert_refused("release", "other", "name");
	assert_refused("\"release\"", "null", "name");
	assert_refused(HEX8 HEX8, HEX8, "id");
	assert_refused("00112233", "00112g33", "id");
	assert_refused("aabb", "AABB", "id");
	assert_refused("1700000000", "-1", "created");
	assert_refused("1700000000", "4294967296", "created");
	assert_refused("1700000000", "17.0", "created");
	assert_refused("1700000000", "99999999999999999999", "line 1");
	assert_refused("1794608000", "-1", "expires");
	assert_refused("1794608000", "null", "expires");
	assert_refused("[\"A \\u00e9 <a@x>\"]", "\"A\"", "user_ids");
	assert_refused("\"A \\u00e9 <a@x>\"", "\"\"", "user id");
	assert_refused("A \\u00e9", "A \\u001b[2J", "user id");
	assert_refused("A \\u00e9", "A \\u202e", "user id");
	assert_refused("A \\u00e9", "A \\u0000", "line 1");
	assert_refused("A \\u00e9", "A \xff", "line 1");
	assert_refused("MFkwEw==", "MFkwEw=", "spki");
	assert_refused("MFkwEw==", "", "spki");
	assert_refused("-----BEGIN PGP PUBLIC", "-----BEGIN PGP PRIVATE",
	    "certificate");
	assert_refused("mDM=", "mDM=\\u001b", "certificate");
	assert_refused("\"" ARMOR "\"", "7", "certificate");
	assert_refused("}", "} x", "line 1");
	assert_refused("{", "[", "line 1");
}

static void
test_positive_twins(void **state)
{
	assert_taken("1700000000", "4294967295");
	assert_taken("1700000000", "0");
	assert_taken("[\"A \\u00e9 <a@x>\"]", "[]");
	assert_taken("[\"A", "[\"x\", \"A");
	assert_taken("\"" ARMOR "\"", "null");
	assert_taken("MFkwEw==", "MFkwEwAA");
}

static void
test_bounds(void **state)
{
	static char many[3 * KEYFILE_USER_ID_MAX], *big;
	struct keyfile *k;
	char *problem;

	memset(many, 'u', KEYFILE_USER_ID_MAX);
	assert_taken("A \\u00e9 <a@x>", many);
	strcat(many, "u");
	assert_refused("A \\u00e9 <a@x>", many, "user id");
	memset(many, 'A', 2736);
	many[2728] = 0;		/* 2046 bytes */
	assert_taken("MFkwEw==", many);
	many[2728] = 'A';
	many[2732] = 0;		/* 2049 bytes */
	assert_refused("MFkwEw==", many, "spki");
	strcpy(many, "[\"0\"");
	for (int i = 1; i < KEYFILE_USER_IDS; i++)
		strcat(many, ",\"u\"");
	strcat(many, "]");
	assert_taken("[\"A \\u00e9 <a@x>\"]", many);
	strcpy(many + strlen(many) - 1, ",\"u\"]");
	assert_refused("[\"A \\u00e9 <a@x>\"]", many, "user_ids");

	assert_non_null(big = calloc(1, KEYFILE_MAX + 2));
	memset(big, ' ', KEYFILE_MAX + 1);
	memcpy(big, RECORD, strlen(RECORD));
	assert_int_equal(keyfile_parse("release.json",
	    view_of(big, KEYFILE_MAX), &k, &problem), 0);
	keyfile_free(&k);
	assert_code(keyfile_parse("release.json",
	    view_of(big, KEYFILE_MAX + 1), &k, &problem), GPG_ERR_TOO_LARGE);
	free(problem);
	assert_int_equal(paths_write("release.json",
	    view_of(big, KEYFILE_MAX + 1)), 0);
	assert_code(keyfile_load("release.json", &k, &problem),
	    GPG_ERR_TOO_LARGE);
	assert_non_null(strstr(problem, "64 KiB"));
	free(problem);
	free(big);
	assert_code(keyfile_parse("release.json", view_of(NULL, 0), &k,
	    &problem), GPG_ERR_BAD_DATA);
	free(problem);
}

/* A record like RECORD with this name and first byte of the id. */
static void
save(const char *name, uint8_t id)
{
	char *user_ids[] = { NULL };
	char text[64];
	struct keyfile k = { .id = { id }, .user_ids = user_ids };

	k.name = strcpy(text, name);
	buf_init(&k.spki, 16);
	buf_put_text(&k.spki, "spki");
	assert_int_equal(keyfile_save("d/keys", &k), 0);
	buf_free(&k.spki);
}

static void
test_saved_record_is_read_back(void **state)
{
	char name[] = "my.key", a[] = "A \"q\" \\ <a@x>", b[] = "\xc3\xa9";
	char armor[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDM=\n";
	char *user_ids[] = { a, b };
	struct keyfile k = { .name = name, .created = 4294967295U,
	    .user_ids = user_ids, .user_id_count = 2, .certificate = armor };
	struct keyfile *back;
	char *problem;
	struct stat st;

	memset(k.id, 0xa5, sizeof(k.id));
	buf_init(&k.spki, 16);
	buf_put(&k.spki, "\0\1\2\3", 4);
	assert_int_equal(keyfile_save("d/keys", &k), 0);
	assert_int_equal(stat("d/keys/my.key.json", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(keyfile_load("d/keys/my.key.json", &back, &problem),
	    0);
	assert_string_equal(back->name, name);
	assert_memory_equal(back->id, k.id, sizeof(k.id));
	assert_int_equal(back->created, k.created);
	assert_int_equal(back->user_id_count, 2);
	assert_string_equal(back->user_ids[0], a);
	assert_string_equal(back->user_ids[1], b);
	assert_true(view_eq(buf_view(&back->spki), buf_view(&k.spki)));
	assert_string_equal(back->certificate, armor);
	keyfile_free(&back);
	buf_free(&k.spki);
}

static void
test_what_could_not_be_read_back_is_not_saved(void **state)
{
	char good[] = "good", bad[] = "../bad", esc[] = "\x1b[2J";
	char *user_ids[] = { good };
	struct keyfile k = { .name = good, .user_ids = user_ids,
	    .user_id_count = 1 };

	buf_init(&k.spki, 16);
	assert_code(keyfile_save("d", &k), GPG_ERR_INV_VALUE);
	buf_put_text(&k.spki, "spki");
	assert_int_equal(keyfile_save("d", &k), 0);
	k.name = bad;
	assert_code(keyfile_save("d", &k), GPG_ERR_INV_NAME);
	k.name = good;
	user_ids[0] = esc;
	assert_code(keyfile_save("d", &k), GPG_ERR_INV_VALUE);
	user_ids[0] = good;
	k.certificate = esc;
	assert_code(keyfile_save("d", &k), GPG_ERR_INV_VALUE);
	buf_free(&k.spki);
}

struct told {
	unsigned times;
	char last[512];
};

static void
tell(void *arg, const char *problem)
{
	struct told *t = arg;

	t->times++;
	snprintf(t->last, sizeof(t->last), "%s", problem);
}

static void
test_broken_record_hides_no_other(void **state)
{
	struct told told = { 0 };
	struct keyfile **list;
	size_t n;

	save("key-b", 2);
	save("key-a", 1);
	assert_int_equal(keyfile_load_all("d/keys", &list, &n, tell, &told),
	    0);
	assert_int_equal(n, 2);
	assert_int_equal(told.times, 0);
	keyfile_free_all(&list, n);
	assert_null(list);

	assert_int_equal(paths_write("d/keys/key-aa.json", view_str("{")), 0);
	assert_int_equal(paths_write("d/keys/notes", view_str("{")), 0);
	assert_int_equal(paths_write("d/keys/.x.json", view_str("{")), 0);
	assert_int_equal(keyfile_load_all("d/keys", &list, &n, tell, &told),
	    0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0]->name, "key-a");
	assert_string_equal(list[1]->name, "key-b");
	assert_int_equal(told.times, 1);
	assert_non_null(strstr(told.last, "key-aa.json"));
	keyfile_free_all(&list, n);
	assert_int_equal(keyfile_load_all("d/keys", &list, &n, NULL, NULL), 0);
	assert_int_equal(n, 2);
	keyfile_free_all(&list, n);
}

static void
test_second_record_of_a_key_is_left_out(void **state)
{
	struct told told = { 0 };
	struct keyfile **list;
	size_t n;

	save("key-a", 1);
	save("key-b", 1);
	assert_int_equal(keyfile_load_all("d/keys", &list, &n, tell, &told),
	    0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0]->name, "key-a");
	assert_int_equal(told.times, 1);
	assert_non_null(strstr(told.last, "the same key as key-a"));
	keyfile_free_all(&list, n);
}

static void
test_missing_folder_has_no_records(void **state)
{
	struct keyfile **list;
	size_t n;

	assert_int_equal(keyfile_load_all("none", &list, &n, NULL, NULL), 0);
	assert_int_equal(n, 0);
	keyfile_free_all(&list, n);
	assert_int_equal(paths_write("f", view_str("")), 0);
	assert_code(keyfile_load_all("f", &list, &n, NULL, NULL),
	    GPG_ERR_ENOTDIR);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_base64_has_one_text_for_the_same_bytes),
		TEST(test_record_is_read),
		TEST(test_unknown_twice_or_missing_members_are_refused),
		TEST(test_every_member_is_checked),
		TEST(test_positive_twins),
		TEST(test_bounds),
		TEST(test_saved_record_is_read_back),
		TEST(test_what_could_not_be_read_back_is_not_saved),
		TEST(test_broken_record_hides_no_other),
		TEST(test_second_record_of_a_key_is_left_out),
		TEST(test_missing_folder_has_no_records),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
