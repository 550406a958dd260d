/* Plain signatures for cosign and notation. */
#include "config.h"

#include "format/key.h"
#include "format/rawsig.h"

enum hash_algorithm
rawsig_hash(const struct pubkey *key, enum rawsig_form form)
{
	switch (key->algorithm) {
	case ALGO_P256:
		return HASH_SHA256;
	case ALGO_P384:
		return HASH_SHA384;
	case ALGO_P521:
		return HASH_SHA512;
	case ALGO_RSA2048:
	case ALGO_RSA3072:
	case ALGO_RSA4096:
		if (form == RAWSIG_SIGSTORE)
			return HASH_SHA256;
		return key->bits == 2048 ? HASH_SHA256 :
		    key->bits == 3072	 ? HASH_SHA384 :
		    key->bits == 4096	 ? HASH_SHA512 :
					   HASH_NONE;
	case ALGO_ED25519:
	case ALGO_NONE:
		break;
	}
	return HASH_NONE;
}

gpg_error_t
rawsig_begin(struct signing *s, const struct pubkey *key,
    enum rawsig_form form, enum hash_algorithm hash, const struct view *parts,
    size_t count)
{
	bool ed = key->algorithm == ALGO_ED25519;

	*s = (struct signing){ 0 };
	if (form == RAWSIG_NOTARY) {
		if ((hash = rawsig_hash(key, form)) == HASH_NONE)
			return gpg_error(GPG_ERR_PUBKEY_ALGO);
		if (algorithm_is_rsa(key->algorithm))
			return signing_begin_pss(s, key, hash, parts, count);
	}
	return signing_begin(s, key, ed ? HASH_NONE : hash, parts, count);
}

gpg_error_t
rawsig_put(struct buf *b, const struct pubkey *key, enum rawsig_form form,
    struct view sig)
{
	if (form == RAWSIG_SIGSTORE && algorithm_field(key->algorithm) > 0)
		return ecdsa_put_der(b, sig);
	return buf_put_view(b, sig);
}

gpg_error_t
rawsig_check(const struct pubkey *key, enum rawsig_form form,
    enum hash_algorithm hash, const struct view *parts, size_t count,
    struct view sig)
{
	size_t field = algorithm_field(key->algorithm);
	uint8_t numbers[2 * KEY_FIELD_MAX];
	struct signing s;
	gpg_error_t err;

	if (form == RAWSIG_SIGSTORE && field > 0) {
		if ((err = ecdsa_get_der(sig, field, numbers)))
			return err;
		sig = view_of(numbers, 2 * field);
	}
	if ((err = rawsig_begin(&s, key, form, hash, parts, count)))
		return err;
	err = signing_check(&s, key, sig);
	signing_free(&s);
	return err;
}
