/* What went wrong and what to do about it, in words, beside the error. */
#ifndef CLIENT_REGISTRY_PROBLEM_H
#define CLIENT_REGISTRY_PROBLEM_H

#include "wire/buf.h"

struct problem {
	char text[1024];	/* clean */
};

/* Sets the words; returns gpg_error(code of err). */
gpg_error_t problem_set(struct problem *, gpg_error_t err, const char *, ...)
    __attribute__((format(printf, 3, 4)));

#endif
