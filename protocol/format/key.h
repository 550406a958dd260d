/*
 * The inside of a public key, for this folder alone.
 */
#ifndef FORMAT_KEY_H
#define FORMAT_KEY_H

#include <openssl/evp.h>

#include "format/pubkey.h"

/* The longest numbers: RSA-4096's modulus, a P-384 point, 64-bit exponents. */
#define KEY_PUBLIC_MAX 512
#define KEY_EXPONENT_MAX 8
#define KEY_SPKI_MAX 600
#define KEY_FIELD_MAX 66

struct pubkey {
	enum key_algorithm algorithm;
	unsigned bits;
	EVP_PKEY *evp;
	EVP_PKEY_CTX *verify;	/* ready to check, for copies; or, for Ed25519: */
	EVP_MD_CTX *verify_message;
	uint8_t id[PUBKEY_ID_LEN];
	struct buf spki;
	struct buf ssh;
	struct view public;	/* within spki */
	struct view exponent;	/* within spki */
};

/* A key's numbers as they came, not yet judged. */
struct key_numbers {
	enum key_algorithm algorithm;	/* any of RSA's for RSA */
	struct view public;
	struct view exponent;
};

bool algorithm_is_rsa(enum key_algorithm);
/* Bytes of one coordinate; 0 unless ECDSA. */
size_t algorithm_field(enum key_algorithm);

/* The view without its leading zeros. */
struct view view_strip(struct view);

/*
 * r || s as DER, and back: DER has one way to be written, or it is refused
 * (GPG_ERR_BAD_SIGNATURE).
 */
gpg_error_t ecdsa_put_der(struct buf *, struct view sig);
gpg_error_t ecdsa_get_der(struct view der, size_t field,
    uint8_t out[2 * KEY_FIELD_MAX]);

/* The hash that is signed, which must have been made with one. */
struct view signing_digest(const struct signing *);

/* A positive number as SSH has it (RFC 4251, section 5). */
void key_put_mpint(struct buf *, struct view);

/*
 * Reads a SubjectPublicKeyInfo; the views point into it.  Only DER, only
 * named curves; the parameters of rsaEncryption may be missing.
 */
gpg_error_t spki_get(struct view der, struct key_numbers *);

/* Puts one anew, and tells where in it the numbers went. */
gpg_error_t spki_put(struct buf *, const struct key_numbers *,
    struct key_numbers *inside);

/*
 * Whether 32 bytes are a point of edwards25519 (RFC 8032, 5.1.3) of more than
 * eight multiples: with one of those, signatures can be made by anybody.
 */
bool ed25519_point_is_good(const uint8_t point[32]);

#endif
