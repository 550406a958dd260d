/* Looks for what a key has signed. */
#include "config.h"

#include <string.h>

#include "client/image/find.h"
#include "client/image/signed.h"

struct look {
	struct image image;
	struct signers by;
	bool *needed;
};

/*
 * Of those with a name, judge() checks that of simple ones alone, as cosign
 * does; but containers-policy.json(5) asks for it in both.
 */
static bool
is_same_name(const struct look *l, const struct verdict *v)
{
	char name[768];

	image_name(&l->image, false, name);
	return v->form != FORM_SIGSTORE || !strcmp(v->reference, name);
}

static gpg_error_t
look_at(void *arg, const struct found *f)
{
	struct look *l = arg;
	struct verdict v;

	judge(&l->image, &l->by, f, &v);
	if (!v.err && is_same_name(l, &v))
		l->needed[f->form] = false;
	json_decref(v.notes);
	return 0;
}

gpg_error_t
signed_leave_out(struct image *i, const struct descriptor *d,
    struct key_info *key, bool needed[FORMS])
{
	/* All of it is borrowed, and so nothing of it is freed. */
	struct look l = { .image = *i, .needed = needed, .by = { .count = 1,
	    .list = { { .label = key->name, .key = key->pub } } } };
	bool more;

	l.image.d = *d;
	return find_all(&l.image, needed, look_at, &l, &more);
}
