/* Changes who may sign. */
#include "config.h"

#include <string.h>

#include "client/trust/grant.h"

void
grant_key_free(struct grant_key *k)
{
	json_decref(k->entry);
	k->entry = NULL;
	pubkey_free(&k->key);
}

/* ---- root ---- */

json_t *
grant_root_new(void)
{
	return json_pack("{s:s,s:b,s:s,s:{},s:{},s:i}", "_type", "Root",
	    "consistent_snapshot", 0, "expires", "", "keys", "roles",
	    "version", 0);
}

gpg_error_t
grant_root(json_t *root, const char *role, const struct grant_key *k)
{
	if (json_object_set(json_object_get(root, "keys"), k->id, k->entry) ||
	    json_object_set_new(json_object_get(root, "roles"), role,
	    json_pack("{s:[s],s:i}", "keyids", k->id, "threshold", 1)))
		return gpg_error(GPG_ERR_ENOMEM);
	grant_sweep(root);
	return 0;
}

/* ---- delegations ---- */

static json_t *
find(json_t *targets, const char *delegation, size_t *at)
{
	json_t *roles = json_object_get(json_object_get(targets,
	    "delegations"), "roles"), *one;
	size_t i;

	json_array_foreach(roles, i, one) {
		const char *name = json_string_value(json_object_get(one,
		    "name"));

		*at = i;
		if (name && !strcmp(name, delegation))
			return one;
	}
	return NULL;
}

/* A member of that kind, made where it is missing. */
static json_t *
member(json_t *of, const char *name, bool array)
{
	json_t *j = json_object_get(of, name);

	if (array ? json_is_array(j) : json_is_object(j))
		return j;
	if (json_object_set_new(of, name, array ? json_array() :
	    json_object()))
		return NULL;
	return json_object_get(of, name);
}

static bool
lists(json_t *ids, const char *id)
{
	json_t *one;
	size_t i;

	json_array_foreach(ids, i, one)
		if (!strcmp(json_string_value(one), id))
			return true;
	return false;
}

gpg_error_t
grant_add(json_t *targets, const char *delegation, const struct grant_key *k,
    bool *changed)
{
	json_t *d = member(targets, "delegations", false), *role, *ids;
	size_t at;

	if (!member(d, "keys", false) || !member(d, "roles", true))
		return gpg_error(GPG_ERR_ENOMEM);
	if (!(role = find(targets, delegation, &at))) {
		role = json_pack("{s:[],s:s,s:[s],s:i}", "keyids", "name",
		    delegation, "paths", "", "threshold", 1);
		if (json_array_append_new(json_object_get(d, "roles"), role))
			return gpg_error(GPG_ERR_ENOMEM);
	}
	if (!(ids = member(role, "keyids", true)))
		return gpg_error(GPG_ERR_ENOMEM);
	if (lists(ids, k->id))
		return 0;
	*changed = true;
	if (json_array_append_new(ids, json_string(k->id)) ||
	    json_object_set(json_object_get(d, "keys"), k->id, k->entry))
		return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

void
grant_remove(json_t *targets, const char *delegation)
{
	size_t at;

	if (find(targets, delegation, &at))
		json_array_remove(json_object_get(json_object_get(targets,
		    "delegations"), "roles"), at);
}

void
grant_take(json_t *targets, const char *delegation, const char *id,
    size_t *left, size_t *threshold)
{
	size_t at, i = 0;
	json_t *role = find(targets, delegation, &at);
	json_t *ids = json_object_get(role, "keyids");

	while (i < json_array_size(ids))
		if (!strcmp(json_string_value(json_array_get(ids, i)), id))
			json_array_remove(ids, i);
		else
			i++;
	*left = i;
	*threshold = (size_t)json_integer_value(json_object_get(role,
	    "threshold"));
}

/* ---- keys that are not needed any more ---- */

static bool
is_used(json_t *roles, const char *id)
{
	const char *name;
	json_t *one;
	size_t i;

	json_array_foreach(roles, i, one)
		if (lists(json_object_get(one, "keyids"), id))
			return true;
	json_object_foreach(roles, name, one)
		if (lists(json_object_get(one, "keyids"), id))
			return true;
	return false;
}

void
grant_sweep(json_t *role)
{
	json_t *in = json_object_get(role, "keys") ? role :
	    json_object_get(role, "delegations");
	json_t *keys = json_object_get(in, "keys"), *one;
	const char *id;
	void *next;

	json_object_foreach_safe(keys, next, id, one)
		if (!is_used(json_object_get(in, "roles"), id))
			json_object_del(keys, id);
}
