/*
 * What cosign asks of its plugin: the second argument of the command line
 * (github.com/sigstore/sigstore, pkg/signature/kms/cliplugin, protocol v1).
 */
#ifndef CLIENT_KMS_ASK_H
#define CLIENT_KMS_ASK_H

#include "client/plugin.h"
#include "format/pubkey.h"

enum kms_method {
	KMS_DEFAULT_ALGORITHM,
	KMS_SUPPORTED_ALGORITHMS,
	KMS_CREATE_KEY,
	KMS_PUBLIC_KEY,
	KMS_SIGN,
	KMS_VERIFY,
};

struct kms_ask {
	enum kms_method method;
	char key[PLUGIN_KEY_MAX + 1];
	enum hash_algorithm hash;
	struct buf digest;	/* empty: none came */
	struct buf signature;	/* to be verified */
};

/* The method's name, which is that of its answer too. */
const char *kms_method_name(enum kms_method);

/* Free with kms_ask_free() in any case. */
gpg_error_t kms_ask_read(struct plugin *, int argc, char *const *argv,
    struct kms_ask *);
void kms_ask_free(struct kms_ask *);

#endif
