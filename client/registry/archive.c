/*
 * An archive with an OCI layout in it: what `docker save` (25 and later) and
 * `skopeo copy ... oci-archive:` write.  It is read only and not unpacked: each
 * question goes through it once.
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

struct in_archive {
	struct store store;
	char file[PATH_MAX];
	json_t *index;
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

static gpg_error_t
get(struct store *s, const char *which, struct manifest *m)
{
	struct in_archive *a = archive_of(s);
	struct descriptor d;
	struct buf b;
	gpg_error_t err;

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
	return read_blob(archive_of(s), d->digest, b);
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
	free(a);
}

static const struct store_ops archive_ops = { get, put, get_blob, put_blob,
	referrers, close_archive };

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
	snprintf(a->store.image.tag, sizeof(a->store.image.tag), "%s", tag);
	snprintf(a->file, sizeof(a->file), "%s", file);
	buf_init(&b, MANIFEST_MAX);
	if (!(err = read_entry(a, "index.json", MANIFEST_MAX, &b)))
		err = index_parse(buf_view(&b), &a->index, &a->store.why);
	else if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
		err = problem_set(&a->store.why, GPG_ERR_NOT_SUPPORTED, "%s "
		    "has no manifest, so its digest is known only when it is "
		    "pushed: save it with docker 25 or newer, or make a "
		    "layout of it: skopeo copy docker-archive:%s oci:FOLDER",
		    file, file);
	buf_free(&b);
	if (err) {
		*why = a->store.why;
		close_archive(&a->store);
		return err;
	}
	*out = &a->store;
	return 0;
}
