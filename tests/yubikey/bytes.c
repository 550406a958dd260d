/* Views of bytes, answers that cannot overflow, and BER-TLV as PIV has it. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "bytes.h"

struct bytes
bytes_of(const void *p, size_t len)
{
	return (struct bytes){ p, len };
}

bool
bytes_take(struct bytes *b, size_t n, struct bytes *part)
{
	if (n > b->len)
		return false;
	*part = bytes_of(b->p, n);
	if (n > 0)
		b->p += n;
	b->len -= n;
	return true;
}

bool
bytes_eq(struct bytes a, const void *p, size_t len)
{
	return a.len == len && (len == 0 || !memcmp(a.p, p, len));
}

struct bytes
out_bytes(const struct out *o)
{
	return bytes_of(o->p, o->len);
}

uint8_t *
out_room(struct out *o, size_t n)
{
	uint8_t *room = o->p + o->len;

	if (o->full || n > sizeof(o->p) - o->len) {
		o->full = true;
		return NULL;
	}
	o->len += n;
	return room;
}

void
out_put(struct out *o, struct bytes b)
{
	uint8_t *room = out_room(o, b.len);

	if (room != NULL && b.len > 0)
		memcpy(room, b.p, b.len);
}

void
out_u8(struct out *o, uint8_t n)
{
	out_put(o, bytes_of(&n, 1));
}

void
out_tlv(struct out *o, unsigned int tag, struct bytes value)
{
	if (tag > 0xff)
		out_u8(o, tag >> 8);
	out_u8(o, tag & 0xff);
	if (value.len > 0xff) {
		out_u8(o, 0x82);
		out_u8(o, value.len >> 8);
	} else if (value.len > 0x7f) {
		out_u8(o, 0x81);
	}
	out_u8(o, value.len & 0xff);
	out_put(o, value);
}

void
out_tlv_u8(struct out *o, unsigned int tag, uint8_t value)
{
	out_tlv(o, tag, bytes_of(&value, 1));
}

/* Of a length no longer than two bytes follow the first. */
static bool
length_next(struct bytes *in, size_t *len)
{
	struct bytes raw;
	size_t more, i;

	if (!bytes_take(in, 1, &raw))
		return false;
	*len = raw.p[0];
	if (*len < 0x80)
		return true;
	more = *len & 0x7f;
	if (more < 1 || more > 2 || !bytes_take(in, more, &raw))
		return false;
	for (*len = 0, i = 0; i < more; i++)
		*len = *len << 8 | raw.p[i];
	return true;
}

bool
tlv_next(struct bytes *in, unsigned int *tag, struct bytes *value)
{
	struct bytes raw;
	size_t len;

	if (!bytes_take(in, 1, &raw))
		return false;
	*tag = raw.p[0];
	if (*tag == 0x5f || *tag == 0x7f) {
		if (!bytes_take(in, 1, &raw))
			return false;
		*tag = *tag << 8 | raw.p[0];
	}
	return length_next(in, &len) && bytes_take(in, len, value);
}

bool
tlv_find(struct bytes in, unsigned int tag, struct bytes *value)
{
	unsigned int found;

	while (tlv_next(&in, &found, value)) {
		if (found == tag)
			return true;
	}
	return false;
}

bool
tlv_find_u8(struct bytes in, unsigned int tag, uint8_t *value)
{
	struct bytes raw;

	if (!tlv_find(in, tag, &raw) || raw.len != 1)
		return false;
	*value = raw.p[0];
	return true;
}

void
hex_encode(struct bytes b, char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < b.len; i++) {
		*text++ = digits[b.p[i] >> 4];
		*text++ = digits[b.p[i] & 0xf];
	}
	*text = '\0';
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hex_decode(const char *text, uint8_t *p, size_t max, size_t *len)
{
	size_t n = strlen(text), i;
	int high, low;

	if (n % 2 != 0 || n / 2 > max)
		return false;
	for (i = 0; i < n / 2; i++) {
		high = digit_of(text[2 * i]);
		low = digit_of(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		p[i] = high << 4 | low;
	}
	*len = n / 2;
	return true;
}
