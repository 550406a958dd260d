/*
 * What signs of an image: simple signing payloads, of GPG's and of cosign's
 * (containers-signature(5)), and in-toto statements, bare or in the
 * pre-authentication encoding of DSSE.
 */
#include "config.h"

#include <string.h>

#include "object/json.h"
#include "object/read.h"

#define SIMPLE_GPG "atomic container signature"
#define SIMPLE_COSIGN "cosign container image signature"
#define INTOTO "application/vnd.in-toto+json"
#define STATEMENT "https://in-toto.io/Statement/v"
#define SIGN_V1 "https://sigstore.dev/cosign/sign/v1"

static const json_t *
get(const json_t *o, const char *name)
{
	return json_object_get(o, name);
}

static bool
is_object_or_null(const json_t *v)
{
	return !v || json_is_null(v) || json_is_object(v);
}

/* GPG's readers want these of those types. */
static bool
read_optional(const json_t *optional, bool cosign)
{
	struct view creator;
	uint64_t timestamp;

	if (cosign || !json_is_object(optional))
		return is_object_or_null(optional);
	return json_get_text(optional, "creator", &creator) &&
	    json_get_size(optional, "timestamp", &timestamp);
}

static gpg_error_t
read_simple(struct object *o, const json_t *j, const char **why)
{
	static const char *const top[] = { "critical", "optional", NULL };
	static const char *const inside[] = { "type", "image", "identity",
		NULL };
	static const char *const image[] = { "docker-manifest-digest", NULL };
	static const char *const identity[] = { "docker-reference", NULL };
	const json_t *critical = get(j, "critical");
	struct object_image *i = &o->image;
	struct view type, digest, reference;

	if (!json_names_are(j, top, false) ||
	    !json_names_are(critical, inside, false) ||
	    !json_names_are(get(critical, "image"), image, false) ||
	    !json_names_are(get(critical, "identity"), identity, false))
		return object_bad(why, "the image's signature has other "
		    "members than it must have");
	if (!json_get_text(critical, "type", &type) ||
	    (!view_eq_str(type, SIMPLE_GPG) &&
	    !view_eq_str(type, SIMPLE_COSIGN)))
		return object_bad(why, "the image's signature is of an "
		    "unknown type");
	if (!json_get_text(get(critical, "image"), image[0], &digest) ||
	    !object_digest_valid(digest))
		return object_bad(why, "the image's signature names no "
		    "digest");
	if (!json_get_text(get(critical, "identity"), identity[0],
	    &reference) || !object_reference_valid(reference))
		return object_bad(why, "the image's signature names no "
		    "reference");
	i->cosign = view_eq_str(type, SIMPLE_COSIGN);
	if (!read_optional(get(j, "optional"), i->cosign))
		return object_bad(why, "the image's signature has malformed "
		    "optional members");
	image_put_text(i->digest, sizeof(i->digest), digest);
	image_put_text(i->reference, sizeof(i->reference), reference);
	name_add(o, i->cosign ? "cosign's signature of image " :
	    "GPG's signature of image ");
	name_add_word(o, reference, 112);
	name_add(o, "@");
	name_add(o, i->digest);
	if (i->cosign)
		image_name_notes(o, get(j, "optional"));
	return 0;
}

gpg_error_t
simple_read(struct object *o, const char **why)
{
	json_t *j;
	gpg_error_t err;

	if (!(err = json_read(o->bytes, &j, why)))
		err = read_simple(o, j, why);
	json_decref(j);
	return err;
}

/* A digest that one can hold an artifact against; others may stand by it. */
static bool
read_digest(const json_t *set, const char *name, size_t len, char *out)
{
	struct view hex;
	char text[OBJECT_DIGEST] = "";

	if (!json_get_text(set, name, &hex))
		return false;
	if (hex.len == 0)
		return true;
	strcpy(text, name);
	strcat(text, ":");
	if (hex.len != len || !image_put_text(text + strlen(text),
	    OBJECT_DIGEST - strlen(text), hex) ||
	    !object_digest_valid(view_str(text)))
		return false;
	if (!*out)
		strcpy(out, text);
	return true;
}

static bool
read_subject(const json_t *s, char digest[OBJECT_DIGEST], struct view *name)
{
	static const char *const names[] = { "name", "digest", NULL };
	static const char *const digests[] = { "sha256", "sha512", NULL };
	const json_t *set = get(s, "digest");

	digest[0] = 0;
	return json_names_are(s, names, true) &&
	    json_get_text(s, "name", name) && json_is_texts(set) &&
	    json_names_are(set, digests, true) &&
	    read_digest(set, "sha256", 64, digest) &&
	    read_digest(set, "sha512", 128, digest) && digest[0];
}

/* A reader may take any of the first subject's digests, and any subject. */
static void
put_statement(struct object *o, struct view name, const json_t *subject)
{
	size_t digests = json_object_size(get(subject, "digest"));
	struct object_image *i = &o->image;

	if (!strcmp(i->predicate, SIGN_V1)) {
		name_add(o, "cosign's signature of image ");
	} else {
		name_add(o, "statement ");
		name_add_word(o, view_str(i->predicate), 64);
		name_add(o, " about ");
	}
	if (name.len > 0) {
		name_add_word(o, name, 56);
		name_add(o, "@");
	}
	name_add(o, i->digest);
	if (digests > 1) {
		name_add(o, " (one of ");
		name_add_number(o, digests);
		name_add(o, " digests)");
	}
	if (i->count > 1) {
		name_add(o, " and ");
		name_add_number(o, i->count - 1);
		name_add(o, " more");
	}
	image_name_notes(o, get(subject, "annotations"));
}

static gpg_error_t
read_statement(struct object *o, const json_t *j, const char **why)
{
	static const char *const names[] = { "_type", "subject",
		"predicateType", "predicate", NULL };
	const json_t *subjects = get(j, "subject");
	struct object_image *i = &o->image;
	struct view type, predicate, name, first = view_of(NULL, 0);
	char digest[OBJECT_DIGEST];

	/* Another spelling of a name could be read for the one shown. */
	if (!json_names_are(j, names, false))
		return object_bad(why, "the statement has other members than "
		    "it must have");
	if (!json_get_text(j, "_type", &type) ||
	    (!view_eq_str(type, STATEMENT "1") &&
	    !view_eq_str(type, STATEMENT "0.1")))
		return object_bad(why, "the statement is of an unknown type");
	if (!json_get_text(j, "predicateType", &predicate) ||
	    predicate.len == 0 ||
	    !image_put_text(i->predicate, OBJECT_TYPE, predicate))
		return object_bad(why, "the statement's predicate has no "
		    "type");
	if (!is_object_or_null(get(j, "predicate")))
		return object_bad(why, "the statement's predicate is "
		    "malformed");
	i->count = json_array_size(subjects);
	if (i->count == 0)
		return object_bad(why, "the statement is about nothing");
	for (size_t n = 0; n < i->count; n++) {
		if (!read_subject(json_array_get(subjects, n), digest, &name))
			return object_bad(why, "a subject of the statement "
			    "has no SHA-256 or SHA-512");
		if (n == 0) {
			strcpy(i->digest, digest);
			first = name;
		}
	}
	put_statement(o, first, json_array_get(subjects, 0));
	return 0;
}

bool
dsse_claimed(struct view v)
{
	return view_starts(v, "DSSEv1 28 " INTOTO " ");
}

/* "123 ", as it is written and no other way. */
static bool
take_length(struct view *v, size_t *len)
{
	struct view digits;

	*len = 0;
	if (!scan_until(v, ' ', &digits) || digits.len == 0 ||
	    digits.len > 9 || (digits.len > 1 && digits.p[0] == '0'))
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		*len = *len * 10 + (digits.p[i] - '0');
	}
	return true;
}

gpg_error_t
statement_read(struct object *o, const char **why)
{
	struct view v = o->bytes;
	json_t *j;
	size_t len;
	gpg_error_t err;

	if (scan_word(&v, "DSSEv1 28 " INTOTO " ")) {
		o->image.wrapping = WRAP_DSSE;
		if (!take_length(&v, &len) || len != v.len)
			return object_bad(why, "the statement is not as long "
			    "as it says");
	}
	o->image.statement = v;
	if (!(err = json_read(v, &j, why)))
		err = read_statement(o, j, why);
	json_decref(j);
	return err;
}
