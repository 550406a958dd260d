/* Reads the headers of replies. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <jansson.h>

#include "client/registry/headers.h"
#include "wire/text.h"

#define RETRY_AFTER_MAX 3600

static bool
named(struct view line, const char *name, struct view *value)
{
	size_t n = strlen(name);

	if (line.len <= n || line.p[n] != ':' ||
	    strncasecmp((const char *)line.p, name, n))
		return false;
	*value = view_of(line.p + n + 1, line.len - n - 1);
	while (value->len > 0 && strchr(" \t", value->p[0]) && value->p[0])
		*value = view_of(value->p + 1, value->len - 1);
	while (value->len > 0 && strchr(" \t\r\n",
	    value->p[value->len - 1]) && value->p[value->len - 1])
		value->len--;
	return true;
}

static void
keep(char *dst, size_t size, struct view v)
{
	dst[0] = 0;
	if (v.len >= size)
		return;
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] < 0x20 || v.p[i] > 0x7e)
			return;
	memcpy(dst, v.p, v.len);
	dst[v.len] = 0;
}

bool
headers_parameter(const char *value, const char *name, char *dst, size_t size)
{
	size_t len = strlen(name), n = 0;
	const char *p = value;

	dst[0] = 0;
	while (*p) {
		bool mine, quoted;

		p += strspn(p, " \t,;");
		mine = !strncasecmp(p, name, len) && p[len] == '=';
		p += strcspn(p, "= \t,;\"");
		if (*p != '=') {
			p += *p == '"';
			continue;
		}
		quoted = *++p == '"';
		p += quoted;
		for (; *p && !(quoted ? *p == '"' : !!strchr(" \t,;", *p));
		    p++) {
			p += quoted && *p == '\\' && p[1];
			if (mine && n + 1 < size)
				dst[n] = *p;
			n += mine;
		}
		p += quoted && *p;
		if (mine) {
			dst[n < size ? n : 0] = 0;
			return n < size;
		}
	}
	return false;
}

/* <https://…>; rel="next" */
static void
take_link(struct http_reply *r, struct view v)
{
	char line[4096], rel[32];
	char *end;

	keep(line, sizeof(line), v);
	if (line[0] != '<' || !(end = strchr(line, '>')) ||
	    !headers_parameter(end + 1, "rel", rel, sizeof(rel)) ||
	    strcmp(rel, "next"))
		return;
	*end = 0;
	keep(r->next, sizeof(r->next), view_str(line + 1));
}

static void
take_numbers(struct http_reply *r, struct view line)
{
	struct view v;
	char text[24];
	char *end;
	long long n;

	if (named(line, "Content-Length", &v)) {
		keep(text, sizeof(text), v);
		n = strtoll(text, &end, 10);
		r->length = *text && !*end && n >= 0 ? n : -1;
	} else if (named(line, "Retry-After", &v)) {
		keep(text, sizeof(text), v);
		n = strtoll(text, &end, 10);
		if (*text && !*end && n > 0)
			r->retry_after = n > RETRY_AFTER_MAX ?
			    RETRY_AFTER_MAX : (unsigned)n;
	}
}

void
headers_take(struct http_reply *r, struct view line)
{
	struct view v;

	if (view_starts(line, "HTTP/")) {
		r->type[0] = r->digest[0] = r->etag[0] = r->subject[0] = 0;
		r->next[0] = r->location[0] = 0;
		r->challenges = r->retry_after = 0;
		r->length = -1;
	} else if (named(line, "Content-Type", &v)) {
		const uint8_t *semi = memchr(v.p, ';', v.len);

		keep(r->type, sizeof(r->type),
		    view_of(v.p, semi ? (size_t)(semi - v.p) : v.len));
	} else if (named(line, "Docker-Content-Digest", &v)) {
		keep(r->digest, sizeof(r->digest), v);
	} else if (named(line, "ETag", &v)) {
		keep(r->etag, sizeof(r->etag), v);
	} else if (named(line, "OCI-Subject", &v)) {
		keep(r->subject, sizeof(r->subject), v);
	} else if (named(line, "Location", &v)) {
		keep(r->location, sizeof(r->location), v);
	} else if (named(line, "Link", &v)) {
		take_link(r, v);
	} else if (named(line, "WWW-Authenticate", &v) &&
	    r->challenges < HTTP_CHALLENGES) {
		keep(r->challenge[r->challenges++],
		    sizeof(r->challenge[0]), v);
	} else {
		take_numbers(r, line);
	}
}

void
http_reply_words(const struct http_reply *r, char *dst, size_t size)
{
	struct view v = buf_view(&r->body);
	const char *code = "", *message = "";
	json_t *j = v.len == 0 ? NULL : json_loadb((const char *)v.p, v.len,
	    JSON_REJECT_DUPLICATES, NULL);
	char raw[400];

	json_unpack(j, "{s:[{s?s,s?s}]}", "errors", "code", &code, "message",
	    &message);
	snprintf(raw, sizeof(raw), "%.80s%s%.250s", code,
	    *code && *message ? ": " : "", message);
	text_clean(dst, size, view_str(raw));
	json_decref(j);
}
