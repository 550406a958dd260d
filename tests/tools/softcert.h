/*
 * A certificate for tests, of any public key: signed by a key of its own,
 * since nobody here checks that.
 */
#ifndef TESTS_SOFTCERT_H
#define TESTS_SOFTCERT_H

#include <openssl/evp.h>

/* DER of at most `max` bytes; 0 on failure.  not_before in seconds. */
size_t softcert_make(EVP_PKEY *subject, long long not_before, uint8_t *der,
    size_t max);

#endif
