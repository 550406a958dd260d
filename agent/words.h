/* What the user is told and asked, in words; all of it is clean. */
#ifndef AGENT_WORDS_H
#define AGENT_WORDS_H

#include "request.h"

#define WORDS_MAX 2048

/*
 * The questions.  What touchstone itself knows comes first, what others
 * chose (the object's summary) last, so that it cannot pass for the former.
 */
void words_pin(const struct request *, uint8_t secret,
    char dst[WORDS_MAX]);
void words_consent(const struct request *, char dst[WORDS_MAX]);

/* "PIN", "management key", "secrets". */
const char *secret_name(uint8_t secret);

/* What is wanted: `key "release"`, `a token of module soft`. */
void words_wanted(const struct request *, char *dst, size_t size);

#endif
