/* Finds an image, and tells on a terminal what takes long. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/image/image.h"

/* One line that is written over, and wiped when it is done. */
static void
show_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)arg;
	if (done && done == total)
		fprintf(stderr, "\r\033[K");
	else if (total)
		fprintf(stderr, "\r%.60s: %" PRIu64 " %%\033[K", what,
		    done > total ? 100 : (uint64_t)(100.0 * (double)done /
		    (double)total));
	else
		fprintf(stderr, "\r%.70s\033[K", what);
	fflush(stderr);
}

void
image_options(struct call *c, struct http_options *o)
{
	http_options_default(o);
	o->plain = call_option(c, "plain-http");
	o->ca = call_option(c, "ca");
	o->cert = call_option(c, "cert");
	o->key = call_option(c, "client-key");
	if (isatty(STDERR_FILENO))
		o->progress = show_progress;
}

gpg_error_t
image_fail(struct image *i, gpg_error_t err)
{
	const char *words = i->store ? i->store->why.text : i->why.text;

	if (!err)
		return 0;
	return call_problem(i->call, err, "%s", words[0] ? words :
	    gpg_strerror(err));
}

static gpg_error_t
find_name(struct image *i)
{
	const char *as = call_option(i->call, "as");
	struct problem why;
	gpg_error_t err;

	i->name = i->store->image;
	if (!as)
		return 0;
	if ((err = reference_parse(&i->name, as, &why)))
		return call_problem(i->call, GPG_ERR_INV_ARG, "%s", why.text);
	if (i->name.digest[0] && strcmp(i->name.digest, i->d.digest))
		return call_problem(i->call, GPG_ERR_INV_ARG, "the image is "
		    "%s, not %s", i->d.digest, i->name.digest);
	return 0;
}

gpg_error_t
image_open(struct image *i, struct call *c, const char *place)
{
	gpg_error_t err;

	*i = (struct image){ .call = c };
	manifest_init(&i->manifest);
	image_options(c, &i->http);
	if ((err = store_open(&i->store, place, &i->http, &i->why)) ||
	    (err = store_get(i->store, NULL, &i->manifest)))
		return image_fail(i, err);
	manifest_descriptor(&i->manifest, &i->d);
	return find_name(i);
}

void
image_close(struct image *i)
{
	manifest_free(&i->manifest);
	store_close(&i->store);
}

gpg_error_t
image_check_place(struct image *i)
{
	struct manifest now;
	gpg_error_t err;

	if (i->store->image.digest[0] || !i->store->image.registry[0])
		return 0;
	manifest_init(&now);
	err = image_fail(i, store_get(i->store, NULL, &now));
	if (!err && strcmp(now.digest, i->d.digest))
		err = call_problem(i->call, GPG_ERR_CONFLICT, "the tag %s has "
		    "moved meanwhile from %s to %s: nothing was added; look "
		    "which one you mean, and name it by its digest",
		    i->store->image.tag, i->d.digest, now.digest);
	manifest_free(&now);
	return err;
}

void
image_name(const struct image *i, bool tag, char dst[768])
{
	const struct reference *r = &i->name;

	dst[0] = 0;
	if (r->registry[0])
		snprintf(dst, 768, "%s/%s%s%s", r->registry, r->repository,
		    tag && r->tag[0] ? ":" : "", tag ? r->tag : "");
}
