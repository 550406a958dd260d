/* The user's GnuPG keyring, by GPGME: what it has of a key, and import. */
#ifndef CLIENT_KEYRING_H
#define CLIENT_KEYRING_H

#include "format/pubkey.h"

struct keyring;

#define KEYRING_USER_IDS 16

/* A certificate that holds a key of ours. */
struct keyring_entry {
	uint32_t created;	/* the key's, as the certificate has it */
	uint32_t expires;	/* 0: never */
	char fingerprint[41];	/* of the primary key */
	char *user_ids[KEYRING_USER_IDS];	/* clean, neither revoked nor
						   invalid */
	size_t user_id_count;
};

/* With the real gpg (client/handover.h).  Close with keyring_close(). */
gpg_error_t keyring_open(struct keyring **);
void keyring_close(struct keyring **);

/*
 * The certificate whose primary key or subkey is this public key, found by
 * its fingerprint at each key's creation time.  GPG_ERR_NOT_FOUND.
 * Clear with keyring_clear().
 */
gpg_error_t keyring_find(struct keyring *, const struct pubkey *,
    struct keyring_entry *);
void keyring_clear(struct keyring_entry *);

/* Armour of the certificate with this fingerprint. */
gpg_error_t keyring_export(struct keyring *, const char *fpr, struct buf *);

/*
 * Imports a certificate and checks that it is there as the fingerprint says.
 * *changed tells whether the keyring did not have all of it.
 */
gpg_error_t keyring_import(struct keyring *, struct view certificate,
    const char *fpr, bool *changed);

/*
 * Trusts one's own certificate ultimately, unless the user has said
 * something else about it, or the key is but a subkey of it.
 */
gpg_error_t keyring_trust(struct keyring *, const char *fpr);

#endif
