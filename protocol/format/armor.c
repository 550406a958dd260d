/* ASCII armour (RFC 4880, section 6). */
#include "config.h"

#include <openssl/evp.h>

#include "format/openpgp.h"

/* 64 characters on a line, as GnuPG has it. */
#define LINE_BYTES 48

static uint32_t
crc24(struct view v)
{
	uint32_t crc = 0xb704ce;

	for (size_t i = 0; i < v.len; i++) {
		crc ^= (uint32_t)v.p[i] << 16;
		for (int bit = 0; bit < 8; bit++) {
			crc <<= 1;
			if (crc & 0x1000000)
				crc ^= 0x1864cfb;
		}
	}
	return crc;
}

static void
put_base64_line(struct buf *b, struct view v)
{
	uint8_t line[LINE_BYTES / 3 * 4 + 1];
	int len = EVP_EncodeBlock(line, v.p, (int)v.len);

	buf_put(b, line, (size_t)len);
	buf_put_u8(b, '\n');
}

gpg_error_t
openpgp_armor(struct buf *b, const char *label, struct view v)
{
	uint32_t crc = crc24(v);
	uint8_t sum[3] = { crc >> 16 & 0xff, crc >> 8 & 0xff, crc & 0xff };
	struct view line;

	buf_putf(b, "-----BEGIN PGP %s-----\n\n", label);
	while (v.len > 0) {
		view_get_bytes(&v, v.len < LINE_BYTES ? v.len : LINE_BYTES,
		    &line);
		put_base64_line(b, line);
	}
	buf_put_u8(b, '=');
	put_base64_line(b, view_of(sum, sizeof(sum)));
	return buf_putf(b, "-----END PGP %s-----\n", label);
}
