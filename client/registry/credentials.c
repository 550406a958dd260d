/* Finds what the user logged in to a registry with. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "client/registry/helper.h"
#include "client/registry/memory.h"
#include "wire/base64.h"
#include "local/paths.h"

#define FILE_MAX 1048576
#define DOCKER_KEY "https://index.docker.io/v1/"

void
credentials_free(struct credentials *c)
{
	memory_free(c->user);
	memory_free(c->secret);
	memset(c, 0, sizeof(*c));
}

/*
 * How exact an entry's key is for this image: the more of it the better; 0,
 * not at all.  Keys are "host", "host/path" (podman) or an address (docker).
 */
static size_t
match(const struct reference *r, const char *key)
{
	char whole[sizeof(r->registry) + sizeof(r->repository)];
	size_t len;

	if (!strcmp(r->registry, "docker.io") && (!strcmp(key, DOCKER_KEY) ||
	    !strcmp(key, "index.docker.io") ||
	    !strcmp(key, "registry-1.docker.io")))
		return 1;
	if (!strncmp(key, "https://", 8))
		key += 8;
	else if (!strncmp(key, "http://", 7))
		key += 7;
	len = strlen(key);
	while (len > 0 && key[len - 1] == '/')
		len--;
	if (len > 3 && (!strncmp(key + len - 3, "/v1", 3) ||
	    !strncmp(key + len - 3, "/v2", 3)))
		len -= 3;
	snprintf(whole, sizeof(whole), "%s/%s", r->registry, r->repository);
	if (len == 0 || strncmp(whole, key, len) ||
	    (whole[len] && whole[len] != '/'))
		return 0;
	return len + 1;
}

static const char *
best_key(const struct reference *r, json_t *entries)
{
	const char *key, *found = NULL;
	size_t best = 0, n;
	json_t *value;

	json_object_foreach(entries, key, value)
		if ((n = match(r, key)) > best) {
			best = n;
			found = key;
		}
	return found;
}

static gpg_error_t
take_auth(json_t *entry, struct credentials *c)
{
	const char *auth = NULL, *token = NULL, *colon;
	struct buf b;
	struct view v;
	gpg_error_t err;

	json_unpack(entry, "{s?s,s?s}", "auth", &auth, "identitytoken",
	    &token);
	if (!auth || !*auth)
		return 0;
	buf_init(&b, 65536);
	if (!(err = buf_lock(&b)) &&
	    !(err = base64_get(view_str(auth), &b))) {
		v = buf_view(&b);
		/* docker pads the password with NULs. */
		while (v.len > 0 && v.p[v.len - 1] == 0)
			v.len--;
		colon = memchr(v.p, ':', v.len);
		if (!colon) {
			err = gpg_error(GPG_ERR_BAD_DATA);
		} else {
			size_t n = (size_t)((const uint8_t *)colon - v.p);

			c->user = view_strdup(view_of(v.p, n));
			c->secret = token && *token ? strdup(token) :
			    view_strdup(view_of(v.p + n + 1, v.len - n - 1));
			c->is_token = token && *token;
			if (!c->user || !c->secret)
				err = gpg_error(GPG_ERR_BAD_DATA);
		}
	}
	buf_free(&b);
	return err;
}

/* What helpers are asked for: Docker's own registry has an old name there. */
static const char *
server_name(const struct reference *r, bool docker_file)
{
	return docker_file && !strcmp(r->registry, "docker.io") ? DOCKER_KEY :
	    r->registry;
}

static gpg_error_t
look_in(const struct reference *r, json_t *j, const char *file, bool docker,
    struct credentials *c, struct problem *why)
{
	json_t *auths = json_object_get(j, "auths");
	json_t *helpers = json_object_get(j, "credHelpers");
	const char *store = json_string_value(json_object_get(j,
	    "credsStore"));
	const char *key = best_key(r, helpers);
	gpg_error_t err;

	if (key)
		return helper_get(json_is_string(json_object_get(helpers,
		    key)) ? json_string_value(json_object_get(helpers, key)) :
		    "", server_name(r, docker), c, why);
	if ((key = best_key(r, auths))) {
		if ((err = take_auth(json_object_get(auths, key), c)))
			return problem_set(why, err, "%s: the entry of %.200s "
			    "has no valid \"auth\"; log in again", file, key);
		if (c->user) {
			snprintf(c->source, sizeof(c->source), "%s", file);
			return 0;
		}
	}
	if (store && *store)
		return helper_get(store, server_name(r, docker), c, why);
	return 0;
}

/* A file that is not there has none. */
static gpg_error_t
look_in_file(const struct reference *r, const char *file, bool docker,
    bool must, struct credentials *c, struct problem *why)
{
	struct buf b;
	json_t *j = NULL;
	gpg_error_t err;

	buf_init(&b, FILE_MAX);
	err = paths_read(file, FILE_MAX, &b);
	if (gpg_err_code(err) == GPG_ERR_ENOENT && !must) {
		err = 0;
	} else if (err) {
		problem_set(why, err, "%s cannot be read: %s", file,
		    gpg_strerror(err));
	} else if (!(j = json_loadb((const char *)buf_view(&b).p, buf_len(&b),
	    JSON_REJECT_DUPLICATES, NULL)) || !json_is_object(j)) {
		err = problem_set(why, GPG_ERR_BAD_DATA, "%s is no JSON, or "
		    "has a key twice; correct it, or log in again", file);
	} else {
		err = look_in(r, j, file, docker, c, why);
	}
	json_decref(j);
	buf_free(&b);
	return err;
}

struct place {
	const char *variable, *below;	/* the folder, and what is in it */
	bool docker;
};

static const struct place places[] = {
	{ "XDG_RUNTIME_DIR", "containers/auth.json", false },
	{ "XDG_CONFIG_HOME", "containers/auth.json", false },
	{ "HOME", ".config/containers/auth.json", false },
	{ "DOCKER_CONFIG", "config.json", true },
	{ "HOME", ".docker/config.json", true },
};

static gpg_error_t
look_everywhere(const struct reference *r, struct credentials *c,
    struct problem *why)
{
	const char *file = getenv("REGISTRY_AUTH_FILE"), *dir;
	char path[PATH_MAX];
	gpg_error_t err = 0;

	if (file && *file)
		return look_in_file(r, file, false, true, c, why);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !err &&
	    !c->user; i++) {
		dir = getenv(places[i].variable);
		if (!dir || *dir != '/' ||
		    snprintf(path, sizeof(path), "%s/%s", dir,
		    places[i].below) >= (int)sizeof(path))
			continue;
		err = look_in_file(r, path, places[i].docker, false, c, why);
	}
	return err;
}

gpg_error_t
credentials_find(const struct reference *r, struct credentials *c,
    struct problem *why)
{
	gpg_error_t err;

	memset(c, 0, sizeof(*c));
	if ((err = look_everywhere(r, c, why)))
		credentials_free(c);
	return err;
}
