/* Looks into certs.d. */
#include "config.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/registry/certsd.h"
#include "local/paths.h"

#define CA_MAX 1048576

void
certsd_free(struct http_trust *t)
{
	buf_free(&t->ca);
	free(t->cert);
	free(t->key);
	t->cert = t->key = NULL;
}

static gpg_error_t
add_authority(struct http_trust *t, const char *file, struct problem *why)
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, CA_MAX);
	if (!(err = paths_read(file, CA_MAX, &b)) &&
	    !(err = buf_put_view(&t->ca, buf_view(&b))))
		err = buf_put_u8(&t->ca, '\n');
	buf_free(&b);
	return err ? problem_set(why, err, "%s cannot be read: %s", file,
	    gpg_strerror(err)) : 0;
}

static gpg_error_t
take_pair(struct http_trust *t, const char *cert, struct problem *why)
{
	char key[PATH_MAX];
	size_t len = strlen(cert) - strlen(".cert");

	snprintf(key, sizeof(key), "%.*s.key", (int)len, cert);
	if (access(key, R_OK))
		return problem_set(why, GPG_ERR_NO_SECKEY, "%s has no key "
		    "that can be read beside it, %s", cert, key);
	t->cert = strdup(cert);
	t->key = strdup(key);
	return t->cert && t->key ? 0 : gpg_error(GPG_ERR_ENOMEM);
}

static gpg_error_t
look_in(const char *dir, struct http_trust *t, struct problem *why)
{
	char pattern[PATH_MAX];
	gpg_error_t err = 0;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%.4000s/*.crt", dir);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && !err; i++)
			err = add_authority(t, found.gl_pathv[i], why);
	globfree(&found);
	snprintf(pattern, sizeof(pattern), "%.4000s/*.cert", dir);
	if (!err && glob(pattern, 0, NULL, &found) == 0) {
		err = take_pair(t, found.gl_pathv[0], why);
		globfree(&found);
	}
	return err;
}

/* A host with "[" is no pattern. */
static bool
make_folder(char *dst, const char *base, const char *below, const char *host)
{
	int n = snprintf(dst, PATH_MAX / 2, "%s%s/", base, below);

	if (n < 0 || n >= PATH_MAX / 2)
		return false;
	for (; *host && n < PATH_MAX / 2 - 2; host++) {
		if (*host == '[')
			dst[n++] = '\\';
		dst[n++] = *host;
	}
	dst[n] = 0;
	return true;
}

struct place {
	const char *base, *below;	/* NULL: there is none */
};

static gpg_error_t
look_at(const struct place *places, size_t count, const char *host,
    struct http_trust *t, struct problem *why)
{
	char dir[PATH_MAX / 2];
	gpg_error_t err = 0;

	for (size_t i = 0; i < count && !err && buf_len(&t->ca) == 0 &&
	    !t->cert; i++)
		if (places[i].base && make_folder(dir, places[i].base,
		    places[i].below, host))
			err = look_in(dir, t, why);
	if (err)
		certsd_free(t);
	return err;
}

static gpg_error_t
look_at_certs(const char *host, struct http_trust *t, struct problem *why)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	const struct place places[] = {
		{ xdg && *xdg == '/' ? xdg : NULL, "/containers/certs.d" },
		{ home, "/.config/containers/certs.d" },
		{ "", "/etc/containers/certs.d" },
		{ "", "/etc/docker/certs.d" },
	};

	return look_at(places, sizeof(places) / sizeof(places[0]), host, t,
	    why);
}

static void
trust_init(struct http_trust *t)
{
	memset(t, 0, sizeof(*t));
	buf_init(&t->ca, CA_MAX);
}

gpg_error_t
certsd_find(const char *host, struct http_trust *t, struct problem *why)
{
	trust_init(t);
	return look_at_certs(host, t, why);
}

gpg_error_t
certsd_find_notary(const char *host, struct http_trust *t, struct problem *why)
{
	const char *home = getenv("HOME"), *own = getenv("DOCKER_CONFIG");
	const struct place places[] = {
		{ own && *own == '/' ? own : NULL, "/tls" },
		{ home, "/.docker/tls" },
	};
	gpg_error_t err;

	trust_init(t);
	err = look_at(places, sizeof(places) / sizeof(places[0]), host, t,
	    why);
	return err || buf_len(&t->ca) > 0 || t->cert ? err :
	    look_at_certs(host, t, why);
}
