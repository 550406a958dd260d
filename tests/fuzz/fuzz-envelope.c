/*
 * Image signatures out of arbitrary bytes: what is read is bounded, clean and
 * verified without a fault, by the key or certificates that it brings.  The
 * first byte says what the others are: 'm' an OpenPGP message, 'd' DSSE or a
 * bundle, 'j' JWS, 'c' COSE, 'e' ECDSA's DER.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "format/dsse.h"
#include "format/key.h"
#include "format/notaryenv.h"
#include "format/opmessage.h"
#include "format/rawsig.h"
#include "wire/text.h"

#define NOW 1795321634

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool condition)
{
	if (!condition)
		abort();
}

/* The base point of P-256, whose other half is 1. */
static struct pubkey *
some_key(void)
{
	static const uint8_t point[] = {
		0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8,
		0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d,
		0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8,
		0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f,
		0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b,
		0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40,
		0x68, 0x37, 0xbf, 0x51, 0xf5,
	};
	struct pubkey *key;

	must(!pubkey_new(&key, ALGO_P256, view_of(point, sizeof(point)),
	    view_of(NULL, 0)));
	return key;
}

static void
do_message(struct view v)
{
	struct pubkey *key = some_key();
	struct opmessage m;
	const char *why;
	gpg_error_t err = opmessage_read(&m, v, &why);

	must(!err == !why);
	if (!err) {
		struct view home = buf_len(&m.inflated) > 0 ?
		    buf_view(&m.inflated) : v;

		must(buf_len(&m.document) <= home.len);
		must(m.number_count > 0 && m.number_count <= 2);
		for (size_t i = 0; i < m.number_count; i++)
			must(m.numbers[i].p >= home.p && m.numbers[i].p +
			    m.numbers[i].len <= home.p + home.len);
		err = opmessage_check(&m, key, NOW, &why);
		must(!err == !why);
		opmessage_free(&m);
	}
	pubkey_free(&key);
}

static void
do_dsse(struct view v)
{
	struct pubkey *key = some_key();
	struct dsse d;
	const char *why;
	gpg_error_t err = dsse_read(&d, v, &why);
	struct view statement = buf_view(&d.statement);

	must(!err == !why);
	if (!err) {
		must(text_is_clean(view_str(d.hint)));
		must(buf_len(&d.signature) > 0 && statement.len > 0);
		rawsig_check(key, RAWSIG_SIGSTORE, HASH_SHA256, &statement, 1,
		    buf_view(&d.signature));
	}
	dsse_free(&d);
	pubkey_free(&key);
}

static void
do_notary(struct view v, enum notaryenv_form form)
{
	struct notaryenv_read r;
	struct pubkey *key;
	char reason[ATTEST_WHY];
	const char *why;
	gpg_error_t err = notaryenv_read(&r, form, v, &why);

	must(!err == !why);
	if (err)
		return;
	must(text_is_clean(view_str(r.agent)));
	must(attest_certs_count(r.chain) > 0);
	must(r.header.algorithm[1] == 'S');
	err = notaryenv_verify(&r, r.chain, NOW, &key, reason);
	must(!err == !!key && !err == !reason[0]);
	must(text_is_clean(view_str(reason)));
	pubkey_free(&key);
	notaryenv_read_free(&r);
}

/* One number, one DER. */
static void
do_ecdsa(struct view v)
{
	uint8_t numbers[2 * KEY_FIELD_MAX];
	struct buf der;

	if (ecdsa_get_der(v, 32, numbers))
		return;
	buf_init(&der, 128);
	must(!ecdsa_put_der(&der, view_of(numbers, 64)));
	must(view_eq(buf_view(&der), v));
	buf_free(&der);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v;

	if (size == 0)
		return 0;
	v = view_of(data + 1, size - 1);
	switch (data[0]) {
	case 'm':
		do_message(v);
		break;
	case 'd':
		do_dsse(v);
		break;
	case 'j':
		do_notary(v, NOTARYENV_JWS);
		break;
	case 'c':
		do_notary(v, NOTARYENV_COSE);
		break;
	case 'e':
		do_ecdsa(v);
		break;
	}
	return 0;
}
