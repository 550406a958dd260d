/* Keeps what is known of trust data. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "client/trust/state.h"

#define STATE_MAX (32U << 20)	/* bytes */
#define VERSION_MAX 0x7fffffff

/* ---- the file ---- */

/* A digest, since both names have what no file's may. */
static gpg_error_t
name_file(struct state *s, const struct paths *paths, const struct gun *g)
{
	char both[GUN_SIZE + sizeof(g->server)], digest[DIGEST_SIZE];
	gpg_error_t err;
	int n;

	snprintf(both, sizeof(both), "%s\n%s", g->server, g->name);
	if ((err = digest_of(view_str(both), digest)))
		return err;
	n = snprintf(s->file, sizeof(s->file), "%s/trust/%s.json",
	    paths->state, digest + 7);
	return n < 0 || (size_t)n >= sizeof(s->file) ?
	    gpg_error(GPG_ERR_ENAMETOOLONG) : 0;
}

static bool
mark_ok(json_t *mark)
{
	json_t *version = json_object_get(mark, "version");
	json_int_t n = json_integer_value(version);
	const char *hex = json_string_value(json_object_get(mark, "sha256"));

	return json_is_integer(version) && n >= 1 && n <= VERSION_MAX && hex &&
	    strlen(hex) == 64 && json_is_array(json_object_get(mark, "keys"));
}

static bool
json_ok(json_t *j)
{
	json_t *roles = json_object_get(j, "roles"), *mark;
	const char *name;

	if (!json_is_object(roles) ||
	    !json_is_string(json_object_get(j, "root")) ||
	    !json_is_string(json_object_get(j, "pinned")) ||
	    !json_is_integer(json_object_get(j, "since")))
		return false;
	json_object_foreach(roles, name, mark)
		if (!mark_ok(mark))
			return false;
	return true;
}

static gpg_error_t
parse(struct view v, json_t **out)
{
	*out = json_loadb((const char *)v.p, v.len, JSON_REJECT_DUPLICATES,
	    NULL);
	if (*out && json_ok(*out))
		return 0;
	json_decref(*out);
	*out = NULL;
	return gpg_error(GPG_ERR_BAD_DATA);
}

/* *out is NULL where there is no file. */
static gpg_error_t
read_file(const char *file, struct buf *b, json_t **out, struct problem *why)
{
	gpg_error_t err = paths_read(file, STATE_MAX, b);

	*out = NULL;
	if (gpg_err_code(err) == GPG_ERR_ENOENT)
		return 0;
	if (!err)
		err = parse(buf_view(b), out);
	return err ? problem_set(why, err, "what is known of this "
	    "repository's trust data cannot be read: %s: %s; remove the file "
	    "only if you can tell the root key by other means", file,
	    gpg_strerror(err)) : 0;
}

gpg_error_t
state_load(struct state *s, const struct paths *paths, const struct gun *g,
    bool *first, struct problem *why)
{
	gpg_error_t err;

	memset(s, 0, sizeof(*s));
	buf_init(&s->read, STATE_MAX);
	if ((err = name_file(s, paths, g)))
		return problem_set(why, err, "the folder of trust data has "
		    "too long a name");
	if ((err = read_file(s->file, &s->read, &s->json, why)))
		return err;
	*first = !s->json;
	if (*first)
		s->json = json_pack("{s:s,s:s,s:s,s:s,s:i,s:{}}", "server",
		    g->server, "gun", g->name, "root", "", "pinned", "",
		    "since", 0, "roles");
	return s->json ? 0 : problem_set(why, GPG_ERR_ENOMEM,
	    "out of memory");
}

void
state_free(struct state *s)
{
	buf_free(&s->read);
	json_decref(s->json);
	s->json = NULL;
}

/* ---- writing ---- */

static json_int_t
version_of(json_t *state, const char *role)
{
	return json_integer_value(json_object_get(json_object_get(
	    json_object_get(state, "roles"), role), "version"));
}

/* Theirs is taken where it is the newer; the root goes with its mark. */
static int
merge(json_t *ours, json_t *theirs)
{
	json_t *roles = json_object_get(ours, "roles"), *mark;
	const char *name;
	int bad = 0;

	if (version_of(theirs, "root") > version_of(ours, "root"))
		bad |= json_object_set(ours, "root",
		    json_object_get(theirs, "root"));
	json_object_foreach(json_object_get(theirs, "roles"), name, mark)
		if (version_of(theirs, name) > version_of(ours, name))
			bad |= json_object_set(roles, name, mark);
	return bad;
}

static bool
is_other_root(json_t *ours, json_t *theirs)
{
	return version_of(ours, "root") == version_of(theirs, "root") &&
	    !json_equal(json_object_get(ours, "root"),
	    json_object_get(theirs, "root"));
}

static gpg_error_t
merge_file(struct state *s, struct problem *why)
{
	struct buf now;
	json_t *theirs;
	gpg_error_t err;

	buf_init(&now, STATE_MAX);
	err = read_file(s->file, &now, &theirs, why);
	if (!err && theirs && !view_eq(buf_view(&now), buf_view(&s->read))) {
		if (is_other_root(s->json, theirs))
			err = problem_set(why, GPG_ERR_CONFLICT, "another "
			    "process has come to trust another root of this "
			    "repository meanwhile, and one of them is false: "
			    "find out which, and see %s", s->file);
		else if (merge(s->json, theirs))
			err = problem_set(why, GPG_ERR_ENOMEM,
			    "out of memory");
	}
	json_decref(theirs);
	buf_free(&now);
	return err;
}

static gpg_error_t
lock_folder(struct state *s, int *fd)
{
	char dir[PATH_MAX];
	gpg_error_t err;
	int rc;

	snprintf(dir, sizeof(dir), "%.*s",
	    (int)(strrchr(s->file, '/') - s->file), s->file);
	if ((err = paths_make(dir, true)))
		return err;
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return gpg_error_from_syserror();
	do
		rc = flock(*fd, LOCK_EX);
	while (rc && errno == EINTR);
	return rc ? gpg_error_from_syserror() : 0;
}

gpg_error_t
state_save(struct state *s, struct problem *why)
{
	char *text = NULL;
	gpg_error_t err;
	int fd = -1;

	if (!s->dirty)
		return 0;
	if ((err = lock_folder(s, &fd))) {
		problem_set(why, err, "%s cannot be written: %s", s->file,
		    gpg_strerror(err));
		goto out;
	}
	if ((err = merge_file(s, why)))
		goto out;
	if (!(text = json_dumps(s->json, JSON_INDENT(1) | JSON_SORT_KEYS)))
		err = gpg_error(GPG_ERR_ENOMEM);
	else
		err = paths_write(s->file, view_str(text));
	if (err)
		problem_set(why, err, "%s cannot be written: %s", s->file,
		    gpg_strerror(err));
	else
		s->dirty = false;
out:
	free(text);
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- what is in it ---- */

static gpg_error_t
set(struct state *s, json_t *in, const char *name, json_t *value)
{
	s->dirty = true;
	return json_object_set_new(in, name, value) ?
	    gpg_error(GPG_ERR_ENOMEM) : 0;
}

struct view
state_root(const struct state *s)
{
	return view_str(json_string_value(json_object_get(s->json, "root")));
}

gpg_error_t
state_set_root(struct state *s, struct view v)
{
	return set(s, s->json, "root", json_stringn((const char *)v.p,
	    v.len));
}

const char *
state_pinned(const struct state *s, int64_t *since)
{
	*since = json_integer_value(json_object_get(s->json, "since"));
	return json_string_value(json_object_get(s->json, "pinned"));
}

gpg_error_t
state_set_pinned(struct state *s, const char *how, int64_t since)
{
	gpg_error_t err = set(s, s->json, "pinned", json_string(how));

	return err ? err : set(s, s->json, "since", json_integer(since));
}

void
state_mark(const struct state *s, const char *role, struct mark *m)
{
	json_t *j = json_object_get(json_object_get(s->json, "roles"), role);

	memset(m, 0, sizeof(*m));
	if (!j)
		return;
	m->version = (uint32_t)json_integer_value(json_object_get(j,
	    "version"));
	snprintf(m->sha256, sizeof(m->sha256), "%s",
	    json_string_value(json_object_get(j, "sha256")));
	m->keys = json_object_get(j, "keys");
}

gpg_error_t
state_set_mark(struct state *s, const char *role, const struct mark *m)
{
	struct mark old;

	state_mark(s, role, &old);
	if (old.version == m->version && !strcmp(old.sha256, m->sha256) &&
	    json_equal(old.keys, m->keys))
		return 0;
	return set(s, json_object_get(s->json, "roles"), role,
	    json_pack("{s:I,s:s,s:O}", "version", (json_int_t)m->version,
	    "sha256", m->sha256, "keys", m->keys));
}
