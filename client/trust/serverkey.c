/* Gets the keys that a server signs with. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/trust/serverkey.h"
#include "object/json.h"
#include "wire/base64.h"

#define KEY_MAX 65536		/* bytes of its JSON */

/* base64 of the DER; a certificate would have to be checked as one. */
static gpg_error_t
read_spki(struct view text, struct pubkey **out)
{
	struct buf der;
	gpg_error_t err;

	buf_init(&der, TUF_KEY_MAX);
	if (!(err = base64_get(text, &der)))
		err = pubkey_from_spki(out, buf_view(&der));
	buf_free(&der);
	return err;
}

/* Listed as we would list it, so that nothing else comes along. */
static gpg_error_t
read_key(struct view v, struct grant_key *out)
{
	struct view type, public;
	const char *why = "";
	json_t *j;
	gpg_error_t err;

	if ((err = json_read(v, &j, &why)))
		return err;
	if (!json_get_text(j, "keytype", &type) ||
	    !json_get_text(json_object_get(j, "keyval"), "public", &public))
		err = gpg_error(GPG_ERR_BAD_PUBKEY);
	else if (view_eq_str(type, "ecdsa") || view_eq_str(type, "rsa"))
		err = read_spki(public, &out->key);
	else
		err = gpg_error(GPG_ERR_PUBKEY_ALGO);
	if (!err)
		err = tufsig_put_key(out->key, &out->entry, out->id);
	json_decref(j);
	return err;
}

gpg_error_t
serverkey_get(struct owner *o, const char *role, bool rotate,
    struct grant_key *out)
{
	struct trust *t = &o->session.trust;
	struct buf b;
	gpg_error_t err;

	*out = (struct grant_key){ .key = NULL };
	buf_init(&b, KEY_MAX);
	err = remote_key(t->remote, role, rotate, &b);
	if (!err && (err = read_key(buf_view(&b), out)))
		problem_set(&t->why, err, "the server's %s key cannot be "
		    "used: %s", role, gpg_strerror(err));
	buf_free(&b);
	return session_fail(&o->session, err);
}
