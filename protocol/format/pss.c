/* EMSA-PSS, encoded. */
#include "config.h"

#include <string.h>

#include "format/pss.h"
#include "format/pubkey.h"

#define BLOCK_MAX 512

static enum hash_algorithm
hash_of(size_t len)
{
	return len == 32 ? HASH_SHA256 :
	    len == 48	 ? HASH_SHA384 :
	    len == 64	 ? HASH_SHA512 :
			   HASH_NONE;
}

/* MGF1 (B.2.1), laid over the bytes. */
static gpg_error_t
mask(enum hash_algorithm hash, struct view seed, uint8_t *p, size_t len)
{
	uint8_t piece[64], count[4] = { 0 };
	struct view parts[] = { seed, view_of(count, sizeof(count)) };
	size_t n, used = 0;
	gpg_error_t err;

	for (; used < len; count[3]++) {	/* 512 bytes are 16 pieces */
		if ((err = hash_bytes(hash, parts, 2, piece, &n)))
			return err;
		for (size_t i = 0; i < n && used < len; i++)
			p[used++] ^= piece[i];
	}
	return 0;
}

gpg_error_t
pss_encode(struct view digest, struct view salt, unsigned bits,
    struct buf *block)
{
	static const uint8_t zeros[8];
	enum hash_algorithm hash = hash_of(digest.len);
	struct view parts[] = { view_of(zeros, sizeof(zeros)), digest, salt };
	size_t size = (bits + 7) / 8, len = (bits - 1 + 7) / 8, mask_len, n;
	uint8_t h[PSS_HASH_MAX], em[BLOCK_MAX] = { 0 };
	gpg_error_t err;

	if (hash == HASH_NONE || salt.len != digest.len)
		return gpg_error(GPG_ERR_DIGEST_ALGO);
	if (bits == 0 || size > BLOCK_MAX ||
	    len < digest.len + salt.len + 2)
		return gpg_error(GPG_ERR_TOO_LARGE);
	mask_len = len - digest.len - 1;
	if ((err = hash_bytes(hash, parts, 3, h, &n)))
		return err;
	em[mask_len - salt.len - 1] = 1;
	memcpy(em + mask_len - salt.len, salt.p, salt.len);
	if ((err = mask(hash, view_of(h, n), em, mask_len)))
		return err;
	em[0] &= (uint8_t)(0xff >> (8 * len - (bits - 1)));
	memcpy(em + mask_len, h, n);
	em[len - 1] = 0xbc;
	if (len < size)
		buf_put_u8(block, 0);
	return buf_put(block, em, len);
}
