/*
 * Files of the user that nobody promises to be on a disk that answers: a
 * thread reads them, and is waited for a moment.
 */
#ifndef AGENT_READER_H
#define AGENT_READER_H

#include "wire/buf.h"

#define READER_FILES 3
#define READER_SIZE_MAX (1024 * 1024)	/* bytes of a file */

struct reader;

/* Of files with these paths.  NULL: out of memory. */
struct reader *reader_new(const char *const paths[READER_FILES]);
void reader_free(struct reader **);

/*
 * Reads anew what has changed, within that time.  What takes longer counts at
 * a later look; while a disk does not answer, a look waits for nothing.
 */
void reader_look(struct reader *, unsigned ms);

/*
 * A file as it was at the last look, valid until the next.  Only regular files
 * of at most READER_SIZE_MAX; anything else is empty.
 */
struct view reader_text(const struct reader *, unsigned file);

#endif
