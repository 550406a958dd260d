/* Private keys out of the numbers that SSH clients send. */
#include "config.h"

#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "format/sshadd.h"
#include "soft.h"

static EVP_PKEY *
from_data(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *evp = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_KEYPAIR, params) != 1)
		evp = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return evp;
}

static EVP_PKEY *
make_ec(const struct ssh_private *k)
{
	const char *group = pubkey_algorithm(k->pub) == ALGO_P256 ? "P-256" :
	    pubkey_algorithm(k->pub) == ALGO_P384 ? "P-384" : "P-521";
	struct view public = pubkey_public(k->pub);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *d = BN_bin2bn(k->numbers[0].p, (int)k->numbers[0].len, NULL);
	EVP_PKEY *evp = NULL;

	if (build && d && OSSL_PARAM_BLD_push_utf8_string(build,
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
	    public.p, public.len) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1)
		evp = from_data("EC", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(d);
	return evp;
}

/* ---- RSA ---- */

enum rsa_number { N, E, D, IQMP, P, Q, DMP1, DMQ1, RSA_NUMBERS };

static const char *const rsa_names[RSA_NUMBERS] = {
	[N] = OSSL_PKEY_PARAM_RSA_N,
	[E] = OSSL_PKEY_PARAM_RSA_E,
	[D] = OSSL_PKEY_PARAM_RSA_D,
	[IQMP] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
	[P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
	[Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
	[DMP1] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
	[DMQ1] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
};

/* d for the one factor, and whether it undoes e there. */
static bool
reduce(BIGNUM *out, BIGNUM *const n[RSA_NUMBERS], const BIGNUM *factor,
    BIGNUM *t, BIGNUM *order, BN_CTX *ctx)
{
	return BN_is_odd(factor) && BN_num_bits(factor) > 64 &&
	    BN_sub(order, factor, BN_value_one()) &&
	    BN_mod(out, n[D], order, ctx) &&
	    BN_mod_mul(t, out, n[E], order, ctx) && BN_is_one(t);
}

/*
 * Whether the numbers are those of one key.  OpenSSL would sign with a wrong
 * factor too, slower and less well guarded.
 */
static bool
rsa_fits(BIGNUM *const n[RSA_NUMBERS], BIGNUM *t, BIGNUM *order, BN_CTX *ctx)
{
	return BN_mul(t, n[P], n[Q], ctx) && !BN_cmp(t, n[N]) &&
	    reduce(n[DMP1], n, n[P], t, order, ctx) &&
	    reduce(n[DMQ1], n, n[Q], t, order, ctx) &&
	    BN_mod_mul(t, n[IQMP], n[Q], n[P], ctx) && BN_is_one(t);
}

static EVP_PKEY *
build_rsa(BIGNUM *n[RSA_NUMBERS])
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *evp = NULL;
	bool ok = build != NULL;

	for (unsigned i = 0; ok && i < RSA_NUMBERS; i++)
		ok = OSSL_PARAM_BLD_push_BN(build, rsa_names[i], n[i]) == 1;
	if (ok)
		evp = from_data("RSA", build);
	OSSL_PARAM_BLD_free(build);
	return evp;
}

static EVP_PKEY *
make_rsa(const struct ssh_private *k)
{
	const struct view in[] = { pubkey_public(k->pub),
		pubkey_exponent(k->pub), k->numbers[0], k->numbers[1],
		k->numbers[2], k->numbers[3] };
	BIGNUM *n[RSA_NUMBERS], *t = BN_new(), *order = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	EVP_PKEY *evp = NULL;
	bool ok = ctx && t && order;

	for (unsigned i = 0; i < RSA_NUMBERS; i++) {
		n[i] = i < DMP1 ? BN_bin2bn(in[i].p, (int)in[i].len, NULL) :
		    BN_new();
		ok = ok && n[i];
		if (ok && i >= D)
			BN_set_flags(n[i], BN_FLG_CONSTTIME);
	}
	if (ok && rsa_fits(n, t, order, ctx))
		evp = build_rsa(n);
	for (unsigned i = 0; i < RSA_NUMBERS; i++)
		BN_free(n[i]);
	BN_free(t);
	BN_free(order);
	BN_CTX_free(ctx);
	return evp;
}

/* ---- any ---- */

static EVP_PKEY *
make(const struct ssh_private *k)
{
	switch (pubkey_algorithm(k->pub)) {
	case ALGO_ED25519:
		return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
		    k->numbers[0].p, k->numbers[0].len);
	case ALGO_P256:
	case ALGO_P384:
	case ALGO_P521:
		return make_ec(k);
	default:
		return make_rsa(k);
	}
}

/* Signs once: what the public half does not verify is no such key. */
static gpg_error_t
try_out(EVP_PKEY *evp, const struct pubkey *pub)
{
	struct view text = view_str("touchstone: a key is tried out");
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	struct signing s;
	size_t len;
	gpg_error_t err;

	if ((err = signing_begin(&s, pub, pubkey_hash(pub), &text, 1)))
		return err;
	if (!(err = soft_sign_with(evp, pubkey_algorithm(pub), s.mechanism,
	    buf_view(&s.data), signature, &len)))
		err = signing_check(&s, pub, view_of(signature, len));
	signing_free(&s);
	return err;
}

gpg_error_t
soft_make(struct view bytes, EVP_PKEY **evp, struct pubkey **pub,
    struct problem *pb)
{
	struct ssh_private k;
	gpg_error_t err;

	*evp = NULL;
	*pub = NULL;
	if ((err = ssh_private_read(bytes, &k)))
		return problem_say(pb, gpg_err_code(err),
		    "the private key cannot be read: %s", gpg_strerror(err));
	*evp = make(&k);
	if (*evp && !try_out(*evp, k.pub)) {
		*pub = k.pub;
		k.pub = NULL;
	} else {
		EVP_PKEY_free(*evp);
		*evp = NULL;
		err = problem_say(pb, GPG_ERR_BAD_SECKEY, "the private key "
		    "is not that of the public key beside it");
	}
	ERR_clear_error();
	ssh_private_free(&k);
	return err;
}
