/* Asks a Notary server. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <sys/random.h>

#include "client/registry/auth.h"
#include "client/registry/certsd.h"
#include "client/trust/remote.h"

#define URL_SIZE 2048
#define WHAT_SIZE 1024
#define REPLY_MAX 65536
#define POST_MAX (128U << 20)
#define ROLES_MAX 256

struct remote {
	struct gun gun;
	struct http *http;
	struct auth *auth;
	struct http_trust trust;
	struct problem *why;
};

gpg_error_t
remote_open(struct remote **out, const struct gun *gun,
    const struct http_options *options, struct problem *why)
{
	struct remote *r = calloc(1, sizeof(*r));
	gpg_error_t err;

	*out = NULL;
	if (!r)
		return problem_set(why, GPG_ERR_ENOMEM, "out of memory");
	r->gun = *gun;
	r->why = why;
	if ((err = certsd_find_notary(gun->host, &r->trust, why)) ||
	    (err = http_open(&r->http, options, why)) ||
	    (err = auth_new(&r->auth, r->http, &r->gun.image, &r->trust,
	    why))) {
		remote_close(&r);
		return err;
	}
	auth_scope(r->auth, r->gun.name);
	*out = r;
	return 0;
}

void
remote_close(struct remote **remote)
{
	struct remote *r = *remote;

	if (!r)
		return;
	auth_free(&r->auth);
	http_close(&r->http);
	certsd_free(&r->trust);
	free(r);
	*remote = NULL;
}

/* Which server could not be asked is told; it may have been guessed. */
static gpg_error_t
ask(struct remote *r, struct http_request *q, const char *actions,
    struct http_reply *reply)
{
	gpg_error_t err = auth_ask(r->auth, q, actions, reply);

	if (!err || gpg_err_code(err) == GPG_ERR_NO_AUTH)
		return err;
	return problem_set(r->why, err, "%s (--server gives another): %s",
	    r->gun.server, r->why->text);
}

/* The server's own words for its error: whether they are these. */
static bool
says(const struct http_reply *reply, const char *code, const char *detail)
{
	struct view v = buf_view(&reply->body);
	json_t *j = json_loadb((const char *)v.p, v.len, 0, NULL);
	json_t *error = json_array_get(json_object_get(j, "errors"), 0);
	const char *said = json_string_value(json_object_get(error, "code"));
	const char *name = json_string_value(json_object_get(
	    json_object_get(error, "detail"), "Name"));
	bool same = said && !strcmp(said, code) &&
	    (!detail || (name && !strcmp(name, detail)));

	json_decref(j);
	return same;
}

static gpg_error_t
refuse(struct remote *r, const struct http_request *q,
    const struct http_reply *reply)
{
	char words[400];

	http_reply_words(reply, words, sizeof(words));
	if (reply->status == 404)
		return problem_set(r->why, GPG_ERR_NOT_FOUND, "%s is not at "
		    "%s", q->what, r->gun.server);
	if (reply->status == 409 ||
	    (reply->status == 400 && says(reply, "VERSION", NULL)))
		return problem_set(r->why, GPG_ERR_CONFLICT, "%s: somebody "
		    "else has posted meanwhile", q->what);
	if (reply->status == 403)
		return problem_set(r->why, GPG_ERR_EACCES, "%s: %s does not "
		    "allow it %s; ask its owner, or log in as another: podman "
		    "login %s", q->what, r->gun.server, words,
		    r->gun.image.registry);
	/* Nothing that was sent is bad, but what the server makes of it. */
	if (reply->status == 400 &&
	    (says(reply, "INVALID_UPDATE", "ErrBadHierarchy") ||
	    says(reply, "INVALID_UPDATE", "ErrValidation")))
		return problem_set(r->why, GPG_ERR_SERVER_FAILED, "%s: the "
		    "server cannot sign a snapshot of it; if it has not the "
		    "key for those, the owner has it make one: touchstone "
		    "trust rotate %s snapshot, or notary key rotate %s "
		    "snapshot -r", q->what, r->gun.name, r->gun.name);
	if (reply->status == 400)
		return problem_set(r->why, GPG_ERR_SERVER_FAILED, "%s: the "
		    "server does not take it: %s", q->what, words);
	return problem_set(r->why, GPG_ERR_SERVER_FAILED, "%s: the server "
	    "answers %ld %s%s", q->what, reply->status, words,
	    reply->status >= 500 ? "; try again later" : "");
}

/* A role's name is part of an address, and the server may have made it. */
static bool
name_ok(const char *name)
{
	return name[0] && name[0] != '/' && name[0] != '.' &&
	    !strstr(name, "..") && !strstr(name, "//") &&
	    !strstr(name, "/.") && name[strlen(name) - 1] != '/' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-/") ==
	    strlen(name);
}

static gpg_error_t
make_url(struct remote *r, const char *name, const char *end,
    char url[URL_SIZE])
{
	int n = snprintf(url, URL_SIZE, "%s/v2/%s/_trust/tuf/%s%s",
	    r->gun.server, r->gun.name, name, end);

	if ((*name && !name_ok(name)) || n < 0 || n >= URL_SIZE)
		return problem_set(r->why, GPG_ERR_INV_NAME, "\"%.200s\" is "
		    "no name of trust data", name);
	return 0;
}

gpg_error_t
remote_get(struct remote *r, const char *name, size_t max, struct buf *out)
{
	char url[URL_SIZE], what[WHAT_SIZE];
	struct http_request q = { .method = "GET", .url = url, .what = what,
	    .fd = -1, .max = max, .follow = true };
	struct http_reply reply = { .status = 0 };
	gpg_error_t err;

	if ((err = make_url(r, name, ".json", url)))
		return err;
	snprintf(what, sizeof(what), "the trust data \"%.300s\" of %s", name,
	    r->gun.name);
	if (!(err = ask(r, &q, "pull", &reply)))
		err = reply.status == 200 ? buf_put_view(out,
		    buf_view(&reply.body)) : refuse(r, &q, &reply);
	http_reply_free(&reply);
	return err;
}

/* ---- posting ---- */

static gpg_error_t
put_parts(struct buf *b, const char *boundary, const struct remote_file *files,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!name_ok(files[i].role))
			return gpg_error(GPG_ERR_INV_NAME);
		buf_putf(b, "--%s\r\nContent-Disposition: form-data; "
		    "name=\"files\"; filename=\"%s\"\r\nContent-Type: "
		    "application/octet-stream\r\n\r\n", boundary,
		    files[i].role);
		buf_put_view(b, files[i].bytes);
		buf_put_text(b, "\r\n");
	}
	return buf_putf(b, "--%s--\r\n", boundary);
}

static gpg_error_t
make_boundary(char *dst, size_t size)
{
	uint64_t r[2];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return gpg_error_from_syserror();
	snprintf(dst, size, "touchstone-%016llx%016llx",
	    (unsigned long long)r[0], (unsigned long long)r[1]);
	return 0;
}

gpg_error_t
remote_post(struct remote *r, const struct remote_file *files, size_t count)
{
	char url[URL_SIZE], what[WHAT_SIZE], boundary[64], type[128];
	struct http_request q = { .method = "POST", .url = url, .what = what,
	    .fd = -1, .type = type, .max = REPLY_MAX };
	struct http_reply reply = { .status = 0 };
	struct buf body;
	gpg_error_t err;

	buf_init(&body, POST_MAX);
	snprintf(what, sizeof(what), "posting trust data of %s", r->gun.name);
	if (count == 0 || count > ROLES_MAX)
		err = gpg_error(GPG_ERR_INV_ARG);
	else if (!(err = make_url(r, "", "", url)) &&
	    !(err = make_boundary(boundary, sizeof(boundary))))
		err = put_parts(&body, boundary, files, count);
	if (err) {
		problem_set(r->why, err, "%s: %s", what, gpg_strerror(err));
		goto out;
	}
	snprintf(type, sizeof(type), "multipart/form-data; boundary=%s",
	    boundary);
	q.body = buf_view(&body);
	if (!(err = ask(r, &q, "pull,push", &reply)) && reply.status != 200)
		err = refuse(r, &q, &reply);
out:
	http_reply_free(&reply);
	buf_free(&body);
	return err;
}

gpg_error_t
remote_key(struct remote *r, const char *role, bool rotate, struct buf *out)
{
	char url[URL_SIZE], what[WHAT_SIZE];
	struct http_request q = { .method = rotate ? "POST" : "GET",
	    .url = url, .what = what, .fd = -1, .max = REPLY_MAX };
	struct http_reply reply = { .status = 0 };
	gpg_error_t err;

	if ((err = make_url(r, role, ".key", url)))
		return err;
	snprintf(what, sizeof(what), "the server's %.100s key for %s", role,
	    r->gun.name);
	if (!(err = ask(r, &q, rotate ? "*" : "pull,push", &reply)))
		err = reply.status == 200 ? buf_put_view(out,
		    buf_view(&reply.body)) : refuse(r, &q, &reply);
	http_reply_free(&reply);
	return err;
}
