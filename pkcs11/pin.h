/*
 * A PIN in memory of its own: pages that are locked (never swapped), left out
 * of core dumps and out of children, and wiped before they are given back.
 * Nothing here is locked against other threads; the owner does that.
 */
#ifndef PKCS11_PIN_H
#define PKCS11_PIN_H

#include "wire/buf.h"

#define PIN_MAX 256		/* bytes, as pin_entry.pin */

struct pin;

/*
 * Empty.  GPG_ERR_ENOMEM where the memory cannot be had or locked
 * (RLIMIT_MEMLOCK): a PIN is never kept in memory that is not.
 * Free with pin_free(), which wipes and sets the pointer to NULL.
 */
gpg_error_t pin_new(struct pin **);
void pin_free(struct pin **);

/* GPG_ERR_TOO_LARGE beyond PIN_MAX; what was there before is wiped. */
gpg_error_t pin_set(struct pin *, struct view);
void pin_copy(struct pin *to, const struct pin *from);
void pin_wipe(struct pin *);

/* Its bytes, until the next change; none when it is empty. */
struct view pin_view(const struct pin *);

/* The same for a call that wants a pointer it promises not to write to. */
unsigned char *pin_bytes(struct pin *);

/*
 * The rest of the same pages, to receive a datagram with a PIN into.  It is
 * wiped by pin_wipe_room(), pin_wipe() and pin_free().
 */
uint8_t *pin_room(struct pin *, size_t *size);
void pin_wipe_room(struct pin *);

/*
 * A PIN from a file: absolute path, a regular file (no symbolic link) that is
 * ours and that others may not read, of at most PIN_MAX bytes and a newline,
 * which is left out.  GPG_ERR_ENOENT, GPG_ERR_EACCES, GPG_ERR_TOO_LARGE,
 * GPG_ERR_NO_PIN (empty).  `stamp` changes whenever the file does.
 */
struct pin_stamp {
	uint64_t words[5];
};
gpg_error_t pin_read(struct pin *, const char *path, struct pin_stamp *stamp);

#endif
