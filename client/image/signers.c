/* Reads the keys, certificates and roots that signatures are checked with. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "client/image/signers.h"
#include "client/key.h"
#include "local/paths.h"
#include "wire/text.h"

#define FILE_MAX (64 * 1024)

static gpg_error_t
add(struct signers *s, struct call *c, const char *label, struct signer **out)
{
	char clean[256];

	if (s->count == SIGNERS_MAX)
		return call_problem(c, GPG_ERR_INV_ARG, "at most %d keys and "
		    "certificates can be given", SIGNERS_MAX);
	*out = &s->list[s->count];
	(*out)->label = strdup(text_clean(clean, sizeof(clean),
	    view_str(label)));
	if (!(*out)->label)
		return gpg_error(GPG_ERR_ENOMEM);
	s->count++;
	return 0;
}

/* A name that a key cannot have, so that no file is taken for a key. */
static bool
is_file(const char *text)
{
	static const char *const ends[] = { ".pub", ".pem", ".crt", ".asc",
		".pgp", ".gpg" };
	size_t len = strlen(text);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (len > 4 && !strcmp(text + len - 4, ends[i]))
			return true;
	return strchr(text, '/');
}

static gpg_error_t
key_of(X509_PUBKEY *pub, struct pubkey **out)
{
	unsigned char *der = NULL;
	int len = pub ? i2d_X509_PUBKEY(pub, &der) : -1;
	gpg_error_t err;

	if (len <= 0)
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	err = pubkey_from_spki(out, view_of(der, (size_t)len));
	OPENSSL_free(der);
	return err;
}

static bool
seconds_of(const ASN1_TIME *t, int64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;
	bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, t);

	if (ok)
		*out = (int64_t)days * 86400 + seconds;
	ASN1_TIME_free(epoch);
	return ok;
}

static gpg_error_t
read_certificate(BIO *bio, struct signer *one)
{
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	gpg_error_t err = gpg_error(GPG_ERR_BAD_CERT);

	if (x && seconds_of(X509_get0_notBefore(x), &one->after) &&
	    seconds_of(X509_get0_notAfter(x), &one->before))
		err = key_of(X509_get_X509_PUBKEY(x), &one->key);
	X509_free(x);
	return err;
}

/* "-----BEGIN PUBLIC KEY-----", and DER in base64. */
static gpg_error_t
read_public(BIO *bio, struct signer *one)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len;
	gpg_error_t err = gpg_error(GPG_ERR_BAD_PUBKEY);

	if (PEM_read_bio(bio, &name, &header, &der, &len) &&
	    !strcmp(name, PEM_STRING_PUBLIC))
		err = pubkey_from_spki(&one->key, view_of(der, (size_t)len));
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return err;
}

static bool
has(struct view v, const char *text)
{
	return memmem(v.p, v.len, text, strlen(text));
}

static gpg_error_t
add_file(struct signers *s, struct call *c, const char *file)
{
	struct signer *one;
	struct buf b;
	struct view v;
	BIO *bio = NULL;
	gpg_error_t err;

	buf_init(&b, FILE_MAX);
	if ((err = paths_read(file, FILE_MAX, &b))) {
		call_problem(c, err, "%s cannot be read: %s", file,
		    gpg_strerror(err));
		goto out;
	}
	if ((err = add(s, c, file, &one)))
		goto out;
	v = buf_view(&b);
	if (!(bio = BIO_new_mem_buf(v.p, (int)v.len)))
		err = gpg_error(GPG_ERR_ENOMEM);
	else if (has(v, "-----BEGIN CERTIFICATE-----"))
		err = read_certificate(bio, one);
	else if (has(v, "-----BEGIN PUBLIC KEY-----"))
		err = read_public(bio, one);
	else if (has(v, "-----BEGIN PGP PUBLIC KEY BLOCK-----") ||
	    (v.len > 0 && v.p[0] & 0x80))
		err = (one->openpgp = strdup(file)) ? 0 :
		    gpg_error(GPG_ERR_ENOMEM);
	else
		err = gpg_error(GPG_ERR_NO_DATA);
	if (err)
		call_problem(c, err, "%s holds no public key that can be "
		    "used (PEM, a certificate, or OpenPGP's): %s", file,
		    gpg_strerror(err));
out:
	BIO_free(bio);
	buf_free(&b);
	return err;
}

/* Forty digits are OpenPGP's, of whatever keyring has it. */
static bool
is_fingerprint(const char *text)
{
	return strlen(text) == 40 &&
	    strspn(text, "0123456789abcdefABCDEF") == 40;
}

static gpg_error_t
add_ours(struct signers *s, struct call *c, const char *text)
{
	struct key_info *k = NULL;
	struct signer *one;
	gpg_error_t err = 0;

	if (c->talk.fd < 0)
		err = call_connect(c, CONNECT_START);
	if (!err && !(err = keys_fetch_one(c, text, false, &k)) &&
	    !(err = add(s, c, k->name[0] ? k->name : text, &one))) {
		one->key = k->pub;
		k->pub = NULL;
	}
	keys_free(&k, 1);
	return err;
}

static gpg_error_t
add_key(struct signers *s, struct call *c, const char *text)
{
	struct signer *one;
	gpg_error_t err;

	if (is_file(text))
		return add_file(s, c, text);
	if (!is_fingerprint(text))
		return add_ours(s, c, text);
	/* A key of ours signs more than OpenPGP. */
	if (connect_configured(&c->paths) && !add_ours(s, c, text))
		return 0;
	if (!(err = add(s, c, text, &one)))
		snprintf(one->fingerprint, sizeof(one->fingerprint), "%s",
		    text);
	return err;
}

static gpg_error_t
add_roots(struct signers *s, struct call *c, const char *file)
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, ATTEST_FILE_MAX);
	if ((err = paths_read(file, ATTEST_FILE_MAX, &b)) ||
	    (err = attest_certs_read(&s->roots, buf_view(&b))))
		call_problem(c, err, "%s gives no roots: %s", file,
		    gpg_strerror(err));
	buf_free(&b);
	return err;
}

gpg_error_t
signers_load(struct signers *s, struct call *c)
{
	const char *text;
	gpg_error_t err = 0;

	*s = (struct signers){ .count = 0 };
	for (size_t i = 0; !err && (text = call_each(c, "key", i)); i++)
		err = add_key(s, c, text);
	for (size_t i = 0; !err && (text = call_each(c, "certificate", i)); i++)
		err = add_file(s, c, text);
	for (size_t i = 0; !err && (text = call_each(c, "root", i)); i++)
		err = add_roots(s, c, text);
	if (!err && s->count == 0 && !s->roots)
		err = call_problem(c, GPG_ERR_INV_ARG, "whose signatures "
		    "count? Give --key, --certificate or --root");
	return err;
}

void
signers_free(struct signers *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->list[i].label);
		free(s->list[i].openpgp);
		pubkey_free(&s->list[i].key);
	}
	attest_certs_free(&s->roots);
	s->count = 0;
}
