/* What may be shown to a person. */
#include "config.h"

#include <string.h>

#include "wire/text.h"

/*
 * Takes one character of well-formed UTF-8 (RFC 3629): no overlong form, no
 * surrogate, nothing above U+10FFFF.  Returns its length, 0 if there is none.
 */
static size_t
take_char(struct view v, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n;

	if (v.len == 0)
		return 0;
	*out = v.p[0];
	if (*out < 0x80)
		return 1;
	n = *out >> 5 == 6 ? 2 : *out >> 4 == 14 ? 3 : *out >> 3 == 30 ? 4 : 0;
	if (n == 0 || n > v.len)
		return 0;
	*out &= 0x7fU >> n;
	for (size_t i = 1; i < n; i++) {
		if (v.p[i] >> 6 != 2)
			return 0;
		*out = *out << 6 | (v.p[i] & 0x3f);
	}
	if (*out < least[n] || *out > 0x10ffff || *out >> 11 == 0xd800 >> 11)
		return 0;
	return n;
}

static bool
is_hidden(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x0000, 0x001f },	/* C0 controls, ESC among them */
		{ 0x007f, 0x009f },	/* DEL and C1 controls */
		{ 0x00ad, 0x00ad },	/* soft hyphen */
		{ 0x034f, 0x034f },	/* combining grapheme joiner */
		{ 0x061c, 0x061c },	/* Arabic letter mark */
		{ 0x115f, 0x1160 },	/* Hangul fillers */
		{ 0x17b4, 0x17b5 },	/* Khmer inherent vowels */
		{ 0x180b, 0x180f },	/* Mongolian selectors */
		{ 0x200b, 0x200f },	/* zero width, LRM, RLM */
		{ 0x2028, 0x202e },	/* separators, embeddings, overrides */
		{ 0x2060, 0x206f },	/* joiners, isolates */
		{ 0x3164, 0x3164 },	/* Hangul filler */
		{ 0xfe00, 0xfe0f },	/* variation selectors */
		{ 0xfeff, 0xfeff },	/* byte order mark */
		{ 0xffa0, 0xffa0 },
		{ 0xfff0, 0xfffb },	/* specials, annotations */
		{ 0xfffe, 0xffff },
		{ 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a },
		{ 0xe0000, 0x10ffff },	/* tags, selectors, private use */
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	return false;
}

bool
text_is_clean(struct view v)
{
	uint32_t c;
	size_t n;

	while (v.len > 0) {
		if ((n = take_char(v, &c)) == 0 || is_hidden(c))
			return false;
		v.p += n;
		v.len -= n;
	}
	return true;
}

static bool
is_blank(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f' ||
	    c == 0x2028 || c == 0x2029;
}

char *
text_clean(char *dst, size_t size, struct view v)
{
	size_t used = 0, cut = 0, n, len;
	uint32_t c;
	char one;

	while (v.len > 0) {
		const void *from = v.p;

		len = n = take_char(v, &c);
		if (n == 0 || is_hidden(c)) {
			one = n > 0 && is_blank(c) ? ' ' : '?';
			from = &one;
			len = 1;
			n = n > 0 ? n : 1;
		}
		if (used + len >= size) {
			memcpy(dst + cut, "...", 4);
			return dst;
		}
		memcpy(dst + used, from, len);
		used += len;
		if (used + 4 <= size)
			cut = used;
		v.p += n;
		v.len -= n;
	}
	dst[used] = 0;
	return dst;
}
