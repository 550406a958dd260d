/* Wiping what libcurl and jansson free: both copy passwords and tokens. */
#ifndef CLIENT_REGISTRY_MEMORY_H
#define CLIENT_REGISTRY_MEMORY_H

#include "wire/buf.h"

/* Initializes libcurl; once or more often, before other threads are. */
gpg_error_t memory_init(void);

/* Wipes and frees a string; NULL is allowed. */
void memory_free(char *);

#endif
