/* Memory for secrets, from the kernel. */
#include "config.h"

#include <sys/mman.h>

#include "wire/pages.h"

void *
pages_new(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mlock(p, size) || madvise(p, size, MADV_DONTDUMP)) {
		munmap(p, size);
		return NULL;
	}
	return p;
}

void
pages_free(void *p, size_t size)
{
	munmap(p, size);
}
