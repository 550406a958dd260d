/* touchstone image copy: signatures that were made before the image was pushed. */
#include "config.h"

#include <stdio.h>

#include "client/image/image.h"
#include "client/image/rows.h"

int
image_copy(struct call *c)
{
	struct image from;
	struct store *to = NULL;
	struct manifest there;
	size_t count = 0;
	gpg_error_t err;

	manifest_init(&there);
	if ((err = image_open(&from, c, call_arg(c, 0))))
		goto out;
	if ((err = store_open(&to, call_arg(c, 1), &from.http, &from.why))) {
		call_problem(c, err, "%s", from.why.text);
		goto out;
	}
	if ((err = store_get(to, from.d.digest, &there)))
		call_problem(c, err, "%s is not at %s: push the image first, "
		    "unchanged (skopeo copy --preserve-digests): %s",
		    from.d.digest, call_arg(c, 1), to->why.text);
	else if ((err = referrers_copy(from.store, to, from.d.digest,
	    &count)))
		call_problem(c, err, "%s", to->why.text);
	else if (count == 0)
		err = call_problem(c, GPG_ERR_NO_DATA, "%s has no signatures "
		    "there", from.d.digest);
out:
	manifest_free(&there);
	store_close(&to);
	if (from.call)
		image_close(&from);
	if (err)
		return call_fail(c, err);
	if (c->json)
		return call_print(c, json_pack("{s:s,s:I}", "digest",
		    from.d.digest, "count", (json_int_t)count));
	printf("%s: %zu signatures\n", from.d.digest, count);
	return call_done(c);
}
