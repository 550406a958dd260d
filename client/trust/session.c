/* Begins what every subcommand of trust does. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/image/image.h"
#include "client/trust/session.h"

gpg_error_t
session_begin(struct session *s, struct call *c, const char *ref,
    const char *root)
{
	struct problem why = { "" };
	gpg_error_t err;

	memset(s, 0, sizeof(*s));
	s->call = c;
	image_options(c, &s->http);
	if ((err = gun_find(&s->gun, ref, call_option(c, "server"), &why)) ||
	    (err = pin_read(&s->pin, root, &why)))
		return call_problem(c, GPG_ERR_INV_ARG, "%s", why.text);
	return 0;
}

void
session_end(struct session *s)
{
	trust_end(&s->trust);
	pin_free(&s->pin);
}

gpg_error_t
session_fail(struct session *s, gpg_error_t err)
{
	if (!err)
		return 0;
	return call_problem(s->call, err, "%s", s->trust.why.text[0] ?
	    s->trust.why.text : gpg_strerror(err));
}

static void
tell_first(const struct trust *t)
{
	const struct tufsig_verdict *v = &t->root.signed_by;
	struct tuf_key key;
	char print[65];

	for (size_t i = 0; i < v->count; i++) {
		if (!tuf_keys_find(&t->root.env.role, v->ids[i], &key))
			continue;
		pin_fingerprint(&key, print);
		say("first use of the trust data of %s: its root key %s "
		    "(certificate, SHA-256 %s) is trusted from now on; have "
		    "its owner tell you whether it is theirs", t->gun.name,
		    v->ids[i], print);
	}
}

gpg_error_t
session_update(struct session *s)
{
	gpg_error_t err;

	trust_end(&s->trust);
	err = trust_update(&s->trust, &s->gun, &s->call->paths, &s->http,
	    &s->pin, time(NULL));
	if (!err && s->trust.first && !s->pin.text)
		tell_first(&s->trust);
	return session_fail(s, err);
}

gpg_error_t
session_answer(struct session *s, struct answer *a)
{
	const struct reference *r = &s->gun.image;
	gpg_error_t err = r->tag[0] ? trust_resolve(&s->trust, r->tag, a) :
	    trust_resolve_digest(&s->trust, r->digest, a);

	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
		err = gpg_error(GPG_ERR_NO_DATA);
	if (!err && r->digest[0] && strcmp(r->digest, a->digest))
		err = problem_set(&s->trust.why, GPG_ERR_BAD_SIGNATURE, "the "
		    "trust data of %s says that %s is %s, not %s",
		    s->gun.name, a->tag, a->digest, r->digest);
	return session_fail(s, err);
}

/* The same bytes, by the digest and by their number. */
gpg_error_t
session_compare(struct session *s, const struct answer *a, const char *digest,
    uint64_t size)
{
	if (!strcmp(digest, a->digest) && size == a->size)
		return 0;
	return call_problem(s->call, GPG_ERR_BAD_SIGNATURE, "the image is %s "
	    "(%llu bytes), and the trust data of %s says that %s is %s (%llu "
	    "bytes)", digest, (unsigned long long)size, s->gun.name, a->tag,
	    a->digest, (unsigned long long)a->size);
}
