/* Reads, modifies and writes what is at a tag, until the entry is in it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "client/registry/append.h"

#define TRIES 12
#define SETTLE_MS 1000		/* the wait for others that are seen to write */

/* Some time, so that two that collided do not do so again. */
static void
back_off(unsigned tried)
{
	uint16_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint16_t)http_now_ms();
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

/* What has been written, until it is known to have stayed. */
struct append {
	struct append *next;
	char tag[80];
	const char *list;
	json_t *entry, *fresh;
	append_finish *finish;
	char wrote[DIGEST_SIZE];	/* what is at the tag since */
	int64_t due;		/* when to look again */
};

static void
job_free(struct append *b)
{
	json_decref(b->entry);
	json_decref(b->fresh);
	free(b);
}

/* What is there; nothing is no error.  Its list may have the entry. */
static gpg_error_t
look(struct store *s, struct append *b, struct manifest *now, bool *done)
{
	gpg_error_t err;

	manifest_free(now);
	err = store_get(s, b->tag, now);
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND) {
		manifest_free(now);
		err = 0;
	}
	*done = !err && has_entry(now->json, b->list, b->entry);
	return err;
}

/* Whether it is still what the next one was made from. */
static bool
has_moved(const struct manifest *from, const struct manifest *now)
{
	return !from->json != !now->json ||
	    (now->json && strcmp(from->digest, now->digest));
}

/*
 * Who read before we wrote may write after it, so it is looked at again once
 * that must be over: three times what the slowest write took here, and longer
 * where others are seen to write.
 */
static void
set_due(struct store *s, struct append *b)
{
	int64_t wait = 3 * s->slowest_ms;

	if (s->busy || wait > SETTLE_MS)
		wait = SETTLE_MS;
	b->due = http_now_ms() + wait;
}

/*
 * Once.  What the next one needs is written before, and then it is looked at
 * again, so that others have as little time as can be to write between.
 */
static gpg_error_t
write_once(struct store *s, struct append *b, bool *done)
{
	struct manifest from, now, next;
	gpg_error_t err;

	manifest_init(&from);
	manifest_init(&now);
	manifest_init(&next);
	if ((err = look(s, b, &from, done)) || *done ||
	    (err = make_next(s, &from, b->list, b->entry, b->fresh, b->finish,
	    &next)) || (err = look(s, b, &now, done)) || *done)
		goto out;
	if (has_moved(&from, &now))
		err = gpg_error(GPG_ERR_CONFLICT);
	else
		err = store_put(s, b->tag, &next, condition(&now), NULL);
	if (gpg_err_code(err) == GPG_ERR_CONFLICT)
		s->busy = true;
	memcpy(b->wrote, next.digest, sizeof(b->wrote));
	set_due(s, b);
out:
	manifest_free(&from);
	manifest_free(&now);
	manifest_free(&next);
	return err;
}

static gpg_error_t
others_write(struct store *s, const struct append *b)
{
	return problem_set(&s->why, GPG_ERR_CONFLICT, "%s: others write there "
	    "all the time; try again later", b->tag);
}

/* Until it is written, or there already, which *done says. */
static gpg_error_t
write_it(struct store *s, struct append *b, bool *done)
{
	gpg_error_t err;

	for (unsigned i = 0; i < TRIES; i++) {
		err = write_once(s, b, done);
		if (gpg_err_code(err) != GPG_ERR_CONFLICT)
			return err;
		back_off(i);
	}
	return others_write(s, b);
}

gpg_error_t
append_entry(struct store *s, const char *tag, const char *list,
    json_t *entry, json_t *fresh, append_finish *finish)
{
	struct append *b = calloc(1, sizeof(*b));
	bool done = false;
	gpg_error_t err;

	if (!b)
		return gpg_error_from_syserror();
	snprintf(b->tag, sizeof(b->tag), "%s", tag);
	b->list = list;
	b->entry = json_incref(entry);
	b->fresh = json_incref(fresh);
	b->finish = finish;
	if ((err = write_it(s, b, &done)) || done) {
		job_free(b);
		return err;
	}
	/* What we wrote there before is in it, and nobody else's. */
	for (struct append *old = s->pending; old; old = old->next)
		if (!strcmp(old->tag, b->tag))
			memcpy(old->wrote, b->wrote, sizeof(old->wrote));
	b->next = s->pending;
	s->pending = b;
	return 0;
}

static gpg_error_t
look_when_due(struct store *s, struct append *b, bool *done, bool *quiet)
{
	int64_t left = b->due - http_now_ms();
	struct manifest now;
	gpg_error_t err;

	manifest_init(&now);
	if (left > 0)
		http_sleep_ms(left);
	err = look(s, b, &now, done);
	*quiet = *done && !strcmp(now.digest, b->wrote);
	memcpy(b->wrote, now.digest, sizeof(b->wrote));
	manifest_free(&now);
	return err;
}

/* Until it is there and nobody has written since it was seen. */
static gpg_error_t
settle(struct store *s, struct append *b)
{
	bool done = false, quiet = false;
	gpg_error_t err = 0;

	for (unsigned i = 0; i < TRIES && !err && !quiet; i++) {
		if ((err = look_when_due(s, b, &done, &quiet)) || quiet)
			break;
		s->busy = true;
		set_due(s, b);
		if (done)
			continue;
		back_off(i);
		err = write_it(s, b, &done);
	}
	return err || done ? err : others_write(s, b);
}

gpg_error_t
append_settle(struct store *s)
{
	gpg_error_t err = 0;
	struct append *b;

	while ((b = s->pending) && !err) {
		err = settle(s, b);
		s->pending = b->next;
		job_free(b);
	}
	append_forget(s);
	return err;
}

void
append_forget(struct store *s)
{
	struct append *b;

	while ((b = s->pending)) {
		s->pending = b->next;
		job_free(b);
	}
}
