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

static gpg_error_t
answer(struct verification *v)
{
	struct session *s = &v->session;
	const struct reference *r = &s->gun.image;
	gpg_error_t err = r->tag[0] ? trust_resolve(&s->trust, r->tag,
	    &v->answer) : trust_resolve_digest(&s->trust, r->digest,
	    &v->answer);

	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
		err = gpg_error(GPG_ERR_NO_DATA);
	v->answered = !err;
	return session_fail(s, err);
}

/* The same bytes, by the digest and by their number. */
static gpg_error_t
compare(struct verification *v)
{
	struct call *c = v->session.call;
	const struct answer *a = &v->answer;
	gpg_error_t err;

	if ((err = image_open(&v->image, c, call_arg(c, 0))))
		return err;
	if (!strcmp(v->image.d.digest, a->digest) &&
	    v->image.d.size == a->size)
		return 0;
	return call_problem(c, GPG_ERR_BAD_SIGNATURE, "the image is %s (%llu "
	    "bytes), and the trust data of %s says that %s is %s (%llu "
	    "bytes)", v->image.d.digest,
	    (unsigned long long)v->image.d.size, v->session.gun.name, a->tag,
	    a->digest, (unsigned long long)a->size);
}

static int
print_json(struct verification *v, gpg_error_t err)
{
	struct session *s = &v->session;
	struct call *c = s->call;
	const struct answer *a = &v->answer;
	json_t *j = json_pack("{s:b,s:s,s:s,s:s,s:o}", "verified", !err, "gun",
	    s->gun.name, "server", s->gun.server, "tag", a->tag, "problem",
	    err ? json_text(c->why) : json_null());

	json_object_set_new(j, "digest", json_string(a->digest));
	json_object_set_new(j, "size", json_integer((json_int_t)a->size));
	json_object_set_new(j, "role", json_string(a->role->name));
	json_object_set_new(j, "keys", show_keys(a->role));
	json_object_set_new(j, "signers", show_signers(&s->trust, a));
	json_object_set_new(j, "expires",
	    show_time(a->role->env.role.expires));
	return call_print(c, j);
}

static int
print(struct verification *v)
{
	struct session *s = &v->session;
	const struct answer *a = &v->answer;
	json_t *signers = show_signers(&s->trust, a), *one;
	char day[16];
	size_t i;

	role_day(a->role->env.role.expires, day);
	printf("%s\n  %s:%s by %s, key %.16s, until %s", a->digest,
	    s->gun.name, a->tag, a->role->name, a->role->signed_by.ids[0],
	    day);
	json_array_foreach(signers, i, one)
		printf("%s%s", i ? ", " : "; signers: ",
		    json_string_value(one));
	printf("\n");
	json_decref(signers);
	return call_done(s->call);
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
	return err ? call_fail(c, err) : print(v);
}

int
trust_verify(struct call *c)
{
	struct verification v = { .answered = false };
	gpg_error_t err;
	int status;

	if (!(err = session_begin(&v.session, c, call_arg(c, 0))) &&
	    !(err = session_update(&v.session)) && !(err = answer(&v)))
		err = compare(&v);
	status = report(&v, err);
	session_end(&v.session);
	image_close(&v.image);
	return status;
}
