/* YubiKeys as a backend: beginning, end, and the table of operations. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "piv.h"

static void
piv_close(void *state)
{
	struct piv *p = state;
	struct piv_card *c;

	piv_watch_free(p);
	keeper_free(&p->keeper);
	keeper_free(&p->parter);
	piv_look_end(p);
	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++)
		piv_card_free(c);
	piv_door_free(p);
	pthread_mutex_destroy(&p->scan);
	free(p->reader);
	free(p);
}

static gpg_error_t
piv_open(const struct msg_token_open *in, void **state, char *description,
    size_t size, struct problem *pb)
{
	struct piv *p;
	gpg_error_t err;

	*state = NULL;
	if (!(p = calloc(1, sizeof(*p))))
		return gpg_error(GPG_ERR_ENOMEM);
	p->pin_ttl_ms = in->pin_ttl_ms;
	pthread_mutex_init(&p->scan, NULL);
	if ((in->path.len > 0 && !(p->reader = view_strdup(in->path))) ||
	    (err = piv_door_new(p)) ||
	    (err = keeper_new(&p->keeper, piv_expire, p)) ||
	    (err = keeper_new(&p->parter, piv_part, p))) {
		piv_close(p);
		return problem_say(pb, GPG_ERR_ENOMEM, "there is no memory");
	}
	snprintf(description, size, "YubiKeys (PIV)");
	*state = p;
	return 0;
}

/* Events may come from now on. */
static void
piv_listen(void *state, struct token_ear ear)
{
	struct piv *p = state;

	p->ear = ear;
	piv_watch_new(p);
}

static void
piv_wipe(void *state)
{
	struct piv *p = state;
	struct piv_card *c;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++)
		piv_pin_drop(c);
}

/* A card that is at work is let go when it is done. */
static gpg_error_t
piv_forget(void *state, uint32_t slot, struct problem *pb)
{
	struct piv *p = state;
	struct piv_card *c;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++) {
		if (slot != TOKEN_ALL_SLOTS && slot != i)
			continue;
		piv_pin_drop(c);
		if (pthread_mutex_trylock(&c->lock))
			continue;
		piv_card_let_go(c);
		piv_card_unlock(c);
	}
	return 0;
}

static gpg_error_t
piv_prepare(void *state, const struct msg_token_prepare *in, int fd,
    struct problem *pb)
{
	return problem_say(pb, GPG_ERR_NOT_SUPPORTED,
	    "a YubiKey needs no initialization");
}

const struct token_ops token_ops = {
	.open = piv_open,
	.list = piv_list,
	.sign = piv_sign,
	.login = piv_login,
	.forget = piv_forget,
	.make = piv_make,
	.prepare = piv_prepare,
	.attest = piv_attest,
	.store = piv_store,
	.move = piv_move,
	.remove = piv_remove,
	.change = piv_change,
	.listen = piv_listen,
	.wipe = piv_wipe,
	.close = piv_close,
};
