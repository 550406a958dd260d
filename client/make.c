/* Making keys on a token. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

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
	    "P-384, Ed25519, RSA-2048, RSA-3072 and RSA-4096 are", name);
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
	return !k->name[0] && !strcmp(k->module, module) &&
	    !strcmp(k->token, token) && has_label(k->uri, name);
}

static gpg_error_t
check_place(struct call *c, const struct key_info *k, const char *module,
    const char *token)
{
	if (!(k->flags & KEY_HERE))
		return call_problem(c, GPG_ERR_CONFLICT, "the key \"%s\" is "
		    "there, but its token is not: give another --name",
		    k->name);
	if (strcmp(k->module, module) || strcmp(k->token, token))
		return call_problem(c, GPG_ERR_CONFLICT, "the key \"%s\" is "
		    "on the token \"%s\" of the module \"%s\": give another "
		    "--name", k->name, k->token, k->module);
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

gpg_error_t
make_key(struct call *c, const char *module, const char *token,
    const char *name, const char *algorithm, struct key_info **out)
{
	struct msg_generate ask = {
		.module = view_str(module),
		.token = view_str(token),
		.label = view_str(name),
		.algorithm = view_str(algorithm),
	};
	struct msg_progress done;
	struct buf hex;
	char *id = NULL;
	gpg_error_t err;

	*out = NULL;
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
