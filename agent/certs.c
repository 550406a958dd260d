/* Certificates of keys on tokens, and the files that they come from. */
#include <config.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs.h"
#include "keys.h"
#include "format/sshkey.h"
#include "wire/base64.h"
#include "wire/text.h"

#define FILE_MAX (16 * 1024)
#define SUFFIX "-cert.pub"

static bool
is_current(const struct cert *c)
{
	uint64_t now = (uint64_t)time(NULL);

	return c->after <= now && now < c->before;
}

static void
cert_clear(struct cert *c)
{
	buf_free(&c->blob);
	free(c->comment);
}

void
certs_clear(struct certs *all)
{
	for (size_t i = 0; i < all->count; i++)
		cert_clear(&all->list[i]);
	free(all->list);
	*all = (struct certs){ .list = NULL };
}

/* Takes over nothing. */
static gpg_error_t
cert_fill(struct cert *out, const struct ssh_cert *c, struct view blob,
    const char *comment)
{
	char clean[256];

	text_clean(clean, sizeof(clean), comment ? view_str(comment) : c->id);
	memcpy(out->id, pubkey_id(c->key).p, PUBKEY_ID_LEN);
	out->after = c->after;
	out->before = c->before;
	buf_init(&out->blob, SSH_KEY_MAX);
	out->comment = strdup(clean);
	if (out->comment && !buf_put_view(&out->blob, blob))
		return 0;
	cert_clear(out);
	return gpg_error(GPG_ERR_ENOMEM);
}

gpg_error_t
certs_add(struct certs *all, struct view blob, const char *comment)
{
	struct cert *list;
	struct ssh_cert c;
	gpg_error_t err;

	if (all->count >= CERTS_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if ((err = ssh_cert_read(&c, blob)))
		return err;
	list = realloc(all->list, (all->count + 1) * sizeof(*list));
	if (!list) {
		err = gpg_error(GPG_ERR_ENOMEM);
	} else {
		all->list = list;
		err = cert_fill(&list[all->count], &c, blob, comment);
		all->count += !err;
	}
	ssh_cert_free(&c);
	return err;
}

const struct cert *
certs_find(const struct certs *all, struct view blob)
{
	for (size_t i = 0; i < all->count; i++)
		if (view_eq(buf_view(&all->list[i].blob), blob))
			return is_current(&all->list[i]) ? &all->list[i] :
			    NULL;
	return NULL;
}

const struct cert *
certs_of(const struct certs *all, const struct key *k, size_t *at)
{
	while (*at < all->count) {
		const struct cert *c = &all->list[(*at)++];

		if (view_eq(view_of(c->id, sizeof(c->id)),
		    pubkey_id(k->pub)))
			return c;
	}
	return NULL;
}

const struct cert *
certs_next(const struct certs *all, const struct key *k, size_t *at)
{
	const struct cert *c;

	while ((c = certs_of(all, k, at)) && !is_current(c))
		;
	return c;
}

/* ---- files ---- */

/* "TYPE BASE64 COMMENT", one line; *comment points into the text. */
static gpg_error_t
read_line(char *text, struct buf *blob, char **comment)
{
	char *type = strtok_r(text, " \t\n", comment), *body;

	body = type ? strtok_r(NULL, " \t\n", comment) : NULL;
	if (!body)
		return gpg_error(GPG_ERR_BAD_CERT);
	(*comment)[strcspn(*comment, "\r\n")] = 0;
	return base64_get(view_str(body), blob);
}

/* Whether the file's name says that it is this key's. */
static bool
is_named_for(const char *entry, const struct key *k)
{
	size_t len = strlen(k->name);

	return len > 0 && !strncmp(entry, k->name, len) &&
	    entry[len] == '-' &&
	    strlen(entry) >= len + strlen(SUFFIX);
}

static const char *
why_not(struct agent *a, const char *entry, struct buf *text)
{
	struct certs *all = &a->certs;
	struct buf blob;
	struct key *k;
	char *comment;
	gpg_error_t err;

	if (buf_put_u8(text, 0))
		return "there is not enough memory";
	buf_init(&blob, SSH_KEY_MAX);
	err = read_line((char *)(uintptr_t)buf_view(text).p, &blob, &comment);
	if (!err)
		err = certs_add(all, buf_view(&blob),
		    comment[0] ? comment : NULL);
	buf_free(&blob);
	if (gpg_err_code(err) == GPG_ERR_TOO_LARGE)
		return "there are more than can be taken, or it is too long";
	if (err)
		return "it is no certificate, or its signature is wrong";
	k = keyring_find_id(a->keyring,
	    view_of(all->list[all->count - 1].id, PUBKEY_ID_LEN));
	if (k && is_named_for(entry, k)) {
		key_unref(&k);
		return NULL;
	}
	key_unref(&k);
	cert_clear(&all->list[--all->count]);
	return "it is for another key than the one that it is named for";
}

static int
is_cert(const struct dirent *e)
{
	size_t len = strlen(e->d_name), tail = strlen(SUFFIX);

	return e->d_name[0] != '.' && len > tail &&
	    !strcmp(e->d_name + len - tail, SUFFIX);
}

void
certs_load(struct agent *a, const char *dir)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_cert, alphasort);
	char file[1200], clean[1200];
	const char *why;
	struct buf text;

	certs_clear(&a->certs);
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", dir,
		    entries[i]->d_name);
		buf_init(&text, FILE_MAX + 1);
		why = paths_read(file, FILE_MAX, &text) ?
		    "it cannot be read, or is too long" :
		    why_not(a, entries[i]->d_name, &text);
		if (why)
			agent_log("certificate %s is left out: %s",
			    text_clean(clean, sizeof(clean), view_str(file)),
			    why);
		buf_free(&text);
		free(entries[i]);
	}
	free(entries);
}
