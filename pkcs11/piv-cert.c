/*
 * What of a certificate concerns a key: whose it is, from when, until when;
 * and its policies, if a card attests them by it.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include <openssl/x509.h>

#include "piv.h"
#include "wire/text.h"

/* Seconds since 1970; 0 for what does not fit or has no end (99991231…). */
static uint32_t
seconds(const ASN1_TIME *t)
{
	struct tm tm = { 0 };
	time_t at;

	if (!ASN1_TIME_to_tm(t, &tm))
		return 0;
	at = timegm(&tm);
	return at > 0 && at < UINT32_MAX ? (uint32_t)at : 0;
}

static gpg_error_t
take_key(X509 *x, struct pubkey **pub)
{
	unsigned char *der = NULL;
	gpg_error_t err;
	int len;

	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	if (len <= 0)
		return gpg_error(GPG_ERR_BAD_CERT);
	err = pubkey_from_spki(pub, view_of(der, (size_t)len));
	OPENSSL_free(der);
	return err;
}

static void
take_name(X509 *x, char *dst, size_t size)
{
	unsigned char *text = NULL;
	int at, len = 0;

	at = X509_NAME_get_index_by_NID(X509_get_subject_name(x),
	    NID_commonName, -1);
	if (at >= 0)
		len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(X509_get_subject_name(x), at)));
	if (len > 0)
		text_clean(dst, size, view_of(text, (size_t)len));
	OPENSSL_free(text);
}

/* Yubico's extension: two bytes, bare (format/attest.h). */
static void
take_policies(X509 *x, struct piv_certificate *out)
{
	ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.4.1.41482.3.8", 1);
	const ASN1_OCTET_STRING *value;
	const unsigned char *p;
	int at;

	if (!id)
		return;
	at = X509_get_ext_by_OBJ(x, id, -1);
	ASN1_OBJECT_free(id);
	if (at < 0)
		return;
	value = X509_EXTENSION_get_data(X509_get_ext(x, at));
	p = ASN1_STRING_get0_data(value);
	if (ASN1_STRING_length(value) != 2 || p[0] > PIN_POLICY_ALWAYS ||
	    p[1] > TOUCH_POLICY_CACHED)
		return;
	out->pin_policy = p[0];
	out->touch_policy = p[1];
}

gpg_error_t
piv_certificate(struct view der, struct piv_certificate *out)
{
	const unsigned char *p = der.p;
	gpg_error_t err;
	X509 *x;

	memset(out, 0, sizeof(*out));
	if (!(x = d2i_X509(NULL, &p, (long)der.len)))
		return gpg_error(GPG_ERR_BAD_CERT);
	if (p != der.p + der.len)
		err = gpg_error(GPG_ERR_BAD_CERT);
	else
		err = take_key(x, &out->pub);
	if (!err) {
		out->created = seconds(X509_get0_notBefore(x));
		out->expires = seconds(X509_get0_notAfter(x));
		take_name(x, out->name, sizeof(out->name));
		take_policies(x, out);
	}
	X509_free(x);
	return err;
}
