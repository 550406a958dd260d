/* touchstone image sign: each image by itself, and its tag in trust data. */
#include "config.h"

#include "client/image/rows.h"
#include "client/image/signwork.h"
#include "client/image/signtrust.h"

static gpg_error_t
sign_image(struct signwork *s, const char *place)
{
	struct call *c = s->call;
	struct image image;
	gpg_error_t err;

	if (!(err = image_open(&image, c, place)) &&
	    !(err = signwork_check(s, &image)) &&
	    !(call_option(c, "trust") &&
	    (err = signtrust(&image, s->request.key, s->done))))
		err = signwork_add(s, &image);
	image_close(&image);
	return err;
}

int
image_sign(struct call *c)
{
	struct signwork s;
	gpg_error_t err = signwork_begin(&s, c);
	int status;

	for (int i = 0; i < c->arg_count && !err; i++)
		err = sign_image(&s, call_arg(c, i));
	/* What was written stays, and is told, also if not all was. */
	if (err)
		status = call_fail(c, err);
	else if (c->json)
		status = call_print(c, json_pack("{s:O}", "signatures",
		    s.done));
	else
		status = call_done(c);
	signwork_end(&s);
	return status;
}
