/* Locked memory, by the page. */
#include "config.h"

#include <sys/mman.h>

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "secret.h"

/* At the start of the first page. */
struct head {
	alignas(max_align_t) size_t mapped;
	size_t size;
};

void *
secret_alloc(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), mapped;
	struct head *h;

	if (size > SIZE_MAX - sizeof(*h) - page) {
		errno = ENOMEM;
		return NULL;
	}
	mapped = (size + sizeof(*h) + page - 1) / page * page;
	h = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h == MAP_FAILED)
		return NULL;
	if (mlock(h, mapped) || madvise(h, mapped, MADV_DONTDUMP) ||
	    madvise(h, mapped, MADV_DONTFORK)) {
		munmap(h, mapped);
		errno = ENOMEM;
		return NULL;
	}
	h->mapped = mapped;
	h->size = size;
	return h + 1;
}

void
secret_free(void *p)
{
	struct head *h = p;
	size_t mapped;

	if (!h)
		return;
	h--;
	mapped = h->mapped;
	explicit_bzero(h, mapped);
	munmap(h, mapped);
}

void *
secret_realloc(void *p, size_t size)
{
	struct head *h = p;
	void *moved;

	if (!(moved = secret_alloc(size)) || !p)
		return moved;
	h--;
	memcpy(moved, p, h->size < size ? h->size : size);
	secret_free(p);
	return moved;
}
