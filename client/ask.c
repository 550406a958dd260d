/* Asks the person at the terminal. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/ask.h"
#include "wire/text.h"

#define ANSWER_MAX 128

bool
ask_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static void
print(const char *text, const char *after)
{
	char clean[1200];

	fprintf(stderr, "%s%s", text_clean(clean, sizeof(clean),
	    view_str(text)), after);
	fflush(stderr);
}

/*
 * One line without the blanks around it.  Byte by byte, so that what was
 * typed ahead is left to whoever reads next.
 */
static bool
read_answer(char out[ANSWER_MAX])
{
	size_t n = 0, skip;
	char c = 0;

	while (c != '\n') {
		if (read(STDIN_FILENO, &c, 1) != 1 || n == ANSWER_MAX - 1)
			return false;
		out[n++] = c;
	}
	while (n > 0 && strchr(" \t\r\n", out[n - 1]))
		n--;
	out[n] = 0;
	skip = strspn(out, " \t");
	memmove(out, out + skip, n - skip + 1);
	return true;
}

bool
ask_yes(const char *question)
{
	char answer[ANSWER_MAX];

	for (;;) {
		print(question, " [Y/n] ");
		if (!read_answer(answer))
			return false;
		if (!answer[0] || !strcasecmp(answer, "y") ||
		    !strcasecmp(answer, "yes"))
			return true;
		if (!strcasecmp(answer, "n") || !strcasecmp(answer, "no"))
			return false;
	}
}

bool
ask_typed(const char *words, const char *fmt, ...)
{
	char answer[ANSWER_MAX], text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print(text, "\nType ");
	print(words, " to do that, anything else not to: ");
	return read_answer(answer) && !strcmp(answer, words);
}
