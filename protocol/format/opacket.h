/*
 * OpenPGP's packets, subpackets and numbers, for this folder alone.
 */
#ifndef FORMAT_OPACKET_H
#define FORMAT_OPACKET_H

#include "format/openpgp.h"

/* No packet of ours is longer, nor a user id or comment; bytes. */
#define OPACKET_MAX 4096
#define OPACKET_TEXT_MAX 1024

enum opacket_tag {
	PACKET_SIGNATURE = 2,
	PACKET_ONE_PASS = 4,
	PACKET_PUBLIC_KEY = 6,
	PACKET_COMPRESSED = 8,
	PACKET_LITERAL = 11,
	PACKET_USER_ID = 13,
};

/* RFC 4880, 5.2.3.1; the issuer fingerprint is RFC 9580's. */
enum osubpacket {
	SUB_CREATED = 2,
	SUB_EXPIRES = 3,
	SUB_KEY_EXPIRES = 9,
	SUB_CIPHERS = 11,
	SUB_ISSUER = 16,
	SUB_HASHES = 21,
	SUB_COMPRESSIONS = 22,
	SUB_PRIMARY = 25,
	SUB_KEY_FLAGS = 27,
	SUB_SIGNER = 28,
	SUB_REASON = 29,
	SUB_FEATURES = 30,
	SUB_ISSUER_FPR = 33,
};

/* The numbers of the key's algorithm, and of a hash. */
uint8_t opacket_algorithm(const struct pubkey *);
uint8_t opacket_hash(enum hash_algorithm);

/* A packet: header in the old format, as GnuPG writes it, and body. */
gpg_error_t opacket_put(struct buf *, enum opacket_tag, struct view body);

/* Puts a subpacket of the bytes, of a number, or of one byte. */
void osubpacket_put(struct buf *, enum osubpacket, struct view);
void osubpacket_put_u32(struct buf *, enum osubpacket, uint32_t);
void osubpacket_put_u8(struct buf *, enum osubpacket, uint8_t);

/* The body of a version 4 public key packet. */
gpg_error_t opacket_put_key_body(struct buf *, const struct openpgp_key *);

/* What goes before a document that the signature follows (RFC 4880, 5.4). */
gpg_error_t openpgp_put_one_pass(const struct openpgp_sig *, struct buf *);

/* A signature's numbers.  GPG_ERR_BAD_SIGNATURE if it has no right length. */
gpg_error_t opacket_put_numbers(struct buf *, const struct pubkey *,
    struct view signature);

#endif
