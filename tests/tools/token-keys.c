/* Keys on a token under test, used and checked as the agent would. */
#include "config.h"

#include <string.h>

#include "token-keys.h"

const char *const rig_pins[] = { RIG_PIN, NULL };

void
rig_key_clear(struct rig_key *k)
{
	pubkey_free(&k->pub);
}

gpg_error_t
rig_list(struct rig *r, struct msg_token_listing *out, uint32_t *slot)
{
	struct msg_token_list in = { .anew = 1 };
	struct msg_token_slot s;
	struct msg_list slots;
	gpg_error_t err;

	*slot = RIG_NO_SLOT;
	if ((err = rig_call(r, MSG_token_list, &in, -1, out)))
		return err;
	slots = out->slots;
	while (*slot == RIG_NO_SLOT &&
	    msg_list_next(&slots, MSG_token_slot, &s))
		if (!(s.flags & TOKEN_EMPTY))
			*slot = s.slot;
	return 0;
}

int
rig_slot_flags(struct rig *r, uint32_t slot)
{
	struct msg_token_listing out;
	struct msg_token_slot s;
	uint32_t first;

	if (rig_list(r, &out, &first))
		return -1;
	while (msg_list_next(&out.slots, MSG_token_slot, &s))
		if (s.slot == slot)
			return (int)s.flags;
	return -1;
}

gpg_error_t
rig_ready(struct rig *r, const struct rig_options *o, uint32_t *slot)
{
	struct msg_token_prepare prepare = { .label = view_str("the token") };
	struct msg_token_listing out;
	gpg_error_t err;

	if ((err = rig_start(r, o)) || (err = rig_talk(r, MSG_token_prepare,
	    &prepare, rig_pins, NULL)))
		return err;
	return rig_list(r, &out, slot);
}

gpg_error_t
rig_key_of(const struct msg_token_key *in, struct rig_key *k)
{
	*k = (struct rig_key){ .number = in->key, .slot = in->slot,
		.created = in->created, .algorithm = in->algorithm,
		.flags = in->flags };
	return pubkey_new(&k->pub, in->algorithm, in->public, in->exponent);
}

gpg_error_t
rig_make(struct rig *r, uint32_t slot, enum key_algorithm algorithm,
    struct rig_key *k)
{
	struct msg_token_make in = { .slot = slot, .label = view_str("key"),
		.algorithm = (uint8_t)algorithm, .created = 1700000000 };
	struct msg_token_generated out;
	struct msg_token_key key;
	gpg_error_t err;

	memset(k, 0, sizeof(*k));
	if ((err = rig_call(r, MSG_token_make, &in, -1, &out)))
		return err;
	if (!msg_list_next(&out.keys, MSG_token_key, &key) || out.keys.count)
		return gpg_error(GPG_ERR_BAD_DATA);
	return rig_key_of(&key, k);
}

static gpg_error_t
begin(struct signing *s, const struct rig_key *k, const char *text)
{
	struct view part = view_str(text);

	return signing_begin(s, k->pub, k->algorithm == ALGO_ED25519 ?
	    HASH_NONE : pubkey_hash(k->pub), &part, 1);
}

gpg_error_t
rig_sign(struct rig *r, const struct rig_key *k, const char *text)
{
	struct msg_token_signed out;
	struct msg_token_sign in;
	struct signing s;
	gpg_error_t err;

	if ((err = begin(&s, k, text)))
		return err;
	in = (struct msg_token_sign){ k->number, (uint8_t)s.mechanism,
		buf_view(&s.data) };
	if (!(err = rig_call(r, MSG_token_sign, &in, -1, &out)))
		err = signing_check(&s, k->pub, out.signature);
	signing_free(&s);
	return err;
}

bool
rig_sign_send(struct rig *r, const struct rig_key *k)
{
	struct msg_token_sign in;
	struct signing s;
	bool ok;

	if (begin(&s, k, "some text"))
		return false;
	in = (struct msg_token_sign){ k->number, (uint8_t)s.mechanism,
		buf_view(&s.data) };
	ok = rig_send(r, MSG_token_sign, &in, -1);
	signing_free(&s);
	return ok;
}

gpg_error_t
rig_login(struct rig *r, uint32_t slot, const char *const *pins,
    struct rig_talk *t)
{
	struct msg_token_login in = { .slot = slot };

	return rig_talk(r, MSG_token_login, &in, pins, t);
}

gpg_error_t
rig_forget(struct rig *r)
{
	struct msg_token_forget in = { .slot = TOKEN_ALL_SLOTS };

	return rig_call(r, MSG_token_forget, &in, -1, NULL);
}
