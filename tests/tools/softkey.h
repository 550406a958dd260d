/*
 * A key pair in memory, for tests: the outside key that a token stands for.
 */
#ifndef TESTS_SOFTKEY_H
#define TESTS_SOFTKEY_H

#include <openssl/evp.h>

#include "format/pubkey.h"

#define SOFTKEY_SIGNATURE_MAX 512

/* NULL on failure; free with EVP_PKEY_free(). */
EVP_PKEY *softkey_new(enum key_algorithm);

/* The public half as pubkey.h has it; NULL on failure. */
struct pubkey *softkey_public(EVP_PKEY *);

/*
 * Signs as a token does: RSA pads, ECDSA gives r || s.  Returns the length,
 * 0 on failure.
 */
size_t softkey_sign(EVP_PKEY *, const struct signing *,
    uint8_t out[SOFTKEY_SIGNATURE_MAX]);

#endif
