/*
 * touchstone trust verify: whether a tag stands, at the registry, for what
 * trust data says of it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/image/image.h"
#include "client/trust/rows.h"
#include "client/trust/show.h"

struct verification {
	struct session session;
	struct image image;
	struct answer answer;
	bool answered;
};

static int
print_json(struct verification *v, gpg_error_t err)
{
	struct session *s = &v->session;
	struct call *c = s->call;
	const struct answer *a = &v->answer;
	json_t *j = show_answer(&s->trust, a);

	json_object_set_new(j, "verified", json_boolean(!err));
	json_object_set_new(j, "problem", err ? json_text(c->why) :
	    json_null());
	return call_print(c, j);
}

static int
report(struct verification *v, gpg_error_t err)
{
	struct call *c = v->session.call;

	if (c->json && v->answered) {
		if (print_json(v, err) != STATUS_OK)
			return STATUS_FAILED;
		c->json = false;
		return err ? call_fail(c, err) : STATUS_OK;
	}
	if (err)
		return call_fail(c, err);
	printf("%s\n", v->answer.digest);
	show_line(&v->session.trust, &v->answer);
	return call_done(c);
}

int
trust_verify(struct call *c)
{
	struct verification v = { .answered = false };
	gpg_error_t err;
	int status;

	if (!(err = session_begin(&v.session, c, call_arg(c, 0),
	    call_option(c, "root"))) &&
	    !(err = session_update(&v.session)) &&
	    !(err = session_answer(&v.session, &v.answer))) {
		v.answered = true;
		if (!(err = image_open(&v.image, c, call_arg(c, 0))))
			err = session_compare(&v.session, &v.answer,
			    v.image.d.digest, v.image.d.size);
	}
	status = report(&v, err);
	session_end(&v.session);
	image_close(&v.image);
	return status;
}
