/* ECDSA's two numbers: side by side, or as the SEQUENCE of RFC 3279. */
#include "config.h"

#include <string.h>

#include "format/key.h"

/* Two INTEGERs of up to 66 bytes and a sign's zero. */
#define NUMBERS_MAX (2 * (2 + 1 + KEY_FIELD_MAX))

static uint8_t *
put_number(uint8_t *p, struct view number)
{
	bool sign;

	number = view_strip(number);
	sign = number.len == 0 || number.p[0] & 0x80;
	*p++ = 0x02;
	*p++ = (uint8_t)(number.len + sign);
	if (sign)
		*p++ = 0;
	if (number.len > 0)
		memcpy(p, number.p, number.len);
	return p + number.len;
}

gpg_error_t
ecdsa_put_der(struct buf *b, struct view sig)
{
	size_t field = sig.len / 2, len;
	uint8_t numbers[NUMBERS_MAX], *end;

	if (field == 0 || field > KEY_FIELD_MAX || sig.len % 2)
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	end = put_number(numbers, view_of(sig.p, field));
	end = put_number(end, view_of(sig.p + field, field));
	len = (size_t)(end - numbers);
	buf_put_u8(b, 0x30);
	if (len >= 0x80)
		buf_put_u8(b, 0x81);
	buf_put_u8(b, (uint8_t)len);
	return buf_put(b, numbers, len);
}

/* A positive INTEGER, written in the shortest way, into the field. */
static bool
take_number(struct view *v, size_t field, uint8_t *out)
{
	struct view n;
	uint8_t tag, len;

	if (view_get_u8(v, &tag) || tag != 0x02 || view_get_u8(v, &len) ||
	    view_get_bytes(v, len, &n) || n.len == 0 || n.p[0] & 0x80)
		return false;
	if (n.p[0] == 0 && n.len > 1 && !(n.p[1] & 0x80))
		return false;
	n = view_strip(n);
	if (n.len > field)
		return false;
	memset(out, 0, field);
	if (n.len > 0)
		memcpy(out + field - n.len, n.p, n.len);
	return true;
}

gpg_error_t
ecdsa_get_der(struct view der, size_t field, uint8_t out[2 * KEY_FIELD_MAX])
{
	uint8_t tag, len;

	if (field == 0 || field > KEY_FIELD_MAX || view_get_u8(&der, &tag) ||
	    tag != 0x30 || view_get_u8(&der, &len) ||
	    (len == 0x81 && (view_get_u8(&der, &len) || len < 0x80)) ||
	    len != der.len || !take_number(&der, field, out) ||
	    !take_number(&der, field, out + field) || der.len > 0)
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	return 0;
}
