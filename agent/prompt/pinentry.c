/* Drives the user's pinentry by libassuan. */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pinentry.h"
#include "process.h"
#include "secret.h"
#include "wire/text.h"

#define START_MS 10000		/* to greet and to take the options */
#define GRACE_MS 2000		/* beyond the timeout that pinentry was told */
#define LINE_LENGTH_MAX 990	/* assuan's limit, less its end of line */
#define DESCRIPTION_MAX 960
#define HEAD_MAX 600		/* of a description that must be cut */

#define SET_ANOTHER "set another `pinentry` in touchstone's configuration " \
	"(`touchstone status` names the file)"

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

gpg_error_t
pinentry_wait(struct pinentry *p, int fd)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = p->control, .events = POLLIN | POLLRDHUP },
	};
	int64_t left;
	int n;

	while (!p->abandoned) {
		left = p->deadline_ms ? p->deadline_ms - now_ms() : 60000;
		if (left <= 0)
			return gpg_error(GPG_ERR_TIMEOUT);
		n = poll(fds, 2, left > 60000 ? 60000 : (int)left);
		if (n < 0 && errno != EINTR)
			return gpg_error_from_syserror();
		/* The agent has nothing more to say, but that it is over. */
		if (n > 0 && fds[1].revents)
			p->abandoned = true;
		else if (n > 0 && fds[0].revents)
			return 0;
	}
	return gpg_error(GPG_ERR_ECONNABORTED);
}

void
pinentry_within(struct pinentry *p, uint32_t ms)
{
	p->deadline_ms = now_ms() + ms;
}

/* ---- what libassuan asks of the system ---- */

static void
hook_usleep(assuan_context_t ctx, unsigned int usec)
{
	const struct timespec t = { usec / 1000000,
	    (long)(usec % 1000000) * 1000 };

	nanosleep(&t, NULL);
}

static int
hook_close(assuan_context_t ctx, assuan_fd_t fd)
{
	return close(fd);
}

/* One line at a time, so that no PIN stays in a buffer behind the line. */
static ssize_t
hook_read(assuan_context_t ctx, assuan_fd_t fd, void *dst, size_t size)
{
	gpg_error_t err;
	size_t line;
	ssize_t n;
	char *end;

	if ((err = pinentry_wait(assuan_get_pointer(ctx), fd))) {
		errno = gpg_err_code_to_errno(gpg_err_code(err));
		if (gpg_err_code(err) == GPG_ERR_TIMEOUT)
			errno = ETIMEDOUT;
		return -1;
	}
	if ((n = recv(fd, dst, size, MSG_PEEK)) <= 0)
		return n;
	end = memchr(dst, '\n', (size_t)n);
	line = end ? (size_t)(end + 1 - (char *)dst) : (size_t)n;
	explicit_bzero((char *)dst + line, (size_t)n - line);
	return recv(fd, dst, line, 0);
}

static ssize_t
hook_write(assuan_context_t ctx, assuan_fd_t fd, const void *p, size_t n)
{
	return send(fd, p, n, MSG_NOSIGNAL);
}

static int
log_nothing(assuan_context_t ctx, void *arg, unsigned int cat, const char *msg)
{
	return 0;
}

/* ---- one command and its answer ---- */

/* libassuan has taken the escapes out. */
static void
take_data(struct typed *t, const char *s, size_t n)
{
	if (n > sizeof(t->text) - t->len) {
		t->too_long = true;
		return;
	}
	memcpy(t->text + t->len, s, n);
	t->len += n;
}

/* Reads up to the end of the answer: 0, pinentry's error, or our own. */
static gpg_error_t
hear(struct pinentry *p, struct typed *t)
{
	assuan_response_t response;
	gpg_error_t err;
	bool done = false;
	char *line;
	int len, off;

	while (!done) {
		if ((err = assuan_client_read_response(p->ctx, &line, &len)) ||
		    (err = assuan_client_parse_response(p->ctx, line, len,
		    &response, &off)))
			return err;
		done = response == ASSUAN_RESPONSE_OK ||
		    response == ASSUAN_RESPONSE_ERROR;
		if (response == ASSUAN_RESPONSE_ERROR) {
			err = (gpg_error_t)strtoul(line + off, NULL, 10);
			if (!gpg_err_code(err))
				err = gpg_error(GPG_ERR_INV_RESPONSE);
		} else if (response == ASSUAN_RESPONSE_DATA && t) {
			take_data(t, line + off, (size_t)(len - off));
		} else if (response == ASSUAN_RESPONSE_STATUS && t) {
			t->repeated = t->repeated ||
			    !strncmp(line + off, "PIN_REPEATED", 12);
		} else if (response == ASSUAN_RESPONSE_INQUIRE) {
			if ((err = assuan_write_line(p->ctx, "END")))
				done = true;
		}
		explicit_bzero(line, (size_t)len);
	}
	return err;
}

static gpg_error_t
say(struct pinentry *p, const char *line, struct typed *t)
{
	gpg_error_t err = assuan_write_line(p->ctx, line);

	return err ? err : hear(p, t);
}

/* Its own word about a command, against a failure to hear any. */
static bool
is_refusal(gpg_error_t err)
{
	return gpg_err_source(err) == GPG_ERR_SOURCE_PINENTRY;
}

static void
put_escaped(struct buf *b, const char *s, bool ascii)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '%' || c < 0x20 || c == 0x7f)
			buf_putf(b, "%%%02X", c);
		else if (c < 0x80 || !ascii)
			buf_put_u8(b, c);
		else if (c >= 0xc0)	/* once for each character */
			buf_put_u8(b, '?');
	}
}

/*
 * A command with a text.  Texts of our own fit; a description was cut before
 * it came here.
 */
static gpg_error_t
must_set(struct pinentry *p, const char *command, const char *text)
{
	struct buf b;
	gpg_error_t err;

	if (!text || !text[0])
		return 0;
	buf_init(&b, LINE_LENGTH_MAX);
	buf_putf(&b, "%s ", command);
	put_escaped(&b, text, p->ascii);
	buf_put_u8(&b, 0);
	if (!(err = buf_error(&b)))
		err = say(p, (const char *)buf_view(&b).p, NULL);
	buf_free(&b);
	return err;
}

/* The same for what a pinentry need not know. */
static gpg_error_t
set(struct pinentry *p, const char *command, const char *text)
{
	gpg_error_t err = must_set(p, command, text);

	return is_refusal(err) ? 0 : err;
}

static gpg_error_t
option(struct pinentry *p, const char *name, const char *value)
{
	char line[512];
	gpg_error_t err;

	if (!value || !value[0])
		return 0;
	if ((size_t)snprintf(line, sizeof(line), "OPTION %s=%s", name,
	    value) >= sizeof(line))
		return gpg_error(GPG_ERR_TOO_LARGE);
	err = say(p, line, NULL);
	return is_refusal(err) ? 0 : err;
}

/* ---- a running pinentry ---- */

static gpg_error_t
set_options(struct pinentry *p)
{
	const struct msg_prompt_ask *a = p->ask;
	const struct {
		const char *name;
		struct view value;
	} options[] = {
		{ "ttyname", a->ttyname },
		{ "ttytype", a->ttytype },
		{ "lc-ctype", a->lc_ctype },
		{ "lc-messages", a->lc_messages },
	};
	gpg_error_t err = 0;
	char timeout[16];

	for (size_t i = 0; !err && i < 4; i++) {
		char *value = view_strdup(options[i].value);

		if (!value)
			return gpg_error(GPG_ERR_ENOMEM);
		err = option(p, options[i].name, value);
		free(value);
	}
	if (err || (err = option(p, "display", getenv("DISPLAY"))) ||
	    (err = set(p, "SETTITLE", "touchstone")) || !a->timeout_s)
		return err;
	snprintf(timeout, sizeof(timeout), "%" PRIu32, a->timeout_s);
	return set(p, "SETTIMEOUT", timeout);
}

/* A context in locked memory, which reads by hook_read(). */
static gpg_error_t
make_context(struct pinentry *p)
{
	struct assuan_malloc_hooks memory = {
		secret_alloc, secret_realloc, secret_free
	};
	/* A connected descriptor needs no more than these. */
	struct assuan_system_hooks hooks = {
		.version = ASSUAN_SYSTEM_HOOKS_VERSION,
		.usleep = hook_usleep,
		.close = hook_close,
		.read = hook_read,
		.write = hook_write,
	};
	gpg_error_t err;

	if ((err = assuan_new_ext(&p->ctx, GPG_ERR_SOURCE_DEFAULT, &memory,
	    log_nothing, NULL))) {
		p->ctx = NULL;
		return err;
	}
	assuan_ctx_set_system_hooks(p->ctx, &hooks);
	assuan_set_pointer(p->ctx, p);
	assuan_set_flag(p->ctx, ASSUAN_NO_LOGGING, 1);
	assuan_begin_confidential(p->ctx);
	return 0;
}

static gpg_error_t
start(struct pinentry *p)
{
	gpg_error_t err;
	int fd;

	p->deadline_ms = now_ms() + START_MS;
	if ((err = process_start(p->path, &p->pid, &fd)))
		return err;
	if ((err = make_context(p))) {
		close(fd);
		return err;
	}
	if ((err = assuan_socket_connect_fd(p->ctx, fd, 0)))
		return err;
	return set_options(p);
}

/* Names what failed before anything was asked. */
static gpg_error_t
explain_start(struct pinentry *p, gpg_error_t err)
{
	if (gpg_err_code(err) == GPG_ERR_ENOMEM)
		snprintf(p->problem, sizeof(p->problem), "there is no memory, "
		    "or none that may be locked for a PIN: raise `ulimit -l`");
	else if (!p->pid)
		snprintf(p->problem, sizeof(p->problem), "cannot run the "
		    "pinentry \"%.300s\" (%s): install one (pinentry-curses, "
		    "pinentry-gnome3) or " SET_ANOTHER, p->path,
		    gpg_strerror(err));
	else
		snprintf(p->problem, sizeof(p->problem), "\"%.300s\" does not "
		    "speak as a pinentry does (%s): " SET_ANOTHER, p->path,
		    gpg_strerror(err));
	return gpg_error(GPG_ERR_NO_PIN_ENTRY);
}

static bool
is_no(gpg_err_code_t code)
{
	return code == GPG_ERR_CANCELED || code == GPG_ERR_FULLY_CANCELED ||
	    code == GPG_ERR_NOT_CONFIRMED;
}

/* Names what ended a dialogue, and folds it into the few errors there are. */
static gpg_error_t
explain(struct pinentry *p, gpg_error_t err, bool pin)
{
	int killer = 0;

	if (!err)
		return 0;
	if (gpg_err_code(err) == GPG_ERR_TIMEOUT ||
	    gpg_err_code(err) == GPG_ERR_ETIMEDOUT) {
		snprintf(p->problem, sizeof(p->problem),
		    "nobody answered the prompt within %" PRIu32 " seconds: "
		    "try again", p->ask->timeout_s);
		return gpg_error(GPG_ERR_TIMEOUT);
	}
	if (is_refusal(err) && is_no(gpg_err_code(err))) {
		snprintf(p->problem, sizeof(p->problem), "%s", pin ?
		    "the PIN prompt was closed: try again to be asked again" :
		    "refused at the prompt");
		return gpg_error(GPG_ERR_CANCELED);
	}
	if (is_refusal(err)) {
		snprintf(p->problem, sizeof(p->problem), "\"%.300s\" cannot "
		    "show a prompt there (%s): in a terminal, "
		    "`export GPG_TTY=$(tty)` and try again, or " SET_ANOTHER,
		    p->path, gpg_strerror(err));
		return gpg_error(GPG_ERR_NO_PIN_ENTRY);
	}
	if (process_wait(p->pid, 200, &killer) && killer)
		snprintf(p->problem, sizeof(p->problem), "\"%.300s\" was "
		    "killed by signal %d during the prompt: try again, or "
		    SET_ANOTHER, p->path, killer);
	else
		snprintf(p->problem, sizeof(p->problem), "\"%.300s\" ended "
		    "during the prompt without an answer: try again, or "
		    SET_ANOTHER, p->path);
	return gpg_error(GPG_ERR_CANCELED);
}

/* The bytes that a text takes in a command. */
static size_t
escaped_len(const char *s, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += s[i] == '%' || (unsigned char)s[i] < 0x20 ? 3 : 1;
	return len;
}

/*
 * A description that does not fit in a command is cut in its middle, so that
 * both its beginning and its end can be seen: what, and who asks.
 */
static char *
fit(const char *text)
{
	size_t len = strlen(text), head = 0, tail = len, used;
	char *out;

	if (escaped_len(text, len) <= DESCRIPTION_MAX)
		return strdup(text);
	for (used = 0; used < HEAD_MAX; head++)
		used += escaped_len(text + head, 1);
	while (head > 0 && ((unsigned char)text[head] & 0xc0) == 0x80)
		head--;
	for (used += 5; used < DESCRIPTION_MAX - 2; tail--)
		used += escaped_len(text + tail - 1, 1);
	while (((unsigned char)text[tail] & 0xc0) == 0x80)
		tail++;
	if (asprintf(&out, "%.*s ... %s", (int)head, text, text + tail) < 0)
		return NULL;
	return out;
}

static gpg_error_t
ask_once(struct pinentry *p, const struct question *q, struct typed *t)
{
	char *description = fit(q->description);
	gpg_error_t err;

	if (!description)
		return gpg_error(GPG_ERR_ENOMEM);
	p->deadline_ms = now_ms() + START_MS;
	if ((err = must_set(p, "SETDESC", description)) ||
	    (err = set(p, "SETPROMPT", q->prompt)) ||
	    (err = must_set(p, "SETERROR", q->error)) ||
	    (err = set(p, "SETREPEAT", q->repeat)) ||
	    (err = set(p, "SETOK", q->ok)) ||
	    (err = set(p, "SETCANCEL", q->cancel)))
		goto out;
	p->deadline_ms = p->ask->timeout_s ?
	    now_ms() + (int64_t)p->ask->timeout_s * 1000 + GRACE_MS : 0;
	err = say(p, t ? "GETPIN" : q->message ? "MESSAGE" : "CONFIRM", t);
out:
	p->deadline_ms = 0;
	free(description);
	return err;
}

gpg_error_t
pinentry_ask(struct pinentry *p, const struct question *q, struct typed *t)
{
	gpg_error_t err;

	if (!p->ctx && (err = start(p)))
		return p->abandoned ? err : explain_start(p, err);
	if (t)
		explicit_bzero(t, sizeof(*t));
	err = ask_once(p, q, t);
	if (gpg_err_code(err) == GPG_ERR_LOCALE_PROBLEM && !p->ascii) {
		p->ascii = true;
		err = ask_once(p, q, t);
	}
	if (t && (err || t->too_long)) {
		explicit_bzero(t->text, sizeof(t->text));
		t->len = 0;
	}
	return p->abandoned ? err : explain(p, err, t != NULL);
}

gpg_error_t
pinentry_init(struct pinentry *p, const struct msg_prompt_ask *ask,
    int control)
{
	*p = (struct pinentry){ .ask = ask, .control = control };
	if (!(p->path = view_strdup(ask->pinentry)))
		return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

void
pinentry_close(struct pinentry *p)
{
	if (p->ctx)
		assuan_release(p->ctx);
	if (p->pid) {
		if (!p->abandoned)
			process_wait(p->pid, 500, NULL);
		process_end(p->pid);
	}
	free(p->path);
	*p = (struct pinentry){ .pid = 0 };
}
