/* The holders of a key: where it can be used, and which of them is to. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "listing.h"

static void
holder_clear(struct holder *h)
{
	free(h->uri);
	free(h->token);
	free(h->serial);
	free(h->slot_name);
}

void
key_drop_holders(struct key *k, const struct module *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->holder_count; i++) {
		if (!m || k->holders[i].module == m)
			holder_clear(&k->holders[i]);
		else
			k->holders[kept++] = k->holders[i];
	}
	k->holder_count = kept;
}

void
key_add_holder(struct key *k, struct module *m, const struct msg_token_key *t)
{
	const struct slot *slot = module_slot(m, t->slot);
	struct holder *h;

	h = realloc(k->holders, (k->holder_count + 1) * sizeof(*h));
	if (!h)
		return;
	k->holders = h;
	k->holders[k->holder_count++] = (struct holder){
		.module = m, .key = t->key, .slot = t->slot,
		.flags = m->config.type == MODULE_MEMORY ? KEY_SOFTWARE :
		    t->flags & (KEY_ALWAYS_AUTH | KEY_TOUCH),
		.pin_policy = t->pin_policy,
		.touch_policy = t->touch_policy,
		.origin = t->origin,
		.certificate_expires = t->certificate_expires,
		.slot_name = view_strdup(t->slot_name),
		.uri = view_strdup(t->uri),
		.token = strdup(slot && slot->label ? slot->label : ""),
		.serial = strdup(slot && slot->serial ? slot->serial : ""),
	};
	free(k->last_module);
	k->last_module = strdup(m->config.name);
}

/*
 * What it takes of the user: nothing where the PIN is held or not wanted; a
 * last try is not for a token that another can stand in for.
 */
enum { EFFORT_NONE, EFFORT_PIN, EFFORT_LAST_TRY, EFFORT_LOCKED };

static int
holder_effort(const struct holder *h)
{
	const struct slot *s = module_slot(h->module, h->slot);

	if (s && (s->flags & TOKEN_DOUBLED))
		return EFFORT_LOCKED;
	if (h->pin_policy == PIN_POLICY_NEVER)
		return EFFORT_NONE;
	if (!s)
		return EFFORT_PIN;
	if (!(s->flags & TOKEN_LOGIN) || (s->flags & TOKEN_LOGGED_IN))
		return EFFORT_NONE;
	if (s->flags & TOKEN_PIN_LOCKED)
		return EFFORT_LOCKED;
	return s->flags & TOKEN_PIN_LAST ? EFFORT_LAST_TRY : EFFORT_PIN;
}

static bool
is_better(const struct holder *a, const struct holder *b)
{
	if (a->blame != b->blame)
		return a->blame < b->blame;
	return holder_effort(a) < holder_effort(b);
}

const struct holder *
key_holder(const struct key *k)
{
	const struct holder *best = NULL;

	for (size_t i = 0; i < k->holder_count; i++)
		if (!best || is_better(&k->holders[i], best))
			best = &k->holders[i];
	return best;
}

bool
key_is_on_token(const struct key *k)
{
	for (size_t i = 0; i < k->holder_count; i++)
		if (!(k->holders[i].flags & KEY_SOFTWARE))
			return true;
	return false;
}

bool
key_has_easier(const struct key *k, const struct module *m,
    uint32_t token_key)
{
	const struct holder *best = key_holder(k);

	return best && (best->module != m || best->key != token_key) &&
	    holder_effort(best) == EFFORT_NONE;
}

bool
key_blame(struct key *k, const struct module *m, uint32_t token_key)
{
	const struct holder *best;

	for (size_t i = 0; i < k->holder_count; i++)
		if (k->holders[i].module == m &&
		    k->holders[i].key == token_key)
			k->holders[i].blame++;
	best = key_holder(k);
	return best && (best->module != m || best->key != token_key);
}
