/* Base64, strict. */
#include "config.h"

#include <string.h>

#include "wire/base64.h"

#define COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define DIGITS 64

static const char plain[] = COMMON "+/";
static const char url[] = COMMON "-_";

/* One to three bytes; url's last quad is cut instead of padded. */
static void
put_quad(struct buf *b, const char *digits, struct view v)
{
	uint32_t bits = (uint32_t)v.p[0] << 16;
	char quad[4];

	if (v.len > 1)
		bits |= (uint32_t)v.p[1] << 8;
	if (v.len > 2)
		bits |= v.p[2];
	for (unsigned i = 0; i < 4; i++)
		quad[i] = i > v.len ? '=' :
		    digits[bits >> (18 - 6 * i) & 63];
	buf_put(b, quad, digits == plain ? 4 : v.len + 1);
}

static gpg_error_t
put(struct buf *b, const char *digits, struct view v)
{
	struct view three;

	while (v.len > 0 && !buf_error(b)) {
		view_get_bytes(&v, v.len < 3 ? v.len : 3, &three);
		put_quad(b, digits, three);
	}
	return buf_error(b);
}

/* Two to four digits, which stand for a byte less. */
static gpg_error_t
get_quad(struct view quad, const char *digits, struct buf *b)
{
	size_t n = quad.len - 1;
	uint32_t bits = 0;
	uint8_t out[3];

	for (unsigned i = 0; i < 4; i++) {
		const char *at = i >= quad.len ? digits :
		    memchr(digits, quad.p[i], DIGITS);

		if (!at)
			return gpg_error(GPG_ERR_BAD_DATA);
		bits = bits << 6 | (uint32_t)(at - digits);
	}
	if (n < 3 && bits & (0xffffffU >> 8 * n))
		return gpg_error(GPG_ERR_BAD_DATA);
	for (unsigned i = 0; i < 3; i++)
		out[i] = bits >> (16 - 8 * i) & 0xff;
	return buf_put(b, out, n);
}

static gpg_error_t
get(struct view text, const char *digits, struct buf *b)
{
	gpg_error_t err = 0;
	struct view quad;

	if (text.len % 4 == 1)
		return gpg_error(GPG_ERR_BAD_DATA);
	while (!err && text.len > 0) {
		view_get_bytes(&text, text.len < 4 ? text.len : 4, &quad);
		err = get_quad(quad, digits, b);
	}
	return err;
}

gpg_error_t
base64_put(struct buf *b, struct view v)
{
	return put(b, plain, v);
}

gpg_error_t
base64url_put(struct buf *b, struct view v)
{
	return put(b, url, v);
}

gpg_error_t
base64_get(struct view text, struct buf *b)
{
	if (text.len % 4)
		return gpg_error(GPG_ERR_BAD_DATA);
	for (int i = 0; i < 2; i++)
		if (text.len > 0 && text.p[text.len - 1] == '=')
			text.len--;
	return get(text, plain, b);
}

gpg_error_t
base64url_get(struct view text, struct buf *b)
{
	return get(text, url, b);
}
