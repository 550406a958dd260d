/* Whether 32 bytes are a public key of Ed25519: OpenSSL takes any. */
#include "config.h"

#include <openssl/bn.h>

#include "format/key.h"

/* p = 2^255 - 19 and d = -121665/121666 of RFC 8032, 5.1. */
static const char prime[] =
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
static const char curve_d[] =
    "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";

struct numbers {
	BIGNUM *p, *d, *y, *yy, *u, *v, *t;
};

/*
 * x^2 = u/v, with u = y^2 - 1 and v = d y^2 + 1: there is an x just when u v
 * is a square, since v is never zero.  That leaves out y = 1 and y = -1, whose
 * x is 0: the points of order 1 and 2.
 */
static bool
is_on_curve(struct numbers *n, BN_CTX *ctx)
{
	return BN_mod_sqr(n->yy, n->y, n->p, ctx) &&
	    BN_mod_sub(n->u, n->yy, BN_value_one(), n->p, ctx) &&
	    BN_mod_mul(n->v, n->yy, n->d, n->p, ctx) &&
	    BN_mod_add(n->v, n->v, BN_value_one(), n->p, ctx) &&
	    BN_mod_mul(n->t, n->u, n->v, n->p, ctx) &&
	    BN_kronecker(n->t, n->p, ctx) == 1;
}

/*
 * The points of order 4 have y = 0; those of order 8 double to them, which
 * is to say x^2 = -y^2, or u + y^2 v = 0.
 */
static bool
is_large(struct numbers *n, BN_CTX *ctx)
{
	return !BN_is_zero(n->y) &&
	    BN_mod_mul(n->t, n->yy, n->v, n->p, ctx) &&
	    BN_mod_add(n->t, n->t, n->u, n->p, ctx) && !BN_is_zero(n->t);
}

bool
ed25519_point_is_good(const uint8_t point[32])
{
	uint8_t big_endian[32];
	struct numbers n;
	BN_CTX *ctx = BN_CTX_new();
	bool good;

	if (!ctx)
		return false;
	for (int i = 0; i < 32; i++)
		big_endian[i] = point[31 - i];
	big_endian[0] &= 0x7f;	/* the sign of x */
	BN_CTX_start(ctx);
	n.p = BN_CTX_get(ctx);
	n.d = BN_CTX_get(ctx);
	n.y = BN_CTX_get(ctx);
	n.yy = BN_CTX_get(ctx);
	n.u = BN_CTX_get(ctx);
	n.v = BN_CTX_get(ctx);
	n.t = BN_CTX_get(ctx);
	good = n.t && BN_hex2bn(&n.p, prime) > 0 &&
	    BN_hex2bn(&n.d, curve_d) > 0 &&
	    BN_bin2bn(big_endian, sizeof(big_endian), n.y) &&
	    BN_cmp(n.y, n.p) < 0 && is_on_curve(&n, ctx) &&
	    is_large(&n, ctx);
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return good;
}
