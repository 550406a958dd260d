/* Allocators for libcurl and jansson that wipe what they free. */
#include "config.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include <jansson.h>

#include "client/registry/memory.h"

static void
wipe_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

static void *
wipe_realloc(void *p, size_t size)
{
	size_t had = p ? malloc_usable_size(p) : 0;
	void *n = malloc(size);

	if (!n)
		return NULL;
	if (p)
		memcpy(n, p, had < size ? had : size);
	wipe_free(p);
	return n;
}

void
memory_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

/* What was allocated before can still be freed: all is malloc's. */
gpg_error_t
memory_init(void)
{
	json_set_alloc_funcs(malloc, wipe_free);
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_free,
	    wipe_realloc, strdup, calloc))
		return gpg_error(GPG_ERR_NOT_INITIALIZED);
	return 0;
}
