/* touchstone image copy: signatures that were made before the image was pushed. */
#include "config.h"

#include <stdio.h>

#include "client/image/image.h"
#include "client/image/rows.h"

struct copying {
	struct call *call;
	struct store *from, *to;
	char digest[DIGEST_SIZE];	/* of the image */
	size_t count;
};

static gpg_error_t
open_store(struct copying *w, struct store **s, int arg)
{
	struct http_options options;
	struct problem why = { "" };
	gpg_error_t err;

	image_options(w->call, &options);
	if ((err = store_open(s, call_arg(w->call, arg), &options, &why)))
		call_problem(w->call, err, "%s", why.text);
	return err;
}

/*
 * Which image: the one that is there or, where signatures were put by
 * themselves, as of an archive, the one that was pushed.
 */
static gpg_error_t
find_image(struct copying *w)
{
	struct manifest m;
	gpg_error_t err;

	manifest_init(&m);
	err = store_get(w->from, NULL, &m);
	if (!err) {
		snprintf(w->digest, sizeof(w->digest), "%s", m.digest);
	} else if (gpg_err_code(err) != GPG_ERR_NOT_FOUND ||
	    w->from->image.tag[0]) {
		call_problem(w->call, err, "%s", w->from->why.text);
		goto out;
	}
	manifest_free(&m);
	err = store_get(w->to, w->digest[0] ? w->digest : NULL, &m);
	if (!err)
		snprintf(w->digest, sizeof(w->digest), "%s", m.digest);
	else
		call_problem(w->call, err, "%s is not at %s: push the image "
		    "first, unchanged (skopeo copy --preserve-digests): %s",
		    w->digest[0] ? w->digest : "the image",
		    call_arg(w->call, 1), w->to->why.text);
out:
	manifest_free(&m);
	return err;
}

static gpg_error_t
copy(struct copying *w)
{
	gpg_error_t err = referrers_copy(w->from, w->to, w->digest, &w->count);

	if (err)
		return call_problem(w->call, err, "%s", w->to->why.text);
	if (w->count > 0)
		return 0;
	return call_problem(w->call, GPG_ERR_NO_DATA, "%s has no signatures "
	    "there", w->digest);
}

static int
report(struct copying *w)
{
	if (w->call->json)
		return call_print(w->call, json_pack("{s:s,s:I}", "digest",
		    w->digest, "count", (json_int_t)w->count));
	printf("%s: %zu signatures\n", w->digest, w->count);
	return call_done(w->call);
}

int
image_copy(struct call *c)
{
	struct copying w = { .call = c };
	gpg_error_t err;
	int status;

	if ((err = open_store(&w, &w.from, 0)) ||
	    (err = open_store(&w, &w.to, 1)) ||
	    (err = find_image(&w)) || (err = copy(&w)))
		status = call_fail(c, err);
	else
		status = report(&w);
	store_close(&w.to);
	store_close(&w.from);
	return status;
}
