/*
 * Tables for people: columns as wide as what is in them, those that are empty
 * left out, and on a terminal no wider than it is.
 */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS 16

struct table_column {
	const char *title;
	unsigned rank;	/* where there is no room, higher ones go first; 0
			   stays */
};

/*
 * Prints the columns, of which a row has one cell each (clean text, or NULL),
 * `cells` being the rows one after the other.  `width` is how many places a
 * line has; 0: as many as it takes.  What the last column has too much is cut.
 */
void table_print(FILE *, const struct table_column *, size_t columns,
    const char *const *cells, size_t rows, size_t width);

/* How many places the terminal has that stdout is; 0 if it is none. */
size_t table_width(void);

/* How many places a clean UTF-8 text takes on a terminal. */
size_t table_places(const char *);

#endif
