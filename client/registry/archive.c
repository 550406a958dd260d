/*
 * An archive with an OCI layout in it, which `docker save` (25 and later) and
 * `skopeo copy ... oci-archive:` write, or one as docker wrote before, whose
 * manifest is what `skopeo copy --preserve-digests` makes of it.  It is read
 * only and not unpacked: each question goes through it once.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <archive.h>
#include <archive_entry.h>

#include "client/registry/index.h"
#include "client/registry/store.h"

#define ENTRIES_MAX 100000
#define LAYERS_MAX 512
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar.gzip"

struct in_archive {
	struct store store;
	char file[PATH_MAX];
	json_t *index;			/* of a layout, or else */
	struct manifest made;		/* what docker's becomes, */
	char config[DIGEST_SIZE];	/* its config, */
	char config_name[256];		/* and where that is */
};

static struct in_archive *
archive_of(struct store *s)
{
	return (struct in_archive *)s;
}

static struct archive *
open_file(struct in_archive *a, gpg_error_t *err)
{
	struct archive *r = archive_read_new();

	*err = 0;
	if (r) {
		archive_read_support_format_tar(r);
		archive_read_support_format_empty(r);
		archive_read_support_filter_gzip(r);
	}
	if (!r || archive_read_open_filename(r, a->file, 65536)) {
		*err = problem_set(&a->store.why, GPG_ERR_INV_OBJ, "%s cannot "
		    "be read as a tar archive: %s", a->file,
		    r ? archive_error_string(r) : "out of memory");
		archive_read_free(r);
		return NULL;
	}
	return r;
}

static gpg_error_t
take(struct in_archive *a, struct archive *r, size_t max, struct buf *b)
{
	gpg_error_t err;
	uint8_t *to;
	la_ssize_t n;

	for (;;) {
		if ((err = buf_reserve(b, 4096, &to)))
			return problem_set(&a->store.why, err, "%s: a part "
			    "has more than %zu bytes", a->file, max);
		n = archive_read_data(r, to, 4096);
		if (n == 0)
			return 0;
		if (n < 0)
			return problem_set(&a->store.why, GPG_ERR_BAD_DATA,
			    "%s: %s", a->file, archive_error_string(r));
		buf_filled(b, (size_t)n);
	}
}

static const char *
plain_name(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	if (!name)
		return "";
	return !strncmp(name, "./", 2) ? name + 2 : name;
}

/* Two of a name would be one thing to us and another to others. */
static gpg_error_t
read_entry(struct in_archive *a, const char *name, size_t max, struct buf *b)
{
	struct buf room;
	struct archive_entry *e;
	struct archive *r;
	gpg_error_t err;
	unsigned seen = 0;
	int rc = ARCHIVE_OK;

	if (!(r = open_file(a, &err)))
		return err;
	buf_init(&room, max + 4096);
	for (unsigned i = 0; !err && (rc = archive_read_next_header(r, &e)) ==
	    ARCHIVE_OK; i++) {
		if (i == ENTRIES_MAX)
			err = problem_set(&a->store.why, GPG_ERR_TOO_LARGE,
			    "%s has more than %d entries", a->file,
			    ENTRIES_MAX);
		else if (strcmp(plain_name(e), name))
			continue;
		else if (seen++ || archive_entry_filetype(e) != AE_IFREG)
			err = problem_set(&a->store.why, GPG_ERR_BAD_DATA,
			    "%s has %.100s twice, or not as a file", a->file,
			    name);
		else
			err = take(a, r, max, &room);
	}
	if (!err && rc != ARCHIVE_EOF)
		err = problem_set(&a->store.why, GPG_ERR_BAD_DATA, "%s: %s",
		    a->file, archive_error_string(r));
	else if (!err && !seen)
		err = problem_set(&a->store.why, GPG_ERR_NOT_FOUND, "%s has "
		    "no %.100s", a->file, name);
	else if (!err && (err = buf_put_view(b, buf_view(&room))))
		problem_set(&a->store.why, err, "%s: %.100s has more than %zu "
		    "bytes", a->file, name, max);
	buf_free(&room);
	archive_read_free(r);
	return err;
}

static gpg_error_t
read_blob(struct in_archive *a, const char *digest, struct buf *b)
{
	char name[100];

	snprintf(name, sizeof(name), "blobs/sha256/%.64s", digest + 7);
	return read_entry(a, name, b->max, b);
}

/* A tag was looked at when it was opened. */
static gpg_error_t
get_made(struct in_archive *a, const char *which, struct manifest *m)
{
	if (strcmp(which, a->store.image.tag) &&
	    strcmp(which, a->made.digest))
		return problem_set(&a->store.why, GPG_ERR_NOT_FOUND, "%s has "
		    "no %.100s", a->file, which);
	return manifest_take(m, buf_view(&a->made.bytes), "", &a->store.why);
}

static gpg_error_t
get(struct store *s, const char *which, struct manifest *m)
{
	struct in_archive *a = archive_of(s);
	struct descriptor d;
	struct buf b;
	gpg_error_t err;

	if (!a->index)
		return get_made(a, which, m);
	if ((err = index_find(a->index, which, &d, &s->why)))
		return err;
	buf_init(&b, MANIFEST_MAX);
	if (!(err = read_blob(a, d.digest, &b)) &&
	    !(err = manifest_take(m, buf_view(&b), d.media_type, &s->why)) &&
	    strcmp(m->digest, d.digest))
		err = problem_set(&s->why, GPG_ERR_CHECKSUM, "%s in %s is %s: "
		    "it is not what its name says", d.digest, a->file,
		    m->digest);
	buf_free(&b);
	return err;
}

static gpg_error_t
get_blob(struct store *s, const struct descriptor *d, struct buf *b)
{
	struct in_archive *a = archive_of(s);

	if (!a->index && !strcmp(d->digest, a->config))
		return read_entry(a, a->config_name, b->max, b);
	return read_blob(a, d->digest, b);
}

static gpg_error_t
refuse_put(struct store *s)
{
	return problem_set(&s->why, GPG_ERR_EPERM, "%s is not changed: write "
	    "signatures to a layout, oci:FOLDER", archive_of(s)->file);
}

static gpg_error_t
put(struct store *s, const char *which, const struct manifest *m,
    const char *condition, bool *indexed)
{
	return refuse_put(s);
}

static gpg_error_t
put_blob(struct store *s, const char *digest, struct view v)
{
	return refuse_put(s);
}

/* docker and skopeo write none into archives. */
static gpg_error_t
referrers(struct store *s, const char *digest, struct descriptors *out)
{
	return 0;
}

static void
close_archive(struct store *s)
{
	struct in_archive *a = archive_of(s);

	json_decref(a->index);
	manifest_free(&a->made);
	free(a);
}

static const struct store_ops archive_ops = { get, put, get_blob, put_blob,
	referrers, close_archive };

/* ---- as docker wrote before 25 ---- */

static gpg_error_t
not_docker(struct in_archive *a, const char *what)
{
	return problem_set(&a->store.why, GPG_ERR_INV_OBJ, "%s has %s; make a "
	    "layout of it, and sign that: skopeo copy docker-archive:%s "
	    "oci:FOLDER:TAG", a->file, what, a->file);
}

/* The size of each layer, in one go; all are plain files, and not packed. */
static gpg_error_t
measure(struct in_archive *a, json_t *names, int64_t *sizes)
{
	size_t found = 0, count = json_array_size(names);
	struct archive_entry *e;
	struct archive *r;
	gpg_error_t err;

	if (!(r = open_file(a, &err)))
		return err;
	for (size_t i = 0; i < count; i++)
		sizes[i] = -1;
	for (unsigned n = 0; !err && n < ENTRIES_MAX &&
	    archive_read_next_header(r, &e) == ARCHIVE_OK; n++)
		for (size_t i = 0; i < count && !err; i++) {
			const char *name = json_string_value(
			    json_array_get(names, i));
			uint8_t magic[2] = { 0 };

			if (!name || strcmp(plain_name(e), name))
				continue;
			if (sizes[i] >= 0 ||
			    archive_entry_filetype(e) != AE_IFREG ||
			    archive_read_data(r, magic, 2) != 2 ||
			    (magic[0] == 0x1f && magic[1] == 0x8b))
				err = not_docker(a, "a layer that is packed, "
				    "is there twice, or is no file");
			sizes[i] = archive_entry_size(e);
			found++;
			break;
		}
	archive_read_free(r);
	return err ? err : found < count ? not_docker(a, "not all layers, or "
	    "one of them twice") : 0;
}

static json_t *
describe(const char *type, const char *digest, int64_t size)
{
	return json_pack("{s:s,s:I,s:s}", "mediaType", type, "size",
	    (json_int_t)size, "digest", digest);
}

/* Exactly as skopeo writes it, or the digest would be another. */
static gpg_error_t
make_manifest(struct in_archive *a, size_t config_len, json_t *ids,
    json_t *names)
{
	int64_t sizes[LAYERS_MAX];
	json_t *layers;
	gpg_error_t err;

	if (json_array_size(names) > LAYERS_MAX ||
	    json_array_size(names) != json_array_size(ids))
		return not_docker(a, "a config that is not of its layers");
	if ((err = measure(a, names, sizes)))
		return err;
	layers = json_array();
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (!id || !digest_ok(id)) {
			json_decref(layers);
			return not_docker(a, "a layer without a digest");
		}
		json_array_append_new(layers, describe(DOCKER_LAYER, id,
		    sizes[i]));
	}
	return manifest_make(&a->made, json_pack("{s:i,s:s,s:o,s:o}",
	    "schemaVersion", 2, "mediaType", MEDIA_DOCKER, "config",
	    describe(DOCKER_CONFIG, a->config, (int64_t)config_len), "layers",
	    layers), &a->store.why);
}

static gpg_error_t
read_image(struct in_archive *a, json_t *image)
{
	const char *config = NULL;
	json_t *names = NULL, *ids = NULL, *j = NULL;
	struct buf b;
	gpg_error_t err;

	buf_init(&b, MANIFEST_MAX);
	if (json_unpack(image, "{s:s,s:o}", "Config", &config, "Layers",
	    &names) || (size_t)snprintf(a->config_name,
	    sizeof(a->config_name), "%s", config) >= sizeof(a->config_name))
		err = not_docker(a, "no valid manifest.json");
	else if (!(err = read_entry(a, config, MANIFEST_MAX, &b)) &&
	    !(err = digest_of(buf_view(&b), a->config))) {
		j = json_loadb((const char *)buf_view(&b).p, buf_len(&b),
		    JSON_REJECT_DUPLICATES, NULL);
		err = json_unpack(j, "{s:{s:o}}", "rootfs", "diff_ids", &ids) ?
		    not_docker(a, "no valid config") :
		    make_manifest(a, buf_len(&b), ids, names);
	}
	json_decref(j);
	buf_free(&b);
	return err;
}

static bool
is_named(json_t *image, const char *tag)
{
	json_t *one, *names = json_object_get(image, "RepoTags");
	size_t i;

	json_array_foreach(names, i, one) {
		const char *name = json_string_value(one);
		const char *colon = name ? strrchr(name, ':') : NULL;

		if (colon && !strcmp(colon + 1, tag))
			return true;
	}
	return *tag == 0;
}

static gpg_error_t
open_docker(struct in_archive *a)
{
	json_t *one, *list = NULL, *found = NULL;
	size_t i, count = 0;
	struct buf b;
	gpg_error_t err;

	buf_init(&b, MANIFEST_MAX);
	if (!(err = read_entry(a, "manifest.json", MANIFEST_MAX, &b)))
		list = json_loadb((const char *)buf_view(&b).p, buf_len(&b),
		    JSON_REJECT_DUPLICATES, NULL);
	json_array_foreach(list, i, one)
		if (is_named(one, a->store.image.tag)) {
			found = one;
			count++;
		}
	if (!err)
		err = count == 1 ? read_image(a, found) : problem_set(
		    &a->store.why, count ? GPG_ERR_AMBIGUOUS :
		    GPG_ERR_NOT_FOUND, "%s has %s image%s%s", a->file, count ?
		    "more than one" : "no", *a->store.image.tag ?
		    " named " : "", a->store.image.tag);
	json_decref(list);
	buf_free(&b);
	return err;
}

gpg_error_t
archive_open(struct store **out, const char *file, const char *tag,
    struct problem *why)
{
	struct in_archive *a = calloc(1, sizeof(*a));
	struct buf b;
	gpg_error_t err;

	*out = NULL;
	if (!a)
		return gpg_error_from_syserror();
	a->store.ops = &archive_ops;
	manifest_init(&a->made);
	snprintf(a->store.image.tag, sizeof(a->store.image.tag), "%s", tag);
	snprintf(a->file, sizeof(a->file), "%s", file);
	buf_init(&b, MANIFEST_MAX);
	if (!(err = read_entry(a, "index.json", MANIFEST_MAX, &b)))
		err = index_parse(buf_view(&b), &a->index, &a->store.why);
	else if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
		err = open_docker(a);
	buf_free(&b);
	if (err) {
		*why = a->store.why;
		close_archive(&a->store);
		return err;
	}
	*out = &a->store;
	return 0;
}
