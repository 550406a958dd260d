/*
 * The PIN of a card: when it is sent, what is held and until when.  A PIN
 * that was refused is never sent again, and the last try is left to a person.
 */
#include "config.h"

#include <string.h>

#include "piv.h"

#define FOR_ONE_MS 60000	/* between a PIN and the signature it is for */

gpg_error_t
piv_no_memory(struct problem *pb)
{
	return problem_say(pb, GPG_ERR_ENOMEM,
	    "no memory can be locked for the PIN: raise \"ulimit -l\"");
}

gpg_error_t
piv_blocked(struct problem *pb, const struct piv_card *c)
{
	return problem_say(pb, GPG_ERR_PIN_BLOCKED, "the PIN of %s is locked: "
	    "set a new one with its PUK (touchstone setup, or ykman piv "
	    "access unblock-pin)", piv_card_title(c).text);
}

/* ---- what is held ---- */

void
piv_pin_drop(struct piv_card *c)
{
	pthread_mutex_lock(&c->mu);
	pin_wipe(c->pin);
	pin_wipe(c->mgm);
	c->pin_until = c->mgm_until = 0;
	pthread_mutex_unlock(&c->mu);
}

/* Neither makes the other live longer. */
static void
hold(struct piv *p, struct piv_card *c, struct pin *to, uint64_t *until,
    const struct pin *from)
{
	pthread_mutex_lock(&c->mu);
	pin_copy(to, from);
	c->once = p->pin_ttl_ms == 0;
	*until = keeper_now() + (c->once ? FOR_ONE_MS : p->pin_ttl_ms);
	pthread_mutex_unlock(&c->mu);
	keeper_set(p->keeper, keeper_now());
}

void
piv_pin_hold(struct piv *p, struct piv_card *c, const struct pin *pin)
{
	hold(p, c, c->pin, &c->pin_until, pin);
}

void
piv_mgm_hold(struct piv *p, struct piv_card *c, const struct pin *key)
{
	hold(p, c, c->mgm, &c->mgm_until, key);
}

static bool
copy(struct piv_card *c, struct pin *to, const uint64_t *until,
    const struct pin *from)
{
	bool held;

	pthread_mutex_lock(&c->mu);
	held = *until > keeper_now() && pin_view(from).len > 0;
	if (held)
		pin_copy(to, from);
	pthread_mutex_unlock(&c->mu);
	return held;
}

bool
piv_pin_copy(struct piv_card *c, struct pin *to)
{
	return copy(c, to, &c->pin_until, c->pin);
}

bool
piv_mgm_copy(struct piv_card *c, struct pin *to)
{
	return copy(c, to, &c->mgm_until, c->mgm);
}

void
piv_pin_spent(struct piv_card *c)
{
	bool once;

	pthread_mutex_lock(&c->mu);
	once = c->once;
	pthread_mutex_unlock(&c->mu);
	if (once)
		piv_pin_drop(c);
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

static void
expire_one(struct pin *pin, uint64_t *until, uint64_t now)
{
	if (*until && *until <= now) {
		pin_wipe(pin);
		*until = 0;
	}
}

/* When the next is due; 0: none. */
static uint64_t
expire_card(struct piv_card *c, uint64_t now)
{
	uint64_t next;

	pthread_mutex_lock(&c->mu);
	expire_one(c->pin, &c->pin_until, now);
	expire_one(c->mgm, &c->mgm_until, now);
	next = sooner(c->pin_until, c->mgm_until);
	pthread_mutex_unlock(&c->mu);
	return next;
}

void
piv_expire(void *arg)
{
	struct piv *p = arg;
	uint64_t next = 0;
	struct piv_card *c;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++)
		next = sooner(expire_card(c, keeper_now()), next);
	keeper_set(p->keeper, next);
}

static uint64_t
part_at(struct piv_card *c)
{
	uint64_t at;

	pthread_mutex_lock(&c->mu);
	at = c->let_go_ms;
	pthread_mutex_unlock(&c->mu);
	return at;
}

/* An operation that runs looks to it itself. */
static uint64_t
part_card(struct piv_card *c, uint64_t now)
{
	uint64_t at = part_at(c);

	if (!at || at > now)
		return at;
	if (!pthread_mutex_trylock(&c->lock)) {
		at = part_at(c);
		if (at && at <= now)
			piv_card_let_go(c);
		piv_card_unlock(c);
	}
	return 0;
}

void
piv_part(void *arg)
{
	struct piv *p = arg;
	uint64_t next = 0;
	struct piv_card *c;

	for (uint32_t i = 0; (c = piv_card_get(p, i)); i++)
		next = sooner(part_card(c, keeper_now()), next);
	keeper_set(p->parter, sooner(piv_look(p), next));
}

/* ---- VERIFY ---- */

/* Composed in locked memory, padded with FF. */
gpg_error_t
piv_pin_verify(struct piv_card *c, struct pin *pin, int *sw)
{
	struct view v = pin_view(pin);
	size_t size;
	uint8_t *room = pin_room(pin, &size);
	gpg_error_t err;

	*sw = 0;
	if (v.len == 0 || v.len > PIV_PIN_LEN)
		return gpg_error(GPG_ERR_INV_LENGTH);
	memset(room, 0xff, PIV_PIN_LEN);
	memcpy(room, v.p, v.len);
	c->burst.dirty = true;
	c->burst.verified = false;
	err = piv_send(c, &(struct piv_command){ 0x20, 0, 0x80,
	    view_of(room, PIV_PIN_LEN) }, NULL, sw);
	pin_wipe_room(pin);
	if (err)
		return err;
	c->burst.verified = c->burst.fresh = *sw == SW_OK;
	pthread_mutex_lock(&c->mu);
	if (piv_sw_is_tries(*sw))
		c->tries = (uint32_t)*sw & 0xf;
	else if (*sw == SW_BLOCKED)
		c->tries = 0;
	else if (*sw == SW_OK)
		c->flags &= ~(uint32_t)TOKEN_PIN_LOCKED;
	pthread_mutex_unlock(&c->mu);
	if (*sw == SW_OK)
		atomic_store(&c->shared, false);
	return 0;
}

gpg_error_t
piv_pin_tries(struct piv_card *c, bool *verified, uint32_t *tries,
    struct problem *pb)
{
	gpg_error_t err;
	int sw;

	*verified = false;
	*tries = PIN_TRIES_UNKNOWN;
	err = piv_send(c, &(struct piv_command){ .ins = 0x20, .p2 = 0x80 },
	    NULL, &sw);
	if (err)
		return err;
	if (sw == SW_OK)
		*verified = true;
	else if (piv_sw_is_tries(sw))
		*tries = (uint32_t)sw & 0xf;
	else if (sw == SW_BLOCKED)
		*tries = 0;
	else
		return piv_problem(pb, c, sw, "asking for the tries left");
	if (!*verified) {
		pthread_mutex_lock(&c->mu);
		c->tries = *tries;
		pthread_mutex_unlock(&c->mu);
	}
	return 0;
}

/*
 * Whether another program may have used the card since we did.  pcscd tells
 * nobody who came and went, and looks itself but now and then who is
 * connected; so what was not seen is believed for a short time only.
 */
static bool
is_shared(struct piv_card *c)
{
	uint64_t used;

	pthread_mutex_lock(&c->mu);
	used = c->used_ms;
	pthread_mutex_unlock(&c->mu);
	/* Until a PIN is good again. */
	if (keeper_now() > used + PIV_ALONE_MS)
		atomic_store(&c->shared, true);
	return atomic_load(&c->shared);
}

/* It may have used up tries, or changed the PIN. */
static gpg_error_t
check_tries(struct piv_card *c, struct problem *pb)
{
	uint32_t tries;
	gpg_error_t err;
	bool verified;

	if (!is_shared(c))
		return 0;
	if ((err = piv_pin_tries(c, &verified, &tries, pb)))
		return err;
	if (tries == 0)
		return piv_blocked(pb, c);
	if (tries == 1)
		return problem_say(pb, GPG_ERR_PIN_NOT_SYNCED, "%s has one "
		    "try left: it is kept for you to type the PIN",
		    piv_card_title(c).text);
	return 0;
}

static gpg_error_t
send_held(struct piv *p, struct piv_card *c, struct pin *pin,
    struct problem *pb)
{
	gpg_error_t err;
	int sw;

	if (!piv_pin_copy(c, pin))
		return problem_say(pb, GPG_ERR_PIN_NOT_SYNCED,
		    "%s wants its PIN", piv_card_title(c).text);
	if ((err = check_tries(c, pb)))
		return err;
	err = piv_pin_verify(c, pin, &sw);
	if (!err && sw == SW_OK)
		return 0;
	/* Whatever was said instead, the try may be gone. */
	piv_pin_drop(c);
	if (err)
		return piv_card_lost(p, c, pb);
	if (piv_sw_is_tries(sw))
		return problem_say(pb, GPG_ERR_PIN_NOT_SYNCED, "%s does not "
		    "take the PIN any more that it took before",
		    piv_card_title(c).text);
	return piv_problem(pb, c, sw, "verifying the PIN");
}

gpg_error_t
piv_pin_need(struct piv *p, struct piv_card *c, uint8_t policy,
    struct problem *pb)
{
	struct pin *pin;
	gpg_error_t err;

	if (policy == PIN_POLICY_NEVER || (c->burst.verified &&
	    (policy != PIN_POLICY_ALWAYS || c->burst.fresh)))
		return 0;
	if (pin_new(&pin))
		return piv_no_memory(pb);
	err = send_held(p, c, pin, pb);
	pin_free(&pin);
	return err;
}
