/* Keys in memory as a backend: beginning, end, and the table of operations. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "soft.h"
#include "wire/frame.h"

#define SIGN_ROOM (64 * 1024)	/* of the arena, for one signature */
#define ELSE_ROOM (64 * 1024)	/* locked beside it, less the datagrams */

static void
soft_close(void *state)
{
	struct soft *s = state;

	keeper_free(&s->keeper);
	soft_wipe(s);
	pthread_rwlock_destroy(&s->mu);
	free(s);
}

static gpg_error_t
soft_open(const struct msg_token_open *in, void **state, char *description,
    size_t size, struct problem *pb)
{
	struct soft *s;
	gpg_error_t err;

	*state = NULL;
	if (!(s = calloc(1, sizeof(*s))))
		return gpg_error(GPG_ERR_ENOMEM);
	pthread_rwlock_init(&s->mu, NULL);
	if ((err = soft_memory_init(in->sessions * DATAGRAM_MAX + ELSE_ROOM,
	    &s->room, pb)) ||
	    (err = keeper_new(&s->keeper, soft_expire, s))) {
		pthread_rwlock_destroy(&s->mu);
		free(s);
		return err;
	}
	s->reserve = in->sessions * SIGN_ROOM;
	if (s->reserve > s->room / 2)
		s->reserve = s->room / 2;
	snprintf(description, size, "keys in memory");
	*state = s;
	return 0;
}

static void
soft_listen(void *state, struct token_ear ear)
{
	struct soft *s = state;

	pthread_rwlock_wrlock(&s->mu);
	s->ear = ear;
	pthread_rwlock_unlock(&s->mu);
}

/* ---- what keys in memory do not have: PINs, tokens ---- */

static gpg_error_t
soft_login(void *state, uint32_t slot, enum token_secret secret, int fd,
    struct problem *pb)
{
	return problem_say(pb, GPG_ERR_NOT_SUPPORTED,
	    "keys in memory have no PIN");
}

/* They are no PINs: nobody could enter them again. */
static gpg_error_t
soft_forget(void *state, uint32_t slot, struct problem *pb)
{
	return 0;
}

static gpg_error_t
soft_make_none(void *state, unsigned worker, const struct msg_token_make *in,
    struct buf *key_buf, struct msg_list *keys, struct problem *pb)
{
	return problem_say(pb, GPG_ERR_NOT_SUPPORTED, "keys in memory are "
	    "those that ssh-add gives; none is made there");
}

static gpg_error_t
soft_prepare(void *state, const struct msg_token_prepare *in, int fd,
    struct problem *pb)
{
	return problem_say(pb, GPG_ERR_NOT_SUPPORTED,
	    "memory is no token that could be initialized");
}

const struct token_ops token_ops = {
	.open = soft_open,
	.list = soft_list,
	.sign = soft_sign,
	.login = soft_login,
	.forget = soft_forget,
	.make = soft_make_none,
	.prepare = soft_prepare,
	.import = soft_import,
	.remove = soft_remove,
	.listen = soft_listen,
	.wipe = soft_wipe,
	.close = soft_close,
	.locked = true,
};
