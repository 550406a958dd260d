/* One file of the configuration, looked over and parsed. */
#include <config.h>

#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/source.h"
#include "local/paths.h"
#include "wire/text.h"

#define FILE_LIMIT (64 * 1024)		/* bytes; names in a group cost n^2 */

void
source_complain(struct source *s, gpg_err_code_t code, unsigned line,
    const char *fmt, ...)
{
	char what[512], whole[1024], clean[1024], where[16] = "";
	va_list ap;

	if (s->err)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (line > 0)
		snprintf(where, sizeof(where), ":%u", line);
	snprintf(whole, sizeof(whole), "%.480s%s: %s", s->file, where, what);
	s->problem = strdup(text_clean(clean, sizeof(clean), view_str(whole)));
	s->err = gpg_error(code);
}

void
source_complain_at(struct source *s, const config_setting_t *at,
    const char *what)
{
	const char *name = config_setting_name(at);

	/* An element of a list has no name, its list has. */
	if (!name && config_setting_parent(at))
		name = config_setting_name(config_setting_parent(at));
	source_complain(s, GPG_ERR_CONFIGURATION,
	    config_setting_source_line(at), "\"%s\" %s", name ? name : "",
	    what);
}

void
source_complain_memory(struct source *s)
{
	source_complain(s, GPG_ERR_ENOMEM, 0, "out of memory");
}

bool
source_check(struct source *s, bool folder)
{
	struct stat st;

	if (stat(s->file, &st)) {
		if (errno != ENOENT)
			source_complain(s, gpg_err_code_from_errno(errno), 0,
			    "%s", strerror(errno));
		return false;
	}
	if (folder && !S_ISDIR(st.st_mode))
		source_complain(s, GPG_ERR_ENOTDIR, 0, "is not a folder");
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		source_complain(s, GPG_ERR_EACCES, 0,
		    "belongs to another user");
	else if (st.st_mode & 0022)
		source_complain(s, GPG_ERR_EACCES, 0,
		    "others may write it; chmod go-w");
	return !s->err;
}

/* The line's text; empty behind the last one. */
static struct view
line_of(struct view text, unsigned line)
{
	const uint8_t *end;

	while (line > 1 && (end = memchr(text.p, '\n', text.len))) {
		text.len -= (size_t)(end + 1 - text.p);
		text.p = end + 1;
		line--;
	}
	if (line > 1)
		return view_of(text.p, 0);
	if ((end = memchr(text.p, '\n', text.len)))
		text.len = (size_t)(end - text.p);
	while (text.len > 0 && (text.p[0] == ' ' || text.p[0] == '\t')) {
		text.p++;
		text.len--;
	}
	return text;
}

/*
 * libconfig would read other files where a line begins with @include; a
 * configuration is what is in its files, so no line may begin with @.
 */
static void
refuse_includes(struct source *s, struct view text)
{
	unsigned line = 1;
	bool start = true;

	for (size_t i = 0; i < text.len && !s->err; i++) {
		uint8_t c = text.p[i];

		if (c == '@' && start)
			source_complain(s, GPG_ERR_CONFIGURATION, line,
			    "\"@include\" is not supported");
		if (c == '\n')
			line++;
		start = c == '\n' || (start && strchr(" \t\r\v\f", c));
	}
}

static bool
has(struct view t, size_t i, const char *what)
{
	return i < t.len && view_starts(view_of(t.p + i, t.len - i), what);
}

/*
 * Behind the string or comment that begins at i; i if none does, SIZE_MAX if
 * it does not end.
 */
static size_t
skip_quoted(struct view t, size_t i)
{
	if (has(t, i, "\"")) {
		for (i++; i < t.len && t.p[i] != '"'; i++)
			if (t.p[i] == '\\')
				i++;
		return i < t.len ? i + 1 : SIZE_MAX;
	}
	if (has(t, i, "#") || has(t, i, "//")) {
		while (i < t.len && t.p[i] != '\n')
			i++;
	} else if (has(t, i, "/*")) {
		for (i += 2; i < t.len && !has(t, i, "*/"); i++)
			;
		return i < t.len ? i + 2 : SIZE_MAX;
	}
	return i;
}

/* Behind the word at i, which may be one character. */
static size_t
skip_word(struct source *s, struct view t, size_t i, unsigned line)
{
	size_t start = i, end;

	while (i < t.len && (t.p[i] == '-' || t.p[i] == '+'))
		i++;
	end = i;
	while (end < t.len && (isalnum(t.p[end]) ||
	    (t.p[end] && strchr("_.*+-", t.p[end]))))
		end++;
	if (end > i + 9 && isdigit(t.p[i]))
		source_complain(s, GPG_ERR_CONFIGURATION, line,
		    "\"%.*s\" is too large a number",
		    (int)(end - i < 60 ? end - i : 60), (const char *)t.p + i);
	return end > start ? end : start + 1;
}

/*
 * Refuses what libconfig would let pass, or not clean up behind.  It takes a
 * number modulo 2^32: none that is allowed has ten characters, so what has
 * them is refused before it can become another.
 */
static void
refuse_words(struct source *s, struct view t)
{
	unsigned line = 1;
	size_t i = 0, start;

	while (i < t.len && !s->err) {
		start = i;
		if ((i = skip_quoted(t, i)) == start)
			i = skip_word(s, t, i, line);
		else if (i == SIZE_MAX)
			source_complain(s, GPG_ERR_CONFIGURATION, line,
			    "the text or comment that begins here does not "
			    "end");
		for (; start < i && start < t.len; start++)
			line += t.p[start] == '\n';
	}
}

static void
parse(struct source *s, struct view text)
{
	unsigned line;
	struct view v;

	if (config_read_string(&s->tree, (const char *)text.p))
		return;
	line = (unsigned)config_error_line(&s->tree);
	v = line_of(text, line);
	if (v.len > 60)
		v.len = 60;
	source_complain(s, GPG_ERR_CONFIGURATION, line,
	    v.len ? "%s near \"%.*s\"" : "%s at the end%.*s",
	    config_error_text(&s->tree), (int)v.len, (const char *)v.p);
}

void
source_read(struct source *s)
{
	struct buf b;
	gpg_error_t err;

	config_init(&s->tree);
	if (!source_check(s, false))
		return;
	buf_init(&b, FILE_LIMIT + 1);
	if ((err = paths_read(s->file, FILE_LIMIT, &b)))
		source_complain(s, gpg_err_code(err), 0, "%s",
		    gpg_err_code(err) == GPG_ERR_TOO_LARGE ?
		    "larger than 64 KiB" : gpg_strerror(err));
	else if (buf_len(&b) > 0 &&
	    memchr(buf_view(&b).p, 0, buf_len(&b)))
		source_complain(s, GPG_ERR_CONFIGURATION, 0, "not a text");
	else if (buf_put_u8(&b, 0))
		source_complain_memory(s);
	else {
		struct view text = buf_view(&b);

		text.len--;
		refuse_includes(s, text);
		refuse_words(s, text);
		if (!s->err)
			parse(s, text);
	}
	buf_free(&b);
}

/* ---- settings ---- */

void
source_names(struct source *s, const config_setting_t *group,
    const char *const *known)
{
	int n = config_setting_length(group);

	for (int i = 0; i < n && !s->err; i++) {
		config_setting_t *e =
		    config_setting_get_elem(group, (unsigned)i);
		const char *const *k = known;

		while (*k && strcmp(*k, config_setting_name(e)))
			k++;
		if (!*k)
			source_complain_at(s, e, "is not known here");
	}
}

uint32_t
source_number(struct source *s, const config_setting_t *group, const char *name,
    long long least, long long most, uint32_t otherwise)
{
	config_setting_t *e = config_setting_get_member(group, name);
	char what[96];
	long long n;

	if (s->err || !e)
		return otherwise;
	n = config_setting_get_int64(e);
	if ((config_setting_type(e) == CONFIG_TYPE_INT ||
	    config_setting_type(e) == CONFIG_TYPE_INT64) &&
	    n >= least && n <= most)
		return (uint32_t)n;
	snprintf(what, sizeof(what), "is not a number from %lld to %lld",
	    least, most);
	source_complain_at(s, e, what);
	return otherwise;
}

bool
source_bool(struct source *s, const config_setting_t *group, const char *name)
{
	config_setting_t *e = config_setting_get_member(group, name);

	if (s->err || !e)
		return false;
	if (config_setting_type(e) != CONFIG_TYPE_BOOL)
		source_complain_at(s, e, "is neither true nor false");
	return config_setting_get_bool(e);
}

char *
source_text(struct source *s, const config_setting_t *e, size_t max)
{
	const char *text = config_setting_get_string(e);
	char *copy = NULL;

	if (s->err)
		return NULL;
	if (!text)
		source_complain_at(s, e, "is not a text");
	else if (!text[0] || strlen(text) > max)
		source_complain_at(s, e, "is empty or too long");
	else if (!text_is_clean(view_str(text)))
		source_complain_at(s, e, "has characters that cannot be shown");
	else if (!(copy = strdup(text)))
		source_complain_memory(s);
	return copy;
}

char *
source_path(struct source *s, const config_setting_t *group, const char *name)
{
	config_setting_t *e = config_setting_get_member(group, name);
	char *path;

	if (!e || !(path = source_text(s, e, SOURCE_PATH_MAX)))
		return NULL;
	if (path[0] != '/')
		source_complain_at(s, e, "is not an absolute path");
	return path;
}
