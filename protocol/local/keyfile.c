/* The records of the user's keys, as JSON. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "local/keyfile.h"
#include "local/paths.h"
#include "wire/base64.h"
#include "wire/text.h"

#define SUFFIX ".json"
#define ARMOR "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"

bool
keyfile_name_ok(struct view v)
{
	bool all_hex = true;

	if (v.len == 0 || v.len > KEYFILE_NAME_MAX ||
	    v.p[0] < 'a' || v.p[0] > 'z')
		return false;
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];
		bool digit = c >= '0' && c <= '9';
		bool letter = c >= 'a' && c <= 'z';

		if (!digit && !letter && c != '.' && c != '_' && c != '-')
			return false;
		all_hex = all_hex && (digit || (letter && c <= 'f'));
	}
	return !all_hex;
}

/* The name that a record in this file must bear. */
static struct view
name_in(const char *file)
{
	const char *slash = strrchr(file, '/');
	struct view v = view_str(slash ? slash + 1 : file);
	size_t len = strlen(SUFFIX);

	if (v.len > len && !memcmp(v.p + v.len - len, SUFFIX, len))
		v.len -= len;
	return v;
}

/* "FILE: why", clean; NULL when out of memory. */
static char *
problem_of(const char *file, const char *why)
{
	char clean[1024], raw[1024];

	snprintf(raw, sizeof(raw), "%s: %s", file, why);
	return strdup(text_clean(clean, sizeof(clean), view_str(raw)));
}

/*
 * The getters take a member's value and set *why, a constant, where it is
 * not as it has to be; they do nothing where *why is set already.
 */
static void
get_name(const json_t *value, const char *file, struct keyfile *k,
    const char **why)
{
	const char *s = json_string_value(value);

	if (*why)
		return;
	if (!s || !keyfile_name_ok(view_str(s)))
		*why = "\"name\" is no name for a key";
	else if (!view_eq_str(name_in(file), s))
		*why = "\"name\" is not that of the file";
	else if (!(k->name = strdup(s)))
		*why = "out of memory";
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
get_id(const json_t *value, struct keyfile *k, const char **why)
{
	const char *s = json_string_value(value);

	if (*why)
		return;
	*why = "\"id\" is not 64 lower-case hex digits";
	if (!s || strlen(s) != 2 * sizeof(k->id))
		return;
	for (size_t i = 0; i < sizeof(k->id); i++) {
		int high = hex_digit(s[2 * i]), low = hex_digit(s[2 * i + 1]);

		if (high < 0 || low < 0)
			return;
		k->id[i] = (uint8_t)(high << 4 | low);
	}
	*why = NULL;
}

static void
get_time(const json_t *value, uint32_t *out, const char *complaint,
    const char **why)
{
	json_int_t n = json_integer_value(value);

	if (*why)
		return;
	if (!json_is_integer(value) || n < 0 || n > UINT32_MAX)
		*why = complaint;
	else
		*out = (uint32_t)n;
}

static bool
user_id_ok(const char *s)
{
	return s && s[0] && strlen(s) <= KEYFILE_USER_ID_MAX &&
	    text_is_clean(view_str(s));
}

static void
get_user_ids(const json_t *value, struct keyfile *k, const char **why)
{
	size_t n = json_array_size(value);

	if (*why)
		return;
	if (!json_is_array(value) || n > KEYFILE_USER_IDS) {
		*why = "\"user_ids\" is no array of at most 16 texts";
		return;
	}
	if (!(k->user_ids = calloc(n + 1, sizeof(*k->user_ids)))) {
		*why = "out of memory";
		return;
	}
	for (size_t i = 0; i < n && !*why; i++) {
		const char *s = json_string_value(json_array_get(value, i));

		if (!user_id_ok(s))
			*why = "a user id is empty, too long or no clean text";
		else if (!(k->user_ids[i] = strdup(s)))
			*why = "out of memory";
		else
			k->user_id_count++;
	}
}

static void
get_spki(const json_t *value, struct keyfile *k, const char **why)
{
	const char *s = json_string_value(value);

	if (*why)
		return;
	if (!s || !s[0] || base64_get(view_str(s), &k->spki))
		*why = "\"spki\" is no base64 of at most 2048 bytes";
}

/* Armour is printable ASCII in lines. */
static bool
certificate_ok(const char *s)
{
	if (!view_starts(view_str(s), ARMOR))
		return false;
	for (; *s; s++)
		if ((*s < ' ' || *s > '~') && *s != '\n')
			return false;
	return true;
}

static void
get_certificate(const json_t *value, struct keyfile *k, const char **why)
{
	const char *s = json_string_value(value);

	if (*why || json_is_null(value))
		return;
	if (!s || !certificate_ok(s))
		*why = "\"certificate\" is neither null nor armour";
	else if (!(k->certificate = strdup(s)))
		*why = "out of memory";
}

static void
check_version(const json_t *value, const char **why)
{
	if (!json_is_integer(value))
		*why = "\"version\" is no number";
	else if (json_integer_value(value) != 1)
		*why = "\"version\" is not 1: another touchstone made it";
}

/* Every member once and none besides; jansson's words (*e) tell which. */
static const char *
get_members(json_t *root, const char *file, struct keyfile *k,
    json_error_t *e)
{
	json_t *version, *name, *id, *created, *expires, *user_ids, *spki;
	json_t *certificate;
	const char *why = NULL;

	if (!json_is_object(root))
		return "not an object";
	check_version(json_object_get(root, "version"), &why);
	if (why)
		return why;
	if (json_unpack_ex(root, e, JSON_STRICT,
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version", &version,
	    "name", &name, "id", &id, "created", &created,
	    "expires", &expires, "user_ids", &user_ids, "spki", &spki,
	    "certificate", &certificate))
		return e->text;
	get_name(name, file, k, &why);
	get_id(id, k, &why);
	get_time(created, &k->created,
	    "\"created\" is no time in seconds since 1970", &why);
	get_time(expires, &k->expires,
	    "\"expires\" is no time in seconds since 1970", &why);
	get_user_ids(user_ids, k, &why);
	get_spki(spki, k, &why);
	get_certificate(certificate, k, &why);
	return why;
}

gpg_error_t
keyfile_parse(const char *file, struct view v, struct keyfile **out,
    char **problem)
{
	struct keyfile *k = NULL;
	const char *why = NULL;
	json_t *root = NULL;
	json_error_t e;
	char line[64 + JSON_ERROR_TEXT_LENGTH];

	*out = NULL;
	*problem = NULL;
	if (!(k = calloc(1, sizeof(*k))))
		return gpg_error(GPG_ERR_ENOMEM);
	buf_init(&k->spki, KEYFILE_SPKI_MAX);
	if (v.len > KEYFILE_MAX)
		why = "larger than 64 KiB";
	else if (v.len == 0)
		why = "empty";
	else if ((root = json_loadb((const char *)v.p, v.len,
	    JSON_REJECT_DUPLICATES, &e)))
		why = get_members(root, file, k, &e);
	else {
		snprintf(line, sizeof(line), "line %d: %s", e.line, e.text);
		why = line;
	}
	json_decref(root);
	if (!why) {
		*out = k;
		return 0;
	}
	keyfile_free(&k);
	*problem = problem_of(file, why);
	return gpg_error(v.len > KEYFILE_MAX ? GPG_ERR_TOO_LARGE :
	    GPG_ERR_BAD_DATA);
}

gpg_error_t
keyfile_load(const char *path, struct keyfile **out, char **problem)
{
	gpg_error_t err;
	struct buf b;

	*out = NULL;
	*problem = NULL;
	buf_init(&b, KEYFILE_MAX);
	if ((err = paths_read(path, KEYFILE_MAX, &b)))
		*problem = problem_of(path,
		    gpg_err_code(err) == GPG_ERR_TOO_LARGE ?
		    "larger than 64 KiB" : gpg_strerror(err));
	else
		err = keyfile_parse(path, buf_view(&b), out, problem);
	buf_free(&b);
	return err;
}

void
keyfile_free(struct keyfile **kp)
{
	struct keyfile *k = *kp;

	*kp = NULL;
	if (!k)
		return;
	for (size_t i = 0; i < k->user_id_count; i++)
		free(k->user_ids[i]);
	free(k->user_ids);
	free(k->name);
	free(k->certificate);
	buf_free(&k->spki);
	free(k);
}

/* Whether keyfile_parse() would take it back. */
static gpg_error_t
check(const struct keyfile *k)
{
	if (!k->name || !keyfile_name_ok(view_str(k->name)))
		return gpg_error(GPG_ERR_INV_NAME);
	if (k->user_id_count > KEYFILE_USER_IDS)
		return gpg_error(GPG_ERR_INV_VALUE);
	for (size_t i = 0; i < k->user_id_count; i++)
		if (!user_id_ok(k->user_ids[i]))
			return gpg_error(GPG_ERR_INV_VALUE);
	if (buf_len(&k->spki) == 0 || buf_len(&k->spki) > KEYFILE_SPKI_MAX ||
	    (k->certificate && !certificate_ok(k->certificate)))
		return gpg_error(GPG_ERR_INV_VALUE);
	return 0;
}

/* A new reference to an array; NULL when out of memory. */
static json_t *
user_ids_as_json(const struct keyfile *k)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < k->user_id_count; i++)
		if (json_array_append_new(list, json_string(k->user_ids[i]))) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static json_t *
as_json(const struct keyfile *k)
{
	struct buf id, spki;
	json_t *root = NULL;

	buf_init(&id, 2 * sizeof(k->id));
	buf_init(&spki, 2 * KEYFILE_SPKI_MAX);
	if (!buf_put_hex(&id, view_of(k->id, sizeof(k->id))) &&
	    !base64_put(&spki, buf_view(&k->spki)))
		root = json_pack("{s:i, s:s, s:s%, s:I, s:I, s:o, s:s%, s:s?}",
		    "version", 1, "name", k->name,
		    "id", (const char *)buf_view(&id).p, buf_len(&id),
		    "created", (json_int_t)k->created,
		    "expires", (json_int_t)k->expires,
		    "user_ids", user_ids_as_json(k),
		    "spki", (const char *)buf_view(&spki).p, buf_len(&spki),
		    "certificate", k->certificate);
	buf_free(&id);
	buf_free(&spki);
	return root;
}

gpg_error_t
keyfile_save(const char *dir, const struct keyfile *k)
{
	char *path = NULL, *text = NULL;
	json_t *root = NULL;
	gpg_error_t err;

	if ((err = check(k)) || (err = paths_make(dir, true)))
		return err;
	err = gpg_error(GPG_ERR_ENOMEM);
	if (asprintf(&path, "%s/%s" SUFFIX, dir, k->name) < 0) {
		path = NULL;
		goto out;
	}
	if (!(root = as_json(k)) || !(text = json_dumps(root, JSON_INDENT(2))))
		goto out;
	if (strlen(text) > KEYFILE_MAX)
		err = gpg_error(GPG_ERR_TOO_LARGE);
	else
		err = paths_write(path, view_str(text));
 out:
	json_decref(root);
	free(text);
	free(path);
	return err;
}

static int
is_record(const struct dirent *e)
{
	size_t len = strlen(e->d_name), tail = strlen(SUFFIX);

	return e->d_name[0] != '.' && len > tail &&
	    !strcmp(e->d_name + len - tail, SUFFIX);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Whether a former record is for the same key. */
static const struct keyfile *
same_key(struct keyfile *const *list, size_t count, const struct keyfile *k)
{
	for (size_t i = 0; i < count; i++)
		if (!memcmp(list[i]->id, k->id, sizeof(k->id)))
			return list[i];
	return NULL;
}

/* Reads one record into list[*count], or says why not; false: no memory. */
static bool
load_one(const char *dir, const char *file, struct keyfile **list,
    size_t *count, char **problem)
{
	const struct keyfile *same;
	struct keyfile *k = NULL;
	char why[128], *path;

	*problem = NULL;
	if (asprintf(&path, "%s/%s", dir, file) < 0)
		return false;
	if (*count >= KEYFILE_COUNT)
		*problem = problem_of(path, "more than 256 keys");
	else if (!keyfile_load(path, &k, problem)) {
		if ((same = same_key(list, *count, k))) {
			snprintf(why, sizeof(why), "the same key as %s",
			    same->name);
			*problem = problem_of(path, why);
		} else {
			list[(*count)++] = k;
			k = NULL;
		}
	}
	keyfile_free(&k);
	free(path);
	return true;
}

gpg_error_t
keyfile_load_all(const char *dir, struct keyfile ***out, size_t *count,
    keyfile_problem *complain, void *arg)
{
	struct dirent **entries = NULL;
	struct keyfile **list;
	gpg_error_t err = 0;
	char *problem;
	int n;

	*out = NULL;
	*count = 0;
	if ((n = scandir(dir, &entries, is_record, by_name)) < 0)
		return errno == ENOENT ? 0 : gpg_error_from_errno(errno);
	if (!(list = calloc(KEYFILE_COUNT, sizeof(struct keyfile *))))
		err = gpg_error(GPG_ERR_ENOMEM);
	for (int i = 0; i < n; i++) {
		if (!err && !load_one(dir, entries[i]->d_name, list, count,
		    &problem))
			err = gpg_error(GPG_ERR_ENOMEM);
		if (!err && problem && complain)
			complain(arg, problem);
		if (!err)
			free(problem);
		free(entries[i]);
	}
	free(entries);
	if (err)
		keyfile_free_all(&list, *count);
	*out = list;
	return err;
}

void
keyfile_free_all(struct keyfile ***list, size_t count)
{
	for (size_t i = 0; *list && i < count; i++)
		keyfile_free(&(*list)[i]);
	free(*list);
	*list = NULL;
}
