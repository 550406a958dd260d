/* What the agent is told of tokens and keys. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <p11-kit/uri.h>

#include "p11.h"
#include "wire/text.h"

/* One token_key or token_slot at its largest. */
#define KEY_ROOM 2560
#define SLOT_ROOM 512

/* RFC 7512, for the private key; empty when it would be too long. */
static void
make_uri(const struct p11_slot *s, const struct p11_found *f, char *out,
    size_t size)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	struct p11_found key = *f;
	CK_ATTRIBUTE attrs[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, key.id, key.id_len },
		{ CKA_LABEL, key.label, key.label_len },
	};
	P11KitUri *uri = p11_kit_uri_new();
	char *text = NULL;

	out[0] = 0;
	if (!uri)
		return;
	*p11_kit_uri_get_token_info(uri) = s->info;
	for (size_t i = 0; i < 3; i++)
		if (attrs[i].ulValueLen > 0)
			p11_kit_uri_set_attribute(uri, &attrs[i]);
	if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) ==
	    P11_KIT_URI_OK && text && strlen(text) < size)
		strcpy(out, text);
	free(text);
	p11_kit_uri_free(uri);
}

static void
put_key(const struct p11_slot *s, const struct p11_key *key, struct buf *b,
    struct msg_list *list)
{
	const struct p11_found *f = &key->found;
	char uri[1024], label[P11_LABEL_MAX];
	struct msg_token_key out;

	make_uri(s, f, uri, sizeof(uri));
	out = (struct msg_token_key){
		.key = key->number,
		.slot = s->number,
		.algorithm = f->public.algorithm,
		.public = view_of(f->public.bytes, f->public.len),
		.exponent = view_of(f->public.exponent,
		    f->public.exponent_len),
		.cka_id = view_of(f->id, f->id_len),
		.label = view_str(text_clean(label, sizeof(label),
		    view_of(f->label, f->label_len))),
		.uri = view_str(uri),
		.created = f->created,
		.flags = f->always_auth ? KEY_ALWAYS_AUTH : 0,
	};
	msg_list_add(b, list, MSG_token_key, &out);
}

void
p11_keys_put(struct p11_slot *s, struct view id, struct buf *b,
    struct msg_list *list)
{
	pthread_mutex_lock(&s->mu);
	for (unsigned i = 0; i < s->key_count; i++) {
		const struct p11_key *key = s->keys[i];

		if (!key->here || (id.len > 0 && !view_eq(id,
		    view_of(key->found.id, key->found.id_len))))
			continue;
		if (b->max - buf_len(b) < KEY_ROOM || list->count >= 256)
			break;
		put_key(s, key, b, list);
	}
	pthread_mutex_unlock(&s->mu);
}

static uint8_t
slot_flags(const CK_TOKEN_INFO *info, bool wanted, bool held)
{
	uint8_t flags = 0;

	if (wanted)
		flags |= TOKEN_LOGIN;
	if (held)
		flags |= TOKEN_LOGGED_IN;
	if (info->flags & CKF_USER_PIN_COUNT_LOW)
		flags |= TOKEN_PIN_LOW;
	if (info->flags & CKF_USER_PIN_FINAL_TRY)
		flags |= TOKEN_PIN_LAST;
	if (info->flags & CKF_USER_PIN_LOCKED)
		flags |= TOKEN_PIN_LOCKED;
	if (!(info->flags & CKF_TOKEN_INITIALIZED))
		flags |= TOKEN_EMPTY;
	return flags;
}

static void
put_slot(struct p11 *p, struct p11_slot *s, struct buf *b,
    struct msg_list *list)
{
	char label[128], serial[64], manufacturer[128], model[64];
	bool wanted = p11_login_wanted(s), held = p11_login_held(p, s);
	struct msg_token_slot out = { .slot = s->number,
		.tries_left = PIN_TRIES_UNKNOWN };

	if (b->max - buf_len(b) < SLOT_ROOM)
		return;
	out.label = view_str(text_clean(label, sizeof(label),
	    view_str(s->name.label)));
	out.serial = view_str(text_clean(serial, sizeof(serial),
	    view_str(s->name.serial)));
	out.manufacturer = view_str(text_clean(manufacturer,
	    sizeof(manufacturer), view_str(s->name.manufacturer)));
	out.model = view_str(text_clean(model, sizeof(model),
	    view_str(s->name.model)));
	pthread_mutex_lock(&s->mu);
	out.flags = slot_flags(&s->info, wanted, held);
	pthread_mutex_unlock(&s->mu);
	msg_list_add(b, list, MSG_token_slot, &out);
}

static bool
is_present(struct p11_slot *s)
{
	bool present;

	pthread_mutex_lock(&s->mu);
	present = s->present;
	pthread_mutex_unlock(&s->mu);
	return present;
}

/* A token that fails does not hide the others, unless it is the only one. */
gpg_error_t
p11_list(void *state, unsigned worker, bool anew, struct buf *slot_buf,
    struct msg_list *slots, struct buf *key_buf, struct msg_list *keys,
    struct problem *pb)
{
	struct p11 *p = state;
	gpg_error_t err, failed = 0;
	unsigned good = 0;
	struct p11_slot *s;

	if ((err = p11_slots_refresh(p, pb)))
		return err;
	for (uint32_t i = 0; (s = p11_slot_get(p, i)); i++) {
		if (!is_present(s))
			continue;
		p11_login_settle(p, s);
		if (!s->empty && (err = p11_keys_refresh(p, s, worker, pb))) {
			if (gpg_err_code(err) != GPG_ERR_CARD_NOT_PRESENT)
				failed = err;
			continue;
		}
		good += !s->empty;
		put_slot(p, s, slot_buf, slots);
		p11_keys_put(s, view_of(NULL, 0), key_buf, keys);
	}
	if (failed && good == 0)
		return failed;
	if ((err = buf_error(slot_buf)) || (err = buf_error(key_buf)))
		return problem_say(pb, gpg_err_code(err),
		    "the list of keys could not be built");
	return 0;
}
