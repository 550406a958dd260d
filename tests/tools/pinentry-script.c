/*
 * A pinentry for the tests: speaks pinentry's protocol and answers from a
 * script, the file beside it that is named as it was called, and ".script".
 *
 *	pin TEXT	answers GETPIN
 *	confirm		the user says yes
 *	refuse		the user says no
 *	cancel		the user closes the dialogue
 *	timeout		nobody came
 *	error N		that error, as pinentry numbers it
 *	crash		dies by a signal
 *	exit		ends without an answer
 *	hang		never answers
 *	hang-hard	and does not end at SIGTERM
 *	delay MS	then goes on with the next line
 *	no-repeat	does not know SETREPEAT; before the line for GETPIN
 *	always LINE	the answer to all that follows
 *
 * Each line answers one GETPIN or CONFIRM and is then taken off the file, so
 * that the next process goes on where this one ended.  Without a line that
 * fits, the answer is "cancel", and the log says so.
 *
 * What it is told goes to the file named ".log": "# pid", "# fds" and "# env"
 * lines once, then every command as it came.  A PIN is never in it.
 */
#include <config.h>

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SCRIPT_MAX 65536
#define LINE_MAX_ 2048

#define ERR_CANCELED (5 << 24 | 99)
#define ERR_NOT_CONFIRMED (5 << 24 | 114)
#define ERR_TIMEOUT (5 << 24 | 62)
#define ERR_UNKNOWN_COMMAND (5 << 24 | 275)

extern char **environ;

static void
say(const char *line)
{
	char out[LINE_MAX_ + 1];
	int n = snprintf(out, sizeof(out), "%s\n", line);

	if (write(1, out, (size_t)n) != n)
		_exit(1);
}

static void
say_error(int code, const char *text)
{
	char line[128];

	snprintf(line, sizeof(line), "ERR %d %s <Pinentry>", code, text);
	say(line);
}

__attribute__((format(printf, 2, 3))) static void
note(const char *self, const char *fmt, ...)
{
	char path[1024], line[LINE_MAX_ + 128];
	va_list ap;
	int fd, n;

	snprintf(path, sizeof(path), "%s.log", self);
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if ((fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) < 0)
		return;
	if (write(fd, line, (size_t)n) != n)
		_exit(1);
	close(fd);
}

static int
fd_number(const struct dirent *e)
{
	return e->d_name[0] == '.' ? -1 : atoi(e->d_name);
}

/* What it was started with, for tests of what must not be passed on. */
static void
note_start(const char *self)
{
	char fds[256] = "";
	struct dirent *e;
	DIR *d;

	note(self, "# pid %d", (int)getpid());
	if ((d = opendir("/proc/self/fd"))) {
		while ((e = readdir(d)))
			if (fd_number(e) >= 0 && fd_number(e) != dirfd(d))
				snprintf(fds + strlen(fds),
				    sizeof(fds) - strlen(fds), " %d",
				    fd_number(e));
		closedir(d);
	}
	note(self, "# fds%s", fds);
	for (size_t i = 0; environ[i]; i++)
		note(self, "# env %s", environ[i]);
}

/*
 * Takes the first line off the script, if `fits` (may be NULL) has its first
 * word.  False when there is none.
 */
static bool
take_line(const char *self, const char *const *fits, char line[LINE_MAX_])
{
	char path[1024], text[SCRIPT_MAX + 1], *end;
	bool taken = false, keep;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s.script", self);
	if ((fd = open(path, O_RDWR)) < 0)
		return false;
	flock(fd, LOCK_EX);
	len = pread(fd, text, SCRIPT_MAX, 0);
	if (len <= 0)
		goto out;
	text[len] = 0;
	end = strchrnul(text, '\n');
	keep = !strncmp(text, "always ", 7);
	snprintf(line, LINE_MAX_, "%.*s", (int)(end - text - (keep ? 7 : 0)),
	    text + (keep ? 7 : 0));
	for (size_t i = 0; fits && fits[i]; i++) {
		size_t n = strlen(fits[i]);

		if (!strncmp(line, fits[i], n) && strchr(" ", line[n]))
			taken = true;
	}
	if (taken && !keep) {
		end += *end == '\n';
		len -= end - text;
		if (pwrite(fd, end, (size_t)len, 0) != len ||
		    ftruncate(fd, len))
			_exit(1);
	}
out:
	explicit_bzero(text, sizeof(text));
	close(fd);
	return taken;
}

/* As pinentry sends data: '%', CR and LF escaped. */
static void
say_data(const char *text)
{
	char line[3 * LINE_MAX_] = "D ";
	size_t n = 2;

	for (; *text; text++)
		if (strchr("%\r\n", *text))
			n += (size_t)sprintf(line + n, "%%%02X", *text);
		else
			line[n++] = *text;
	line[n] = 0;
	if (n > 2)
		say(line);
	explicit_bzero(line, sizeof(line));
}

static void
wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static bool
is_word(const char *line, const char *word)
{
	return strcmp(line, word) == 0;
}

/* What ends in no answer, or in an error. */
static void
act(const char *line)
{
	if (is_word(line, "crash"))
		kill(getpid(), SIGKILL);
	else if (is_word(line, "exit"))
		_exit(0);
	else if (is_word(line, "hang-hard"))
		signal(SIGTERM, SIG_IGN);
	if (is_word(line, "hang") || is_word(line, "hang-hard"))
		for (;;)
			pause();
	if (is_word(line, "refuse"))
		say_error(ERR_NOT_CONFIRMED, "Not confirmed");
	else if (is_word(line, "timeout"))
		say_error(ERR_TIMEOUT, "Timeout");
	else if (!strncmp(line, "error ", 6))
		say_error(atoi(line + 6), "Scripted error");
	else
		say_error(ERR_CANCELED, "Operation cancelled");
}

static void
answer(const char *self, const char *command, bool repeat)
{
	static const char *const for_pin[] = {
		"pin", "cancel", "timeout", "error", "crash", "exit", "hang",
		"hang-hard", "delay", NULL
	};
	static const char *const for_confirm[] = {
		"confirm", "refuse", "cancel", "timeout", "error", "crash",
		"exit", "hang", "hang-hard", "delay", NULL
	};
	bool pin = is_word(command, "GETPIN");
	char line[LINE_MAX_];

	while (take_line(self, pin ? for_pin : for_confirm, line)) {
		if (!strncmp(line, "delay ", 6)) {
			wait_ms(atol(line + 6));
			continue;
		}
		if (is_word(line, "confirm"))
			say("OK");
		else if (!strncmp(line, "pin ", 4) || is_word(line, "pin")) {
			if (repeat)
				say("S PIN_REPEATED");
			say_data(line[3] ? line + 4 : "");
			say("OK");
		} else
			act(line);
		explicit_bzero(line, sizeof(line));
		return;
	}
	note(self, "# no line of the script fits %s", command);
	act("cancel");
}

/* False at the end of the session. */
static bool
serve(const char *self, char *line, bool *repeat)
{
	static const char *const no_repeat[] = { "no-repeat", NULL };
	char word[LINE_MAX_];

	note(self, "%s", line);
	if (is_word(line, "MESSAGE")) {
		pause();	/* nobody closes it */
	} else if (is_word(line, "GETPIN") || !strncmp(line, "CONFIRM", 7)) {
		answer(self, line, *repeat);
		*repeat = false;
	} else if (!strncmp(line, "SETREPEAT", 9)) {
		if (take_line(self, no_repeat, word)) {
			say_error(ERR_UNKNOWN_COMMAND, "Unknown IPC command");
			return true;
		}
		*repeat = line[9] != 0;
		say("OK");
	} else if (is_word(line, "BYE")) {
		say("OK closing connection");
		return false;
	} else
		say("OK");
	return true;
}

int
main(int argc, char **argv)
{
	char line[LINE_MAX_];
	bool repeat = false;

	if (argc < 1 || argv[0][0] != '/')
		return 1;
	setvbuf(stdin, NULL, _IONBF, 0);
	note_start(argv[0]);
	say("OK Pleased to meet you");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (!serve(argv[0], line, &repeat))
			break;
	}
	note(argv[0], "# end");
	return 0;
}
