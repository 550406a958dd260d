/*
 * Public halves as tokens tell them: checked, and brought into one form.
 * Whether a point is on its curve is for the agent to say, who computes.
 */
#include "config.h"

#include <string.h>

#include "format/pubkey.h"
#include "p11.h"

/* CKA_EC_PARAMS as they are met: named curves only. */
static const struct {
	uint8_t algorithm;
	uint8_t point_len;
	uint8_t len;
	uint8_t params[14];
} curves[] = {
	{ ALGO_P256, 65, 10, { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
	    0x01, 0x07 } },
	{ ALGO_P384, 97, 7, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 } },
	{ ALGO_P521, 133, 7, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 } },
	/* RFC 8410 */
	{ ALGO_ED25519, 32, 5, { 0x06, 0x03, 0x2b, 0x65, 0x70 } },
	/* PKCS#11 3.0: a PrintableString */
	{ ALGO_ED25519, 32, 14, { 0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd',
	    's', '2', '5', '5', '1', '9' } },
	/* what GnuPG called it first; OpenPGP cards still do */
	{ ALGO_ED25519, 32, 11, { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01,
	    0xda, 0x47, 0x0f, 0x01 } },
};

bool
p11_public_eq(const struct p11_public *a, const struct p11_public *b)
{
	return a->algorithm == b->algorithm &&
	    view_eq(view_of(a->bytes, a->len), view_of(b->bytes, b->len)) &&
	    view_eq(view_of(a->exponent, a->exponent_len),
	    view_of(b->exponent, b->exponent_len));
}

bool
p11_public_is_rsa(const struct p11_public *p)
{
	return p->algorithm == ALGO_RSA2048 || p->algorithm == ALGO_RSA3072 ||
	    p->algorithm == ALGO_RSA4096;
}

static struct view
strip_zeros(struct view v)
{
	while (v.len > 0 && v.p[0] == 0)
		v = view_of(v.p + 1, v.len - 1);
	return v;
}

static size_t
bit_length(struct view v)
{
	size_t bits = v.len * 8;

	if (v.len == 0)
		return 0;
	for (uint8_t top = v.p[0]; !(top & 0x80); top <<= 1)
		bits--;
	return bits;
}

gpg_error_t
p11_public_rsa(struct p11_public *out, struct view n, struct view e)
{
	size_t bits;

	memset(out, 0, sizeof(*out));
	n = strip_zeros(n);
	e = strip_zeros(e);
	bits = bit_length(n);
	if (bits < 2048 || bits > 4096)
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	if (e.len == 0 || e.len > sizeof(out->exponent) ||
	    !(e.p[e.len - 1] & 1) || (e.len == 1 && e.p[0] < 3) ||
	    !(n.p[n.len - 1] & 1))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	out->algorithm = bits >= 4096 ? ALGO_RSA4096 :
	    bits >= 3072 ? ALGO_RSA3072 : ALGO_RSA2048;
	memcpy(out->bytes, n.p, n.len);
	out->len = (uint16_t)n.len;
	memcpy(out->exponent, e.p, e.len);
	out->exponent_len = (uint16_t)e.len;
	return 0;
}

/* A point comes bare, or in an OCTET STRING; P-521's has a longer head. */
static struct view
unwrap_point(struct view point, size_t len)
{
	uint8_t head[3] = { 0x04, 0x81, (uint8_t)len };
	size_t head_len = 3;

	if (len < 0x80) {
		head[1] = (uint8_t)len;
		head_len = 2;
	}
	if (point.len == head_len + len && !memcmp(point.p, head, head_len))
		return view_of(point.p + head_len, len);
	return point;
}

gpg_error_t
p11_public_ec(struct p11_public *out, struct view params, struct view point)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (view_eq(params, view_of(curves[i].params, curves[i].len)))
			break;
	if (i == sizeof(curves) / sizeof(curves[0]))
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	point = unwrap_point(point, curves[i].point_len);
	if (point.len != curves[i].point_len ||
	    (curves[i].algorithm != ALGO_ED25519 && point.p[0] != 0x04))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	out->algorithm = curves[i].algorithm;
	memcpy(out->bytes, point.p, point.len);
	out->len = (uint16_t)point.len;
	return 0;
}
