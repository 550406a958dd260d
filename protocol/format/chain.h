/*
 * The line format of the audit log: a chain of JSON records, in which each
 * names the SHA-256 of the one before it.
 *
 *	{"seq":1,"prev":"0000…","time":"2026-11-22T04:27:04.123Z",
 *	 "stage":"intent",…}
 *
 * One record is one line, which ends with a newline; `seq` counts from 1;
 * `prev` is the hash of the whole line before, newline included, in hex, and
 * 64 zeros in the first; `time` is UTC.  What follows is text, numbers and
 * hex, as the writer has it.  Whoever changes, takes away, repeats or moves a
 * line breaks the chain behind it.  (Taking away the last lines, or changing
 * the very last, breaks nothing that is there: compare with a copy.)
 */
#ifndef FORMAT_CHAIN_H
#define FORMAT_CHAIN_H

#include "wire/buf.h"

#define CHAIN_LINE_MAX (16 * 1024)	/* newline included, bytes */
#define CHAIN_HASH_LEN 32

/* Where a chain stands: what its next record must say. */
struct chain {
	uint64_t seq;
	uint8_t prev[CHAIN_HASH_LEN];
};

/* An empty chain. */
void chain_init(struct chain *);

/*
 * A chain that goes on behind this line (newline included), which must be a
 * record: GPG_ERR_BAD_DATA, GPG_ERR_TOO_LARGE.
 */
gpg_error_t chain_resume(struct chain *, struct view line);

/* A record being written.  The buffer must have room for CHAIN_LINE_MAX. */
struct chain_record {
	struct buf *out;
	size_t place;		/* where the line begins in it */
	gpg_error_t err;	/* the first one, told by chain_end() */
};

/*
 * Puts a record: begin, fields, end.  `ms` are milliseconds since 1970.  A
 * field's name is a constant of the caller; its text NULL leaves it out.  A
 * text that is not clean is GPG_ERR_INV_VALUE, a line that could become longer
 * (each byte of a text may take two) GPG_ERR_TOO_LARGE: then nothing is put
 * and the chain stays as it was.
 */
void chain_begin(struct chain_record *, struct buf *, const struct chain *,
    uint64_t ms, const char *stage);
void chain_put_text(struct chain_record *, const char *name, const char *);
void chain_put_number(struct chain_record *, const char *name, uint64_t);
void chain_put_hex(struct chain_record *, const char *name, struct view);
gpg_error_t chain_end(struct chain_record *, struct chain *);

/*
 * Checks one line (newline included) and goes on behind it.
 * GPG_ERR_BAD_DATA and a reason for people (clean) in why; the chain then
 * stays as it was.
 */
#define CHAIN_WHY 160
gpg_error_t chain_check_line(struct chain *, struct view line,
    char why[CHAIN_WHY]);

/*
 * Checks a log as it is read, in pieces of any size.  Starts zeroed but for
 * chain_check_init(); holds at most one line.
 */
struct chain_check {
	struct chain chain;
	uint64_t line;		/* whole lines taken so far */
	struct buf rest;	/* the beginning of the next one */
	uint64_t broken;	/* the first line that does not fit; 0: none */
	char why[CHAIN_WHY];
};

void chain_check_init(struct chain_check *);
void chain_check_free(struct chain_check *);

/* GPG_ERR_BAD_DATA at the first break, and from then on. */
gpg_error_t chain_check_feed(struct chain_check *, struct view);

/* At the end of the log: refuses an unfinished last line. */
gpg_error_t chain_check_end(struct chain_check *);

#endif
