/* Memory for secrets: pages that are never swapped nor dumped. */
#ifndef WIRE_PAGES_H
#define WIRE_PAGES_H

#include <stddef.h>

#define PAGE 4096

/*
 * Pages of their own; NULL where they cannot be had or locked
 * (RLIMIT_MEMLOCK).  Whoever gives them back has wiped them.
 */
void *pages_new(size_t size);
void pages_free(void *, size_t size);

#endif
