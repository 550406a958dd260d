/* How messages travel: frames to clients, datagrams to helpers. */
#include "config.h"

#include <string.h>

#include "wire/frame.h"
#include "wire/text.h"

#define REPLY_BIT 0x80

gpg_error_t
frame_peek(const struct buf *b, struct view *frame)
{
	struct view v = buf_view(b);
	uint32_t len;

	if (view_get_u32(&v, &len))
		return gpg_error(GPG_ERR_INCOMPLETE_LINE);
	if (len == 0)
		return gpg_error(GPG_ERR_INV_LENGTH);
	if (len > FRAME_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if (view_get_bytes(&v, len, frame))
		return gpg_error(GPG_ERR_INCOMPLETE_LINE);
	return 0;
}

size_t
frame_size(struct view frame)
{
	return frame.len + 4;
}

/* Closes a frame, or takes it back whole when it could not be built. */
static gpg_error_t
finish(struct buf *b, size_t place, gpg_error_t err)
{
	if (!err)
		err = buf_error(b);
	if (!err && buf_len(b) - place - 4 > FRAME_MAX)
		err = gpg_error(GPG_ERR_TOO_LARGE);
	if (err)
		buf_truncate(b, place);
	else
		buf_close(b, place);
	return err;
}

gpg_error_t
frame_put(struct buf *b, uint8_t type, enum msg_id id, const void *in)
{
	size_t place = buf_open(b);

	buf_put_u8(b, type);
	return finish(b, place, msg_encode(b, id, in));
}

gpg_error_t
frame_put_bare(struct buf *b, uint8_t type)
{
	size_t place = buf_open(b);

	return finish(b, place, buf_put_u8(b, type));
}

static void
put_name(struct buf *b, enum msg_id id)
{
	size_t place = buf_open(b);

	buf_put_text(b, msg_row(id)->name);
	buf_put_text(b, "@" WIRE_DOMAIN);
	buf_close(b, place);
}

gpg_error_t
frame_put_request(struct buf *b, enum msg_id id, const void *in)
{
	size_t place = buf_open(b);

	buf_put_u8(b, SSH_AGENTC_EXTENSION);
	put_name(b, id);
	return finish(b, place, msg_encode(b, id, in));
}

/* Code and text, then the fields where there was no error. */
static gpg_error_t
put_verdict(struct buf *b, enum msg_id id, gpg_error_t code, const char *text,
    const void *reply)
{
	char clean[1024];

	buf_put_u32(b, gpg_err_code(code));
	text_clean(clean, sizeof(clean), view_str(text ? text : ""));
	buf_put_cstring(b, clean);
	if (gpg_err_code(code))
		return buf_error(b);
	return msg_encode(b, msg_row(id)->reply, reply);
}

static gpg_error_t
get_verdict(struct view body, enum msg_id id, gpg_error_t *code,
    struct view *text, void *reply)
{
	uint32_t n;
	gpg_error_t err;

	if ((err = view_get_u32(&body, &n)) ||
	    (err = view_get_string(&body, 1024, text)))
		return err;
	if (n > GPG_ERR_CODE_MASK || !text_is_clean(*text))
		return gpg_error(GPG_ERR_INV_VALUE);
	if ((*code = gpg_error((gpg_err_code_t)n)))
		return body.len ? gpg_error(GPG_ERR_BAD_DATA) : 0;
	return msg_decode(msg_row(id)->reply, body, reply);
}

gpg_error_t
frame_put_reply(struct buf *b, enum msg_id id, gpg_error_t code,
    const char *text, const void *reply)
{
	size_t place = buf_open(b);

	buf_put_u8(b, SSH_AGENT_EXTENSION_RESPONSE);
	put_name(b, id);
	return finish(b, place, put_verdict(b, id, code, text, reply));
}

/* Whether it is "NAME@domain" with our domain. */
static bool
is_ours(struct view name, const char *ours)
{
	static const char tail[] = "@" WIRE_DOMAIN;
	size_t len = sizeof(tail) - 1;

	return name.len > len &&
	    !memcmp(name.p + name.len - len, tail, len) &&
	    view_eq_str(view_of(name.p, name.len - len), ours);
}

/* Whether a row is what a client may send with this type or this name. */
static bool
is_request(const struct msg_row *row, uint8_t type, struct view name)
{
	switch (row->scope) {
	case SCOPE_SSH:
		return row->code == type && (type != SSH_AGENTC_EXTENSION ||
		    view_eq_str(name, row->name));
	case SCOPE_ANY:
	case SCOPE_LOCAL:
		return type == SSH_AGENTC_EXTENSION && is_ours(name, row->name);
	default:
		return false;
	}
}

gpg_error_t
frame_get_request(struct view frame, enum msg_id *id, struct view *body)
{
	struct view name = { NULL, 0 };
	uint8_t type;

	if (view_get_u8(&frame, &type) || (type == SSH_AGENTC_EXTENSION &&
	    view_get_string(&frame, 256, &name)))
		return gpg_error(GPG_ERR_TRUNCATED);
	*body = frame;
	for (*id = 0; *id < MSG_COUNT; (*id)++)
		if (is_request(msg_row(*id), type, name))
			return 0;
	return gpg_error(GPG_ERR_UNKNOWN_COMMAND);
}

gpg_error_t
frame_get_reply(struct view frame, enum msg_id id, gpg_error_t *code,
    struct view *text, void *reply)
{
	struct view name;
	uint8_t type;
	gpg_error_t err;

	if ((err = view_get_u8(&frame, &type)))
		return err;
	if (type == SSH_AGENT_EXTENSION_FAILURE || type == SSH_AGENT_FAILURE)
		return gpg_error(GPG_ERR_NOT_SUPPORTED);
	if (type != SSH_AGENT_EXTENSION_RESPONSE ||
	    view_get_string(&frame, 256, &name) ||
	    !is_ours(name, msg_row(id)->name))
		return gpg_error(GPG_ERR_BAD_DATA);
	return get_verdict(frame, id, code, text, reply);
}

gpg_error_t
datagram_put(struct buf *b, uint32_t serial, enum msg_id id, const void *in)
{
	buf_put_u8(b, msg_row(id)->code);
	buf_put_u32(b, serial);
	return msg_encode(b, id, in);
}

gpg_error_t
datagram_put_reply(struct buf *b, uint32_t serial, enum msg_id id,
    gpg_error_t code, const char *text, const void *reply)
{
	buf_put_u8(b, msg_row(id)->code | REPLY_BIT);
	buf_put_u32(b, serial);
	return put_verdict(b, id, code, text, reply);
}

gpg_error_t
datagram_get(struct view v, enum msg_scope scope, enum msg_id *id,
    uint32_t *serial, struct view *body)
{
	uint8_t code;

	if (view_get_u8(&v, &code) || view_get_u32(&v, serial))
		return gpg_error(GPG_ERR_TRUNCATED);
	*body = v;
	for (*id = 0; *id < MSG_COUNT; (*id)++)
		if (msg_row(*id)->scope == scope && msg_row(*id)->code == code)
			return 0;
	return gpg_error(GPG_ERR_UNKNOWN_COMMAND);
}

gpg_error_t
datagram_get_serial(struct view v, bool *is_reply, uint32_t *serial)
{
	uint8_t code;

	if (view_get_u8(&v, &code) || view_get_u32(&v, serial))
		return gpg_error(GPG_ERR_TRUNCATED);
	*is_reply = code & REPLY_BIT;
	return 0;
}

gpg_error_t
datagram_get_reply(struct view v, enum msg_id id, gpg_error_t *code,
    struct view *text, void *reply)
{
	uint32_t serial;
	uint8_t type;

	if (view_get_u8(&v, &type) || view_get_u32(&v, &serial))
		return gpg_error(GPG_ERR_TRUNCATED);
	if (type != (msg_row(id)->code | REPLY_BIT))
		return gpg_error(GPG_ERR_BAD_DATA);
	return get_verdict(v, id, code, text, reply);
}
