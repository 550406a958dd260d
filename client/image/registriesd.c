/*
 * Reads registries.d, of which YAML has more ways to write it than people
 * have: maps by indentation, and texts with or without quotes.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/image/lookaside.h"

#define LINE_SIZE 1024

struct line {
	size_t indent;
	char key[LINE_SIZE];
	char value[LINE_SIZE];	/* "" where lines below have it */
};

static const char *
unquote(char *s)
{
	size_t len = strlen(s);

	if (len >= 2 && (s[0] == '"' || s[0] == '\'')) {
		if (s[len - 1] != s[0] || strchr(s, '\\'))
			return NULL;
		s[len - 1] = 0;
		return s + 1;
	}
	return strpbrk(s, "{}[]&*!|>%@`\"'") ? NULL : s;
}

static char *
trim(char *s)
{
	size_t len;

	s += strspn(s, " \t");
	len = strlen(s);
	while (len && strchr(" \t\r", s[len - 1]))
		s[--len] = 0;
	return s;
}

static void
drop_comment(char *s)
{
	for (char *p = s; (p = strchr(p, '#')); p++)
		if (p == s || p[-1] == ' ' || p[-1] == '\t') {
			*p = 0;
			return;
		}
}

/* "key: value" or "key:"; a registry's key has colons of its own. */
static bool
split(char *text, struct line *l)
{
	size_t len = strlen(text);
	char *colon = strstr(text, ": ");
	const char *key, *value = "";

	if (colon) {
		*colon = 0;
		value = unquote(trim(colon + 2));
	} else if (len > 0 && text[len - 1] == ':') {
		text[len - 1] = 0;
	} else {
		return false;
	}
	/* Wildcards are keys, without quotes too. */
	key = text[0] == '*' ? text : unquote(trim(text));
	if (!key || !key[0] || !value)
		return false;
	snprintf(l->key, sizeof(l->key), "%s", key);
	snprintf(l->value, sizeof(l->value), "%s",
	    strcmp(value, "{}") ? value : "");
	return true;
}

/* 0: a line; GPG_ERR_EOF; GPG_ERR_BAD_DATA. */
static gpg_error_t
next_line(struct view *v, struct line *l)
{
	char raw[LINE_SIZE];
	const uint8_t *end;
	char *text;
	size_t len;

	for (;;) {
		if (v->len == 0)
			return gpg_error(GPG_ERR_EOF);
		end = memchr(v->p, '\n', v->len);
		len = end ? (size_t)(end - v->p) : v->len;
		if (len >= sizeof(raw) || memchr(v->p, 0, len))
			return gpg_error(GPG_ERR_BAD_DATA);
		memcpy(raw, v->p, len);
		raw[len] = 0;
		len += end != NULL;
		v->p += len;
		v->len -= len;
		drop_comment(raw);
		text = trim(raw);
		if (!*text || !strcmp(text, "---"))
			continue;
		if (memchr(raw, '\t', (size_t)(text - raw)))
			return gpg_error(GPG_ERR_BAD_DATA);
		l->indent = (size_t)(text - raw);
		return split(text, l) ? 0 : gpg_error(GPG_ERR_BAD_DATA);
	}
}

/* How well a scope fits: its length + 2, 1 for the default, 0 not at all. */
static size_t
fit(const char *scope, const char *name)
{
	size_t len = strlen(scope);
	const char *dot, *host_end = strpbrk(name, "/");

	if (!strncmp(scope, "*.", 2)) {
		dot = strchr(name, '.');
		for (; dot && host_end && dot < host_end;
		    dot = strchr(dot + 1, '.'))
			if (!strncmp(dot, scope + 1, len - 1) &&
			    dot + len - 1 == host_end)
				return 2 + len - 2;
		return 0;
	}
	if (strncmp(scope, name, len) || !strchr("/:", name[len]))
		return 0;
	return len + 2;
}

static void
take(struct lookaside_scope *s, size_t fits, const struct line *l)
{
	bool reads = !strcmp(l->key, "lookaside") ||
	    !strcmp(l->key, "sigstore");
	bool writes = !strcmp(l->key, "lookaside-staging") ||
	    !strcmp(l->key, "sigstore-staging");

	if (fits == 0 || fits < s->best || !(reads || writes))
		return;
	if (fits > s->best)
		s->found = (struct lookaside){ .read = "" };
	s->best = fits;
	snprintf(reads ? s->found.read : s->found.write,
	    sizeof(s->found.read), "%s", l->value);
}

gpg_error_t
registriesd_read(struct view v, struct lookaside_scope *s, const char **why)
{
	size_t fits = 0, scope_indent = 0;
	bool docker = false;
	struct line l;
	gpg_error_t err;

	while (!(err = next_line(&v, &l))) {
		if (l.indent == 0) {
			docker = !strcmp(l.key, "docker");
			fits = !strcmp(l.key, "default-docker");
			scope_indent = 0;
		} else if (docker && (!scope_indent ||
		    l.indent <= scope_indent)) {
			scope_indent = l.indent;
			fits = fit(l.key, s->name);
		} else {
			take(s, fits, &l);
		}
	}
	if (gpg_err_code(err) == GPG_ERR_EOF)
		return 0;
	*why = "it has a line that is not read here: write maps line by "
	    "line, and texts plain or in quotes";
	return err;
}
