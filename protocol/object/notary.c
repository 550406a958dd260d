/* The Notary Project's headers and payloads, read. */
#include "config.h"

#include <string.h>

#include "object/cbor.h"
#include "object/json.h"
#include "object/notary.h"
#include "object/read.h"
#include "wire/base64.h"
#include "wire/text.h"

#define CNCF "vnd.cncf.notary."

static const struct {
	const char *name;
	int64_t cose;
} algorithms[] = {
	{ "ES256", -7 }, { "ES384", -35 }, { "ES512", -36 },
	{ "PS256", -37 }, { "PS384", -38 }, { "PS512", -39 },
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

const char *
notary_by_cose(int64_t number)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].cose == number)
			return algorithms[i].name;
	return NULL;
}

int64_t
notary_to_cose(const char *name)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (!strcmp(algorithms[i].name, name))
			return algorithms[i].cose;
	return 0;
}

/* Takes so many digits. */
static bool
take_digits(struct view *v, unsigned n, int64_t *out)
{
	struct view digits;

	*out = 0;
	if (view_get_bytes(v, n, &digits))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		*out = *out * 10 + (digits.p[i] - '0');
	}
	return true;
}

/* Days since 1970 of a day in the Gregorian calendar. */
static int64_t
days_since_1970(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	month += month > 2 ? -3 : 9;
	return 365 * year + year / 4 - year / 100 + year / 400 +
	    (153 * month + 2) / 5 + day - 1 - 719468;
}

static int64_t
days_of_month(int64_t year, int64_t month)
{
	return days_since_1970(year + month / 12, month % 12 + 1, 1) -
	    days_since_1970(year, month, 1);
}

/* "Z", "+01:00" */
static bool
take_zone(struct view *v, int64_t *seconds)
{
	int64_t sign, hours, minutes;

	*seconds = 0;
	if (scan_word(v, "Z"))
		return true;
	sign = scan_word(v, "+") ? 1 : scan_word(v, "-") ? -1 : 0;
	if (sign == 0 || !take_digits(v, 2, &hours) || !scan_word(v, ":") ||
	    !take_digits(v, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool
notary_time_read(struct view v, int64_t *out)
{
	int64_t year, month, day, hour, minute, second, zone, digit;

	if (!take_digits(&v, 4, &year) || !scan_word(&v, "-") ||
	    !take_digits(&v, 2, &month) || !scan_word(&v, "-") ||
	    !take_digits(&v, 2, &day) || !scan_word(&v, "T") ||
	    !take_digits(&v, 2, &hour) || !scan_word(&v, ":") ||
	    !take_digits(&v, 2, &minute) || !scan_word(&v, ":") ||
	    !take_digits(&v, 2, &second) || year < 1970 || month < 1 ||
	    month > 12 || day < 1 || day > days_of_month(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return false;
	if (scan_word(&v, ".")) {
		if (!take_digits(&v, 1, &digit))
			return false;
		while (v.len > 0 && *v.p >= '0' && *v.p <= '9')
			take_digits(&v, 1, &digit);
	}
	if (!take_zone(&v, &zone) || v.len > 0)
		return false;
	*out = days_since_1970(year, month, day) * 86400 + hour * 3600 +
	    minute * 60 + second - zone;
	return true;
}

#define KEY_SCHEME NOTARY_KEY("signingScheme")
#define KEY_TIME NOTARY_KEY("signingTime")
#define KEY_EXPIRY NOTARY_KEY("expiry")

static gpg_error_t
bad_header(const char **why)
{
	return object_bad(why, "the header of the image's signature is not "
	    "one of the Notary Project");
}

static gpg_error_t
bad_algorithm(const char **why)
{
	return object_bad(why, "the header of the image's signature has an "
	    "algorithm that is not one of the Notary Project: RSA-PSS and "
	    "ECDSA with SHA-256, SHA-384 or SHA-512 are");
}

static gpg_error_t
bad_critical(const char **why)
{
	return object_bad(why, "the image's signature has a critical part "
	    "that is not known");
}

/* What is critical must be known here, and what is must be told so. */
static bool
critical_is(bool scheme, bool expiry, const struct notary_header *h)
{
	return scheme && expiry == (h->expires != 0);
}

static bool
read_critical_json(const json_t *list, const struct notary_header *h)
{
	bool scheme = false, expiry = false;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));
		bool *which = !s ? NULL :
		    !strcmp(s, KEY_SCHEME) ? &scheme :
		    !strcmp(s, KEY_EXPIRY) ? &expiry : NULL;

		if (!which || *which)
			return false;
		*which = true;
	}
	return critical_is(scheme, expiry, h);
}

static gpg_error_t
read_header(const json_t *j, struct notary_header *h, const char **why)
{
	static const char *const names[] = { "alg", "cty", "crit", "b64",
		KEY_SCHEME, KEY_TIME, KEY_EXPIRY,
		NOTARY_KEY("authenticSigningTime"), NULL };
	struct view alg, type, scheme, at, expires;

	if (!json_names_are(j, names, true) || json_object_get(j, "b64") ||
	    json_object_get(j, NOTARY_KEY("authenticSigningTime")) ||
	    !json_get_text(j, "cty", &type) ||
	    !json_get_text(j, KEY_SCHEME, &scheme) ||
	    !json_get_text(j, KEY_TIME, &at) ||
	    !json_get_text(j, KEY_EXPIRY, &expires) ||
	    !view_eq_str(type, NOTARY_PAYLOAD) ||
	    !view_eq_str(scheme, NOTARY_SCHEME) ||
	    !notary_time_read(at, &h->signed_at) ||
	    (expires.len > 0 && !notary_time_read(expires, &h->expires)))
		return bad_header(why);
	if (!json_get_text(j, "alg", &alg) ||
	    !image_put_text(h->algorithm, sizeof(h->algorithm), alg) ||
	    !notary_to_cose(h->algorithm))
		return bad_algorithm(why);
	if (!read_critical_json(json_object_get(j, "crit"), h))
		return bad_critical(why);
	return 0;
}

gpg_error_t
notary_read_json(struct view v, struct notary_header *h, const char **why)
{
	json_t *j;
	gpg_error_t err;

	*h = (struct notary_header){ 0 };
	if (!(err = json_read(v, &j, why)))
		err = read_header(j, h, why);
	json_decref(j);
	return err;
}

/* A map's key: its number (0 if it is none) or its text. */
static bool
take_label(struct view *v, int64_t *number, struct cbor *text)
{
	if (!cbor_get(v, text) || text->number > INT32_MAX)
		return false;
	*number = text->type == CBOR_NUMBER ? (int64_t)text->number :
	    text->type == CBOR_NEGATIVE	    ? -1 - (int64_t)text->number :
					      0;
	return text->type == CBOR_TEXT || *number != 0;
}

/* RFC 8949, 3.4.2: seconds since 1970. */
static bool
take_time(struct view *v, int64_t *out)
{
	struct cbor c;

	if (!cbor_get_type(v, CBOR_TAG, &c) || c.number != 1 ||
	    !cbor_get_type(v, CBOR_NUMBER, &c) || c.number > INT64_MAX)
		return false;
	*out = (int64_t)c.number;
	return true;
}

struct cose_header {
	struct notary_header *h;
	bool algorithm, type, scheme, critical, time, expiry;
	bool critical_scheme, critical_expiry;
};

/* Notes that a member is there; once. */
static bool
first(bool *seen)
{
	bool was = *seen;

	*seen = true;
	return !was;
}

static bool
take_algorithm(struct view *v, struct notary_header *h)
{
	struct cbor c;
	const char *name;

	if (!cbor_get_type(v, CBOR_NEGATIVE, &c) || c.number > INT32_MAX ||
	    !(name = notary_by_cose(-1 - (int64_t)c.number)))
		return false;
	strcpy(h->algorithm, name);
	return true;
}

static bool
take_text(struct view *v, const char *text)
{
	struct cbor c;

	return cbor_get(v, &c) && cbor_is_text(&c, text);
}

static bool
take_critical(struct view *v, struct cose_header *m)
{
	struct cbor list, c;

	if (!cbor_get_type(v, CBOR_ARRAY, &list))
		return false;
	for (; list.number > 0; list.number--) {
		if (!cbor_get(v, &c))
			return false;
		if (cbor_is_text(&c, KEY_SCHEME)) {
			if (!first(&m->critical_scheme))
				return false;
		} else if (!cbor_is_text(&c, KEY_EXPIRY) ||
		    !first(&m->critical_expiry)) {
			return false;
		}
	}
	return true;
}

/* RFC 9052, 3.1: 1 the algorithm, 2 what is critical, 3 the content's type. */
static bool
take_member(struct view *v, struct cose_header *m)
{
	struct cbor label;
	int64_t number;

	if (!take_label(v, &number, &label))
		return false;
	if (number == 1)
		return first(&m->algorithm) && take_algorithm(v, m->h);
	if (number == 2)
		return first(&m->critical) && take_critical(v, m);
	if (number == 3)
		return first(&m->type) && take_text(v, NOTARY_PAYLOAD);
	if (cbor_is_text(&label, KEY_SCHEME))
		return first(&m->scheme) && take_text(v, NOTARY_SCHEME);
	if (cbor_is_text(&label, KEY_TIME))
		return first(&m->time) && take_time(v, &m->h->signed_at);
	if (cbor_is_text(&label, KEY_EXPIRY))
		return first(&m->expiry) && take_time(v, &m->h->expires);
	return label.type == CBOR_TEXT && cbor_skip(v);
}

gpg_error_t
notary_read_cbor(struct view v, struct notary_header *h, const char **why)
{
	struct cose_header m = { .h = h };
	struct cbor map;

	*h = (struct notary_header){ 0 };
	if (!cbor_get_type(&v, CBOR_MAP, &map))
		return bad_header(why);
	for (; map.number > 0; map.number--)
		if (!take_member(&v, &m))
			return m.algorithm && !h->algorithm[0] ?
			    bad_algorithm(why) : bad_header(why);
	if (v.len > 0 || !m.algorithm || !m.type || !m.scheme || !m.time ||
	    !m.critical)
		return bad_header(why);
	if (!critical_is(m.critical_scheme, m.critical_expiry, h) ||
	    m.expiry != (h->expires != 0))
		return bad_critical(why);
	return 0;
}

static gpg_error_t
read_payload(struct object *o, const json_t *j, const char **why)
{
	static const char *const top[] = { "targetArtifact", NULL };
	static const char *const names[] = { "mediaType", "digest", "size",
		"annotations", "artifactType", NULL };
	const json_t *target = json_object_get(j, top[0]), *notes;
	struct object_image *i = &o->image;
	struct view type, digest;

	if (!json_names_are(j, top, false) ||
	    !json_names_are(target, names, true) ||
	    !json_get_text(target, "mediaType", &type) || type.len == 0 ||
	    !image_put_text(i->media_type, OBJECT_TYPE, type) ||
	    !json_get_text(target, "digest", &digest) ||
	    !object_digest_valid(digest) || !json_object_get(target, "size") ||
	    !json_get_size(target, "size", &i->size))
		return object_bad(why, "the payload of the image's signature "
		    "is not one of the Notary Project");
	notes = json_object_get(target, "annotations");
	if (notes && !json_is_texts(notes))
		return object_bad(why, "the image's annotations are no texts");
	image_put_text(i->digest, sizeof(i->digest), digest);
	name_add(o, "Notary Project's signature of ");
	name_add_word(o, type, 80);
	name_add(o, " ");
	name_add(o, i->digest);
	name_add(o, ", ");
	name_add_size(o, i->size);
	image_name_notes(o, notes);
	return 0;
}

static gpg_error_t
read_json(struct object *o, struct view v, const char **why)
{
	json_t *j;
	gpg_error_t err;

	if (!(err = json_read(v, &j, why)))
		err = read_payload(o, j, why);
	json_decref(j);
	return err;
}

/* The part before the dot, decoded; GPG_ERR_BAD_DATA. */
static gpg_error_t
get_header(struct view *v, struct buf *header)
{
	struct view text;

	if (!scan_until(v, '.', &text) || text.len > NOTARY_HEADER_MAX)
		return gpg_error(GPG_ERR_BAD_DATA);
	return base64url_get(text, header);
}

static bool
has_text(struct view v, const char *text)
{
	return v.len > 0 && memmem(v.p, v.len, text, strlen(text));
}

static bool
jws_claimed(struct view v)
{
	struct buf header;
	bool claimed;

	buf_init(&header, NOTARY_HEADER_MAX);
	claimed = v.len > 2 && v.p[0] == 'e' && !get_header(&v, &header) &&
	    has_text(buf_view(&header), CNCF);
	buf_free(&header);
	return claimed;
}

#define SIG_STRUCTURE "\x84\x6aSignature1"

bool
notation_claimed(struct view v)
{
	if (view_starts(v, SIG_STRUCTURE))
		return has_text(view_of(v.p,
		    v.len < NOTARY_HEADER_MAX ? v.len : NOTARY_HEADER_MAX),
		    CNCF);
	return jws_claimed(v);
}

static gpg_error_t
read_jws(struct object *o, struct notary_header *h, const char **why)
{
	struct buf header, payload;
	struct view v = o->bytes;
	gpg_error_t err;

	buf_init(&header, NOTARY_HEADER_MAX);
	buf_init(&payload, NOTARY_PAYLOAD_MAX);
	if (get_header(&v, &header) || base64url_get(v, &payload))
		err = object_bad(why, "the image's signature is malformed");
	else if (!(err = notary_read_json(buf_view(&header), h, why)))
		err = read_json(o, buf_view(&payload), why);
	buf_free(&header);
	buf_free(&payload);
	return err;
}

static gpg_error_t
read_cose(struct object *o, struct notary_header *h, const char **why)
{
	struct cbor protected, outside, payload;
	struct view v = o->bytes;
	gpg_error_t err;

	if (!scan_word(&v, SIG_STRUCTURE) ||
	    !cbor_get_type(&v, CBOR_BYTES, &protected) ||
	    !cbor_get_type(&v, CBOR_BYTES, &outside) ||
	    outside.bytes.len > 0 ||
	    !cbor_get_type(&v, CBOR_BYTES, &payload) || v.len > 0)
		return object_bad(why, "the image's signature is malformed");
	if ((err = notary_read_cbor(protected.bytes, h, why)))
		return err;
	return read_json(o, payload.bytes, why);
}

gpg_error_t
notation_read(struct object *o, const char **why)
{
	struct notary_header h = { 0 };
	struct object_image *i = &o->image;
	gpg_error_t err;

	if (view_starts(o->bytes, SIG_STRUCTURE)) {
		i->wrapping = WRAP_COSE;
		err = read_cose(o, &h, why);
	} else if (notation_claimed(o->bytes)) {
		i->wrapping = WRAP_JWS;
		err = read_jws(o, &h, why);
	} else {
		err = read_json(o, o->bytes, why);
	}
	strcpy(i->algorithm, h.algorithm);
	i->signed_at = h.signed_at;
	return err;
}
