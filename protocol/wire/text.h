/*
 * Text that may be shown.  What comes from outside is shown only when clean:
 * valid UTF-8 without control, bidirectional, invisible or escape characters,
 * so that it can neither drive a terminal nor read as something else.
 */
#ifndef WIRE_TEXT_H
#define WIRE_TEXT_H

#include "wire/buf.h"

/* Whether the bytes may be shown as they are. */
bool text_is_clean(struct view);

/*
 * Writes the text into dst, always with a NUL and always clean: what may not
 * be shown is replaced by '?' (blanks of any kind by a space), and what does
 * not fit is cut between characters and ends in "...".  size is at least 4.
 * Returns dst.
 */
char *text_clean(char *dst, size_t size, struct view);

#endif
