/*
 * Trust data out of arbitrary bytes: what is read keeps to its bounds and has
 * one canonical form, signatures and keys are checked without a fault, and a
 * name tells what it must.  The first byte says what the others are: 'r' a
 * role, 'e' one with signatures, 'n' lines: a role's name, the role before
 * (may be empty), the role now.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "format/canonical.h"
#include "format/tufsig.h"
#include "object/object.h"
#include "wire/text.h"

#define REPOSITORY "registry.example/app"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool condition)
{
	if (!condition)
		abort();
}

static void
look_at_keys(const struct tuf_role *r)
{
	struct tuf_iter i = tuf_keys(r);
	struct attest_certs *certs;
	struct pubkey *key;
	struct tuf_key k;

	while (tuf_keys_next(&i, &k)) {
		must(strlen(k.id) == TUF_ID_LEN);
		must(!tufsig_get_key(&k, &key) == !!key);
		pubkey_free(&key);
		must(!tufsig_get_certs(&k, &certs) == !!certs);
		attest_certs_free(&certs);
	}
}

static void
look_at_signers(const struct tuf_role *r)
{
	struct tuf_iter i = tuf_signers(r);
	struct tuf_signer s, found;
	struct tuf_key k;

	while (tuf_signers_next(&i, &s)) {
		must(text_is_clean(view_str(s.name)) && s.threshold > 0);
		must(tuf_signers_find(r, s.name, &found));
		must(found.keyids == s.keyids);
		for (size_t n = 0; n < s.key_count; n++)
			must(tuf_keys_find(r, tuf_signer_id(&s, n), &k) &&
			    k.type != TUF_KEY_UNKNOWN);
		for (size_t n = 0; n < s.path_count; n++)
			must(tuf_signer_covers(&s, tuf_signer_path(&s, n)));
	}
}

static void
look_at_files(const struct tuf_role *r)
{
	struct tuf_iter i = tuf_files(r);
	struct tuf_file f, found;

	while (tuf_files_next(&i, &f)) {
		must(*f.name && text_is_clean(view_str(f.name)));
		must(f.length < (uint64_t)1 << 53);
		must(tuf_files_find(r, f.name, &found));
		must(found.json == f.json);
	}
}

static void
look_at(const struct tuf_role *r)
{
	must(r->type <= TUF_TIMESTAMP);
	must(r->version >= 1 && r->version <= TUF_VERSION_MAX);
	look_at_keys(r);
	look_at_signers(r);
	look_at_files(r);
}

static void
do_role(struct view v)
{
	struct tuf_role r, again;
	struct buf canonical;
	const char *why;
	gpg_error_t err = tuf_role_read(&r, v, &why);

	must(!err == !why);
	must(!why || text_is_clean(view_str(why)));
	if (err)
		return;
	look_at(&r);
	buf_init(&canonical, TUF_ROLE_MAX);
	must(!canonical_put(&canonical, r.json));
	must(!tuf_role_read(&again, buf_view(&canonical), &why));
	must(canonical_is(buf_view(&canonical), again.json));
	must(again.type == r.type && again.version == r.version);
	tuf_role_free(&again);
	tuf_role_free(&r);
	buf_free(&canonical);
}

static void
do_envelope(struct view v)
{
	struct tufsig_verdict verdict;
	struct tuf_envelope e;
	struct tuf_signer s;
	struct tuf_iter i;
	const char *why;
	gpg_error_t err = tuf_envelope_read(&e, v, &why);

	must(!err == !why);
	if (err)
		return;
	look_at(&e.role);
	i = tuf_signers(&e.role);
	while (tuf_signers_next(&i, &s)) {
		err = tufsig_verify(&e, &e.role, s.name, &verdict);
		must(verdict.count <= e.count);
		must(!err == (verdict.count >= verdict.threshold));
	}
	tuf_envelope_free(&e);
}

/* Takes a line from the front, without its end. */
static struct view
line_of(struct view *v)
{
	const uint8_t *end = v->len > 0 ? memchr(v->p, '\n', v->len) : NULL;
	struct view line = view_of(v->p, end ? (size_t)(end - v->p) : v->len);

	*v = end ? view_of(end + 1, v->len - line.len - 1) : view_of(NULL, 0);
	return line;
}

static void
do_name(struct view v)
{
	char *role = view_strdup(line_of(&v));
	struct view before = line_of(&v), now = v;
	struct tuf_role was = { 0 }, is = { 0 };
	struct object o;
	const char *why;
	gpg_error_t err;

	if (role && !object_read_trust(now, &o, &is, &why) &&
	    (before.len == 0 || !tuf_role_read(&was, before, &why))) {
		err = object_name_trust(&o, &was, &is, REPOSITORY, role, &why);
		must(!err == !why);
		must(!err == (*o.summary != 0));
		must(text_is_clean(view_str(o.summary)));
		must(err || strstr(o.summary, " in " REPOSITORY " by "));
		must(err || strstr(o.summary, ", until "));
		must(!*o.image.digest ||
		    object_digest_valid(view_str(o.image.digest)));
	}
	tuf_role_free(&was);
	tuf_role_free(&is);
	free(role);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v;

	if (size == 0)
		return 0;
	v = view_of(data + 1, size - 1);
	switch (data[0]) {
	case 'r':
		do_role(v);
		break;
	case 'e':
		do_envelope(v);
		break;
	case 'n':
		do_name(v);
		break;
	}
	return 0;
}
