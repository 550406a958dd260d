/*
 * Manifests and indexes of container images: the OCI image specification 1.1,
 * Docker's version 2 with schema 2.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "object/json.h"
#include "object/read.h"
#include "wire/text.h"

#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define CREATED "org.opencontainers.image.created"
#define PAYLOAD_SHOWN 96		/* bytes of a reference */
#define NOTE_NAME_SHOWN 48	/* of an annotation's name */
#define NOTE_SHOWN 32		/* and of its value */
#define NOTES_LEFT 48		/* bytes for how many are not shown */

static enum object_kind
kind_of(const struct json_outline *look)
{
	if (look->objects & JSON_N_CRITICAL)
		return OBJECT_SIMPLE;
	if (look->names & JSON_N_PREDICATE ||
	    (look->names & JSON_N_TYPE && look->names & JSON_N_SUBJECT))
		return OBJECT_STATEMENT;
	if (look->objects & JSON_N_TARGET)
		return OBJECT_NOTATION;
	if (!(look->names & JSON_N_SCHEMA))
		return OBJECT_BLOB;
	if (look->names & JSON_N_MANIFESTS)
		return OBJECT_INDEX;
	if (look->names & (JSON_N_MEDIATYPE | JSON_N_CONFIG | JSON_N_LAYERS |
	    JSON_N_FSLAYERS))
		return OBJECT_MANIFEST;
	return OBJECT_BLOB;
}

/*
 * Whether JSON is a role of The Update Framework, whatever its type (its
 * specification, section 4), if it is nothing else.
 */
static bool
is_role(const struct json_outline *look)
{
	return look->roles != 0 || (look->names & JSON_N_TYPE &&
	    look->names & JSON_N_EXPIRES && kind_of(look) == OBJECT_BLOB);
}

enum object_kind
image_claimed(struct view v)
{
	struct json_outline look;

	json_look(v, &look);
	if (!is_role(&look))
		return kind_of(&look);
	return look.roles & JSON_R_ROOT ? OBJECT_TRUST_ROOT :
					  OBJECT_TRUST_TARGETS;
}

enum object_kind
image_claimed_else(struct view v)
{
	struct json_outline look;

	json_look(v, &look);
	return kind_of(&look);
}

static bool
all_among(struct view v, const char *set)
{
	for (size_t i = 0; i < v.len; i++)
		if (!v.p[i] || !strchr(set, v.p[i]))
			return false;
	return v.len > 0;
}

bool
object_digest_valid(struct view v)
{
	size_t hex = scan_word(&v, "sha256:") ? 64 :
	    scan_word(&v, "sha512:") ? 128 : 0;

	return hex > 0 && v.len == hex && all_among(v, "0123456789abcdef");
}

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool
object_reference_valid(struct view v)
{
	return v.len < OBJECT_REFERENCE && all_among(v, ALNUM "._:/@[]+-");
}

/* RFC 6838, section 4.2. */
static bool
is_media_type(struct view v)
{
	struct view half;

	return scan_until(&v, '/', &half) &&
	    all_among(half, ALNUM "!#$&-^_.+") &&
	    all_among(v, ALNUM "!#$&-^_.+");
}

bool
image_put_text(char *dst, size_t size, struct view v)
{
	if (v.len >= size || !text_is_clean(v))
		return false;
	memcpy(dst, v.len > 0 ? (const void *)v.p : "", v.len);
	dst[v.len] = 0;
	return true;
}

struct descriptor {
	struct view type, digest;
	uint64_t size;
};

/* OCI image specification, descriptor.md. */
static bool
descriptor_read(const json_t *d, struct descriptor *out)
{
	static const char *const names[] = { "mediaType", "digest", "size",
		"annotations", "platform", "artifactType", NULL };
	const json_t *notes = json_object_get(d, "annotations");

	return json_names_are(d, names, true) &&
	    json_get_text(d, "mediaType", &out->type) &&
	    is_media_type(out->type) &&
	    json_get_text(d, "digest", &out->digest) &&
	    object_digest_valid(out->digest) && json_object_get(d, "size") &&
	    json_get_size(d, "size", &out->size) &&
	    (!notes || json_is_texts(notes));
}

/* Adds the sizes of an array of them. */
static bool
descriptors_read(struct object *o, const json_t *list)
{
	struct descriptor d;

	if (!json_is_array(list))
		return false;
	o->image.count = json_array_size(list);
	for (size_t i = 0; i < o->image.count; i++)
		if (!descriptor_read(json_array_get(list, i), &d) ||
		    __builtin_add_overflow(o->image.size, d.size,
		    &o->image.size))
			return false;
	return true;
}

/* 2026-11-22T04:27:04Z, with a fraction or another zone, too. */
static bool
is_date(struct view v)
{
	static const char shape[] = "0000-00-00T00:00:00";

	if (v.len <= strlen(shape) ||
	    !all_among(v, "0123456789-+:.TZ"))
		return false;
	for (size_t i = 0; i < strlen(shape); i++)
		if ((shape[i] == '0') != (v.p[i] >= '0' && v.p[i] <= '9') ||
		    (shape[i] != '0' && v.p[i] != (uint8_t)shape[i]))
			return false;
	return true;
}

/*
 * What manifests and indexes have in common.  The document's own type is
 * optional in OCI's, and must be right where it is told.
 */
static gpg_error_t
read_common(struct object *o, const json_t *m, const char *const types[2],
    const char **why)
{
	const json_t *version = json_object_get(m, "schemaVersion"),
	    *subject = json_object_get(m, "subject"),
	    *notes = json_object_get(m, "annotations");
	struct object_image *i = &o->image;
	struct view type, artifact, created;
	struct descriptor d;

	if (json_is_integer(version) && json_integer_value(version) == 1)
		return object_bad(why, "the image's manifest is of Docker's "
		    "schema 1, which is signed no more: push the image anew");
	if (!json_is_integer(version) || json_integer_value(version) != 2)
		return object_bad(why, "the image's schema is unknown");
	if (!json_get_text(m, "mediaType", &type) || (type.len > 0 &&
	    !view_eq_str(type, types[0]) && !view_eq_str(type, types[1])))
		return object_bad(why, "the image's media type is not one of "
		    "such a manifest");
	if (!json_get_text(m, "artifactType", &artifact) ||
	    (artifact.len > 0 && !is_media_type(artifact)) ||
	    !image_put_text(i->artifact_type, OBJECT_TYPE, artifact))
		return object_bad(why, "the image's artifact type is "
		    "malformed");
	if (subject && !descriptor_read(subject, &d))
		return object_bad(why, "the image's subject is malformed");
	if (subject)
		image_put_text(i->subject, OBJECT_DIGEST, d.digest);
	if (notes && !json_is_texts(notes))
		return object_bad(why, "the image's annotations are no texts");
	if (json_get_text(notes, CREATED, &created) && is_date(created))
		image_put_text(i->created, sizeof(i->created), created);
	image_put_text(i->media_type, OBJECT_TYPE,
	    type.len > 0 ? type : view_str(types[0]));
	return name_put_digest(o->bytes, i->digest);
}

static void
put_name(struct object *o, struct view reference)
{
	const struct object_image *i = &o->image;
	bool index = o->kind == OBJECT_INDEX;

	o->summary[0] = 0;
	name_add(o, i->artifact_type[0] ? "artifact " : index ?
	    "image index " : "image ");
	if (reference.len > 0) {
		name_add_word(o, reference, PAYLOAD_SHOWN);
		name_add(o, "@");
	}
	name_add(o, i->digest);
	if (i->platforms[0]) {
		name_add(o, " for ");
		name_add(o, i->platforms);
	}
	name_add(o, ", ");
	if (index) {
		name_add_number(o, i->count);
		name_add(o, i->count == 1 ? " manifest" : " manifests");
	} else {
		name_add_size(o, i->size);
	}
	if (i->created[0]) {
		char day[11];

		snprintf(day, sizeof(day), "%.10s", i->created);
		name_add(o, ", created ");
		name_add(o, day);
	}
}

gpg_error_t
object_name_image(struct object *o, struct view reference, const char **why)
{
	if (reference.len == 0 || !object_reference_valid(reference))
		return object_bad(why, "the image's reference is malformed");
	put_name(o, reference);
	return 0;
}

bool
object_name_note(struct object *o, struct view name, struct view value,
    size_t left)
{
	size_t used = strlen(o->summary);

	name_add(o, ", with ");
	name_add_word(o, name, NOTE_NAME_SHOWN);
	name_add(o, "=");
	name_add_word(o, value, NOTE_SHOWN);
	if (strlen(o->summary) + NOTES_LEFT < sizeof(o->summary))
		return true;
	o->summary[used] = 0;
	name_add(o, ", with annotations not shown here: ");
	name_add_number(o, left + 1);
	return false;
}

void
image_name_notes(struct object *o, const json_t *notes)
{
	json_t *all = (json_t *)(uintptr_t)notes;	/* only looked at */
	void *at = json_object_iter(all);
	size_t left = json_object_size(all);
	struct view value;
	bool room = true;

	for (; at && room; at = json_object_iter_next(all, at)) {
		const char *name = json_object_iter_key(at);

		if (!json_get_text(all, name, &value))
			value = view_str("(no text)");
		room = object_name_note(o, view_str(name), value, --left);
	}
}

static gpg_error_t
read_manifest(struct object *o, const json_t *m, const char **why)
{
	static const char *const types[] = { OCI "manifest.v1+json",
		DOCKER "distribution.manifest.v2+json" };
	static const char *const names[] = { "schemaVersion", "mediaType",
		"artifactType", "config", "layers", "subject", "annotations",
		"manifests", "fsLayers", NULL };
	struct descriptor config;
	gpg_error_t err;

	if (!json_names_are(m, names, true))
		return object_bad(why, "the image's manifest has a member "
		    "whose name differs in case alone");
	if ((err = read_common(o, m, types, why)))
		return err;
	/* Readers have taken one document for the other (CVE-2021-41190). */
	if (json_object_get(m, "manifests") || json_object_get(m, "fsLayers"))
		return object_bad(why, "the image's manifest reads as "
		    "something else, too");
	if (!descriptor_read(json_object_get(m, "config"), &config))
		return object_bad(why, "the image's configuration is "
		    "malformed");
	image_put_text(o->image.config, OBJECT_DIGEST, config.digest);
	o->image.size = config.size;
	if (!descriptors_read(o, json_object_get(m, "layers")) ||
	    __builtin_add_overflow(o->image.size, o->bytes.len,
	    &o->image.size))
		return object_bad(why, "the image's layers are malformed");
	put_name(o, view_of(NULL, 0));
	return 0;
}

/* Whether the list, with ", " between, has that entry. */
static bool
has_entry(const char *list, const char *entry)
{
	size_t len = strlen(entry);
	const char *at = list;

	while ((at = strstr(at, entry))) {
		if ((at == list || at[-1] == ' ') &&
		    (at[len] == ',' || !at[len]))
			return true;
		at++;
	}
	return false;
}

/* Adds "linux/arm/v7"; attestations have "unknown/unknown". */
static bool
add_platform(struct object_image *i, const json_t *p)
{
	static const char *const names[] = { "os", "architecture", "variant",
		NULL };
	struct view os, machine, variant;
	size_t used = strlen(i->platforms);
	char text[64];

	if (!json_names_are(p, names, true) || !json_get_text(p, "os", &os) ||
	    !json_get_text(p, "architecture", &machine) ||
	    !json_get_text(p, "variant", &variant) ||
	    !all_among(os, ALNUM "._-") || !all_among(machine, ALNUM "._-") ||
	    (variant.len > 0 && !all_among(variant, ALNUM "._-")) ||
	    os.len + machine.len + variant.len > 60)
		return false;
	snprintf(text, sizeof(text), "%.*s/%.*s%s%.*s", (int)os.len, os.p,
	    (int)machine.len, machine.p, variant.len > 0 ? "/" : "",
	    (int)variant.len, variant.len > 0 ? (const char *)variant.p : "");
	if (!strcmp(text, "unknown/unknown") || has_entry(i->platforms, text))
		return true;
	if (used + strlen(text) + strlen(", , ...") >= sizeof(i->platforms))
		snprintf(text, sizeof(text), "...");
	if (!has_entry(i->platforms, "..."))
		snprintf(i->platforms + used, sizeof(i->platforms) - used,
		    "%s%s", used > 0 ? ", " : "", text);
	return true;
}

static bool
read_platforms(struct object_image *i, const json_t *list)
{
	for (size_t n = 0; n < i->count; n++) {
		const json_t *p = json_object_get(json_array_get(list, n),
		    "platform");

		if (p && !add_platform(i, p))
			return false;
	}
	return true;
}

static gpg_error_t
read_index(struct object *o, const json_t *m, const char **why)
{
	static const char *const types[] = { OCI "index.v1+json",
		DOCKER "distribution.manifest.list.v2+json" };
	static const char *const names[] = { "schemaVersion", "mediaType",
		"artifactType", "manifests", "subject", "annotations",
		"config", "layers", "fsLayers", NULL };
	const json_t *list = json_object_get(m, "manifests");
	gpg_error_t err;

	if (!json_names_are(m, names, true))
		return object_bad(why, "the image index has a member whose "
		    "name differs in case alone");
	if ((err = read_common(o, m, types, why)))
		return err;
	if (json_object_get(m, "config") || json_object_get(m, "layers") ||
	    json_object_get(m, "fsLayers"))
		return object_bad(why, "the image index reads as a manifest, "
		    "too");
	if (!descriptors_read(o, list))
		return object_bad(why, "the index's manifests are malformed");
	if (!read_platforms(&o->image, list))
		return object_bad(why, "the index's platforms are malformed");
	put_name(o, view_of(NULL, 0));
	return 0;
}

gpg_error_t
manifest_read(struct object *o, const char **why)
{
	json_t *m;
	gpg_error_t err;

	if (!(err = json_read(o->bytes, &m, why)))
		err = read_manifest(o, m, why);
	json_decref(m);
	return err;
}

gpg_error_t
index_read(struct object *o, const char **why)
{
	json_t *m;
	gpg_error_t err;

	if (!(err = json_read(o->bytes, &m, why)))
		err = read_index(o, m, why);
	json_decref(m);
	return err;
}
