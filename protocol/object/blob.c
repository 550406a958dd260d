/*
 * Bytes of no known kind, refused where their signature could be taken for
 * one that means something: what a verifier in another domain hashes must
 * not be what a blob can be.
 */
#include "config.h"

#include <string.h>

#include "object/cbor.h"
#include "object/json.h"
#include "object/read.h"

static uint32_t
number(const uint8_t *p, size_t n)
{
	uint32_t value = 0;

	while (n-- > 0)
		value = value << 8 | *p++;
	return value;
}

/* A message of SSH: a login, a certificate, a revocation list. */
static bool
is_ssh(struct view v)
{
	static const char cert[] = "-cert-v0";
	struct view type;

	if (userauth_claimed(v) || view_starts(v, "SSHKRL\n"))
		return true;
	return !view_get_string(&v, 128, &type) && type.len > 0 &&
	    memmem(type.p, type.len, cert, sizeof(cert) - 1);
}

static bool
is_dsse(struct view v)
{
	return view_starts(v, "DSSEv1");
}

/*
 * One SEQUENCE or SET that spans all: a certificate, a request, signed
 * attributes.  BER's long-winded lengths count too, some verifiers take them.
 */
static bool
is_der(struct view v)
{
	uint8_t tag, first, byte;
	uint64_t len = 0;

	if (view_get_u8(&v, &tag) || (tag != 0x30 && tag != 0x31) ||
	    view_get_u8(&v, &first))
		return false;
	if (first == 0x80)	/* ends in two zero bytes */
		return v.len >= 2 && number(v.p + v.len - 2, 2) == 0;
	if (first < 0x80)
		return first == v.len;
	for (first &= 0x7f; first > 0; first--) {
		if (view_get_u8(&v, &byte) || len >> 56)
			return false;
		len = len << 8 | byte;
	}
	return len == v.len;
}

/* What a digit of base64 or of base64url stands for; -1: it is none. */
static int
digit_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/*
 * Takes a byte that base64 stands for.  What is no digit is skipped: Go's
 * reader does so with line ends, those of Python and PHP with anything.
 */
static bool
take_decoded(struct view *v, unsigned *bits, unsigned *count, uint8_t *out)
{
	uint8_t c;

	while (*count < 8) {
		if (view_get_u8(v, &c))
			return false;
		if (digit_value(c) < 0)
			continue;
		*bits = *bits << 6 | (unsigned)digit_value(c);
		*count += 6;
	}
	*count -= 8;
	*out = *bits >> *count & 0xff;
	return true;
}

/* What a lenient reader of JSON skips: blanks, and a byte order mark. */
static bool
is_json_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
	    c == 0xef || c == 0xbb || c == 0xbf;
}

/*
 * RFC 7515, section 5.1: base64url of a JSON object, a dot, the payload
 * (anything, with RFC 7797).  To know the object the first two characters
 * that are no blanks will do.
 */
static bool
is_jws(struct view v)
{
	unsigned bits = 0, count = 0;
	bool inside = false;
	struct view header;
	uint8_t c;

	if (!scan_until(&v, '.', &header))
		return false;
	while (take_decoded(&header, &bits, &count, &c)) {
		if (is_json_blank(c))
			continue;
		if (inside)
			return c == '"' || c == '}';
		if (c != '{')
			return false;
		inside = true;
	}
	return false;
}

/* An array that begins with COSE's context (RFC 9052, sections 4.4 and 5). */
static bool
is_cose(struct view v)
{
	struct cbor array, context;

	return cbor_get_type(&v, CBOR_ARRAY, &array) &&
	    cbor_get_type(&v, CBOR_TEXT, &context) &&
	    (view_starts(context.bytes, "Signature") ||
	    view_starts(context.bytes, "CounterSignature"));
}

/* What cosign and notation sign, whoever asks for it as something else. */
static bool
is_image(struct view v)
{
	return image_claimed(v) != OBJECT_BLOB;
}

static bool
is_tuf(struct view v)
{
	enum object_kind kind = image_claimed(v);

	return kind == OBJECT_TRUST_ROOT || kind == OBJECT_TRUST_TARGETS;
}

/* in-toto's own links and layouts are signed as they are, without DSSE. */
static bool
is_intoto(struct view v)
{
	struct json_outline look;

	json_look(v, &look);
	return look.names & JSON_N_TYPE;
}

/* The end of what OpenPGP hashes, of version 4, 6 and LibrePGP's 5. */
static bool
is_openpgp(struct view v)
{
	size_t n = v.len;

	if (n >= 6 && v.p[n - 5] == 0xff &&
	    (v.p[n - 6] == 4 || v.p[n - 6] == 6))
		return true;
	return n >= 10 && v.p[n - 10] == 5 && v.p[n - 9] == 0xff;
}

/* RFC 8446, section 4.4.3; and a handshake up to CertificateVerify in 1.2. */
static bool
is_tls(struct view v)
{
	size_t blanks = 0, hello;

	while (blanks < 64 && blanks < v.len && v.p[blanks] == ' ')
		blanks++;
	if (blanks == 64)
		return true;
	if (v.len < 6 || v.p[0] != 1 || v.p[4] != 3)
		return false;
	hello = 4 + (size_t)number(v.p + 1, 3);
	return hello < v.len && v.p[hello] == 2;
}

/* git-receive-pack(1) looks at the list of updates alone. */
static bool
is_push(struct view v)
{
	const uint8_t *body = v.len ? memmem(v.p, v.len, "\n\n", 2) : NULL;

	if (!body)
		return false;
	body += 2;
	return git_reads_as_push(view_of(body,
	    (size_t)(v.p + v.len - body)));
}

/*
 * OpenPGP's version 3 has no mark: a document is followed by its class and
 * four bytes of time, and other signatures begin with the key.
 */
bool
blob_is_old_openpgp(struct view v)
{
	if (v.len >= 5 && v.p[v.len - 5] <= 1 &&
	    number(v.p + v.len - 4, 4) >= 0x20000000)
		return true;
	return v.len > 4 && v.p[0] == 0x99 && v.p[3] >= 2 && v.p[3] <= 4 &&
	    number(v.p + 1, 2) <= v.len - 3;
}

static const struct {
	bool (*reads)(struct view);
	bool raw_only;
	const char *why;
} domains[] = {
	{ is_ssh, false, "the bytes read as a message of SSH" },
	{ sshsig_claimed, false, "the bytes read as an SSHSIG" },
	{ is_dsse, false, "the bytes read as a DSSE statement" },
	{ is_der, false, "the bytes read as a certificate or other DER" },
	{ is_jws, false, "the bytes read as a JSON web signature" },
	{ is_cose, false, "the bytes read as a COSE signature" },
	{ is_tuf, false, "the bytes read as a role of a trust server" },
	{ is_image, false, "the bytes read as a container image's" },
	{ is_intoto, false, "the bytes read as an in-toto document" },
	{ is_openpgp, false, "the bytes end as an OpenPGP signature does" },
	{ is_tls, false, "the bytes read as a TLS handshake" },
	{ is_push, false, "the bytes read as a git push certificate" },
	{ blob_is_old_openpgp, true,
	    "the bytes read as an old OpenPGP signature's" },
};

gpg_error_t
blob_read(struct object *o, bool raw, const char **why)
{
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		if ((raw || !domains[i].raw_only) &&
		    domains[i].reads(o->bytes)) {
			*why = domains[i].why;
			return gpg_error(GPG_ERR_FORBIDDEN);
		}
	name_add(o, "file of ");
	name_add_number(o, o->bytes.len);
	name_add(o, " bytes, SHA-256 ");
	return name_add_hash(o, o->bytes);
}
