/*
 * Whatever bytes come over a socket: frames and messages are read within
 * their bounds, and what was understood is said again in the same bytes.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"
#include "wire/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define BUF_MAX (1024 * 1024)

union any {
	_Alignas(max_align_t) char bytes[1024];
};

static void
must(int truth)
{
	if (!truth)
		abort();
}

/* A list that was decoded gives just as many elements, to the last byte. */
static void
check_list(const struct msg_field *f, const struct msg_list *list)
{
	struct msg_list rest = *list;
	uint32_t n = 0;
	union any item;

	while (msg_list_next(&rest, f->item, &item))
		n++;
	must(n == list->count && rest.raw.len == 0);
}

static void
check_decoded(enum msg_id id, struct view body, const union any *in)
{
	struct buf again;

	for (const struct msg_field *f = msg_row(id)->fields; f->name; f++)
		if (f->type == FIELD_LIST)
			check_list(f, (const void *)(in->bytes + f->offset));
	buf_init(&again, BUF_MAX);
	must(!msg_encode(&again, id, in));
	must(view_eq(buf_view(&again), body));
	buf_free(&again);
}

static void
check_body(enum msg_id id, struct view body)
{
	union any out;

	must(msg_row(id)->size <= sizeof(out));
	if (!msg_decode(id, body, &out)) {
		check_decoded(id, body, &out);
		return;
	}
	for (size_t i = 0; i < msg_row(id)->size; i++)
		must(out.bytes[i] == 0);
}

static void
check_frames(struct view v)
{
	struct view frame, body;
	enum msg_id id;
	struct buf b;

	buf_init(&b, BUF_MAX);
	buf_put_view(&b, v);
	while (!frame_peek(&b, &frame)) {
		must(frame.len > 0 && frame.len <= FRAME_MAX);
		must(frame_size(frame) <= buf_len(&b));
		if (!frame_get_request(frame, &id, &body)) {
			must(id < MSG_COUNT);
			check_body(id, body);
		}
		buf_consume(&b, frame_size(frame));
	}
	buf_free(&b);
}

static void
check_verdict(gpg_error_t err, gpg_error_t code, struct view text)
{
	if (err)
		return;
	must(text_is_clean(text));
	must(code == gpg_error(gpg_err_code(code)));
}

static void
check_replies(enum msg_id id, struct view v)
{
	enum msg_scope scope = msg_row(id)->scope;
	struct view text = { NULL, 0 };
	gpg_error_t err, code = 0;
	union any out;

	if (scope == SCOPE_ANY || scope == SCOPE_LOCAL) {
		err = frame_get_reply(v, id, &code, &text, &out);
		check_verdict(err, code, text);
	} else if (scope >= SCOPE_TOKEN) {
		err = datagram_get_reply(v, id, &code, &text, &out);
		check_verdict(err, code, text);
	}
}

static void
check_datagrams(struct view v)
{
	struct view body;
	uint32_t serial;
	enum msg_id id;

	for (enum msg_scope s = SCOPE_TOKEN; s <= SCOPE_PIN; s++)
		if (!datagram_get(v, s, &id, &serial, &body)) {
			must(msg_row(id)->scope == s);
			check_body(id, body);
		}
}

static void
check_text(struct view v)
{
	char dst[64];
	size_t size = v.len > 0 ? 4 + v.p[0] % 60 : 4;

	text_clean(dst, size, v);
	must(strlen(dst) < size);
	must(text_is_clean(view_str(dst)));
	must(!text_is_clean(v) || v.len >= size ||
	    view_eq(view_str(dst), v));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);
	uint8_t id;

	check_frames(v);
	check_datagrams(v);
	check_text(v);
	if (view_get_u8(&v, &id))
		return 0;
	/* The first byte chooses the message that the rest might be. */
	check_body(id % MSG_COUNT, v);
	check_replies(id % MSG_COUNT, v);
	return 0;
}
