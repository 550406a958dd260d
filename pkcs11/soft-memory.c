/* OpenSSL's memory: locked, not dumped, wiped when it is freed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "soft.h"

#define ARENA_MOST (4 * 1024 * 1024)
#define ARENA_LEAST (64 * 1024)
#define ARENA_UNIT 32

/*
 * OpenSSL's secure heap does the work.  Its own books, and what OpenSSL makes
 * of itself before there are keys, are on the ordinary heap.
 */
static void *
allocate(size_t n, const char *file, int line)
{
	if (CRYPTO_secure_malloc_initialized())
		return CRYPTO_secure_malloc(n, file, line);
	return malloc(n);
}

static void
release(void *p, const char *file, int line)
{
	if (CRYPTO_secure_allocated(p))
		CRYPTO_secure_free(p, file, line);
	else
		free(p);
}

static void *
reallocate(void *p, size_t n, const char *file, int line)
{
	size_t have;
	void *q;

	if (!p)
		return allocate(n, file, line);
	if (n == 0) {
		release(p, file, line);
		return NULL;
	}
	/* What was made before there were keys holds none when it grows. */
	if (!CRYPTO_secure_allocated(p))
		return realloc(p, n);
	have = CRYPTO_secure_actual_size(p);
	if (have >= n)
		return p;
	if (!(q = allocate(n, file, line)))
		return NULL;
	memcpy(q, p, have);
	release(p, file, line);
	return q;
}

/* Has OpenSSL look up what it will use, so that the arena is for keys. */
static bool
warm_up(void)
{
	EVP_PKEY *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_PKEY *p256 = EVP_EC_gen("P-256");
	uint8_t signature[TOKEN_SIGNATURE_MAX], data[32] = { 0 };
	bool ok = true;
	size_t len;

	ok = !soft_sign_with(ed25519, ALGO_ED25519, MECH_EDDSA,
	    view_of(data, sizeof(data)), signature, &len) &&
	    !soft_sign_with(p256, ALGO_P256, MECH_ECDSA,
	    view_of(data, sizeof(data)), signature, &len);
	EVP_PKEY_free(ed25519);
	EVP_PKEY_free(p256);
	return ok;
}

/* The largest power of two that may be locked; 0: too little may. */
static size_t
choose_room(size_t beside)
{
	size_t room = ARENA_MOST;
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	while (room >= ARENA_LEAST && limit.rlim_cur != RLIM_INFINITY &&
	    room + beside > limit.rlim_cur)
		room /= 2;
	return room >= ARENA_LEAST ? room : 0;
}

gpg_error_t
soft_memory_init(size_t beside, size_t *room, struct problem *pb)
{
	if (!CRYPTO_set_mem_functions(allocate, reallocate, release) ||
	    !OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_NO_ATEXIT, NULL) || !warm_up())
		return problem_say(pb, GPG_ERR_GENERAL,
		    "OpenSSL could not be prepared");
	*room = choose_room(beside);
	/* 1: locked and guarded; 2: something of that is missing. */
	if (*room == 0 ||
	    CRYPTO_secure_malloc_init(*room, ARENA_UNIT) != 1)
		return problem_say(pb, GPG_ERR_ENOMEM, "keys can only be kept "
		    "in memory that is locked, and this system allows too "
		    "little of it: raise the limit (ulimit -l, LimitMEMLOCK) "
		    "to 8 MiB and start the agent again");
	return 0;
}
