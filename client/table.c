/* Prints tables that fit. */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/table.h"

#define GAP 2

/* Takes one character of valid UTF-8. */
static uint32_t
next(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	uint32_t c = *p++;
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	if (more)
		c &= 0x3fU >> more;
	for (; more > 0 && *p; more--)
		c = c << 6 | (*p++ & 0x3f);
	*s = (const char *)p;
	return c;
}

/*
 * As terminals have it: marks take no place, East Asian wide characters and
 * emoji two (Unicode's UAX #11, by blocks).
 */
static size_t
places(uint32_t c)
{
	static const struct {
		uint32_t from, to;
		size_t places;
	} rows[] = {
		{ 0x0300, 0x036f, 0 }, { 0x1100, 0x115f, 2 },
		{ 0x20d0, 0x20ff, 0 }, { 0x2e80, 0x303e, 2 },
		{ 0x3041, 0xa4cf, 2 }, { 0xac00, 0xd7a3, 2 },
		{ 0xf900, 0xfaff, 2 }, { 0xfe00, 0xfe0f, 0 },
		{ 0xfe30, 0xfe6f, 2 }, { 0xff00, 0xff60, 2 },
		{ 0xffe0, 0xffe6, 2 }, { 0x1f300, 0x1faff, 2 },
		{ 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (c >= rows[i].from && c <= rows[i].to)
			return rows[i].places;
	return 1;
}

size_t
table_places(const char *s)
{
	size_t n = 0;

	while (*s)
		n += places(next(&s));
	return n;
}

struct table {
	const struct table_column *columns;
	const char *const *cells;
	size_t count, rows;
	size_t width[TABLE_COLUMNS];	/* 0: left out */
};

static const char *
cell(const struct table *t, size_t row, size_t column)
{
	const char *s = t->cells[row * t->count + column];

	return s ? s : "";
}

static void
measure(struct table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		size_t title = table_places(t->columns[i].title);

		for (size_t k = 0; k < t->rows; k++) {
			size_t n = table_places(cell(t, k, i));

			if (n > t->width[i])
				t->width[i] = n;
		}
		if (t->width[i] > 0 && t->width[i] < title)
			t->width[i] = title;
	}
}

static size_t
total(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		if (t->width[i] > 0)
			n += t->width[i] + (n > 0 ? GAP : 0);
	return n;
}

/* Leaves out the column that matters least; false if all that remain stay. */
static bool
leave_out(struct table *t)
{
	size_t least = 0;

	for (size_t i = 1; i < t->count; i++)
		if (t->width[i] > 0 && (t->width[least] == 0 ||
		    t->columns[i].rank >= t->columns[least].rank))
			least = i;
	if (t->width[least] == 0 || t->columns[least].rank == 0)
		return false;
	t->width[least] = 0;
	return true;
}

/* The last column may also be cut to no less than eight places. */
static void
fit(struct table *t, size_t width)
{
	size_t n;

	while (width > 0 && (n = total(t)) > width) {
		size_t last = t->count;

		while (last > 0 && t->width[last - 1] == 0)
			last--;
		if (last > 0 && n - width + 8 <= t->width[last - 1])
			t->width[last - 1] -= n - width;
		else if (!leave_out(t))
			break;
	}
}

static void
put_cell(FILE *to, const char *s, size_t width, bool last)
{
	size_t room = table_places(s) > width ? width - 3 : width, used = 0;
	const char *from = s, *p = s;

	while (*p) {
		const char *after = p;
		size_t n = places(next(&after));

		if (used + n > room)
			break;
		used += n;
		p = after;
	}
	fwrite(from, 1, (size_t)(p - from), to);
	if (*p) {
		fputs("...", to);
		used += 3;
	}
	if (!last)
		fprintf(to, "%*s", (int)(width + GAP - used), "");
}

static void
put_line(FILE *to, const struct table *t, size_t row)
{
	const char *text[TABLE_COLUMNS];
	size_t last = 0;

	for (size_t i = 0; i < t->count; i++) {
		text[i] = row ? cell(t, row - 1, i) : t->columns[i].title;
		if (t->width[i] > 0 && *text[i])
			last = i;
	}
	for (size_t i = 0; i <= last; i++)
		if (t->width[i] > 0)
			put_cell(to, text[i], t->width[i], i == last);
	putc('\n', to);
}

void
table_print(FILE *to, const struct table_column *columns, size_t count,
    const char *const *cells, size_t rows, size_t width)
{
	struct table t = { .columns = columns, .count = count, .cells = cells,
		.rows = rows };

	if (count > TABLE_COLUMNS)
		return;
	measure(&t);
	fit(&t, width);
	for (size_t row = 0; row <= rows; row++)
		put_line(to, &t, row);
}

size_t
table_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0)
		return 0;
	return size.ws_col;
}
