/* Words for what went wrong. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "client/registry/problem.h"
#include "wire/text.h"

gpg_error_t
problem_set(struct problem *p, gpg_error_t err, const char *format, ...)
{
	char raw[sizeof(p->text)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	text_clean(p->text, sizeof(p->text), view_str(raw));
	return gpg_error(gpg_err_code(err));
}
