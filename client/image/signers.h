/*
 * Whose signatures count: public keys, certificates and roots that the user
 * gives.
 */
#ifndef CLIENT_IMAGE_SIGNERS_H
#define CLIENT_IMAGE_SIGNERS_H

#include "client/cmd.h"
#include "format/attest.h"
#include "format/pubkey.h"

#define SIGNERS_MAX 64

struct signer {
	char *label;		/* clean: a key's name, or its file */
	struct pubkey *key;	/* NULL: an OpenPGP certificate */
	int64_t after, before;	/* of a certificate, since 1970; 0: no limit */
	char *openpgp;		/* file of a certificate, or */
	char fingerprint[65];	/* one in the user's keyring; or "" */
};

struct signers {
	struct signer list[SIGNERS_MAX];
	size_t count;
	struct attest_certs *roots;	/* NULL: none */
};

/*
 * From --key, --certificate and --root; call->why.  GPG_ERR_INV_ARG if none
 * is given.  Free with signers_free(), also after an error.
 */
gpg_error_t signers_load(struct signers *, struct call *);
void signers_free(struct signers *);

#endif
