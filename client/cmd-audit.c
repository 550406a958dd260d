/* touchstone audit verify, audit show: the record of what was signed. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cmd-list.h"
#include "format/chain.h"
#include "wire/text.h"

#define SHOW_DEFAULT 20
#define SHOW_MAX 1000000

/*
 * The logs: the one that was named, or those of all agents on all machines
 * that share this home folder.
 */
static gpg_error_t
find_logs(struct call *c, const char *file, glob_t *logs)
{
	char pattern[4096];
	int rc;

	memset(logs, 0, sizeof(*logs));
	snprintf(pattern, sizeof(pattern), "%s/audit/*/log.jsonl",
	    c->paths.state);
	rc = file ? glob(file, GLOB_NOCHECK | GLOB_NOMAGIC, NULL, logs) :
	    glob(pattern, 0, NULL, logs);
	if (!rc)
		return 0;
	return call_problem(c, GPG_ERR_NOT_FOUND, "there is no audit log at "
	    "%s: nothing was signed yet, or XDG_STATE_HOME is another",
	    pattern);
}

typedef gpg_error_t take_bytes(void *arg, struct view);

static gpg_error_t
read_log(struct call *c, const char *file, take_bytes *take, void *arg)
{
	uint8_t piece[65536];
	gpg_error_t err = 0;
	ssize_t n;
	int fd;

	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return call_problem(c, gpg_error_from_syserror(),
		    "%s cannot be read: %s", file, strerror(errno));
	while (!err && (n = read(fd, piece, sizeof(piece))) != 0) {
		if (n > 0)
			err = take(arg, view_of(piece, (size_t)n));
		else if (errno != EINTR)
			err = call_problem(c, gpg_error_from_syserror(),
			    "%s cannot be read: %s", file, strerror(errno));
	}
	close(fd);
	return err;
}

/* Splits what is read into lines, without their ends. */
struct lines {
	struct buf line;
	gpg_error_t (*take)(void *arg, struct view line);
	void *arg;
};

static gpg_error_t
lines_feed(struct lines *l, struct view v)
{
	gpg_error_t err = 0;

	while (!err && v.len > 0) {
		const uint8_t *nl = memchr(v.p, '\n', v.len);
		struct view part;

		err = view_get_bytes(&v, nl ? (size_t)(nl - v.p) : v.len,
		    &part);
		if (err || (err = buf_put_view(&l->line, part)) || !nl)
			break;
		err = l->take(l->arg, buf_view(&l->line));
		buf_reset(&l->line);
		v.p++;
		v.len--;
	}
	return err;
}

static const char *
member(json_t *record, const char *name)
{
	const char *s = json_string_value(json_object_get(record, name));

	return s ? s : "";
}

/* One log being verified. */
struct verified {
	struct chain_check check;
	struct lines lines;
	json_t *lost;		/* texts: what is known to be missing */
};

static void
add_lost(struct verified *v, const char *text)
{
	char clean[1024];

	json_array_append_new(v->lost, json_string(text_clean(clean,
	    sizeof(clean), view_str(text))));
}

/* A chain begins anew after a loss, and only a record of the agent's tells. */
static gpg_error_t
take_loss(void *arg, struct view line)
{
	struct verified *v = arg;
	char text[1100];
	json_t *r;

	if (!memmem(line.p, line.len, "\"event\"", 7))
		return 0;
	r = json_loadb((const char *)line.p, line.len, JSON_REJECT_DUPLICATES,
	    NULL);
	if (!strcmp(member(r, "stage"), "event") &&
	    !strcmp(member(r, "kind"), "log")) {
		snprintf(text, sizeof(text), "record %" PRIu64 ", %s: %s",
		    v->check.line, member(r, "time"), member(r, "verdict"));
		add_lost(v, text);
	}
	json_decref(r);
	return 0;
}

/* Logs that the agent put aside. */
static void
find_damaged(struct verified *v, const char *file)
{
	const char *slash = strrchr(file, '/');
	char pattern[4200], text[4300];
	glob_t g;

	memset(&g, 0, sizeof(g));
	snprintf(pattern, sizeof(pattern), "%.*sdamaged-*.jsonl",
	    slash ? (int)(slash + 1 - file) : 0, file);
	if (!glob(pattern, 0, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc; i++) {
			snprintf(text, sizeof(text), "%s is a log that was "
			    "found damaged", g.gl_pathv[i]);
			add_lost(v, text);
		}
	globfree(&g);
}

/*
 * The check goes first, a piece at a time up to each line's end, so that it
 * has counted the line that is then looked at.
 */
static gpg_error_t
feed(void *arg, struct view v)
{
	struct verified *k = arg;
	gpg_error_t err = 0;

	while (!err && v.len > 0) {
		const uint8_t *nl = memchr(v.p, '\n', v.len);
		struct view part;

		if (!(err = view_get_bytes(&v, nl ? (size_t)(nl + 1 - v.p) :
		    v.len, &part)) &&
		    !(err = chain_check_feed(&k->check, part)))
			err = lines_feed(&k->lines, part);
	}
	return err;
}

static void
print_verified(const char *file, const struct verified *v)
{
	const struct chain_check *k = &v->check;
	json_t *text;
	size_t i;

	if (k->broken)
		printf("%s: BROKEN at line %" PRIu64 ": %s\n", file,
		    k->broken, k->why);
	else
		printf("%s: %" PRIu64 " records, unbroken%s\n", file, k->line,
		    json_array_size(v->lost) ? ", BUT NOT ALL THAT WERE "
		    "WRITTEN:" : "");
	json_array_foreach(v->lost, i, text)
		printf("  %s\n", json_string_value(text));
}

/* One log; a break is a result, which the list takes, and not an error. */
static gpg_error_t
verify(struct call *c, const char *file, json_t *list, bool *intact)
{
	struct verified v = { .lost = json_array() };
	struct chain_check *k = &v.check;
	gpg_error_t err;
	bool whole;

	v.lines = (struct lines){ .take = take_loss, .arg = &v };
	buf_init(&v.lines.line, CHAIN_LINE_MAX);
	chain_check_init(k);
	err = read_log(c, file, feed, &v);
	if (!err)
		err = chain_check_end(k);
	if (err && k->broken)
		err = 0;
	if (!err) {
		find_damaged(&v, file);
		whole = !k->broken && json_array_size(v.lost) == 0;
		*intact = *intact && whole;
		if (!c->json)
			print_verified(file, &v);
		json_array_append_new(list, json_pack(
		    "{s:s,s:b,s:I,s:o,s:o,s:O}", "file", file,
		    "intact", whole, "records", (json_int_t)k->line,
		    "broken_line", k->broken ?
		    json_integer((json_int_t)k->broken) : json_null(),
		    "why", k->broken ? json_text(k->why) : json_null(),
		    "lost", v.lost));
	}
	json_decref(v.lost);
	buf_free(&v.lines.line);
	chain_check_free(k);
	return err;
}

static int
run_verify(struct call *c)
{
	json_t *list = json_array();
	bool intact = true;
	gpg_error_t err;
	glob_t logs;
	int status;

	err = find_logs(c, call_arg(c, 0), &logs);
	for (size_t i = 0; !err && i < logs.gl_pathc; i++)
		err = verify(c, logs.gl_pathv[i], list, &intact);
	globfree(&logs);
	if (err) {
		json_decref(list);
		return call_fail(c, err);
	}
	if (c->json) {
		status = call_print(c, json_pack("{s:b,s:o}", "intact",
		    intact, "logs", list));
	} else {
		json_decref(list);
		status = call_done(c);
	}
	if (!intact)
		say("somebody changed the log, or a disk lost a part of it: "
		    "compare it with a copy");
	return status ? status : intact ? STATUS_OK : STATUS_FAILED;
}

/* ---- show ---- */

/* The last n lines of a log, in a ring; and those of the logs before it. */
struct tail {
	struct lines split;
	char **lines;
	size_t max, next, count;
	struct shown *shown;
	size_t shown_count;
};

/* A record of one of several logs. */
struct shown {
	char *line;
	char time[40];		/* of one form, so that texts are in order */
	size_t place;
};

static gpg_error_t
keep_line(void *arg, struct view line)
{
	struct tail *t = arg;
	char *s = view_strdup(line);

	/* A line with a NUL is no record; verify tells. */
	if (!s)
		s = strdup("");
	if (!s)
		return gpg_error_from_syserror();
	free(t->lines[t->next]);
	t->lines[t->next] = s;
	t->next = (t->next + 1) % t->max;
	if (t->count < t->max)
		t->count++;
	return 0;
}

static gpg_error_t
tail_feed(void *arg, struct view v)
{
	struct tail *t = arg;

	return lines_feed(&t->split, v);
}

static void
print_record(const char *line)
{
	char text[1024], clean[1024];
	json_t *r = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *verdict = member(r, "verdict");
	const char *what = member(r, "summary"), *kind = member(r, "kind");
	/* Its summary is of the key: the kind tells whether it came or went. */
	bool both = *what && !strncmp(kind, "ssh-add", 7);

	if (!r) {
		printf("(a line that is no record)\n");
		return;
	}
	snprintf(text, sizeof(text), "%s %-11s %s%s%s%s%s%s%s%s%s",
	    member(r, "time"), member(r, "stage"), both ? kind : "",
	    both ? " " : "", *what ? what : kind,
	    *member(r, "key_name") ? ", key " : "", member(r, "key_name"),
	    *member(r, "requester") ? ", asked by " : "",
	    member(r, "requester"),
	    *verdict && strcmp(verdict, "ok") ? ": " : "",
	    strcmp(verdict, "ok") ? verdict : "");
	text_clean(clean, sizeof(clean), view_str(text));
	printf("%s\n", clean);
	json_decref(r);
}

static void
add_record(json_t *list, const char *line)
{
	json_t *r = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	json_array_append_new(list, r ? r : json_null());
}

static gpg_error_t
take_count(struct call *c, size_t *count)
{
	const char *text = call_option(c, "lines");
	char *end;
	unsigned long n;

	*count = SHOW_DEFAULT;
	if (!text)
		return 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n == 0 || n > SHOW_MAX)
		return call_problem(c, GPG_ERR_INV_ARG, "-n wants a number "
		    "from 1 to %d", SHOW_MAX);
	*count = n;
	return 0;
}

/* Empties the ring into what is shown. */
static gpg_error_t
keep_log(struct tail *t)
{
	size_t at = t->count < t->max ? 0 : t->next;
	struct shown *all;

	all = realloc(t->shown, (t->shown_count + t->count + 1) *
	    sizeof(*all));
	if (!all)
		return gpg_error(GPG_ERR_ENOMEM);
	t->shown = all;
	for (size_t i = 0; i < t->count; i++) {
		char **line = &t->lines[(at + i) % t->max];
		json_t *r = json_loads(*line, JSON_REJECT_DUPLICATES, NULL);
		struct shown *one = &all[t->shown_count];

		one->line = *line;
		one->place = t->shown_count++;
		snprintf(one->time, sizeof(one->time), "%s",
		    member(r, "time"));
		*line = NULL;
		json_decref(r);
	}
	t->count = t->next = 0;
	return 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;
	int order = strcmp(x->time, y->time);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

static int
show(struct call *c, struct tail *t, size_t logs)
{
	json_t *list = c->json ? json_array() : NULL;
	size_t first = t->shown_count > t->max ? t->shown_count - t->max : 0;

	if (logs > 1)
		qsort(t->shown, t->shown_count, sizeof(*t->shown), by_time);
	for (size_t i = first; i < t->shown_count; i++) {
		const char *line = t->shown[i].line;

		if (c->json)
			add_record(list, line);
		else
			print_record(line);
	}
	if (c->json)
		return call_print(c, json_pack("{s:o}", "records", list));
	return call_done(c);
}

static int
run_show(struct call *c)
{
	struct tail t = { .next = 0 };
	gpg_error_t err;
	glob_t logs;
	int status;

	memset(&logs, 0, sizeof(logs));
	t.split = (struct lines){ .take = keep_line, .arg = &t };
	buf_init(&t.split.line, CHAIN_LINE_MAX);
	if (!(err = take_count(c, &t.max)) &&
	    !(err = find_logs(c, call_arg(c, 0), &logs)) &&
	    !(t.lines = calloc(t.max, sizeof(*t.lines))))
		err = call_problem(c, GPG_ERR_ENOMEM, "out of memory");
	for (size_t i = 0; !err && i < logs.gl_pathc; i++) {
		err = read_log(c, logs.gl_pathv[i], tail_feed, &t);
		if (gpg_err_code(err) == GPG_ERR_TOO_LARGE)
			call_problem(c, err, "%s has a line that no record "
			    "is as long as", logs.gl_pathv[i]);
		buf_reset(&t.split.line);
		if (!err)
			err = keep_log(&t);
	}
	status = err ? call_fail(c, err) : show(c, &t, logs.gl_pathc);
	for (size_t i = 0; t.lines && i < t.max; i++)
		free(t.lines[i]);
	for (size_t i = 0; i < t.shown_count; i++)
		free(t.shown[i].line);
	free(t.shown);
	free(t.lines);
	buf_free(&t.split.line);
	globfree(&logs);
	return status;
}

const struct command cmd_audit_verify = {
	"audit", "verify", "[FILE]", 0, 1,
	"Check that the audit log is whole and unchanged", NULL, run_verify,
};

static const struct option_row show_options[] = {
	{ "lines", 'n', "NUMBER", "how many; 20" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_audit_show = {
	"audit", "show", "[FILE]", 0, 1, "Show the last records of the audit "
	"log", show_options, run_show,
};
