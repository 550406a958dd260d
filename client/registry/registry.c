/* A repository of a registry: the distribution specification's questions. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/registry/auth.h"
#include "client/registry/certsd.h"
#include "client/registry/store.h"

#define ACCEPT MEDIA_MANIFEST ", " MEDIA_INDEX ", " MEDIA_DOCKER ", " \
    MEDIA_DOCKER_LIST
#define PAGES 64		/* of a list of referrers */
#define URL_SIZE 4096
#define WHAT_SIZE 800

struct registry {
	struct store store;
	struct http *http;
	struct auth *auth;
	struct http_trust trust;
	bool tls;
};

static struct registry *
registry_of(struct store *s)
{
	return (struct registry *)s;
}

static void
make_url(const struct registry *r, char url[URL_SIZE], const char *kind,
    const char *name)
{
	snprintf(url, URL_SIZE, "%s://%s/v2/%s/%s/%s",
	    r->tls ? "https" : "http", reference_host(&r->store.image),
	    r->store.image.repository, kind, name);
}

/* Words for a status that is none of success. */
static gpg_error_t
refuse(struct registry *r, const struct http_request *q,
    const struct http_reply *reply)
{
	struct problem *why = &r->store.why;
	char words[400];

	http_reply_words(reply, words, sizeof(words));
	switch (reply->status) {
	case 404:
		return problem_set(why, GPG_ERR_NOT_FOUND, "%s is not there "
		    "%s", q->what, words);
	case 403:
		return problem_set(why, GPG_ERR_EACCES, "%s: the registry "
		    "does not allow it %s; ask its owner, or log in as "
		    "another: podman login %s", q->what, words,
		    r->store.image.registry);
	case 412:
		return problem_set(why, GPG_ERR_CONFLICT, "%s: it has changed "
		    "meanwhile", q->what);
	case 429:
		return problem_set(why, GPG_ERR_LIMIT_REACHED, "%s: the "
		    "registry is asked too often %s; try again later", q->what,
		    words);
	default:
		return problem_set(why, GPG_ERR_SERVER_FAILED, "%s: the "
		    "registry answers %ld %s%s", q->what, reply->status, words,
		    reply->status >= 500 ? "; try again later" : "");
	}
}

/* ---- manifests ---- */

static gpg_error_t
take_manifest(struct registry *r, const struct http_reply *reply,
    struct manifest *m)
{
	struct problem *why = &r->store.why;
	gpg_error_t err;

	/* Words about JSON come second: a lie about the digest is worse. */
	err = manifest_take(m, buf_view(&reply->body), reply->type, why);
	if (reply->digest[0] && strcmp(reply->digest, m->digest))
		return problem_set(why, GPG_ERR_CHECKSUM, "the registry says "
		    "that the manifest is %.80s, and it is %s; do not use "
		    "this image", reply->digest, m->digest);
	snprintf(m->etag, sizeof(m->etag), "%s", reply->etag);
	return err;
}

static gpg_error_t
get(struct store *s, const char *which, struct manifest *m)
{
	struct registry *r = registry_of(s);
	char url[URL_SIZE], what[WHAT_SIZE];
	struct http_request q = { .method = "GET", .url = url, .what = what,
	    .fd = -1, .accept = ACCEPT, .max = MANIFEST_MAX, .follow = true };
	struct http_reply reply;
	gpg_error_t err;

	make_url(r, url, "manifests", which);
	snprintf(what, sizeof(what), "the manifest %s of %s/%s", which,
	    s->image.registry, s->image.repository);
	if (!(err = auth_ask(r->auth, &q, "pull", &reply)))
		err = reply.status == 200 ? take_manifest(r, &reply, m) :
		    refuse(r, &q, &reply);
	http_reply_free(&reply);
	return err;
}

static gpg_error_t
put(struct store *s, const char *which, const struct manifest *m,
    const char *condition, bool *indexed)
{
	struct registry *r = registry_of(s);
	char url[URL_SIZE], what[WHAT_SIZE];
	struct http_request q = { .method = "PUT", .url = url, .what = what,
	    .fd = -1, .type = m->media_type, .max = 65536,
	    .body = buf_view(&m->bytes), .if_match = condition };
	struct http_reply reply;
	gpg_error_t err;

	make_url(r, url, "manifests", which);
	snprintf(what, sizeof(what), "writing the manifest %s to %s/%s",
	    which, s->image.registry, s->image.repository);
	if ((err = auth_ask(r->auth, &q, "pull,push", &reply)))
		goto out;
	if (reply.status != 201 && reply.status != 200 && reply.status != 202)
		err = refuse(r, &q, &reply);
	else if (reply.digest[0] && strcmp(reply.digest, m->digest))
		err = problem_set(&s->why, GPG_ERR_CHECKSUM, "the registry "
		    "took the manifest %s for %.80s", m->digest,
		    reply.digest);
	else
		*indexed = digest_ok(reply.subject);
out:
	http_reply_free(&reply);
	return err;
}

/* ---- blobs ---- */

static gpg_error_t
get_blob(struct store *s, const struct descriptor *d, struct buf *b)
{
	struct registry *r = registry_of(s);
	char url[URL_SIZE], what[WHAT_SIZE];
	struct http_request q = { .method = "GET", .url = url, .what = what,
	    .fd = -1, .max = d->size, .follow = true };
	struct http_reply reply;
	gpg_error_t err;

	make_url(r, url, "blobs", d->digest);
	snprintf(what, sizeof(what), "the blob %s of %s/%s", d->digest,
	    s->image.registry, s->image.repository);
	if (!(err = auth_ask(r->auth, &q, "pull", &reply)))
		err = reply.status == 200 ? buf_put_view(b,
		    buf_view(&reply.body)) : refuse(r, &q, &reply);
	http_reply_free(&reply);
	return err;
}

static gpg_error_t
has_blob(struct registry *r, const char *digest, bool *there)
{
	char url[URL_SIZE];
	struct http_request q = { .method = "HEAD", .url = url, .fd = -1,
	    .what = "looking for a blob", .follow = true };
	struct http_reply reply;
	gpg_error_t err;

	make_url(r, url, "blobs", digest);
	if (!(err = auth_ask(r->auth, &q, "pull,push", &reply))) {
		*there = reply.status == 200;
		if (reply.status != 200 && reply.status != 404)
			err = refuse(r, &q, &reply);
	}
	http_reply_free(&reply);
	return err;
}

/* Where the upload goes: the same server, or another which gets no proof. */
static gpg_error_t
start_upload(struct registry *r, const char *digest, char url[URL_SIZE],
    bool *home)
{
	char base[URL_SIZE], origin[600];
	struct http_request q = { .method = "POST", .url = base, .fd = -1,
	    .what = "starting an upload", .max = 65536 };
	struct http_reply reply;
	gpg_error_t err;
	size_t len;

	make_url(r, base, "blobs", "uploads/");
	if ((err = auth_ask(r->auth, &q, "pull,push", &reply)))
		goto out;
	if (reply.status != 202 || !reply.location[0]) {
		err = refuse(r, &q, &reply);
		goto out;
	}
	err = http_resolve(base, reply.location, url, URL_SIZE - 100);
	if (err) {
		problem_set(&r->store.why, err, "the registry sends the "
		    "upload to what is no address");
		goto out;
	}
	snprintf(origin, sizeof(origin), "%s://%s/", r->tls ? "https" :
	    "http", reference_host(&r->store.image));
	*home = !strncasecmp(url, origin, strlen(origin));
	if (r->tls && strncasecmp(url, "https://", 8)) {
		err = problem_set(&r->store.why, GPG_ERR_FORBIDDEN, "the "
		    "registry sends the upload from TLS to plain http; that "
		    "is not followed");
		goto out;
	}
	len = strlen(url);
	snprintf(url + len, URL_SIZE - len, "%cdigest=%s",
	    strchr(url, '?') ? '&' : '?', digest);
out:
	http_reply_free(&reply);
	return err;
}

static gpg_error_t
upload(struct registry *r, const char *digest, struct http_request *q)
{
	char url[URL_SIZE], what[200];
	struct http_reply reply;
	bool there = false, home = true;
	gpg_error_t err;

	if ((err = has_blob(r, digest, &there)) || there)
		return err;
	if ((err = start_upload(r, digest, url, &home)))
		return err;
	snprintf(what, sizeof(what), "uploading the blob %s", digest);
	q->method = "PUT";
	q->url = url;
	q->what = what;
	q->type = "application/octet-stream";
	q->max = 65536;
	q->stranger = !home;
	err = auth_ask(r->auth, q, "pull,push", &reply);
	if (!err && reply.status != 201)
		err = refuse(r, q, &reply);
	if (!err && reply.digest[0] && strcmp(reply.digest, digest))
		err = problem_set(&r->store.why, GPG_ERR_CHECKSUM, "the "
		    "registry took the blob %s for %.80s", digest,
		    reply.digest);
	http_reply_free(&reply);
	return err;
}

static gpg_error_t
put_blob(struct store *s, const char *digest, struct view v)
{
	struct http_request q = { .fd = -1, .body = v };

	return upload(registry_of(s), digest, &q);
}

gpg_error_t
registry_put_file(struct store *s, int fd, const char *digest, uint64_t len)
{
	struct http_request q = { .fd = fd, .fd_len = len };

	return upload(registry_of(s), digest, &q);
}

/* ---- referrers ---- */

static gpg_error_t
too_many(struct store *s)
{
	return problem_set(&s->why, GPG_ERR_TOO_MANY, "%s/%s: the image has "
	    "more than %d signatures and other things that refer to it, which "
	    "is the most that are looked at; have those that are not needed "
	    "removed", s->image.registry, s->image.repository,
	    DESCRIPTORS_MAX);
}

static gpg_error_t
take_page(struct store *s, struct view v, struct descriptors *out)
{
	struct manifest m;
	struct descriptor d;
	json_t *one;
	gpg_error_t err;
	size_t i;

	manifest_init(&m);
	if ((err = manifest_take(&m, v, "", &s->why)))
		goto out;
	if (json_array_size(manifest_list(&m, "manifests")) > DESCRIPTORS_MAX) {
		err = too_many(s);
		goto out;
	}
	json_array_foreach(manifest_list(&m, "manifests"), i, one) {
		if ((err = descriptor_read(one, &d))) {
			problem_set(&s->why, err, "the registry's list of "
			    "referrers has an entry that is none");
			break;
		}
		if ((err = descriptors_add(out, &d))) {
			err = too_many(s);
			break;
		}
	}
out:
	manifest_free(&m);
	return err;
}

static bool
same_origin(const char *a, const char *b)
{
	const char *path = strchr(strstr(a, "://") + 3, '/');

	return path && !strncasecmp(a, b, (size_t)(path - a) + 1);
}

/*
 * GPG_ERR_NOT_SUPPORTED where the registry has no such list.  An empty page
 * with another one behind it counts, so that the list ends.
 */
static gpg_error_t
referrers(struct store *s, const char *digest, struct descriptors *out)
{
	struct registry *r = registry_of(s);
	char url[URL_SIZE], next[URL_SIZE];
	struct http_request q = { .method = "GET", .url = url, .fd = -1,
	    .what = "the list of referrers", .accept = MEDIA_INDEX,
	    .max = MANIFEST_MAX, .follow = true };
	struct http_reply reply;
	gpg_error_t err = 0;
	bool more = true;

	make_url(r, url, "referrers", digest);
	for (unsigned i = 0; more && !err; i++) {
		if (i == PAGES)
			return problem_set(&s->why, GPG_ERR_TOO_MANY, "the "
			    "registry's list of referrers has more than %d "
			    "pages; have those that are not needed removed",
			    PAGES);
		err = auth_ask(r->auth, &q, "pull", &reply);
		if (!err && i == 0 && (reply.status == 404 ||
		    reply.status == 405 || (reply.status == 200 &&
		    strcmp(reply.type, MEDIA_INDEX))))
			err = gpg_error(GPG_ERR_NOT_SUPPORTED);
		else if (!err && reply.status != 200)
			err = refuse(r, &q, &reply);
		else if (!err)
			err = take_page(s, buf_view(&reply.body), out);
		more = reply.next[0] != 0;
		if (!err && more && (http_resolve(url, reply.next, next,
		    sizeof(next)) || !same_origin(url, next)))
			err = problem_set(&s->why, GPG_ERR_FORBIDDEN, "the "
			    "registry's list of referrers goes on elsewhere");
		if (!err && more)
			strcpy(url, next);
		http_reply_free(&reply);
	}
	return err;
}

/* ---- coming and going ---- */

static void
close_registry(struct store *s)
{
	struct registry *r = registry_of(s);

	auth_free(&r->auth);
	certsd_free(&r->trust);
	http_close(&r->http);
	free(r);
}

static const struct store_ops registry_ops = { get, put, get_blob, put_blob,
	referrers, close_registry };

/* TLS, unless it is this machine or the user says otherwise and it has none. */
static gpg_error_t
find_scheme(struct registry *r, const struct http_options *options)
{
	char url[URL_SIZE];
	struct http_request q = { .method = "GET", .url = url, .fd = -1,
	    .what = r->store.image.registry, .max = 65536,
	    .trust = &r->trust };
	const char *host = reference_host(&r->store.image);

	r->tls = true;
	if (!options->plain && !reference_is_loopback(host))
		return 0;
	snprintf(url, sizeof(url), "https://%s/v2/", host);
	return http_probe(r->http, &q, &r->tls);
}

gpg_error_t
registry_open(struct store **out, const struct reference *image,
    const struct http_options *options, struct problem *why)
{
	struct registry *r = calloc(1, sizeof(*r));
	gpg_error_t err;

	*out = NULL;
	if (!r)
		return gpg_error_from_syserror();
	r->store.ops = &registry_ops;
	r->store.image = *image;
	if (!(err = certsd_find(image->registry, &r->trust, &r->store.why)) &&
	    !(err = http_open(&r->http, options, &r->store.why)) &&
	    !(err = find_scheme(r, options)))
		err = auth_new(&r->auth, r->http, image, &r->trust,
		    &r->store.why);
	if (err) {
		*why = r->store.why;
		close_registry(&r->store);
		return err;
	}
	*out = &r->store;
	return 0;
}
