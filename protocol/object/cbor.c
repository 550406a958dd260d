/* CBOR's heads, and the items that they begin. */
#include "config.h"

#include "object/cbor.h"

#define DEPTH 16

/* The number of a head, which has no shorter way to be written. */
static bool
get_number(struct view *v, uint8_t info, uint64_t *out)
{
	static const uint64_t least[] = { 24, 0x100, 0x10000, 0x100000000 };
	uint8_t byte;

	*out = info;
	if (info < 24)
		return true;
	if (info > 27)
		return false;
	*out = 0;
	for (unsigned n = 1U << (info - 24); n > 0; n--) {
		if (view_get_u8(v, &byte))
			return false;
		*out = *out << 8 | byte;
	}
	return *out >= least[info - 24];
}

bool
cbor_get(struct view *v, struct cbor *out)
{
	struct view rest = *v;
	uint8_t head;

	*out = (struct cbor){ 0 };
	if (view_get_u8(&rest, &head))
		return false;
	out->type = head >> 5;
	if (!get_number(&rest, head & 0x1f, &out->number))
		return false;
	if (out->type == CBOR_SIMPLE &&
	    (out->number < 20 || out->number > 22))
		return false;
	if ((out->type == CBOR_BYTES || out->type == CBOR_TEXT) &&
	    (out->number > rest.len ||
	    view_get_bytes(&rest, (size_t)out->number, &out->bytes)))
		return false;
	*v = rest;
	return true;
}

bool
cbor_get_type(struct view *v, enum cbor_type type, struct cbor *out)
{
	struct view rest = *v;

	if (!cbor_get(&rest, out) || out->type != type)
		return false;
	*v = rest;
	return true;
}

static bool
skip(struct view *v, unsigned depth)
{
	struct cbor c;
	uint64_t more;

	if (depth == 0 || !cbor_get(v, &c))
		return false;
	more = c.type == CBOR_ARRAY ? c.number :
	    c.type == CBOR_MAP	    ? c.number :
	    c.type == CBOR_TAG	    ? 1 :
				      0;
	if (more > v->len)
		return false;
	if (c.type == CBOR_MAP)
		more *= 2;
	for (; more > 0; more--)
		if (!skip(v, depth - 1))
			return false;
	return true;
}

bool
cbor_skip(struct view *v)
{
	struct view rest = *v;

	if (!skip(&rest, DEPTH))
		return false;
	*v = rest;
	return true;
}

bool
cbor_is_text(const struct cbor *c, const char *text)
{
	return c->type == CBOR_TEXT && view_eq_str(c->bytes, text);
}

gpg_error_t
cbor_put(struct buf *b, enum cbor_type type, uint64_t number)
{
	uint8_t major = (uint8_t)(type << 5);

	if (number < 24)
		return buf_put_u8(b, (uint8_t)(major | number));
	if (number < 0x100) {
		buf_put_u8(b, major | 24);
		return buf_put_u8(b, (uint8_t)number);
	}
	if (number < 0x10000) {
		buf_put_u8(b, major | 25);
		return buf_put_u16(b, (uint16_t)number);
	}
	if (number < 0x100000000) {
		buf_put_u8(b, major | 26);
		return buf_put_u32(b, (uint32_t)number);
	}
	buf_put_u8(b, major | 27);
	return buf_put_u64(b, number);
}

gpg_error_t
cbor_put_bytes(struct buf *b, struct view v)
{
	cbor_put(b, CBOR_BYTES, v.len);
	return buf_put_view(b, v);
}

gpg_error_t
cbor_put_text(struct buf *b, const char *text)
{
	cbor_put(b, CBOR_TEXT, view_str(text).len);
	return buf_put_text(b, text);
}
