/*
 * The part of CBOR (RFC 8949) that COSE's envelopes are made of: lengths are
 * definite and every head is the shortest there is, or it is refused.
 */
#ifndef OBJECT_CBOR_H
#define OBJECT_CBOR_H

#include "wire/buf.h"

enum cbor_type {
	CBOR_NUMBER = 0,
	CBOR_NEGATIVE = 1,	/* -1 - number */
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,		/* so many follow */
	CBOR_MAP = 5,		/* so many pairs follow */
	CBOR_TAG = 6,		/* one follows */
	CBOR_SIMPLE = 7,	/* false, true, null */
};

struct cbor {
	enum cbor_type type;
	uint64_t number;
	struct view bytes;	/* of bytes and text */
};

/* Takes one head, with what belongs to it; false leaves the view alone. */
bool cbor_get(struct view *, struct cbor *);

/* The same, if it is of that type. */
bool cbor_get_type(struct view *, enum cbor_type, struct cbor *);

/* Takes one item and all that it holds. */
bool cbor_skip(struct view *);

bool cbor_is_text(const struct cbor *, const char *);

gpg_error_t cbor_put(struct buf *, enum cbor_type, uint64_t number);
gpg_error_t cbor_put_bytes(struct buf *, struct view);
gpg_error_t cbor_put_text(struct buf *, const char *);

#endif
