/* Names of hosts: a small set without duplicates. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "hosts.h"

struct names *
names_new(void)
{
	return calloc(1, sizeof(struct names));
}

void
names_free(struct names **np)
{
	struct names *n = *np;

	*np = NULL;
	if (!n)
		return;
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n);
}

/* Names as they stand in known_hosts, without patterns. */
static bool
is_name(struct view v)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:[]%-";

	if (v.len == 0 || v.len > NAME_LEN)
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (!v.p[i] || !strchr(good, v.p[i]))
			return false;
	return true;
}

void
names_add(struct names *n, struct view v)
{
	char *name;

	if (n->count == NAMES_MAX || !is_name(v))
		return;
	if (!(name = view_strdup(v)))
		return;
	for (char *p = name; *p; p++)
		*p |= *p >= 'A' && *p <= 'Z' ? 'a' - 'A' : 0;
	for (size_t i = 0; i < n->count; i++)
		if (!strcmp(n->list[i], name)) {
			free(name);
			return;
		}
	n->list[n->count++] = name;
}

void
names_add_host(struct names *n, struct view host, const char *port)
{
	struct buf b;

	names_add(n, host);
	if (!port || !strcmp(port, "22"))
		return;
	buf_init(&b, 2 * NAME_LEN);
	buf_put_u8(&b, '[');
	buf_put_view(&b, host);
	if (!buf_put_text(&b, "]:") && !buf_put_text(&b, port))
		names_add(n, buf_view(&b));
	buf_free(&b);
}

/* "host" of "[host]:port". */
static struct view
without_port(const char *name)
{
	struct view v = view_str(name);
	const uint8_t *end;

	if (v.len > 0 && v.p[0] == '[' && (end = memchr(v.p, ']', v.len)))
		return view_of(v.p + 1, (size_t)(end - v.p - 1));
	return v;
}

bool
names_match(const struct names *n, const char *pattern)
{
	struct view p = view_str(pattern);

	for (size_t i = 0; i < n->count; i++)
		if (ssh_pattern_matches(p, view_str(n->list[i])) ||
		    ssh_pattern_matches(p, without_port(n->list[i])))
			return true;
	return false;
}
