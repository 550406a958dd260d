/* The audit log's chain: what is written checks, and every change shows. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "format/chain.h"
#include "wire/text.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

#define MS 1795321624123ULL	/* 2026-11-22T04:27:04.123Z */

static gpg_error_t
put(struct buf *b, struct chain *c, const char *summary)
{
	struct chain_record r;

	chain_begin(&r, b, c, MS, "intent");
	chain_put_number(&r, "request", 7);
	chain_put_text(&r, "summary", summary);
	chain_put_text(&r, "left_out", NULL);
	chain_put_hex(&r, "key", view_of("\x01\xab", 2));
	return chain_end(&r, c);
}

/* A log of five records. */
static void
make_log(struct buf *b)
{
	struct chain c;
	char text[] = "record A";

	buf_init(b, 1 << 20);
	chain_init(&c);
	for (int i = 0; i < 5; i++, text[7]++)
		assert_int_equal(put(b, &c, text), 0);
}

/* The check of a whole log, fed in pieces. */
static gpg_error_t
check(struct chain_check *k, struct view v, size_t piece)
{
	gpg_error_t err = 0;

	chain_check_init(k);
	while (v.len > 0 && !err) {
		size_t n = v.len < piece ? v.len : piece;

		err = chain_check_feed(k, view_of(v.p, n));
		v.p += n;
		v.len -= n;
	}
	if (!err)
		err = chain_check_end(k);
	assert_true(text_is_clean(view_str(k->why)));
	chain_check_free(k);
	return err;
}

static void
assert_broken(struct view v, uint64_t line, const char *word)
{
	static const size_t pieces[] = { 1, 7, 64, 1 << 20 };
	struct chain_check k;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_code(check(&k, v, pieces[i]), GPG_ERR_BAD_DATA);
		assert_int_equal(k.broken, line);
		if (!strstr(k.why, word))
			fail_msg("\"%s\" does not tell %s", k.why, word);
	}
}

/* The given line, newline included. */
static struct view
line_at(const struct buf *b, unsigned line)
{
	struct view v = buf_view(b);
	const uint8_t *end;

	for (;;) {
		assert_non_null(end = memchr(v.p, '\n', v.len));
		if (--line == 0)
			return view_of(v.p, (size_t)(end + 1 - v.p));
		v.len -= (size_t)(end + 1 - v.p);
		v.p = end + 1;
	}
}

/* Another log, of these lines of the first. */
static void
pick(const struct buf *b, struct buf *out, const char *lines)
{
	buf_init(out, 1 << 20);
	for (; *lines; lines++)
		buf_put_view(out, line_at(b, (unsigned)(*lines - '0')));
}

static void
test_a_record_is_one_json_line(void **state)
{
	static const char want[] = "{\"seq\":1,\"prev\":\"00000000000000000000"
	    "00000000000000000000000000000000000000000000\","
	    "\"time\":\"2026-11-22T04:27:04.123Z\",\"stage\":\"intent\","
	    "\"request\":7,\"summary\":\"a \\\"b\\\" \\\\ \xc3\xa9\","
	    "\"key\":\"01ab\"}\n";
	struct chain c;
	struct buf b;

	buf_init(&b, 1000);
	chain_init(&c);
	assert_int_equal(put(&b, &c, "a \"b\" \\ \xc3\xa9"), 0);
	assert_true(view_eq_str(buf_view(&b), want));
	assert_int_equal(c.seq, 2);
	buf_free(&b);
}

static void
test_time_is_utc(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} times[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 951782399999, "2000-02-28T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 951868800000, "2000-03-01T00:00:00.000Z" },
		{ 1735689599001, "2024-12-31T23:59:59.001Z" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
		{ UINT64_MAX, "9999-12-" },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct chain_record r;
		struct chain c, again;
		struct buf b;

		buf_init(&b, 1000);
		chain_init(&c);
		chain_begin(&r, &b, &c, times[i].ms, "event");
		assert_int_equal(chain_end(&r, &c), 0);
		assert_int_equal(chain_resume(&again, buf_view(&b)), 0);
		buf_put_u8(&b, 0);
		if (!strstr((char *)b.data, times[i].text))
			fail_msg("%s instead of %s", b.data, times[i].text);
		buf_free(&b);
	}
}

static void
test_the_hash_is_of_the_whole_line_before(void **state)
{
	struct chain c;
	struct buf b;

	buf_init(&b, 1000);
	chain_init(&c);
	assert_int_equal(put(&b, &c, "x"), 0);
	assert_int_equal(put(&b, &c, "x"), 0);
	assert_int_equal(buf_put_u8(&b, 0), 0);
	/* As sha256sum gives it for the first line. */
	assert_non_null(strstr((const char *)line_at(&b, 2).p,
	    "\"prev\":\"33e5478e1d01f80f0c9a612ca579b103"
	    "6751a8e716bd97725d7e7a9c2cf3a2c1\""));
	buf_free(&b);
}

static void
test_what_was_written_checks(void **state)
{
	struct chain_check k;
	struct buf b;

	make_log(&b);
	for (size_t piece = 1; piece < 700; piece += 13) {
		assert_int_equal(check(&k, buf_view(&b), piece), 0);
		assert_int_equal(k.line, 5);
		assert_int_equal(k.chain.seq, 6);
		assert_int_equal(k.broken, 0);
	}
	assert_int_equal(check(&k, view_of(NULL, 0), 1), 0);
	assert_int_equal(k.line, 0);
	buf_free(&b);
}

static void
test_a_changed_record_shows(void **state)
{
	struct view v;
	struct buf b;

	make_log(&b);
	v = buf_view(&b);
	*strchr(strstr((char *)b.data, "record B"), 'B') = 'X';
	assert_broken(v, 3, "record 3 does not name the hash of the line "
	    "before it: one of the two was changed");
	buf_free(&b);
	make_log(&b);
	*(strstr((char *)b.data, "prev") + 10) = '1';
	assert_broken(buf_view(&b), 1, "the first record");
	buf_free(&b);
}

static void
test_every_changed_bit_but_the_last_lines_shows(void **state)
{
	struct chain_check k;
	struct buf b;
	size_t end;

	make_log(&b);
	end = buf_len(&b) - line_at(&b, 5).len;
	for (size_t i = 0; i < end; i++)
		for (unsigned bit = 0; bit < 8; bit += 3) {
			b.data[i] ^= 1U << bit;
			assert_code(check(&k, buf_view(&b), 4096),
			    GPG_ERR_BAD_DATA);
			b.data[i] ^= 1U << bit;
		}
	assert_int_equal(check(&k, buf_view(&b), 4096), 0);
	buf_free(&b);
}

static void
test_a_record_taken_away_shows(void **state)
{
	struct buf b, cut;

	make_log(&b);
	pick(&b, &cut, "1245");
	assert_broken(buf_view(&cut), 3, "record 3 is not here");
	buf_free(&cut);
	pick(&b, &cut, "145");
	assert_broken(buf_view(&cut), 2, "records 2 to 3 are not here");
	buf_free(&cut);
	pick(&b, &cut, "2345");
	assert_broken(buf_view(&cut), 1, "record 1 is not here");
	buf_free(&cut);
	buf_free(&b);
}

static void
test_moved_and_repeated_records_show(void **state)
{
	struct buf b, cut;

	make_log(&b);
	pick(&b, &cut, "12435");
	assert_broken(buf_view(&cut), 3, "taken away or moved");
	buf_free(&cut);
	pick(&b, &cut, "122345");
	assert_broken(buf_view(&cut), 3,
	    "record 2 comes after record 2: repeated or moved");
	buf_free(&cut);
	pick(&b, &cut, "12341");
	assert_broken(buf_view(&cut), 5, "record 1 comes after record 4");
	buf_free(&cut);
	buf_free(&b);
}

static void
test_garbage_shows(void **state)
{
	static const char *lines[] = {
		"\n", "x\n", "[]\n", "{}\n", "{\"seq\":6}\n", "\x1b[2J\n",
		"{\"seq\":6,\"seq\":6}\n", "7\n",
	};
	struct buf b;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		make_log(&b);
		buf_put_text(&b, lines[i]);
		assert_broken(buf_view(&b), 6, "record");
		buf_free(&b);
	}
}

static void
test_an_unfinished_last_line_shows(void **state)
{
	struct buf b;

	make_log(&b);
	buf_truncate(&b, buf_len(&b) - 1);
	assert_broken(buf_view(&b), 5, "an unfinished record");
	buf_truncate(&b, buf_len(&b) - line_at(&b, 1).len + 2);
	assert_broken(buf_view(&b), 5, "an unfinished record");
	buf_free(&b);
}

static void
test_an_endless_line_is_not_held(void **state)
{
	static uint8_t big[CHAIN_LINE_MAX + 1];
	struct buf b;

	memset(big, ' ', sizeof(big));
	make_log(&b);
	buf_put(&b, big, sizeof(big));
	assert_broken(buf_view(&b), 6, "16 KiB");
	buf_free(&b);
}

static void
test_what_cannot_be_written_leaves_no_trace(void **state)
{
	static char big[CHAIN_LINE_MAX];
	struct chain c, before;
	struct chain_record r;
	struct chain_check k;
	struct buf b;
	size_t len;

	make_log(&b);
	len = buf_len(&b);
	assert_int_equal(chain_resume(&c, line_at(&b, 5)), 0);
	assert_int_equal(c.seq, 6);
	before = c;
	assert_code(put(&b, &c, "\x1b[2J"), GPG_ERR_INV_VALUE);
	assert_code(put(&b, &c, "a\nb"), GPG_ERR_INV_VALUE);
	assert_code(put(&b, &c, "\xe2\x80\xae"), GPG_ERR_INV_VALUE);
	assert_code(put(&b, &c, "\xc3"), GPG_ERR_INV_VALUE);
	assert_code(put(&b, &c, "\x7f"), GPG_ERR_INV_VALUE);
	memset(big, '"', sizeof(big) - 1);
	assert_code(put(&b, &c, big), GPG_ERR_TOO_LARGE);
	big[7900] = 0;
	chain_begin(&r, &b, &c, MS, "intent");
	for (int i = 0; i < 100; i++)
		chain_put_text(&r, "x", big);
	assert_code(chain_end(&r, &c), GPG_ERR_TOO_LARGE);
	chain_begin(&r, &b, &c, MS, "intent");
	chain_put_number(&r, "n", UINT64_MAX);
	assert_code(chain_end(&r, &c), GPG_ERR_INV_VALUE);
	assert_int_equal(buf_len(&b), len);
	assert_memory_equal(&c, &before, sizeof(c));

	assert_int_equal(put(&b, &c, big), 0);
	assert_int_equal(put(&b, &c, "\xe2\x86\x90"), 0);
	assert_int_equal(check(&k, buf_view(&b), 4096), 0);
	assert_int_equal(k.line, 7);
	buf_free(&b);
}

static void
test_only_a_whole_record_is_resumed(void **state)
{
	struct chain c;
	struct view v;
	struct buf b;

	make_log(&b);
	v = line_at(&b, 5);
	assert_int_equal(chain_resume(&c, v), 0);
	v.len--;
	assert_code(chain_resume(&c, v), GPG_ERR_BAD_DATA);
	v = line_at(&b, 4);
	v.len += 5;
	assert_code(chain_resume(&c, v), GPG_ERR_BAD_DATA);
	assert_code(chain_resume(&c, view_str("{}\n")), GPG_ERR_BAD_DATA);
	assert_code(chain_resume(&c, view_of(NULL, 0)), GPG_ERR_BAD_DATA);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_is_one_json_line),
		cmocka_unit_test(test_time_is_utc),
		cmocka_unit_test(test_the_hash_is_of_the_whole_line_before),
		cmocka_unit_test(test_what_was_written_checks),
		cmocka_unit_test(test_a_changed_record_shows),
		cmocka_unit_test(
		    test_every_changed_bit_but_the_last_lines_shows),
		cmocka_unit_test(test_a_record_taken_away_shows),
		cmocka_unit_test(test_moved_and_repeated_records_show),
		cmocka_unit_test(test_garbage_shows),
		cmocka_unit_test(test_an_unfinished_last_line_shows),
		cmocka_unit_test(test_an_endless_line_is_not_held),
		cmocka_unit_test(test_what_cannot_be_written_leaves_no_trace),
		cmocka_unit_test(test_only_a_whole_record_is_resumed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
