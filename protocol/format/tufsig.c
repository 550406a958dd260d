/* Notary v1's signatures and keys. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "format/canonical.h"
#include "format/certs.h"
#include "format/key.h"
#include "format/tufsig.h"
#include "wire/base64.h"

#define PUBLIC_MAX (TUF_KEY_MAX / 4 * 3)
#define SIGNATURE_MAX 520	/* bytes; an RSA-4096 signature takes 512 */

const char *
tufsig_method(const struct pubkey *key)
{
	return algorithm_is_rsa(key->algorithm)	 ? "rsapss" :
	    key->algorithm == ALGO_ED25519	 ? "eddsa" :
						   "ecdsa";
}

gpg_error_t
tufsig_begin(struct signing *s, const struct pubkey *key,
    struct view canonical)
{
	if (algorithm_is_rsa(key->algorithm))
		return signing_begin_pss(s, key, HASH_SHA256, &canonical, 1);
	return signing_begin(s, key, key->algorithm == ALGO_ED25519 ?
	    HASH_NONE : HASH_SHA256, &canonical, 1);
}

/* ---- keys, written ---- */

static enum tuf_keytype
type_of(const struct pubkey *key, bool certs)
{
	if (algorithm_is_rsa(key->algorithm))
		return certs ? TUF_KEY_RSA_X509 : TUF_KEY_RSA;
	if (key->algorithm == ALGO_ED25519)
		return certs ? TUF_KEY_UNKNOWN : TUF_KEY_ED25519;
	return certs ? TUF_KEY_ECDSA_X509 : TUF_KEY_ECDSA;
}

static gpg_error_t
put_entry(enum tuf_keytype type, struct view public, json_t **entry,
    char id[TUF_ID_LEN + 1])
{
	const char *name = tuf_keytype_name(type);
	struct buf text;
	gpg_error_t err;

	buf_init(&text, TUF_KEY_MAX);
	(void)((err = base64_put(&text, public)) ||
	    (err = tuf_key_id(name, buf_view(&text), id)));
	if (!err && !(*entry = json_pack("{s:s,s:{s:n,s:s%}}", "keytype",
	    name, "keyval", "private", "public",
	    (const char *)buf_view(&text).p, buf_len(&text))))
		err = gpg_error(GPG_ERR_ENOMEM);
	buf_free(&text);
	return err;
}

gpg_error_t
tufsig_put_key(const struct pubkey *key, json_t **entry,
    char id[TUF_ID_LEN + 1])
{
	*entry = NULL;
	return put_entry(type_of(key, false), key->algorithm == ALGO_ED25519 ?
	    pubkey_public(key) : pubkey_spki(key), entry, id);
}

gpg_error_t
tufsig_put_certs(const struct attest_certs *certs, json_t **entry,
    char id[TUF_ID_LEN + 1])
{
	struct pubkey *key = NULL;
	struct buf pem;
	gpg_error_t err;

	*entry = NULL;
	id[0] = 0;
	buf_init(&pem, PUBLIC_MAX);
	if (attest_certs_count(certs) == 0)
		err = gpg_error(GPG_ERR_NO_DATA);
	else if (!(err = certs_get_key(certs->certs[0], &key)) &&
	    type_of(key, true) == TUF_KEY_UNKNOWN)
		err = gpg_error(GPG_ERR_PUBKEY_ALGO);
	else if (!err && !(err = attest_certs_put(certs, &pem)))
		err = put_entry(type_of(key, true), buf_view(&pem), entry,
		    id);
	pubkey_free(&key);
	buf_free(&pem);
	return err;
}

/* ---- keys, read ---- */

static bool
has_certs(const struct tuf_key *k)
{
	return k->type == TUF_KEY_ECDSA_X509 || k->type == TUF_KEY_RSA_X509;
}

/* Every key, in whatever its entry wraps it. */
static gpg_error_t
read_key(const struct tuf_key *k, struct view public, struct pubkey **out)
{
	struct attest_certs *certs = NULL;
	gpg_error_t err;

	if (k->type == TUF_KEY_ED25519)
		return pubkey_new(out, ALGO_ED25519, public,
		    view_of(NULL, 0));
	if (!has_certs(k))
		return pubkey_from_spki(out, public);
	if (!(err = attest_certs_read(&certs, public)))
		err = certs_get_key(certs->certs[0], out);
	attest_certs_free(&certs);
	return err;
}

gpg_error_t
tufsig_get_key(const struct tuf_key *k, struct pubkey **out)
{
	struct buf public;
	gpg_error_t err;

	*out = NULL;
	if (k->type == TUF_KEY_UNKNOWN)
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	buf_init(&public, PUBLIC_MAX);
	(void)((err = base64_get(k->public, &public)) ||
	    (err = read_key(k, buf_view(&public), out)));
	buf_free(&public);
	if (!err && type_of(*out, has_certs(k)) != k->type)
		err = gpg_error(GPG_ERR_BAD_PUBKEY);
	if (err)
		pubkey_free(out);
	return err;
}

gpg_error_t
tufsig_get_certs(const struct tuf_key *k, struct attest_certs **out)
{
	struct buf pem;
	gpg_error_t err;

	*out = NULL;
	if (!has_certs(k))
		return gpg_error(GPG_ERR_NO_DATA);
	buf_init(&pem, PUBLIC_MAX);
	(void)((err = base64_get(k->public, &pem)) ||
	    (err = attest_certs_read(out, buf_view(&pem))));
	buf_free(&pem);
	return err;
}

/* ---- signatures ---- */

/* Notary takes a method's name in whatever case. */
static gpg_error_t
begin_method(struct signing *s, const struct pubkey *key, const char *method,
    struct view canonical)
{
	*s = (struct signing){ 0 };
	if (!strcasecmp(method, tufsig_method(key)))
		return tufsig_begin(s, key, canonical);
	if (!strcasecmp(method, "rsapkcs1v15") &&
	    algorithm_is_rsa(key->algorithm))
		return signing_begin(s, key, HASH_SHA256, &canonical, 1);
	return gpg_error(GPG_ERR_BAD_SIGNATURE);
}

static gpg_error_t
check(const struct pubkey *key, const struct tuf_signature *sig,
    struct view canonical)
{
	struct signing s;
	struct buf raw;
	gpg_error_t err;

	buf_init(&raw, SIGNATURE_MAX);
	err = begin_method(&s, key, sig->method, canonical);
	if (!err && base64_get(sig->base64, &raw))
		err = gpg_error(GPG_ERR_BAD_SIGNATURE);
	if (!err)
		err = signing_check(&s, key, buf_view(&raw));
	signing_free(&s);
	buf_free(&raw);
	return err;
}

gpg_error_t
tufsig_check(const struct tuf_key *k, const struct tuf_signature *sig,
    struct view canonical)
{
	struct pubkey *key;
	gpg_error_t err;

	if ((err = tufsig_get_key(k, &key)))
		return err;
	err = check(key, sig, canonical);
	pubkey_free(&key);
	return err;
}

/* ---- envelopes ---- */

struct tally {
	const struct tuf_role *by;
	struct tuf_signer signer;
	struct view canonical;
	uint8_t keys[TUF_SIGNATURES_MAX][PUBKEY_ID_LEN];	/* counted */
	struct tufsig_verdict *verdict;
};

static bool
is_counted(const struct tally *t, const struct pubkey *key)
{
	for (size_t i = 0; i < t->verdict->count; i++)
		if (view_eq(view_of(t->keys[i], PUBKEY_ID_LEN),
		    pubkey_id(key)))
			return true;
	return false;
}

/* What cannot be checked does not count, and does no harm. */
static void
count(struct tally *t, const struct tuf_signature *sig)
{
	struct tuf_key k;
	struct pubkey *key;

	if (!tuf_signer_has(&t->signer, sig->id) ||
	    !tuf_keys_find(t->by, sig->id, &k) || tufsig_get_key(&k, &key))
		return;
	if (!is_counted(t, key) && !check(key, sig, t->canonical)) {
		memcpy(t->keys[t->verdict->count], pubkey_id(key).p,
		    PUBKEY_ID_LEN);
		t->verdict->ids[t->verdict->count++] = sig->id;
	}
	pubkey_free(&key);
}

gpg_error_t
tufsig_verify(const struct tuf_envelope *e, const struct tuf_role *by,
    const char *name, struct tufsig_verdict *verdict)
{
	struct tally t = { .by = by, .verdict = verdict };
	struct buf canonical;
	gpg_error_t err;

	*verdict = (struct tufsig_verdict){ 0 };
	if (!tuf_signers_find(by, name, &t.signer))
		return gpg_error(GPG_ERR_NOT_FOUND);
	verdict->threshold = t.signer.threshold;
	buf_init(&canonical, TUF_ROLE_MAX);
	if (!(err = canonical_put(&canonical, e->role.json))) {
		t.canonical = buf_view(&canonical);
		for (size_t i = 0; i < e->count; i++) {
			struct tuf_signature s = tuf_envelope_signature(e, i);

			count(&t, &s);
		}
		if (verdict->count < verdict->threshold)
			err = gpg_error(GPG_ERR_BAD_SIGNATURE);
	}
	buf_free(&canonical);
	return err;
}
