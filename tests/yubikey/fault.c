/*
 * What goes wrong, as the test has it:
 *
 *	WHAT[=ARG][@INS][#N][+]
 *
 * at the Nth command from now on with that instruction (any, if none is
 * named; then parts of commands and of answers count too), once, or from then
 * on with a "+".  README has the words.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "card.h"

/* Where the arguments of sw and lie are hexadecimal. */
static const struct {
	const char *word;
	enum fault_kind kind;
	int base;
} words[] = {
	{ "unplug", FAULT_UNPLUG, 10 },
	{ "sw", FAULT_SW, 16 },
	{ "slow", FAULT_SLOW, 10 },
	{ "garbage", FAULT_GARBAGE, 10 },
	{ "empty", FAULT_EMPTY, 10 },
	{ "short", FAULT_SHORT, 10 },
	{ "long", FAULT_LONG, 10 },
	{ "lie", FAULT_LIE, 16 },
	{ "bare", FAULT_BARE, 10 },
	{ "endless", FAULT_ENDLESS, 10 },
	{ "wrong-signature", FAULT_WRONG_SIGNATURE, 10 },
	{ "empty-signature", FAULT_EMPTY_SIGNATURE, 10 },
	{ "changed-key", FAULT_CHANGED_KEY, 10 },
};

#define WORDS (sizeof(words) / sizeof(*words))

static bool
parse_kind(const char **s, struct fault *f)
{
	size_t len = strcspn(*s, "=@#+"), i;
	char *end;

	for (i = 0; i < WORDS; i++) {
		if (strlen(words[i].word) == len &&
		    !strncmp(words[i].word, *s, len))
			break;
	}
	if (i == WORDS)
		return false;
	f->kind = words[i].kind;
	f->arg = -1;
	*s += len;
	if (**s != '=')
		return true;
	f->arg = strtol(*s + 1, &end, words[i].base);
	if (end == *s + 1 || f->arg < 0)
		return false;
	*s = end;
	return true;
}

static bool
parse_when(const char *s, struct fault *f)
{
	char *end;

	f->ins = -1;
	f->nth = 1;
	if (*s == '@') {
		f->ins = strtol(s + 1, &end, 16);
		if (end == s + 1 || f->ins < 0 || f->ins > 0xff)
			return false;
		s = end;
	}
	if (*s == '#') {
		f->nth = strtoul(s + 1, &end, 10);
		if (end == s + 1 || f->nth == 0)
			return false;
		s = end;
	}
	f->stays = *s == '+';
	s += f->stays;
	return *s == '\0';
}

bool
fault_add(struct card *c, const char *spec)
{
	struct fault f;
	size_t i;

	if (!parse_kind(&spec, &f) || !parse_when(spec, &f))
		return false;
	if (f.kind == FAULT_SW && (f.arg < 0x6000 || f.arg > 0xffff))
		return false;
	for (i = 0; i < FAULTS_MAX; i++) {
		if (c->faults[i].kind == FAULT_NONE) {
			c->faults[i] = f;
			return true;
		}
	}
	return false;
}

void
fault_list(const struct card *c, FILE *out)
{
	const struct fault *f;
	size_t i, w;

	for (i = 0; i < FAULTS_MAX; i++) {
		f = &c->faults[i];
		for (w = 0; w < WORDS && words[w].kind != f->kind; w++)
			;
		if (w == WORDS)
			continue;
		fprintf(out, "%s", words[w].word);
		if (f->arg >= 0)
			fprintf(out, words[w].base == 16 ? "=%lx" : "=%ld",
			    f->arg);
		if (f->ins >= 0)
			fprintf(out, "@%02x", f->ins);
		fprintf(out, "#%u%s\n", f->nth, f->stays ? "+" : "");
	}
}

struct fault
fault_take(struct card *c, int ins)
{
	struct fault now = { .kind = FAULT_NONE };
	struct fault *f;
	size_t i;

	for (i = 0; i < FAULTS_MAX; i++) {
		f = &c->faults[i];
		if (f->kind == FAULT_NONE || (f->ins >= 0 && f->ins != ins))
			continue;
		if (f->nth > 1) {
			f->nth--;
			continue;
		}
		if (now.kind != FAULT_NONE)
			continue;
		now = *f;
		if (!f->stays)
			f->kind = FAULT_NONE;
	}
	return now;
}

static void
slow(struct card *c, long ms)
{
	long long end = now_ms() + ms, left;

	while ((left = end - now_ms()) > 0 && c->reader >= 0 && !c->quit)
		card_wait(c, left, false);
}

uint16_t
fault_before(struct card *c, const struct fault *f, const struct apdu *a)
{
	if (f->kind != FAULT_NONE)
		card_log(c, "fault %d", f->kind);
	switch (f->kind) {
	case FAULT_UNPLUG:
		card_unplug(c, f->arg);
		return SW_NONE;
	case FAULT_SW:
		return f->arg;
	case FAULT_SLOW:
		slow(c, f->arg >= 0 ? f->arg : 1000);
		return c->reader < 0 ? SW_NONE : SW_OK;
	case FAULT_CHANGED_KEY:
		slot_renew(c, a->ins == 0xf9 ? a->p1 : a->p2);
		return SW_OK;
	default:
		return SW_OK;
	}
}

/* Where the value of 82 in 7C is; NULL if this is no such answer. */
static uint8_t *
signature_of(struct out *re, size_t *len)
{
	struct bytes list, value;

	if (!tlv_find(out_bytes(re), 0x7c, &list) ||
	    !tlv_find(list, 0x82, &value) || value.len == 0)
		return NULL;
	*len = value.len;
	return re->p + (value.p - re->p);
}

static void
lie(struct out *re, long arg)
{
	unsigned long n = arg >= 0 ? (unsigned long)arg : 0x82ffff;
	struct out other = { .len = 0 };
	int shift;

	if (re->len < 2)
		return;
	out_u8(&other, re->p[0]);
	for (shift = 56; shift > 0 && n >> shift == 0; shift -= 8)
		;
	for (; shift >= 0; shift -= 8)
		out_u8(&other, n >> shift);
	out_put(&other, bytes_of(re->p + 2, re->len - 2));
	*re = other;
}

static void
spoil_signature(struct out *re)
{
	size_t len;
	uint8_t *p = signature_of(re, &len);

	if (p != NULL)
		p[len - 1] ^= 1;
}

static void
empty_signature(struct out *re)
{
	static const uint8_t nothing[] = { 0x7c, 0x02, 0x82, 0x00 };

	*re = (struct out){ .len = 0 };
	out_put(re, bytes_of(nothing, sizeof(nothing)));
}

static void
fill(struct out *re, size_t n)
{
	uint8_t *room = out_room(re, n);

	if (room != NULL)
		(void)RAND_bytes(room, n);
}

void
fault_after(struct card *c, const struct fault *f, struct out *re)
{
	size_t n = f->arg >= 0 ? (size_t)f->arg : 1;

	switch (f->kind) {
	case FAULT_GARBAGE:
		n = f->arg >= 0 ? n : re->len > 0 ? re->len : 16;
		re->len = 0;
		fill(re, n);
		break;
	case FAULT_EMPTY:
		re->len = 0;
		break;
	case FAULT_SHORT:
		re->len -= n < re->len ? n : re->len;
		break;
	case FAULT_LONG:
		fill(re, n);
		break;
	case FAULT_LIE:
		lie(re, f->arg);
		break;
	case FAULT_ENDLESS:
		c->session.endless = true;
		c->session.endless_part = f->arg >= 0 && f->arg < 256 ?
		    (size_t)f->arg : 256;
		break;
	case FAULT_WRONG_SIGNATURE:
		spoil_signature(re);
		break;
	case FAULT_EMPTY_SIGNATURE:
		empty_signature(re);
		break;
	default:
		break;
	}
}
