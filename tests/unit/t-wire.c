/* The buffer keeps its bounds and leaves nothing behind; text is clean. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "wire/buf.h"
#include "wire/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

/*
 * The memory that the next free() must find wiped.  The linker leads the
 * library's calls of free() here (--wrap).
 */
static struct {
	const uint8_t *p;
	size_t len;
	bool seen, wiped;
} watched;

void __real_free(void *);
void __wrap_free(void *);

static bool
is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

void
__wrap_free(void *p)
{
	if (p && p == watched.p) {
		watched.seen = true;
		watched.wiped = is_zero(p, watched.len);
		watched.p = NULL;
	}
	__real_free(p);
}

static void
watch(const struct buf *b)
{
	watched.p = b->data;
	watched.len = b->cap;
	watched.seen = watched.wiped = false;
}

static void
fill(struct buf *b, size_t n)
{
	while (n-- > 0)
		assert_int_equal(buf_put_u8(b, 'x'), 0);
}

/* Sanitizers make nothing of mlock(). */
static void
skip_sanitized(void)
{
#ifdef SANITIZERS
	skip();
#endif
}

/* Whether a page is locked, as the kernel tells. */
static bool
is_locked(const void *p)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	bool here = false, locked = false;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (here && !strncmp(line, "VmFlags:", 8))
			locked = strstr(line, " lo") && strstr(line, " dd");
	}
	fclose(f);
	return locked;
}

static void
test_locked_buf_is_locked_and_bounded(void **state)
{
	struct buf b;

	skip_sanitized();
	buf_init(&b, 10000);
	fill(&b, 100);
	assert_false(is_locked(b.data));
	watch(&b);
	assert_code(buf_lock(&b), 0);
	assert_true(watched.seen && watched.wiped);
	assert_true(is_locked(b.data));
	assert_int_equal(buf_len(&b), 100);
	fill(&b, 9900);
	assert_true(is_locked(b.data));
	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(buf_view(&b).p[i], 'x');
	assert_code(buf_put_u8(&b, 1), GPG_ERR_TOO_LARGE);
	buf_free(&b);
	assert_code(buf_lock(&b), 0);		/* before there is any */
	fill(&b, 1);
	assert_true(is_locked(b.data));
	buf_free(&b);
	fill(&b, 1);
	assert_false(is_locked(b.data));
	buf_free(&b);
}

/* As somebody who may lock nothing; root, who may lock all, is nobody here. */
static bool
takes_nothing(void)
{
	const struct rlimit none = { 0, 0 };
	struct buf a, b;

	if ((geteuid() == 0 && setuid(65534)) ||
	    setrlimit(RLIMIT_MEMLOCK, &none))
		return false;
	buf_init(&a, 1000);
	buf_lock(&a);
	buf_init(&b, 1000);
	return buf_put_u8(&a, 1) && !buf_put_u8(&b, 1) && buf_lock(&b) &&
	    buf_put_u8(&b, 1) && buf_len(&a) == 0;
}

static void
test_buf_that_cannot_be_locked_takes_nothing(void **state)
{
	pid_t child;
	int status;

	skip_sanitized();
	if ((child = fork()) == 0)
		_exit(takes_nothing() ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
test_buf_holds_what_its_bound_says(void **state)
{
	struct buf b;

	buf_init(&b, 1000);
	fill(&b, 1000);
	assert_int_equal(buf_len(&b), 1000);
	assert_true(b.cap <= 1000);
	assert_code(buf_put_u8(&b, 1), GPG_ERR_TOO_LARGE);
	assert_int_equal(buf_len(&b), 1000);
	buf_free(&b);

	assert_int_equal(buf_put(&b, "x", 1), 0);	/* usable again */
	assert_code(buf_put_string(&b, view_of("", SIZE_MAX)),
	    GPG_ERR_TOO_LARGE);
	buf_free(&b);
	buf_init(&b, 0);
	assert_int_equal(buf_put(&b, "", 0), 0);
	assert_code(buf_put(&b, "x", 1), GPG_ERR_TOO_LARGE);
	buf_free(&b);
}

/* Room that was consumed at the front counts again. */
static void
test_buf_uses_consumed_room(void **state)
{
	struct buf b;

	buf_init(&b, 16);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(buf_put(&b, "0123456789", 10), 0);
		buf_consume(&b, 4);
		assert_true(view_eq_str(buf_view(&b), "456789"));
		buf_consume(&b, 6);
	}
	assert_int_equal(buf_put(&b, "0123456789", 10), 0);
	buf_consume(&b, 9);
	assert_int_equal(buf_put(&b, "abcdefghijklmno", 15), 0);
	assert_true(view_eq_str(buf_view(&b), "9abcdefghijklmno"));
	assert_code(buf_put(&b, "p", 1), GPG_ERR_TOO_LARGE);
	buf_free(&b);
}

static void
test_buf_errors_stick(void **state)
{
	struct buf b;

	buf_init(&b, 4);
	assert_code(buf_put(&b, "12345", 5), GPG_ERR_TOO_LARGE);
	assert_code(buf_put_u8(&b, 1), GPG_ERR_TOO_LARGE);
	assert_code(buf_putf(&b, "%d", 1), GPG_ERR_TOO_LARGE);
	assert_code(buf_put_hex(&b, view_str("x")), GPG_ERR_TOO_LARGE);
	assert_code(buf_error(&b), GPG_ERR_TOO_LARGE);
	assert_int_equal(buf_len(&b), 0);
	buf_reset(&b);
	assert_code(buf_error(&b), 0);
	assert_int_equal(buf_put_u8(&b, 1), 0);
	assert_int_equal(buf_len(&b), 1);
	buf_free(&b);
}

static void
test_buf_wipes_what_it_drops(void **state)
{
	struct buf b;

	buf_init(&b, 4096);
	fill(&b, 100);
	buf_consume(&b, 40);
	assert_true(is_zero(b.data, 40));
	assert_false(is_zero(b.data, 41));
	buf_truncate(&b, 20);
	assert_int_equal(buf_len(&b), 20);
	assert_true(is_zero(b.data + 60, 40));
	assert_false(is_zero(b.data + 59, 1));
	buf_truncate(&b, 21);
	assert_int_equal(buf_len(&b), 20);
	buf_consume(&b, 20);
	assert_true(is_zero(b.data, 100));
	fill(&b, 100);
	buf_reset(&b);
	assert_true(is_zero(b.data, 100));
	buf_free(&b);
}

/* What moves to the front leaves nothing where it was. */
static void
test_buf_wipes_where_it_moves_from(void **state)
{
	struct buf b;
	uint8_t *p;

	buf_init(&b, 256);
	fill(&b, 256);
	buf_consume(&b, 246);
	assert_int_equal(buf_reserve(&b, 100, &p), 0);
	assert_int_equal(p - b.data, 10);
	assert_true(is_zero(b.data + 10, 246));
	buf_free(&b);
}

static void
test_buf_frees_no_memory_unwiped(void **state)
{
	uint8_t *unwiped;
	struct buf b;

	buf_init(&b, 4096);
	fill(&b, 256);
	watch(&b);
	fill(&b, 1);	/* grows */
	assert_true(watched.seen && watched.wiped);
	watch(&b);
	buf_free(&b);
	assert_true(watched.seen && watched.wiped);
	assert_null(b.data);

	unwiped = malloc(8);	/* the watch can see the contrary */
	memset(unwiped, 'x', 8);
	b.data = unwiped;
	b.cap = 8;
	watch(&b);
	__wrap_free(unwiped);
	assert_true(watched.seen && !watched.wiped);
}

static void
test_buf_numbers_are_big_endian(void **state)
{
	static const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
		13, 14, 15, 0, 0, 0, 2, 'h', 'i', 'f', 'f', '0', '7', '-',
		'1' };
	struct buf b;

	buf_init(&b, 64);
	buf_put_u8(&b, 1);
	buf_put_u16(&b, 0x0203);
	buf_put_u32(&b, 0x04050607);
	buf_put_u64(&b, 0x08090a0b0c0d0e0f);
	buf_put_cstring(&b, "hi");
	buf_put_hex(&b, view_of("\xff\x07", 2));
	buf_putf(&b, "%d", -1);
	assert_true(view_eq(buf_view(&b), view_of(want, sizeof(want))));
	buf_free(&b);
}

static void
test_buf_open_counts_what_follows(void **state)
{
	struct buf b;
	size_t outer, inner;

	buf_init(&b, 1024);
	buf_put_u8(&b, 9);
	buf_consume(&b, 1);
	buf_put_u8(&b, 9);
	outer = buf_open(&b);
	inner = buf_open(&b);
	fill(&b, 300);		/* grows in between */
	buf_close(&b, inner);
	buf_close(&b, outer);
	assert_memory_equal(buf_view(&b).p, "\x09\0\0\1\x30\0\0\1\x2cx", 10);
	buf_free(&b);
}

static void
test_views_fail_and_stay_as_they_were(void **state)
{
	struct view v = view_of("\0\0\0\3ab", 6), was = v, out;
	uint32_t u32;
	uint64_t u64;
	uint8_t u8;

	assert_code(view_get_string(&v, 10, &out), GPG_ERR_TRUNCATED);
	assert_code(view_get_string(&v, 2, &out), GPG_ERR_TOO_LARGE);
	assert_code(view_get_u64(&v, &u64), GPG_ERR_TRUNCATED);
	assert_code(view_get_bytes(&v, 7, &out), GPG_ERR_TRUNCATED);
	assert_true(v.p == was.p && v.len == was.len);
	assert_int_equal(view_get_u32(&v, &u32), 0);
	assert_int_equal(u32, 3);
	assert_code(view_get_u32(&v, &u32), GPG_ERR_TRUNCATED);
	assert_int_equal(view_get_u8(&v, &u8), 0);
	assert_int_equal(u8, 'a');
	assert_int_equal(view_get_bytes(&v, 1, &out), 0);
	assert_true(view_eq_str(out, "b"));
	assert_code(view_get_u8(&v, &u8), GPG_ERR_TRUNCATED);
	assert_int_equal(view_get_bytes(&v, 0, &out), 0);

	v = view_of("\0\0\0\2ab", 6);
	assert_int_equal(view_get_string(&v, 2, &out), 0);
	assert_true(view_eq_str(out, "ab") && v.len == 0);
	v = view_of("\xff\xff\xff\xff", 4);
	assert_code(view_get_string(&v, SIZE_MAX, &out), GPG_ERR_TRUNCATED);
	v = view_of("\1\2\3\4\5\6\7\x08", 8);
	assert_int_equal(view_get_u64(&v, &u64), 0);
	assert_true(u64 == 0x0102030405060708);
}

static void
test_views_compare(void **state)
{
	assert_true(view_eq(view_of(NULL, 0), view_str("")));
	assert_false(view_eq(view_str("a"), view_str("ab")));
	assert_false(view_eq(view_str("a"), view_str("b")));
	assert_true(view_starts(view_str("abc"), "ab"));
	assert_true(view_starts(view_of(NULL, 0), ""));
	assert_false(view_starts(view_str("a"), "ab"));
}

static void
test_view_strdup_refuses_a_nul_inside(void **state)
{
	char *s = view_strdup(view_of("abc", 2));

	assert_string_equal(s, "ab");
	free(s);
	assert_non_null(s = view_strdup(view_of(NULL, 0)));
	assert_string_equal(s, "");
	free(s);
	assert_null(view_strdup(view_of("a\0b", 3)));
	assert_null(view_strdup(view_of("a", 2)));
}

/* Text: what is left as it is, and what becomes of the rest. */
static const char *const clean[] = {
	"", "a", " ~", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
	"\xc2\xa0", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd",
};

static const struct {
	const char *bytes, *cleaned;
} unclean[] = {
	{ "\x1b[31m", "?[31m" },
	{ "a\nb\tc\r\vd\f", "a b c  d " },
	{ "\x7f", "?" },
	{ "\xc2\x85", "?" },		/* C1: next line */
	{ "\xc2\x9b", "?" },		/* C1: CSI */
	{ "\x9b", "?" },		/* the same as a bare byte */
	{ "\xc2\xad", "?" },		/* soft hyphen */
	{ "a\xe2\x80\xae" "b", "a?b" },	/* right-to-left override */
	{ "\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad", "????" },
	{ "\xe2\x81\xa6\xe2\x81\xa9", "??" },	/* isolates */
	{ "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "???" },	/* marks */
	{ "\xe2\x80\x8b\xe2\x80\x8d", "??" },	/* zero width */
	{ "\xe2\x80\xa8\xe2\x80\xa9", "  " },	/* separators */
	{ "\xef\xbb\xbf", "?" },	/* byte order mark */
	{ "\xf3\xa0\x81\x81", "?" },	/* tag letter */
	{ "\xef\xb8\x8f", "?" },	/* variation selector */
	{ "\xef\xbf\xbe", "?" },	/* no character */
	{ "\xc0\x80", "??" },		/* overlong, each byte by itself */
	{ "\xc0\xaf", "??" },
	{ "\xc1\xbf", "??" },
	{ "\xe0\x80\xaf", "???" },
	{ "\xe0\x9f\xbf", "???" },
	{ "\xf0\x80\x80\xaf", "????" },
	{ "\xf0\x8f\xbf\xbf", "????" },
	{ "\xed\xa0\x80", "???" },	/* surrogates */
	{ "\xed\xbf\xbf", "???" },
	{ "\xf4\x90\x80\x80", "????" },	/* above U+10FFFF */
	{ "\xf8\x88\x80\x80\x80", "?????" },
	{ "\xff\xfe", "??" },
	{ "\xc3", "?" },		/* cut off */
	{ "\xc3(", "?(" },
	{ "\xe2\x82", "??" },
	{ "\xf0\x9f\x98", "???" },
	{ "\xe2\x82\xc3\xa4", "??\xc3\xa4" },
	{ "\x80", "?" },
};

static void
test_text_is_told_from_dirt(void **state)
{
	for (size_t i = 0; i < COUNT(clean); i++)
		assert_true(text_is_clean(view_str(clean[i])));
	for (size_t i = 0; i < COUNT(unclean); i++)
		assert_false(text_is_clean(view_str(unclean[i].bytes)));
	assert_false(text_is_clean(view_of("a\0b", 3)));
	assert_true(text_is_clean(view_of(NULL, 0)));
}

static void
test_text_is_cleaned(void **state)
{
	char dst[64];

	for (size_t i = 0; i < COUNT(clean); i++)
		assert_string_equal(text_clean(dst, sizeof(dst),
		    view_str(clean[i])), clean[i]);
	for (size_t i = 0; i < COUNT(unclean); i++)
		assert_string_equal(text_clean(dst, sizeof(dst),
		    view_str(unclean[i].bytes)), unclean[i].cleaned);
	assert_string_equal(text_clean(dst, sizeof(dst),
	    view_of("a\0b", 3)), "a?b");
	for (uint32_t c = 0x80; c < 0xa0; c++) {
		char raw[] = { 'x', (char)0xc2, (char)c, 0 };

		assert_string_equal(text_clean(dst, sizeof(dst),
		    view_str(raw)), "x?");
	}
}

static void
test_text_is_cut_between_characters(void **state)
{
	static const char text[] = "a\xe2\x82\xac\xf0\x9f\x98\x80z";
	char dst[16];

	assert_string_equal(text_clean(dst, 10, view_str(text)), text);
	assert_string_equal(text_clean(dst, 9, view_str(text)),
	    "a\xe2\x82\xac...");
	assert_string_equal(text_clean(dst, 8, view_str(text)),
	    "a\xe2\x82\xac...");
	assert_string_equal(text_clean(dst, 7, view_str(text)), "a...");
	assert_string_equal(text_clean(dst, 5, view_str(text)), "a...");
	assert_string_equal(text_clean(dst, 4, view_str(text)), "...");
	assert_string_equal(text_clean(dst, 4, view_str("abc")), "abc");
}

/* Whatever goes in: what comes out is clean and within its bound. */
static void
test_text_is_always_clean_and_bounded(void **state)
{
	char raw[40], *dst;
	uint32_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		size_t size, len;

		for (size_t i = 0; i < sizeof(raw); i++) {
			seed = seed * 1664525 + 1013904223;
			raw[i] = (char)(seed >> 24);
			if (seed & 0x10000)	/* likelier lead bytes */
				raw[i] = (char)(0xe0 | (raw[i] & 0x13));
		}
		len = (seed >> 8) % sizeof(raw);
		size = 4 + (seed >> 16) % 40;
		dst = malloc(size);
		text_clean(dst, size, view_of(raw, len));
		assert_true(strlen(dst) < size);
		assert_true(text_is_clean(view_str(dst)));
		free(dst);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_holds_what_its_bound_says),
		cmocka_unit_test(test_locked_buf_is_locked_and_bounded),
		cmocka_unit_test(
		    test_buf_that_cannot_be_locked_takes_nothing),
		cmocka_unit_test(test_buf_uses_consumed_room),
		cmocka_unit_test(test_buf_errors_stick),
		cmocka_unit_test(test_buf_wipes_what_it_drops),
		cmocka_unit_test(test_buf_wipes_where_it_moves_from),
		cmocka_unit_test(test_buf_frees_no_memory_unwiped),
		cmocka_unit_test(test_buf_numbers_are_big_endian),
		cmocka_unit_test(test_buf_open_counts_what_follows),
		cmocka_unit_test(test_views_fail_and_stay_as_they_were),
		cmocka_unit_test(test_views_compare),
		cmocka_unit_test(test_view_strdup_refuses_a_nul_inside),
		cmocka_unit_test(test_text_is_told_from_dirt),
		cmocka_unit_test(test_text_is_cleaned),
		cmocka_unit_test(test_text_is_cut_between_characters),
		cmocka_unit_test(test_text_is_always_clean_and_bounded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
