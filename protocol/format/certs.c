/* Reads the certificates of an attestation, from PEM and DER. */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "format/certs.h"

/* Takes the next certificate from the front. */
static gpg_error_t
get_cert(struct view *der, X509 **out)
{
	size_t max = der->len < ATTEST_CERT_MAX ? der->len : ATTEST_CERT_MAX;
	const unsigned char *p = der->p;

	*out = max > 0 ? d2i_X509(NULL, &p, (long)max) : NULL;
	if (*out && (X509_get_extension_flags(*out) & EXFLAG_INVALID)) {
		X509_free(*out);
		*out = NULL;
	}
	ERR_clear_error();
	if (!*out)
		return gpg_error(GPG_ERR_BAD_CERT);
	*der = view_of(p, der->len - (size_t)(p - der->p));
	return 0;
}

/* Adds to certificates that are there. */
static gpg_error_t
add(struct attest_certs *c, struct view *der)
{
	gpg_error_t err;

	if (c->count == ATTEST_CERTS_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if (!(err = get_cert(der, &c->certs[c->count])))
		c->count++;
	return err;
}

/* The next block, which must be a certificate; GPG_ERR_EOF at the end. */
static gpg_error_t
read_one(struct attest_certs *c, BIO *bio)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	struct view v;
	gpg_error_t err;
	long len = 0;

	if (PEM_read_bio(bio, &name, &header, &der, &len) != 1) {
		unsigned long why = ERR_peek_last_error();

		ERR_clear_error();
		return gpg_error(ERR_GET_LIB(why) == ERR_LIB_PEM &&
		    ERR_GET_REASON(why) == PEM_R_NO_START_LINE ? GPG_ERR_EOF :
		    GPG_ERR_BAD_CERT);
	}
	v = view_of(der, len > 0 ? (size_t)len : 0);
	if (strcmp(name, PEM_STRING_X509) || *header ||
	    (!(err = add(c, &v)) && v.len > 0))
		err = gpg_error(GPG_ERR_BAD_CERT);
	OPENSSL_free(name);
	OPENSSL_free(header);
	/* It may have been somebody's private key. */
	OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
	return err;
}

static gpg_error_t
read_pem(struct attest_certs *c, struct view pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	gpg_error_t err = 0;

	if (!bio)
		return gpg_error(GPG_ERR_ENOMEM);
	while (!err)
		err = read_one(c, bio);
	BIO_free(bio);
	return gpg_err_code(err) == GPG_ERR_EOF ? 0 : err;
}

static void
drop(struct attest_certs *c, size_t count)
{
	while (c->count > count)
		X509_free(c->certs[--c->count]);
}

static gpg_error_t
read_der(struct attest_certs *c, struct view der)
{
	gpg_error_t err = 0;

	while (!err && der.len > 0)
		err = add(c, &der);
	return err;
}

/* All of it or nothing. */
static gpg_error_t
add_all(struct attest_certs **certs, struct view in,
    gpg_error_t (*reader)(struct attest_certs *, struct view))
{
	size_t before = attest_certs_count(*certs);
	gpg_error_t err;

	if (in.len > ATTEST_FILE_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if (in.len == 0)
		return gpg_error(GPG_ERR_NO_DATA);
	if (!*certs && !(*certs = calloc(1, sizeof(**certs))))
		return gpg_error_from_syserror();
	if (!(err = reader(*certs, in)) && (*certs)->count == before)
		err = gpg_error(GPG_ERR_NO_DATA);
	if (err)
		drop(*certs, before);
	if ((*certs)->count == 0)
		attest_certs_free(certs);
	return err;
}

gpg_error_t
attest_certs_read(struct attest_certs **certs, struct view pem)
{
	return add_all(certs, pem, read_pem);
}

gpg_error_t
attest_certs_add(struct attest_certs **certs, struct view der)
{
	return add_all(certs, der, read_der);
}

gpg_error_t
certs_push(struct attest_certs **certs, X509 *x)
{
	if (!*certs && !(*certs = calloc(1, sizeof(**certs))))
		return gpg_error_from_syserror();
	if ((*certs)->count == ATTEST_CERTS_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	X509_up_ref(x);
	(*certs)->certs[(*certs)->count++] = x;
	return 0;
}

void
attest_certs_free(struct attest_certs **certs)
{
	if (!*certs)
		return;
	drop(*certs, 0);
	free(*certs);
	*certs = NULL;
}

size_t
attest_certs_count(const struct attest_certs *c)
{
	return c ? c->count : 0;
}

bool
certs_is_root(X509 *x)
{
	return X509_NAME_cmp(X509_get_subject_name(x),
	    X509_get_issuer_name(x)) == 0 && X509_check_ca(x) == 1;
}

size_t
attest_certs_roots(const struct attest_certs *c)
{
	size_t n = 0;

	for (size_t i = 0; c && i < c->count; i++)
		n += certs_is_root(c->certs[i]);
	return n;
}

gpg_error_t
certs_put_der(X509 *x, struct buf *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);
	gpg_error_t err;

	if (len <= 0)
		return gpg_error(GPG_ERR_ENOMEM);
	err = buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	return err;
}

gpg_error_t
certs_get_key(X509 *x, struct pubkey **out)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	gpg_error_t err;

	*out = NULL;
	if (len <= 0)
		return gpg_error(GPG_ERR_ENOMEM);
	err = pubkey_from_spki(out, view_of(der, (size_t)len));
	OPENSSL_free(der);
	return err;
}

gpg_error_t
certs_put_subject(X509 *x, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	gpg_error_t err = gpg_error(GPG_ERR_ENOMEM);
	char *text;
	long len;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(x), 0,
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0 &&
	    (len = BIO_get_mem_data(bio, &text)) >= 0)
		err = buf_put(out, text, (size_t)len);
	BIO_free(bio);
	ERR_clear_error();
	return err;
}

static gpg_error_t
put_one(X509 *x, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	gpg_error_t err = gpg_error(GPG_ERR_ENOMEM);
	char *text;
	long len;

	if (bio && PEM_write_bio_X509(bio, x) == 1 &&
	    (len = BIO_get_mem_data(bio, &text)) > 0)
		err = buf_put(out, text, (size_t)len);
	BIO_free(bio);
	ERR_clear_error();
	return err;
}

gpg_error_t
attest_certs_put(const struct attest_certs *c, struct buf *out)
{
	gpg_error_t err = 0;

	for (size_t i = 0; c && i < c->count && !err; i++)
		err = put_one(c->certs[i], out);
	return err;
}

gpg_error_t
attest_certs_put_der(const struct attest_certs *c, struct buf *out)
{
	gpg_error_t err = 0;

	for (size_t i = 0; c && i < c->count && !err; i++)
		err = certs_put_der(c->certs[i], out);
	return err;
}

gpg_error_t
attest_certs_put_first(const struct attest_certs *c, struct buf *out)
{
	return attest_certs_count(c) > 0 ? certs_put_der(c->certs[0], out) :
	    gpg_error(GPG_ERR_NO_DATA);
}
