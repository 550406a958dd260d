/* Tables are as wide as what is in them, and no wider than the terminal. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "client/table.h"

static const struct table_column columns[] = {
	{ "NAME", 0 }, { "SLOT", 2 }, { "TOUCH", 1 }, { "USER ID", 3 },
};

static const char *const cells[] = {
	"release", "9c", "always", "A U Thor <author@example.com>",
	"soft", NULL, "", "B <b@x>",
};

/* What is printed; free(). */
static char *
print(const char *const *c, size_t rows, size_t width)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	table_print(f, columns, 4, c, rows, width);
	fclose(f);
	return text;
}

static void
expect(const char *const *c, size_t rows, size_t width, const char *want)
{
	char *text = print(c, rows, width);

	assert_string_equal(text, want);
	free(text);
}

static void
columns_are_as_wide_as_their_cells(void **state)
{
	expect(cells, 2, 0,
	    "NAME     SLOT  TOUCH   USER ID\n"
	    "release  9c    always  A U Thor <author@example.com>\n"
	    "soft                   B <b@x>\n");
}

static void
the_last_column_is_cut_first(void **state)
{
	expect(cells, 2, 40,
	    "NAME     SLOT  TOUCH   USER ID\n"
	    "release  9c    always  A U Thor <auth...\n"
	    "soft                   B <b@x>\n");
}

static void
what_matters_least_is_left_out_next(void **state)
{
	expect(cells, 2, 29,
	    "NAME     SLOT  TOUCH\n"
	    "release  9c    always\n"
	    "soft\n");
	expect(cells, 2, 18,
	    "NAME     TOUCH\n"
	    "release  always\n"
	    "soft\n");
	expect(cells, 2, 10, "NAME\nrelease\nsoft\n");
}

static void
what_must_stay_is_printed_even_so(void **state)
{
	expect(cells, 2, 3, "NAME\nrelease\nsoft\n");
}

static void
empty_columns_are_left_out(void **state)
{
	static const char *const some[] = { "a", NULL, "", "B",
		"b", "", NULL, "C" };

	expect(some, 2, 0, "NAME  USER ID\na     B\nb     C\n");
	expect(some, 0, 0, "\n");
}

/* No line is ever wider, and none is cut inside a character. */
static void
no_line_is_wider_than_the_terminal(void **state)
{
	static const char *const wide[] = {
		"k", "9c", "always", "\xe6\x9d\x8e\xe6\x9d\x8e\xe6\x9d\x8e"
		"\xe6\x9d\x8e\xe6\x9d\x8e\xe6\x9d\x8e\xe6\x9d\x8e <l@x>",
	};

	for (size_t width = 4; width < 60; width++) {
		char *text = print(wide, 1, width), *line, *rest = text;

		while ((line = strsep(&rest, "\n")))
			if (table_places(line) > width)
				fail_msg("%zu: %s", width, line);
		free(text);
	}
}

static void
places_are_those_of_a_terminal(void **state)
{
	assert_int_equal(table_places(""), 0);
	assert_int_equal(table_places("abc"), 3);
	assert_int_equal(table_places("\xc3\xa4"), 1);
	assert_int_equal(table_places("a\xcc\x88"), 1);
	assert_int_equal(table_places("\xe6\x9d\x8e"), 2);
	assert_int_equal(table_places("\xf0\x9f\x98\x80"), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_cells),
		cmocka_unit_test(the_last_column_is_cut_first),
		cmocka_unit_test(what_matters_least_is_left_out_next),
		cmocka_unit_test(what_must_stay_is_printed_even_so),
		cmocka_unit_test(empty_columns_are_left_out),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(places_are_those_of_a_terminal),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
