/* What the readers of trust data share, for this folder alone. */
#ifndef OBJECT_TUFREAD_H
#define OBJECT_TUFREAD_H

#include "object/tuf.h"

extern const char *const tuf_base_roles[];	/* NULL ends them */

enum tuf_keytype tuf_keytype_of(const char *name);

/* Reads an entry of "targets" or "meta"; false if it is none. */
bool tuf_file_read(const char *name, const json_t *entry, struct tuf_file *);

#endif
