/* Views of bytes, answers that cannot overflow, and BER-TLV as PIV has it. */
#ifndef YUBIKEY_BYTES_H
#define YUBIKEY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a YubiKey 5 takes or gives at most is 3072 bytes. */
#define OUT_MAX 4096

struct bytes {
	const uint8_t *p;
	size_t len;
};

/* Once full, it stays as it is and says so. */
struct out {
	uint8_t p[OUT_MAX];
	size_t len;
	bool full;
};

struct bytes bytes_of(const void *p, size_t len);
/* The first n bytes are taken off b and given in *part. */
bool bytes_take(struct bytes *b, size_t n, struct bytes *part);
bool bytes_eq(struct bytes a, const void *p, size_t len);

struct bytes out_bytes(const struct out *o);
void out_put(struct out *o, struct bytes b);
void out_u8(struct out *o, uint8_t n);
void out_tlv(struct out *o, unsigned int tag, struct bytes value);
void out_tlv_u8(struct out *o, unsigned int tag, uint8_t value);
/* The room for n bytes, to be written by the caller; NULL if there is none. */
uint8_t *out_room(struct out *o, size_t n);

/* Takes the first TLV off; false at the end and at nonsense.  Tags have one
 * byte, or two where the first is 5F or 7F. */
bool tlv_next(struct bytes *in, unsigned int *tag, struct bytes *value);
/* Looks for a tag among TLVs, which must be well-formed up to it. */
bool tlv_find(struct bytes in, unsigned int tag, struct bytes *value);
/* The same for a value of one byte. */
bool tlv_find_u8(struct bytes in, unsigned int tag, uint8_t *value);

/* Writes 2 * b.len digits and a NUL. */
void hex_encode(struct bytes b, char *text);
/* At most max bytes; false if it is not hex, odd, or too long. */
bool hex_decode(const char *text, uint8_t *p, size_t max, size_t *len);

#endif
