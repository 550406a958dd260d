/*
 * Looks whether another program uses a card that was let go.  pcscd wakes
 * nobody when one begins to, and samples it twice a second, so it is asked
 * for as long as our own use counts as the last.
 */
#include "config.h"

#include <string.h>

#include "piv.h"

#define LOOK_MS 400		/* as often as pcscd looks itself */
#define OURS_MS 1000		/* for so long a use may have been our own */

/* Whether a card was let go and still counts as ours alone. */
static bool
is_watched(struct piv_card *c, char reader[MAX_READERNAME])
{
	uint64_t now = keeper_now();
	bool watched;

	pthread_mutex_lock(&c->mu);
	watched = c->present && !c->let_go_ms &&
	    now > c->used_ms + OURS_MS && now <= c->used_ms + PIV_ALONE_MS &&
	    !atomic_load(&c->shared);
	strcpy(reader, c->reader);
	pthread_mutex_unlock(&c->mu);
	return watched;
}

static bool
is_used(struct piv *p, const char *reader)
{
	SCARD_READERSTATE state = { .szReader = reader };

	if (!p->look && SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL,
	    &p->look) != SCARD_S_SUCCESS) {
		p->look = 0;
		return true;
	}
	if (SCardGetStatusChange(p->look, 0, &state, 1) != SCARD_S_SUCCESS) {
		piv_look_end(p);
		return true;
	}
	return state.dwEventState & (SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE);
}

uint64_t
piv_look(struct piv *p)
{
	char reader[MAX_READERNAME];
	uint64_t now, next = 0;
	struct piv_card *c;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++) {
		if (is_watched(c, reader) && is_used(p, reader))
			atomic_store(&c->shared, true);
		now = keeper_now();
		pthread_mutex_lock(&c->mu);
		if (c->present && !c->let_go_ms &&
		    now <= c->used_ms + PIV_ALONE_MS &&
		    !atomic_load(&c->shared))
			next = now + LOOK_MS;
		pthread_mutex_unlock(&c->mu);
	}
	if (!next)
		piv_look_end(p);
	return next;
}

void
piv_look_end(struct piv *p)
{
	if (p->look)
		SCardReleaseContext(p->look);
	p->look = 0;
}
