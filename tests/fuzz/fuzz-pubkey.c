/*
 * Keys and signatures out of arbitrary bytes.  The input is
 *
 *	u8 mode, u8 n, u16 length of the key, key, signature
 *
 * where mode 0 reads the key as SPKI, 1 to 6 as that algorithm's numbers (the
 * first n of them its exponent), and from 16 on changes the SPKI of known key
 * mode % 4 by the key's bytes, from n on.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "format/openpgp.h"
#include "format/ssh.h"
#include "../unit/known-keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool condition)
{
	if (!condition)
		abort();
}

static size_t
unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; hex[2 * n]; n++) {
		char pair[3] = { hex[2 * n], hex[2 * n + 1], 0 };

		out[n] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

static struct pubkey *
changed_key(size_t which, size_t offset, struct view change)
{
	const struct known_key *k = &known_keys[which];
	uint8_t public[512], exponent[8], der[600];
	struct pubkey *known, *key = NULL;
	size_t len;

	len = unhex(k->public, public);
	must(!pubkey_new(&known, k->algorithm, view_of(public, len),
	    view_of(exponent, unhex(k->exponent, exponent))));
	len = pubkey_spki(known).len;
	memcpy(der, pubkey_spki(known).p, len);
	for (size_t i = 0; i < change.len && offset + i < len; i++)
		der[offset + i] ^= change.p[i];
	must(!!pubkey_from_spki(&key, view_of(der, len)) == !key);
	/* One name, one key. */
	if (key && view_eq(pubkey_id(key), pubkey_id(known)))
		must(view_eq(pubkey_spki(key), view_of(der, len)));
	pubkey_free(&known);
	return key;
}

/* What is taken is canonical, and taken again. */
static void
check_key(const struct pubkey *key)
{
	struct pubkey *again;

	must(!pubkey_from_spki(&again, pubkey_spki(key)));
	must(view_eq(pubkey_id(again), pubkey_id(key)));
	must(view_eq(pubkey_spki(again), pubkey_spki(key)));
	pubkey_free(&again);
	must(!pubkey_new(&again, pubkey_algorithm(key), pubkey_public(key),
	    pubkey_exponent(key)));
	must(view_eq(pubkey_id(again), pubkey_id(key)));
	must(view_eq(pubkey_ssh(again), pubkey_ssh(key)));
	pubkey_free(&again);
}

static void
check_signature(const struct pubkey *key, struct view sig)
{
	struct openpgp_key pgp = { key, 1 };
	struct view data = view_str("data");
	struct openpgp_sig *osig;
	struct signing s;
	struct buf b;

	buf_init(&b, 8192);
	must(!openpgp_begin_document(&osig, &s, &pgp, data, NULL, 1));
	if (!signing_check(&s, key, sig))
		must(!openpgp_finish(osig, sig, &b));
	openpgp_finish(osig, sig, &b);
	openpgp_free(&osig);
	signing_free(&s);
	buf_reset(&b);
	must(!ssh_begin(&s, key, data, SSH_AGENT_RSA_SHA2_256));
	if (!signing_check(&s, key, sig))
		must(!ssh_finish(&s, key, sig, &b));
	signing_free(&s);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_of(data, size), len, body, exponent;
	struct pubkey *key = NULL;
	uint8_t mode, n;
	size_t want;

	if (size > 8192 || view_get_u8(&in, &mode) || view_get_u8(&in, &n) ||
	    view_get_bytes(&in, 2, &len))
		return 0;
	want = (size_t)len.p[0] << 8 | len.p[1];
	if (view_get_bytes(&in, want < in.len ? want : in.len, &body))
		return 0;
	if (mode >= 16) {
		key = changed_key(mode % KNOWN_KEYS, n, body);
	} else if (mode == 0) {
		must(!!pubkey_from_spki(&key, body) == !key);
	} else {
		view_get_bytes(&body, n < body.len ? n : body.len, &exponent);
		must(!!pubkey_new(&key, (enum key_algorithm)mode, body,
		    exponent) == !key);
	}
	if (key) {
		check_key(key);
		check_signature(key, in);
	}
	pubkey_free(&key);
	return 0;
}
