/* Lists, adds and copies what refers to an image. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/registry/append.h"
#include "client/registry/referrers.h"

#define EMPTY "{}"

void
referrers_tag(const char *digest, const char *suffix, char dst[80])
{
	snprintf(dst, 80, "sha256-%s%s", digest + 7, suffix);
}

static gpg_error_t
list_fallback(struct store *s, const char *digest, struct descriptors *out)
{
	struct manifest m;
	struct descriptor d;
	char tag[80];
	json_t *one;
	gpg_error_t err;
	size_t i;

	manifest_init(&m);
	referrers_tag(digest, "", tag);
	err = store_get(s, tag, &m);
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND) {
		err = 0;
		goto out;
	}
	if (!err && !manifest_is_index(&m))
		err = problem_set(&s->why, GPG_ERR_BAD_DATA, "what is at %s "
		    "is no index", tag);
	json_array_foreach(manifest_list(&m, "manifests"), i, one) {
		if (err)
			break;
		if ((err = descriptor_read(one, &d)))
			problem_set(&s->why, err, "the index at %s has an "
			    "entry that is none", tag);
		else if ((err = descriptors_add(out, &d)))
			problem_set(&s->why, err, "the image has more than %d "
			    "signatures and other things that refer to it; "
			    "have those that are not needed removed",
			    DESCRIPTORS_MAX);
	}
out:
	manifest_free(&m);
	return err;
}

/*
 * Some write the type of the config, or nothing, into the index in place of
 * the manifest's own artifact type: then the manifest itself is asked.
 */
static gpg_error_t
learn_type(struct store *s, struct descriptor *d)
{
	struct manifest m;
	gpg_error_t err;

	if (d->artifact_type[0] && strcmp(d->artifact_type, MEDIA_EMPTY))
		return 0;
	manifest_init(&m);
	if (!(err = store_get_described(s, d, &m)))
		manifest_descriptor(&m, d);
	manifest_free(&m);
	return err;
}

static gpg_error_t
keep_type(struct store *s, struct descriptors *d, const char *type)
{
	size_t n = 0;
	gpg_error_t err;

	for (size_t i = 0; i < d->count; i++) {
		if ((err = learn_type(s, &d->list[i])))
			return err;
		if (!strcmp(d->list[i].artifact_type, type))
			d->list[n++] = d->list[i];
	}
	d->count = n;
	return 0;
}

gpg_error_t
referrers_list(struct store *s, const char *digest, const char *type,
    struct descriptors *out)
{
	gpg_error_t err;

	*out = (struct descriptors){ .count = 0 };
	err = s->ops->referrers(s, digest, out);
	if (gpg_err_code(err) == GPG_ERR_NOT_SUPPORTED)
		err = list_fallback(s, digest, out);
	if (!err && type)
		err = keep_type(s, out, type);
	if (err)
		descriptors_free(out);
	return err;
}

/* ---- adding ---- */

static json_t *
fresh_index(void)
{
	return json_pack("{s:i,s:s,s:[]}", "schemaVersion", 2, "mediaType",
	    MEDIA_INDEX, "manifests");
}

/* Writes a manifest with a subject, and makes it one of its referrers. */
static gpg_error_t
put_referrer(struct store *s, const char *subject, const struct manifest *m)
{
	json_t *entry, *fresh, *notes;
	struct descriptor d;
	bool indexed = false;
	gpg_error_t err;
	char tag[80];

	if ((err = store_put(s, m->digest, m, NULL, &indexed)) || indexed)
		return err;
	manifest_descriptor(m, &d);
	entry = descriptor_make(&d);
	fresh = fresh_index();
	if ((notes = json_object_get(m->json, "annotations")))
		json_object_set(entry, "annotations", notes);
	referrers_tag(subject, "", tag);
	err = entry && fresh ? append_entry(s, tag, "manifests", entry, fresh,
	    NULL) : gpg_error(GPG_ERR_ENOMEM);
	json_decref(entry);
	json_decref(fresh);
	return err;
}

static json_t *
put_part(struct store *s, const char *type, struct view v, gpg_error_t *err)
{
	struct descriptor d = { .size = v.len };

	snprintf(d.media_type, sizeof(d.media_type), "%s", type);
	if ((*err = store_put_blob(s, v, d.digest)))
		return NULL;
	return descriptor_make(&d);
}

gpg_error_t
referrers_attach(struct store *s, const struct descriptor *subject,
    const struct attachment *a, struct descriptor *made)
{
	struct descriptor of = *subject;
	json_t *config, *layer = NULL, *j;
	struct manifest m;
	gpg_error_t err;

	manifest_init(&m);
	of.artifact_type[0] = 0;
	config = put_part(s, a->config_type ? a->config_type : MEDIA_EMPTY,
	    view_str(EMPTY), &err);
	if (!err)
		layer = put_part(s, a->layer_type, a->layer, &err);
	if (err) {
		json_decref(config);
		return err;
	}
	j = json_pack("{s:i,s:s,s:s,s:o,s:[o],s:o,s:O*}", "schemaVersion", 2,
	    "mediaType", MEDIA_MANIFEST, "artifactType", a->artifact_type,
	    "config", config, "layers", layer, "subject",
	    descriptor_make(&of), "annotations", a->annotations);
	if (!(err = manifest_make(&m, j, &s->why)))
		err = put_referrer(s, subject->digest, &m);
	if (!err && made)
		manifest_descriptor(&m, made);
	manifest_free(&m);
	return err;
}

/* ---- layers of a tag ---- */

/* A config that names the layers, as every image must have one. */
static gpg_error_t
write_config(struct store *s, json_t *manifest)
{
	json_t *one, *ids = json_array(), *config, *d;
	char *text;
	gpg_error_t err;
	size_t i;

	json_array_foreach(json_object_get(manifest, "layers"), i, one)
		json_array_append(ids, json_object_get(one, "digest"));
	config = json_pack("{s:s,s:s,s:s,s:{},s:{s:s,s:o}}", "architecture",
	    "", "created", "0001-01-01T00:00:00Z", "os", "", "config",
	    "rootfs", "type", "layers", "diff_ids", ids);
	text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	json_decref(config);
	if (!text)
		return gpg_error(GPG_ERR_ENOMEM);
	d = put_part(s, MEDIA_CONFIG, view_str(text), &err);
	if (!err)
		json_object_set_new(manifest, "config", d);
	free(text);
	return err;
}

/* With the entry's annotations as they are. */
static gpg_error_t
append_layer(struct store *s, const char *tag, json_t *entry)
{
	json_t *fresh = json_pack("{s:i,s:s,s:{},s:[]}", "schemaVersion", 2,
	    "mediaType", MEDIA_MANIFEST, "config", "layers");
	gpg_error_t err;

	err = fresh ? append_entry(s, tag, "layers", entry, fresh,
	    write_config) : gpg_error(GPG_ERR_ENOMEM);
	json_decref(fresh);
	return err;
}

gpg_error_t
layers_append(struct store *s, const char *tag, const char *type,
    struct view layer, json_t *annotations)
{
	gpg_error_t err;
	json_t *entry = put_part(s, type, layer, &err);

	if (!err && annotations)
		json_object_set(entry, "annotations", annotations);
	if (!err)
		err = append_layer(s, tag, entry);
	json_decref(entry);
	return err;
}

/* ---- copying ---- */

static gpg_error_t
copy_blob(struct store *from, struct store *to, json_t *j)
{
	struct descriptor d;
	struct buf b;
	char digest[DIGEST_SIZE];
	gpg_error_t err;

	if ((err = descriptor_read(j, &d)))
		return problem_set(&to->why, err, "a signature has a part "
		    "that is no descriptor");
	buf_init(&b, ATTACHED_MAX);
	if ((err = store_get_blob(from, &d, &b)))
		to->why = from->why;
	else
		err = store_put_blob(to, buf_view(&b), digest);
	buf_free(&b);
	return err;
}

static gpg_error_t
copy_referrer(struct store *from, struct store *to, const char *subject,
    const struct descriptor *d)
{
	struct manifest m;
	json_t *one;
	gpg_error_t err;
	size_t i;

	manifest_init(&m);
	if ((err = store_get_described(from, d, &m))) {
		to->why = from->why;
		goto out;
	}
	err = copy_blob(from, to, json_object_get(m.json, "config"));
	json_array_foreach(manifest_list(&m, "layers"), i, one) {
		if (err)
			break;
		err = copy_blob(from, to, one);
	}
	if (!err)
		err = put_referrer(to, subject, &m);
out:
	manifest_free(&m);
	return err;
}

/* Layer by layer, since the other place may have some of its own. */
static gpg_error_t
copy_layers(struct store *from, struct store *to, const char *tag,
    size_t *count)
{
	struct manifest m;
	json_t *one;
	gpg_error_t err;
	size_t i;

	manifest_init(&m);
	err = store_get(from, tag, &m);
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND) {
		err = 0;
		goto out;
	}
	if (err)
		to->why = from->why;
	json_array_foreach(manifest_list(&m, "layers"), i, one) {
		if (err || (err = copy_blob(from, to, one)) ||
		    (err = append_layer(to, tag, one)))
			break;
		++*count;
	}
out:
	manifest_free(&m);
	return err;
}

gpg_error_t
referrers_copy(struct store *from, struct store *to, const char *digest,
    size_t *count)
{
	struct descriptors d;
	char tag[80];
	gpg_error_t err;

	*count = 0;
	if ((err = referrers_list(from, digest, NULL, &d))) {
		to->why = from->why;
		return err;
	}
	for (size_t i = 0; i < d.count && !err; i++)
		if (!(err = copy_referrer(from, to, digest, &d.list[i])))
			++*count;
	descriptors_free(&d);
	referrers_tag(digest, ".sig", tag);
	if (err || (err = copy_layers(from, to, tag, count)))
		return err;
	return append_settle(to);
}
