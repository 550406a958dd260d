/*
 * A bounded byte buffer that wipes itself, and read-only views of bytes.
 *
 * Numbers are big-endian and strings carry a 32-bit length, as SSH has them
 * (RFC 4251, section 5).  Nothing here allocates more than the bound that the
 * buffer was made with, and no memory that held data is freed unwiped.
 */
#ifndef WIRE_BUF_H
#define WIRE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <gpg-error.h>

/* Bytes that somebody else owns; valid as long as their owner says. */
struct view {
	const uint8_t *p;
	size_t len;
};

struct view view_of(const void *, size_t);
struct view view_str(const char *);	/* without the NUL */
bool view_eq(struct view, struct view);
bool view_eq_str(struct view, const char *);
bool view_starts(struct view, const char *);

/*
 * Getters take from the front of the view.  On failure
 * (GPG_ERR_TRUNCATED, GPG_ERR_TOO_LARGE) the view is left as it was.
 */
gpg_error_t view_get_u8(struct view *, uint8_t *);
gpg_error_t view_get_u32(struct view *, uint32_t *);
gpg_error_t view_get_u64(struct view *, uint64_t *);
gpg_error_t view_get_bytes(struct view *, size_t, struct view *);
gpg_error_t view_get_string(struct view *, size_t max, struct view *);

/*
 * A copy with a NUL behind it; NULL when out of memory or when the view has a
 * NUL inside.  Free with free().
 */
char *view_strdup(struct view);

/*
 * The buffer.  `max` bounds its size in bytes.  The first failed put
 * (GPG_ERR_TOO_LARGE, GPG_ERR_ENOMEM) sticks: later puts fail with it too, so
 * an encoder may put all and look at buf_error() once.
 */
struct buf {
	uint8_t *data;
	size_t off;		/* where the unread bytes begin */
	size_t end;		/* where they end */
	size_t cap;
	size_t max;
	gpg_error_t err;
	bool locked;
};

void buf_init(struct buf *, size_t max);

/*
 * From now on, and until it is freed, it has pages of its own, which are
 * never swapped and left out of core dumps; what it holds moves there.
 * GPG_ERR_ENOMEM, and later puts fail too, where memory cannot be had or
 * locked (RLIMIT_MEMLOCK).
 */
gpg_error_t buf_lock(struct buf *);
void buf_free(struct buf *);	/* wipes; it may be used again, unlocked */
void buf_reset(struct buf *);	/* wipes what it holds, keeps its memory */

gpg_error_t buf_error(const struct buf *);
size_t buf_len(const struct buf *);
struct view buf_view(const struct buf *);	/* until the next change */

/* Drops bytes from the front, wiping them; n must not exceed buf_len(). */
void buf_consume(struct buf *, size_t n);

/* Drops bytes from the back down to len, wiping them. */
void buf_truncate(struct buf *, size_t len);

/*
 * Room for n more bytes at *p, to be filled and then counted by buf_filled();
 * for reading from a descriptor straight into the buffer.
 */
gpg_error_t buf_reserve(struct buf *, size_t n, uint8_t **p);
void buf_filled(struct buf *, size_t n);

gpg_error_t buf_put(struct buf *, const void *, size_t);
gpg_error_t buf_put_view(struct buf *, struct view);
gpg_error_t buf_put_u8(struct buf *, uint8_t);
gpg_error_t buf_put_u16(struct buf *, uint16_t);
gpg_error_t buf_put_u32(struct buf *, uint32_t);
gpg_error_t buf_put_u64(struct buf *, uint64_t);
gpg_error_t buf_put_text(struct buf *, const char *);	/* bytes only */
gpg_error_t buf_putf(struct buf *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
gpg_error_t buf_put_string(struct buf *, struct view);	/* u32 and bytes */
gpg_error_t buf_put_cstring(struct buf *, const char *);	/* same */

/* Lower-case hex of the bytes. */
gpg_error_t buf_put_hex(struct buf *, struct view);

/*
 * A 32-bit length that is filled in later: buf_open() puts four bytes and
 * returns their place, buf_close() writes there how many followed.
 */
size_t buf_open(struct buf *);
void buf_close(struct buf *, size_t place);

#endif
