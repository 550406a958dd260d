/* Base64 (RFC 4648, section 4) with padding, without line breaks. */
#ifndef LOCAL_BASE64_H
#define LOCAL_BASE64_H

#include "wire/buf.h"

gpg_error_t base64_put(struct buf *, struct view);

/*
 * Puts the bytes that the text stands for.  One text for the same bytes:
 * missing padding, blanks and stray bits are GPG_ERR_BAD_DATA.
 */
gpg_error_t base64_get(struct view text, struct buf *);

#endif
