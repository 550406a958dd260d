/*
 * Roles of Docker Content Trust as objects that are signed: by what a new one
 * changes of the one before it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "object/json.h"
#include "object/read.h"
#include "object/tuf.h"
#include "wire/text.h"

#define REPOSITORY_SHOWN 96
#define ROLE_SHOWN 48
#define TAG_SHOWN 64
#define ID_SHOWN 16		/* hex digits of a key's id */
#define IDS_SHOWN 4
#define PIECE 320
#define MORE " and 1000000 more changes"

static gpg_error_t
check_type(const struct object *o, const struct tuf_role *r, const char **why)
{
	if (r->type == TUF_SNAPSHOT || r->type == TUF_TIMESTAMP) {
		*why = "snapshots and timestamps are for the trust server to "
		    "sign";
		return gpg_error(GPG_ERR_FORBIDDEN);
	}
	if ((r->type == TUF_ROOT) != (o->kind == OBJECT_TRUST_ROOT))
		return object_bad(why, "the role of trust data reads as one of "
		    "another type, too");
	return 0;
}

gpg_error_t
trust_read_role(struct object *o, struct tuf_role *r, const char **why)
{
	gpg_error_t err;

	if (image_claimed_else(o->bytes) != OBJECT_BLOB)
		return object_bad(why, "the role of trust data reads as "
		    "something else, too");
	if ((err = tuf_role_read(r, o->bytes, why)))
		return err;
	if ((err = check_type(o, r, why))) {
		tuf_role_free(r);
		return err;
	}
	name_add(o, r->type == TUF_ROOT ? "trust data's root, version " :
	    "trust data's targets, version ");
	name_add_number(o, r->version);
	return 0;
}

gpg_error_t
trust_read(struct object *o, const char **why)
{
	struct tuf_role r;
	gpg_error_t err = trust_read_role(o, &r, why);

	if (!err)
		tuf_role_free(&r);
	return err;
}

/* ---- what has changed ---- */

struct changes {
	struct object *o;
	const struct tuf_role *before, *now;	/* before: may be nothing */
	size_t room;		/* of the summary, for what follows them */
	size_t shown, hidden;
	size_t kept;		/* targets that are as they were */
};

/* Says one, as long as there is room for all that is to follow. */
static void
say(struct changes *c, const char *text)
{
	size_t used = strlen(c->o->summary);

	if (c->hidden > 0 || (c->shown > 0 && used + strlen(text) +
	    strlen(", ") + strlen(MORE) + c->room >= OBJECT_SUMMARY)) {
		c->hidden++;
		return;
	}
	if (c->shown++ > 0)
		name_add(c->o, ", ");
	name_add(c->o, text);
}

/* A name as the summary has it: it begins anew for that. */
static void
put_word(char *dst, size_t size, const char *text, size_t max)
{
	struct object o = { .kind = OBJECT_BLOB };

	name_add_word(&o, view_str(text), max);
	text_clean(dst, size, view_str(o.summary));
}

static void
say_target(struct changes *c, const struct tuf_file *f, bool changed)
{
	char name[TAG_SHOWN + 8], text[PIECE], hex[65];

	for (size_t i = 0; i < sizeof(f->sha256); i++)
		snprintf(hex + 2 * i, 3, "%02x", f->sha256[i]);
	put_word(name, sizeof(name), f->name, TAG_SHOWN);
	snprintf(text, sizeof(text), "%stag %s = sha256:%s",
	    changed ? "changed " : "", name, hex);
	say(c, text);
	/* The only one is what the record is found by. */
	snprintf(c->o->image.digest, OBJECT_DIGEST, "%s%s",
	    c->shown + c->hidden == 1 ? "sha256:" : "",
	    c->shown + c->hidden == 1 ? hex : "");
}

static void
say_gone(struct changes *c, const char *what, const char *name)
{
	char word[TAG_SHOWN + 8], text[PIECE];

	put_word(word, sizeof(word), name, TAG_SHOWN);
	snprintf(text, sizeof(text), "without %s %s", what, word);
	say(c, text);
}

static bool
is_same(const json_t *a, const json_t *b)
{
	/* jansson compares what it has as its own. */
	return json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b);
}

/* There may be many of them: what is the same is not looked into. */
static void
compare_targets(struct changes *c)
{
	json_t *now = json_object_get(c->now->json, "targets"),
	    *was = json_object_get(c->before->json, "targets"), *file;
	struct tuf_file f;
	const char *name;

	json_object_foreach(now, name, file) {
		const json_t *old = json_object_get(was, name);

		if (old && is_same(file, old))
			c->kept++;
		else if (tuf_files_find(c->now, name, &f))
			say_target(c, &f, old);
	}
	json_object_foreach(was, name, file)
		if (!json_object_get(now, name))
			say_gone(c, "tag", name);
}

/* "2 of 354e203ba09dbe17, f4eaf871a74aa3b3"; "354e203ba09dbe17" */
static void
put_keys(char *dst, size_t size, const struct tuf_signer *s)
{
	size_t used = 0;

	dst[0] = 0;
	if (s->threshold > 1 || s->key_count > 1)
		used = (size_t)snprintf(dst, size, "%u of ", s->threshold);
	for (size_t i = 0; i < s->key_count && i < IDS_SHOWN; i++)
		used += (size_t)snprintf(dst + used, size - used, "%s%.*s",
		    i > 0 ? " " : "", ID_SHOWN, tuf_signer_id(s, i));
	if (s->key_count > IDS_SHOWN)
		snprintf(dst + used, size - used, " and %zu more",
		    s->key_count - IDS_SHOWN);
	else if (s->key_count == 0)
		snprintf(dst + used, size - used, "nobody");
}

static bool
covers_all(const struct tuf_signer *s)
{
	return tuf_signer_covers(s, "");
}

/* Who signs a role, from now on. */
static void
say_signer(struct changes *c, const struct tuf_signer *s, bool changed)
{
	char name[ROLE_SHOWN + 8], keys[160], text[PIECE];

	put_word(name, sizeof(name), s->name, ROLE_SHOWN);
	put_keys(keys, sizeof(keys), s);
	snprintf(text, sizeof(text), "%s%s by %s%s", changed ? "changed " : "",
	    name, keys, c->now->type == TUF_ROOT || covers_all(s) ? "" :
	    s->path_count > 0 ? " for some tags" : " for no tags");
	say(c, text);
}

static bool
same_list(const json_t *a, const json_t *b)
{
	return (json_array_size(a) == 0 && json_array_size(b) == 0) ||
	    is_same(a, b);
}

static void
compare_signers(struct changes *c)
{
	struct tuf_iter i = tuf_signers(c->now);
	struct tuf_signer s, was;

	while (tuf_signers_next(&i, &s)) {
		bool known = tuf_signers_find(c->before, s.name, &was);

		if (!known || s.threshold != was.threshold ||
		    !same_list(s.keyids, was.keyids) ||
		    !same_list(s.paths, was.paths))
			say_signer(c, &s, known);
	}
	i = tuf_signers(c->before);
	while (tuf_signers_next(&i, &was))
		if (!tuf_signers_find(c->now, was.name, &s))
			say_gone(c, "role", was.name);
}

/*
 * Whether all else is the same: what no reader of today asks for, and, if
 * nothing was said of the signers, their order.
 */
static bool
rest_is_same(const struct tuf_role *a, const struct tuf_role *b,
    bool signers_told)
{
	static const char *const told[] = { "version", "expires", "targets",
		"delegations", "roles", "keys" };
	size_t count = signers_told ? 6 : 3;
	json_t *x = json_copy(a->json), *y = json_copy(b->json);
	bool same;

	for (size_t i = 0; i < count; i++) {
		json_object_del(x, told[i]);
		json_object_del(y, told[i]);
	}
	same = x && y && is_same(x, y);
	json_decref(x);
	json_decref(y);
	return same;
}

/* Who may sign from now on comes first: no number of tags hides it. */
static void
say_changes(struct changes *c)
{
	compare_signers(c);
	if (c->before->json && !rest_is_same(c->before, c->now, c->shown > 0))
		say(c, "other members changed");
	if (c->now->type == TUF_TARGETS)
		compare_targets(c);
	if (c->shown == 0)
		say(c, c->before->json ? "nothing new" : "no tags");
	if (c->hidden > 0) {
		char more[sizeof(MORE) + 16];

		snprintf(more, sizeof(more), " and %zu more change%s",
		    c->hidden, c->hidden == 1 ? "" : "s");
		name_add(c->o, more);
	}
}

/* "2029-11-22" */
static void
put_day(char *dst, size_t size, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(dst, size, "%Y-%m-%d", &tm) == 0)
		snprintf(dst, size, "?");
}

static void
put_name(struct object *o, const struct tuf_role *before,
    const struct tuf_role *now, const char *repository, const char *name)
{
	struct changes c = { .o = o, .before = before, .now = now };
	char where[REPOSITORY_SHOWN + 8], who[ROLE_SHOWN + 8], day[16],
	    tail[PIECE], kept[64];

	put_word(where, sizeof(where), repository, REPOSITORY_SHOWN);
	put_word(who, sizeof(who), name, ROLE_SHOWN);
	put_day(day, sizeof(day), now->expires);
	snprintf(tail, sizeof(tail), " in %s by %s, %sversion %u, until %s",
	    where, who, before->json ? "" : "new, ", now->version, day);
	c.room = strlen(tail) + (before->json ? sizeof(kept) : 0);
	o->summary[0] = 0;
	o->image.digest[0] = 0;
	say_changes(&c);
	name_add(o, tail);
	/* Nobody here knows what the server has. */
	if (c.kept > 0) {
		snprintf(kept, sizeof(kept), ", beside %zu tag%s said to be "
		    "there already", c.kept, c.kept == 1 ? "" : "s");
		name_add(o, kept);
	}
}

/* ---- what belongs together ---- */

bool
object_repository_valid(struct view v)
{
	const uint8_t *slash = v.len > 0 ? memrchr(v.p, '/', v.len) : NULL;

	if (!object_reference_valid(v) || memchr(v.p, '@', v.len))
		return false;
	return slash && slash > v.p && slash + 1 < v.p + v.len &&
	    !memchr(slash, ':', (size_t)(v.p + v.len - slash));
}

static gpg_error_t
check_step(const struct tuf_role *before, const struct tuf_role *now,
    const char *role, const char **why)
{
	if (!tuf_role_fits(now, role))
		return object_bad(why, "the role of trust data is not the one "
		    "that it is said to be, or delegates to others than those "
		    "below it");
	if (!before->json)
		return 0;
	if (before->type != now->type || !tuf_role_fits(before, role))
		return object_bad(why, "the role of trust data and the one "
		    "before it are not the same");
	if (now->version != before->version + 1)
		return object_bad(why, "the role of trust data is not the "
		    "version that follows the one before it");
	return 0;
}

gpg_error_t
object_name_trust(struct object *o, const struct tuf_role *before,
    const struct tuf_role *now, const char *repository, const char *name,
    const char **why)
{
	gpg_error_t err;

	*why = NULL;
	o->summary[0] = 0;
	if (!object_repository_valid(view_str(repository)))
		return object_bad(why, "the repository is not HOST/NAME");
	if ((err = check_step(before, now, name, why)))
		return err;
	put_name(o, before, now, repository, name);
	return 0;
}
