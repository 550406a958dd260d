/*
 * What an SSH client gives an agent to keep: private keys (RFC 9987, 3.2) and
 * the constraints on keys (3.2.7; OpenSSH's PROTOCOL.agent).
 *
 * Nothing here allocates but the public half; all views point into the
 * message.
 */
#ifndef FORMAT_SSHADD_H
#define FORMAT_SSHADD_H

#include "format/pubkey.h"

/* A private key, with its numbers where the message has them. */
struct ssh_private {
	struct pubkey *pub;
	struct view certificate;	/* its blob, or empty */
	struct view numbers[4];		/* Ed25519: the seed; ECDSA: d; RSA: d,
					   iqmp, p, q */
	struct view key;		/* all of this, as it came */
	struct view comment;		/* as it came; not clean */
};

/*
 * Takes a key off the front of an add-identity's body.  That the public half
 * belongs to the private one is for who can compute.  GPG_ERR_PUBKEY_ALGO for
 * types that are not kept (DSA, security keys), GPG_ERR_BAD_SECKEY for what
 * is malformed, or the error of the certificate.  Free with
 * ssh_private_free(), which leaves an empty struct.
 */
gpg_error_t ssh_private_get(struct view *, struct ssh_private *);

/* The same of `key` alone, without a comment and with nothing behind. */
gpg_error_t ssh_private_read(struct view, struct ssh_private *);
void ssh_private_free(struct ssh_private *);

/* What limits a key's use. */
struct ssh_constraints {
	uint32_t lifetime_s;		/* 0: none */
	bool confirm;
	bool restricted;		/* to destinations: */
	struct view destinations;	/* for ssh_hop_pair_next() */
	bool certs_only;
	struct view certs;		/* strings, one behind the other */
};

/*
 * Reads constraints until the end.  Each may be there once.  Unknown ones are
 * refused (GPG_ERR_NOT_SUPPORTED), malformed ones too (GPG_ERR_BAD_DATA), and
 * more than the bounds below (GPG_ERR_TOO_LARGE).
 */
#define SSH_DESTINATIONS_MAX 1024
#define SSH_HOP_KEYS_MAX 1024		/* of one hop */
#define SSH_CERTS_MAX 256
gpg_error_t ssh_constraints_read(struct view, struct ssh_constraints *);

/*
 * One step that a key may take (restrict-destination-v00@openssh.com): from a
 * host (empty: from here) to a user at a host.  Patterns: ssh_pattern_matches().
 */
struct ssh_hop {
	struct view user;		/* empty: any */
	struct view host;
	struct view keys;		/* for ssh_hop_key_next() */
};
struct ssh_hop_pair {
	struct ssh_hop from, to;
};

/* The next of a list that ssh_constraints_read() took; false at its end. */
bool ssh_hop_pair_next(struct view *destinations, struct ssh_hop_pair *);
bool ssh_hop_key_next(struct view *keys, struct view *blob, bool *authority);

#endif
