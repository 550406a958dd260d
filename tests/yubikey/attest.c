/*
 * Attestation: the root of this virtual maker, the card's own key F9 signed
 * by it (through one more authority if so wanted, as for YubiKeys since 5.7),
 * and for each generated key a certificate signed by F9.
 */
#include <config.h>

#include <sys/file.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "card.h"

#define OID_YUBICO "1.3.6.1.4.1.41482.3."
#define OID_FIRMWARE OID_YUBICO "3"	/* three bytes, bare */
#define OID_SERIAL OID_YUBICO "7"	/* an INTEGER */
#define OID_POLICY OID_YUBICO "8"	/* PIN, touch; two bytes, bare */
#define OID_FORM_FACTOR OID_YUBICO "9"	/* one byte, bare */
#define DAY 86400L

struct authority {
	EVP_PKEY *key;
	X509 *cert;
};

static void
authority_free(struct authority *a)
{
	EVP_PKEY_free(a->key);
	X509_free(a->cert);
}

static bool
set_name(X509 *x, bool issuer, const char *cn)
{
	X509_NAME *name = X509_NAME_new();
	bool ok;

	ok = name != NULL && X509_NAME_add_entry_by_txt(name, "CN",
	    MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0) == 1 &&
	    (issuer ? X509_set_issuer_name(x, name) :
	    X509_set_subject_name(x, name)) == 1;
	X509_NAME_free(name);
	return ok;
}

static bool
set_serial(X509 *x)
{
	uint8_t raw[16];
	BIGNUM *n;
	bool ok;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return false;
	raw[0] &= 0x7f;
	n = BN_bin2bn(raw, sizeof(raw), NULL);
	ok = n != NULL &&
	    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

static bool
add_raw(X509 *x, const char *oid, const uint8_t *p, size_t len)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e = NULL;
	bool ok;

	ok = o != NULL && s != NULL && ASN1_OCTET_STRING_set(s, p, len) == 1 &&
	    (e = X509_EXTENSION_create_by_OBJ(NULL, o, 0, s)) != NULL &&
	    X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(o);
	return ok;
}

static bool
add_serial(X509 *x, uint32_t serial)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	uint8_t *der = NULL;
	bool ok = false;
	int len;

	if (n != NULL && ASN1_INTEGER_set_uint64(n, serial) == 1 &&
	    (len = i2d_ASN1_INTEGER(n, &der)) > 0)
		ok = add_raw(x, OID_SERIAL, der, len);
	OPENSSL_free(der);
	ASN1_INTEGER_free(n);
	return ok;
}

static bool
add_authority(X509 *x, int path_len)
{
	char text[64];
	X509_EXTENSION *e;
	bool ok;

	if (path_len < 0)
		snprintf(text, sizeof(text), "critical,CA:TRUE");
	else
		snprintf(text, sizeof(text), "critical,CA:TRUE,pathlen:%d",
		    path_len);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, text);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

/* All but extensions and signature; by is NULL for a root. */
static X509 *
cert_new(EVP_PKEY *key, const char *cn, const struct authority *by)
{
	X509 *x = X509_new();
	bool ok;

	ok = x != NULL && X509_set_version(x, 2) == 1 && set_serial(x) &&
	    set_name(x, false, cn) && X509_set_pubkey(x, key) == 1;
	if (ok && by == NULL)
		ok = set_name(x, true, cn) &&
		    X509_gmtime_adj(X509_getm_notBefore(x), -DAY) != NULL &&
		    X509_gmtime_adj(X509_getm_notAfter(x), 36500 * DAY) !=
		    NULL;
	else if (ok)
		ok = X509_set_issuer_name(x,
		    X509_get_subject_name(by->cert)) == 1 &&
		    X509_set1_notBefore(x, X509_get0_notBefore(by->cert)) == 1
		    && X509_set1_notAfter(x, X509_get0_notAfter(by->cert)) ==
		    1;
	if (ok)
		return x;
	X509_free(x);
	return NULL;
}

static bool
authority_load(struct authority *a, const char *path, const char *key_path)
{
	FILE *f = fopen(path, "re"), *g = fopen(key_path, "re");

	if (f != NULL)
		a->cert = PEM_read_X509(f, NULL, NULL, NULL);
	if (g != NULL)
		a->key = PEM_read_PrivateKey(g, NULL, NULL, NULL);
	if (f != NULL)
		fclose(f);
	if (g != NULL)
		fclose(g);
	return a->cert != NULL && a->key != NULL;
}

static bool
authority_store(const struct authority *a, const char *path,
    const char *key_path)
{
	FILE *f = fopen(path, "we"), *g = fopen(key_path, "we");
	bool ok;

	ok = f != NULL && g != NULL && PEM_write_X509(f, a->cert) == 1 &&
	    PEM_write_PrivateKey(g, a->key, NULL, NULL, 0, NULL, NULL) == 1;
	if (f != NULL && fclose(f) != 0)
		ok = false;
	if (g != NULL && fclose(g) != 0)
		ok = false;
	return ok;
}

static bool
authority_make(struct authority *a, const char *cn,
    const struct authority *by, int path_len)
{
	a->key = key_generate(ALG_RSA2048);
	if (a->key == NULL)
		return false;
	a->cert = cert_new(a->key, cn, by);
	return a->cert != NULL && add_authority(a->cert, path_len) &&
	    X509_sign(a->cert, by != NULL ? by->key : a->key,
	    EVP_sha256()) > 0;
}

/* Several cards may want it at once; the first to have the lock makes it. */
static bool
authority_get(struct authority *a, const char *path, const char *cn,
    const struct authority *by, int path_len)
{
	char *key_path = NULL;
	bool ok = false;
	int lock = -1;

	if (asprintf(&key_path, "%s.key", path) < 0)
		return false;
	lock = open(key_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock >= 0 && flock(lock, LOCK_EX) == 0)
		ok = authority_load(a, path, key_path);
	if (!ok && lock >= 0) {
		authority_free(a);
		*a = (struct authority){ NULL, NULL };
		ok = authority_make(a, cn, by, path_len) &&
		    authority_store(a, path, key_path);
	}
	if (lock >= 0)
		close(lock);
	free(key_path);
	return ok;
}

/* A certificate object: 70 the DER, 71 not compressed, FE nothing. */
static bool
store_cert(struct state *st, uint32_t id, X509 *x)
{
	struct out o = { .len = 0 };
	uint8_t *der = NULL;
	int len = i2d_X509(x, &der);
	bool ok;

	if (len <= 0)
		return false;
	out_tlv(&o, 0x70, bytes_of(der, len));
	out_tlv_u8(&o, 0x71, 0);
	out_tlv(&o, 0xfe, bytes_of(NULL, 0));
	OPENSSL_free(der);
	ok = !o.full && state_object_put(st, id, out_bytes(&o));
	return ok;
}

/* F9 and its certificate, signed by that authority. */
static bool
make_f9(struct state *st, const struct authority *by)
{
	struct key *k = state_key(st, SLOT_ATTEST);
	X509 *x;
	bool ok;

	*k = (struct key){ .alg = ALG_RSA2048, .pin_policy = PIN_NEVER,
		.touch_policy = TOUCH_NEVER, .origin = ORIGIN_IMPORTED,
		.pkey = key_generate(ALG_RSA2048) };
	if (k->pkey == NULL)
		return false;
	x = cert_new(k->pkey, "Yubico PIV Attestation", by);
	ok = x != NULL && add_authority(x, 0) &&
	    add_raw(x, OID_FIRMWARE, st->firmware, sizeof(st->firmware)) &&
	    X509_sign(x, by->key, EVP_sha256()) > 0 &&
	    store_cert(st, OBJECT_ATTEST, x);
	X509_free(x);
	return ok;
}

bool
attest_init(struct state *st, const char *root, const char *middle)
{
	struct authority top = { NULL, NULL }, mid = { NULL, NULL };
	bool ok;

	ok = authority_get(&top, root, "Virtual YubiKey PIV Root CA", NULL,
	    -1);
	if (ok && middle != NULL)
		ok = authority_get(&mid, middle,
		    "Virtual YubiKey PIV Intermediate CA", &top, 1);
	ok = ok && make_f9(st, middle != NULL ? &mid : &top);
	authority_free(&top);
	authority_free(&mid);
	return ok;
}

static X509 *
load_cert(struct state *st, uint32_t id)
{
	const struct object *o = state_object(st, id);
	struct bytes raw;
	const unsigned char *p;

	if (o == NULL || !tlv_find(bytes_of(o->data, o->len), 0x70, &raw))
		return NULL;
	p = raw.p;
	return d2i_X509(NULL, &p, raw.len);
}

static X509 *
state_of_key(struct card *c, uint8_t slot, const struct key *k,
    const struct authority *by)
{
	const struct state *st = &c->state;
	const uint8_t policy[] = { k->pin_policy, k->touch_policy };
	char cn[64];
	X509 *x;

	snprintf(cn, sizeof(cn), "YubiKey PIV Attestation %02x", slot);
	x = cert_new(k->pkey, cn, by);
	if (x != NULL &&
	    add_raw(x, OID_FIRMWARE, st->firmware, sizeof(st->firmware)) &&
	    add_serial(x, st->serial) &&
	    add_raw(x, OID_POLICY, policy, sizeof(policy)) &&
	    add_raw(x, OID_FORM_FACTOR, &st->form_factor, 1) &&
	    X509_sign(x, by->key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

/* P1 is the slot.  An imported key is none that could be attested. */
uint16_t
attest_run(struct card *c, const struct apdu *a, struct out *re)
{
	const struct key *k = state_key(&c->state, a->p1);
	const struct key *f9 = state_key(&c->state, SLOT_ATTEST);
	struct authority by = { f9->pkey, NULL };
	uint16_t sw = SW_BROKEN;
	uint8_t *der = NULL;
	X509 *x = NULL;
	int len;

	if (a->p2 != 0)
		return SW_P1P2;
	if (k == NULL || k == f9)
		return SW_SLOT;
	if (k->pkey == NULL)
		return SW_NO_KEY;
	if (k->origin != ORIGIN_GENERATED || f9->pkey == NULL)
		return SW_DATA;
	by.cert = load_cert(&c->state, OBJECT_ATTEST);
	if (by.cert == NULL)
		return SW_DATA;
	x = state_of_key(c, a->p1, k, &by);
	if (x != NULL && (len = i2d_X509(x, &der)) > 0) {
		out_put(re, bytes_of(der, len));
		sw = SW_OK;
	}
	OPENSSL_free(der);
	X509_free(x);
	X509_free(by.cert);
	return sw;
}
