/* Reads the certificates beside a key. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/chainfile.h"
#include "wire/base64.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

/* Takes a line off the front, without what ends it. */
static struct view
next_line(struct view *rest)
{
	const uint8_t *end = memchr(rest->p, '\n', rest->len);
	struct view line = { rest->p, end ? (size_t)(end - rest->p) :
		rest->len };

	rest->p += line.len + (end ? 1 : 0);
	rest->len -= line.len + (end ? 1 : 0);
	while (line.len > 0 && strchr(" \t\r", line.p[line.len - 1]))
		line.len--;
	return line;
}

/* The base64 up to the end of a certificate. */
static gpg_error_t
read_one(struct chainfile *c, struct view *rest, struct buf *text)
{
	struct view line;
	gpg_error_t err;

	while (rest->len > 0) {
		line = next_line(rest);
		if (!view_eq_str(line, END)) {
			buf_put_view(text, line);
			continue;
		}
		if (c->count == CHAINFILE_CERTS || buf_len(text) == 0)
			return gpg_error(GPG_ERR_BAD_DATA);
		if ((err = base64_get(buf_view(text), &c->der)))
			return err;
		c->ends[c->count++] = buf_len(&c->der);
		return 0;
	}
	return gpg_error(GPG_ERR_BAD_DATA);
}

static gpg_error_t
read_all(struct chainfile *c, struct view rest)
{
	gpg_error_t err = 0;
	struct buf text;

	buf_init(&text, CHAINFILE_MAX);
	while (!err && rest.len > 0)
		if (view_eq_str(next_line(&rest), BEGIN)) {
			buf_reset(&text);
			err = read_one(c, &rest, &text);
		}
	buf_free(&text);
	if (!err && c->count == 0)
		err = gpg_error(GPG_ERR_BAD_DATA);
	return err;
}

char *
chainfile_path(const struct paths *paths, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/keys/%s.chain.pem", paths->data, name) < 0)
		return NULL;
	return path;
}

gpg_error_t
chainfile_read(const struct paths *paths, const char *name,
    struct chainfile *c)
{
	struct buf file;
	gpg_error_t err;
	char *path = chainfile_path(paths, name);

	*c = (struct chainfile){ .count = 0 };
	buf_init(&c->der, CHAINFILE_MAX);
	if (!path)
		return gpg_error(GPG_ERR_ENOMEM);
	buf_init(&file, CHAINFILE_MAX);
	if (!(err = paths_read(path, CHAINFILE_MAX, &file)))
		err = read_all(c, buf_view(&file));
	buf_free(&file);
	free(path);
	return err;
}

void
chainfile_free(struct chainfile *c)
{
	buf_free(&c->der);
	c->count = 0;
}

struct view
chainfile_get(const struct chainfile *c, size_t i)
{
	size_t begin = i > 0 ? c->ends[i - 1] : 0;

	return view_of(buf_view(&c->der).p + begin, c->ends[i] - begin);
}
