/* Single clean lines for the person in front. */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/say.h"
#include "wire/text.h"

#define PREFIX "touchstone: "

/* One write, so that lines of several programs do not mix. */
static void
write_line(int fd, struct view text, bool bold)
{
	char line[2048], clean[1600];
	ssize_t n;
	int len;

	text_clean(clean, sizeof(clean), text);
	len = snprintf(line, sizeof(line), "%s%s%s%s\n", bold ? "\033[1m" : "",
	    PREFIX, clean, bold ? "\033[0m" : "");
	do
		n = write(fd, line, (size_t)len);
	while (n > 0 && (len -= (int)n) > 0 &&
	    memmove(line, line + n, (size_t)len));
}

void
say(const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_line(STDERR_FILENO, view_str(text), false);
}

static bool
may_colour(int fd)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(fd) && !(no && *no) && term && strcmp(term, "dumb");
}

/* The terminal, where a line of ours would not disturb somebody else. */
static int
open_terminal(void)
{
	int fd;

	fd = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && tcgetpgrp(fd) != getpgrp()) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void
say_terminal(struct view text)
{
	int fd;

	if ((fd = open_terminal()) < 0)
		return;
	write_line(fd, text, may_colour(fd));
	close(fd);
}

void
say_notice(struct view text, bool terminal)
{
	write_line(STDERR_FILENO, text, may_colour(STDERR_FILENO));
	if (terminal && !isatty(STDERR_FILENO))
		say_terminal(text);
}

bool
say_is_no(gpg_error_t err)
{
	switch (gpg_err_code(err)) {
	case GPG_ERR_CANCELED:
	case GPG_ERR_FULLY_CANCELED:
	case GPG_ERR_NOT_CONFIRMED:
	case GPG_ERR_FORBIDDEN:
	case GPG_ERR_EACCES:
	case GPG_ERR_BAD_PIN:
	case GPG_ERR_BAD_PASSPHRASE:
	case GPG_ERR_LOCKED:
	case GPG_ERR_PIN_BLOCKED:
	case GPG_ERR_NO_PIN_ENTRY:
		return true;
	default:
		return false;
	}
}

const char *
say_hint(gpg_error_t err)
{
	static const struct {
		gpg_err_code_t code;
		const char *hint;
	} hints[] = {
		{ GPG_ERR_NO_SECKEY, "\"touchstone keys\" lists the keys" },
		{ GPG_ERR_AMBIGUOUS_NAME, "name the key by its fingerprint; "
		    "\"touchstone keys\" lists them" },
		{ GPG_ERR_NO_PIN_ENTRY, "install a pinentry, or name one in "
		    "the configuration (touchstone.conf(5))" },
		{ GPG_ERR_CARD_NOT_PRESENT, "insert the token" },
		{ GPG_ERR_CANCELED, "run it again when you want to sign" },
		{ GPG_ERR_EPIPE, "\"touchstone status\" tells whether the "
		    "agent still runs" },
		{ GPG_ERR_NOT_SUPPORTED, "the agent is of another version: "
		    "\"touchstone stop\" ends it, the next command starts "
		    "the new one" },
		{ GPG_ERR_TIMEOUT, "\"touchstone status\" tells what the "
		    "agent waits for" },
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (gpg_err_code(err) == hints[i].code)
			return hints[i].hint;
	return "";
}
