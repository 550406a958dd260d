/* SSH's formats around a key pair in memory, written anew for tests. */
#include "config.h"

#include <string.h>

#include <openssl/core_names.h>

#include "format/ssh.h"
#include "softssh.h"

static void
put_mpint(struct buf *b, struct view n)
{
	size_t place;

	while (n.len > 0 && n.p[0] == 0)
		n = view_of(n.p + 1, n.len - 1);
	place = buf_open(b);
	if (n.len > 0 && n.p[0] & 0x80)
		buf_put_u8(b, 0);
	buf_put_view(b, n);
	buf_close(b, place);
}

static void
put_bn(struct buf *b, EVP_PKEY *evp, const char *name)
{
	uint8_t raw[512];
	BIGNUM *bn = NULL;

	if (EVP_PKEY_get_bn_param(evp, name, &bn) == 1)
		put_mpint(b, view_of(raw, (size_t)BN_bn2bin(bn, raw)));
	BN_free(bn);
}

static void
put_ed25519(struct buf *b, EVP_PKEY *evp, const struct pubkey *pub)
{
	uint8_t pair[64];
	size_t len = 32;

	EVP_PKEY_get_raw_private_key(evp, pair, &len);
	memcpy(pair + 32, pubkey_public(pub).p, 32);
	buf_put_string(b, pubkey_public(pub));
	buf_put_string(b, view_of(pair, sizeof(pair)));
}

static void
put_rsa(struct buf *b, EVP_PKEY *evp)
{
	put_bn(b, evp, OSSL_PKEY_PARAM_RSA_D);
	put_bn(b, evp, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
	put_bn(b, evp, OSSL_PKEY_PARAM_RSA_FACTOR1);
	put_bn(b, evp, OSSL_PKEY_PARAM_RSA_FACTOR2);
}

/* The public numbers as a key's blob has them, without its type. */
static struct view
blob_tail(const struct pubkey *pub)
{
	struct view v = pubkey_ssh(pub), type;

	view_get_string(&v, 64, &type);
	return v;
}

void
softssh_put_private(struct buf *b, EVP_PKEY *evp, struct view certificate,
    const char *comment)
{
	struct pubkey *pub = softkey_public(evp);
	enum key_algorithm algorithm = pubkey_algorithm(pub);
	bool rsa = pubkey_exponent(pub).len > 0;
	struct view type;

	if (certificate.len > 0) {
		struct view v = certificate;

		view_get_string(&v, 96, &type);
		buf_put_string(b, type);
		buf_put_string(b, certificate);
	} else {
		buf_put_cstring(b, pubkey_ssh_type(pub));
		if (rsa) {
			put_mpint(b, pubkey_public(pub));
			put_mpint(b, pubkey_exponent(pub));
		} else if (algorithm != ALGO_ED25519) {
			buf_put_view(b, blob_tail(pub));
		}
	}
	if (rsa)
		put_rsa(b, evp);
	else if (algorithm == ALGO_ED25519)
		put_ed25519(b, evp, pub);
	else
		put_bn(b, evp, OSSL_PKEY_PARAM_PRIV_KEY);
	buf_put_cstring(b, comment);
	pubkey_free(&pub);
}

void
softssh_put_signature(struct buf *b, EVP_PKEY *evp, struct view data,
    uint32_t flags)
{
	struct pubkey *pub = softkey_public(evp);
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	struct signing s;

	if (!ssh_begin(&s, pub, data, flags))
		ssh_finish(&s, pub, view_of(raw, softkey_sign(evp, &s, raw)),
		    b);
	signing_free(&s);
	pubkey_free(&pub);
}

static void
put_principals(struct buf *b, const struct softssh_cert *c)
{
	size_t place = buf_open(b);

	for (size_t i = 0; i < 3 && c->principals[i]; i++)
		buf_put_cstring(b, c->principals[i]);
	buf_close(b, place);
}

void
softssh_put_cert(struct buf *out, EVP_PKEY *key, EVP_PKEY *authority,
    const struct softssh_cert *c)
{
	struct pubkey *pub = softkey_public(key);
	struct pubkey *signer = softkey_public(authority);
	struct buf b, signature;

	buf_init(&b, 16384);
	buf_init(&signature, 2048);
	size_t place = buf_open(&b);
	buf_put_text(&b, pubkey_ssh_type(pub));
	buf_put_text(&b, "-cert-v01@openssh.com");
	buf_close(&b, place);
	buf_put_cstring(&b, "a nonce of some length, the same");
	buf_put_view(&b, blob_tail(pub));
	buf_put_u64(&b, 7);
	buf_put_u32(&b, c->type);
	buf_put_cstring(&b, c->id ? c->id : "id");
	put_principals(&b, c);
	buf_put_u64(&b, c->after);
	buf_put_u64(&b, c->before);
	buf_put_string(&b, c->options);
	buf_put_cstring(&b, "");
	buf_put_cstring(&b, "");
	buf_put_string(&b, pubkey_ssh(signer));
	softssh_put_signature(&signature, authority, buf_view(&b),
	    SSH_AGENT_RSA_SHA2_512);
	buf_put_string(&b, buf_view(&signature));
	buf_put_view(out, buf_view(&b));
	buf_free(&signature);
	buf_free(&b);
	pubkey_free(&signer);
	pubkey_free(&pub);
}
