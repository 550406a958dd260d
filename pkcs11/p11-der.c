/* The key and the beginning of a certificate, by the shortest walk there. */
#include "config.h"

#include <string.h>

#include "p11.h"

enum {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OID = 0x06,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_VERSION = 0xa0,
};

/* Takes one element: its tag and content, and all of it as `whole`. */
static bool
der_any(struct view *v, uint8_t *tag, struct view *content, struct view *whole)
{
	struct view rest = *v;
	uint8_t first, octet;
	size_t len;

	if (view_get_u8(&rest, tag) || view_get_u8(&rest, &first))
		return false;
	len = first;
	if (first & 0x80) {
		first &= 0x7f;
		if (first < 1 || first > 3)
			return false;
		for (len = 0; first > 0; first--) {
			if (view_get_u8(&rest, &octet))
				return false;
			len = len << 8 | octet;
		}
	}
	if (view_get_bytes(&rest, len, content))
		return false;
	*whole = view_of(v->p, v->len - rest.len);
	*v = rest;
	return true;
}

static bool
der_get(struct view *v, uint8_t want, struct view *content)
{
	struct view rest = *v, whole;
	uint8_t tag;

	if (!der_any(&rest, &tag, content, &whole) || tag != want)
		return false;
	*v = rest;
	return true;
}

static bool
digits(struct view *v, unsigned count, unsigned *n)
{
	uint8_t c;

	for (*n = 0; count > 0; count--) {
		if (view_get_u8(v, &c) || c < '0' || c > '9')
			return false;
		*n = *n * 10 + (c - '0');
	}
	return true;
}

/* Days since 1970-01-01 in the Gregorian calendar. */
static int64_t
days(int64_t year, unsigned month, unsigned day)
{
	static const unsigned before[] = { 0, 31, 59, 90, 120, 151, 181, 212,
		243, 273, 304, 334 };
	int64_t past = year - 1;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return past * 365 + past / 4 - past / 100 + past / 400 - 719162 +
	    before[month - 1] + (leap && month > 2) + day - 1;
}

/* RFC 5280, 4.1.2.5: always with seconds, always Z. */
static bool
der_time(struct view *v, uint32_t *out)
{
	unsigned year, month, day, hour, minute, second;
	struct view t, whole;
	int64_t at;
	uint8_t tag;

	if (!der_any(v, &tag, &t, &whole))
		return false;
	if (tag == DER_GENERALIZED_TIME) {
		if (!digits(&t, 4, &year))
			return false;
	} else if (tag == DER_UTC_TIME) {
		if (!digits(&t, 2, &year))
			return false;
		year += year < 50 ? 2000 : 1900;
	} else {
		return false;
	}
	if (!digits(&t, 2, &month) || !digits(&t, 2, &day) ||
	    !digits(&t, 2, &hour) || !digits(&t, 2, &minute) ||
	    !digits(&t, 2, &second) || !view_eq_str(t, "Z") ||
	    month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
	    minute > 59 || second > 59)
		return false;
	at = days(year, month, day) * 86400 + hour * 3600 + minute * 60 +
	    second;
	if (at < 0 || at > UINT32_MAX)
		return false;
	*out = (uint32_t)at;
	return true;
}

static gpg_error_t
take_rsa(struct view bits, struct p11_public *out)
{
	struct view seq, n, e;

	if (!der_get(&bits, DER_SEQUENCE, &seq) || bits.len > 0 ||
	    !der_get(&seq, DER_INTEGER, &n) ||
	    !der_get(&seq, DER_INTEGER, &e) || seq.len > 0)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	return p11_public_rsa(out, n, e);
}

/* SubjectPublicKeyInfo's content. */
static gpg_error_t
take_spki(struct view spki, struct p11_public *out)
{
	struct view algorithm, oid, params, bits;
	struct view whole_oid = { NULL, 0 };
	uint8_t tag, unused;

	if (!der_get(&spki, DER_SEQUENCE, &algorithm) ||
	    !der_get(&spki, DER_BIT_STRING, &bits) || spki.len > 0 ||
	    view_get_u8(&bits, &unused) || unused != 0 ||
	    !der_any(&algorithm, &tag, &oid, &whole_oid) || tag != DER_OID)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	params = algorithm;
	if (view_eq(oid, view_of("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9)))
		return take_rsa(bits, out);
	if (view_eq(oid, view_of("\x2a\x86\x48\xce\x3d\x02\x01", 7)))
		return p11_public_ec(out, params, bits);
	return p11_public_ec(out, whole_oid, bits);
}

gpg_error_t
p11_certificate(struct view der, struct p11_public *out, uint32_t *not_before)
{
	struct view cert, tbs, x, validity, spki;

	if (!der_get(&der, DER_SEQUENCE, &cert) || der.len > 0 ||
	    !der_get(&cert, DER_SEQUENCE, &tbs))
		return gpg_error(GPG_ERR_BAD_CERT);
	der_get(&tbs, DER_VERSION, &x);		/* absent in version 1 */
	if (!der_get(&tbs, DER_INTEGER, &x) ||		/* serial number */
	    !der_get(&tbs, DER_SEQUENCE, &x) ||		/* signature */
	    !der_get(&tbs, DER_SEQUENCE, &x) ||		/* issuer */
	    !der_get(&tbs, DER_SEQUENCE, &validity) ||
	    !der_get(&tbs, DER_SEQUENCE, &x) ||		/* subject */
	    !der_get(&tbs, DER_SEQUENCE, &spki) ||
	    !der_time(&validity, not_before))
		return gpg_error(GPG_ERR_BAD_CERT);
	return take_spki(spki, out);
}
