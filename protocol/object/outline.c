/*
 * What JSON claims to be: the names of its first object, as a reader would
 * find them that forgives more than any should.
 */
#include "config.h"

#include <string.h>

#include "object/json.h"
#include "object/read.h"

static const struct {
	enum json_name bit;
	const char *name;
} names[] = {
	{ JSON_N_CONFIG, "config" },
	{ JSON_N_CRITICAL, "critical" },
	{ JSON_N_EXPIRES, "expires" },
	{ JSON_N_FSLAYERS, "fsLayers" },
	{ JSON_N_LAYERS, "layers" },
	{ JSON_N_MANIFESTS, "manifests" },
	{ JSON_N_MEDIATYPE, "mediaType" },
	{ JSON_N_PREDICATE, "predicateType" },
	{ JSON_N_SCHEMA, "schemaVersion" },
	{ JSON_N_SUBJECT, "subject" },
	{ JSON_N_TARGET, "targetArtifact" },
	{ JSON_N_TYPE, "_type" },
};

static const struct {
	enum json_role bit;
	const char *name;
} roles[] = {
	{ JSON_R_ROOT, "root" },
	{ JSON_R_TARGETS, "targets" },
	{ JSON_R_SNAPSHOT, "snapshot" },
	{ JSON_R_TIMESTAMP, "timestamp" },
};

static unsigned
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* \uXXXX, behind the u; 0 if it is none. */
static unsigned
escaped(struct view *v)
{
	unsigned code = 0;

	for (size_t i = 0; i < 4; i++) {
		if (i >= v->len || hex_value(v->p[i]) > 15)
			return 0;
		code = code << 4 | hex_value(v->p[i]);
	}
	v->p += 4;
	v->len -= 4;
	return code;
}

/* Takes a character, in lower case; anything beyond ASCII is one of a kind. */
static unsigned
take_folded(struct view *v)
{
	uint8_t byte;
	unsigned code;

	if (scan_word(v, "\xc5\xbf"))		/* long s */
		return 's';
	if (scan_word(v, "\xe2\x84\xaa"))	/* Kelvin */
		return 'k';
	view_get_u8(v, &byte);
	code = byte;
	if (byte == '\\' && v->len > 0) {
		view_get_u8(v, &byte);
		code = byte == 'u' ? escaped(v) : byte;
	}
	if (code == 0x17f)
		return 's';
	if (code == 0x212a)
		return 'k';
	return code >= 'A' && code <= 'Z' ? code + 0x20 : code;
}

bool
json_same_name(struct view raw, const char *name)
{
	struct view want = view_str(name);

	while (raw.len > 0 && want.len > 0)
		if (take_folded(&raw) != take_folded(&want))
			return false;
	return raw.len == 0 && want.len == 0;
}

/* Takes a string behind its first quote, up to and with its last. */
static struct view
take_string(struct view *v)
{
	struct view raw = view_of(v->p, 0);
	uint8_t byte;

	while (!view_get_u8(v, &byte) && byte != '"') {
		if (byte == '\\')
			view_get_u8(v, &byte);
		raw.len = (size_t)(v->p - raw.p);
	}
	return raw;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_blanks(struct view *v)
{
	while (v->len > 0 && is_blank(*v->p)) {
		v->p++;
		v->len--;
	}
}

struct look {
	struct json_outline *out;
	size_t depth, containers, values;
	bool name_next;		/* in the first object */
};

/* The text that says what a role is. */
static void
note_role(struct look *l, struct view rest)
{
	struct view raw;
	uint8_t c;

	if (view_get_u8(&rest, &c) || c != '"')
		return;
	raw = take_string(&rest);
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (json_same_name(raw, roles[i].name))
			l->out->roles |= roles[i].bit;
}

/* A name of the first object, and whether its value is an object. */
static void
note_name(struct look *l, struct view raw, struct view rest)
{
	skip_blanks(&rest);
	if (rest.len == 0 || *rest.p != ':')
		return;
	rest.p++;
	rest.len--;
	skip_blanks(&rest);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_same_name(raw, names[i].name)) {
			l->out->names |= names[i].bit;
			if (rest.len > 0 && *rest.p == '{')
				l->out->objects |= names[i].bit;
			if (names[i].bit == JSON_N_TYPE)
				note_role(l, rest);
		}
	l->name_next = false;
}

/* Returns whether the first object goes on. */
static bool
look_at(struct look *l, uint8_t c, struct view *rest)
{
	struct view raw;

	switch (c) {
	case '{':
	case '[':
		l->depth++;
		l->containers++;
		l->name_next = l->depth == 1;
		break;
	case '}':
	case ']':
		if (--l->depth == 0)
			return false;
		break;
	case ',':
		l->values++;
		l->name_next = l->depth == 1;
		break;
	case '"':
		raw = take_string(rest);
		if (l->depth == 1 && l->name_next)
			note_name(l, raw, *rest);
		break;
	}
	if (l->depth > JSON_DEPTH || l->containers > JSON_CONTAINERS ||
	    l->values > JSON_VALUES)
		l->out->bounded = false;
	return true;
}

void
json_look(struct view v, struct json_outline *out)
{
	struct look l = { .out = out };
	uint8_t c;

	*out = (struct json_outline){ .bounded = true };
	scan_word(&v, "\xef\xbb\xbf");
	skip_blanks(&v);
	if (v.len == 0 || *v.p != '{')
		return;
	out->object = true;
	while (!view_get_u8(&v, &c) && look_at(&l, c, &v))
		;
}
