/* The summary: one line about an object that cannot be mistaken or misused. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>

#include "object/read.h"
#include "wire/text.h"

#define PIECE_MAX 160
#define SHA256 "sha256:"

void
name_add(struct object *o, const char *s)
{
	size_t used = strlen(o->summary), room = sizeof(o->summary) - used;

	if (room >= 4)
		text_clean(o->summary + used, room, view_str(s));
}

void
name_add_number(struct object *o, size_t n)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%zu", n);
	name_add(o, digits);
}

void
name_add_size(struct object *o, uint64_t bytes)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	uint64_t tenths = bytes / 100;
	char text[48];
	size_t unit = 0;

	while (tenths >= 10000 && unit < 3) {
		tenths /= 1000;
		unit++;
	}
	if (bytes < 1000)
		snprintf(text, sizeof(text), "%u bytes", (unsigned)bytes);
	else
		snprintf(text, sizeof(text), "%llu.%u %s",
		    (unsigned long long)tenths / 10, (unsigned)(tenths % 10),
		    units[unit]);
	name_add(o, text);
}

/* The length of a double quote of any shape at s, 0 if there is none. */
static size_t
quote_len(const char *s)
{
	static const char *const quotes[] = {
		"\"", "\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x9e",
		"\xe2\x80\x9f", "\xe2\x80\xb3", "\xef\xbc\x82",
	};

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
		if (!strncmp(s, quotes[i], strlen(quotes[i])))
			return strlen(quotes[i]);
	return 0;
}

/* Cleans into dst, so that no quote in it ends the one it will stand in. */
static void
clean(char dst[PIECE_MAX], size_t max, struct view v)
{
	size_t size = max < PIECE_MAX ? max + 1 : PIECE_MAX, n;
	char *to = dst;

	text_clean(dst, size, v);
	for (const char *from = dst; *from; from += n) {
		if ((n = quote_len(from)) > 0) {
			*to++ = '\'';
		} else {
			*to++ = *from;
			n = 1;
		}
	}
	*to = 0;
}

void
name_add_text(struct object *o, struct view v, size_t max)
{
	char text[PIECE_MAX];

	clean(text, max, v);
	name_add(o, "\"");
	name_add(o, text);
	name_add(o, "\"");
}

static bool
is_plain(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+@:=~%-";

	return *s && s[strspn(s, plain)] == 0;
}

void
name_add_word(struct object *o, struct view v, size_t max)
{
	char text[PIECE_MAX];

	clean(text, max, v);
	if (is_plain(text))
		name_add(o, text);
	else
		name_add_text(o, v, max);
}

/* Cleans half of a person, in which brackets would look like the address. */
static void
clean_half(char dst[PIECE_MAX], size_t max, struct view v)
{
	clean(dst, max, v);
	for (char *c = dst; *c; c++)
		if (*c == '<' || *c == '>')
			*c = '?';
}

void
name_add_person(struct object *o, const struct git_person *p, size_t max)
{
	char text[PIECE_MAX];

	clean_half(text, max, p->name);
	name_add(o, text);
	name_add(o, *text ? " <" : "<");
	clean_half(text, max, p->mail);
	name_add(o, text);
	name_add(o, ">");
}

static gpg_error_t
hash(struct view v, uint8_t out[32])
{
	if (!EVP_Digest(v.len ? v.p : out, v.len, out, NULL, EVP_sha256(),
	    NULL))
		return gpg_error(GPG_ERR_INTERNAL);
	return 0;
}

gpg_error_t
name_put_digest(struct view v, char out[OBJECT_DIGEST])
{
	uint8_t raw[32];
	gpg_error_t err;

	if ((err = hash(v, raw)))
		return err;
	strcpy(out, SHA256);
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(out + strlen(SHA256) + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

gpg_error_t
name_add_hash(struct object *o, struct view v)
{
	char digest[OBJECT_DIGEST];
	gpg_error_t err;

	if ((err = name_put_digest(v, digest)))
		return err;
	name_add(o, digest + strlen(SHA256));
	return 0;
}

gpg_error_t
name_add_fingerprint(struct object *o, struct view v)
{
	unsigned char base64[48];
	uint8_t raw[32];
	gpg_error_t err;

	if ((err = hash(v, raw)))
		return err;
	EVP_EncodeBlock(base64, raw, sizeof(raw));
	base64[43] = 0;		/* without the padding */
	name_add(o, "SHA256:");
	name_add(o, (const char *)base64);
	return 0;
}
