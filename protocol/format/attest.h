/*
 * Attestations of YubiKeys' PIV keys: a certificate for the key, signed by
 * the card's own key F9, whose certificate leads to the maker's root.  Read
 * and verified here, offline, at a time that the caller tells.
 *
 * What the card says of the key is in Yubico's extensions, below the OID
 * 1.3.6.1.4.1.41482.3: 3 the firmware, 7 the serial, 8 the PIN and the touch
 * policy, 9 the form factor (https://developers.yubico.com/PIV/Introduction/
 * PIV_attestation.html).
 */
#ifndef FORMAT_ATTEST_H
#define FORMAT_ATTEST_H

#include "format/pubkey.h"

#define ATTEST_FILE_MAX (256 * 1024)	/* of PEM, bytes */
#define ATTEST_CERT_MAX 4096		/* of DER, bytes */
#define ATTEST_CERTS_MAX 64		/* Yubico has two dozen authorities */
#define ATTEST_WHY 200

/* Certificates in the order in which they came. */
struct attest_certs;

/*
 * Adds certificates, at least one, to those that are there (*certs may be
 * NULL): from PEM, with any text in between; from DER, one behind the other.
 * GPG_ERR_NO_DATA where there is none, GPG_ERR_BAD_CERT, GPG_ERR_TOO_LARGE;
 * nothing is added then.  Free with attest_certs_free().
 */
gpg_error_t attest_certs_read(struct attest_certs **certs, struct view pem);
gpg_error_t attest_certs_add(struct attest_certs **certs, struct view der);
void attest_certs_free(struct attest_certs **);
size_t attest_certs_count(const struct attest_certs *);

/* How many of them can be roots, signing themselves. */
size_t attest_certs_roots(const struct attest_certs *);

/* Appends them as PEM. */
gpg_error_t attest_certs_put(const struct attest_certs *, struct buf *);

/* Appends all of them, or the first, as DER, one behind the other. */
gpg_error_t attest_certs_put_der(const struct attest_certs *, struct buf *);
gpg_error_t attest_certs_put_first(const struct attest_certs *,
    struct buf *);

/* As in the extension; others are refused. */
enum attest_pin {
	ATTEST_PIN_NEVER = 1,
	ATTEST_PIN_ONCE = 2,
	ATTEST_PIN_ALWAYS = 3,
	ATTEST_PIN_MATCH_ONCE = 4,	/* a fingerprint, or the PIN */
	ATTEST_PIN_MATCH_ALWAYS = 5,
};

enum attest_touch {
	ATTEST_TOUCH_NEVER = 1,
	ATTEST_TOUCH_ALWAYS = 2,
	ATTEST_TOUCH_CACHED = 3,
};

#define ATTEST_FORM_FIPS 0x80	/* in form_factor */

/* What a card says of a key that was made on it. */
struct attestation {
	struct pubkey *key;
	uint32_t serial;
	uint8_t firmware[3];
	uint8_t form_factor;
	uint8_t slot;		/* from the name; 0: not told */
	enum attest_pin pin;
	enum attest_touch touch;
	char root[128];		/* the root's name, clean */
	struct attest_certs *path;	/* from the key's up to the root, which
					   is left out: what others need */
};

/*
 * Verifies that the first certificate of the chain attests a key and leads,
 * by the others and those of `roots` that are none, to one that signs itself
 * in `roots`; all must be valid at `now` (seconds since 1970), and those that
 * sign be authorities.  With `key` it must be the key that is attested.
 *
 * GPG_ERR_BAD_CERT_CHAIN, GPG_ERR_CERT_EXPIRED, GPG_ERR_CERT_TOO_YOUNG,
 * GPG_ERR_BAD_CERT (no attestation: an extension that is missing, twice there
 * or not as it should be; a key of another kind), GPG_ERR_BAD_PUBKEY; `why`
 * has a reason for people, clean.  Free with attestation_free().
 */
gpg_error_t attest_verify(const struct attest_certs *chain,
    const struct attest_certs *roots, uint64_t now, const struct pubkey *key,
    struct attestation *, char why[ATTEST_WHY]);
void attestation_free(struct attestation *);

/* Words for people: "never", "always"; "USB-C keychain". */
const char *attest_pin_words(enum attest_pin);
const char *attest_touch_words(enum attest_touch);
const char *attest_form_words(uint8_t form_factor);

/*
 * Whether RSA keys that such a card makes can be factored: firmware 4.2.6 to
 * 4.3.4 (CVE-2017-15361).
 */
bool attest_is_weak(const struct attestation *);

#endif
