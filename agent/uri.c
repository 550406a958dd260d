/* Compares PKCS#11 URIs attribute by attribute. */
#include <config.h>

#include <string.h>

#include "uri.h"

#define VALUE_MAX 1024

/* Takes "name=value" up to the next ';'. */
static bool
take_attribute(struct view *v, struct view *name, struct view *value)
{
	const uint8_t *end, *eq;
	size_t len;

	if (v->len == 0)
		return false;
	end = memchr(v->p, ';', v->len);
	len = end ? (size_t)(end - v->p) : v->len;
	eq = memchr(v->p, '=', len);
	*name = view_of(v->p, eq ? (size_t)(eq - v->p) : len);
	*value = eq ? view_of(eq + 1, len - name->len - 1) : view_of(NULL, 0);
	v->p += end ? len + 1 : len;
	v->len -= end ? len + 1 : len;
	return true;
}

static int
hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool
decode(struct view v, struct buf *out)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];

		if (c == '%') {
			if (v.len - i < 3 || hex_digit(v.p[i + 1]) < 0 ||
			    hex_digit(v.p[i + 2]) < 0)
				return false;
			c = (uint8_t)(hex_digit(v.p[i + 1]) << 4 |
			    hex_digit(v.p[i + 2]));
			i += 2;
		}
		if (buf_put_u8(out, c))
			return false;
	}
	return true;
}

static bool
same_value(struct view a, struct view b)
{
	struct buf x, y;
	bool same;

	buf_init(&x, VALUE_MAX);
	buf_init(&y, VALUE_MAX);
	same = decode(a, &x) && decode(b, &y) &&
	    view_eq(buf_view(&x), buf_view(&y));
	buf_free(&x);
	buf_free(&y);
	return same;
}

static bool
has_attribute(struct view rest, struct view name, struct view value)
{
	struct view n, v;

	while (take_attribute(&rest, &n, &v))
		if (view_eq(n, name))
			return same_value(v, value);
	return false;
}

static bool
after_scheme(struct view *v)
{
	if (!view_starts(*v, "pkcs11:"))
		return false;
	v->p += 7;
	v->len -= 7;
	return v->len > 0 && !memchr(v->p, '?', v->len);
}

bool
uri_matches(struct view uri, const char *full)
{
	struct view whole = view_str(full), name, value;

	if (!after_scheme(&uri) || !after_scheme(&whole))
		return false;
	while (take_attribute(&uri, &name, &value))
		if (!has_attribute(whole, name, value))
			return false;
	return true;
}
