/* SubjectPublicKeyInfo: read as DER or refused, and written anew. */
#include "config.h"

#include <string.h>

#include "format/key.h"

enum {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
};

/* The contents of the algorithms' object identifiers. */
static const uint8_t oid_rsa[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01
};
static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_p256[] = {
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
};
static const uint8_t oid_p384[] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t oid_p521[] = { 0x2b, 0x81, 0x04, 0x00, 0x23 };
static const uint8_t oid_ed25519[] = { 0x2b, 0x65, 0x70 };

#define OID(o) view_of((o), sizeof(o))

static gpg_error_t
der_get_length(struct view *in, size_t *len)
{
	uint8_t first, byte;

	if (view_get_u8(in, &first))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	*len = first;
	if (first < 0x80)
		return 0;
	if (first != 0x81 && first != 0x82)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	*len = 0;
	for (unsigned n = first & 0x7f; n > 0; n--) {
		if (view_get_u8(in, &byte))
			return gpg_error(GPG_ERR_BAD_PUBKEY);
		*len = *len << 8 | byte;
	}
	if (*len < (first == 0x81 ? 0x80u : 0x100u))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	return 0;
}

static gpg_error_t
der_get(struct view *in, uint8_t tag, struct view *content)
{
	struct view rest = *in;
	uint8_t t;
	size_t len;

	if (view_get_u8(&rest, &t) || t != tag ||
	    der_get_length(&rest, &len) ||
	    view_get_bytes(&rest, len, content))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	*in = rest;
	return 0;
}

/* A positive INTEGER, without the sign's zero. */
static gpg_error_t
der_get_number(struct view *in, struct view *number)
{
	struct view raw;

	if (der_get(in, DER_INTEGER, &raw) || raw.len == 0 ||
	    raw.p[0] & 0x80)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	*number = view_strip(raw);
	if (number->len == 0 ||
	    raw.len - number->len != (number->p[0] & 0x80 ? 1 : 0))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	return 0;
}

static gpg_error_t
get_rsa(struct view parameters, struct view bits, struct key_numbers *out)
{
	struct view null, key;

	if (parameters.len > 0 &&
	    (der_get(&parameters, DER_NULL, &null) || null.len > 0 ||
		parameters.len > 0))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	if (der_get(&bits, DER_SEQUENCE, &key) || bits.len > 0 ||
	    der_get_number(&key, &out->public) ||
	    der_get_number(&key, &out->exponent) || key.len > 0)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	out->algorithm = ALGO_RSA2048;
	return 0;
}

static gpg_error_t
get_ec(struct view parameters, struct view bits, struct key_numbers *out)
{
	struct view curve;

	if (der_get(&parameters, DER_OID, &curve) || parameters.len > 0)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	if (view_eq(curve, OID(oid_p256)))
		out->algorithm = ALGO_P256;
	else if (view_eq(curve, OID(oid_p384)))
		out->algorithm = ALGO_P384;
	else if (view_eq(curve, OID(oid_p521)))
		out->algorithm = ALGO_P521;
	else
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	out->public = bits;
	return 0;
}

static gpg_error_t
get_ed25519(struct view parameters, struct view bits, struct key_numbers *out)
{
	if (parameters.len > 0)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	out->algorithm = ALGO_ED25519;
	out->public = bits;
	return 0;
}

gpg_error_t
spki_get(struct view der, struct key_numbers *out)
{
	struct view all, algorithm, oid, bits;
	uint8_t unused;

	*out = (struct key_numbers){ 0 };
	if (der_get(&der, DER_SEQUENCE, &all) || der.len > 0 ||
	    der_get(&all, DER_SEQUENCE, &algorithm) ||
	    der_get(&algorithm, DER_OID, &oid) ||
	    der_get(&all, DER_BIT_STRING, &bits) || all.len > 0 ||
	    view_get_u8(&bits, &unused) || unused != 0)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	if (view_eq(oid, OID(oid_rsa)))
		return get_rsa(algorithm, bits, out);
	if (view_eq(oid, OID(oid_ec)))
		return get_ec(algorithm, bits, out);
	if (view_eq(oid, OID(oid_ed25519)))
		return get_ed25519(algorithm, bits, out);
	return gpg_error(GPG_ERR_PUBKEY_ALGO);
}

static size_t
header_len(size_t len)
{
	return len < 0x80 ? 2 : len < 0x100 ? 3 : 4;
}

static size_t
tlv_len(size_t len)
{
	return header_len(len) + len;
}

static void
der_put_header(struct buf *b, uint8_t tag, size_t len)
{
	buf_put_u8(b, tag);
	if (len >= 0x100) {
		buf_put_u8(b, 0x82);
		buf_put_u16(b, (uint16_t)len);
	} else {
		if (len >= 0x80)
			buf_put_u8(b, 0x81);
		buf_put_u8(b, (uint8_t)len);
	}
}

static void
der_put(struct buf *b, uint8_t tag, struct view content)
{
	der_put_header(b, tag, content.len);
	buf_put_view(b, content);
}

static size_t
number_len(struct view number)
{
	return number.len + (number.p[0] & 0x80 ? 1 : 0);
}

/* Returns where the number's first byte went. */
static size_t
der_put_number(struct buf *b, struct view number)
{
	size_t place;

	der_put_header(b, DER_INTEGER, number_len(number));
	if (number.p[0] & 0x80)
		buf_put_u8(b, 0);
	place = buf_len(b);
	buf_put_view(b, number);
	return place;
}

/*
 * All but the bits: the headers, the algorithm, and its parameters, which are
 * an OID, NULL, or with tag 0 none.
 */
static void
put_frame(struct buf *b, struct view oid, uint8_t tag, struct view parameters,
    size_t bits)
{
	size_t algorithm = tlv_len(oid.len);

	if (tag)
		algorithm += tlv_len(parameters.len);
	der_put_header(b, DER_SEQUENCE, tlv_len(algorithm) + tlv_len(bits + 1));
	der_put_header(b, DER_SEQUENCE, algorithm);
	der_put(b, DER_OID, oid);
	if (tag)
		der_put(b, tag, parameters);
	der_put_header(b, DER_BIT_STRING, bits + 1);
	buf_put_u8(b, 0);
}

static void
put_rsa(struct buf *b, const struct key_numbers *in, size_t *public,
    size_t *exponent)
{
	size_t numbers = tlv_len(number_len(in->public)) +
	    tlv_len(number_len(in->exponent));

	put_frame(b, OID(oid_rsa), DER_NULL, view_of(NULL, 0),
	    tlv_len(numbers));
	der_put_header(b, DER_SEQUENCE, numbers);
	*public = der_put_number(b, in->public);
	*exponent = der_put_number(b, in->exponent);
}

static struct view
curve_oid(enum key_algorithm algorithm)
{
	return algorithm == ALGO_P256 ? OID(oid_p256) :
	    algorithm == ALGO_P384    ? OID(oid_p384) :
					OID(oid_p521);
}

static void
put_point(struct buf *b, const struct key_numbers *in, size_t *public)
{
	if (in->algorithm == ALGO_ED25519)
		put_frame(b, OID(oid_ed25519), 0, view_of(NULL, 0),
		    in->public.len);
	else
		put_frame(b, OID(oid_ec), DER_OID,
		    curve_oid(in->algorithm), in->public.len);
	*public = buf_len(b);
	buf_put_view(b, in->public);
}

gpg_error_t
spki_put(struct buf *b, const struct key_numbers *in,
    struct key_numbers *inside)
{
	size_t public, exponent = 0;

	if (algorithm_is_rsa(in->algorithm))
		put_rsa(b, in, &public, &exponent);
	else
		put_point(b, in, &public);
	if (buf_error(b))
		return buf_error(b);
	inside->algorithm = in->algorithm;
	inside->public = view_of(buf_view(b).p + public, in->public.len);
	inside->exponent = view_of(buf_view(b).p + exponent, in->exponent.len);
	return 0;
}
