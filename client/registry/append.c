/* Reads, modifies and writes what is at a tag, until the entry is in it. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "client/registry/append.h"

#define TRIES 12
#define SETTLE_MS 1000		/* the longest wait for another's write */

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Some time, so that two that collided do not do so again. */
static void
back_off(unsigned tried)
{
	uint16_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint16_t)now_ms();
	http_sleep_ms(20 + chance % (100U << (tried > 4 ? 4 : tried)));
}

/* The same signature over the same bytes differs in nothing of these. */
static bool
is_same(json_t *a, json_t *b)
{
	json_t *notes = json_object_get(a, "annotations");
	json_t *others = json_object_get(b, "annotations");

	return json_equal(json_object_get(a, "digest"),
	    json_object_get(b, "digest")) && (notes == others ||
	    json_equal(notes, others));
}

static bool
has_entry(json_t *manifest, const char *name, json_t *entry)
{
	json_t *one, *list = json_object_get(manifest, name);
	size_t i;

	json_array_foreach(list, i, one)
		if (is_same(one, entry))
			return true;
	return false;
}

static gpg_error_t
make_next(struct store *s, const struct manifest *now, const char *name,
    json_t *entry, json_t *fresh, append_finish *finish,
    struct manifest *next)
{
	json_t *j = json_deep_copy(now->json ? now->json : fresh), *list;
	gpg_error_t err;

	list = json_object_get(j, name);
	if (!json_is_array(list)) {
		json_decref(j);
		return problem_set(&s->why, GPG_ERR_BAD_DATA, "what is at the "
		    "tag for signatures has no \"%s\"; have it removed", name);
	}
	if (json_array_size(list) >= DESCRIPTORS_MAX) {
		json_decref(j);
		return problem_set(&s->why, GPG_ERR_TOO_MANY, "the image has "
		    "%d signatures already; have those that are not needed "
		    "removed", DESCRIPTORS_MAX);
	}
	if (json_array_append(list, entry)) {
		json_decref(j);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	if (finish && (err = finish(s, j))) {
		json_decref(j);
		return err;
	}
	return manifest_make(next, j, &s->why);
}

/* An entity tag that a condition can be made of. */
static const char *
condition(const struct manifest *now)
{
	if (!now->json)
		return "*";
	return now->etag[0] == '"' ? now->etag : NULL;
}

struct job {
	struct store *store;
	const char *tag, *list;
	json_t *entry, *fresh;
	append_finish *finish;
};

/* What is there; nothing is no error.  Its list may have the entry. */
static gpg_error_t
look(struct job *b, struct manifest *now, bool *done)
{
	gpg_error_t err = store_get(b->store, b->tag, now);

	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND) {
		manifest_free(now);
		err = 0;
	}
	*done = !err && has_entry(now->json, b->list, b->entry);
	return err;
}

/*
 * Once.  Somebody who read before we wrote may write after it: who waits as
 * long as reading and writing takes, and looks again, sees that.
 */
static gpg_error_t
append_once(struct job *b, bool *done)
{
	struct manifest now, next;
	int64_t start = now_ms(), took;
	gpg_error_t err;

	manifest_init(&now);
	manifest_init(&next);
	if ((err = look(b, &now, done)) || *done)
		goto out;
	if ((err = make_next(b->store, &now, b->list, b->entry, b->fresh,
	    b->finish, &next)) || (err = store_put(b->store, b->tag, &next,
	    condition(&now), NULL)))
		goto out;
	took = now_ms() - start;
	http_sleep_ms(2 * took < SETTLE_MS ? 2 * took : SETTLE_MS);
	err = look(b, &now, done);
out:
	manifest_free(&now);
	manifest_free(&next);
	return err;
}

gpg_error_t
append_entry(struct store *s, const char *tag, const char *list,
    json_t *entry, json_t *fresh, append_finish *finish)
{
	struct job b = { s, tag, list, entry, fresh, finish };
	gpg_error_t err = 0;
	bool done = false;

	for (unsigned i = 0; i < TRIES; i++) {
		err = append_once(&b, &done);
		if (done || (err && gpg_err_code(err) != GPG_ERR_CONFLICT))
			return err;
		back_off(i);
	}
	return problem_set(&s->why, GPG_ERR_CONFLICT, "%s: others write there "
	    "all the time; try again later", tag);
}
