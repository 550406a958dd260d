/* Fetches keys from the agent and shows them. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/key.h"
#include "format/ssh.h"

static void
clear(struct key_info *k)
{
	free(k->name);
	free(k->algorithm);
	free(k->fingerprint);
	free(k->module);
	free(k->token);
	free(k->serial);
	free(k->uri);
	free(k->slot);
	free(k->firmware);
	for (size_t i = 0; i < k->user_id_count; i++)
		free(k->user_ids[i]);
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
	k->flags = m->flags;
	k->pin_policy = m->pin_policy;
	k->touch_policy = m->touch_policy;
	k->origin = m->origin;
	k->certificate_expires = m->certificate_expires;
	k->tries_left = PIN_TRIES_UNKNOWN;
	if (err || !(k->name = view_strdup(m->name)) ||
	    !(k->algorithm = view_strdup(m->algorithm)) ||
	    !(k->fingerprint = view_strdup(m->fingerprint)) ||
	    !(k->module = view_strdup(m->module)) ||
	    !(k->token = view_strdup(m->token)) ||
	    !(k->serial = view_strdup(m->serial)) ||
	    !(k->slot = view_strdup(m->slot_name)) ||
	    !(k->firmware = strdup("")) ||
	    !(k->uri = view_strdup(m->uri)))
		return err ? err : gpg_error(GPG_ERR_ENOMEM);
	return copy_user_ids(k, m->user_ids);
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

static void
add_token(struct key_info *k, const struct msg_token *t)
{
	char *firmware = view_strdup(t->firmware);

	if (firmware) {
		free(k->firmware);
		k->firmware = firmware;
	}
	k->tries_left = t->tries_left;
	k->token_flags = t->flags;
}

static bool
is_on(const struct key_info *k, struct view module, const struct msg_token *t)
{
	return (k->flags & KEY_HERE) && view_eq_str(module, k->module) &&
	    view_eq_str(t->label, k->token) &&
	    view_eq_str(t->serial, k->serial);
}

void
keys_add_tokens(struct call *c, struct key_info *keys, size_t count)
{
	struct msg_status_answer a;
	struct msg_module_status m;
	struct msg_token t;

	if (c->talk.way == WAY_FORWARDED ||
	    talk_ask(&c->talk, MSG_status, NULL, &a))
		return;
	while (msg_list_next(&a.modules, MSG_module_status, &m))
		while (msg_list_next(&m.tokens, MSG_token, &t))
			for (size_t i = 0; i < count; i++)
				if (is_on(&keys[i], m.name, &t))
					add_token(&keys[i], &t);
}

const char *
key_pin_words(const struct key_info *k)
{
	static const char *const words[] = { NULL, "never", "once", "always" };

	if (k->pin_policy == 0 && (k->flags & KEY_ALWAYS_AUTH))
		return "always";
	return k->pin_policy <= PIN_POLICY_ALWAYS ? words[k->pin_policy] :
	    NULL;
}

const char *
key_touch_words(const struct key_info *k)
{
	static const char *const words[] = { NULL, "never", "always",
		"cached" };

	if (k->touch_policy == 0 && (k->flags & KEY_TOUCH))
		return "always";
	return k->touch_policy <= TOUCH_POLICY_CACHED ?
	    words[k->touch_policy] : NULL;
}

const char *
key_origin_words(const struct key_info *k)
{
	if (k->origin == KEY_ORIGIN_GENERATED)
		return "generated";
	return k->origin == KEY_ORIGIN_IMPORTED ? "imported" : NULL;
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

json_t *
key_json(const struct key_info *k)
{
	char ssh[64];

	if (ssh_fingerprint(k->pub, ssh))
		ssh[0] = 0;
	return json_pack(
	    "{s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:b,"
	    "s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
	    "name", json_text(k->name),
	    "id", k->hex,
	    "algorithm", k->algorithm,
	    "fingerprint", json_text(k->fingerprint),
	    "ssh_fingerprint", json_text(ssh),
	    "created", json_time(k->created),
	    "expires", json_time(k->expires),
	    "user_ids", user_ids_json(k),
	    "module", json_text(k->module),
	    "token", json_text(k->token),
	    "serial", json_text(k->serial),
	    "uri", json_text(k->uri),
	    "present", !!(k->flags & KEY_HERE),
	    "touch", !!(k->flags & KEY_TOUCH),
	    "pin_each_time", !!(k->flags & KEY_ALWAYS_AUTH),
	    "slot", json_text(k->slot),
	    "pin_policy", json_text(key_pin_words(k)),
	    "touch_policy", json_text(key_touch_words(k)),
	    "origin", json_text(key_origin_words(k)),
	    "firmware", json_text(k->firmware),
	    "certificate_expires", json_time(k->certificate_expires),
	    "tries_left", k->tries_left == PIN_TRIES_UNKNOWN ? json_null() :
	    json_integer(k->tries_left));
}
