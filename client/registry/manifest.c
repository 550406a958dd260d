/* Parses and makes manifests. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/registry/manifest.h"

gpg_error_t
descriptors_add(struct descriptors *d, const struct descriptor *one)
{
	struct descriptor *list;

	for (size_t i = 0; i < d->count; i++)
		if (!strcmp(d->list[i].digest, one->digest))
			return 0;
	if (d->count == DESCRIPTORS_MAX)
		return gpg_error(GPG_ERR_TOO_MANY);
	/* Room for twice as many, at each power of two. */
	if ((d->count & (d->count - 1)) == 0) {
		list = reallocarray(d->list, d->count ? 2 * d->count : 1,
		    sizeof(*list));
		if (!list)
			return gpg_error_from_syserror();
		d->list = list;
	}
	d->list[d->count++] = *one;
	return 0;
}

void
descriptors_free(struct descriptors *d)
{
	free(d->list);
	*d = (struct descriptors){ .count = 0 };
}

static bool
copy(char *dst, size_t size, const char *src)
{
	return (size_t)snprintf(dst, size, "%s", src) < size;
}

gpg_error_t
descriptor_read(json_t *j, struct descriptor *d)
{
	const char *media, *digest, *artifact = "";
	json_int_t size;

	memset(d, 0, sizeof(*d));
	if (json_unpack(j, "{s:s,s:s,s:I,s?s}", "mediaType", &media, "digest",
	    &digest, "size", &size, "artifactType", &artifact) || size < 0 ||
	    !digest_ok(digest) || !*media ||
	    !copy(d->media_type, sizeof(d->media_type), media) ||
	    !copy(d->artifact_type, sizeof(d->artifact_type), artifact))
		return gpg_error(GPG_ERR_BAD_DATA);
	copy(d->digest, sizeof(d->digest), digest);
	d->size = (uint64_t)size;
	return 0;
}

json_t *
descriptor_make(const struct descriptor *d)
{
	json_t *j = json_pack("{s:s,s:s,s:I}", "mediaType", d->media_type,
	    "digest", d->digest, "size", (json_int_t)d->size);

	if (j && d->artifact_type[0])
		json_object_set_new(j, "artifactType",
		    json_string(d->artifact_type));
	return j;
}

void
manifest_init(struct manifest *m)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->bytes, MANIFEST_MAX);
}

void
manifest_free(struct manifest *m)
{
	buf_free(&m->bytes);
	json_decref(m->json);
	manifest_init(m);
}

static const char *
text_of(const struct manifest *m, const char *name)
{
	const char *s = json_string_value(json_object_get(m->json, name));

	return s ? s : "";
}

/* Docker's first kind of manifest, and what is none at all, are refused. */
static gpg_error_t
check(struct manifest *m, const char *type, struct problem *why)
{
	const char *own = text_of(m, "mediaType");
	json_t *version = json_object_get(m->json, "schemaVersion");

	if (!json_is_object(m->json))
		return problem_set(why, GPG_ERR_BAD_DATA, "the manifest %s is "
		    "no JSON, or has a key twice", m->digest);
	if (json_integer_value(version) != 2)
		return problem_set(why, GPG_ERR_NOT_SUPPORTED, "the manifest "
		    "%s is of no version that is known; push the image again "
		    "with a newer program", m->digest);
	if (*own && *type && strcmp(own, type))
		return problem_set(why, GPG_ERR_CONFLICT, "the manifest %s "
		    "says it is %.200s and the registry says %.200s",
		    m->digest, own, type);
	if (!*own && !*type)
		own = json_is_array(json_object_get(m->json, "manifests")) ?
		    MEDIA_INDEX : MEDIA_MANIFEST;
	if (!copy(m->media_type, sizeof(m->media_type), *own ? own : type))
		return problem_set(why, GPG_ERR_BAD_DATA, "the manifest %s "
		    "has a media type that is too long", m->digest);
	return 0;
}

gpg_error_t
manifest_take(struct manifest *m, struct view v, const char *type,
    struct problem *why)
{
	gpg_error_t err;

	manifest_free(m);
	if ((err = buf_put_view(&m->bytes, v)))
		return problem_set(why, err, "a manifest of %zu bytes is not "
		    "taken: at most %u are", v.len, MANIFEST_MAX);
	if ((err = digest_of(v, m->digest)))
		return problem_set(why, err, "SHA-256 cannot be had");
	m->json = json_loadb(v.len ? (const char *)v.p : "", v.len,
	    JSON_REJECT_DUPLICATES, NULL);
	return check(m, type, why);
}

gpg_error_t
manifest_make(struct manifest *m, json_t *j, struct problem *why)
{
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	gpg_error_t err;

	err = text ? manifest_take(m, view_str(text), "", why) :
	    problem_set(why, GPG_ERR_ENOMEM, "out of memory");
	free(text);
	json_decref(j);
	return err;
}

void
manifest_descriptor(const struct manifest *m, struct descriptor *d)
{
	const char *artifact = text_of(m, "artifactType"), *config = "";

	memset(d, 0, sizeof(*d));
	copy(d->media_type, sizeof(d->media_type), m->media_type);
	copy(d->digest, sizeof(d->digest), m->digest);
	d->size = buf_len(&m->bytes);
	/* Without a type of its own its config's stands for it. */
	json_unpack(m->json, "{s?{s?s}}", "config", "mediaType", &config);
	if (!copy(d->artifact_type, sizeof(d->artifact_type),
	    *artifact ? artifact : config))
		d->artifact_type[0] = 0;
}

bool
manifest_is_index(const struct manifest *m)
{
	return !strcmp(m->media_type, MEDIA_INDEX) ||
	    !strcmp(m->media_type, MEDIA_DOCKER_LIST);
}

json_t *
manifest_list(const struct manifest *m, const char *name)
{
	return json_object_get(m->json, name);
}

bool
manifest_has(const struct manifest *m, const char *name, const char *digest)
{
	json_t *one, *list = manifest_list(m, name);
	size_t i;

	json_array_foreach(list, i, one) {
		const char *d = json_string_value(json_object_get(one,
		    "digest"));

		if (d && !strcmp(d, digest))
			return true;
	}
	return false;
}
