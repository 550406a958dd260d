/* Finds, reads and writes simple signatures. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/image/lookaside.h"
#include "format/opmessage.h"
#include "local/paths.h"

#define FILES 256		/* of registries.d */
#define NUMBERS 10000		/* of signatures of one image */

static bool
is_yaml(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && !strcmp(name + len - 5, ".yaml");
}

static gpg_error_t
read_one(const struct image *i, const char *dir, const char *file,
    struct lookaside_scope *s)
{
	const char *why = "";
	char path[1536];
	struct buf b;
	gpg_error_t err;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	buf_init(&b, LOOKASIDE_FILE_MAX);
	if ((err = paths_read(path, LOOKASIDE_FILE_MAX, &b)))
		call_problem(i->call, err, "%s cannot be read: %s", path,
		    gpg_strerror(err));
	else if ((err = registriesd_read(buf_view(&b), s, &why)))
		call_problem(i->call, err, "%s: %s; or give --lookaside",
		    path, why);
	buf_free(&b);
	return err;
}

/* *there: the folder counts, whatever is in it. */
static gpg_error_t
read_folder(const struct image *i, const char *dir, struct lookaside_scope *s,
    bool *there)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort);
	unsigned files = 0;
	gpg_error_t err = 0;

	*there = n >= 0;
	for (int k = 0; k < n; k++) {
		if (!err && is_yaml(list[k]->d_name) && ++files <= FILES)
			err = read_one(i, dir, list[k]->d_name, s);
		free(list[k]);
	}
	if (n >= 0)
		free(list);
	return err;
}

static gpg_error_t
from_configuration(const struct image *i, struct lookaside_scope *s)
{
	const char *home = getenv("HOME");
	char dir[1024];
	bool there = false;
	gpg_error_t err = 0;

	if (home) {
		snprintf(dir, sizeof(dir),
		    "%s/.config/containers/registries.d", home);
		err = read_folder(i, dir, s, &there);
	}
	if (!err && !there)
		err = read_folder(i, "/etc/containers/registries.d", s,
		    &there);
	return err;
}

/* What containers/image takes where nothing is configured. */
static void
use_default(struct lookaside *l)
{
	const char *home = getenv("HOME");

	if (geteuid() == 0)
		snprintf(l->read, sizeof(l->read),
		    "/var/lib/containers/sigstore");
	else if (home)
		snprintf(l->read, sizeof(l->read),
		    "%s/.local/share/containers/sigstore", home);
}

gpg_error_t
lookaside_find(const struct image *i, struct lookaside *l)
{
	const char *given = call_option(i->call, "lookaside");
	struct lookaside_scope s = { .best = 0 };
	char name[768];
	gpg_error_t err;

	*l = (struct lookaside){ .read = "" };
	image_name(i, true, name);
	s.name = name;
	if (given) {
		snprintf(l->read, sizeof(l->read), "%s", given);
	} else if (name[0]) {
		if ((err = from_configuration(i, &s)))
			return err;
		*l = s.found;
		if (s.best == 0)
			use_default(l);
	}
	if (!l->write[0])
		memcpy(l->write, l->read, sizeof(l->write));
	if (!l->read[0])
		memcpy(l->read, l->write, sizeof(l->read));
	return 0;
}

static void
put_path(const struct image *i, const char *base, unsigned n, char *out,
    size_t size)
{
	size_t len = strlen(base);

	while (len > 1 && base[len - 1] == '/')
		len--;
	snprintf(out, size, "%.*s/%s@sha256=%s/signature-%u", (int)len, base,
	    i->name.repository, i->d.digest + 7, n);
}

/* The path of a folder on this machine, or NULL. */
static const char *
local(const char *place)
{
	if (!strncmp(place, "file://", 7))
		return place[7] == '/' ? place + 7 : NULL;
	return strstr(place, "://") ? NULL : place;
}

static gpg_error_t
get_web(struct image *i, const char *url, struct buf *b)
{
	struct http_request q = { .method = "GET", .url = url, .fd = -1,
	    .what = "a simple signature", .max = OPMESSAGE_MAX,
	    .follow = true };
	struct http_reply reply;
	struct problem why = { "" };
	struct http *h = NULL;
	gpg_error_t err;

	if ((err = http_open(&h, &i->http, &why)))
		return call_problem(i->call, err, "%s", why.text);
	if ((err = http_ask(h, &q, &reply)))
		call_problem(i->call, err, "%s", why.text);
	else if (reply.status == 404)
		err = gpg_error(GPG_ERR_NOT_FOUND);
	else if (reply.status != 200)
		err = call_problem(i->call, GPG_ERR_GENERAL, "%s: the server "
		    "says %ld", url, reply.status);
	else
		err = buf_put_view(b, buf_view(&reply.body));
	http_reply_free(&reply);
	http_close(&h);
	return err;
}

gpg_error_t
lookaside_get(struct image *i, const struct lookaside *l, unsigned n,
    struct buf *b, char *place, size_t size)
{
	gpg_error_t err;

	buf_reset(b);
	if (!l->read[0] || !i->name.repository[0])
		return gpg_error(GPG_ERR_NOT_FOUND);
	put_path(i, l->read, n, place, size);
	if (!local(place))
		return get_web(i, place, b);
	err = paths_read(local(place), b->max, b);
	if (gpg_err_code(err) == GPG_ERR_ENOENT)
		return gpg_error(GPG_ERR_NOT_FOUND);
	if (err)
		call_problem(i->call, err, "%s cannot be read: %s",
		    local(place), gpg_strerror(err));
	return err;
}

/* ---- writing ---- */

/* Other users may look: signatures are there to be given out. */
static gpg_error_t
make_folders(const char *file)
{
	char dir[2048];

	snprintf(dir, sizeof(dir), "%s", file);
	for (char *p = dir + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		if (mkdir(dir, 0755) && errno != EEXIST)
			return gpg_error_from_syserror();
		*p = '/';
	}
	return 0;
}

static gpg_error_t
write_all(int fd, struct view v)
{
	while (v.len > 0) {
		ssize_t n = write(fd, v.p, v.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return gpg_error_from_syserror();
		v.p += n;
		v.len -= (size_t)n;
	}
	return fsync(fd) ? gpg_error_from_syserror() : 0;
}

/* A file beside, whole, and then a number that nobody has taken. */
static gpg_error_t
claim(const struct image *i, const char *base, struct view v, char *place,
    size_t size)
{
	char temp[2048];
	gpg_error_t err;
	int fd;

	put_path(i, base, 1, place, size);
	snprintf(temp, sizeof(temp), "%.*s.touchstone-XXXXXX",
	    (int)(strrchr(place, '/') + 1 - place), place);
	if ((err = make_folders(place)))
		return err;
	if ((fd = mkstemp(temp)) < 0)
		return gpg_error_from_syserror();
	err = write_all(fd, v);
	if (!err && fchmod(fd, 0644))
		err = gpg_error_from_syserror();
	close(fd);
	for (unsigned n = 1; !err; n++) {
		put_path(i, base, n, place, size);
		if (!link(temp, place))
			break;
		if (errno != EEXIST)
			err = gpg_error_from_syserror();
		else if (n == NUMBERS)
			err = gpg_error(GPG_ERR_TOO_MANY);
	}
	unlink(temp);
	return err;
}

gpg_error_t
lookaside_put(struct image *i, const struct lookaside *l, struct view v,
    char *place, size_t size)
{
	const char *base = local(l->write);
	gpg_error_t err;

	if (!base || base[0] == 0)
		return call_problem(i->call, GPG_ERR_INV_ARG, "simple "
		    "signatures for %s cannot be written to \"%s\": set "
		    "lookaside-staging in registries.d, or give --lookaside",
		    i->name.registry, l->write);
	if ((err = claim(i, base, v, place, size)))
		call_problem(i->call, err, "%s cannot be written: %s", place,
		    gpg_strerror(err));
	return err;
}
