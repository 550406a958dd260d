/* The virtual YubiKey, command by command, without reader and pcscd. */
#include <config.h>

#include <sys/socket.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "card.h"

#define SELECT "00a4040005a000000308"
#define VERIFY "0020008008313233343536ffff"
#define VERIFY_WRONG "0020008008363534333231ffff"
#define UNBLOCK(puk) "002c008010" puk "363534333231ffff"
#define K8 "0123456789abcdef"
#define DIGEST K8 K8 K8 K8
#define SIGN_9A "0087119a26" "7c24" "8200" "8120" DIGEST

struct rig {
	struct card card;
	char folder[64], state[80], root[80];
	int other;		/* the reader's end */
	struct out re;		/* what the last command gave */
};

static void
card_init(struct rig *r)
{
	struct card *c = &r->card;

	c->reader = c->control = c->signals = -1;
	c->touch.mode = TOUCH_MODE_NOW;
	c->touch.timeout = 30;
	c->state.path = r->state;
}

static void
plug(struct rig *r)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    pair), 0);
	r->card.reader = pair[0];
	r->other = pair[1];
	card_power(&r->card);
}

static void
unplug(struct rig *r)
{
	if (r->card.reader >= 0)
		close(r->card.reader);
	if (r->other >= 0)
		close(r->other);
	r->card.reader = r->other = -1;
}

static void *
rig_new(int minor)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	strcpy(r->folder, "/tmp/t-yubikey.XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	snprintf(r->state, sizeof(r->state), "%s/state", r->folder);
	snprintf(r->root, sizeof(r->root), "%s/root.pem", r->folder);
	card_init(r);
	r->card.state.firmware[0] = 5;
	r->card.state.firmware[1] = minor;
	r->card.state.serial = 10000001;
	r->card.state.form_factor = 1;
	state_init(&r->card.state);
	plug(r);
	return r;
}

static int
setup_54(void **state)
{
	*state = rig_new(4);
	return 0;
}

static int
setup_57(void **state)
{
	*state = rig_new(7);
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;
	char path[96];

	unplug(r);
	state_free(&r->card.state);
	unlink(r->state);
	unlink(r->root);
	snprintf(path, sizeof(path), "%s.key", r->root);
	unlink(path);
	assert_int_equal(rmdir(r->folder), 0);
	free(r);
	return 0;
}

/* The status word; the data is in r->re.  0: no answer. */
static unsigned int
send_bytes(struct rig *r, struct bytes raw)
{
	unsigned int sw;

	r->re = (struct out){ .len = 0 };
	if (!apdu_answer(&r->card, raw, &r->re))
		return 0;
	if (r->re.len < 2)
		return 1;
	sw = r->re.p[r->re.len - 2] << 8 | r->re.p[r->re.len - 1];
	r->re.len -= 2;
	return sw;
}

static unsigned int
send_hex(struct rig *r, const char *hex)
{
	uint8_t raw[OUT_MAX];
	size_t len;

	assert_true(hex_decode(hex, raw, sizeof(raw), &len));
	return send_bytes(r, bytes_of(raw, len));
}

#define says(r, hex, sw) assert_int_equal(send_hex(r, hex), sw)

static void
gave(struct rig *r, const char *hex)
{
	char text[2 * OUT_MAX + 1];

	hex_encode(out_bytes(&r->re), text);
	assert_string_equal(text, hex);
}

/* ECB of one block with the card's own management key. */
static void
mgm_cipher(struct rig *r, const uint8_t *in, uint8_t *out, size_t len,
    int encrypt)
{
	const struct mgm *m = &r->card.state.mgm;
	const char *name = m->alg == ALG_3DES ? "DES-EDE3" :
	    m->alg == ALG_AES128 ? "AES-128-ECB" :
	    m->alg == ALG_AES192 ? "AES-192-ECB" : "AES-256-ECB";
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	int n;

	assert_non_null(cipher);
	assert_int_equal(EVP_CipherInit_ex2(ctx, cipher, m->key, NULL,
	    encrypt, NULL), 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	assert_int_equal(EVP_CipherUpdate(ctx, out, &n, in, len), 1);
	EVP_CIPHER_free(cipher);
	EVP_CIPHER_CTX_free(ctx);
}

/* The second step; spoil is put to the answer to the witness. */
static unsigned int
answer_witness(struct rig *r, size_t block, uint8_t spoil)
{
	struct out inner = { .len = 0 }, outer = { .len = 0 };
	struct out command = { .len = 0 };
	uint8_t plain[16], challenge[16] = { 7 };

	mgm_cipher(r, r->re.p + 4, plain, block, 0);
	plain[0] ^= spoil;
	out_tlv(&inner, 0x80, bytes_of(plain, block));
	out_tlv(&inner, 0x81, bytes_of(challenge, block));
	out_tlv(&outer, 0x7c, out_bytes(&inner));
	out_put(&command, bytes_of("\x00\x87", 2));
	out_u8(&command, r->card.state.mgm.alg);
	out_u8(&command, SLOT_MGM);
	out_u8(&command, outer.len);
	out_put(&command, out_bytes(&outer));
	return send_bytes(r, out_bytes(&command));
}

static unsigned int
login(struct rig *r, uint8_t spoil)
{
	size_t block = r->card.state.mgm.alg == ALG_3DES ? 8 : 16;
	char hex[32];

	snprintf(hex, sizeof(hex), "0087%02x9b047c028000",
	    r->card.state.mgm.alg);
	says(r, hex, 0x9000);
	assert_int_equal(r->re.len, block + 4);
	return answer_witness(r, block, spoil);
}

static void
ready(struct rig *r)
{
	says(r, SELECT, 0x9000);
	assert_int_equal(login(r, 0), 0x9000);
}

static void
generate_9a(struct rig *r, int pin, int touch)
{
	char hex[64];

	snprintf(hex, sizeof(hex), "0047009a0bac09800111aa01%02xab01%02x",
	    pin, touch);
	says(r, hex, 0x9000);
}

static void
nothing_works_before_select(void **state)
{
	struct rig *r = *state;

	says(r, "00fd0000", 0x6d00);
	says(r, VERIFY, 0x6d00);
	says(r, SELECT, 0x9000);
	gave(r, "61114f0600001000010079074f05a000000308");
	says(r, "00fd0000", 0x9000);
	gave(r, "050400");
	says(r, "00f80000", 0x9000);
	gave(r, "00989681");
	says(r, "00a4040005a000000309", 0x6a82);
	says(r, "00fd000000", 0x9000);
	card_power(&r->card);
	says(r, "00fd0000", 0x6d00);
}

static void
malformed_commands_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "00", "00fd00", "00200080083132",
		"002000800031", "00fd00000000000001",
		"0020008008313233343536ffff0000",
		"0020008000000031", "002000800000023132333435",
	};
	struct rig *r = *state;
	struct apdu a;
	uint8_t raw[32];
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_true(hex_decode(bad[i], raw, sizeof(raw), &len));
		assert_false(apdu_parse(bytes_of(raw, len), &a));
	}
	says(r, SELECT, 0x9000);
	says(r, "00200080083132", 0x6700);
	says(r, "0020008002313233", 0x6a80);
	says(r, "80fd0000", 0x6e00);
	assert_int_equal(r->card.state.pin.left, 3);
}

static void
commands_of_all_shapes_are_one(void **state)
{
	static const char *const shapes[] = {
		"00cb3fff035c017e", "00cb3fff035c017e00",
		"00cb3fff0000035c017e", "00cb3fff0000035c017e0000",
	};
	struct rig *r = *state;
	size_t i;

	says(r, SELECT, 0x9000);
	for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		says(r, shapes[i], 0x9000);
		gave(r, "7e124f0ba0000003080000100001005f2f024000");
	}
	says(r, "10cb3fff015c", 0x9000);
	says(r, "00cb3fff02017e", 0x9000);
	gave(r, "7e124f0ba0000003080000100001005f2f024000");
	/* What does not belong to it ends a chain. */
	says(r, "10cb3fff015c", 0x9000);
	says(r, "00fd0000", 0x9000);
	says(r, "00cb3fff02017e", 0x6a80);
}

/* 600 bytes go in by chaining and come out in parts, or whole. */
static void
long_objects_go_in_and_out(void **state)
{
	struct rig *r = *state;
	struct out put = { .len = 0 }, all = { .len = 0 };
	uint8_t data[600];
	struct bytes left, part;
	size_t n;

	memset(data, 0x33, sizeof(data));
	out_put(&put, bytes_of("\x5c\x03\x5f\xc1\x05", 5));
	out_tlv(&put, 0x53, bytes_of(data, sizeof(data)));
	ready(r);
	for (left = out_bytes(&put); left.len > 0;) {
		struct out a = { .len = 0 };

		n = left.len > 255 ? 255 : left.len;
		bytes_take(&left, n, &part);
		out_u8(&a, left.len > 0 ? 0x10 : 0);
		out_put(&a, bytes_of("\xdb\x3f\xff", 3));
		out_u8(&a, n);
		out_put(&a, part);
		assert_int_equal(send_bytes(r, out_bytes(&a)), 0x9000);
	}
	says(r, "00cb3fff055c035fc105", 0x6100);
	assert_int_equal(r->re.len, 256);
	out_put(&all, out_bytes(&r->re));
	says(r, "00c0000000", 0x6100 | (604 - 512));
	out_put(&all, out_bytes(&r->re));
	says(r, "00c0000000", 0x9000);
	out_put(&all, out_bytes(&r->re));
	assert_true(bytes_eq(out_bytes(&all), put.p + 5, put.len - 5));
	says(r, "00c0000000", 0x9000);
	assert_int_equal(r->re.len, 0);
	says(r, "00cb3fff0000055c035fc105", 0x9000);
	assert_int_equal(r->re.len, 604);
	says(r, "00db3fff075c035fc1055300", 0x9000);
	says(r, "00cb3fff055c035fc105", 0x6a82);
}

static void
objects_are_guarded(void **state)
{
	struct rig *r = *state;

	says(r, SELECT, 0x9000);
	says(r, "00db3fff085c035fc109530101", 0x6982);
	ready(r);
	says(r, "00db3fff085c035fc109530101", 0x9000);
	says(r, "00db3fff085c035fc102530101", 0x9000);
	says(r, SELECT, 0x9000);
	says(r, "00cb3fff055c035fc109", 0x6982);
	says(r, "00cb3fff055c035fc102", 0x9000);
	gave(r, "530101");
	says(r, VERIFY, 0x9000);
	says(r, "00cb3fff055c035fc109", 0x9000);
}

static void
wrong_pins_count_down_and_block(void **state)
{
	struct rig *r = *state;

	says(r, SELECT, 0x9000);
	says(r, "0020008000", 0x63c3);
	says(r, VERIFY_WRONG, 0x63c2);
	says(r, VERIFY, 0x9000);
	says(r, "0020008000", 0x9000);
	says(r, "0020ff80", 0x9000);
	says(r, "0020008000", 0x63c3);
	says(r, VERIFY, 0x9000);
	says(r, SELECT, 0x9000);
	says(r, "0020008000", 0x63c3);
	says(r, VERIFY_WRONG, 0x63c2);
	says(r, VERIFY_WRONG, 0x63c1);
	says(r, VERIFY_WRONG, 0x63c0);
	says(r, VERIFY_WRONG, 0x6983);
	says(r, VERIFY, 0x6983);
	says(r, "0020008000", 0x6983);
	says(r, "00fb0000", 0x6985);
	/* The PUK unblocks it, and sets another. */
	says(r, UNBLOCK("3132333435363737"), 0x63c2);
	says(r, UNBLOCK("3132333435363738"), 0x9000);
	says(r, VERIFY, 0x63c2);
	says(r, VERIFY_WRONG, 0x9000);
}

static void
tries_survive_the_power(void **state)
{
	struct rig *r = *state;
	struct state other = { .path = r->state };
	bool found;

	says(r, SELECT, 0x9000);
	says(r, VERIFY_WRONG, 0x63c2);
	state_init(&other);
	assert_true(state_load(&other, &found));
	assert_true(found);
	assert_int_equal(other.pin.left, 2);
	assert_int_equal(other.serial, 10000001);
	state_free(&other);
}

/* What SIGN_9A answers right after SELECT, after VERIFY, and once more. */
static void
signs(struct rig *r, unsigned int bare, unsigned int first,
    unsigned int second)
{
	says(r, SELECT, 0x9000);
	says(r, SIGN_9A, bare);
	says(r, VERIFY, 0x9000);
	says(r, SIGN_9A, first);
	says(r, SIGN_9A, second);
}

static void
pin_policies_hold(void **state)
{
	struct rig *r = *state;

	ready(r);
	says(r, SIGN_9A, 0x6a80);
	generate_9a(r, PIN_NEVER, TOUCH_NEVER);
	signs(r, 0x9000, 0x9000, 0x9000);
	ready(r);
	generate_9a(r, PIN_ONCE, TOUCH_NEVER);
	signs(r, 0x6982, 0x9000, 0x9000);
	ready(r);
	generate_9a(r, PIN_ALWAYS, TOUCH_NEVER);
	signs(r, 0x6982, 0x9000, 0x6982);
	says(r, VERIFY, 0x9000);
	says(r, SIGN_9A, 0x9000);
	/* Without a word, 9C is always, 9E never, 9A once; no touch. */
	ready(r);
	says(r, "0047009a05ac03800111", 0x9000);
	says(r, "0047009c05ac03800111", 0x9000);
	says(r, "0047009e05ac03800111", 0x9000);
	assert_int_equal(state_key(&r->card.state, 0x9a)->pin_policy,
	    PIN_ONCE);
	assert_int_equal(state_key(&r->card.state, 0x9c)->pin_policy,
	    PIN_ALWAYS);
	assert_int_equal(state_key(&r->card.state, 0x9e)->pin_policy,
	    PIN_NEVER);
	assert_int_equal(state_key(&r->card.state, 0x9c)->touch_policy,
	    TOUCH_NEVER);
}

static void
touch_policies_hold(void **state)
{
	struct rig *r = *state;

	ready(r);
	generate_9a(r, PIN_NEVER, TOUCH_ALWAYS);
	says(r, SIGN_9A, 0x9000);
	assert_int_equal(r->card.counts.touches, 1);
	r->card.touch.mode = TOUCH_MODE_LEAVE;
	says(r, SIGN_9A, 0x6982);
	r->card.touch.mode = TOUCH_MODE_AFTER;
	r->card.touch.after = 10;
	says(r, SIGN_9A, 0x9000);
	r->card.touch.after = 100;
	says(r, SIGN_9A, 0x6982);
	assert_int_equal(r->card.counts.touches, 2);
	generate_9a(r, PIN_NEVER, TOUCH_CACHED);
	card_power(&r->card);
	says(r, SELECT, 0x9000);
	says(r, SIGN_9A, 0x6982);
	r->card.touch.after = 10;
	says(r, SIGN_9A, 0x9000);
	says(r, SIGN_9A, 0x9000);
	assert_int_equal(r->card.counts.touches, 3);
	r->card.touch.mode = TOUCH_MODE_LEAVE;
	says(r, SIGN_9A, 0x9000);
	r->card.session.touched_at -= 15000;
	says(r, SIGN_9A, 0x6982);
}

static void
management_keys_log_in(void **state)
{
	struct rig *r = *state;
	static const char *const keys[] = {
		"00ffffff1b039b18" K8 K8 K8, "00ffffff13089b10" K8 K8,
		"00ffffff1b0a9b18" K8 K8 K8, "00fffffe230c9b20" K8 K8 K8 K8,
	};
	size_t i;

	says(r, SELECT, 0x9000);
	says(r, "0047009a05ac03800111", 0x6982);
	assert_int_equal(login(r, 1), 0x6982);
	says(r, "0047009a05ac03800111", 0x6982);
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		says(r, SELECT, 0x9000);
		says(r, keys[i], 0x6982);
		assert_int_equal(login(r, 0), 0x9000);
		says(r, keys[i], 0x9000);
		assert_int_equal(r->card.state.mgm.touch,
		    i == 3 ? TOUCH_ALWAYS : TOUCH_NEVER);
		says(r, SELECT, 0x9000);
		assert_int_equal(login(r, 1), 0x6982);
		assert_int_equal(login(r, 0), 0x9000);
		/* One answer to a witness. */
		assert_int_equal(answer_witness(r, 8, 0), 0x6985);
	}
	assert_int_equal(r->card.counts.touches, 1);
	assert_int_equal(login(r, 0), 0x9000);
	says(r, "00ffffff13089b18" K8 K8, 0x6a80);
	says(r, "00ffffff13079b10" K8 K8, 0x6a80);
	r->card.touch.mode = TOUCH_MODE_LEAVE;
	assert_int_equal(login(r, 0), 0x6982);
	says(r, "0047009a05ac03800111", 0x6982);
}

/* The host proves that it knows the key; the card does not. */
static void
external_login_is_a_login(void **state)
{
	struct rig *r = *state;
	struct out command;
	uint8_t proof[8];
	int spoil;

	says(r, SELECT, 0x9000);
	for (spoil = 1; spoil >= 0; spoil--) {
		says(r, "0087039b047c028100", 0x9000);
		mgm_cipher(r, r->re.p + 4, proof, 8, 1);
		proof[7] ^= spoil;
		command = (struct out){ .len = 0 };
		out_put(&command, bytes_of("\x00\x87\x03\x9b\x0c\x7c\x0a", 7));
		out_tlv(&command, 0x82, bytes_of(proof, 8));
		assert_int_equal(send_bytes(r, out_bytes(&command)),
		    spoil ? 0x6982 : 0x9000);
		says(r, "0047009a05ac03800111", spoil ? 0x6982 : 0x9000);
	}
	/* The answer to a challenge of before is none. */
	assert_int_equal(send_bytes(r, out_bytes(&command)), 0x6985);
	says(r, "0047009a05ac03800111", 0x6982);
}

static void
firmware_decides(void **state)
{
	struct rig *r = *state;
	bool new = r->card.state.firmware[1] == 7;

	ready(r);
	says(r, "00f7009b", 0x9000);
	gave(r, new ? "01010a" "02020001" "050101" :
	    "010103" "02020001" "050101");
	says(r, "0047009a05ac038001e0", new ? 0x9000 : 0x6a80);
	says(r, "0047009a05ac03800105", new ? 0x618e : 0x6a80);
	says(r, "0047009a05ac03800111", 0x9000);
	says(r, "00f6829a", new ? 0x9000 : 0x6d00);
	says(r, "00f7009a", new ? 0x6a88 : 0x9000);
	says(r, "00f70082", new ? 0x9000 : 0x6a88);
	if (!new)
		return;
	says(r, "00f6829a", 0x6a88);
	says(r, "0047009a05ac03800111", 0x9000);
	says(r, "00f6829a", 0x6985);
	says(r, "00f6ff82", 0x9000);
	says(r, "00f70082", 0x6a88);
	says(r, SELECT, 0x9000);
	says(r, "00f6829a", 0x6982);
}

static void
ed25519_signs(void **state)
{
	struct rig *r = *state;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *pub;

	ready(r);
	says(r, "0047009e05ac038001e0", 0x9000);
	assert_int_equal(r->re.len, 37);
	pub = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
	    r->re.p + 5, 32);
	assert_non_null(pub);
	says(r, "0087e09e097c0782008103616263", 0x9000);
	assert_int_equal(r->re.len, 68);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pub), 1);
	assert_int_equal(EVP_DigestVerify(ctx, r->re.p + 4, 64,
	    (const uint8_t *)"abc", 3), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pub);
}

static void
metadata_tells_defaults_and_tries(void **state)
{
	struct rig *r = *state;

	says(r, SELECT, 0x9000);
	says(r, "00f70080", 0x9000);
	gave(r, "0101ff" "050101" "06020303");
	says(r, VERIFY_WRONG, 0x63c2);
	says(r, "00f70080", 0x9000);
	gave(r, "0101ff" "050101" "06020302");
	says(r, "0024008010313233343536ffff363534333231ffff", 0x9000);
	says(r, "00f70080", 0x9000);
	gave(r, "0101ff" "050100" "06020303");
	says(r, "00f70081", 0x9000);
	gave(r, "0101ff" "050101" "06020303");
	says(r, "00f7009a", 0x6a88);
	says(r, "00f70077", 0x6a88);
}

/* p = 1 is no prime, and a scalar of zero no key. */
static void
import_takes_keys_only(void **state)
{
	struct rig *r = *state;

	ready(r);
	says(r, "00fe119a220620" DIGEST, 0x9000);
	says(r, "00f7009a", 0x9000);
	assert_memory_equal(r->re.p, "\x01\x01\x11\x02\x02\x02\x01\x03"
	    "\x01\x02", 10);
	says(r, "00f99a0000", 0x6a80);
	says(r, "00fe119a030601" "00", 0x6a80);
	says(r, "00fe119a030601" "ff", 0x9000);
	says(r, "00fe079a0f" "010101" "020101" "030101" "040101" "050101",
	    0x6a80);
	says(r, "00fe119a220720" DIGEST, 0x6a80);
	says(r, "00fe1199220620" DIGEST, 0x6b00);
	says(r, "00fe119a250620" DIGEST "aa0104", 0x6a80);
	says(r, SELECT, 0x9000);
	says(r, "00fe119a220620" DIGEST, 0x6982);
}

static void
keys_are_the_same_after_a_load(void **state)
{
	struct rig *r = *state;
	struct state *st = &r->card.state;
	struct out before;
	bool found;

	assert_true(attest_init(st, r->root, NULL));
	ready(r);
	generate_9a(r, PIN_NEVER, TOUCH_CACHED);
	says(r, "00f7009a", 0x9000);
	before = r->re;
	state_free(st);
	assert_true(state_load(st, &found) && found);
	says(r, "00f7009a", 0x9000);
	assert_true(bytes_eq(out_bytes(&r->re), before.p, before.len));
	says(r, "00f99a000000", 0x6700);
	says(r, "00f99a00000000", 0x9000);
	/* Whole; how long it is, its random serial number decides. */
	assert_true(r->re.len > 500);
	/* A reset takes all keys but F9 and its certificate. */
	says(r, "00cb3fff0000055c035fff01", 0x9000);
	st->pin.left = st->puk.left = 0;
	says(r, "00fb0000", 0x9000);
	says(r, "00f7009a", 0x6a88);
	says(r, "00cb3fff0000055c035fff01", 0x9000);
	says(r, "00f700f9", 0x6117);
	assert_int_equal(st->pin.left, 3);
}

static void
a_damaged_state_is_refused(void **state)
{
	static const char *const bad[] = {
		"nonsense 1\n", "pin 4 3 313233343536ffff\n",
		"pin 3 3 31\n", "pin 3 3 3132333435363xff\n",
		"key 9a 11 1 1 1 3000\n", "key 99 11 1 1 1 3000\n",
		"object 0 00\n", "mgm 03\n", "firmware x\n",
	};
	struct rig *r = *state;
	struct state other;
	bool found;
	size_t i;
	FILE *f;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		f = fopen(r->state, "w");
		assert_non_null(f);
		fputs(bad[i], f);
		fclose(f);
		memset(&other, 0, sizeof(other));
		other.path = r->state;
		assert_false(state_load(&other, &found));
		state_free(&other);
	}
}

static void
faults_come_when_they_are_due(void **state)
{
	static const char *const bad[] = {
		"", "nothing", "sw", "sw=1234", "unplug@", "unplug@100",
		"unplug#0", "unplug#", "slow=x", "unplug@87#1x", "empty!",
	};
	struct rig *r = *state;
	struct card *c = &r->card;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(fault_add(c, bad[i]));
	says(r, SELECT, 0x9000);
	assert_true(fault_add(c, "sw=6f00@fd#2"));
	says(r, "00fd0000", 0x9000);
	says(r, "00f80000", 0x9000);
	says(r, "00fd0000", 0x6f00);
	says(r, "00fd0000", 0x9000);
	assert_true(fault_add(c, "sw=6f01@f8+"));
	says(r, "00f80000", 0x6f01);
	says(r, "00fd0000", 0x9000);
	says(r, "00f80000", 0x6f01);
	for (i = 0; i < FAULTS_MAX - 1; i++)
		assert_true(fault_add(c, "slow@01"));
	assert_false(fault_add(c, "slow@01"));
}

static void
faults_do_what_they_say(void **state)
{
	struct rig *r = *state;
	struct card *c = &r->card;
	int i;

	says(r, SELECT, 0x9000);
	assert_true(fault_add(c, "empty@fd"));
	says(r, "00fd0000", 0x9000);
	gave(r, "");
	assert_true(fault_add(c, "short@fd"));
	says(r, "00fd0000", 0x9000);
	gave(r, "0504");
	assert_true(fault_add(c, "long=2@fd"));
	says(r, "00fd0000", 0x9000);
	assert_int_equal(r->re.len, 5);
	assert_true(fault_add(c, "garbage=300@fd"));
	says(r, "00fd0000", 0x6100 | 44);
	assert_true(fault_add(c, "bare@fd"));
	says(r, "00fd0000", 1);
	assert_int_equal(r->re.len, 1);
	assert_true(fault_add(c, "lie@cb"));
	says(r, "00cb3fff035c017e", 0x9000);
	gave(r, "7e82ffff4f0ba0000003080000100001005f2f024000");
	assert_true(fault_add(c, "lie=7f@cb"));
	says(r, "00cb3fff035c017e", 0x9000);
	gave(r, "7e7f4f0ba0000003080000100001005f2f024000");
	assert_true(fault_add(c, "endless@fd"));
	says(r, "00fd0000", 0x6100);
	for (i = 0; i < 100; i++) {
		says(r, "00c0000000", 0x6100);
		assert_int_equal(r->re.len, 256);
	}
	says(r, "00fd0000", 0x9000);
	gave(r, "050400");
}

static void
signatures_and_keys_are_spoilt(void **state)
{
	struct rig *r = *state;
	struct card *c = &r->card;
	struct out before;

	ready(r);
	generate_9a(r, PIN_NEVER, TOUCH_NEVER);
	assert_true(fault_add(c, "empty-signature@87"));
	says(r, SIGN_9A, 0x9000);
	gave(r, "7c028200");
	says(r, "00f7009a", 0x9000);
	before = r->re;
	says(r, "00f7009a", 0x9000);
	assert_true(bytes_eq(out_bytes(&r->re), before.p, before.len));
	assert_true(fault_add(c, "changed-key@f7"));
	says(r, "00f7009a", 0x9000);
	assert_int_equal(r->re.len, before.len);
	assert_false(bytes_eq(out_bytes(&r->re), before.p, before.len));
}

static void
an_unplugged_card_is_silent(void **state)
{
	struct rig *r = *state;

	says(r, SELECT, 0x9000);
	says(r, VERIFY, 0x9000);
	assert_true(fault_add(&r->card, "unplug"));
	says(r, "00fd0000", 0);
	assert_int_equal(r->card.reader, -1);
	assert_true(r->card.unplugged);
	unplug(r);
	plug(r);
	says(r, "00fd0000", 0x6d00);
	says(r, SELECT, 0x9000);
	says(r, "0020008000", 0x63c3);
}

/* Any bytes at all, and commands that are nearly right. */
static void
nothing_breaks_it(void **state)
{
	static const char *const seeds[] = {
		SELECT, VERIFY, SIGN_9A, "00cb3fff055c035fc105",
		"00db3fff085c035fc102530101", "0047009a05ac03800111",
		"00fe119a220620" DIGEST, "0087039b047c028000", "00f7009a",
		"00f99a0000", "00c0000000", "10db3fff015c",
		"00ca006e00", "00a4040006d27600012401",
	};
	struct rig *r = *state;
	uint8_t raw[300];
	size_t len, i, n = sizeof(seeds) / sizeof(*seeds);
	int round;

	srandom(20);
	ready(r);
	for (round = 0; round < 20000; round++) {
		assert_true(hex_decode(seeds[random() % n], raw, 250, &len));
		for (i = random() % 3; i > 0; i--)
			raw[random() % len] = random();
		if (random() % 8 == 0)
			len = random() % len;
		if (random() % 8 == 0)
			len += random() % 40;
		/* Keys of RSA take too long to be made so often. */
		if (len > 9 && raw[1] == 0x47 && raw[9] != 0x11)
			raw[1] = 0x20;
		if (raw[1] == 0x47 && random() % 16 != 0)
			raw[1] = 0x87;
		(void)send_bytes(r, bytes_of(raw, len));
		assert_true(r->re.len <= 4096);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_54, teardown)
#define TEST_57(f) { #f " (5.7)", f, setup_57, teardown, NULL }
	const struct CMUnitTest tests[] = {
		TEST(nothing_works_before_select),
		TEST(malformed_commands_are_refused),
		TEST(commands_of_all_shapes_are_one),
		TEST(long_objects_go_in_and_out),
		TEST(objects_are_guarded),
		TEST(wrong_pins_count_down_and_block),
		TEST(tries_survive_the_power),
		TEST(pin_policies_hold),
		TEST(touch_policies_hold),
		TEST(management_keys_log_in),
		TEST_57(management_keys_log_in),
		TEST(external_login_is_a_login),
		TEST(firmware_decides),
		TEST_57(firmware_decides),
		TEST_57(ed25519_signs),
		TEST(metadata_tells_defaults_and_tries),
		TEST(import_takes_keys_only),
		TEST(keys_are_the_same_after_a_load),
		TEST(a_damaged_state_is_refused),
		TEST(faults_come_when_they_are_due),
		TEST(faults_do_what_they_say),
		TEST(signatures_and_keys_are_spoilt),
		TEST(an_unplugged_card_is_silent),
		TEST(nothing_breaks_it),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
