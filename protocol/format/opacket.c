/* OpenPGP's packets, subpackets and numbers (RFC 4880, sections 3 to 5). */
#include "config.h"

#include "format/key.h"
#include "format/opacket.h"

/* Of the curve, with its length before it (RFC 6637, section 11). */
static const uint8_t oid_p256[] = {
	8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
};
static const uint8_t oid_p384[] = { 5, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t oid_p521[] = { 5, 0x2b, 0x81, 0x04, 0x00, 0x23 };
static const uint8_t oid_ed25519[] = {
	9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01
};

uint8_t
opacket_algorithm(const struct pubkey *key)
{
	if (algorithm_is_rsa(pubkey_algorithm(key)))
		return 1;
	return pubkey_algorithm(key) == ALGO_ED25519 ? 22 : 19;
}

uint8_t
opacket_hash(enum hash_algorithm hash)
{
	return hash == HASH_SHA256 ? 8 : hash == HASH_SHA384 ? 9 : 10;
}

gpg_error_t
opacket_put(struct buf *b, enum opacket_tag tag, struct view body)
{
	bool two = body.len > 0xff;

	if (body.len > OPACKET_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	buf_put_u8(b, (uint8_t)(0x80 | tag << 2 | two));
	if (two)
		buf_put_u16(b, (uint16_t)body.len);
	else
		buf_put_u8(b, (uint8_t)body.len);
	return buf_put_view(b, body);
}

/* The length counts the type (RFC 4880, 5.2.3.1). */
static void
put_subpacket_header(struct buf *b, enum osubpacket type, size_t len)
{
	if (++len < 192) {
		buf_put_u8(b, (uint8_t)len);
	} else {
		buf_put_u8(b, (uint8_t)(((len - 192) >> 8) + 192));
		buf_put_u8(b, (len - 192) & 0xff);
	}
	buf_put_u8(b, (uint8_t)type);
}

void
osubpacket_put(struct buf *b, enum osubpacket type, struct view v)
{
	put_subpacket_header(b, type, v.len);
	buf_put_view(b, v);
}

void
osubpacket_put_u32(struct buf *b, enum osubpacket type, uint32_t n)
{
	put_subpacket_header(b, type, 4);
	buf_put_u32(b, n);
}

void
osubpacket_put_u8(struct buf *b, enum osubpacket type, uint8_t n)
{
	put_subpacket_header(b, type, 1);
	buf_put_u8(b, n);
}

/* A number with the count of its bits before it, without leading zeros. */
static void
put_mpi(struct buf *b, struct view number)
{
	size_t bits;

	number = view_strip(number);
	bits = number.len * 8;
	for (unsigned mask = 0x80;
	    number.len > 0 && !(number.p[0] & mask); mask >>= 1)
		bits--;
	buf_put_u16(b, (uint16_t)bits);
	buf_put_view(b, number);
}

/* A point in GnuPG's native form: 40 and the 32 bytes, as one number. */
static void
put_native_point(struct buf *b, struct view point)
{
	buf_put_u16(b, (uint16_t)(point.len * 8 + 7));
	buf_put_u8(b, 0x40);
	buf_put_view(b, point);
}

gpg_error_t
opacket_put_key_body(struct buf *b, const struct openpgp_key *key)
{
	struct view public = pubkey_public(key->pub);

	buf_put_u8(b, 4);
	buf_put_u32(b, key->created);
	buf_put_u8(b, opacket_algorithm(key->pub));
	switch (pubkey_algorithm(key->pub)) {
	case ALGO_RSA2048:
	case ALGO_RSA3072:
	case ALGO_RSA4096:
		put_mpi(b, public);
		put_mpi(b, pubkey_exponent(key->pub));
		break;
	case ALGO_P256:
		buf_put(b, oid_p256, sizeof(oid_p256));
		put_mpi(b, public);
		break;
	case ALGO_P384:
		buf_put(b, oid_p384, sizeof(oid_p384));
		put_mpi(b, public);
		break;
	case ALGO_P521:
		buf_put(b, oid_p521, sizeof(oid_p521));
		put_mpi(b, public);
		break;
	case ALGO_ED25519:
		buf_put(b, oid_ed25519, sizeof(oid_ed25519));
		put_native_point(b, public);
		break;
	case ALGO_NONE:
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	}
	return buf_error(b);
}

gpg_error_t
opacket_put_numbers(struct buf *b, const struct pubkey *key, struct view sig)
{
	size_t half = pubkey_algorithm(key) == ALGO_ED25519 ?
	    32 : algorithm_field(pubkey_algorithm(key));

	if (half == 0) {
		if (sig.len != pubkey_public(key).len)
			return gpg_error(GPG_ERR_BAD_SIGNATURE);
		put_mpi(b, sig);
	} else {
		if (sig.len != 2 * half)
			return gpg_error(GPG_ERR_BAD_SIGNATURE);
		put_mpi(b, view_of(sig.p, half));
		put_mpi(b, view_of(sig.p + half, half));
	}
	return buf_error(b);
}
