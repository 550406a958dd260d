/* Roles of Notary v1, read whole. */
#include "config.h"

#include <string.h>
#include <openssl/evp.h>

#include "object/json.h"
#include "object/notary.h"
#include "object/read.h"
#include "object/tuf.h"
#include "object/tufread.h"
#include "wire/base64.h"
#include "wire/text.h"

static const char *const types[] = {
	[TUF_ROOT] = "Root",
	[TUF_TARGETS] = "Targets",
	[TUF_SNAPSHOT] = "Snapshot",
	[TUF_TIMESTAMP] = "Timestamp",
};

#define TYPES (sizeof(types) / sizeof(types[0]))

const char *const tuf_base_roles[] = {
	"root", "targets", "snapshot", "timestamp", NULL
};

/* A text of at most so many bytes that may be shown. */
static bool
is_name(const char *s, size_t max)
{
	size_t len = s ? strnlen(s, max + 1) : 0;

	return len > 0 && len <= max && text_is_clean(view_of(s, len));
}

bool
tuf_delegation_valid(struct view v)
{
	uint8_t before = 0;

	if (v.len > TUF_NAME_MAX || !view_starts(v, "targets/"))
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (!v.p[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789"
		    "-_/", v.p[i]) || (v.p[i] == '/' && before == '/'))
			return false;
		before = v.p[i];
	}
	return before != '/';
}

/* ---- keys ---- */

static const char *const key_types[] = {
	[TUF_KEY_UNKNOWN] = "",
	[TUF_KEY_ECDSA] = "ecdsa",
	[TUF_KEY_RSA] = "rsa",
	[TUF_KEY_ED25519] = "ed25519",
	[TUF_KEY_ECDSA_X509] = "ecdsa-x509",
	[TUF_KEY_RSA_X509] = "rsa-x509",
};

const char *
tuf_keytype_name(enum tuf_keytype type)
{
	return key_types[type];
}

enum tuf_keytype
tuf_keytype_of(const char *name)
{
	for (size_t i = 1; i < sizeof(key_types) / sizeof(key_types[0]); i++)
		if (!strcmp(key_types[i], name))
			return (enum tuf_keytype)i;
	return TUF_KEY_UNKNOWN;
}

/* What needs no escaping is its own canonical form. */
static bool
is_plain(const char *s)
{
	return is_name(s, 64) && !strpbrk(s, "\"\\");
}

gpg_error_t
tuf_key_id(const char *type, struct view public, char id[TUF_ID_LEN + 1])
{
	struct buf bytes;
	uint8_t hash[32];
	bool hashed;

	id[0] = 0;
	if (!is_plain(type) || public.len == 0 || public.len > TUF_KEY_MAX)
		return gpg_error(GPG_ERR_INV_VALUE);
	buf_init(&bytes, TUF_KEY_MAX + 256);
	if (base64_get(public, &bytes)) {
		buf_free(&bytes);
		return gpg_error(GPG_ERR_INV_VALUE);
	}
	buf_reset(&bytes);
	buf_putf(&bytes, "{\"keytype\":\"%s\",\"keyval\":{\"private\":null,"
	    "\"public\":\"", type);
	buf_put_view(&bytes, public);
	buf_put_text(&bytes, "\"}}");
	hashed = !buf_error(&bytes) && EVP_Digest(buf_view(&bytes).p,
	    buf_len(&bytes), hash, NULL, EVP_sha256(), NULL) == 1;
	buf_free(&bytes);
	if (!hashed)
		return gpg_error(GPG_ERR_INTERNAL);
	buf_init(&bytes, TUF_ID_LEN);
	if (!buf_put_hex(&bytes, view_of(hash, sizeof(hash)))) {
		memcpy(id, buf_view(&bytes).p, TUF_ID_LEN);
		id[TUF_ID_LEN] = 0;
	}
	buf_free(&bytes);
	return id[0] ? 0 : gpg_error(GPG_ERR_ENOMEM);
}

static bool
key_is_good(const char *id, const json_t *entry)
{
	static const char *const names[] = { "keytype", "keyval", NULL };
	static const char *const inside[] = { "private", "public", NULL };
	const json_t *value = json_object_get(entry, "keyval");
	const json_t *private = json_object_get(value, "private");
	const char *type = json_string_value(json_object_get(entry,
	    "keytype"));
	char real[TUF_ID_LEN + 1];
	struct view public;

	return json_names_are(entry, names, true) && type &&
	    json_names_are(value, inside, true) &&
	    (!private || json_is_null(private)) &&
	    json_get_text(value, "public", &public) &&
	    !tuf_key_id(type, public, real) && !strcmp(real, id);
}

/* A map that may be missing or null, as Go writes it when it is empty. */
static bool
is_map(const json_t *map)
{
	return !map || json_is_null(map) || json_is_object(map);
}

static bool
keys_are_good(const json_t *keys)
{
	json_t *k = (json_t *)(uintptr_t)keys;		/* only looked at */
	void *at = json_object_iter(k);

	if (!is_map(keys) || json_object_size(keys) > TUF_KEYS_MAX)
		return false;
	for (; at; at = json_object_iter_next(k, at))
		if (!key_is_good(json_object_iter_key(at),
		    json_object_iter_value(at)))
			return false;
	return true;
}

/* ---- signers ---- */

static bool
is_repeated(const json_t *list, size_t i)
{
	const char *s = json_string_value(json_array_get(list, i));

	for (size_t j = 0; j < i; j++)
		if (!strcmp(s, json_string_value(json_array_get(list, j))))
			return true;
	return false;
}

/* Each of them once, and each a key of a known type that is there. */
static bool
keyids_are_good(const json_t *list, const json_t *keys)
{
	if (list && !json_is_null(list) && !json_is_array(list))
		return false;
	if (json_array_size(list) > TUF_KEYS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *id = json_string_value(json_array_get(list, i));
		const char *type = !id ? NULL : json_string_value(
		    json_object_get(json_object_get(keys, id), "keytype"));

		if (!type || tuf_keytype_of(type) == TUF_KEY_UNKNOWN ||
		    is_repeated(list, i))
			return false;
	}
	return true;
}

/* "" is a path, and a prefix of everything. */
static bool
paths_are_good(const json_t *list)
{
	if (list && !json_is_null(list) && !json_is_array(list))
		return false;
	if (json_array_size(list) > TUF_KEYS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (!s || (*s && !is_name(s, TUF_TARGET_MAX)))
			return false;
	}
	return true;
}

static bool
signer_is_good(const json_t *entry, const json_t *keys)
{
	static const char *const names[] = { "keyids", "threshold", "name",
		"paths", NULL };
	uint64_t threshold;

	return json_names_are(entry, names, true) &&
	    json_get_size(entry, "threshold", &threshold) &&
	    threshold >= 1 && threshold <= TUF_KEYS_MAX &&
	    keyids_are_good(json_object_get(entry, "keyids"), keys) &&
	    paths_are_good(json_object_get(entry, "paths"));
}

/* Root's roles: the four at least, which can be signed. */
static bool
read_roles(const json_t *json)
{
	json_t *roles = json_object_get(json, "roles");
	const json_t *keys = json_object_get(json, "keys");
	void *at = json_object_iter(roles);

	if (!json_names_are(roles, tuf_base_roles, true))
		return false;
	for (; at; at = json_object_iter_next(roles, at))
		if (!is_name(json_object_iter_key(at), TUF_NAME_MAX) ||
		    !signer_is_good(json_object_iter_value(at), keys))
			return false;
	for (size_t i = 0; tuf_base_roles[i]; i++) {
		const json_t *r = json_object_get(roles, tuf_base_roles[i]);

		if (!r || json_integer_value(json_object_get(r, "threshold")) >
		    (json_int_t)json_array_size(json_object_get(r, "keyids")))
			return false;
	}
	return true;
}

/* Whether a name comes a second time. */
static bool
is_delegated_before(const json_t *list, size_t i, const char *name)
{
	for (size_t j = 0; j < i; j++)
		if (!strcmp(name, json_string_value(json_object_get(
		    json_array_get(list, j), "name"))))
			return true;
	return false;
}

static bool
read_delegations(const json_t *json)
{
	static const char *const names[] = { "keys", "roles", NULL };
	const json_t *d = json_object_get(json, "delegations");
	const json_t *list = json_object_get(d, "roles");

	if (!d || json_is_null(d))
		return true;
	if (!json_names_are(d, names, true) ||
	    (list && !json_is_null(list) && !json_is_array(list)) ||
	    json_array_size(list) > TUF_KEYS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(entry,
		    "name"));

		if (!name || !tuf_delegation_valid(view_str(name)) ||
		    is_delegated_before(list, i, name) ||
		    !signer_is_good(entry, json_object_get(d, "keys")))
			return false;
	}
	return true;
}

/* ---- files ---- */

/* So many bytes in base64; `out` may be NULL. */
static bool
get_hash(const json_t *hashes, const char *name, size_t len, uint8_t *out)
{
	struct view text;
	struct buf b;
	bool good;

	if (!json_get_text(hashes, name, &text))
		return false;
	buf_init(&b, len);
	good = !base64_get(text, &b) && buf_len(&b) == len;
	if (good && out)
		memcpy(out, buf_view(&b).p, len);
	buf_free(&b);
	return good;
}

bool
tuf_file_read(const char *name, const json_t *entry, struct tuf_file *f)
{
	static const char *const names[] = { "hashes", "length", "custom",
		NULL };
	static const char *const hash[] = { "sha256", "sha512", NULL };
	const json_t *hashes = json_object_get(entry, "hashes");

	*f = (struct tuf_file){ .name = name, .json = entry };
	f->has_sha512 = json_object_get(hashes, hash[1]);
	return is_name(name, TUF_TARGET_MAX) &&
	    json_names_are(entry, names, true) &&
	    json_names_are(hashes, hash, true) && json_is_texts(hashes) &&
	    json_object_get(entry, "length") &&
	    json_get_size(entry, "length", &f->length) &&
	    get_hash(hashes, hash[0], sizeof(f->sha256), f->sha256) &&
	    (!f->has_sha512 ||
	    get_hash(hashes, hash[1], sizeof(f->sha512), f->sha512));
}

static bool
files_are_good(const json_t *files)
{
	json_t *list = (json_t *)(uintptr_t)files;	/* only looked at */
	void *at = json_object_iter(list);
	struct tuf_file f;

	if (!is_map(files))
		return false;
	for (; at; at = json_object_iter_next(list, at))
		if (!tuf_file_read(json_object_iter_key(at),
		    json_object_iter_value(at), &f))
			return false;
	return true;
}

/* ---- roles ---- */

static gpg_error_t
read_root(const struct tuf_role *r, const char **why)
{
	const json_t *consistent = json_object_get(r->json,
	    "consistent_snapshot");

	if (consistent && !json_is_boolean(consistent))
		return object_bad(why, "the root's consistent_snapshot is "
		    "neither true nor false");
	if (!json_is_object(json_object_get(r->json, "keys")) ||
	    !keys_are_good(json_object_get(r->json, "keys")))
		return object_bad(why, "a key of the root is malformed, or "
		    "has not the id that belongs to it");
	if (!read_roles(r->json))
		return object_bad(why, "the root's roles are malformed, or "
		    "want keys that it does not have or know");
	return 0;
}

static gpg_error_t
read_targets(const struct tuf_role *r, const char **why)
{
	const json_t *d = json_object_get(r->json, "delegations");

	if (!keys_are_good(json_object_get(d, "keys")))
		return object_bad(why, "a key of the delegations is malformed, "
		    "or has not the id that belongs to it");
	if (!read_delegations(r->json))
		return object_bad(why, "the delegations are malformed, or want "
		    "keys that they do not have or know");
	if (!files_are_good(json_object_get(r->json, "targets")))
		return object_bad(why, "a target is malformed");
	return 0;
}

static gpg_error_t
read_meta(const struct tuf_role *r, const char **why)
{
	const json_t *meta = json_object_get(r->json, "meta");
	bool all = r->type == TUF_SNAPSHOT ? json_object_get(meta, "root") &&
	    json_object_get(meta, "targets") :
	    json_object_get(meta, "snapshot") != NULL;

	if (!all || !files_are_good(meta))
		return object_bad(why, "the roles that a snapshot or timestamp "
		    "names are malformed or missing");
	return 0;
}

static gpg_error_t
read_common(struct tuf_role *r, const char **why)
{
	static const char *const names[] = { "_type", "version", "expires",
		"keys", "roles", "consistent_snapshot", "targets",
		"delegations", "meta", NULL };
	struct view type, expires;
	uint64_t version;

	if (!json_names_are(r->json, names, true))
		return object_bad(why, "the role has a member whose name "
		    "differs in case alone");
	if (!json_is_plain(r->json))
		return object_bad(why, "the role has fractions, numbers that "
		    "are too large, or control characters");
	if (!json_get_text(r->json, "_type", &type))
		type = view_of(NULL, 0);
	for (r->type = 0; r->type < TYPES; r->type++)
		if (view_eq_str(type, types[r->type]))
			break;
	if (r->type == TYPES)
		return object_bad(why, "this is no role of trust data that is "
		    "known");
	if (!json_get_size(r->json, "version", &version) || version < 1 ||
	    version > TUF_VERSION_MAX)
		return object_bad(why, "the role's version is not from 1 to "
		    "2147483647");
	r->version = (uint32_t)version;
	if (!json_get_text(r->json, "expires", &expires) ||
	    !notary_time_read(expires, &r->expires))
		return object_bad(why, "the role does not say when it "
		    "expires");
	return 0;
}

static gpg_error_t
read_role(struct tuf_role *r, const char **why)
{
	gpg_error_t err;

	if ((err = read_common(r, why)))
		return err;
	switch (r->type) {
	case TUF_ROOT:
		return read_root(r, why);
	case TUF_TARGETS:
		return read_targets(r, why);
	default:
		return read_meta(r, why);
	}
}

gpg_error_t
tuf_role_from(struct tuf_role *r, json_t *json, const char **why)
{
	gpg_error_t err;

	*r = (struct tuf_role){ .json = json_incref(json) };
	*why = NULL;
	if ((err = read_role(r, why)))
		tuf_role_free(r);
	return err;
}

gpg_error_t
tuf_role_read(struct tuf_role *r, struct view bytes, const char **why)
{
	json_t *json;
	gpg_error_t err;

	*r = (struct tuf_role){ 0 };
	*why = NULL;
	if (bytes.len > TUF_ROLE_MAX)
		return object_bad(why, "the role is larger than is read");
	if ((err = json_read(bytes, &json, why)))
		return err;
	err = tuf_role_from(r, json, why);
	json_decref(json);
	return err;
}

void
tuf_role_free(struct tuf_role *r)
{
	json_decref(r->json);
	*r = (struct tuf_role){ 0 };
}
