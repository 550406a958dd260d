/* The touch: given at once, late, by the test, or never. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "card.h"

#define CACHED_MS 15000

bool
touch_mode_parse(struct touch *t, const char *word, const char *arg)
{
	if (!strcmp(word, "now"))
		t->mode = TOUCH_MODE_NOW;
	else if (!strcmp(word, "wait"))
		t->mode = TOUCH_MODE_WAIT;
	else if (!strcmp(word, "never"))
		t->mode = TOUCH_MODE_LEAVE;
	else if (!strcmp(word, "after") && arg != NULL) {
		t->mode = TOUCH_MODE_AFTER;
		t->after = atoi(arg);
	} else {
		return false;
	}
	return true;
}

/* How long from now on until a finger comes by itself; -1: it does not. */
static int
comes_after(const struct touch *t)
{
	switch (t->mode) {
	case TOUCH_MODE_NOW:
		return 0;
	case TOUCH_MODE_AFTER:
		return t->after;
	case TOUCH_MODE_WAIT:
	case TOUCH_MODE_LEAVE:
		break;
	}
	return -1;
}

static uint16_t
blink(struct card *c)
{
	struct touch *t = &c->touch;
	long long start = now_ms(), passed = 0;
	int after;

	while (!t->given && c->reader >= 0 && !c->quit) {
		after = comes_after(t);
		passed = now_ms() - start;
		if (after >= 0 && passed >= after)
			t->given = true;
		else if (passed >= t->timeout)
			return SW_SECURITY;
		else
			card_wait(c, after >= 0 && after < t->timeout ?
			    after - passed : t->timeout - passed, false);
	}
	return t->given ? SW_OK : SW_NONE;
}

uint16_t
touch_need(struct card *c, uint8_t policy, uint8_t slot)
{
	struct session *s = &c->session;
	struct touch *t = &c->touch;
	uint16_t sw;

	if (policy != TOUCH_ALWAYS && policy != TOUCH_CACHED)
		return SW_OK;
	if (policy == TOUCH_CACHED && s->touched_at != 0 &&
	    now_ms() - s->touched_at < CACHED_MS)
		return SW_OK;
	card_log(c, "touch wanted for %02x", slot);
	t->waiting = true;
	t->given = false;
	t->slot = slot;
	sw = blink(c);
	t->waiting = false;
	card_log(c, "touch %s", sw == SW_OK ? "given" : "missed");
	if (sw == SW_OK) {
		c->counts.touches++;
		s->touched_at = now_ms();
	}
	return sw;
}
