/* Fetches keys from the agent and shows them. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/key.h"
#include "format/ssh.h"

/* Of what is not there; never written to or freed. */
#define NOTHING ((char *)(uintptr_t)"")

static void
clear_holder(struct key_holder *h)
{
	free(h->module);
	free(h->token);
	free(h->serial);
	free(h->uri);
	free(h->slot);
	free(h->firmware);
}

static void
clear(struct key_info *k)
{
	free(k->name);
	free(k->algorithm);
	free(k->fingerprint);
	for (size_t i = 0; i < k->holder_count; i++)
		clear_holder(&k->holders[i]);
	for (size_t i = 0; i < k->user_id_count; i++)
		free(k->user_ids[i]);
	for (size_t i = 0; i < k->cert_count; i++)
		free(k->certs[i].comment);
	pubkey_free(&k->pub);
}

void
keys_free(struct key_info **keys, size_t count)
{
	for (size_t i = 0; *keys && i < count; i++)
		clear(&(*keys)[i]);
	free(*keys);
	*keys = NULL;
}

static gpg_error_t
copy_user_ids(struct key_info *k, struct msg_list list)
{
	struct msg_user_id id;

	while (msg_list_next(&list, MSG_user_id, &id))
		if (k->user_id_count < KEY_USER_IDS &&
		    !(k->user_ids[k->user_id_count++] = view_strdup(id.text)))
			return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

static gpg_error_t
copy_holder(struct key_holder *h, const struct msg_holder *m)
{
	*h = (struct key_holder){
		.module = view_strdup(m->module),
		.token = view_strdup(m->token),
		.serial = view_strdup(m->serial),
		.uri = view_strdup(m->uri),
		.firmware = view_strdup(m->firmware),
		.slot = view_strdup(m->slot_name),
		.pin_policy = m->pin_policy,
		.touch_policy = m->touch_policy,
		.origin = m->origin,
		.flags = m->flags,
		.certificate_expires = m->certificate_expires,
		.tries_left = m->tries_left,
	};
	return h->module && h->token && h->serial && h->uri && h->firmware &&
	    h->slot ? 0 : gpg_error(GPG_ERR_ENOMEM);
}

static gpg_error_t
copy_holders(struct key_info *k, struct msg_list list)
{
	struct msg_holder m;
	gpg_error_t err = 0;

	while (!err && k->holder_count < KEY_HOLDERS &&
	    msg_list_next(&list, MSG_holder, &m))
		err = copy_holder(&k->holders[k->holder_count++], &m);
	return err;
}

static gpg_error_t
copy_certs(struct key_info *k, struct msg_list list)
{
	struct msg_ssh_certificate m;

	while (k->cert_count < KEY_CERTS &&
	    msg_list_next(&list, MSG_ssh_certificate, &m)) {
		struct key_cert *one = &k->certs[k->cert_count++];

		one->after = m.after;
		one->before = m.before;
		if (!(one->comment = view_strdup(m.comment)))
			return gpg_error(GPG_ERR_ENOMEM);
	}
	return 0;
}

static gpg_error_t
copy(struct key_info *k, const struct msg_key *m)
{
	struct buf hex;
	gpg_error_t err;

	if (m->id.len != sizeof(k->id))
		return gpg_error(GPG_ERR_BAD_DATA);
	if ((err = pubkey_from_spki(&k->pub, m->spki)))
		return err;
	/* A key is its public key: the agent does not get to say otherwise. */
	if (!view_eq(pubkey_id(k->pub), m->id))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	memcpy(k->id, m->id.p, sizeof(k->id));
	buf_init(&hex, sizeof(k->hex));
	if (!(err = buf_put_hex(&hex, m->id)))
		memcpy(k->hex, buf_view(&hex).p, buf_len(&hex));
	buf_free(&hex);
	k->created = m->created;
	k->expires = m->expires;
	if (err || !(k->name = view_strdup(m->name)) ||
	    !(k->algorithm = view_strdup(m->algorithm)) ||
	    !(k->fingerprint = view_strdup(m->fingerprint)))
		return err ? err : gpg_error(GPG_ERR_ENOMEM);
	if ((err = copy_user_ids(k, m->user_ids)) ||
	    (err = copy_certs(k, m->certificates)))
		return err;
	return copy_holders(k, m->holders);
}

gpg_error_t
keys_fetch(struct call *c, const char *match, bool refresh,
    struct key_info **out, size_t *count)
{
	struct msg_keys ask = { .match = view_str(match), .refresh = refresh };
	struct msg_keys_answer answer;
	struct msg_key m;
	gpg_error_t err;
	size_t n;

	*out = NULL;
	*count = 0;
	if ((err = call_ask(c, MSG_keys, &ask, &answer)))
		return err;
	n = answer.keys.count;
	if (!(*out = calloc(n + 1, sizeof(**out))))
		return call_problem(c, GPG_ERR_ENOMEM, "out of memory");
	while (!err && msg_list_next(&answer.keys, MSG_key, &m))
		err = copy(&(*out)[(*count)++], &m);
	if (err) {
		keys_free(out, *count);
		*count = 0;
		return call_problem(c, err, "the agent's list of keys cannot "
		    "be read: %s", gpg_strerror(err));
	}
	return 0;
}

void
keys_look(struct call *c)
{
	struct msg_status_answer a;

	if (c->talk.way != WAY_FORWARDED)
		talk_ask(&c->talk, MSG_status, NULL, &a);
}

const struct key_holder *
key_first(const struct key_info *k)
{
	static const struct key_holder none = {
		.module = NOTHING, .token = NOTHING, .serial = NOTHING,
		.uri = NOTHING, .firmware = NOTHING, .slot = NOTHING,
		.tries_left = PIN_TRIES_UNKNOWN,
	};

	return k->holder_count > 0 ? &k->holders[0] : &none;
}

const struct key_holder *
key_on_token(const struct key_info *k, const char *module, const char *label)
{
	for (size_t i = 0; i < k->holder_count; i++)
		if (!strcmp(k->holders[i].module, module) &&
		    !strcmp(k->holders[i].token, label))
			return &k->holders[i];
	return NULL;
}

const struct key_holder *
key_on_card(const struct key_info *k, const char *module, const char *serial,
    const char *slot)
{
	for (size_t i = 0; i < k->holder_count; i++)
		if (!strcmp(k->holders[i].module, module) &&
		    !strcmp(k->holders[i].serial, serial) &&
		    (!slot || !strcmp(k->holders[i].slot, slot)))
			return &k->holders[i];
	return NULL;
}

const char *
key_pin_words(const struct key_holder *h)
{
	static const char *const words[] = { NULL, "never", "once", "always" };

	if (h->pin_policy == 0 && (h->flags & KEY_ALWAYS_AUTH))
		return "always";
	return h->pin_policy <= PIN_POLICY_ALWAYS ? words[h->pin_policy] :
	    NULL;
}

const char *
key_touch_words(const struct key_holder *h)
{
	static const char *const words[] = { NULL, "never", "always",
		"cached" };

	if (h->touch_policy == 0 && (h->flags & KEY_TOUCH))
		return "always";
	return h->touch_policy <= TOUCH_POLICY_CACHED ?
	    words[h->touch_policy] : NULL;
}

const char *
key_origin_words(const struct key_holder *h)
{
	if (h->origin == KEY_ORIGIN_GENERATED)
		return "generated";
	return h->origin == KEY_ORIGIN_IMPORTED ? "imported" : NULL;
}

const char *
key_title(const struct key_info *k, char *out, size_t size)
{
	if (k->name[0])
		snprintf(out, size, "%s", k->name);
	else
		snprintf(out, size, "%.16s", k->hex);
	return out;
}

static gpg_error_t
ambiguous(struct call *c, const char *text, const struct key_info *keys,
    size_t count)
{
	char list[512] = "", one[80];
	size_t used = 0;

	for (size_t i = 0; i < count && used + 84 < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%s", i ? ", " : "", key_title(&keys[i], one,
		    sizeof(one)));
	return call_problem(c, GPG_ERR_AMBIGUOUS_NAME,
	    "\"%s\" names %zu keys: %s", text, count, list);
}

/* A nickname is one key's own, whatever else it looks like. */
static void
keep_named(const char *text, struct key_info *keys, size_t *count)
{
	for (size_t i = 0; i < *count; i++) {
		struct key_info found = keys[i];

		if (strcmp(found.name, text))
			continue;
		keys[i] = keys[0];
		keys[0] = found;
		while (*count > 1)
			clear(&keys[--*count]);
	}
}

gpg_error_t
keys_fetch_one(struct call *c, const char *text, bool refresh,
    struct key_info **out)
{
	gpg_error_t err;
	size_t count;

	*out = NULL;
	if (!*text)
		return call_problem(c, GPG_ERR_INV_ARG, "no key was named");
	if ((err = keys_fetch(c, text, refresh, out, &count)))
		return err;
	keep_named(text, *out, &count);
	if (count == 1)
		return 0;
	if (count == 0)
		err = call_problem(c, GPG_ERR_NO_SECKEY, "no key is named "
		    "\"%s\"", text);
	else
		err = ambiguous(c, text, *out, count);
	keys_free(out, count);
	return err;
}

static json_t *
user_ids_json(const struct key_info *k)
{
	json_t *list = json_array();

	for (size_t i = 0; i < k->user_id_count; i++)
		json_array_append_new(list, json_string(k->user_ids[i]));
	return list;
}

static json_t *
json_time(uint32_t when)
{
	return when ? json_integer(when) : json_null();
}

/* What is good for ever has no end. */
static json_t *
certs_json(const struct key_info *k)
{
	json_t *list = json_array();

	for (size_t i = 0; i < k->cert_count; i++)
		json_array_append_new(list, json_pack("{s:o,s:I,s:o}",
		    "comment", json_text(k->certs[i].comment),
		    "valid_from", (json_int_t)k->certs[i].after,
		    "expires", k->certs[i].before > INT64_MAX ? json_null() :
		    json_integer((json_int_t)k->certs[i].before)));
	return list;
}

static json_t *
holder_json(const struct key_holder *h)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:b,s:b,s:b,s:o,s:o,s:o,s:o,s:o,"
	    "s:o,s:o}",
	    "module", json_text(h->module),
	    "token", json_text(h->token),
	    "serial", json_text(h->serial),
	    "uri", json_text(h->uri),
	    "software", !!(h->flags & KEY_SOFTWARE),
	    "touch", !!(h->flags & KEY_TOUCH),
	    "pin_each_time", !!(h->flags & KEY_ALWAYS_AUTH),
	    "slot", json_text(h->slot),
	    "pin_policy", json_text(key_pin_words(h)),
	    "touch_policy", json_text(key_touch_words(h)),
	    "origin", json_text(key_origin_words(h)),
	    "firmware", json_text(h->firmware),
	    "certificate_expires", json_time(h->certificate_expires),
	    "tries_left", h->tries_left == PIN_TRIES_UNKNOWN ? json_null() :
	    json_integer(h->tries_left));
}

static json_t *
holders_json(const struct key_info *k)
{
	json_t *list = json_array();

	for (size_t i = 0; i < k->holder_count; i++)
		json_array_append_new(list, holder_json(&k->holders[i]));
	return list;
}

/* What the first holder is told as the key's own, for who needs one only. */
json_t *
key_json(const struct key_info *k)
{
	json_t *all = holder_json(key_first(k)), *own;
	char ssh[64];

	if (ssh_fingerprint(k->pub, ssh))
		ssh[0] = 0;
	own = json_pack("{s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o}",
	    "name", json_text(k->name),
	    "id", k->hex,
	    "algorithm", k->algorithm,
	    "fingerprint", json_text(k->fingerprint),
	    "ssh_fingerprint", json_text(ssh),
	    "created", json_time(k->created),
	    "expires", json_time(k->expires),
	    "user_ids", user_ids_json(k),
	    "ssh_certificates", certs_json(k),
	    "present", k->holder_count > 0,
	    "holders", holders_json(k));
	json_object_update_missing(own, all);
	json_decref(all);
	return own;
}
