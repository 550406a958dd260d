/* The one encoder and the one decoder of all messages. */
#include "config.h"

#include <string.h>

#include "wire/msg.h"
#include "wire/text.h"

#define ITEM(id) static const struct msg_field fields_##id[] = {
#define BODY(id) ITEM(id)
#define MESSAGE(id, scope, code, name, reply, what) ITEM(id)
#define FIELD(id, member, type, max, item) \
	{ #member, type, offsetof(struct msg_##id, member), max, item },
#define U8(id, member) FIELD(id, member, FIELD_U8, 1, 0)
#define U32(id, member) FIELD(id, member, FIELD_U32, 4, 0)
#define U64(id, member) FIELD(id, member, FIELD_U64, 8, 0)
#define TEXT(id, member, max) FIELD(id, member, FIELD_TEXT, max, 0)
#define BYTES(id, member, max) FIELD(id, member, FIELD_BYTES, max, 0)
#define SECRET(id, member, max) FIELD(id, member, FIELD_SECRET, max, 0)
#define LIST(id, member, item, max) \
	FIELD(id, member, FIELD_LIST, max, MSG_##item)
#define REST(id, member, max) FIELD(id, member, FIELD_REST, max, 0)
#define END(id) { NULL, FIELD_END, 0, 0, 0 } };
#include "wire/messages.def"

static const struct msg_row rows[MSG_COUNT] = {
#define ROW(id, scope, code, name, reply, what) \
	{ #id, scope, code, name, reply, what, sizeof(struct msg_##id), \
	    fields_##id },
#define ITEM(id) ROW(id, SCOPE_NONE, 0, NULL, 0, NULL)
#define BODY(id) ITEM(id)
#define MESSAGE(id, scope, code, name, reply, what) \
	ROW(id, scope, code, name, MSG_##reply, what)
#define U8(id, member)
#define U32(id, member)
#define U64(id, member)
#define TEXT(id, member, max)
#define BYTES(id, member, max)
#define SECRET(id, member, max)
#define LIST(id, member, item, max)
#define REST(id, member, max)
#define END(id)
#include "wire/messages.def"
};

const struct msg_row *
msg_row(enum msg_id id)
{
	return &rows[id];
}

static gpg_error_t
encode_bytes(struct buf *b, const struct msg_field *f, struct view v)
{
	if (v.len > f->max)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if (f->type == FIELD_TEXT && !text_is_clean(v))
		return gpg_error(GPG_ERR_INV_VALUE);
	return buf_put_string(b, v);
}

static gpg_error_t
encode_rest(struct buf *b, const struct msg_field *f, struct view v)
{
	if (v.len > f->max)
		return gpg_error(GPG_ERR_TOO_LARGE);
	return buf_put_view(b, v);
}

static gpg_error_t
encode_list(struct buf *b, const struct msg_field *f, const struct msg_list *l)
{
	if (l->count > f->max)
		return gpg_error(GPG_ERR_TOO_LARGE);
	buf_put_u32(b, l->count);
	return buf_put_view(b, l->raw);
}

static gpg_error_t
encode_field(struct buf *b, const struct msg_field *f, const void *p)
{
	switch (f->type) {
	case FIELD_U8:
		return buf_put_u8(b, *(const uint8_t *)p);
	case FIELD_U32:
		return buf_put_u32(b, *(const uint32_t *)p);
	case FIELD_U64:
		return buf_put_u64(b, *(const uint64_t *)p);
	case FIELD_TEXT:
	case FIELD_BYTES:
	case FIELD_SECRET:
		return encode_bytes(b, f, *(const struct view *)p);
	case FIELD_LIST:
		return encode_list(b, f, p);
	case FIELD_REST:
		return encode_rest(b, f, *(const struct view *)p);
	case FIELD_END:
		break;
	}
	return gpg_error(GPG_ERR_BUG);
}

gpg_error_t
msg_encode(struct buf *b, enum msg_id id, const void *in)
{
	const struct msg_field *f;
	gpg_error_t err;

	for (f = rows[id].fields; f->type != FIELD_END; f++) {
		err = encode_field(b, f, (const char *)in + f->offset);
		if (err)
			return err;
	}
	return 0;
}

static gpg_error_t take(enum msg_id, struct view *, void *);

/* Walks the elements, so that a list is known to be whole before use. */
static gpg_error_t
decode_list(struct view *v, const struct msg_field *f, struct msg_list *l)
{
	_Alignas(max_align_t) char item[512];
	const uint8_t *start;
	gpg_error_t err;

	if (rows[f->item].size > sizeof(item))
		return gpg_error(GPG_ERR_BUG);
	if ((err = view_get_u32(v, &l->count)))
		return err;
	if (l->count > f->max)
		return gpg_error(GPG_ERR_TOO_LARGE);
	start = v->p;
	for (uint32_t i = 0; i < l->count; i++)
		if ((err = take(f->item, v, item)))
			return err;
	l->raw = view_of(start, (size_t)(v->p - start));
	return 0;
}

static gpg_error_t
decode_field(struct view *v, const struct msg_field *f, void *p)
{
	gpg_error_t err;

	switch (f->type) {
	case FIELD_U8:
		return view_get_u8(v, p);
	case FIELD_U32:
		return view_get_u32(v, p);
	case FIELD_U64:
		return view_get_u64(v, p);
	case FIELD_TEXT:
		if ((err = view_get_string(v, f->max, p)))
			return err;
		if (!text_is_clean(*(struct view *)p))
			return gpg_error(GPG_ERR_INV_VALUE);
		return 0;
	case FIELD_BYTES:
	case FIELD_SECRET:
		return view_get_string(v, f->max, p);
	case FIELD_LIST:
		return decode_list(v, f, p);
	case FIELD_REST:
		return v->len > f->max ? gpg_error(GPG_ERR_TOO_LARGE) :
		    view_get_bytes(v, v->len, p);
	case FIELD_END:
		break;
	}
	return gpg_error(GPG_ERR_BUG);
}

static gpg_error_t
take(enum msg_id id, struct view *v, void *out)
{
	const struct msg_field *f;
	gpg_error_t err;

	/* Who expects no fields may have no room for them. */
	if (rows[id].size > 0)
		memset(out, 0, rows[id].size);
	for (f = rows[id].fields; f->type != FIELD_END; f++)
		if ((err = decode_field(v, f, (char *)out + f->offset)))
			return err;
	return 0;
}

gpg_error_t
msg_decode(enum msg_id id, struct view body, void *out)
{
	gpg_error_t err;

	err = take(id, &body, out);
	if (!err && body.len > 0)
		err = gpg_error(GPG_ERR_BAD_DATA);
	if (err && rows[id].size > 0)
		memset(out, 0, rows[id].size);
	return err;
}

gpg_error_t
msg_list_add(struct buf *b, struct msg_list *l, enum msg_id item,
    const void *in)
{
	gpg_error_t err;

	if ((err = msg_encode(b, item, in)))
		return err;
	l->count++;
	l->raw = buf_view(b);
	return 0;
}

bool
msg_list_next(struct msg_list *l, enum msg_id item, void *out)
{
	if (l->count == 0 || take(item, &l->raw, out))
		return false;
	l->count--;
	return true;
}
