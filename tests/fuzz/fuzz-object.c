/*
 * Whatever bytes come to be signed: they are read within their bounds, and
 * what is said of them is clean.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "object/object.h"
#include "wire/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int truth)
{
	if (!truth)
		abort();
}

static void
check(const struct object *o, gpg_error_t err, const char *why)
{
	must(o->kind < OBJECT_KINDS);
	must(memchr(o->summary, 0, sizeof(o->summary)) != NULL);
	must(text_is_clean(view_str(o->summary)));
	must(!err == (*o->summary != 0));
	must(!err == !why);
	must(!why || text_is_clean(view_str(why)));
	must(err || o->bytes.len <= object_rule(o->kind)->limit);
}

/* What an image's object tells may be shown, and is what it seems. */
static void
check_image(const struct object *o)
{
	const struct object_image *i = &o->image;
	const char *const texts[] = { i->digest, i->media_type,
		i->artifact_type, i->predicate, i->reference, i->config,
		i->subject, i->platforms, i->created, i->algorithm };

	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++)
		must(text_is_clean(view_str(texts[n])));
	if (o->kind < OBJECT_MANIFEST || o->kind > OBJECT_NOTATION) {
		must(!*i->digest && i->wrapping == WRAP_NONE);
		return;
	}
	must(object_digest_valid(view_str(i->digest)));
	must(strstr(o->summary, i->digest) != NULL);
	must((i->wrapping == WRAP_JWS || i->wrapping == WRAP_COSE) ==
	    (*i->algorithm != 0));
}

static void
check_id(const struct object *o)
{
	char id[65];
	gpg_error_t err = object_signed_id(o, view_str("a\n\nb\n"), id);

	if (o->kind != OBJECT_COMMIT && o->kind != OBJECT_TAG) {
		must(gpg_err_code(err) == GPG_ERR_NOT_SUPPORTED);
		return;
	}
	must(!err && strlen(id) == (size_t)2 * o->hash_len);
	must(o->header_end < o->bytes.len);
	must(o->bytes.p[o->header_end] == '\n');
}

static void
read_ssh(struct view bytes, struct view key)
{
	struct object o;
	const char *why;
	gpg_error_t err = object_read_ssh(bytes, key, &o, &why);

	check(&o, err, why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char key[] = "\0\0\0\x0bssh-ed25519\0\0\0\x20"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
	struct view v = view_of(data, size), chosen;
	struct object o;
	const char *why;
	gpg_error_t err;

	err = object_read(v, &o, &why);
	check(&o, err, why);
	if (!err) {
		check_image(&o);
		check_id(&o);
	}
	read_ssh(v, view_of(key, sizeof(key) - 1));
	/* The key too may be anything. */
	if (!view_get_string(&v, 8192, &chosen))
		read_ssh(v, chosen);
	return 0;
}
