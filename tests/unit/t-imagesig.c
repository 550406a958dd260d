/*
 * Signatures of container images, by keys of every kind: what is made is what
 * others verify and what is read back, and nothing else is.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/rsa.h>
#include <zlib.h>

#include "format/dsse.h"
#include "format/imagesig.h"
#include "format/opmessage.h"
#include "format/rawsig.h"
#include "object/object.h"
#include "wire/base64.h"
#include "wire/text.h"
#include "../tools/softkey.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

#define HEX "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define DIGEST "sha256:" HEX
#define NOW 1795321624

static const enum key_algorithm all[] = {
	ALGO_RSA2048, ALGO_RSA3072, ALGO_RSA4096, ALGO_P256, ALGO_P384,
	ALGO_P521, ALGO_ED25519,
};
#define ALL COUNT(all)

struct pair {
	EVP_PKEY *evp;
	struct pubkey *key;
};

static int
make_pairs(void **state)
{
	struct pair *p = calloc(ALL, sizeof(*p));

	for (size_t i = 0; p && i < ALL; i++)
		if (!(p[i].evp = softkey_new(all[i])) ||
		    !(p[i].key = softkey_public(p[i].evp)))
			return -1;
	*state = p;
	return p ? 0 : -1;
}

static int
free_pairs(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < ALL; i++) {
		pubkey_free(&p[i].key);
		EVP_PKEY_free(p[i].evp);
	}
	free(p);
	return 0;
}

static const EVP_MD *
md_of(enum hash_algorithm hash)
{
	return hash == HASH_SHA256 ? EVP_sha256() :
	    hash == HASH_SHA384	   ? EVP_sha384() :
	    hash == HASH_SHA512	   ? EVP_sha512() :
				     NULL;
}

/* Puts a signature of the bytes as the form has it. */
static gpg_error_t
sign(const struct pair *p, enum rawsig_form form, enum hash_algorithm hash,
    struct view v, struct buf *out)
{
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	struct signing s;
	gpg_error_t err;
	size_t len;

	if ((err = rawsig_begin(&s, p->key, form, hash, &v, 1)))
		return err;
	len = softkey_sign(p->evp, &s, raw);
	assert_code(signing_check(&s, p->key, view_of(raw, len)), 0);
	err = rawsig_put(out, p->key, form, view_of(raw, len));
	signing_free(&s);
	return err;
}

/* As OpenSSL verifies by itself, hashing and all. */
static bool
others_verify(const struct pair *p, enum hash_algorithm hash, bool pss,
    struct view v, struct view sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *k;
	bool good;

	assert_int_equal(EVP_DigestVerifyInit(ctx, &k, md_of(hash), NULL,
	    p->evp), 1);
	if (pss) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(k,
		    RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(k,
		    RSA_PSS_SALTLEN_DIGEST), 1);
	}
	good = EVP_DigestVerify(ctx, sig.p, sig.len, v.p, v.len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static void
test_sigstores_signatures_verify_elsewhere(void **state)
{
	static const enum hash_algorithm hashes[] = { HASH_SHA256,
		HASH_SHA384, HASH_SHA512 };
	struct pair *p = *state;
	struct view v = view_str("payload");
	struct buf sig;

	for (size_t i = 0; i < ALL * 3; i++) {
		struct pair *k = &p[i / 3];
		enum hash_algorithm hash = hashes[i % 3];

		buf_init(&sig, RAWSIG_MAX);
		assert_code(sign(k, RAWSIG_SIGSTORE, hash, v, &sig), 0);
		assert_true(others_verify(k, all[i / 3] == ALGO_ED25519 ?
		    HASH_NONE : hash, false, v, buf_view(&sig)));
		assert_code(rawsig_check(k->key, RAWSIG_SIGSTORE, hash, &v, 1,
		    buf_view(&sig)), 0);
		buf_free(&sig);
	}
}

static void
test_notarys_signatures_are_raw_and_pss(void **state)
{
	static const enum hash_algorithm wanted[] = { HASH_SHA256,
		HASH_SHA384, HASH_SHA512, HASH_SHA256, HASH_SHA384,
		HASH_SHA512, HASH_NONE };
	static const size_t lens[] = { 256, 384, 512, 64, 96, 132 };
	struct pair *p = *state;
	struct view v = view_str("payload");
	struct buf sig;

	for (size_t i = 0; i < ALL; i++) {
		assert_int_equal(rawsig_hash(p[i].key, RAWSIG_NOTARY),
		    wanted[i]);
		buf_init(&sig, RAWSIG_MAX);
		if (wanted[i] == HASH_NONE) {
			assert_code(sign(&p[i], RAWSIG_NOTARY, HASH_SHA256, v,
			    &sig), GPG_ERR_PUBKEY_ALGO);
			continue;
		}
		assert_code(sign(&p[i], RAWSIG_NOTARY, HASH_NONE, v, &sig),
		    0);
		assert_int_equal(buf_len(&sig), lens[i]);
		if (i < 3)
			assert_true(others_verify(&p[i], wanted[i], true, v,
			    buf_view(&sig)));
		assert_code(rawsig_check(p[i].key, RAWSIG_NOTARY, HASH_NONE,
		    &v, 1, buf_view(&sig)), 0);
		buf_free(&sig);
	}
}

static void
assert_bad(const struct pair *p, enum rawsig_form form,
    enum hash_algorithm hash, const char *text, struct view sig)
{
	struct view v = view_str(text);

	assert_code(rawsig_check(p->key, form, hash, &v, 1, sig),
	    GPG_ERR_BAD_SIGNATURE);
}

static void
test_algorithms_are_not_confused(void **state)
{
	struct pair *p = *state;
	struct view v = view_str("payload");
	struct buf sig;

	for (size_t i = 0; i < ALL; i++) {
		struct pair *other = &p[(i + 1) % ALL];

		buf_init(&sig, RAWSIG_MAX);
		assert_code(sign(&p[i], RAWSIG_SIGSTORE, HASH_SHA256, v,
		    &sig), 0);
		if (all[i] != ALGO_ED25519) {
			assert_bad(&p[i], RAWSIG_NOTARY, HASH_SHA256,
			    "payload", buf_view(&sig));
			assert_bad(&p[i], RAWSIG_SIGSTORE, HASH_SHA384,
			    "payload", buf_view(&sig));
		}
		assert_bad(&p[i], RAWSIG_SIGSTORE, HASH_SHA256, "Payload",
		    buf_view(&sig));
		assert_bad(other, RAWSIG_SIGSTORE, HASH_SHA256, "payload",
		    buf_view(&sig));
		for (size_t n = 0; n < buf_len(&sig); n++)
			assert_bad(&p[i], RAWSIG_SIGSTORE, HASH_SHA256,
			    "payload", view_of(buf_view(&sig).p, n));
		for (size_t n = 0; n < buf_len(&sig); n++) {
			sig.data[sig.off + n] ^= 0x10;
			assert_bad(&p[i], RAWSIG_SIGSTORE, HASH_SHA256,
			    "payload", buf_view(&sig));
			sig.data[sig.off + n] ^= 0x10;
		}
		buf_put_u8(&sig, 0);
		assert_bad(&p[i], RAWSIG_SIGSTORE, HASH_SHA256, "payload",
		    buf_view(&sig));
		buf_free(&sig);
		if (all[i] == ALGO_ED25519)
			continue;
		buf_init(&sig, RAWSIG_MAX);
		assert_code(sign(&p[i], RAWSIG_NOTARY, HASH_NONE, v, &sig),
		    0);
		assert_bad(&p[i], RAWSIG_SIGSTORE,
		    rawsig_hash(p[i].key, RAWSIG_NOTARY), "payload",
		    buf_view(&sig));
		buf_free(&sig);
	}
}

static const struct imagesig_note notes[] = {
	{ "env", "prod \"1\"" }, { "team", "\xc3\xa4" },
};

static const struct imagesig image = {
	.reference = "localhost:5000/x:v1",
	.digest = DIGEST,
	.media_type = "application/vnd.oci.image.manifest.v1+json",
	.size = 16724,
};

static gpg_error_t
put(int which, struct buf *b, const struct imagesig *i)
{
	return which == 0 ? imagesig_put_gpg(b, i, "touchstone 1", NOW) :
	    which == 1	  ? imagesig_put_cosign(b, i) :
	    which == 2	  ? imagesig_put_statement(b, i) :
			    imagesig_put_notary(b, i);
}

/* As FACTS has them, byte for byte; the second with notes. */
static const struct {
	enum object_kind kind;
	const char *plain, *noted;
} payloads[] = {
#define CRITICAL(type) "{\"critical\":{\"identity\":{\"docker-reference\":" \
	"\"localhost:5000/x:v1\"},\"image\":{\"docker-manifest-digest\":\"" \
	DIGEST "\"},\"type\":\"" type "\"},\"optional\":"
#define NOTES "{\"env\":\"prod \\\"1\\\"\",\"team\":\"\xc3\xa4\"}"
	{ OBJECT_SIMPLE, CRITICAL("atomic container signature")
	    "{\"creator\":\"touchstone 1\",\"timestamp\":1795321624}}", NULL },
	{ OBJECT_SIMPLE, CRITICAL("cosign container image signature")
	    "null}", CRITICAL("cosign container image signature") NOTES "}" },
#define TAIL "}],\"predicateType\":\"https://sigstore.dev/cosign/sign/v1\"," \
	"\"predicate\":{}}"
#define HEAD "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{" \
	"\"digest\":{\"sha256\":\"" HEX "\"}"
	{ OBJECT_STATEMENT, HEAD TAIL, HEAD ",\"annotations\":" NOTES TAIL },
#define TARGET "{\"targetArtifact\":{\"mediaType\":\"application/vnd.oci." \
	"image.manifest.v1+json\",\"digest\":\"" DIGEST "\",\"size\":16724"
	{ OBJECT_NOTATION, TARGET "}}", TARGET ",\"annotations\":" NOTES "}}" },
};

static void
test_payloads_are_as_their_readers_want_them(void **state)
{
	struct imagesig i = image;
	const char *why;
	struct object o;
	struct buf b;

	for (int n = 0; n < 8; n++) {
		const char *want = n < 4 ? payloads[n].plain :
		    payloads[n - 4].noted;

		if (n == 4) {
			i.notes = notes;
			i.note_count = 2;
		}
		if (!want)
			continue;
		buf_init(&b, 4096);
		assert_code(put(n % 4, &b, &i), 0);
		if (!view_eq_str(buf_view(&b), want))
			print_error("# %.*s\n", (int)buf_len(&b), b.data);
		assert_true(view_eq_str(buf_view(&b), want));
		assert_code(object_read(buf_view(&b), &o, &why), 0);
		assert_int_equal(o.kind, payloads[n % 4].kind);
		assert_string_equal(o.image.digest, DIGEST);
		buf_free(&b);
	}
}

static void
test_payloads_of_nothing_are_not_made(void **state)
{
	static const struct imagesig_note twice[] = { { "a", "1" },
		{ "a", "2" } }, dirty[] = { { "a", "\x1b[0m" } },
		nameless[] = { { "", "1" } };
	struct imagesig i = image;
	struct buf b;

	buf_init(&b, 4096);
	for (int n = 0; n < 4; n++) {
		i = image;
		i.digest = HEX;
		assert_code(put(n, &b, &i), GPG_ERR_INV_VALUE);
		i.digest = NULL;
		assert_code(put(n, &b, &i), GPG_ERR_INV_VALUE);
		i = image;
		i.reference = "a b";
		assert_code(put(n, &b, &i), GPG_ERR_INV_VALUE);
		i.reference = NULL;
		if (n < 2)
			assert_code(put(n, &b, &i), GPG_ERR_INV_VALUE);
		i = image;
		i.notes = dirty;
		i.note_count = 1;
		assert_code(put(n, &b, &i), GPG_ERR_INV_VALUE);
		i.notes = nameless;
		assert_code(put(n, &b, &i), GPG_ERR_INV_VALUE);
		i.notes = twice;
		i.note_count = 2;
		if (n > 0)
			assert_code(put(n, &b, &i), GPG_ERR_DUP_VALUE);
		assert_int_equal(buf_len(&b), 0);
		assert_code(buf_error(&b), 0);
	}
	buf_free(&b);
}

static const char document[] = "{\"critical\":{}}\n";

static void
make_message(const struct pair *p, struct buf *b)
{
	struct openpgp_key key = { p->key, NOW - 100 };
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	struct openpgp_sig *sig;
	struct signing s;
	size_t len;

	assert_code(openpgp_begin_document(&sig, &s, &key, view_str(document),
	    "A <a@x>", NOW), 0);
	len = softkey_sign(p->evp, &s, raw);
	assert_code(opmessage_put(b, sig, view_of(raw, len),
	    view_str(document)), 0);
	signing_free(&s);
	openpgp_free(&sig);
}

static gpg_error_t
check_message(const struct pair *p, struct view v)
{
	uint8_t *copy = malloc(v.len ? v.len : 1);
	struct opmessage m;
	const char *why;
	gpg_error_t err;

	memcpy(copy, v.p, v.len);
	if (!(err = opmessage_read(&m, view_of(copy, v.len), &why))) {
		err = opmessage_check(&m, p->key, NOW + 10, &why);
		if (!err)
			assert_true(view_eq_str(buf_view(&m.document),
			    document));
		opmessage_free(&m);
	}
	assert_int_equal(!err, !why);
	free(copy);
	return err;
}

static void
test_a_message_is_read_back(void **state)
{
	struct pair *p = *state;
	struct opmessage m;
	const char *why;
	struct buf b;

	for (size_t i = 0; i < ALL; i++) {
		buf_init(&b, 65536);
		make_message(&p[i], &b);
		assert_code(check_message(&p[i], buf_view(&b)), 0);
		assert_code(check_message(&p[(i + 1) % ALL], buf_view(&b)),
		    GPG_ERR_BAD_SIGNATURE);
		assert_code(opmessage_read(&m, buf_view(&b), &why), 0);
		assert_int_equal(m.created, NOW);
		assert_int_equal(m.expires_after, 0);
		opmessage_free(&m);
		buf_free(&b);
	}
}

static void
test_no_other_message_is(void **state)
{
	struct pair *p = *state;
	uint8_t *copy;
	struct view v;
	struct buf b;

	for (size_t i = 0; i < ALL; i++) {
		buf_init(&b, 65536);
		make_message(&p[i], &b);
		v = buf_view(&b);
		for (size_t n = 0; n < v.len; n++)
			assert_int_not_equal(check_message(&p[i],
			    view_of(v.p, n)), 0);
		/* Behind what is hashed: the issuer, hints; not the rest. */
		for (size_t n = 15; n < 15 + 12 + strlen(document) + 30; n++) {
			b.data[b.off + n] ^= 0x04;
			if (n < 15 + 6 || n >= 15 + 12)	/* name and date */
				assert_int_not_equal(check_message(&p[i], v),
				    0);
			b.data[b.off + n] ^= 0x04;
		}
		b.data[b.end - 1] ^= 1;
		assert_int_not_equal(check_message(&p[i], v), 0);
		b.data[b.end - 1] ^= 1;
		assert_code(check_message(&p[i], v), 0);
		/* Two of them are none. */
		copy = memcpy(malloc(v.len), v.p, v.len);
		buf_put(&b, copy, v.len);
		free(copy);
		assert_code(check_message(&p[i], buf_view(&b)),
		    GPG_ERR_BAD_DATA);
		buf_free(&b);
	}
}

/*
 * Messages over "hello\n" by GnuPG 2.2.40, by its Ed25519 and P-256 keys: as
 * they are, in ZIP as it does by itself, in ZLIB, and in what is not read.
 */
static const char ed25519_point[] =
    "fcc20270798ac203af679bdeccb857939082c6e57b479b7634d4625bf06a624d";
static const char p256_point[] =
    "04e9c7476c73bbe5c2d9fc91da0e11eab9c7888b4a0322fd572ce808fa5546ef"
    "5203804561fb12bf4209fdef8a3fc46b2ce4b94430bd2b6d9af4beff22e2d6c9"
    "1f";
static const struct {
	bool p256, bzip2;
	const char *hex;
} by_gnupg[] = {
	{ false, false,
	    "900d03000816a0f46ab28bfe0b7f01ac0d6201646b02b07d68656c6c6f0a8880"
	    "040016080028162104d2d5e0b8a37072883aa0f0afa0f46ab28bfe0b7f05026b"
	    "02b07d0a1c656432353531394078000a0910a0f46ab28bfe0b7fd15a0100c291"
	    "bd9b8f457daef90b3ebbb06d9baf0aa1ea6a393ea4a704eaa35b04fb6f3400ff"
	    "69d9ec1cfcae70dc1c3854444fd6ffd46ebebfa30df1c99d19e1c19f149c5a03" },
	{ true, false,
	    "900d03000813bf7012b5dc637bcf01ac0d6201646b02b07d68656c6c6f0a8881"
	    "0400130800291621043b242e3bf4de49700c9c5defbf7012b5dc637bcf05026b"
	    "02b07d0b1c6e697374703235364078000a0910bf7012b5dc637bcfc8600100fa"
	    "af1cc4f915018728c328a99a45021e823905074e703444fb5b6672e812389e01"
	    "00a8211c98e15748a8886ba82e68c9b46fcdd751ca0b5293020d7e1348d5622a"
	    "f9" },
	{ false, false,
	    "a3019bc0cbccc021b6e04bd6a6ee7fdcf58c6b78931853b29936d466a4e6e4e4"
	    "737534b030887130688829b25cbafa60c7e282a20eab051fd6c394b332819472"
	    "c9a4a618999a1a5a3a543070710ac0242f4631321c9ab87776bf6bedba9fdc76"
	    "bb37e4ce5ecfb5f05596a5dd92e52caf1647b3fcce3761f89f79f38dcc9f7505"
	    "77642c425cfcaffdbf92b76fff62de8f27e74a3e3c385f644e143300" },
	{ false, false,
	    "a302789c9bc0cbccc021b6e04bd6a6ee7fdcf58c6b78931853b29936d466a4e6"
	    "e4e4737534b030887130688829b25cbafa60c7e282a20eab051fd6c394b33281"
	    "9472c9a4a618999a1a5a3a543070710ac0242f4631321c9ab87776bf6bedba9f"
	    "dc76bb37e4ce5ecfb5f05596a5dd92e52caf1647b3fcce3761f89f79f38dcc9f"
	    "750577642c425cfcaffdbf92b76fff62de8f27e74a3e3c385f644e1433001e8f"
	    "4609" },
	{ false, true,
	    "a303425a6836314159265359eb3c8976000031fffffe7a452420403671460084"
	    "18167fd042c048e00eec85d04bb02037246014642da0009419a4000d00000190"
	    "3406403400190066a323c50e07a9a00c8d19006407a40d34c80c9934d3200320"
	    "01a3cb80101269166c20b81417884eb3f2061dd1c6abeff39c7a159ca41a7314"
	    "eb1bc8c206fc7766070d84ad572d1d085df1b249d8cf33253230202321ce8502"
	    "c86674dfa9b95ae5025f037a814d2b794f7043cade5e2f43395e6a9c43618fd9"
	    "a520013a0acb8d2226adefdf173c4c09c106916041a24304027f177245385090"
	    "eb3c8976" },
};

static struct view
unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; hex[2 * n]; n++) {
		char pair[3] = { hex[2 * n], hex[2 * n + 1], 0 };

		out[n] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return view_of(out, n);
}

static gpg_error_t
check_gnupgs(struct view v, const struct pubkey *key)
{
	struct opmessage m;
	const char *why;
	gpg_error_t err;

	if ((err = opmessage_read(&m, v, &why)))
		return err;
	err = opmessage_check(&m, key, 1795400000, &why);
	if (!err)
		assert_true(view_eq_str(buf_view(&m.document), "hello\n"));
	opmessage_free(&m);
	return err;
}

static void
test_gnupgs_messages_are_read(void **state)
{
	uint8_t point[80], bytes[512];
	struct pubkey *key[2];

	assert_code(pubkey_new(&key[0], ALGO_ED25519, unhex(ed25519_point,
	    point), view_of(NULL, 0)), 0);
	assert_code(pubkey_new(&key[1], ALGO_P256, unhex(p256_point, point),
	    view_of(NULL, 0)), 0);
	for (size_t i = 0; i < COUNT(by_gnupg); i++) {
		struct view v = unhex(by_gnupg[i].hex, bytes);
		const struct pubkey *right = key[by_gnupg[i].p256],
		    *wrong = key[!by_gnupg[i].p256];

		if (by_gnupg[i].bzip2) {
			assert_code(check_gnupgs(v, right),
			    GPG_ERR_NOT_SUPPORTED);
			continue;
		}
		assert_code(check_gnupgs(v, right), 0);
		assert_code(check_gnupgs(v, wrong), GPG_ERR_BAD_SIGNATURE);
		for (size_t n = 0; n + 4 < v.len; n++)
			assert_int_not_equal(check_gnupgs(view_of(v.p, n),
			    right), 0);
		bytes[v.len] = 0;
		assert_int_not_equal(check_gnupgs(view_of(v.p, v.len + 1),
		    right), 0);
		bytes[v.len - 12] ^= 1;	/* of the numbers */
		assert_int_not_equal(check_gnupgs(v, right), 0);
	}
	pubkey_free(&key[0]);
	pubkey_free(&key[1]);
}

/* Little that becomes much: 64 MiB of zeros in ZLIB. */
static void
test_a_bomb_is_not_unpacked(void **state)
{
	static const size_t size = (size_t)64 * 1024 * 1024;
	uint8_t *zeros = calloc(1, size), *packed = malloc(size / 100);
	uLongf len = size / 100;
	struct opmessage m;
	const char *why;
	struct buf b;

	assert_int_equal(compress(packed, &len, zeros, size), Z_OK);
	buf_init(&b, size);
	buf_put(&b, "\xa3\x02", 2);
	buf_put(&b, packed, len);
	assert_code(opmessage_read(&m, buf_view(&b), &why), GPG_ERR_BAD_DATA);
	buf_free(&b);
	free(zeros);
	free(packed);
}

static void
make_envelope(const struct pair *p, bool bundle, struct view cert,
    struct buf *b)
{
	struct view statement = view_str(payloads[2].plain);
	struct buf input, sig;

	buf_init(&input, 4096);
	buf_init(&sig, RAWSIG_MAX);
	assert_code(dsse_put_head(&input, statement.len), 0);
	buf_put_view(&input, statement);
	assert_code(sign(p, RAWSIG_SIGSTORE, rawsig_hash(p->key,
	    RAWSIG_SIGSTORE), buf_view(&input), &sig), 0);
	if (bundle)
		assert_code(dsse_put_bundle(b, statement, buf_view(&sig),
		    pubkey_id(p->key), cert), 0);
	else
		assert_code(dsse_put(b, statement, buf_view(&sig)), 0);
	buf_free(&input);
	buf_free(&sig);
}

static gpg_error_t
check_envelope(const struct pair *p, struct view v)
{
	struct view parts[2];
	const char *why;
	struct buf head;
	struct dsse d;
	gpg_error_t err;

	if ((err = dsse_read(&d, v, &why))) {
		assert_non_null(why);
		return err;
	}
	assert_null(why);
	buf_init(&head, 128);
	dsse_put_head(&head, buf_len(&d.statement));
	parts[0] = buf_view(&head);
	parts[1] = buf_view(&d.statement);
	err = rawsig_check(p->key, RAWSIG_SIGSTORE, rawsig_hash(p->key,
	    RAWSIG_SIGSTORE), parts, 2, buf_view(&d.signature));
	buf_free(&head);
	dsse_free(&d);
	return err;
}

static void
test_envelopes_are_read_back(void **state)
{
	struct pair *p = *state;
	const char *why;
	char hint[64];
	struct dsse d;
	struct buf b;

	for (size_t i = 0; i < ALL * 2; i++) {
		buf_init(&b, 65536);
		make_envelope(&p[i / 2], i % 2, view_of(NULL, 0), &b);
		assert_code(check_envelope(&p[i / 2], buf_view(&b)), 0);
		assert_code(check_envelope(&p[(i / 2 + 1) % ALL],
		    buf_view(&b)), GPG_ERR_BAD_SIGNATURE);
		assert_code(dsse_read(&d, buf_view(&b), &why), 0);
		assert_int_equal(d.bundle, i % 2);
		EVP_EncodeBlock((unsigned char *)hint,
		    pubkey_id(p[i / 2].key).p, 32);
		assert_string_equal(d.hint, i % 2 ? hint : "");
		dsse_free(&d);
		buf_free(&b);
	}
	buf_init(&b, 65536);
	make_envelope(&p[3], true, view_str("\x30\x03\x02\x01\x01"), &b);
	assert_code(dsse_read(&d, buf_view(&b), &why), 0);
	assert_true(view_eq_str(buf_view(&d.certificate),
	    "\x30\x03\x02\x01\x01"));
	assert_string_equal(d.hint, "");
	dsse_free(&d);
	buf_free(&b);
}

#define SIG "{\"sig\":\"AAAA\"}"
#define ENVELOPE "{\"payload\":\"e30=\",\"payloadType\":\"application/" \
	"vnd.in-toto+json\",\"signatures\":[" SIG "]}"
#define BUNDLE "{\"mediaType\":\"" DSSE_BUNDLE "\",\"verificationMaterial\":" \
	"{\"publicKey\":{\"hint\":\"x\"},\"tlogEntries\":[{}]}," \
	"\"dsseEnvelope\":" ENVELOPE "}"

/* The text with the first `from` in it made `to`. */
static char *
with(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = malloc(strlen(text) + strlen(to) + 1);

	assert_non_null(at);
	sprintf(out, "%.*s%s%s", (int)(at - text), text, to,
	    at + strlen(from));
	return out;
}

static void
test_envelopes_are_read_strictly(void **state)
{
	static const struct {
		const char *text, *from, *to;
		bool good;
	} c[] = {
		{ ENVELOPE, "[" SIG, "[" SIG, true },
		{ ENVELOPE, "[" SIG, "[" SIG "," SIG, false },
		{ ENVELOPE, "[" SIG, "[", false },
		{ ENVELOPE, "in-toto", "other", false },
		{ ENVELOPE, "e30=", "e30", false },
		{ ENVELOPE, "e30=", "", false },
		{ ENVELOPE, "e30=", "e31=", false },
		{ ENVELOPE, "AAAA", "AA A", false },
		{ ENVELOPE, "\"sig\"", "\"keyid\":\"\",\"sig\"", true },
		{ ENVELOPE, "\"sig\"", "\"Sig\":\"\",\"sig\"", false },
		{ ENVELOPE, "\"sig\"", "\"sig\":\"\",\"sig\"", false },
		{ ENVELOPE, "{\"payload\"", "{\"payload\":\"\",\"payload\"",
		    false },
		{ ENVELOPE, "{\"payload\"", "{\"Payload\":\"\",\"payload\"",
		    false },
		{ ENVELOPE, "{\"payload\"", "{\"x\":\"\",\"payload\"", false },
		{ BUNDLE, "x", "y", true },
		{ BUNDLE, "bundle.v0.3+json", "bundle+json;version=0.1", true },
		{ BUNDLE, "bundle.v0.3+json", "bundle+json;version=0.4", false },
		{ BUNDLE, "\"publicKey\":{\"hint\":\"x\"},", "", false },
		{ BUNDLE, "\"publicKey\"", "\"certificate\":{\"rawBytes\":"
		    "\"AAAA\"},\"publicKey\"", false },
		{ BUNDLE, "\"publicKey\":{\"hint\":\"x\"}", "\"certificate\":{"
		    "\"rawBytes\":\"AAAA\"}", true },
		{ BUNDLE, "\"publicKey\":{\"hint\":\"x\"}",
		    "\"x509CertificateChain\":{\"certificates\":[{"
		    "\"rawBytes\":\"AAAA\"}]}", true },
		{ BUNDLE, "\"publicKey\":{\"hint\":\"x\"}", "\"certificate\":{"
		    "\"rawBytes\":\"A\"}", false },
		{ BUNDLE, "\"x\"", "\"\\u001b\"", false },
		{ BUNDLE, "\"dsseEnvelope\"", "\"messageSignature\":{},"
		    "\"dsseEnvelope\"", false },
		{ BUNDLE, "\"dsseEnvelope\"", "\"DsseEnvelope\"", false },
	};
	const char *why;
	struct dsse d;

	for (size_t i = 0; i < COUNT(c); i++) {
		char *text = with(c[i].text, c[i].from, c[i].to);
		gpg_error_t err = dsse_read(&d, view_str(text), &why);

		if (!err != c[i].good)
			print_error("# %s\n", text);
		assert_code(err, c[i].good ? GPG_ERR_NO_ERROR :
		    GPG_ERR_BAD_DATA);
		dsse_free(&d);
		if (c[i].good)
			for (size_t n = 0; n < strlen(text); n++)
				assert_code(dsse_read(&d, view_of(text, n),
				    &why), GPG_ERR_BAD_DATA);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sigstores_signatures_verify_elsewhere),
		cmocka_unit_test(test_notarys_signatures_are_raw_and_pss),
		cmocka_unit_test(test_algorithms_are_not_confused),
		cmocka_unit_test(test_payloads_are_as_their_readers_want_them),
		cmocka_unit_test(test_payloads_of_nothing_are_not_made),
		cmocka_unit_test(test_a_message_is_read_back),
		cmocka_unit_test(test_no_other_message_is),
		cmocka_unit_test(test_gnupgs_messages_are_read),
		cmocka_unit_test(test_a_bomb_is_not_unpacked),
		cmocka_unit_test(test_envelopes_are_read_back),
		cmocka_unit_test(test_envelopes_are_read_strictly),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
