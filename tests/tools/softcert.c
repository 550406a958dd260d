/* A certificate for tests. */
#include "config.h"

#include <stdint.h>

#include <openssl/x509.h>

#include "softcert.h"

size_t
softcert_make(EVP_PKEY *subject, long long not_before, uint8_t *der,
    size_t max)
{
	EVP_PKEY *signer = EVP_EC_gen("P-256");
	X509_NAME *name = X509_NAME_new();
	X509 *x = X509_new();
	size_t len = 0;
	int n = 0;

	if (x && name && signer && X509_set_version(x, 2) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 7) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"a test", -1, -1, 0) &&
	    X509_set_subject_name(x, name) && X509_set_issuer_name(x, name) &&
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)not_before) &&
	    ASN1_TIME_set(X509_getm_notAfter(x),
	    (time_t)not_before + 86400) &&
	    X509_set_pubkey(x, subject) && X509_sign(x, signer, EVP_sha256()))
		n = i2d_X509(x, NULL);
	if (n > 0 && (size_t)n <= max)
		len = (size_t)i2d_X509(x, &der);
	X509_free(x);
	X509_NAME_free(name);
	EVP_PKEY_free(signer);
	return len;
}
