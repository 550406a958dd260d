/*
 * What a test says while the card runs: one line to a socket, and an answer
 * that begins with "ok" or "no".  README has the words.
 */
#include <config.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card.h"

#define LINE_LEN_MAX 512
#define PATIENCE_MS 2000	/* with a test that says nothing */

static bool
address(const char *path, struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(a->sun_path))
		return false;
	strcpy(a->sun_path, path);
	return true;
}

bool
control_open(struct card *c)
{
	struct sockaddr_un a;

	if (c->control_path == NULL)
		return true;
	if (!address(c->control_path, &a))
		return false;
	c->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->control < 0)
		return false;
	(void)unlink(c->control_path);
	return bind(c->control, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(c->control, 16) == 0;
}

void
control_close(struct card *c)
{
	if (c->control < 0)
		return;
	close(c->control);
	(void)unlink(c->control_path);
	c->control = -1;
}

static bool
say_touch(struct card *c, const char *arg, FILE *out)
{
	if (!c->touch.waiting)
		return false;
	c->touch.given = true;
	return true;
}

static bool
say_touch_mode(struct card *c, const char *arg, FILE *out)
{
	char *more = strchr(arg, ' ');

	if (more != NULL)
		*more++ = '\0';
	return touch_mode_parse(&c->touch, arg, more);
}

static bool
say_waiting(struct card *c, const char *arg, FILE *out)
{
	if (c->touch.waiting)
		fprintf(out, "%02x\n", c->touch.slot);
	return c->touch.waiting;
}

static bool
say_unplug(struct card *c, const char *arg, FILE *out)
{
	card_unplug(c, *arg != '\0' ? atol(arg) : -1);
	return true;
}

static bool
say_plug(struct card *c, const char *arg, FILE *out)
{
	card_plug(c);
	return true;
}

static bool
say_plugged(struct card *c, const char *arg, FILE *out)
{
	return c->reader >= 0;
}

static bool
say_fault(struct card *c, const char *arg, FILE *out)
{
	return fault_add(c, arg);
}

static bool
say_faults(struct card *c, const char *arg, FILE *out)
{
	fault_list(c, out);
	return true;
}

static bool
say_no_faults(struct card *c, const char *arg, FILE *out)
{
	memset(c->faults, 0, sizeof(c->faults));
	return true;
}

static bool
say_counts(struct card *c, const char *arg, FILE *out)
{
	const struct counts *n = &c->counts;

	fprintf(out, "apdus=%lu selects=%lu verifies=%lu asks=%lu "
	    "logins=%lu signs=%lu touches=%lu resets=%lu\n", n->apdus,
	    n->selects, n->verifies, n->asks, n->logins, n->signs, n->touches,
	    n->resets);
	return true;
}

static bool
say_zero(struct card *c, const char *arg, FILE *out)
{
	memset(&c->counts, 0, sizeof(c->counts));
	return true;
}

static bool
say_quit(struct card *c, const char *arg, FILE *out)
{
	c->quit = true;
	return true;
}

static const struct {
	const char *word;
	bool (*say)(struct card *, const char *, FILE *);
} words[] = {
	{ "touch", say_touch },
	{ "touch-mode", say_touch_mode },
	{ "waiting", say_waiting },
	{ "unplug", say_unplug },
	{ "plug", say_plug },
	{ "plugged", say_plugged },
	{ "fault", say_fault },
	{ "faults", say_faults },
	{ "no-faults", say_no_faults },
	{ "counts", say_counts },
	{ "zero", say_zero },
	{ "quit", say_quit },
};

/* The answer: "ok" or "no" on a line, then what there is to say. */
static void
obey(struct card *c, char *line, FILE *out)
{
	char *arg = line + strcspn(line, " "), *text = NULL;
	size_t i, len = 0;
	FILE *re;
	bool ok = false;

	if (*arg != '\0')
		*arg++ = '\0';
	re = open_memstream(&text, &len);
	if (re == NULL)
		return;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(words[i].word, line))
			ok = words[i].say(c, arg, re);
	}
	fclose(re);
	fprintf(out, "%s\n%s", ok ? "ok" : "no", text);
	free(text);
}

static bool
read_line(int fd, char *line, size_t max)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (len < max - 1) {
		if (poll(&p, 1, PATIENCE_MS) != 1)
			return false;
		n = read(fd, line + len, max - 1 - len);
		if (n <= 0)
			return false;
		len += n;
		line[len] = '\0';
		if (line[len - 1] == '\n') {
			line[len - 1] = '\0';
			return true;
		}
	}
	return false;
}

void
control_serve(struct card *c)
{
	char line[LINE_LEN_MAX];
	int fd = accept4(c->control, NULL, NULL, SOCK_CLOEXEC);
	FILE *out;

	if (fd < 0)
		return;
	out = fdopen(fd, "r+e");
	if (out == NULL) {
		close(fd);
		return;
	}
	if (read_line(fd, line, sizeof(line)))
		obey(c, line, out);
	fclose(out);
}

static FILE *
call(const char *path)
{
	struct sockaddr_un a;
	int fd;

	if (!address(path, &a))
		return NULL;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return NULL;
	}
	return fdopen(fd, "r+e");
}

int
control_tell(const char *path, int argc, char **argv)
{
	char line[LINE_LEN_MAX];
	FILE *f = call(path);
	bool ok;
	int i;

	if (f == NULL) {
		fprintf(stderr, "yubikey: no card at %s\n", path);
		return 2;
	}
	for (i = 0; i < argc; i++)
		fprintf(f, "%s%s", i > 0 ? " " : "", argv[i]);
	fputc('\n', f);
	fflush(f);
	ok = fgets(line, sizeof(line), f) != NULL && !strcmp(line, "ok\n");
	while (fgets(line, sizeof(line), f) != NULL)
		fputs(line, stdout);
	fclose(f);
	return ok ? 0 : 1;
}
