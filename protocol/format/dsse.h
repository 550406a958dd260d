/*
 * DSSE envelopes over in-toto statements, and sigstore's bundles of them:
 * what cosign 3 writes as a referrer of an image, and cosign 2 as an
 * attestation (https://github.com/secure-systems-lab/dsse, protocol 1.0;
 * sigstore's protobuf-specs, bundle 0.1 to 0.3).
 */
#ifndef FORMAT_DSSE_H
#define FORMAT_DSSE_H

#include "wire/buf.h"

#define DSSE_BUNDLE "application/vnd.dev.sigstore.bundle.v0.3+json"
#define DSSE_ENVELOPE "application/vnd.dsse.envelope.v1+json"
#define DSSE_MAX ((size_t)24 * 1024 * 1024)	/* bytes, of an envelope */
#define DSSE_PAYLOAD_MAX ((size_t)16 * 1024 * 1024)

/*
 * Puts the head of what is signed, which the statement follows: "DSSEv1 28
 * application/vnd.in-toto+json LEN ".
 */
gpg_error_t dsse_put_head(struct buf *, size_t statement_len);

/* Puts {"payloadType":…,"payload":…,"signatures":[…]}. */
gpg_error_t dsse_put(struct buf *, struct view statement,
    struct view signature);

/*
 * Puts a bundle.  With `certificate` (DER) it has that, else the key's hint,
 * which is the base64 of the 32 bytes of its pubkey_id().
 */
gpg_error_t dsse_put_bundle(struct buf *, struct view statement,
    struct view signature, struct view key_id, struct view certificate);

/* One that came from outside. */
struct dsse {
	struct buf statement;
	struct buf signature;
	struct buf certificate;	/* DER; empty: none */
	char hint[128];		/* clean; "": none */
	bool bundle;
};

/*
 * Reads an envelope or a bundle with one signature of an in-toto statement.
 * GPG_ERR_BAD_DATA and *why (a constant): keys that repeat, several
 * signatures, another payload.  What logs and timestamps say is not looked
 * at.  Free with dsse_free().
 */
gpg_error_t dsse_read(struct dsse *, struct view, const char **why);
void dsse_free(struct dsse *);

#endif
