/*
 * Memory for PINs: whole pages of their own, locked, left out of core dumps
 * and forks, wiped when they are given back.
 */
#ifndef PROMPT_SECRET_H
#define PROMPT_SECRET_H

#include <stddef.h>

/* Zeroed; NULL with errno set, also where the memory cannot be locked. */
void *secret_alloc(size_t);
void *secret_realloc(void *, size_t);
void secret_free(void *);	/* wipes; NULL is fine */

#endif
