/* An OCI layout: a folder with blobs, and an index that names some of them. */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/registry/index.h"
#include "client/registry/store.h"
#include "local/paths.h"

struct layout {
	struct store store;
	char folder[PATH_MAX - 100];
	int lock;		/* the folder, opened */
};

static struct layout *
layout_of(struct store *s)
{
	return (struct layout *)s;
}

static void
blob_path(const struct layout *l, const char *digest, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/blobs/sha256/%s", l->folder, digest + 7);
}

static gpg_error_t
read_file(struct layout *l, const char *name, size_t max, struct buf *b)
{
	char path[PATH_MAX];
	gpg_error_t err;

	snprintf(path, sizeof(path), "%s/%s", l->folder, name);
	buf_reset(b);
	if ((err = paths_read(path, max, b)))
		problem_set(&l->store.why, err, "%s cannot be read: %s", path,
		    gpg_strerror(err));
	return err;
}

static gpg_error_t
read_index(struct layout *l, json_t **index)
{
	struct buf b;
	gpg_error_t err;

	*index = NULL;
	buf_init(&b, MANIFEST_MAX);
	if (!(err = read_file(l, "index.json", MANIFEST_MAX, &b)))
		err = index_parse(buf_view(&b), index, &l->store.why);
	buf_free(&b);
	return err;
}

/* The bytes of a blob; what is asked for is what is checked by store.c. */
static gpg_error_t
read_blob(struct layout *l, const char *digest, size_t max, struct buf *b)
{
	char path[PATH_MAX];
	gpg_error_t err;

	blob_path(l, digest, path);
	err = paths_read(path, max, b);
	if (gpg_err_code(err) == GPG_ERR_ENOENT)
		return problem_set(&l->store.why, GPG_ERR_NOT_FOUND, "%s is "
		    "not in %s", digest, l->folder);
	if (err)
		problem_set(&l->store.why, err, "%s cannot be read: %s", path,
		    gpg_strerror(err));
	return err;
}

static gpg_error_t
take(struct layout *l, const struct descriptor *d, struct manifest *m)
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, MANIFEST_MAX);
	if (!(err = read_blob(l, d->digest, MANIFEST_MAX, &b)) &&
	    !(err = manifest_take(m, buf_view(&b), d->media_type,
	    &l->store.why))) {
		snprintf(m->etag, sizeof(m->etag), "\"%s\"", m->digest);
		if (strcmp(m->digest, d->digest))
			err = problem_set(&l->store.why, GPG_ERR_CHECKSUM,
			    "%s in %s is %s: it is not what its name says",
			    d->digest, l->folder, m->digest);
	}
	buf_free(&b);
	return err;
}

static gpg_error_t
get(struct store *s, const char *which, struct manifest *m)
{
	struct layout *l = layout_of(s);
	struct descriptor d;
	json_t *index;
	gpg_error_t err;

	if ((err = read_index(l, &index)))
		return err;
	if (!(err = index_find(index, which, &d, &s->why)))
		err = take(l, &d, m);
	json_decref(index);
	return err;
}

static gpg_error_t
get_blob(struct store *s, const struct descriptor *d, struct buf *b)
{
	return read_blob(layout_of(s), d->digest, b->max, b);
}

/* paths_write() makes it the user's only; a layout is read by others too. */
static gpg_error_t
write_file(struct layout *l, const char *path, struct view v)
{
	gpg_error_t err = paths_write(path, v);

	if (!err && chmod(path, 0644))
		err = gpg_error_from_syserror();
	return err ? problem_set(&l->store.why, err, "%s cannot be written: "
	    "%s", path, gpg_strerror(err)) : 0;
}

static gpg_error_t
put_blob(struct store *s, const char *digest, struct view v)
{
	struct layout *l = layout_of(s);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/blobs", l->folder);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/blobs/sha256", l->folder);
	mkdir(path, 0755);
	blob_path(l, digest, path);
	return access(path, F_OK) ? write_file(l, path, v) : 0;
}

static gpg_error_t
write_index(struct layout *l, json_t *index)
{
	char *text = json_dumps(index, JSON_COMPACT), path[PATH_MAX];
	gpg_error_t err;

	snprintf(path, sizeof(path), "%s/index.json", l->folder);
	err = text ? write_file(l, path, view_str(text)) :
	    gpg_error(GPG_ERR_ENOMEM);
	free(text);
	return err;
}

/* Whether what is at the tag still has this entity tag. */
static gpg_error_t
check_condition(struct layout *l, json_t *index, const char *which,
    const char *condition)
{
	struct descriptor d;
	char etag[DIGEST_SIZE + 2] = "*";

	if (!index_find(index, which, &d, &l->store.why))
		snprintf(etag, sizeof(etag), "\"%s\"", d.digest);
	if (!strcmp(etag, condition))
		return 0;
	return problem_set(&l->store.why, GPG_ERR_CONFLICT, "%s has changed "
	    "meanwhile", which);
}

static gpg_error_t
put(struct store *s, const char *which, const struct manifest *m,
    const char *condition, bool *indexed)
{
	struct layout *l = layout_of(s);
	struct descriptor d;
	json_t *index = NULL;
	gpg_error_t err;

	manifest_descriptor(m, &d);
	if ((err = put_blob(s, m->digest, buf_view(&m->bytes))))
		return err;
	if (flock(l->lock, LOCK_EX))
		return gpg_error_from_syserror();
	if (!(err = read_index(l, &index)) && !(err = condition ?
	    check_condition(l, index, which, condition) : 0) &&
	    !(err = index_set(index, digest_ok(which) ? "" : which, &d)))
		err = write_index(l, index);
	flock(l->lock, LOCK_UN);
	json_decref(index);
	*indexed = !err;
	return err;
}

/* Those of the index whose subject it is. */
static gpg_error_t
referrers(struct store *s, const char *digest, struct descriptors *out)
{
	struct layout *l = layout_of(s);
	struct descriptors all;
	json_t *index;
	gpg_error_t err;

	if ((err = read_index(l, &index)))
		return err;
	err = index_all(index, &all, &s->why);
	json_decref(index);
	for (size_t i = 0; i < all.count && !err; i++) {
		struct manifest m;
		const char *subject = "";

		manifest_init(&m);
		err = take(l, &all.list[i], &m);
		json_unpack(m.json, "{s?{s?s}}", "subject", "digest",
		    &subject);
		if (!err && !strcmp(subject, digest)) {
			manifest_descriptor(&m, &all.list[i]);
			err = descriptors_add(out, &all.list[i]);
		}
		manifest_free(&m);
	}
	descriptors_free(&all);
	return err;
}

static void
close_layout(struct store *s)
{
	struct layout *l = layout_of(s);

	if (l->lock >= 0)
		close(l->lock);
	free(l);
}

static const struct store_ops layout_ops = { get, put, get_blob, put_blob,
	referrers, close_layout };

/* A folder that is not there, or empty, becomes one. */
static gpg_error_t
make_layout(struct layout *l)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	static const char index[] = "{\"schemaVersion\":2,\"mediaType\":\""
	    MEDIA_INDEX "\",\"manifests\":[]}";
	char path[PATH_MAX];
	gpg_error_t err;

	mkdir(l->folder, 0755);
	/* Fails where anything is in it. */
	if (rmdir(l->folder) || mkdir(l->folder, 0755))
		return problem_set(&l->store.why, GPG_ERR_INV_OBJ, "%s is no "
		    "OCI layout", l->folder);
	snprintf(path, sizeof(path), "%s/index.json", l->folder);
	if ((err = write_file(l, path, view_str(index))))
		return err;
	snprintf(path, sizeof(path), "%s/oci-layout", l->folder);
	return write_file(l, path, view_str(version));
}

static gpg_error_t
check_layout(struct layout *l)
{
	struct buf b;
	const char *version = "";
	json_t *j = NULL;
	gpg_error_t err;

	buf_init(&b, 4096);
	if (!(err = read_file(l, "oci-layout", 4096, &b))) {
		j = json_loadb((const char *)buf_view(&b).p, buf_len(&b),
		    JSON_REJECT_DUPLICATES, NULL);
		json_unpack(j, "{s?s}", "imageLayoutVersion", &version);
		if (strncmp(version, "1.", 2))
			err = problem_set(&l->store.why, GPG_ERR_INV_OBJ, "%s "
			    "is an OCI layout of no version that is known",
			    l->folder);
	}
	json_decref(j);
	buf_free(&b);
	return err;
}

gpg_error_t
layout_open(struct store **out, const char *folder, const char *tag,
    struct problem *why)
{
	struct layout *l = calloc(1, sizeof(*l));
	char path[PATH_MAX];
	gpg_error_t err = 0;

	*out = NULL;
	if (!l)
		return gpg_error_from_syserror();
	l->lock = -1;
	l->store.ops = &layout_ops;
	snprintf(l->store.image.tag, sizeof(l->store.image.tag), "%s", tag);
	if (snprintf(l->folder, sizeof(l->folder), "%s", folder) >=
	    (int)sizeof(l->folder))
		err = problem_set(&l->store.why, GPG_ERR_INV_NAME, "the name "
		    "of the folder is too long");
	snprintf(path, sizeof(path), "%s/oci-layout", l->folder);
	if (!err && access(path, F_OK))
		err = make_layout(l);
	if (!err)
		err = check_layout(l);
	if (!err && (l->lock = open(l->folder, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) < 0)
		err = gpg_error_from_syserror();
	if (err) {
		*why = l->store.why;
		close_layout(&l->store);
		return err;
	}
	*out = &l->store;
	return 0;
}
