/*
 * Base64 (RFC 4648): section 4 with padding, and section 5 ("url") without,
 * as JSON web signatures have it; without line breaks.
 */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include "wire/buf.h"

gpg_error_t base64_put(struct buf *, struct view);
gpg_error_t base64url_put(struct buf *, struct view);

/*
 * Puts the bytes that the text stands for.  One text for the same bytes:
 * missing padding (for url, any), blanks and stray bits are GPG_ERR_BAD_DATA.
 */
gpg_error_t base64_get(struct view text, struct buf *);
gpg_error_t base64url_get(struct view text, struct buf *);

#endif
