/* Reads keys of others. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "client/trust/pemkey.h"

#define FILE_MAX_BYTES 65536

static gpg_error_t
certified(const unsigned char *der, long len, struct pubkey **out)
{
	X509 *x = d2i_X509(NULL, &der, len);
	unsigned char *spki = NULL;
	int n = x ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki) : -1;
	gpg_error_t err = n <= 0 ? gpg_error(GPG_ERR_BAD_CERT) :
	    pubkey_from_spki(out, view_of(spki, (size_t)n));

	OPENSSL_free(spki);
	X509_free(x);
	return err;
}

/* With whatever headers: docker writes "role: NAME" into its public keys. */
gpg_error_t
pemkey_public(struct view v, struct pubkey **out)
{
	BIO *bio = BIO_new_mem_buf(v.p, (int)v.len);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len;
	gpg_error_t err = gpg_error(GPG_ERR_BAD_PUBKEY);

	if (bio && PEM_read_bio(bio, &name, &header, &der, &len)) {
		if (!strcmp(name, PEM_STRING_X509))
			err = certified(der, len, out);
		else if (!strcmp(name, PEM_STRING_PUBLIC))
			err = pubkey_from_spki(out, view_of(der,
			    (size_t)len));
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	return err;
}

bool
pemkey_is_file(const char *text)
{
	static const char *const ends[] = { ".pub", ".pem", ".crt" };
	size_t len = strlen(text);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (len > 4 && !strcmp(text + len - 4, ends[i]))
			return true;
	return strchr(text, '/');
}

static gpg_error_t
check_dates(struct view der)
{
	const unsigned char *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	gpg_error_t err = 0;

	if (!x || X509_cmp_current_time(X509_get0_notBefore(x)) >= 0)
		err = gpg_error(GPG_ERR_CERT_TOO_YOUNG);
	else if (X509_cmp_current_time(X509_get0_notAfter(x)) <= 0)
		err = gpg_error(GPG_ERR_CERT_EXPIRED);
	X509_free(x);
	return err;
}

/* The first alone, as Notary lists them. */
static gpg_error_t
list_certificate(struct view pem, struct grant_key *out)
{
	struct attest_certs *all = NULL, *one = NULL;
	struct buf der;
	gpg_error_t err;

	buf_init(&der, ATTEST_CERT_MAX);
	if (!(err = attest_certs_read(&all, pem)) &&
	    !(err = attest_certs_put_first(all, &der)) &&
	    !(err = check_dates(buf_view(&der))) &&
	    !(err = attest_certs_add(&one, buf_view(&der))))
		err = tufsig_put_certs(one, &out->entry, out->id);
	attest_certs_free(&all);
	attest_certs_free(&one);
	buf_free(&der);
	return err;
}

gpg_error_t
pemkey_read(const char *file, struct grant_key *out, struct problem *why)
{
	static const char certificate[] = "-----BEGIN CERTIFICATE-----";
	struct buf b;
	struct view v;
	gpg_error_t err;

	*out = (struct grant_key){ .key = NULL };
	buf_init(&b, FILE_MAX_BYTES);
	if (!(err = paths_read(file, FILE_MAX_BYTES, &b)) &&
	    !(err = pemkey_public(buf_view(&b), &out->key))) {
		v = buf_view(&b);
		err = memmem(v.p, v.len, certificate, sizeof(certificate) - 1) ?
		    list_certificate(v, out) :
		    tufsig_put_key(out->key, &out->entry, out->id);
	}
	buf_free(&b);
	return err ? problem_set(why, err, "%.300s is no file with a public "
	    "key or certificate (PEM) that a signer could have: %s", file,
	    gpg_strerror(err)) : 0;
}
