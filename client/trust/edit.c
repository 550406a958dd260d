/* Makes the next version of a role. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/trust/edit.h"
#include "format/canonical.h"
#include "wire/base64.h"

#define YEAR (365 * 86400)	/* Notary's */

json_t *
edit_begin(const struct trust_role *r)
{
	if (r->there)
		return json_deep_copy(r->env.role.json);
	return json_pack("{s:s,s:{s:{},s:[]},s:s,s:{},s:i}", "_type",
	    "Targets", "delegations", "keys", "roles", "expires", "",
	    "targets", "version", 0);
}

static gpg_error_t
put_digest(const char *digest, struct buf *b)
{
	uint8_t bytes[32];
	unsigned byte;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (sscanf(digest + 7 + 2 * i, "%2x", &byte) != 1)
			return gpg_error(GPG_ERR_INV_VALUE);
		bytes[i] = (uint8_t)byte;
	}
	return base64_put(b, view_of(bytes, sizeof(bytes)));
}

/* What is the same already stays as it is, with all that is said of it. */
static bool
is_same(json_t *entry, json_t *fresh)
{
	return json_equal(json_object_get(entry, "length"),
	    json_object_get(fresh, "length")) &&
	    json_equal(json_object_get(json_object_get(entry, "hashes"),
	    "sha256"), json_object_get(json_object_get(fresh, "hashes"),
	    "sha256"));
}

gpg_error_t
edit_add(json_t *j, const char *tag, const char *digest, uint64_t size,
    bool *changed)
{
	json_t *targets = json_object_get(j, "targets"), *fresh = NULL;
	struct buf b;
	struct view v;
	gpg_error_t err;

	*changed = false;
	buf_init(&b, 64);
	if (!digest_ok(digest))
		err = gpg_error(GPG_ERR_INV_VALUE);
	else if (!(err = put_digest(digest, &b))) {
		v = buf_view(&b);
		fresh = json_pack("{s:{s:s%},s:I}", "hashes", "sha256",
		    (const char *)v.p, v.len, "length", (json_int_t)size);
		*changed = fresh && !is_same(json_object_get(targets, tag),
		    fresh);
		if (!fresh || (*changed && json_object_set(targets, tag,
		    fresh)))
			err = gpg_error(GPG_ERR_ENOMEM);
	}
	json_decref(fresh);
	buf_free(&b);
	return err;
}

gpg_error_t
edit_remove(json_t *j, const char *tag, bool *changed)
{
	*changed = !json_object_del(json_object_get(j, "targets"), tag);
	return 0;
}

static json_t *
time_text(int64_t when)
{
	time_t t = (time_t)when;
	char text[32];
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return NULL;
	return json_string(text);
}

gpg_error_t
edit_finish(json_t *j, const struct trust_role *r, int64_t now,
    struct buf *out, struct problem *why)
{
	uint32_t version = r->there ? r->env.role.version : 0;
	int64_t years = strcmp(r->name, "root") ? EDIT_YEARS :
	    EDIT_ROOT_YEARS;
	struct tuf_role check = { .json = NULL };
	const char *words = "";
	gpg_error_t err;

	if (version >= TUF_VERSION_MAX)
		return problem_set(why, GPG_ERR_TOO_LARGE, "\"%s\" has the "
		    "last version that there can be; have its owner delegate "
		    "to another", r->name);
	if (json_object_set_new(j, "version", json_integer(version + 1)) ||
	    json_object_set_new(j, "expires", time_text(now +
	    years * YEAR)))
		return problem_set(why, GPG_ERR_ENOMEM, "out of memory");
	if ((err = tuf_role_from(&check, j, &words)))
		return problem_set(why, err, "the next version of \"%s\" "
		    "cannot be made: %s", r->name, words);
	if (!tuf_role_fits(&check, r->name))
		err = gpg_error(GPG_ERR_BAD_DATA);
	else
		err = canonical_put(out, j);
	tuf_role_free(&check);
	return err ? problem_set(why, err, "the next version of \"%s\" cannot "
	    "be made: %s", r->name, gpg_strerror(err)) : 0;
}

gpg_error_t
edit_before(const struct trust_role *r, struct buf *out)
{
	return r->there ? canonical_put(out, r->env.role.json) : 0;
}
