/* The audit log's lines: written by hand, since that is done for each
 * signature, and read by jansson. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "format/chain.h"
#include "wire/text.h"

void
chain_init(struct chain *c)
{
	*c = (struct chain){ .seq = 1 };
}

/* Goes on behind a line that was record number seq. */
static gpg_error_t
go_on(struct chain *c, uint64_t seq, struct view line)
{
	uint8_t hash[CHAIN_HASH_LEN];

	if (!EVP_Digest(line.p, line.len, hash, NULL, EVP_sha256(), NULL))
		return gpg_error(GPG_ERR_DIGEST_ALGO);
	memcpy(c->prev, hash, sizeof(hash));
	c->seq = seq + 1;
	return 0;
}

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The date, counted from 1970; a clock that is far off stays at year 9999. */
static void
put_date(struct buf *b, uint64_t days)
{
	static const uint8_t len[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31 };
	unsigned year = 1970, month = 0, n;

	while (days >= (n = is_leap(year) ? 366 : 365) && year < 9999) {
		days -= n;
		year++;
	}
	while (month < 11 && days >=
	    (n = len[month] + (month == 1 && is_leap(year)))) {
		days -= n;
		month++;
	}
	buf_putf(b, "%04u-%02u-%02u", year, month + 1,
	    (unsigned)(days % 31) + 1);
}

static void
put_time(struct buf *b, uint64_t ms)
{
	unsigned s = (unsigned)(ms / 1000 % 86400);

	put_date(b, ms / 1000 / 86400);
	buf_putf(b, "T%02u:%02u:%02u.%03uZ", s / 3600, s / 60 % 60, s % 60,
	    (unsigned)(ms % 1000));
}

void
chain_begin(struct chain_record *r, struct buf *b, const struct chain *c,
    uint64_t ms, const char *stage)
{
	*r = (struct chain_record){ .out = b, .place = buf_len(b) };
	buf_putf(b, "{\"seq\":%" PRIu64 ",\"prev\":\"", c->seq);
	buf_put_hex(b, view_of(c->prev, sizeof(c->prev)));
	buf_put_text(b, "\",\"time\":\"");
	put_time(b, ms);
	buf_put_u8(b, '"');
	chain_put_text(r, "stage", stage);
}

/*
 * Puts a field's name if a value of n bytes may follow it.  The bound is
 * kept here, so that one long record leaves the buffer usable for others.
 */
static bool
put_name(struct chain_record *r, const char *name, size_t n)
{
	size_t used = buf_len(r->out) - r->place + strlen(name) + 8;

	if (!r->err && (n > CHAIN_LINE_MAX || used + n > CHAIN_LINE_MAX))
		r->err = gpg_error(GPG_ERR_TOO_LARGE);
	if (r->err)
		return false;
	buf_put(r->out, ",\"", 2);
	buf_put_text(r->out, name);
	buf_put(r->out, "\":", 2);
	return true;
}

/* How many bytes at the front stand for themselves in JSON. */
static size_t
plain(struct view v)
{
	size_t n = 0;

	while (n < v.len && v.p[n] >= ' ' && v.p[n] != '"' &&
	    v.p[n] != '\\' && v.p[n] < 0x7f)
		n++;
	return n;
}

/* How many at the front are of characters beyond ASCII. */
static size_t
beyond_ascii(struct view v)
{
	size_t n = 0;

	while (n < v.len && v.p[n] >= 0x80)
		n++;
	return n;
}

void
chain_put_text(struct chain_record *r, const char *name, const char *text)
{
	struct view v = view_str(text ? text : "");
	size_t n;

	if (!text || !put_name(r, name, 2 * v.len))
		return;
	buf_put_u8(r->out, '"');
	while (v.len > 0) {
		if ((n = plain(v)) > 0) {
			buf_put(r->out, v.p, n);
		} else if (v.p[0] == '"' || v.p[0] == '\\') {
			n = 1;
			buf_put_u8(r->out, '\\');
			buf_put_u8(r->out, v.p[0]);
		} else if ((n = beyond_ascii(v)) > 0 &&
		    text_is_clean(view_of(v.p, n))) {
			buf_put(r->out, v.p, n);
		} else {
			r->err = gpg_error(GPG_ERR_INV_VALUE);
			break;
		}
		v.p += n;
		v.len -= n;
	}
	buf_put_u8(r->out, '"');
}

void
chain_put_number(struct chain_record *r, const char *name, uint64_t n)
{
	/* JSON's readers hold 63 bits. */
	if (n > INT64_MAX && !r->err)
		r->err = gpg_error(GPG_ERR_INV_VALUE);
	if (put_name(r, name, 20))
		buf_putf(r->out, "%" PRIu64, n);
}

void
chain_put_hex(struct chain_record *r, const char *name, struct view v)
{
	if (!v.p || !put_name(r, name, 2 * v.len))
		return;
	buf_put_u8(r->out, '"');
	buf_put_hex(r->out, v);
	buf_put_u8(r->out, '"');
}

gpg_error_t
chain_end(struct chain_record *r, struct chain *c)
{
	gpg_error_t err = r->err;
	struct view line;

	buf_put(r->out, "}\n", 2);
	if (!err && !(err = buf_error(r->out))) {
		line = buf_view(r->out);
		line.p += r->place;
		line.len -= r->place;
		err = line.len > CHAIN_LINE_MAX ? gpg_error(GPG_ERR_TOO_LARGE) :
		    go_on(c, c->seq, line);
	}
	if (err)
		buf_truncate(r->out, r->place);
	return err;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
get_hash(const json_t *value, uint8_t hash[CHAIN_HASH_LEN])
{
	const char *s = json_string_value(value);

	if (!s || strlen(s) != 2 * CHAIN_HASH_LEN)
		return false;
	for (size_t i = 0; i < CHAIN_HASH_LEN; i++) {
		int high = hex_digit(s[2 * i]), low = hex_digit(s[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		hash[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* "2026-11-22T04:27:04.123Z" */
static bool
is_time(const json_t *value)
{
	static const char shape[] = "0000-00-00T00:00:00.000Z";
	const char *s = json_string_value(value);

	if (!s || strlen(s) != strlen(shape))
		return false;
	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '0' ? s[i] < '0' || s[i] > '9' :
		    s[i] != shape[i])
			return false;
	return true;
}

/* What the record says of itself; a reason if it is none. */
static const char *
get_record(json_t *root, struct chain *said)
{
	json_t *seq = json_object_get(root, "seq");
	json_t *prev = json_object_get(root, "prev");

	if (!json_is_object(root))
		return "not a record";
	if (!json_is_integer(seq) || json_integer_value(seq) < 1 ||
	    json_integer_value(seq) == INT64_MAX)
		return "a record without its number";
	if (!get_hash(prev, said->prev))
		return "a record without the hash of the one before it";
	if (!is_time(json_object_get(root, "time")))
		return "a record without its time";
	if (!json_is_string(json_object_get(root, "stage")))
		return "a record without its stage";
	said->seq = (uint64_t)json_integer_value(seq);
	return NULL;
}

static gpg_error_t
read_line(struct view line, struct chain *said, const char **why)
{
	json_error_t e;
	json_t *root;

	*why = NULL;
	if (line.len > CHAIN_LINE_MAX)
		*why = "a line longer than 16 KiB";
	else if (line.len == 0 || line.p[line.len - 1] != '\n')
		*why = "an unfinished record";
	else if (memchr(line.p, '\n', line.len - 1))
		*why = "more than a line";
	else if (!(root = json_loadb((const char *)line.p, line.len,
	    JSON_REJECT_DUPLICATES, &e)))
		*why = "not a record";
	else {
		*why = get_record(root, said);
		json_decref(root);
	}
	return *why ? gpg_error(line.len > CHAIN_LINE_MAX ?
	    GPG_ERR_TOO_LARGE : GPG_ERR_BAD_DATA) : 0;
}

gpg_error_t
chain_resume(struct chain *c, struct view line)
{
	struct chain said;
	const char *why;
	gpg_error_t err;

	if ((err = read_line(line, &said, &why)))
		return err;
	return go_on(c, said.seq, line);
}

/* Says what does not fit; the hash tells only that something was changed. */
static void
explain(const struct chain *c, const struct chain *said, char why[CHAIN_WHY])
{
	uint64_t want = c->seq, got = said->seq;

	if (got == want + 1)
		snprintf(why, CHAIN_WHY, "record %" PRIu64 " is not here: "
		    "taken away or moved", want);
	else if (got > want)
		snprintf(why, CHAIN_WHY, "records %" PRIu64 " to %" PRIu64
		    " are not here: taken away or moved", want, got - 1);
	else if (got < want)
		snprintf(why, CHAIN_WHY, "record %" PRIu64 " comes after "
		    "record %" PRIu64 ": repeated or moved", got, want - 1);
	else if (want == 1)
		snprintf(why, CHAIN_WHY, "the first record names one before "
		    "it: changed");
	else
		snprintf(why, CHAIN_WHY, "record %" PRIu64 " does not name "
		    "the hash of the line before it: one of the two was "
		    "changed", want);
}

gpg_error_t
chain_check_line(struct chain *c, struct view line, char why[CHAIN_WHY])
{
	struct chain said;
	const char *reason;
	gpg_error_t err;

	why[0] = 0;
	if ((err = read_line(line, &said, &reason))) {
		snprintf(why, CHAIN_WHY, "%s", reason);
		return gpg_error(GPG_ERR_BAD_DATA);
	}
	if (said.seq != c->seq ||
	    memcmp(said.prev, c->prev, sizeof(said.prev))) {
		explain(c, &said, why);
		return gpg_error(GPG_ERR_BAD_DATA);
	}
	return go_on(c, said.seq, line);
}

void
chain_check_init(struct chain_check *k)
{
	*k = (struct chain_check){ .line = 0 };
	chain_init(&k->chain);
	buf_init(&k->rest, CHAIN_LINE_MAX);
}

void
chain_check_free(struct chain_check *k)
{
	buf_free(&k->rest);
}

/* Marks the line behind those taken as the first that does not fit. */
static gpg_error_t
broken(struct chain_check *k, const char *why)
{
	k->broken = k->line + 1;
	if (why)
		snprintf(k->why, sizeof(k->why), "%s", why);
	return gpg_error(GPG_ERR_BAD_DATA);
}

static gpg_error_t
take_line(struct chain_check *k, struct view line)
{
	gpg_error_t err = chain_check_line(&k->chain, line, k->why);

	if (gpg_err_code(err) == GPG_ERR_BAD_DATA)
		return broken(k, NULL);
	if (!err)
		k->line++;
	return err;
}

gpg_error_t
chain_check_feed(struct chain_check *k, struct view v)
{
	const uint8_t *end;
	struct view piece;
	gpg_error_t err = 0;

	if (k->broken)
		return gpg_error(GPG_ERR_BAD_DATA);
	while (!err && v.len > 0) {
		end = memchr(v.p, '\n', v.len);
		piece = view_of(v.p, end ? (size_t)(end + 1 - v.p) : v.len);
		v.p += piece.len;
		v.len -= piece.len;
		if (piece.len > CHAIN_LINE_MAX - buf_len(&k->rest))
			return broken(k, "a line longer than 16 KiB");
		if (end && buf_len(&k->rest) == 0)
			err = take_line(k, piece);
		else if (!(err = buf_put_view(&k->rest, piece)) && end) {
			err = take_line(k, buf_view(&k->rest));
			buf_reset(&k->rest);
		}
	}
	return err;
}

gpg_error_t
chain_check_end(struct chain_check *k)
{
	if (k->broken)
		return gpg_error(GPG_ERR_BAD_DATA);
	if (buf_len(&k->rest) > 0)
		return broken(k, "an unfinished record");
	return 0;
}
