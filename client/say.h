/*
 * Words for the person in front: single clean lines on stderr, whatever they
 * were made from.
 */
#ifndef CLIENT_SAY_H
#define CLIENT_SAY_H

#include "wire/buf.h"

/*
 * One line "touchstone: …".  The text is cleaned as a whole, so that nothing
 * from outside starts a line of its own or drives a terminal.
 */
void say(const char *, ...) __attribute__((format(printf, 1, 2)));

/*
 * As say(), for what a person must do now: bold on a terminal.  git keeps the
 * stderr of its signing program to itself, so with `terminal` the line also
 * goes to the controlling terminal where stderr is none and we are in its
 * foreground.
 */
void say_notice(struct view text, bool terminal);

/* The latter alone, for programs whose stderr is read by a program. */
void say_terminal(struct view text);

/* Whether somebody said no: the user, the policy, the token to a PIN. */
bool say_is_no(gpg_error_t);

/* What to do about an error that its own text does not tell; may be "". */
const char *say_hint(gpg_error_t);

#endif
