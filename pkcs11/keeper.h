/*
 * A thread that calls back when a time has come.  Its clock also counts the
 * time that the machine sleeps (CLOCK_BOOTTIME), so that a PIN does not
 * outlive its time in a closed notebook.
 */
#ifndef PKCS11_KEEPER_H
#define PKCS11_KEEPER_H

#include <stdint.h>
#include <gpg-error.h>

struct keeper;

/* `fire` runs in the keeper's thread.  keeper_free() waits for it to end. */
gpg_error_t keeper_new(struct keeper **, void (*fire)(void *), void *);
void keeper_free(struct keeper **);

/* Calls back at `at_ms` instead of any earlier wish; 0: not at all. */
void keeper_set(struct keeper *, uint64_t at_ms);

/* Milliseconds on the keeper's clock; never 0. */
uint64_t keeper_now(void);

#endif
