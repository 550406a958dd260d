/*
 * Commands and answers: parsed, put together where chained (CLA 10), given
 * out in parts of 256 bytes (61xx, GET RESPONSE), logged and counted.
 */
#include <config.h>

#include <string.h>

#include "card.h"

#define INS_GET_RESPONSE 0xc0
#define PART_MAX 256

static size_t
u16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* ISO 7816-3, 12.1.3: cases 1, 2S, 3S, 4S and 2E, 3E, 4E. */
bool
apdu_parse(struct bytes raw, struct apdu *a)
{
	size_t lc, le_len;
	struct bytes le;

	if (raw.len < 4)
		return false;
	*a = (struct apdu){ .cla = raw.p[0], .ins = raw.p[1], .p1 = raw.p[2],
		.p2 = raw.p[3], .data = { NULL, 0 } };
	bytes_take(&raw, 4, &le);
	if (raw.len == 0)
		return true;
	a->extended = raw.p[0] == 0 && raw.len >= 3;
	le_len = a->extended ? 2 : 1;
	if (a->extended)
		bytes_take(&raw, 1, &le);
	if (raw.len > le_len) {
		lc = a->extended ? u16(raw.p) : raw.p[0];
		if (!bytes_take(&raw, le_len, &le) || lc == 0 ||
		    !bytes_take(&raw, lc, &a->data))
			return false;
		if (raw.len == 0)
			return true;
	}
	if (raw.len != le_len)
		return false;
	a->le = a->extended ? u16(raw.p) : raw.p[0];
	return true;
}

static void
put_sw(struct out *answer, uint16_t sw)
{
	out_u8(answer, sw >> 8);
	out_u8(answer, sw & 0xff);
}

/* The next part of what is left, with how much is left after it. */
static uint16_t
put_part(struct session *s, size_t max, struct out *answer)
{
	size_t left = s->rest.len - s->rest_at;
	size_t part = left < max ? left : max;

	if (s->endless) {
		memset(out_room(answer, s->endless_part), 0x5a,
		    s->endless_part);
		return SW_MORE;
	}
	out_put(answer, bytes_of(s->rest.p + s->rest_at, part));
	s->rest_at += part;
	left -= part;
	if (left == 0) {
		s->rest.len = s->rest_at = 0;
		return SW_OK;
	}
	return SW_MORE | (left < PART_MAX ? left : 0);
}

static uint16_t
give(struct session *s, const struct apdu *a, const struct out *re,
    uint16_t sw, struct out *answer)
{
	if (sw != SW_OK && !s->endless) {
		out_put(answer, out_bytes(re));
		return sw;
	}
	s->rest = *re;
	s->rest_at = 0;
	return put_part(s, a->extended ? OUT_MAX : PART_MAX, answer);
}

/* More of a chained command; SW_NONE when it is whole, in *a. */
static uint16_t
collect(struct session *s, struct apdu *a)
{
	bool more = a->cla & 0x10;

	if (s->chain.len > 0 && s->chain_ins != a->ins)
		s->chain.len = 0;
	if (!more && s->chain.len == 0)
		return SW_NONE;
	s->chain_ins = a->ins;
	out_put(&s->chain, a->data);
	if (s->chain.full) {
		s->chain = (struct out){ .len = 0 };
		return SW_LENGTH;
	}
	if (more)
		return SW_OK;
	a->data = out_bytes(&s->chain);
	return SW_NONE;
}

static void
count(struct counts *n, const struct apdu *a)
{
	bool last = !(a->cla & 0x10);

	n->selects += a->ins == 0xa4;
	n->verifies += a->ins == 0x20 && a->data.len > 0;
	n->asks += a->ins == 0x20 && a->data.len == 0;
	n->signs += a->ins == 0x87 && last && a->p2 != SLOT_MGM;
	n->logins += a->ins == 0x87 && last && a->p2 == SLOT_MGM;
}

static uint16_t
run(struct card *c, struct apdu *a, struct out *answer)
{
	struct session *s = &c->session;
	struct out re = { .len = 0 };
	struct fault f;
	uint16_t sw;

	if (a->ins == INS_GET_RESPONSE) {
		f = fault_take(c, a->ins);
		sw = fault_before(c, &f, a);
		return sw == SW_OK ?
		    put_part(s, a->le > 0 ? a->le : PART_MAX, answer) : sw;
	}
	s->rest.len = s->rest_at = 0;
	s->endless = false;
	sw = collect(s, a);
	f = fault_take(c, sw == SW_NONE ? a->ins : -1);
	if (sw == SW_NONE) {
		sw = fault_before(c, &f, a);
		if (sw == SW_OK)
			sw = applet_run(c, a, &re);
		s->chain.len = 0;
	} else if (fault_before(c, &f, a) == SW_NONE) {
		sw = SW_NONE;
	}
	if (sw == SW_OK)
		fault_after(c, &f, &re);
	if (re.full) {
		re = (struct out){ .len = 0 };
		sw = SW_BROKEN;
	}
	sw = give(s, a, &re, sw, answer);
	if (f.kind == FAULT_BARE && sw != SW_NONE) {
		put_sw(answer, sw);
		answer->len = f.arg > 0 && (size_t)f.arg < answer->len ?
		    (size_t)f.arg : 1;
		return SW_NONE;
	}
	return sw;
}

/* What a PIN instruction carries is not for a log. */
static void
log_apdu(struct card *c, const struct apdu *a, uint16_t sw, size_t len,
    long long ms)
{
	char hex[2 * OUT_MAX + 1] = "";

	if (a->ins != 0x20 && a->ins != 0x24 && a->ins != 0x2c &&
	    a->data.len <= OUT_MAX)
		hex_encode(a->data, hex);
	card_log(c, "apdu %lu %02x%02x%02x%02x lc=%zu sw=%04x re=%zu ms=%lld"
	    "%s%s", c->counts.apdus, a->cla, a->ins, a->p1, a->p2,
	    a->data.len, sw, len, ms, *hex != '\0' ? " " : "", hex);
}

bool
apdu_answer(struct card *c, struct bytes raw, struct out *answer)
{
	long long start = now_ms();
	struct apdu a, whole;
	uint16_t sw;

	c->counts.apdus++;
	if (!apdu_parse(raw, &a)) {
		card_log(c, "apdu %lu is nonsense", c->counts.apdus);
		put_sw(answer, SW_LENGTH);
		return true;
	}
	count(&c->counts, &a);
	whole = a;
	sw = run(c, &whole, answer);
	log_apdu(c, &a, sw, answer->len, now_ms() - start);
	if (c->reader < 0)
		return false;
	if (sw != SW_NONE)
		put_sw(answer, sw);
	return answer->len > 0;
}
