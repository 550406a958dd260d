/* One more entry in a list that others write to as well. */
#ifndef CLIENT_REGISTRY_APPEND_H
#define CLIENT_REGISTRY_APPEND_H

#include "client/registry/store.h"

/* Makes what a tag holds from what it held; the list has the entry already. */
typedef gpg_error_t append_finish(struct store *, json_t *manifest);

/*
 * Appends the entry (not consumed) to the list "manifests" or "layers" of what
 * is at the tag, beginning with `fresh` (not consumed) where nothing is.
 * Conditionally where the store offers that.  It may be overwritten until
 * append_settle() says that it is not.
 */
gpg_error_t append_entry(struct store *, const char *tag, const char *list,
    json_t *entry, json_t *fresh, append_finish *);

/*
 * Waits as long as another who did not see what was appended may still write,
 * once for all that was; looks at it again, and writes it again where it is
 * gone.
 */
gpg_error_t append_settle(struct store *);

/* For store_close(): without looking. */
void append_forget(struct store *);

#endif
