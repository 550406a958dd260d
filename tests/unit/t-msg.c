/* Every message of the table survives its way, whole or refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/frame.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

#define BIG (8 * 1024 * 1024)

/* The struct of any message. */
union any {
	_Alignas(max_align_t) char bytes[1024];
};

#define POOLS 12

static char xs[512 * 1024];

static bool
is_bytes(enum field_type type)
{
	return type == FIELD_TEXT || type == FIELD_BYTES ||
	    type == FIELD_SECRET || type == FIELD_REST;
}

/* How long the field is that takes all that is left: the message's last. */
static size_t
rest_len(enum msg_id id, const union any *in)
{
	for (const struct msg_field *f = msg_row(id)->fields; f->name; f++)
		if (f->type == FIELD_REST) {
			assert_null(f[1].name);
			return ((const struct view *)(in->bytes +
			    f->offset))->len;
		}
	return 0;
}

/* Writes a message without any check, as a hostile peer may. */
static void
put_raw(struct buf *b, enum msg_id id, const void *in)
{
	for (const struct msg_field *f = msg_row(id)->fields; f->name; f++) {
		const void *p = (const char *)in + f->offset;

		if (f->type == FIELD_REST) {
			buf_put_view(b, *(const struct view *)p);
		} else if (is_bytes(f->type)) {
			buf_put_string(b, *(const struct view *)p);
		} else if (f->type == FIELD_U8) {
			buf_put_u8(b, *(const uint8_t *)p);
		} else if (f->type == FIELD_U32) {
			buf_put_u32(b, *(const uint32_t *)p);
		} else if (f->type == FIELD_U64) {
			buf_put_u64(b, *(const uint64_t *)p);
		} else {
			buf_put_u32(b, ((const struct msg_list *)p)->count);
			buf_put_view(b, ((const struct msg_list *)p)->raw);
		}
	}
	assert_int_equal(buf_error(b), 0);
}

static void fill(enum msg_id, void *, struct buf *pool, uint32_t items);

static void
fill_list(struct msg_list *l, enum msg_id item, struct buf *pool, uint32_t n)
{
	union any in;

	/* The next pools are for the elements' own lists. */
	buf_reset(pool);
	for (uint32_t i = 0; i < n; i++) {
		fill(item, &in, pool + 1, 1);
		put_raw(pool, item, &in);
	}
	l->count = n;
	l->raw = buf_view(pool);
}

/*
 * Values that differ by field, so that none can stand in for another.  Lists
 * get so many items, which live in the pools, one for each.
 */
static void
fill(enum msg_id id, void *out, struct buf *pool, uint32_t items)
{
	uint8_t n = 1;

	memset(out, 0, msg_row(id)->size);
	for (const struct msg_field *f = msg_row(id)->fields; f->name;
	    f++, n++) {
		void *p = (char *)out + f->offset;

		if (is_bytes(f->type))
			*(struct view *)p = view_of("t\xc3\xa4xt"
			    "text text text text text text text",
			    f->max < 5 + (size_t)n ? f->max : 5 + (size_t)n);
		else if (f->type == FIELD_U8)
			*(uint8_t *)p = n;
		else if (f->type == FIELD_U32)
			*(uint32_t *)p = 0x01020300 + n;
		else if (f->type == FIELD_U64)
			*(uint64_t *)p = 0x0102030405060700 + n;
		else
			fill_list(p, f->item, pool++,
			    f->max < items ? (uint32_t)f->max : items);
	}
}

/*
 * One message with its lists filled.  A message has at most three lists, and
 * their elements have at most three more, so each gets four pools.
 */
struct sample {
	union any in;
	struct buf pools[POOLS];
	size_t used;
	struct buf body;
};

static void
sample_make(struct sample *s, enum msg_id id)
{
	size_t next = 0;

	assert_true(msg_row(id)->size <= sizeof(s->in));
	for (size_t i = 0; i < POOLS; i++)
		buf_init(&s->pools[i], BIG);
	fill(id, &s->in, &s->pools[0], 0);
	for (const struct msg_field *f = msg_row(id)->fields; f->name; f++)
		if (f->type == FIELD_LIST) {
			assert_true(next < POOLS);
			fill_list((void *)(s->in.bytes + f->offset), f->item,
			    &s->pools[next], f->max < 2 ? 1 : 2);
			next += 4;
		}
	buf_init(&s->body, BIG);
	assert_int_equal(msg_encode(&s->body, id, &s->in), 0);
}

static void
sample_free(struct sample *s)
{
	for (size_t i = 0; i < POOLS; i++)
		buf_free(&s->pools[i]);
	buf_free(&s->body);
}

static void
assert_same(enum msg_id id, const void *a, const void *b)
{
	for (const struct msg_field *f = msg_row(id)->fields; f->name; f++) {
		const void *pa = (const char *)a + f->offset;
		const void *pb = (const char *)b + f->offset;

		if (is_bytes(f->type)) {
			assert_true(view_eq(*(const struct view *)pa,
			    *(const struct view *)pb));
		} else if (f->type == FIELD_LIST) {
			const struct msg_list *la = pa, *lb = pb;

			assert_int_equal(la->count, lb->count);
			assert_true(view_eq(la->raw, lb->raw));
		} else {
			assert_memory_equal(pa, pb, f->max);
		}
	}
}

static void
test_every_message_round_trips(void **state)
{
	struct sample s;
	struct buf again;
	union any out;

	for (enum msg_id id = 0; id < MSG_COUNT; id++) {
		sample_make(&s, id);
		assert_int_equal(msg_decode(id, buf_view(&s.body), &out), 0);
		assert_same(id, &s.in, &out);
		buf_init(&again, BIG);
		assert_int_equal(msg_encode(&again, id, &out), 0);
		assert_true(view_eq(buf_view(&s.body), buf_view(&again)));
		buf_free(&again);
		sample_free(&s);
	}
}

/* A copy of exactly that size, so that a sanitizer sees its end. */
static gpg_error_t
decode_copy(enum msg_id id, struct view v, union any *out)
{
	uint8_t *copy = malloc(v.len);
	gpg_error_t err;

	if (v.len > 0)
		memcpy(copy, v.p, v.len);
	memset(out, 0xa5, sizeof(*out));
	err = msg_decode(id, view_of(copy, v.len), out);
	free(copy);
	return err;
}

static void
assert_zeroed(enum msg_id id, const union any *out)
{
	for (size_t i = 0; i < msg_row(id)->size; i++)
		assert_int_equal(out->bytes[i], 0);
}

static void
test_every_truncation_is_refused(void **state)
{
	struct sample s;
	union any out;

	for (enum msg_id id = 0; id < MSG_COUNT; id++) {
		sample_make(&s, id);
		for (size_t n = 0; n < buf_len(&s.body); n++) {
			struct view cut = view_of(s.body.data, n);
			bool whole = n + rest_len(id, &s.in) >=
			    buf_len(&s.body);

			assert_code(decode_copy(id, cut, &out),
			    whole ? 0 : GPG_ERR_TRUNCATED);
			if (!whole)
				assert_zeroed(id, &out);
		}
		sample_free(&s);
	}
}

static void
test_trailing_bytes_are_refused(void **state)
{
	struct sample s;
	union any out;

	for (enum msg_id id = 0; id < MSG_COUNT; id++) {
		sample_make(&s, id);
		buf_put_u8(&s.body, 0);
		if (rest_len(id, &s.in)) {
			assert_code(decode_copy(id, buf_view(&s.body), &out),
			    0);
			assert_int_equal(rest_len(id, &out),
			    rest_len(id, &s.in) + 1);
		} else {
			assert_code(decode_copy(id, buf_view(&s.body), &out),
			    GPG_ERR_BAD_DATA);
			assert_zeroed(id, &out);
		}
		sample_free(&s);
	}
}

/* What becomes of the message, to the encoder and to the decoder. */
static void
assert_both(enum msg_id id, const union any *in, gpg_err_code_t code)
{
	struct buf body;
	union any out;

	buf_init(&body, BIG);
	assert_code(msg_encode(&body, id, in), code);
	buf_reset(&body);
	put_raw(&body, id, in);
	assert_code(decode_copy(id, buf_view(&body), &out), code);
	buf_free(&body);
}

static void
test_every_bound_is_kept(void **state)
{
	struct sample s;

	memset(xs, 'x', sizeof(xs));
	for (enum msg_id id = 0; id < MSG_COUNT; id++) {
		sample_make(&s, id);
		for (const struct msg_field *f = msg_row(id)->fields; f->name;
		    f++) {
			struct view *v = (void *)(s.in.bytes + f->offset);
			struct view was;

			if (!is_bytes(f->type))
				continue;
			was = *v;
			assert_true(f->max < sizeof(xs));
			*v = view_of(xs, f->max);
			assert_both(id, &s.in, 0);
			*v = view_of(xs, f->max + 1);
			assert_both(id, &s.in, GPG_ERR_TOO_LARGE);
			*v = view_of(NULL, 0);
			assert_both(id, &s.in, 0);
			*v = was;
		}
		sample_free(&s);
	}
}

static void
test_every_list_is_bounded(void **state)
{
	struct buf pools[4];
	struct sample s;

	for (enum msg_id id = 0; id < MSG_COUNT; id++) {
		sample_make(&s, id);
		for (const struct msg_field *f = msg_row(id)->fields; f->name;
		    f++) {
			struct msg_list *l = (void *)(s.in.bytes + f->offset);
			struct msg_list was;

			if (f->type != FIELD_LIST)
				continue;
			was = *l;
			for (size_t i = 0; i < 4; i++)
				buf_init(&pools[i], BIG);
			fill_list(l, f->item, pools, (uint32_t)f->max);
			assert_both(id, &s.in, 0);
			fill_list(l, f->item, pools, (uint32_t)f->max + 1);
			assert_both(id, &s.in, GPG_ERR_TOO_LARGE);
			for (size_t i = 0; i < 4; i++)
				buf_free(&pools[i]);
			*l = was;
		}
		sample_free(&s);
	}
}

static void
test_every_text_is_clean(void **state)
{
	static const char *const dirt[] = { "\x1b[2J", "\n", "\xff",
		"\xe2\x80\xae", "\xc0\x80" };
	struct sample s;

	for (enum msg_id id = 0; id < MSG_COUNT; id++) {
		sample_make(&s, id);
		for (const struct msg_field *f = msg_row(id)->fields; f->name;
		    f++) {
			struct view *v = (void *)(s.in.bytes + f->offset);
			struct view was;

			if (!is_bytes(f->type))
				continue;
			was = *v;
			for (size_t i = 0; i < 5; i++) {
				*v = view_str(dirt[i]);
				assert_both(id, &s.in, f->type == FIELD_TEXT ?
				    GPG_ERR_INV_VALUE : 0);
			}
			*v = was;
		}
		sample_free(&s);
	}
}

static void
test_list_elements_come_back(void **state)
{
	struct msg_list list = { 0, { NULL, 0 } };
	struct msg_ssh_identity in, out;
	struct buf b;

	buf_init(&b, BIG);
	for (int i = 0; i < 3; i++) {
		in.key = view_of("key", (size_t)i + 1);
		in.comment = view_of("comment", (size_t)i + 1);
		assert_int_equal(msg_list_add(&b, &list, MSG_ssh_identity,
		    &in), 0);
	}
	for (int i = 0; i < 3; i++) {
		assert_true(msg_list_next(&list, MSG_ssh_identity, &out));
		assert_int_equal(out.key.len, i + 1);
		assert_int_equal(out.comment.len, i + 1);
	}
	assert_false(msg_list_next(&list, MSG_ssh_identity, &out));
	list.count = 1;		/* says more than there is */
	assert_false(msg_list_next(&list, MSG_ssh_identity, &out));
	buf_free(&b);
}

static void
test_frame_is_judged_by_its_length_alone(void **state)
{
	struct view frame;
	struct buf b;

	buf_init(&b, FRAME_MAX + 16);
	for (int i = 0; i < 4; i++) {
		assert_code(frame_peek(&b, &frame), GPG_ERR_INCOMPLETE_LINE);
		buf_put_u8(&b, 0);
	}
	assert_code(frame_peek(&b, &frame), GPG_ERR_INV_LENGTH);
	buf_reset(&b);
	buf_put_u32(&b, FRAME_MAX + 1);
	assert_code(frame_peek(&b, &frame), GPG_ERR_TOO_LARGE);
	buf_reset(&b);
	buf_put_u32(&b, UINT32_MAX);
	assert_code(frame_peek(&b, &frame), GPG_ERR_TOO_LARGE);
	buf_reset(&b);
	buf_put_u32(&b, FRAME_MAX);
	assert_code(frame_peek(&b, &frame), GPG_ERR_INCOMPLETE_LINE);
	buf_put(&b, xs, FRAME_MAX - 1);
	assert_code(frame_peek(&b, &frame), GPG_ERR_INCOMPLETE_LINE);
	buf_put(&b, "ab", 2);
	assert_code(frame_peek(&b, &frame), 0);
	assert_int_equal(frame.len, FRAME_MAX);
	assert_int_equal(frame_size(frame), FRAME_MAX + 4);
	buf_consume(&b, frame_size(frame));
	assert_int_equal(buf_len(&b), 1);
	buf_free(&b);
}

static void
take_request(struct buf *b, enum msg_id want, struct view want_body)
{
	struct view frame, body;
	enum msg_id id;

	assert_int_equal(frame_peek(b, &frame), 0);
	assert_int_equal(frame_size(frame), buf_len(b));
	assert_int_equal(frame_get_request(frame, &id, &body), 0);
	assert_int_equal(id, want);
	assert_true(view_eq(body, want_body));
	for (size_t n = 0; n + want_body.len < frame.len; n++)
		assert_int_not_equal(frame_get_request(view_of(frame.p, n),
		    &id, &body), 0);
}

/* SSH's: the type, and of extensions the name, then the body. */
static void
put_ssh_request(struct buf *b, enum msg_id id, struct view body)
{
	size_t place = buf_open(b);

	buf_put_u8(b, msg_row(id)->code);
	if (msg_row(id)->code == SSH_AGENTC_EXTENSION)
		buf_put_cstring(b, msg_row(id)->name);
	buf_put_view(b, body);
	buf_close(b, place);
}

static void
test_every_request_is_known_again(void **state)
{
	struct sample s;
	struct buf b;

	for (enum msg_id id = 0; id < MSG_COUNT; id++) {
		const struct msg_row *row = msg_row(id);

		sample_make(&s, id);
		buf_init(&b, BIG);
		if (row->scope == SCOPE_SSH)
			put_ssh_request(&b, id, buf_view(&s.body));
		else if (row->scope == SCOPE_ANY || row->scope == SCOPE_LOCAL)
			assert_int_equal(frame_put_request(&b, id, &s.in), 0);
		if (buf_len(&b) > 0)
			take_request(&b, id, buf_view(&s.body));
		buf_free(&b);
		sample_free(&s);
	}
}

static gpg_error_t
get_request(uint8_t type, const char *name, enum msg_id *id)
{
	struct view body;
	struct buf b;
	gpg_error_t err;

	buf_init(&b, 1024);
	buf_put_u8(&b, type);
	if (name)
		buf_put_cstring(&b, name);
	err = frame_get_request(buf_view(&b), id, &body);
	buf_free(&b);
	return err;
}

static void
test_what_is_no_request_of_ours_is_unknown(void **state)
{
	static const char *const names[] = { "", "@" WIRE_DOMAIN,
		"wait-v1", "wait-v1@", "wait-v2@" WIRE_DOMAIN,
		"wait-v1@openssh.com", "wait-v1@" WIRE_DOMAIN "x",
		"wait-v1@touchstone.invalie",
		"xwait-v1@" WIRE_DOMAIN, "session-bind",
		"session-bind@" WIRE_DOMAIN, "session-bind@openssh.comx",
		"session-bind@openssh.com@" WIRE_DOMAIN,
		"open@" WIRE_DOMAIN, "pin@" WIRE_DOMAIN,
		"request-identities@" WIRE_DOMAIN };
	enum msg_id id;

	assert_int_equal(get_request(27, "wait-v1@" WIRE_DOMAIN, &id), 0);
	assert_int_equal(id, MSG_wait);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_code(get_request(27, names[i], &id),
		    GPG_ERR_UNKNOWN_COMMAND);
	assert_code(get_request(27, NULL, &id), GPG_ERR_TRUNCATED);
	/* The types of other rows are none on the sockets of clients. */
	for (int type = 0; type < 256; type++) {
		gpg_err_code_t want = GPG_ERR_UNKNOWN_COMMAND;

		if (memchr("\13\15\21\22\23\24\25\26\27\31\32", type, 11))
			want = 0;
		if (type != 27)
			assert_code(get_request((uint8_t)type, NULL, &id),
			    want);
	}
}

static void
check_reply(enum msg_id id, struct sample *s)
{
	enum msg_id reply = msg_row(id)->reply;
	struct view frame, text;
	struct buf b;
	union any out;
	gpg_error_t code;

	buf_init(&b, BIG);
	assert_int_equal(frame_put_reply(&b, id, 0, NULL, &s->in), 0);
	assert_int_equal(frame_peek(&b, &frame), 0);
	assert_int_equal(frame_get_reply(frame, id, &code, &text, &out), 0);
	assert_code(code, 0);
	assert_int_equal(text.len, 0);
	assert_same(reply, &s->in, &out);
	for (size_t n = 0; n < frame.len; n++)
		assert_int_not_equal(frame_get_reply(view_of(frame.p, n), id,
		    &code, &text, &out), 0);
	buf_reset(&b);
	assert_int_equal(frame_put_reply(&b, id,
	    gpg_error(GPG_ERR_CANCELED), "no\x1b", NULL), 0);
	assert_int_equal(frame_peek(&b, &frame), 0);
	assert_int_equal(frame_get_reply(frame, id, &code, &text, &out), 0);
	assert_code(code, GPG_ERR_CANCELED);
	assert_true(view_eq_str(text, "no?"));
	/* It is the reply to no other request. */
	assert_code(frame_get_reply(frame, id == MSG_wait ? MSG_more :
	    MSG_wait, &code, &text, &out), GPG_ERR_BAD_DATA);
	buf_free(&b);
}

static void
test_every_reply_comes_back(void **state)
{
	struct sample s;

	for (enum msg_id id = 0; id < MSG_COUNT; id++) {
		enum msg_scope scope = msg_row(id)->scope;

		if (scope != SCOPE_ANY && scope != SCOPE_LOCAL)
			continue;
		sample_make(&s, msg_row(id)->reply);
		check_reply(id, &s);
		sample_free(&s);
	}
}

static gpg_error_t
get_verdict(uint32_t code, const char *text, const char *tail)
{
	struct view got;
	gpg_error_t err, out;
	struct msg_empty reply;
	struct buf b;

	buf_init(&b, 4096);
	buf_put_u8(&b, SSH_AGENT_EXTENSION_RESPONSE);
	buf_put_cstring(&b, "forget-v1@" WIRE_DOMAIN);
	buf_put_u32(&b, code);
	buf_put_cstring(&b, text);
	buf_put_text(&b, tail);
	err = frame_get_reply(buf_view(&b), MSG_forget, &out, &got, &reply);
	buf_free(&b);
	return err;
}

static void
test_verdict_is_whole_or_refused(void **state)
{
	static const uint8_t failure = SSH_AGENT_FAILURE, success = 6;
	struct msg_empty reply;
	struct view text;
	gpg_error_t code;

	assert_code(get_verdict(0, "", ""), 0);
	assert_code(get_verdict(GPG_ERR_BAD_PIN, "why", ""), 0);
	assert_code(get_verdict(0, "", "x"), GPG_ERR_BAD_DATA);
	assert_code(get_verdict(GPG_ERR_BAD_PIN, "why", "x"),
	    GPG_ERR_BAD_DATA);
	assert_code(get_verdict(GPG_ERR_BAD_PIN, "w\x1bhy", ""),
	    GPG_ERR_INV_VALUE);
	assert_code(get_verdict(0x10000, "", ""), GPG_ERR_INV_VALUE);
	assert_code(frame_get_reply(view_of(&failure, 1), MSG_forget, &code,
	    &text, &reply), GPG_ERR_NOT_SUPPORTED);
	assert_code(frame_get_reply(view_of(&success, 1), MSG_forget, &code,
	    &text, &reply), GPG_ERR_BAD_DATA);
}

/* A message that has no room leaves no half of it behind. */
static void
test_frame_that_does_not_fit_is_taken_back(void **state)
{
	struct msg_ssh_sign_request in = { .key = view_of(xs, 200),
		.data = view_of(xs, 262000) };
	struct buf b;

	buf_init(&b, BIG);
	buf_put_u8(&b, 1);
	assert_code(frame_put(&b, 13, MSG_ssh_sign_request, &in),
	    GPG_ERR_TOO_LARGE);
	assert_int_equal(buf_len(&b), 1);
	in.key.len = 100;
	assert_int_equal(frame_put(&b, 13, MSG_ssh_sign_request, &in), 0);
	buf_free(&b);

	buf_init(&b, 1000);	/* its own bound, not the frame's */
	assert_code(frame_put(&b, 13, MSG_ssh_sign_request, &in),
	    GPG_ERR_TOO_LARGE);
	assert_int_equal(buf_len(&b), 0);
	buf_free(&b);
}

static void
check_datagram(enum msg_id id, struct sample *s)
{
	enum msg_scope scope = msg_row(id)->scope;
	enum msg_id got;
	struct view body;
	uint32_t serial;
	bool is_reply;
	struct buf b;

	buf_init(&b, BIG);
	assert_int_equal(datagram_put(&b, 0x01020304, id, &s->in), 0);
	assert_int_equal(datagram_get(buf_view(&b), scope, &got, &serial,
	    &body), 0);
	assert_int_equal(got, id);
	assert_int_equal(serial, 0x01020304);
	assert_true(view_eq(body, buf_view(&s->body)));
	assert_int_equal(datagram_get_serial(buf_view(&b), &is_reply,
	    &serial), 0);
	assert_false(is_reply);
	for (size_t n = 0; n < 5; n++)
		assert_code(datagram_get(view_of(b.data, n), scope, &got,
		    &serial, &body), GPG_ERR_TRUNCATED);
	b.data[0] |= 0x80;
	assert_code(datagram_get(buf_view(&b), scope, &got, &serial, &body),
	    GPG_ERR_UNKNOWN_COMMAND);
	buf_free(&b);
}

static void
check_datagram_reply(enum msg_id id, struct sample *s)
{
	struct view text;
	gpg_error_t code;
	uint32_t serial;
	bool is_reply;
	struct buf b;
	union any out;

	buf_init(&b, BIG);
	assert_int_equal(datagram_put_reply(&b, 7, id, 0, NULL, &s->in), 0);
	assert_int_equal(datagram_get_serial(buf_view(&b), &is_reply,
	    &serial), 0);
	assert_true(is_reply);
	assert_int_equal(serial, 7);
	assert_int_equal(datagram_get_reply(buf_view(&b), id, &code, &text,
	    &out), 0);
	assert_same(msg_row(id)->reply, &s->in, &out);
	for (size_t n = 0; n < buf_len(&b); n++)
		assert_int_not_equal(datagram_get_reply(view_of(b.data, n),
		    id, &code, &text, &out), 0);
	b.data[0] ^= 0x40;
	assert_code(datagram_get_reply(buf_view(&b), id, &code, &text, &out),
	    GPG_ERR_BAD_DATA);
	buf_free(&b);
}

static void
test_every_datagram_is_known_again(void **state)
{
	struct sample s;

	for (enum msg_id id = 0; id < MSG_COUNT; id++) {
		if (msg_row(id)->scope < SCOPE_TOKEN)
			continue;
		sample_make(&s, id);
		check_datagram(id, &s);
		sample_free(&s);
		sample_make(&s, msg_row(id)->reply);
		check_datagram_reply(id, &s);
		sample_free(&s);
	}
}

/* Two rows with one code, or one name, could not be told apart. */
static void
test_rows_are_told_apart(void **state)
{
	for (enum msg_id a = 0; a < MSG_COUNT; a++)
		for (enum msg_id b = 0; b < a; b++) {
			const struct msg_row *ra = msg_row(a);
			const struct msg_row *rb = msg_row(b);

			if (!ra->scope || !rb->scope)
				continue;
			if (ra->scope == rb->scope && ra->code != 27)
				assert_int_not_equal(ra->code, rb->code);
			if (ra->code == 27 && rb->code == 27)
				assert_string_not_equal(ra->name, rb->name);
			assert_true(ra->scope < SCOPE_TOKEN ||
			    ra->code < 0x80);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_message_round_trips),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_trailing_bytes_are_refused),
		cmocka_unit_test(test_every_bound_is_kept),
		cmocka_unit_test(test_every_list_is_bounded),
		cmocka_unit_test(test_every_text_is_clean),
		cmocka_unit_test(test_list_elements_come_back),
		cmocka_unit_test(test_frame_is_judged_by_its_length_alone),
		cmocka_unit_test(test_every_request_is_known_again),
		cmocka_unit_test(test_what_is_no_request_of_ours_is_unknown),
		cmocka_unit_test(test_every_reply_comes_back),
		cmocka_unit_test(test_verdict_is_whole_or_refused),
		cmocka_unit_test(test_frame_that_does_not_fit_is_taken_back),
		cmocka_unit_test(test_every_datagram_is_known_again),
		cmocka_unit_test(test_rows_are_told_apart),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
