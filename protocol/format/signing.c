/* What a token is to sign, and whether what it answered is that signature. */
#include "config.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "format/key.h"

/* As much as a token process takes (token_sign.data). */
#define DATA_MAX 131072

/* Of every DigestInfo of SHA-2 (RFC 8017, 9.2, note 1). */
#define DIGEST_INFO_LEN 19

struct hash_row {
	const char *name;
	size_t len;
	uint8_t digest_info[DIGEST_INFO_LEN];
};

#define DIGEST_INFO(total, hash, len)                                         \
	{                                                                     \
		0x30, total, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,  \
		    0x65, 0x03, 0x04, 0x02, hash, 0x05, 0x00, 0x04, len       \
	}

static const struct hash_row hashes[] = {
	[HASH_SHA256] = { "SHA2-256", 32, DIGEST_INFO(0x31, 0x01, 0x20) },
	[HASH_SHA384] = { "SHA2-384", 48, DIGEST_INFO(0x41, 0x02, 0x30) },
	[HASH_SHA512] = { "SHA2-512", 64, DIGEST_INFO(0x51, 0x03, 0x40) },
};

static const struct hash_row *
hash_row(enum hash_algorithm hash)
{
	switch (hash) {
	case HASH_SHA256:
	case HASH_SHA384:
	case HASH_SHA512:
		return &hashes[hash];
	case HASH_NONE:
		break;
	}
	return NULL;
}

gpg_error_t
hash_bytes(enum hash_algorithm hash, const struct view *parts, size_t count,
    uint8_t out[64], size_t *len)
{
	const struct hash_row *row = hash_row(hash);
	EVP_MD *md = NULL;
	EVP_MD_CTX *ctx = NULL;
	gpg_error_t err = gpg_error(GPG_ERR_INTERNAL);
	unsigned n = 0;

	if (!row)
		return gpg_error(GPG_ERR_DIGEST_ALGO);
	if (!(md = EVP_MD_fetch(NULL, row->name, NULL)) ||
	    !(ctx = EVP_MD_CTX_new()) ||
	    EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		goto out;
	for (size_t i = 0; i < count; i++)
		if (parts[i].len > 0 &&
		    EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) != 1)
			goto out;
	if (EVP_DigestFinal_ex(ctx, out, &n) != 1 || n != row->len)
		goto out;
	*len = n;
	err = 0;
out:
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	if (err)
		ERR_clear_error();
	return err;
}

static enum sign_mechanism
mechanism_of(const struct pubkey *key)
{
	if (algorithm_is_rsa(key->algorithm))
		return MECH_RSA_PKCS1;
	return key->algorithm == ALGO_ED25519 ? MECH_EDDSA : MECH_ECDSA;
}

static gpg_error_t
put_hash(struct signing *s, const struct pubkey *key,
    const struct view *parts, size_t count)
{
	uint8_t digest[64];
	size_t len;
	gpg_error_t err;

	if ((err = hash_bytes(s->hash, parts, count, digest, &len)))
		return err;
	if (s->mechanism == MECH_RSA_PKCS1)
		buf_put(&s->data, hash_row(s->hash)->digest_info,
		    DIGEST_INFO_LEN);
	/* ECDSA uses that much; not every token cuts it off by itself. */
	if (s->mechanism == MECH_ECDSA &&
	    len > algorithm_field(key->algorithm))
		len = algorithm_field(key->algorithm);
	return buf_put(&s->data, digest, len);
}

static gpg_error_t
begin(struct signing *s, enum sign_mechanism mechanism,
    const struct pubkey *key, enum hash_algorithm hash,
    const struct view *parts, size_t count)
{
	gpg_error_t err = 0;

	s->mechanism = mechanism;
	s->hash = hash;
	buf_init(&s->data, DATA_MAX);
	if (hash != HASH_NONE)
		err = put_hash(s, key, parts, count);
	else if (s->mechanism != MECH_EDDSA)
		err = gpg_error(GPG_ERR_DIGEST_ALGO);
	else
		for (size_t i = 0; i < count && !err; i++)
			if (parts[i].len > 0)
				err = buf_put_view(&s->data, parts[i]);
	if (err)
		signing_free(s);
	return err;
}

gpg_error_t
signing_begin(struct signing *s, const struct pubkey *key,
    enum hash_algorithm hash, const struct view *parts, size_t count)
{
	return begin(s, mechanism_of(key), key, hash, parts, count);
}

gpg_error_t
signing_begin_pss(struct signing *s, const struct pubkey *key,
    enum hash_algorithm hash, const struct view *parts, size_t count)
{
	*s = (struct signing){ .mechanism = MECH_RSA_PSS };
	if (!algorithm_is_rsa(key->algorithm))
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	return begin(s, MECH_RSA_PSS, key, hash, parts, count);
}

struct view
signing_digest(const struct signing *s)
{
	struct view data = buf_view(&s->data), info;

	if (s->mechanism == MECH_RSA_PKCS1)
		view_get_bytes(&data, DIGEST_INFO_LEN, &info);
	return data;
}

void
signing_free(struct signing *s)
{
	buf_free(&s->data);
}

/* The key's own context stays as it is: other threads copy it, too. */
static bool
check_data(const struct pubkey *key, struct view data, struct view sig)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->verify);
	bool good = ctx && EVP_PKEY_verify(ctx, sig.p, sig.len, data.p,
	    data.len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool
check_ecdsa(const struct pubkey *key, struct view data, struct view sig)
{
	struct buf der;
	bool good;

	if (sig.len != 2 * algorithm_field(key->algorithm))
		return false;
	buf_init(&der, 3 + 2 * (2 + 1 + KEY_FIELD_MAX));
	good = !ecdsa_put_der(&der, sig) &&
	    check_data(key, data, buf_view(&der));
	buf_free(&der);
	return good;
}

/* Without a hash set, OpenSSL compares the whole DigestInfo. */
static bool
check_rsa(const struct pubkey *key, struct view data, struct view sig)
{
	return sig.len == key->public.len && check_data(key, data, sig);
}

static bool
check_pss(const struct pubkey *key, enum hash_algorithm hash, struct view data,
    struct view sig)
{
	EVP_PKEY_CTX *ctx;
	EVP_MD *md = NULL;
	bool good;

	if (!hash_row(hash) || sig.len != key->public.len ||
	    !(ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL)))
		return false;
	good = (md = EVP_MD_fetch(NULL, hash_row(hash)->name, NULL)) &&
	    EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx,
		RSA_PSS_SALTLEN_DIGEST) == 1 &&
	    EVP_PKEY_verify(ctx, sig.p, sig.len, data.p, data.len) == 1;
	EVP_MD_free(md);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool
check_ed25519(const struct pubkey *key, struct view data, struct view sig)
{
	EVP_MD_CTX *ctx;
	bool good;

	if (sig.len != 64 || !(ctx = EVP_MD_CTX_new()))
		return false;
	good = EVP_MD_CTX_copy_ex(ctx, key->verify_message) == 1 &&
	    EVP_DigestVerify(ctx, sig.p, sig.len, data.p, data.len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

gpg_error_t
signing_check(const struct signing *s, const struct pubkey *key,
    struct view sig)
{
	struct view data = buf_view(&s->data);
	bool good = false;

	if (s->mechanism == mechanism_of(key) ||
	    (s->mechanism == MECH_RSA_PSS &&
	    algorithm_is_rsa(key->algorithm)))
		switch (s->mechanism) {
		case MECH_RSA_PKCS1:
			good = check_rsa(key, data, sig);
			break;
		case MECH_ECDSA:
			good = check_ecdsa(key, data, sig);
			break;
		case MECH_EDDSA:
			good = check_ed25519(key, data, sig);
			break;
		case MECH_RSA_PSS:
			good = check_pss(key, s->hash, data, sig);
			break;
		}
	if (good)
		return 0;
	ERR_clear_error();
	return gpg_error(GPG_ERR_BAD_SIGNATURE);
}
