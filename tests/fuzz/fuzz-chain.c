/*
 * Whatever an audit log holds: the check says the same of it however it is
 * cut into pieces, and any text that can be written is read back.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "format/chain.h"
#include "wire/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int truth)
{
	if (!truth)
		abort();
}

static gpg_error_t
check(struct chain_check *k, struct view v, size_t piece)
{
	gpg_error_t err = 0;
	struct view head;

	chain_check_init(k);
	while (!err && v.len > 0) {
		must(!view_get_bytes(&v, v.len < piece ? v.len : piece, &head));
		err = chain_check_feed(k, head);
	}
	if (!err)
		err = chain_check_end(k);
	chain_check_free(k);
	must(!err == !k->broken && !err == !k->why[0]);
	must(text_is_clean(view_str(k->why)));
	return err;
}

static void
check_pieces(struct view v, size_t piece)
{
	struct chain_check whole, cut;

	must(check(&whole, v, v.len ? v.len : 1) == check(&cut, v, piece));
	must(whole.line == cut.line && whole.broken == cut.broken);
	must(!strcmp(whole.why, cut.why));
	must(!memcmp(whole.chain.prev, cut.chain.prev, CHAIN_HASH_LEN));
}

/* The bytes as the text of a record: refused, or read back. */
static void
check_text(struct view v)
{
	char *text = view_strdup(v), why[CHAIN_WHY];
	struct chain c, again;
	struct chain_record r;
	struct buf b;
	gpg_error_t err;

	if (!text)
		return;
	buf_init(&b, CHAIN_LINE_MAX);
	chain_init(&c);
	chain_init(&again);
	chain_begin(&r, &b, &c, v.len, "event");
	chain_put_text(&r, "text", text);
	err = chain_end(&r, &c);
	must(!err || buf_len(&b) == 0);
	must(text_is_clean(v) || err);
	must(!text_is_clean(v) || v.len > CHAIN_LINE_MAX / 3 || !err);
	if (!err) {
		must(!chain_check_line(&again, buf_view(&b), why));
		must(again.seq == c.seq);
		must(!memcmp(again.prev, c.prev, CHAIN_HASH_LEN));
	}
	buf_free(&b);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);
	uint8_t piece;

	check_text(v);
	if (view_get_u8(&v, &piece))
		return 0;
	check_pieces(v, (size_t)piece + 1);
	return 0;
}
