/* The text that goes with an error. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "token.h"

gpg_error_t
problem_say(struct problem *p, gpg_err_code_t code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
	return gpg_error(code);
}
