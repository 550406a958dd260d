/* What an attestation says of its key, in Yubico's extensions. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "format/certs.h"
#include "wire/text.h"

#define YUBICO "1.3.6.1.4.1.41482.3."
#define SUBJECT "YubiKey PIV Attestation "

static gpg_error_t
tell(char why[ATTEST_WHY], const char *what, const char *problem)
{
	snprintf(why, ATTEST_WHY, "%s%s", what, problem);
	return gpg_error(GPG_ERR_BAD_CERT);
}

/* The one extension with this OID; its bytes live as long as x. */
static gpg_error_t
get_extension(X509 *x, const char *oid, const char *what, struct view *out,
    char why[ATTEST_WHY])
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	const ASN1_OCTET_STRING *value;
	int place, again = -1;

	if (!o)
		return gpg_error(GPG_ERR_ENOMEM);
	place = X509_get_ext_by_OBJ(x, o, -1);
	if (place >= 0)
		again = X509_get_ext_by_OBJ(x, o, place);
	ASN1_OBJECT_free(o);
	if (place < 0)
		return tell(why, what, " is not told: this is no attestation");
	if (again >= 0)
		return tell(why, what, " is told twice");
	value = X509_EXTENSION_get_data(X509_get_ext(x, place));
	*out = view_of(ASN1_STRING_get0_data(value),
	    (size_t)ASN1_STRING_length(value));
	return 0;
}

/* An extension of that many bytes. */
static gpg_error_t
get_bytes(X509 *x, const char *oid, const char *what, uint8_t *out, size_t len,
    char why[ATTEST_WHY])
{
	struct view v;
	gpg_error_t err;

	if ((err = get_extension(x, oid, what, &v, why)))
		return err;
	if (v.len != len)
		return tell(why, what, " is told in a way that is not known");
	memcpy(out, v.p, len);
	return 0;
}

/* A positive INTEGER of up to 32 bits, maybe with zeros before it. */
static gpg_error_t
get_serial(X509 *x, uint32_t *out, char why[ATTEST_WHY])
{
	static const char what[] = "the serial";
	struct view v;
	uint8_t tag, len, byte;
	uint64_t n = 0;
	gpg_error_t err;

	if ((err = get_extension(x, YUBICO "7", what, &v, why)))
		return err;
	if (view_get_u8(&v, &tag) || tag != V_ASN1_INTEGER ||
	    view_get_u8(&v, &len) || len != v.len || len < 1 || len > 5 ||
	    (v.p[0] & 0x80))
		return tell(why, what, " is no number");
	while (!view_get_u8(&v, &byte))
		n = n << 8 | byte;
	if (n > UINT32_MAX)
		return tell(why, what, " is no number");
	*out = (uint32_t)n;
	return 0;
}

static gpg_error_t
get_policies(X509 *x, struct attestation *out, char why[ATTEST_WHY])
{
	static const char what[] = "the PIN and touch policy";
	uint8_t policy[2];
	gpg_error_t err;

	if ((err = get_bytes(x, YUBICO "8", what, policy, sizeof(policy),
	    why)))
		return err;
	if (policy[0] < ATTEST_PIN_NEVER ||
	    policy[0] > ATTEST_PIN_MATCH_ALWAYS ||
	    policy[1] < ATTEST_TOUCH_NEVER || policy[1] > ATTEST_TOUCH_CACHED)
		return tell(why, what, " is none that is known");
	out->pin = policy[0];
	out->touch = policy[1];
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "YubiKey PIV Attestation 9a"; firmware that names no slot is no fault. */
static uint8_t
get_slot(X509 *x)
{
	char cn[64] = "";
	const char *p = cn + strlen(SUBJECT);
	int len = X509_NAME_get_text_by_NID(X509_get_subject_name(x),
	    NID_commonName, cn, sizeof(cn));

	if (len != (int)strlen(SUBJECT) + 2 ||
	    strncmp(cn, SUBJECT, strlen(SUBJECT)) || hex_digit(p[0]) < 0 ||
	    hex_digit(p[1]) < 0)
		return 0;
	return (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
}

static gpg_error_t
get_key(X509 *x, struct pubkey **out, char why[ATTEST_WHY])
{
	if (certs_get_key(x, out))
		return tell(why, "the key", " is of a kind that cannot be "
		    "used");
	return 0;
}

gpg_error_t
certs_get_statement(X509 *x, struct attestation *out, char why[ATTEST_WHY])
{
	gpg_error_t err;

	/* The card's own certificate also tells its firmware. */
	if (X509_check_ca(x) != 0)
		return tell(why, "the first certificate", " is an "
		    "authority's, not an attestation");
	if ((err = get_bytes(x, YUBICO "3", "the firmware", out->firmware,
	    sizeof(out->firmware), why)) ||
	    (err = get_serial(x, &out->serial, why)) ||
	    (err = get_policies(x, out, why)) ||
	    (err = get_bytes(x, YUBICO "9", "the form factor",
	    &out->form_factor, 1, why)) ||
	    (err = get_key(x, &out->key, why)))
		return err;
	out->slot = get_slot(x);
	return 0;
}

const char *
attest_pin_words(enum attest_pin pin)
{
	switch (pin) {
	case ATTEST_PIN_NEVER: return "never";
	case ATTEST_PIN_ONCE: return "once";
	case ATTEST_PIN_ALWAYS: return "always";
	case ATTEST_PIN_MATCH_ONCE: return "match once";
	case ATTEST_PIN_MATCH_ALWAYS: return "match always";
	}
	return "";
}

const char *
attest_touch_words(enum attest_touch touch)
{
	switch (touch) {
	case ATTEST_TOUCH_NEVER: return "never";
	case ATTEST_TOUCH_ALWAYS: return "always";
	case ATTEST_TOUCH_CACHED: return "cached";
	}
	return "";
}

const char *
attest_form_words(uint8_t form)
{
	static const char *const words[] = {
		"not told", "USB-A keychain", "USB-A nano", "USB-C keychain",
		"USB-C nano", "USB-C and Lightning", "USB-A biometric",
		"USB-C biometric",
	};

	form &= 0x0f;
	return form < sizeof(words) / sizeof(*words) ? words[form] :
	    "not known";
}

bool
attest_is_weak(const struct attestation *a)
{
	unsigned version = (unsigned)a->firmware[0] << 16 |
	    (unsigned)a->firmware[1] << 8 | a->firmware[2];

	return pubkey_exponent(a->key).len > 0 && version >= 0x040206 &&
	    version <= 0x040304;
}
