/* Finds and sets what index.json of an OCI layout names. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/registry/index.h"

#define REF_NAME "org.opencontainers.image.ref.name"

gpg_error_t
index_parse(struct view v, json_t **out, struct problem *why)
{
	json_t *j = json_loadb(v.len ? (const char *)v.p : "", v.len,
	    JSON_REJECT_DUPLICATES, NULL);

	*out = NULL;
	if (!json_is_array(json_object_get(j, "manifests"))) {
		json_decref(j);
		return problem_set(why, GPG_ERR_BAD_DATA, "index.json of the "
		    "layout is no JSON, has a key twice, or has no "
		    "\"manifests\"");
	}
	*out = j;
	return 0;
}

/* What is after the last colon: containerd writes whole names. */
static const char *
name_of(json_t *one)
{
	const char *name = json_string_value(json_object_get(
	    json_object_get(one, "annotations"), REF_NAME));
	const char *colon = name ? strrchr(name, ':') : NULL;

	return colon ? colon + 1 : name ? name : "";
}

/* Signatures are no image that one could mean. */
static bool
is_image(json_t *one)
{
	const char *name = name_of(one), *artifact = "";

	json_unpack(one, "{s?s}", "artifactType", &artifact);
	return !(strlen(name) > 70 && !strncmp(name, "sha256-", 7)) &&
	    (!*artifact || !strcmp(artifact, MEDIA_CONFIG) ||
	    !strcmp(artifact,
	    "application/vnd.docker.container.image.v1+json"));
}

static gpg_error_t
read_entry(json_t *one, struct descriptor *d, struct problem *why)
{
	if (descriptor_read(one, d))
		return problem_set(why, GPG_ERR_BAD_DATA, "index.json of the "
		    "layout has an entry that is no descriptor");
	return 0;
}

gpg_error_t
index_find(json_t *index, const char *which, struct descriptor *d,
    struct problem *why)
{
	json_t *one, *found = NULL, *list = json_object_get(index,
	    "manifests");
	bool digest = digest_ok(which);
	size_t i, count = 0;

	json_array_foreach(list, i, one) {
		const char *its = json_string_value(json_object_get(one,
		    "digest"));

		if (digest ? its && !strcmp(its, which) : *which ?
		    !strcmp(name_of(one), which) : is_image(one)) {
			found = one;
			count++;
		}
	}
	if (count > 1 && !digest)
		return problem_set(why, GPG_ERR_AMBIGUOUS, "the layout has "
		    "several images%s%s; name one: oci:FOLDER:TAG",
		    *which ? " named " : "", which);
	if (found)
		return read_entry(found, d, why);
	if (!digest)
		return problem_set(why, GPG_ERR_NOT_FOUND, "the layout has no "
		    "image%s%s", *which ? " named " : "", which);
	memset(d, 0, sizeof(*d));
	snprintf(d->digest, sizeof(d->digest), "%s", which);
	return 0;
}

gpg_error_t
index_set(json_t *index, const char *tag, const struct descriptor *d)
{
	json_t *one, *entry, *list = json_object_get(index, "manifests");
	size_t i, n = json_array_size(list);

	for (i = n; i-- > 0; ) {
		const char *its;

		one = json_array_get(list, i);
		its = json_string_value(json_object_get(one, "digest"));
		if (*tag ? !strcmp(name_of(one), tag) :
		    its && !strcmp(its, d->digest)) {
			if (!*tag)
				return 0;
			json_array_remove(list, i);
		}
	}
	if (!(entry = descriptor_make(d)))
		return gpg_error(GPG_ERR_ENOMEM);
	if (*tag)
		json_object_set_new(entry, "annotations", json_pack("{s:s}",
		    REF_NAME, tag));
	return json_array_append_new(list, entry) ?
	    gpg_error(GPG_ERR_ENOMEM) : 0;
}

gpg_error_t
index_all(json_t *index, struct descriptors *out, struct problem *why)
{
	json_t *one, *list = json_object_get(index, "manifests");
	struct descriptor d;
	gpg_error_t err;
	size_t i;

	*out = (struct descriptors){ .count = 0 };
	json_array_foreach(list, i, one)
		if ((err = read_entry(one, &d, why)) ||
		    (err = descriptors_add(out, &d))) {
			descriptors_free(out);
			return err;
		}
	return 0;
}
