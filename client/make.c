/* Making keys on a token. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/make.h"
#include "local/keyfile.h"

gpg_error_t
make_check_name(struct call *c, const char *name)
{
	if (keyfile_name_ok(view_str(name)))
		return 0;
	return call_problem(c, GPG_ERR_INV_ARG, "\"%s\" cannot name a key: "
	    "small letters, digits and . _ - are allowed, a letter first, "
	    "and not hex digits alone", name);
}

const char *
make_algorithm(struct call *c, const char *name)
{
	enum key_algorithm algorithm = ALGO_P256;

	if (name)
		algorithm = algorithm_by_name(view_str(name));
	if (algorithm != ALGO_NONE)
		return algorithm_name(algorithm);
	call_problem(c, GPG_ERR_INV_ARG, "\"%s\" is no algorithm: P-256, "
	    "P-384, P-521, Ed25519, RSA-2048, RSA-3072 and RSA-4096 are",
	    name);
	return NULL;
}

/*
 * Whether the URI (RFC 7512) has this object label.  What a name is made of
 * is never escaped there.
 */
static bool
has_label(const char *uri, const char *name)
{
	size_t len = strlen(name);
	const char *p = uri;

	while ((p = strstr(p, "object="))) {
		bool first = p > uri && (p[-1] == ':' || p[-1] == ';');

		p += strlen("object=");
		if (first && !strncmp(p, name, len) &&
		    (p[len] == 0 || p[len] == ';' || p[len] == '?'))
			return true;
	}
	return false;
}

static bool
is_left(const struct key_info *k, const char *module, const char *token,
    const char *name)
{
	const struct key_holder *h = key_on_token(k, module, token);

	return !k->name[0] && h && has_label(h->uri, name);
}

static gpg_error_t
check_place(struct call *c, const struct key_info *k, const char *module,
    const char *token)
{
	if (k->holder_count == 0)
		return call_problem(c, GPG_ERR_CONFLICT, "the key \"%s\" is "
		    "there, but its token is not: give another --name",
		    k->name);
	if (!key_on_token(k, module, token))
		return call_problem(c, GPG_ERR_CONFLICT, "the key \"%s\" is "
		    "on the token \"%s\" of the module \"%s\": give another "
		    "--name", k->name, key_first(k)->token,
		    key_first(k)->module);
	return 0;
}

gpg_error_t
make_find(struct call *c, const char *module, const char *token,
    const char *name, struct key_info **out)
{
	struct key_info *keys, *found = NULL;
	gpg_error_t err;
	size_t count;

	*out = NULL;
	if ((err = keys_fetch(c, "", true, &keys, &count)))
		return err;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(keys[i].name, name))
			found = &keys[i];
	for (size_t i = 0; i < count && !found; i++)
		if (is_left(&keys[i], module, token, name))
			found = &keys[i];
	if (!found)
		err = call_problem(c, GPG_ERR_NOT_FOUND, "no key is named "
		    "\"%s\"", name);
	else if (found->name[0])
		err = check_place(c, found, module, token);
	if (!err)
		err = keys_fetch_one(c, found->hex, false, out);
	keys_free(&keys, count);
	return err;
}

static struct view
text(const char *s)
{
	return view_str(s ? s : "");
}

gpg_error_t
make_key(struct call *c, const struct make_plan *plan, struct key_info **out)
{
	char overwrite[32] = "";
	struct msg_generate ask = {
		.module = text(plan->module),
		.token = text(plan->token),
		.label = text(plan->name),
		.algorithm = text(plan->algorithm),
		.slot_name = text(plan->slot),
		.pin_policy = plan->pin_policy,
		.touch_policy = plan->touch_policy,
	};
	struct msg_progress done;
	struct buf hex;
	char *id = NULL;
	gpg_error_t err;

	*out = NULL;
	if (plan->overwrite)
		snprintf(overwrite, sizeof(overwrite), "overwrite %s",
		    plan->overwrite);
	ask.overwrite = view_str(overwrite);
	if ((err = call_follow(c, MSG_generate, &ask, &done)))
		return err;
	buf_init(&hex, 2 * PUBKEY_ID_LEN);
	if (done.result.len != PUBKEY_ID_LEN ||
	    buf_put_hex(&hex, done.result) ||
	    !(id = view_strdup(buf_view(&hex))))
		err = call_problem(c, GPG_ERR_BAD_DATA, "the agent does not "
		    "name the key that it made");
	else
		err = keys_fetch_one(c, id, true, out);
	free(id);
	buf_free(&hex);
	return err;
}

/* The place of the word in the list, from 1 on; 0 if it is none of them. */
static uint8_t
place(const char *word, const char *const words[3])
{
	for (uint8_t i = 0; i < 3; i++)
		if (!strcasecmp(word, words[i]))
			return i + 1;
	return 0;
}

gpg_error_t
make_policies(struct call *c, uint8_t *pin, uint8_t *touch)
{
	static const char *const pins[] = { "never", "once", "always" };
	static const char *const touches[] = { "never", "always", "cached" };
	const char *p = call_option(c, "pin-policy");
	const char *t = call_option(c, "touch-policy");

	*pin = p ? place(p, pins) : 0;
	*touch = t ? place(t, touches) : 0;
	if (p && !*pin)
		return call_problem(c, GPG_ERR_INV_ARG, "\"%s\" is no PIN "
		    "policy: never, once and always are", p);
	if (t && !*touch)
		return call_problem(c, GPG_ERR_INV_ARG, "\"%s\" is no touch "
		    "policy: always, cached and never are", t);
	return 0;
}

gpg_error_t
make_check_slot(struct call *c, const char *slot)
{
	static const char *const slots[] = { "9a", "9c", "9d", "9e" };
	char *end;
	unsigned long n;

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (!strcmp(slot, slots[i]))
			return 0;
	n = strtoul(slot, &end, 16);
	if (strlen(slot) == 2 && !*end && n >= 0x82 && n <= 0x95)
		return 0;
	return call_problem(c, GPG_ERR_INV_ARG, "\"%s\" is no slot: 9a, 9c, "
	    "9d, 9e and 82 to 95 are", slot);
}
