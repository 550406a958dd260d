/* The pieces that git's objects are made of, as git-fsck(1) wants them. */
#include "config.h"

#include <string.h>

#include "object/read.h"

bool
scan_word(struct view *v, const char *word)
{
	struct view skipped;

	return view_starts(*v, word) &&
	    !view_get_bytes(v, strlen(word), &skipped);
}

bool
scan_until(struct view *v, char stop, struct view *out)
{
	const uint8_t *end = v->len ? memchr(v->p, stop, v->len) : NULL;
	size_t n;

	if (!end)
		return false;
	n = (size_t)(end - v->p);
	*out = view_of(v->p, n);
	*v = view_of(end + 1, v->len - n - 1);
	return true;
}

bool
scan_line(struct view *v, struct view *line)
{
	return scan_until(v, '\n', line);
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

size_t
git_id_len(struct view hex)
{
	if (hex.len != 40 && hex.len != 64)
		return 0;
	for (size_t i = 0; i < hex.len; i++)
		if (!is_digit(hex.p[i]) && (hex.p[i] < 'a' || hex.p[i] > 'f'))
			return 0;
	return hex.len / 2;
}

size_t
git_hex_run(struct view v)
{
	size_t n = 0;

	while (n < v.len && (is_digit(v.p[n]) ||
	    (v.p[n] >= 'a' && v.p[n] <= 'f') ||
	    (v.p[n] >= 'A' && v.p[n] <= 'F')))
		n++;
	return n;
}

/* One component between slashes. */
static bool
part_valid(struct view v)
{
	static const char lock[] = ".lock";

	if (v.len == 0 || v.p[0] == '.')
		return false;
	return v.len < 5 || memcmp(v.p + v.len - 5, lock, 5);
}

bool
git_ref_valid(struct view v)
{
	struct view part;

	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i], next = i + 1 < v.len ? v.p[i + 1] : 0;

		if (c <= ' ' || c == 0x7f || strchr("~^:?*[\\", c) ||
		    (c == '.' && next == '.') || (c == '@' && next == '{'))
			return false;
	}
	if (v.len == 0 || v.p[v.len - 1] == '.' || view_eq_str(v, "@"))
		return false;
	while (scan_until(&v, '/', &part))
		if (!part_valid(part))
			return false;
	return part_valid(v);
}

/* Seconds, without leading zeros and within 63 bits. */
static bool
seconds_valid(struct view v)
{
	uint64_t n = 0;

	if (v.len == 0 || v.len > 19 || (v.p[0] == '0' && v.len > 1))
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (!is_digit(v.p[i]))
			return false;
		n = n * 10 + (v.p[i] - '0');
	}
	return n < INT64_MAX;
}

bool
git_date_valid(struct view v)
{
	struct view seconds;

	if (!scan_word(&v, " ") || !scan_until(&v, ' ', &seconds) ||
	    !seconds_valid(seconds))
		return false;
	return v.len == 5 && (v.p[0] == '+' || v.p[0] == '-') &&
	    is_digit(v.p[1]) && is_digit(v.p[2]) && is_digit(v.p[3]) &&
	    is_digit(v.p[4]);
}

static bool
has(struct view v, char c)
{
	return v.len > 0 && memchr(v.p, c, v.len);
}

/*
 * "Name <mail> seconds zone".  A rebase copies the author of an old commit
 * byte by byte, so that one is not held to the rules (strict): some real
 * histories have broken dates.
 */
bool
git_person_read(struct view v, bool strict, struct git_person *p)
{
	if (!scan_until(&v, '<', &p->name) || !scan_until(&v, '>', &p->mail))
		return false;
	if (strict && (p->name.len == 0 ||
	    p->name.p[p->name.len - 1] != ' ' || has(p->name, '>') ||
	    has(p->mail, '<') || !git_date_valid(v)))
		return false;
	while (p->name.len > 0 && p->name.p[p->name.len - 1] == ' ')
		p->name.len--;
	return true;
}

bool
git_header(struct object *o, struct view *header)
{
	const uint8_t *end = NULL;

	if (o->bytes.len > 0)
		end = memmem(o->bytes.p, o->bytes.len, "\n\n", 2);
	if (!end)
		return false;
	o->header_end = (size_t)(end - o->bytes.p) + 1;
	*header = view_of(o->bytes.p, o->header_end);
	return !has(*header, 0);
}

bool
git_field(struct view *header, const char *name, struct view *value)
{
	struct view rest = *header, line;

	if (!scan_line(&rest, &line) || !scan_word(&line, name))
		return false;
	*header = rest;
	*value = line;
	return true;
}

bool
git_update_read(struct view v, size_t *id_len, bool *deletes,
    struct view *ref)
{
	struct view old, new;

	if (!scan_until(&v, ' ', &old) || !scan_until(&v, ' ', &new) ||
	    !(*id_len = git_id_len(old)) || git_id_len(new) != *id_len)
		return false;
	*deletes = true;
	for (size_t i = 0; i < new.len; i++)
		*deletes = *deletes && new.p[i] == '0';
	*ref = v;
	return true;
}

bool
git_reads_as_push(struct view message)
{
	struct view old, new;

	/* Git never writes ids in capitals, and yet reads them. */
	return scan_until(&message, ' ', &old) && old.len >= 40 &&
	    git_hex_run(old) == old.len &&
	    scan_until(&message, ' ', &new) && new.len >= 40 &&
	    git_hex_run(new) == new.len;
}
