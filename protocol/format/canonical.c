/* Canonical JSON. */
#include "config.h"

#include "format/canonical.h"
#include "object/json.h"

static int
put_piece(const char *bytes, size_t len, void *b)
{
	return buf_put(b, bytes, len) ? -1 : 0;
}

/*
 * Without control characters the library escapes what canonical JSON does,
 * and sorts by bytes.
 */
gpg_error_t
canonical_put(struct buf *b, const json_t *value)
{
	if (!json_is_plain(value))
		return gpg_error(GPG_ERR_BAD_DATA);
	if (json_dump_callback(value, put_piece, b, JSON_COMPACT |
	    JSON_SORT_KEYS | JSON_ENCODE_ANY) && !buf_error(b))
		return gpg_error(GPG_ERR_ENOMEM);
	return buf_error(b);
}

bool
canonical_is(struct view bytes, const json_t *value)
{
	struct buf b;
	bool same;

	buf_init(&b, bytes.len);
	same = !canonical_put(&b, value) && view_eq(buf_view(&b), bytes);
	buf_free(&b);
	return same;
}
