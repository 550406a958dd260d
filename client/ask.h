/* Questions to the person at the terminal. */
#ifndef CLIENT_ASK_H
#define CLIENT_ASK_H

#include <stdbool.h>
#include <stddef.h>

/* Whether somebody can be asked: stdin and stderr are a terminal. */
bool ask_possible(void);

/* Yes or no; an empty answer is yes, the end of the input no. */
bool ask_yes(const char *question);

/*
 * Whether exactly these words are typed in answer to a line of text; blanks
 * around them do not count.
 */
bool ask_typed(const char *words, const char *, ...)
    __attribute__((format(printf, 2, 3)));

#endif
