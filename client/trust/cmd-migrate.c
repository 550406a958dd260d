/*
 * touchstone trust migrate: what trust data says of tags is said again in the
 * formats of cosign, notation and simple signing, by a key of ours.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/image/signwork.h"
#include "client/trust/rows.h"
#include "client/trust/show.h"
#include "wire/text.h"

#define NOTE "touchstone."
#define NOTE_MAX 1024		/* of a value */
#define NAME_SIZE (GUN_SIZE + TUF_TARGET_MAX + 2)

struct migration {
	struct call *call;
	struct session session;
	struct signwork signing;
	json_t *tags;		/* for --json */
	size_t count;		/* of the repository's, or 1 */
	size_t at;		/* of them, from 1 */
	size_t tried, already, moved, failed;
	gpg_error_t err;	/* of those that failed, if it is one */
};

/* ---- what is told ---- */

static void
fail(struct migration *m, const char *name, gpg_error_t err)
{
	bool same = !m->err || gpg_err_code(m->err) == gpg_err_code(err);

	m->err = same ? err : gpg_error(GPG_ERR_GENERAL);
	m->failed++;
	say("%s: %s", name, m->call->why);
}

static void
tell_tag(struct migration *m, const char *name, const struct answer *a)
{
	const struct http_options *o = &m->session.http;
	char what[400];

	if (!m->call->json) {
		printf("%s (%zu of %zu) is %s by %s\n", name, m->at, m->count,
		    a->digest, a->role->name);
		fflush(stdout);
	} else if (o->progress) {
		snprintf(what, sizeof(what), "%zu of %zu, %.128s", m->at,
		    m->count, a->tag);
		o->progress(o->arg, what, 0, 0);
	}
}

static json_t *
problem_json(const struct call *c)
{
	char clean[sizeof(c->why)];

	return json_text(text_clean(clean, sizeof(clean), view_str(c->why)));
}

static void
add_row(struct migration *m, const char *name, const struct answer *a,
    const char *now, gpg_error_t err, size_t before)
{
	struct trust *t = &m->session.trust;
	json_t *row = show_answer(t, a), *made = json_array();

	for (size_t i = before; i < json_array_size(m->signing.done); i++)
		json_array_append(made, json_array_get(m->signing.done, i));
	json_object_set_new(row, "reference", json_string(name));
	json_object_set_new(row, "root", show_keys(&t->root));
	json_object_set_new(row, "registry_digest", json_text(now));
	json_object_set_new(row, "signatures", made);
	json_object_set_new(row, "problem", err ? problem_json(m->call) :
	    json_null());
	json_array_append_new(m->tags, row);
}

/* ---- where it came from ---- */

static gpg_error_t
add_note(struct migration *m, const char *name, const char *value)
{
	char text[NOTE_MAX + 64];

	snprintf(text, sizeof(text), NOTE "%s=%s", name, value);
	return request_add_note(&m->signing.request, text);
}

/* Their ids, as many as a note holds. */
static gpg_error_t
add_keys(struct migration *m, const char *name, const struct trust_role *r)
{
	const struct tufsig_verdict *v = &r->signed_by;
	char text[NOTE_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < v->count &&
	    used + TUF_ID_LEN + 2 < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s%s", i ? " " : "", v->ids[i]);
	return add_note(m, name, text);
}

static gpg_error_t
add_notes(struct migration *m, const struct answer *a)
{
	char version[16];
	gpg_error_t err;

	request_drop_notes(&m->signing.request);
	snprintf(version, sizeof(version), "%u", a->role->env.role.version);
	if ((err = add_note(m, "migrated-from", "docker-content-trust")) ||
	    (err = add_note(m, "trust-role", a->role->name)) ||
	    (err = add_note(m, "trust-version", version)) ||
	    (err = add_keys(m, "trust-keys", a->role)))
		return err;
	return add_keys(m, "trust-root", &m->session.trust.root);
}

/* ---- one tag ---- */

/* What it is at the registry; "": it is not there. */
static gpg_error_t
look_at_tag(struct image *i, const char *tag, char now[DIGEST_SIZE])
{
	struct manifest m;
	gpg_error_t err;

	manifest_init(&m);
	err = store_get(i->store, tag, &m);
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
		err = 0;
	else if (!image_fail(i, err))
		memcpy(now, m.digest, DIGEST_SIZE);
	manifest_free(&m);
	return err;
}

/* The digest is trust data's, whatever the tag is by now. */
static gpg_error_t
sign_tag(struct migration *m, const char *name, const struct answer *a,
    char now[DIGEST_SIZE])
{
	char place[NAME_SIZE + DIGEST_SIZE + 1];
	struct image image;
	gpg_error_t err;

	snprintf(place, sizeof(place), "%s@%s", name, a->digest);
	if (!(err = image_open(&image, m->call, place)) &&
	    !(err = session_compare(&m->session, a, image.d.digest,
	    image.d.size)) &&
	    !(err = look_at_tag(&image, a->tag, now)) &&
	    !(err = add_notes(m, a)))
		err = signwork_add(&m->signing, &image);
	image_close(&image);
	return err;
}

static gpg_error_t
tell_moved(struct migration *m, const struct answer *a, const char *now)
{
	m->moved++;
	call_problem(m->call, GPG_ERR_CONFLICT, "the registry has %s%s for "
	    "this tag, and trust data says %s, which is what counts here",
	    now[0] ? "" : "nothing", now, a->digest);
	return call_option(m->call, "strict") ? gpg_error(GPG_ERR_CONFLICT) :
	    0;
}

static gpg_error_t
migrate_tag(void *arg, const struct answer *a)
{
	struct migration *m = arg;
	struct call *c = m->call;
	size_t before = json_array_size(m->signing.done);
	char name[NAME_SIZE], now[DIGEST_SIZE] = "";
	gpg_error_t err;

	m->at++;
	m->tried++;
	m->signing.stop = false;
	snprintf(name, sizeof(name), "%s:%s", m->session.gun.name, a->tag);
	tell_tag(m, name, a);
	if (!reference_tag_ok(view_str(a->tag)))
		err = call_problem(c, GPG_ERR_INV_NAME, "that is no tag that "
		    "a registry could have");
	else
		err = sign_tag(m, name, a, now);
	if (!err && json_array_size(m->signing.done) == before) {
		m->already++;
		if (!c->json)
			printf("%s: is signed already\n", a->digest);
	}
	if (!err && strcmp(now, a->digest) &&
	    !(err = tell_moved(m, a, now)))
		say("%s: %s", name, c->why);
	add_row(m, name, a, now, err, before);
	if (err)
		fail(m, name, err);
	return m->signing.stop ? err : 0;
}

/* ---- repositories ---- */

static gpg_error_t
count_tag(void *arg, const struct answer *a)
{
	struct migration *m = arg;

	(void)a;
	m->count++;
	return 0;
}

static gpg_error_t
migrate_all(struct migration *m)
{
	struct trust *t = &m->session.trust;
	gpg_error_t err = trust_each(t, count_tag, m);

	if (err)
		return session_fail(&m->session, err);
	if (m->count == 0)
		return call_problem(m->call, GPG_ERR_NO_DATA, "the trust data "
		    "has no tags");
	trust_each(t, migrate_tag, m);
	return 0;
}

static gpg_error_t
migrate_one(struct migration *m)
{
	struct answer a;
	gpg_error_t err = session_answer(&m->session, &a);

	m->count = 1;
	if (!err)
		migrate_tag(m, &a);
	return err;
}

/* False: the next would fail as well. */
static bool
migrate(struct migration *m, const char *ref)
{
	struct call *c = m->call;
	gpg_error_t err;

	m->count = m->at = 0;
	if (!(err = session_begin(&m->session, c, ref,
	    call_option(c, "root"))) &&
	    !(err = session_update(&m->session)))
		err = m->session.gun.whole ? migrate_all(m) : migrate_one(m);
	if (err) {
		m->tried++;
		fail(m, ref, err);
		json_array_append_new(m->tags, json_pack("{s:s,s:o}",
		    "reference", ref, "problem", problem_json(c)));
	}
	if (m->signing.stop)
		say("no other tag is tried: run this again, and it goes on "
		    "where it ended");
	session_end(&m->session);
	return !m->signing.stop;
}

static int
report(struct migration *m)
{
	struct call *c = m->call;
	size_t made = json_array_size(m->signing.done);
	int status;

	if (c->json) {
		status = call_print(c, json_pack("{s:b,s:I,s:I,s:O}",
		    "dry_run", m->signing.dry, "failed",
		    (json_int_t)m->failed, "moved", (json_int_t)m->moved,
		    "tags", m->tags));
	} else {
		printf("%zu %s: %zu signatures%s, %zu had been signed, "
		    "%zu moved, %zu failed\n", m->tried, m->tried == 1 ?
		    "tag" : "tags", made, m->signing.dry ?
		    " would be made" : "", m->already, m->moved, m->failed);
		status = call_done(c);
	}
	if (!m->err || status != STATUS_OK)
		return status;
	/* The JSON has it already. */
	c->json = false;
	call_problem(c, m->err, "%zu of %zu could not be migrated",
	    m->failed, m->tried);
	return call_fail(c, m->err);
}

int
trust_migrate(struct call *c)
{
	struct migration m = { .call = c, .tags = json_array() };
	gpg_error_t err;
	int status;

	if ((err = signwork_begin(&m.signing, c))) {
		status = call_fail(c, err);
	} else {
		m.signing.missing = true;
		m.signing.dry = call_option(c, "dry-run");
		for (int i = 0; i < c->arg_count; i++)
			if (!migrate(&m, call_arg(c, i)))
				break;
		status = report(&m);
	}
	json_decref(m.tags);
	signwork_end(&m.signing);
	return status;
}
