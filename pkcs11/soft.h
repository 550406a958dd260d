/*
 * Private keys that SSH clients gave to keep, as a backend: in memory alone,
 * until they are removed, their time is over, or the process ends.
 *
 * All that OpenSSL allocates once this has opened, the keys and what it
 * computes with them, is in one arena: locked, not dumped, wiped when freed.
 */
#ifndef PKCS11_SOFT_H
#define PKCS11_SOFT_H

#include <pthread.h>
#include <openssl/evp.h>

#include "format/pubkey.h"
#include "keeper.h"
#include "token.h"

#define SOFT_KEYS_MAX 128

struct soft_key {
	uint32_t number;	/* never another key's */
	EVP_PKEY *evp;		/* in the arena */
	struct pubkey *pub;
	char *label;
	uint64_t until_ms;	/* keeper_now(); 0: for ever */
};

struct soft {
	pthread_rwlock_t mu;	/* of the keys */
	struct soft_key keys[SOFT_KEYS_MAX];
	size_t count;
	uint32_t last;		/* number that was given */
	size_t room;		/* of the arena, bytes, */
	size_t reserve;		/* and what signing needs of it */
	struct keeper *keeper;
	struct token_ear ear;
};

/* ---- soft-memory.c ---- */

/*
 * From now on OpenSSL has the arena, as large as may be locked beside `else`
 * bytes.  Before its first use in this process.
 */
gpg_error_t soft_memory_init(size_t beside, size_t *room, struct problem *);

/* ---- soft-make.c ---- */

/*
 * The key of an SSH client's bytes (RFC 9987, 3.2), whose halves belong
 * together: GPG_ERR_BAD_SECKEY where they do not.
 */
gpg_error_t soft_make(struct view bytes, EVP_PKEY **, struct pubkey **,
    struct problem *);

/* ---- soft-sign.c ---- */

/* One signature as signing_check() wants it, by an algorithm's key. */
gpg_error_t soft_sign_with(EVP_PKEY *, enum key_algorithm, uint8_t mechanism,
    struct view data, uint8_t *signature, size_t *len);

/* ---- soft-keys.c: struct token_ops ---- */

gpg_error_t soft_list(void *, unsigned worker, bool anew, struct buf *slot_buf,
    struct msg_list *slots, struct buf *key_buf, struct msg_list *keys,
    struct problem *);
gpg_error_t soft_sign(void *, unsigned worker, const struct token_signing *,
    uint8_t *signature, size_t *len, struct problem *);
gpg_error_t soft_import(void *, unsigned worker,
    const struct msg_token_import *, struct buf *key_buf,
    struct msg_list *keys, struct problem *);
gpg_error_t soft_remove(void *, unsigned worker, uint32_t key,
    struct problem *);
void soft_wipe(void *);

/* The keeper's call: removes what has lived its time. */
void soft_expire(void *);

#endif
