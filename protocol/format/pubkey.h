/*
 * Public keys: a key is its public key, wherever it is held.  Made from what
 * a token tells, named by the SHA-256 of its SubjectPublicKeyInfo, encoded
 * anew (named curve, uncompressed point; rsaEncryption with NULL; RFC 5280,
 * RFC 5480, RFC 8410), and used to check every signature before it leaves.
 */
#ifndef FORMAT_PUBKEY_H
#define FORMAT_PUBKEY_H

#include "wire/buf.h"

enum key_algorithm {
	ALGO_NONE = 0,
	ALGO_RSA2048 = 1,
	ALGO_RSA3072 = 2,
	ALGO_RSA4096 = 3,
	ALGO_P256 = 4,
	ALGO_P384 = 5,
	ALGO_ED25519 = 6,
	ALGO_P521 = 7,
};

#define PUBKEY_ID_LEN 32

/*
 * Immutable once made, but for what makes checking fast: one thread at a time
 * may check signatures with it.
 */
struct pubkey;

/* "P-256", "P-384", "P-521", "RSA-2048", "Ed25519"; ALGO_NONE for unknown.
 * Names are read without regard to case, with or without '-'. */
const char *algorithm_name(enum key_algorithm);
enum key_algorithm algorithm_by_name(struct view);

/*
 * From what a token tells.  `public` is the modulus, the uncompressed SEC 1
 * point (04 x y), or the 32 bytes of Ed25519; `exponent` is RSA's, else empty.
 * RSA of any length from 2048 to 4096 bits is taken.  GPG_ERR_BAD_PUBKEY if
 * the numbers are no such key (point not on the curve, even modulus, exponent
 * below 3, even or over 64 bits, an Ed25519 point for which anybody can sign,
 * …), GPG_ERR_PUBKEY_ALGO for other algorithms.  RSA's algorithm is that of
 * the next length up.  SPKI is DER; compressed points and rsaEncryption
 * without NULL are taken, explicit curve parameters are not.
 * Free with pubkey_free(), which sets the pointer to NULL.
 */
gpg_error_t pubkey_new(struct pubkey **, enum key_algorithm,
    struct view public, struct view exponent);
gpg_error_t pubkey_from_spki(struct pubkey **, struct view der);
void pubkey_free(struct pubkey **);

enum key_algorithm pubkey_algorithm(const struct pubkey *);
unsigned pubkey_bits(const struct pubkey *);

/* These live as long as the key. */
struct view pubkey_id(const struct pubkey *);		/* 32 bytes */
struct view pubkey_spki(const struct pubkey *);		/* DER */
struct view pubkey_ssh(const struct pubkey *);		/* RFC 4253, 6.6 */
struct view pubkey_public(const struct pubkey *);	/* as in pubkey_new,
							   without leading 0s */
struct view pubkey_exponent(const struct pubkey *);

/* "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa": the key's type. */
const char *pubkey_ssh_type(const struct pubkey *);

enum hash_algorithm {
	HASH_NONE = 0,	/* Ed25519: the message itself */
	HASH_SHA256,
	HASH_SHA384,
	HASH_SHA512,
};

/* By the key's strength: SHA-256 up to RSA-3072 and for P-256, SHA-384 for
 * P-384, SHA-512 for P-521, RSA-4096 and Ed25519. */
enum hash_algorithm pubkey_hash(const struct pubkey *);

/* 32 to 64 bytes of hash; returns its length. */
gpg_error_t hash_bytes(enum hash_algorithm, const struct view *parts,
    size_t count, uint8_t out[64], size_t *len);

/* token_sign.mechanism */
enum sign_mechanism {
	MECH_RSA_PKCS1 = 1,	/* data is the DigestInfo; the token pads */
	MECH_ECDSA = 2,		/* data is the hash; signature is r || s */
	MECH_EDDSA = 3,		/* data is the message */
	MECH_RSA_PSS = 4,	/* data is the hash; its length is that of the
				   salt, and MGF1 uses the same hash */
};

/* What the token is to sign.  Free with signing_free(). */
struct signing {
	enum sign_mechanism mechanism;
	enum hash_algorithm hash;
	struct buf data;
};

/*
 * Prepares a signature of `key` over the concatenated parts, hashed with
 * `hash`.  For Ed25519, HASH_NONE signs the message itself (SSH, CMS) and
 * another hash signs the hash (OpenPGP's legacy EdDSA).  ECDSA gets no more
 * of a hash than it uses.  GPG_ERR_DIGEST_ALGO if the key needs a hash,
 * GPG_ERR_TOO_LARGE if the message itself is over 131072 bytes.
 */
gpg_error_t signing_begin(struct signing *, const struct pubkey *,
    enum hash_algorithm, const struct view *parts, size_t count);
void signing_free(struct signing *);

/* The same by RSA-PSS; GPG_ERR_PUBKEY_ALGO for other keys. */
gpg_error_t signing_begin_pss(struct signing *, const struct pubkey *,
    enum hash_algorithm, const struct view *parts, size_t count);

/*
 * Checks what the token answered: RSA's of the modulus's length, r || s
 * of twice the field's length, or 64 bytes.  GPG_ERR_BAD_SIGNATURE if it is
 * not the key's signature of exactly this, whatever its length.  Threads may
 * check by the same key at once.
 */
gpg_error_t signing_check(const struct signing *, const struct pubkey *,
    struct view signature);

#endif
