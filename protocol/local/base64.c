/* Base64, strict. */
#include "config.h"

#include <string.h>

#include "local/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

gpg_error_t
base64_put(struct buf *b, struct view v)
{
	while (v.len > 0) {
		size_t n = v.len < 3 ? v.len : 3;
		uint32_t bits = (uint32_t)v.p[0] << 16;
		char quad[4];

		if (n > 1)
			bits |= (uint32_t)v.p[1] << 8;
		if (n > 2)
			bits |= v.p[2];
		for (unsigned i = 0; i < 4; i++)
			quad[i] = i > n ? '=' :
			    digits[bits >> (18 - 6 * i) & 63];
		buf_put(b, quad, 4);
		v.p += n;
		v.len -= n;
	}
	return buf_error(b);
}

/* Takes the four digits at p, the last ones of which may be padding. */
static gpg_error_t
get_quad(const uint8_t *p, bool last, struct buf *b)
{
	unsigned n = !last || p[3] != '=' ? 3 : p[2] != '=' ? 2 : 1;
	uint32_t bits = 0;
	uint8_t out[3];

	for (unsigned i = 0; i < 4; i++) {
		const char *at = i > n ? digits :
		    memchr(digits, p[i], sizeof(digits) - 1);

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

gpg_error_t
base64_get(struct view text, struct buf *b)
{
	gpg_error_t err = 0;

	if (text.len % 4)
		return gpg_error(GPG_ERR_BAD_DATA);
	for (size_t i = 0; !err && i < text.len; i += 4)
		err = get_quad(text.p + i, i + 4 == text.len, b);
	return err;
}
