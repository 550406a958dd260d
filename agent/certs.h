/*
 * SSH certificates of keys on tokens: from files beside the keys' records, and
 * those that came with a module (ssh-add -s).  Each was checked when it came:
 * it is whole, and its authority signed it.
 */
#ifndef AGENT_CERTS_H
#define AGENT_CERTS_H

#include "agent.h"
#include "format/pubkey.h"
#include "wire/msg.h"

#define CERTS_MAX 256

struct key;

struct cert {
	uint8_t id[PUBKEY_ID_LEN];	/* of its key */
	struct buf blob;
	char *comment;			/* clean */
	uint64_t after, before;		/* seconds since 1970 */
};

/*
 * Takes a certificate in; the comment NULL: its own id.  GPG_ERR_TOO_LARGE
 * beyond CERTS_MAX, or what ssh_cert_read() says.
 */
gpg_error_t certs_add(struct certs *, struct view blob, const char *comment);
void certs_clear(struct certs *);

/*
 * Reads NAME-cert.pub and NAME-*-cert.pub of the folder anew, for each key
 * that a record names NAME; what is not right is logged and left out.
 */
void certs_load(struct agent *, const char *dir);

/* The certificate with that blob that is good now, or NULL. */
const struct cert *certs_find(const struct certs *, struct view blob);

/* The next of the key, from *at on; NULL at the end. */
const struct cert *certs_of(const struct certs *, const struct key *,
    size_t *at);

/* The same of those that are good now. */
const struct cert *certs_next(const struct certs *, const struct key *,
    size_t *at);

#endif
