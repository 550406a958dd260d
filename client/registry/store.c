/* What is the same for all kinds of stores. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "client/registry/append.h"

/* PATH or PATH:TAG, after the kind. */
static gpg_error_t
split(const char *text, char path[PATH_MAX], const char **tag,
    struct problem *why)
{
	const char *colon = strrchr(text, ':');
	size_t len;

	if (colon && !strchr(colon, '/') && reference_tag_ok(view_str(
	    colon + 1)))
		*tag = colon + 1;
	else
		colon = NULL;
	len = colon ? (size_t)(colon - text) : strlen(text);
	if (len == 0 || len >= PATH_MAX)
		return problem_set(why, GPG_ERR_INV_NAME, "\"%.200s\" names no "
		    "file", text);
	memcpy(path, text, len);
	path[len] = 0;
	return 0;
}

gpg_error_t
store_open(struct store **out, const char *place,
    const struct http_options *options, struct problem *why)
{
	const char *rest = strchr(place, ':'), *tag = "";
	struct reference image;
	char path[PATH_MAX];
	gpg_error_t err;

	*out = NULL;
	if (!strncmp(place, "oci:", 4))
		return (err = split(rest + 1, path, &tag, why)) ? err :
		    layout_open(out, path, tag, why);
	if (!strncmp(place, "oci-archive:", 12) ||
	    !strncmp(place, "docker-archive:", 15))
		return (err = split(rest + 1, path, &tag, why)) ? err :
		    archive_open(out, path, tag, why);
	if ((err = reference_parse(&image, place, why)))
		return err;
	return registry_open(out, &image, options, why);
}

void
store_close(struct store **s)
{
	if (*s) {
		append_forget(*s);
		(*s)->ops->close(*s);
	}
	*s = NULL;
}

gpg_error_t
store_get(struct store *s, const char *which, struct manifest *m)
{
	const char *asked = which;
	gpg_error_t err;

	if (!which)
		asked = s->image.digest[0] ? s->image.digest : s->image.tag;
	if ((err = s->ops->get(s, asked, m)))
		return err;
	if (digest_ok(asked) && strcmp(asked, m->digest))
		return problem_set(&s->why, GPG_ERR_CHECKSUM, "what was asked "
		    "for as %s is %s: it is not what its name says; do not "
		    "use this image", asked, m->digest);
	return 0;
}

gpg_error_t
store_get_described(struct store *s, const struct descriptor *d,
    struct manifest *m)
{
	gpg_error_t err = store_get(s, d->digest, m);

	if (!err && buf_len(&m->bytes) != d->size)
		err = problem_set(&s->why, GPG_ERR_BAD_DATA, "the manifest %s "
		    "has %zu bytes and is said to have %llu", d->digest,
		    buf_len(&m->bytes), (unsigned long long)d->size);
	if (!err && strcmp(m->media_type, d->media_type))
		err = problem_set(&s->why, GPG_ERR_CONFLICT, "the manifest %s "
		    "is %s and is said to be %s", d->digest, m->media_type,
		    d->media_type);
	return err;
}

gpg_error_t
store_put(struct store *s, const char *which, const struct manifest *m,
    const char *condition, bool *indexed)
{
	int64_t start = http_now_ms(), took;
	bool unused;
	gpg_error_t err;

	if (!indexed)
		indexed = &unused;
	*indexed = false;
	err = s->ops->put(s, which, m, condition, indexed);
	if ((took = http_now_ms() - start + 1) > s->slowest_ms)
		s->slowest_ms = took;
	return err;
}

gpg_error_t
store_check_blob(const struct descriptor *d, struct view v,
    struct problem *why)
{
	char digest[DIGEST_SIZE];
	gpg_error_t err;

	if (v.len != d->size)
		return problem_set(why, GPG_ERR_BAD_DATA, "the blob %s has "
		    "%zu bytes and is said to have %llu", d->digest, v.len,
		    (unsigned long long)d->size);
	if ((err = digest_of(v, digest)))
		return problem_set(why, err, "SHA-256 cannot be had");
	if (strcmp(digest, d->digest))
		return problem_set(why, GPG_ERR_CHECKSUM, "the blob %s is %s: "
		    "it is not what its name says", d->digest, digest);
	return 0;
}

gpg_error_t
store_get_blob(struct store *s, const struct descriptor *d, struct buf *b)
{
	gpg_error_t err;

	buf_reset(b);
	if (d->size > b->max)
		return problem_set(&s->why, GPG_ERR_TOO_LARGE, "the blob %s "
		    "has %llu bytes; at most %zu are taken", d->digest,
		    (unsigned long long)d->size, b->max);
	if ((err = s->ops->get_blob(s, d, b)))
		return err;
	return store_check_blob(d, buf_view(b), &s->why);
}

gpg_error_t
store_put_blob(struct store *s, struct view v, char digest[DIGEST_SIZE])
{
	gpg_error_t err;

	if ((err = digest_of(v, digest)))
		return problem_set(&s->why, err, "SHA-256 cannot be had");
	return s->ops->put_blob(s, digest, v);
}
