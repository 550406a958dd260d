/* What roles of Notary v1 list: keys, signers, files. */
#include "config.h"

#include <string.h>

#include "object/json.h"
#include "object/tuf.h"
#include "object/tufread.h"

static struct tuf_iter
begin(const json_t *list)
{
	/* jansson's iterators take what they only look at as theirs. */
	return (struct tuf_iter){ .list = list,
	    .at = json_object_iter((json_t *)(uintptr_t)list) };
}

/* The next member of an object; NULL at the end. */
static const json_t *
next(struct tuf_iter *i, const char **name)
{
	const json_t *value;

	if (!i->at)
		return NULL;
	*name = json_object_iter_key(i->at);
	value = json_object_iter_value(i->at);
	i->at = json_object_iter_next((json_t *)(uintptr_t)i->list, i->at);
	return value;
}

static const json_t *
delegations(const struct tuf_role *r)
{
	return json_object_get(r->json, "delegations");
}

/* ---- keys ---- */

static const json_t *
keys_of(const struct tuf_role *r)
{
	return r->type == TUF_ROOT ? json_object_get(r->json, "keys") :
	    r->type == TUF_TARGETS ? json_object_get(delegations(r), "keys") :
				     NULL;
}

static bool
get_key(const char *id, const json_t *entry, struct tuf_key *out)
{
	*out = (struct tuf_key){ .id = id };
	if (!entry)
		return false;
	out->type = tuf_keytype_of(json_string_value(json_object_get(entry,
	    "keytype")));
	return json_get_text(json_object_get(entry, "keyval"), "public",
	    &out->public);
}

struct tuf_iter
tuf_keys(const struct tuf_role *r)
{
	return begin(keys_of(r));
}

bool
tuf_keys_next(struct tuf_iter *i, struct tuf_key *out)
{
	const char *id = NULL;
	const json_t *entry = next(i, &id);

	return get_key(id, entry, out);
}

/* The id is the tree's own, which lives as long as the role. */
bool
tuf_keys_find(const struct tuf_role *r, const char *id, struct tuf_key *out)
{
	json_t *keys = (json_t *)(uintptr_t)keys_of(r);
	void *at = keys ? json_object_iter_at(keys, id) : NULL;

	*out = (struct tuf_key){ 0 };
	return at && get_key(json_object_iter_key(at),
	    json_object_iter_value(at), out);
}

/* ---- signers ---- */

static void
get_signer(const char *name, const json_t *entry, struct tuf_signer *out)
{
	*out = (struct tuf_signer){
		.name = name,
		.threshold = (uint32_t)json_integer_value(
		    json_object_get(entry, "threshold")),
		.keyids = json_object_get(entry, "keyids"),
		.paths = json_object_get(entry, "paths"),
	};
	out->key_count = json_array_size(out->keyids);
	out->path_count = json_array_size(out->paths);
}

struct tuf_iter
tuf_signers(const struct tuf_role *r)
{
	if (r->type == TUF_TARGETS)
		return (struct tuf_iter){ .list = json_object_get(
		    delegations(r), "roles") };
	return begin(json_object_get(r->json, "roles"));
}

bool
tuf_signers_next(struct tuf_iter *i, struct tuf_signer *out)
{
	const char *name;
	const json_t *entry;

	*out = (struct tuf_signer){ 0 };
	if (json_is_array(i->list)) {
		entry = json_array_get(i->list, i->index++);
		name = json_string_value(json_object_get(entry, "name"));
	} else {
		entry = next(i, &name);
	}
	if (entry)
		get_signer(name, entry, out);
	return entry;
}

bool
tuf_signers_find(const struct tuf_role *r, const char *name,
    struct tuf_signer *out)
{
	struct tuf_iter i = tuf_signers(r);

	while (tuf_signers_next(&i, out))
		if (!strcmp(out->name, name))
			return true;
	return false;
}

const char *
tuf_signer_id(const struct tuf_signer *s, size_t i)
{
	return json_string_value(json_array_get(s->keyids, i));
}

const char *
tuf_signer_path(const struct tuf_signer *s, size_t i)
{
	return json_string_value(json_array_get(s->paths, i));
}

bool
tuf_signer_has(const struct tuf_signer *s, const char *id)
{
	for (size_t i = 0; i < s->key_count; i++)
		if (!strcmp(tuf_signer_id(s, i), id))
			return true;
	return false;
}

bool
tuf_signer_covers(const struct tuf_signer *s, const char *target)
{
	for (size_t i = 0; i < s->path_count; i++) {
		const char *path = tuf_signer_path(s, i);

		if (!strncmp(target, path, strlen(path)))
			return true;
	}
	return false;
}

/* ---- files ---- */

static const json_t *
files_of(const struct tuf_role *r)
{
	return json_object_get(r->json, r->type == TUF_TARGETS ? "targets" :
	    "meta");
}

struct tuf_iter
tuf_files(const struct tuf_role *r)
{
	return begin(files_of(r));
}

bool
tuf_files_next(struct tuf_iter *i, struct tuf_file *out)
{
	const char *name = NULL;
	const json_t *entry = next(i, &name);

	return entry && tuf_file_read(name, entry, out);
}

bool
tuf_files_find(const struct tuf_role *r, const char *name,
    struct tuf_file *out)
{
	json_t *files = (json_t *)(uintptr_t)files_of(r);
	void *at = files ? json_object_iter_at(files, name) : NULL;

	return at && tuf_file_read(json_object_iter_key(at),
	    json_object_iter_value(at), out);
}

/* ---- who may say what ---- */

/* "targets/a" is right below "targets". */
static bool
is_below(const char *child, const char *parent)
{
	size_t len = strlen(parent);

	return !strncmp(child, parent, len) && child[len] == '/' &&
	    !strchr(child + len + 1, '/');
}

bool
tuf_role_fits(const struct tuf_role *r, const char *name)
{
	struct tuf_iter i = tuf_signers(r);
	struct tuf_signer s;

	if (r->type != TUF_TARGETS)
		return !strcmp(name, tuf_base_roles[r->type]);
	if (strcmp(name, "targets") && !tuf_delegation_valid(view_str(name)))
		return false;
	while (tuf_signers_next(&i, &s))
		if (!is_below(s.name, name))
			return false;
	return true;
}
