/* Inline signed messages of OpenPGP, read. */
#include "config.h"

#include <string.h>

#include <zlib.h>

#include "format/key.h"
#include "format/opacket.h"
#include "format/opmessage.h"

#define SUBPACKETS_MAX 4096

/* RFC 4880, 9.3 */
enum {
	COMPRESS_ZIP = 1,
	COMPRESS_ZLIB = 2,
};

static gpg_error_t
bad(const char **why, const char *text)
{
	*why = text;
	return gpg_error(GPG_ERR_BAD_DATA);
}

static bool
get_number(struct view *v, unsigned bytes, size_t *out)
{
	uint8_t byte;

	for (*out = 0; bytes > 0; bytes--) {
		if (view_get_u8(v, &byte))
			return false;
		*out = *out << 8 | byte;
	}
	return true;
}

/* The new format's length (RFC 4880, 4.2.2). */
static bool
get_length(struct view *v, size_t *len, bool *partial)
{
	uint8_t first, second;

	*partial = false;
	if (view_get_u8(v, &first))
		return false;
	if (first == 255)
		return get_number(v, 4, len);
	*len = first;
	if (first < 192)
		return true;
	if (first < 224) {
		*len = ((size_t)first - 192) << 8;
		if (view_get_u8(v, &second))
			return false;
		*len += second + (size_t)192;
		return true;
	}
	*partial = true;
	*len = (size_t)1 << (first & 31);
	return true;
}

/* Takes a packet's body into the buffer, whose parts it may come in. */
static bool
get_packet(struct view *v, enum opacket_tag *tag, struct buf *body)
{
	bool partial = false;
	struct view part;
	uint8_t head;
	size_t len;

	if (view_get_u8(v, &head) || !(head & 0x80))
		return false;
	if (!(head & 0x40)) {
		*tag = head >> 2 & 15;
		return (head & 3) < 3 && get_number(v, 1U << (head & 3),
		    &len) && !view_get_bytes(v, len, &part) &&
		    !buf_put_view(body, part);
	}
	*tag = head & 63;
	do {
		if (!get_length(v, &len, &partial) ||
		    (partial && *tag != PACKET_LITERAL &&
		    *tag != PACKET_COMPRESSED) ||
		    view_get_bytes(v, len, &part) ||
		    buf_put_view(body, part))
			return false;
	} while (partial);
	return true;
}

static bool
hash_by_number(uint8_t number, enum hash_algorithm *out)
{
	static const enum hash_algorithm all[] = { HASH_SHA256, HASH_SHA384,
		HASH_SHA512 };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (opacket_hash(all[i]) == number) {
			*out = all[i];
			return true;
		}
	return false;
}

/* What may be critical, since it is heeded or changes nothing. */
static bool
is_known(uint8_t type)
{
	return type == SUB_CREATED || type == SUB_EXPIRES ||
	    type == SUB_ISSUER || type == SUB_ISSUER_FPR ||
	    type == SUB_SIGNER;
}

static bool
take_subpacket(struct opmessage *m, struct view *v, bool hashed)
{
	struct view body;
	uint8_t type;
	bool partial;
	size_t len;

	if (!get_length(v, &len, &partial) || partial || len == 0 ||
	    view_get_bytes(v, len, &body) || view_get_u8(&body, &type))
		return false;
	if (type & 0x80 && !is_known(type & 0x7f))
		return false;
	type &= 0x7f;
	if (type == SUB_ISSUER && body.len == 8)
		memcpy(m->issuer, body.p, 8);
	if (type == SUB_ISSUER_FPR && body.len == 1 + OPENPGP_FPR_LEN)
		memcpy(m->issuer, body.p + body.len - 8, 8);
	if (!hashed)
		return true;
	if (type == SUB_CREATED)
		return m->created == 0 && !view_get_u32(&body, &m->created) &&
		    body.len == 0;
	if (type == SUB_EXPIRES)
		return m->expires_after == 0 && body.len == 4 &&
		    !view_get_u32(&body, &m->expires_after);
	return true;
}

static bool
take_subpackets(struct opmessage *m, struct view *v, bool hashed)
{
	struct view area;
	size_t len;

	if (!get_number(v, 2, &len) || len > SUBPACKETS_MAX ||
	    view_get_bytes(v, len, &area))
		return false;
	while (area.len > 0)
		if (!take_subpacket(m, &area, hashed))
			return false;
	return true;
}

static bool
take_mpi(struct view *v, struct view *out)
{
	size_t bits;

	return get_number(v, 2, &bits) &&
	    !view_get_bytes(v, (bits + 7) / 8, out);
}

/* A signature's body; the numbers are found again in `bytes`, its home. */
static gpg_error_t
read_signature(struct opmessage *m, struct view body, struct view bytes,
    const char **why)
{
	struct view v = body, left;
	uint8_t version, class, hash;

	if (view_get_u8(&v, &version) || version != 4 ||
	    view_get_u8(&v, &class) || class != 0)
		return bad(why, "the OpenPGP signature is of a version or "
		    "class that is not read");
	if (view_get_u8(&v, &m->algorithm) || view_get_u8(&v, &hash))
		return bad(why, "the OpenPGP signature is malformed");
	if (!hash_by_number(hash, &m->hash))
		return bad(why, "the OpenPGP signature's hash is not SHA-256, "
		    "SHA-384 or SHA-512");
	if (!take_subpackets(m, &v, true) || m->created == 0 ||
	    buf_put(&m->head, body.p, body.len - v.len) ||
	    !take_subpackets(m, &v, false) || view_get_bytes(&v, 2, &left))
		return bad(why, "the OpenPGP signature has parts that are "
		    "not understood");
	for (; m->number_count < 2 && v.len > 0; m->number_count++)
		if (!take_mpi(&v, &m->numbers[m->number_count]))
			break;
	if (v.len > 0 || m->number_count == 0)
		return bad(why, "the OpenPGP signature is malformed");
	/* The packet is the message's last. */
	for (size_t i = 0; i < m->number_count; i++) {
		struct view *n = &m->numbers[i];

		n->p = bytes.p + bytes.len - (size_t)(body.p + body.len -
		    n->p);
	}
	return 0;
}

/* The literal's head: its kind, a file's name, a date. */
static bool
drop_literal_head(struct buf *b)
{
	struct view v = buf_view(b), skipped;
	uint8_t kind, len;

	if (view_get_u8(&v, &kind) || !strchr("btu", kind) || !kind ||
	    view_get_u8(&v, &len) ||
	    view_get_bytes(&v, (size_t)len + 4, &skipped))
		return false;
	buf_consume(b, buf_len(b) - v.len);
	return true;
}

static gpg_error_t
read_packets(struct opmessage *m, struct view bytes, struct buf *packet,
    const char **why)
{
	struct view v = bytes;
	enum opacket_tag tag;

	if (!get_packet(&v, &tag, packet) || tag != PACKET_ONE_PASS ||
	    buf_len(packet) != 13 || buf_view(packet).p[12] != 1)
		return bad(why, "this is no message with one OpenPGP "
		    "signature");
	if (!get_packet(&v, &tag, &m->document) || tag != PACKET_LITERAL ||
	    !drop_literal_head(&m->document))
		return bad(why, "the OpenPGP message has no literal data");
	buf_reset(packet);
	if (!get_packet(&v, &tag, packet) || tag != PACKET_SIGNATURE ||
	    v.len > 0)
		return bad(why, "the OpenPGP message does not end in one "
		    "signature");
	return read_signature(m, buf_view(packet), bytes, why);
}

/*
 * Inflates to the end of the stream, which is the end of the bytes too but
 * for a check that some writers leave there.
 */
static gpg_error_t
inflate_into(struct buf *b, z_stream *z, const char **why)
{
	uint8_t piece[4096];
	int status = Z_OK;
	gpg_error_t err;

	while (status == Z_OK) {
		z->next_out = piece;
		z->avail_out = sizeof(piece);
		status = inflate(z, Z_NO_FLUSH);
		if ((status != Z_OK && status != Z_STREAM_END) ||
		    (err = buf_put(b, piece, sizeof(piece) - z->avail_out)))
			return bad(why, "the compressed OpenPGP message is "
			    "malformed or too large");
	}
	if (z->avail_in > 0)
		return bad(why, "there are bytes behind the OpenPGP message");
	return 0;
}

/*
 * A message that GnuPG has compressed, as it does unless told otherwise, is
 * one packet of old format without a length, or one with parts (RFC 4880,
 * 5.6).  What it holds takes its place.
 */
static gpg_error_t
inflate_packets(struct opmessage *m, struct view *bytes, const char **why)
{
	z_stream z = { .next_in = NULL };
	enum opacket_tag tag;
	struct buf parts;
	struct view v = *bytes;
	uint8_t head, method;
	gpg_error_t err;

	head = v.p[0];
	if ((head & 0xfc) != 0xa0 && head != 0xc8)
		return 0;
	buf_init(&parts, OPMESSAGE_MAX);
	if (head == 0xa3) {
		view_get_u8(&v, &head);
		buf_put_view(&parts, v);
	} else if (!get_packet(&v, &tag, &parts) || v.len > 0) {
		buf_reset(&parts);
	}
	v = buf_view(&parts);
	if (view_get_u8(&v, &method)) {
		err = bad(why, "the compressed OpenPGP message is malformed");
	} else if (method != COMPRESS_ZIP && method != COMPRESS_ZLIB) {
		*why = "the OpenPGP message is compressed in a way that is "
		    "not read";
		err = gpg_error(GPG_ERR_NOT_SUPPORTED);
	} else if (inflateInit2(&z, method == COMPRESS_ZIP ? -MAX_WBITS :
	    MAX_WBITS) != Z_OK) {
		*why = "there is not enough memory";
		err = gpg_error(GPG_ERR_ENOMEM);
	} else {
		z.next_in = (uint8_t *)(uintptr_t)v.p;
		z.avail_in = (unsigned)v.len;
		err = inflate_into(&m->inflated, &z, why);
		inflateEnd(&z);
	}
	buf_free(&parts);
	*bytes = buf_view(&m->inflated);
	return err;
}

gpg_error_t
opmessage_read(struct opmessage *m, struct view bytes, const char **why)
{
	struct buf packet;
	gpg_error_t err;

	*m = (struct opmessage){ 0 };
	*why = NULL;
	buf_init(&m->document, OPMESSAGE_MAX);
	buf_init(&m->head, 2 * SUBPACKETS_MAX);
	if (bytes.len == 0 || bytes.len > OPMESSAGE_MAX ||
	    !(bytes.p[0] & 0x80))
		return bad(why, "this is no OpenPGP message, in binary");
	buf_init(&m->inflated, OPMESSAGE_MAX);
	buf_init(&packet, OPMESSAGE_MAX);
	if (!(err = inflate_packets(m, &bytes, why)))
		err = read_packets(m, bytes, &packet, why);
	buf_free(&packet);
	if (err)
		opmessage_free(m);
	return err;
}

void
opmessage_free(struct opmessage *m)
{
	buf_free(&m->document);
	buf_free(&m->head);
	buf_free(&m->inflated);
	*m = (struct opmessage){ 0 };
}

/* The numbers, each as long as the key's are. */
static bool
get_signature(const struct opmessage *m, const struct pubkey *key,
    uint8_t out[KEY_PUBLIC_MAX], size_t *len)
{
	size_t count = algorithm_is_rsa(key->algorithm) ? 1 : 2;
	size_t size = count == 1 ? key->public.len :
	    key->algorithm == ALGO_ED25519 ? 32 :
	    algorithm_field(key->algorithm);

	*len = count * size;
	memset(out, 0, *len);
	if (m->number_count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct view n = view_strip(m->numbers[i]);

		if (n.len > size)
			return false;
		if (n.len > 0)
			memcpy(out + (i + 1) * size - n.len, n.p, n.len);
	}
	return true;
}

gpg_error_t
opmessage_check(const struct opmessage *m, const struct pubkey *key,
    uint64_t now, const char **why)
{
	struct view head = buf_view(&m->head);
	uint8_t raw[KEY_PUBLIC_MAX], trailer[6] = { 4, 0xff,
		(uint8_t)(head.len >> 24), (uint8_t)(head.len >> 16),
		(uint8_t)(head.len >> 8), (uint8_t)head.len };
	struct view parts[] = { buf_view(&m->document), head,
		view_of(trailer, sizeof(trailer)) };
	struct signing s;
	gpg_error_t err;
	size_t len;

	*why = "the OpenPGP signature is not this key's";
	if (m->algorithm != opacket_algorithm(key) ||
	    !get_signature(m, key, raw, &len))
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	if ((err = signing_begin(&s, key, m->hash, parts, 3)))
		return err;
	err = signing_check(&s, key, view_of(raw, len));
	signing_free(&s);
	if (err)
		return err;
	*why = NULL;
	if (m->expires_after == 0 ||
	    now < (uint64_t)m->created + m->expires_after)
		return 0;
	*why = "the OpenPGP signature has expired";
	return gpg_error(GPG_ERR_SIG_EXPIRED);
}
