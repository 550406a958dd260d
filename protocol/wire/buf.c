/* The bounded, self-wiping buffer and views of bytes. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/buf.h"
#include "wire/pages.h"

struct view
view_of(const void *p, size_t len)
{
	return (struct view){ p, len };
}

struct view
view_str(const char *s)
{
	return (struct view){ (const uint8_t *)s, strlen(s) };
}

bool
view_eq(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.p, b.p, a.len));
}

bool
view_eq_str(struct view v, const char *s)
{
	return view_eq(v, view_str(s));
}

bool
view_starts(struct view v, const char *s)
{
	size_t len = strlen(s);

	return v.len >= len && (len == 0 || !memcmp(v.p, s, len));
}

gpg_error_t
view_get_bytes(struct view *v, size_t n, struct view *out)
{
	if (n > v->len)
		return gpg_error(GPG_ERR_TRUNCATED);
	*out = view_of(v->p, n);
	if (n > 0)
		v->p += n;
	v->len -= n;
	return 0;
}

static gpg_error_t
get_number(struct view *v, size_t n, uint64_t *out)
{
	struct view raw;
	gpg_error_t err;

	if ((err = view_get_bytes(v, n, &raw)))
		return err;
	*out = 0;
	for (size_t i = 0; i < n; i++)
		*out = *out << 8 | raw.p[i];
	return 0;
}

gpg_error_t
view_get_u8(struct view *v, uint8_t *out)
{
	uint64_t n;
	gpg_error_t err;

	if (!(err = get_number(v, 1, &n)))
		*out = (uint8_t)n;
	return err;
}

gpg_error_t
view_get_u32(struct view *v, uint32_t *out)
{
	uint64_t n;
	gpg_error_t err;

	if (!(err = get_number(v, 4, &n)))
		*out = (uint32_t)n;
	return err;
}

gpg_error_t
view_get_u64(struct view *v, uint64_t *out)
{
	return get_number(v, 8, out);
}

gpg_error_t
view_get_string(struct view *v, size_t max, struct view *out)
{
	struct view rest = *v;
	uint32_t len;
	gpg_error_t err;

	if ((err = view_get_u32(&rest, &len)))
		return err;
	if (len > max)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if ((err = view_get_bytes(&rest, len, out)))
		return err;
	*v = rest;
	return 0;
}

char *
view_strdup(struct view v)
{
	char *s;

	if (v.len > 0 && memchr(v.p, 0, v.len))
		return NULL;
	if (!(s = malloc(v.len + 1)))
		return NULL;
	if (v.len > 0)
		memcpy(s, v.p, v.len);
	s[v.len] = 0;
	return s;
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

/* Wipes and gives back what it has. */
static void
drop(struct buf *b)
{
	if (!b->data)
		return;
	explicit_bzero(b->data, b->cap);
	if (b->locked)
		pages_free(b->data, b->cap);
	else
		free(b->data);
	b->data = NULL;
}

void
buf_free(struct buf *b)
{
	drop(b);
	buf_init(b, b->max);
}

gpg_error_t
buf_lock(struct buf *b)
{
	size_t cap = (b->cap + PAGE - 1) / PAGE * PAGE;
	uint8_t *data = NULL;

	if (b->locked)
		return b->err;
	if (cap > 0 && !(data = pages_new(cap)))
		return b->err = gpg_error(GPG_ERR_ENOMEM);
	if (data)
		memcpy(data, b->data, b->end);
	drop(b);
	b->data = data;
	b->cap = cap;
	b->locked = true;
	return b->err;
}

void
buf_reset(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->end);
	b->off = b->end = 0;
	b->err = 0;
}

gpg_error_t
buf_error(const struct buf *b)
{
	return b->err;
}

size_t
buf_len(const struct buf *b)
{
	return b->end - b->off;
}

struct view
buf_view(const struct buf *b)
{
	return view_of(b->data ? b->data + b->off : NULL, buf_len(b));
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= buf_len(b)) {
		if (b->data)
			explicit_bzero(b->data, b->end);
		b->off = b->end = 0;
	} else {
		explicit_bzero(b->data + b->off, n);
		b->off += n;
	}
}

void
buf_truncate(struct buf *b, size_t len)
{
	size_t n = buf_len(b);

	if (len >= n)
		return;
	explicit_bzero(b->data + b->off + len, n - len);
	b->end = b->off + len;
}

/* Moves the unread bytes to the front and wipes what they leave behind. */
static void
compact(struct buf *b)
{
	size_t len = buf_len(b);

	if (b->off == 0)
		return;
	memmove(b->data, b->data + b->off, len);
	explicit_bzero(b->data + len, b->off);
	b->off = 0;
	b->end = len;
}

static gpg_error_t
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 256;
	uint8_t *data;

	while (cap < need)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	if (b->locked)
		cap = (cap + PAGE - 1) / PAGE * PAGE;
	data = b->locked ? pages_new(cap) : malloc(cap);
	if (!data)
		return gpg_error(GPG_ERR_ENOMEM);
	if (b->data)
		memcpy(data, b->data, b->end);
	drop(b);
	b->data = data;
	b->cap = cap;
	return 0;
}

gpg_error_t
buf_reserve(struct buf *b, size_t n, uint8_t **p)
{
	if (b->err)
		return b->err;
	if (n > b->max || buf_len(b) > b->max - n)
		return b->err = gpg_error(GPG_ERR_TOO_LARGE);
	if (b->cap - b->end < n)
		compact(b);
	if (b->cap - b->end < n && (b->err = grow(b, b->end + n)))
		return b->err;
	*p = b->data ? b->data + b->end : NULL;
	return 0;
}

void
buf_filled(struct buf *b, size_t n)
{
	b->end += n;
}

gpg_error_t
buf_put(struct buf *b, const void *data, size_t n)
{
	uint8_t *p;
	gpg_error_t err;

	if ((err = buf_reserve(b, n, &p)))
		return err;
	if (n > 0)
		memcpy(p, data, n);
	buf_filled(b, n);
	return 0;
}

gpg_error_t
buf_put_view(struct buf *b, struct view v)
{
	return buf_put(b, v.p, v.len);
}

gpg_error_t
buf_put_u8(struct buf *b, uint8_t n)
{
	return buf_put(b, &n, 1);
}

gpg_error_t
buf_put_u16(struct buf *b, uint16_t n)
{
	uint8_t raw[2] = { n >> 8, n & 0xff };

	return buf_put(b, raw, sizeof(raw));
}

gpg_error_t
buf_put_u32(struct buf *b, uint32_t n)
{
	uint8_t raw[4] = { n >> 24, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff };

	return buf_put(b, raw, sizeof(raw));
}

gpg_error_t
buf_put_u64(struct buf *b, uint64_t n)
{
	buf_put_u32(b, n >> 32);
	return buf_put_u32(b, n & 0xffffffff);
}

gpg_error_t
buf_put_text(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

gpg_error_t
buf_putf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	uint8_t *p;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		b->err = gpg_error(GPG_ERR_INV_VALUE);
	else if (!buf_reserve(b, (size_t)len + 1, &p)) {
		vsnprintf((char *)p, (size_t)len + 1, fmt, again);
		buf_filled(b, (size_t)len);
	}
	va_end(again);
	return b->err;
}

gpg_error_t
buf_put_string(struct buf *b, struct view v)
{
	if (v.len > UINT32_MAX)
		return b->err = gpg_error(GPG_ERR_TOO_LARGE);
	buf_put_u32(b, (uint32_t)v.len);
	return buf_put_view(b, v);
}

gpg_error_t
buf_put_cstring(struct buf *b, const char *s)
{
	return buf_put_string(b, view_str(s));
}

gpg_error_t
buf_put_hex(struct buf *b, struct view v)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *p;

	if (v.len > b->max)
		return b->err = gpg_error(GPG_ERR_TOO_LARGE);
	if (buf_reserve(b, 2 * v.len, &p))
		return b->err;
	for (size_t i = 0; i < v.len; i++) {
		*p++ = (uint8_t)digits[v.p[i] >> 4];
		*p++ = (uint8_t)digits[v.p[i] & 15];
	}
	buf_filled(b, 2 * v.len);
	return 0;
}

size_t
buf_open(struct buf *b)
{
	size_t place = buf_len(b);

	buf_put_u32(b, 0);
	return place;
}

void
buf_close(struct buf *b, size_t place)
{
	uint32_t n;
	uint8_t *p;

	if (b->err)
		return;
	n = (uint32_t)(buf_len(b) - place - 4);
	p = b->data + b->off + place;
	p[0] = n >> 24;
	p[1] = n >> 16 & 0xff;
	p[2] = n >> 8 & 0xff;
	p[3] = n & 0xff;
}
