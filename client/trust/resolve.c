/* Finds tags in trust data. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/trust/resolve.h"

static const char *const order[] = { TRUST_RELEASES, "targets" };

static void
take(const struct trust_role *r, const struct tuf_file *f, struct answer *a)
{
	snprintf(a->tag, sizeof(a->tag), "%s", f->name);
	strcpy(a->digest, "sha256:");
	for (size_t i = 0; i < 32; i++)
		snprintf(a->digest + 7 + 2 * i, 3, "%02x", f->sha256[i]);
	a->size = f->length;
	a->role = r;
}

bool
trust_says(const struct trust *t, const struct trust_role *r, const char *tag,
    struct answer *a)
{
	struct tuf_file f;

	if (r->err || !r->there || !trust_covers(t, r, tag) ||
	    !tuf_files_find(&r->env.role, tag, &f))
		return false;
	take(r, &f, a);
	return true;
}

/* The first role of the order that counts, from *i on; NULL ends. */
static gpg_error_t
next_role(struct trust *t, size_t *i, const struct trust_role **out)
{
	*out = NULL;
	while (!*out && *i < sizeof(order) / sizeof(*order))
		*out = trust_find_role(t, order[(*i)++]);
	if (*out && (*out)->err)
		return problem_set(&t->why, (*out)->err, "%s", (*out)->why);
	return 0;
}

gpg_error_t
trust_resolve(struct trust *t, const char *tag, struct answer *a)
{
	const struct trust_role *r;
	size_t i = 0;
	gpg_error_t err;

	while (!(err = next_role(t, &i, &r)) && r)
		if (trust_says(t, r, tag, a))
			return 0;
	return err ? err : problem_set(&t->why, GPG_ERR_NOT_FOUND, "the trust "
	    "data of %s has no tag %s", t->gun.name, tag);
}

/* What a later role says of a tag does not count where an earlier one does. */
gpg_error_t
trust_each(struct trust *t, trust_told *told, void *arg)
{
	const struct trust_role *r;
	struct answer a;
	struct tuf_iter it;
	struct tuf_file f;
	size_t i = 0;
	gpg_error_t err;

	while (!(err = next_role(t, &i, &r)) && r) {
		if (!r->there)
			continue;
		it = tuf_files(&r->env.role);
		while (!err && tuf_files_next(&it, &f))
			if (!trust_resolve(t, f.name, &a) && a.role == r)
				err = told(arg, &a);
		if (err)
			break;
	}
	return err;
}

struct by_digest {
	const char *digest;
	struct answer *answer;
};

/* GPG_ERR_EOF: it was found. */
static gpg_error_t
look_at_digest(void *arg, const struct answer *a)
{
	struct by_digest *b = arg;

	if (strcmp(a->digest, b->digest))
		return 0;
	*b->answer = *a;
	return gpg_error(GPG_ERR_EOF);
}

gpg_error_t
trust_resolve_digest(struct trust *t, const char *digest, struct answer *a)
{
	struct by_digest b = { digest, a };
	gpg_error_t err = trust_each(t, look_at_digest, &b);

	if (gpg_err_code(err) == GPG_ERR_EOF)
		return 0;
	return err ? err : problem_set(&t->why, GPG_ERR_NOT_FOUND, "the trust "
	    "data of %s has no tag that is %s", t->gun.name, digest);
}
