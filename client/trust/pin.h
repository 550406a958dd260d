/*
 * Whether a root is the one that is meant: by a key that the user names, and
 * by the repository's name in the certificates of its keys.
 */
#ifndef CLIENT_TRUST_PIN_H
#define CLIENT_TRUST_PIN_H

#include "client/trust/role.h"

/* A root key that the user knows; empty: none. */
struct pin {
	char id[TUF_ID_LEN + 1];	/* as root lists it, or of the key */
	struct pubkey *key;		/* of a file */
	const char *text;		/* as it was given */
};

/*
 * Reads 64 hex digits, or a file with a certificate or public key in PEM;
 * NULL is no pin.  Free with pin_free(), also after an error.
 */
gpg_error_t pin_read(struct pin *, const char *text, struct problem *);
void pin_free(struct pin *);

/* The root's signatures are verified; the key must be among theirs. */
gpg_error_t pin_check(const struct pin *, const struct trust_role *root,
    struct problem *);

/*
 * As many as must have signed the root have certificates in the repository's
 * name, as Notary has it: the key alone may be of many repositories.  They are
 * good now, since what is trusted for the first time, or next, is new.
 */
gpg_error_t pin_check_name(const struct trust_role *root, const char *gun,
    int64_t now, struct problem *);

/* SHA-256 of a key's first certificate, hex; "" if it has none. */
void pin_fingerprint(const struct tuf_key *, char hex[65]);

#endif
