/* Judges whose root it is. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <openssl/x509.h>

#include "client/trust/pemkey.h"
#include "client/trust/pin.h"

#define PIN_FILE_MAX 65536

/* ---- what the user knows ---- */

static bool
is_id(const char *text)
{
	return strlen(text) == TUF_ID_LEN &&
	    strspn(text, "0123456789abcdef") == TUF_ID_LEN;
}

gpg_error_t
pin_read(struct pin *p, const char *text, struct problem *why)
{
	struct buf b;
	gpg_error_t err;

	memset(p, 0, sizeof(*p));
	if (!(p->text = text))
		return 0;
	if (is_id(text)) {
		memcpy(p->id, text, sizeof(p->id));
		return 0;
	}
	buf_init(&b, PIN_FILE_MAX);
	if (!(err = paths_read(text, PIN_FILE_MAX, &b)))
		err = pemkey_public(buf_view(&b), &p->key);
	buf_free(&b);
	return err ? problem_set(why, err, "--root %.300s: that is neither a "
	    "key's id, 64 digits of hex in small letters, nor a file with a "
	    "certificate or public key (PEM): %s", text, gpg_strerror(err)) :
	    0;
}

void
pin_free(struct pin *p)
{
	pubkey_free(&p->key);
}

static bool
is_key(const struct pin *p, const struct tuf_key *k)
{
	struct pubkey *key = NULL;
	json_t *entry = NULL;
	char id[TUF_ID_LEN + 1] = "";
	bool same = false;

	if (p->id[0] && !strcmp(p->id, k->id))
		return true;
	if (tufsig_get_key(k, &key))
		return false;
	if (p->key)
		same = view_eq(pubkey_id(key), pubkey_id(p->key));
	else if (!tufsig_put_key(key, &entry, id))
		same = !strcmp(id, p->id);
	json_decref(entry);
	pubkey_free(&key);
	return same;
}

gpg_error_t
pin_check(const struct pin *p, const struct trust_role *root,
    struct problem *why)
{
	const struct tufsig_verdict *v = &root->signed_by;
	struct tuf_key key;

	if (!p->text)
		return 0;
	for (size_t i = 0; i < v->count; i++)
		if (tuf_keys_find(&root->env.role, v->ids[i], &key) &&
		    is_key(p, &key))
			return 0;
	return problem_set(why, GPG_ERR_BAD_SIGNATURE, "arbitrary keys: the "
	    "root of this trust data is not signed by the key that --root "
	    "gives, %.300s", p->text);
}

/* ---- what certificates say ---- */

static X509 *
first_certificate(const struct tuf_key *k)
{
	struct attest_certs *certs = NULL;
	const unsigned char *p;
	struct buf der;
	X509 *x = NULL;

	buf_init(&der, ATTEST_CERT_MAX);
	if (!tufsig_get_certs(k, &certs) &&
	    !attest_certs_put_first(certs, &der)) {
		p = buf_view(&der).p;
		x = d2i_X509(NULL, &p, (long)buf_len(&der));
	}
	buf_free(&der);
	attest_certs_free(&certs);
	return x;
}

void
pin_fingerprint(const struct tuf_key *k, char hex[65])
{
	X509 *x = first_certificate(k);
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len;

	hex[0] = 0;
	if (x && X509_digest(x, EVP_sha256(), hash, &len) == 1)
		for (unsigned i = 0; i < 32; i++)
			snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	X509_free(x);
}

/* Its one common name is the GUN, or a beginning of it and "*". */
static bool
is_named(const X509 *x, const char *gun)
{
	const X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
	int at = name ? X509_NAME_get_index_by_NID(name, NID_commonName, -1) :
	    -1;
	const ASN1_STRING *cn = at < 0 ? NULL :
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	struct view v = { NULL, 0 };

	if (cn && X509_NAME_get_index_by_NID(name, NID_commonName, at) < 0)
		v = view_of(ASN1_STRING_get0_data(cn),
		    (size_t)ASN1_STRING_length(cn));
	return v.len > 0 && (view_eq_str(v, gun) ||
	    (v.p[v.len - 1] == '*' && v.len - 1 <= strlen(gun) &&
	    !memcmp(v.p, gun, v.len - 1)));
}

/* Clocks are a day apart at most. */
static bool
is_in_date(const X509 *x, int64_t now)
{
	time_t tomorrow = (time_t)now + 86400, today = (time_t)now;

	return X509_cmp_time(X509_get0_notBefore(x), &tomorrow) < 0 &&
	    X509_cmp_time(X509_get0_notAfter(x), &today) > 0;
}

gpg_error_t
pin_check_name(const struct trust_role *root, const char *gun, int64_t now,
    struct problem *why)
{
	const struct tufsig_verdict *v = &root->signed_by;
	size_t named = 0, good = 0;
	struct tuf_key key;

	for (size_t i = 0; i < v->count; i++) {
		X509 *x = tuf_keys_find(&root->env.role, v->ids[i], &key) ?
		    first_certificate(&key) : NULL;

		if (is_named(x, gun)) {
			named++;
			good += is_in_date(x, now);
		}
		X509_free(x);
	}
	if (good >= v->threshold && good > 0)
		return 0;
	if (named >= v->threshold && named > 0)
		return problem_set(why, GPG_ERR_CERT_EXPIRED, "the "
		    "certificates of the root's keys are not good now; the "
		    "owner of %s gives them others, with touchstone trust "
		    "rotate", gun);
	return problem_set(why, GPG_ERR_BAD_SIGNATURE, "the root of this "
	    "trust data is of another repository: its keys have no "
	    "certificates in the name of %s", gun);
}
