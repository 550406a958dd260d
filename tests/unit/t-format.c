/* What SSH and OpenPGP make of a key and a signature. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "format/openpgp.h"
#include "format/ssh.h"
#include "../tools/softkey.h"
#include "known-keys.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

#define NOW (KNOWN_CREATED + 1000)

static const enum key_algorithm all[] = {
	ALGO_RSA2048, ALGO_RSA3072, ALGO_P256, ALGO_P384, ALGO_P521,
	ALGO_ED25519,
};
#define ALL (sizeof(all) / sizeof(all[0]))

struct fixture {
	EVP_PKEY *evp[ALL];
	struct pubkey *pub[ALL];
};

static int
make_keys(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	for (size_t i = 0; f && i < ALL; i++) {
		f->evp[i] = softkey_new(all[i]);
		if (!f->evp[i] || !(f->pub[i] = softkey_public(f->evp[i])))
			return -1;
	}
	*state = f;
	return f ? 0 : -1;
}

static int
free_keys(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		EVP_PKEY_free(f->evp[i]);
		pubkey_free(&f->pub[i]);
	}
	free(f);
	return 0;
}

static struct view
unhex(const char *hex, uint8_t *room)
{
	size_t n;
	unsigned byte;

	for (n = 0; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		room[n] = (uint8_t)byte;
	return view_of(room, n);
}

static void
assert_hex(struct view got, const char *want)
{
	uint8_t room[1024];

	assert_true(view_eq(got, unhex(want, room)));
}

static void
test_known_keys_have_their_known_names(void **state)
{
	for (size_t i = 0; i < KNOWN_KEYS; i++) {
		const struct known_key *k = &known_keys[i];
		struct openpgp_key key = { NULL, KNOWN_CREATED };
		uint8_t public[512], exponent[8], fpr[OPENPGP_FPR_LEN];
		struct pubkey *pub;
		struct buf packet;
		char ssh[64];

		assert_code(pubkey_new(&pub, k->algorithm,
		    unhex(k->public, public), unhex(k->exponent, exponent)), 0);
		key.pub = pub;
		assert_hex(pubkey_id(pub), k->id);
		assert_code(ssh_fingerprint(pub, ssh), 0);
		assert_string_equal(ssh, k->ssh);
		assert_code(openpgp_fingerprint(&key, fpr), 0);
		assert_hex(view_of(fpr, sizeof(fpr)), k->fpr);
		buf_init(&packet, 1024);
		assert_code(openpgp_put_key(&packet, &key), 0);
		assert_hex(buf_view(&packet), k->packet);
		buf_free(&packet);
		key.created++;
		assert_code(openpgp_fingerprint(&key, fpr), 0);
		assert_int_not_equal(fpr[0] << 8 | fpr[1],
		    strtol((char[]){ k->fpr[0], k->fpr[1], k->fpr[2],
			k->fpr[3], 0 }, NULL, 16));
		pubkey_free(&pub);
	}
}

/* ---- SSH ---- */

static void
test_ssh_rsa_without_sha2_is_refused(void **state)
{
	struct fixture *f = *state;
	struct signing s;

	assert_code(ssh_begin(&s, f->pub[0], view_str("data"), 0),
	    GPG_ERR_DIGEST_ALGO);
	assert_int_equal(buf_len(&s.data), 0);
	signing_free(&s);
}

static void
test_ssh_unknown_flags_are_refused(void **state)
{
	struct fixture *f = *state;
	struct signing s;

	for (size_t i = 0; i < ALL; i++)
		for (int bit = 0; bit < 32; bit++) {
			uint32_t flag = (uint32_t)1 << bit;

			if (flag == SSH_AGENT_RSA_SHA2_256 ||
			    flag == SSH_AGENT_RSA_SHA2_512)
				continue;
			assert_code(ssh_begin(&s, f->pub[i],
			    view_str("data"), flag | SSH_AGENT_RSA_SHA2_256),
			    GPG_ERR_INV_FLAG);
			signing_free(&s);
		}
}

static void
test_ssh_flags_choose_the_hash_of_rsa_alone(void **state)
{
	static const enum hash_algorithm rsa[] = {
		[2] = HASH_SHA256, [4] = HASH_SHA512, [6] = HASH_SHA256,
	};
	static const enum hash_algorithm own[ALL] = {
		[2] = HASH_SHA256, [3] = HASH_SHA384, [4] = HASH_SHA512,
		[5] = HASH_NONE,
	};
	struct fixture *f = *state;
	struct signing s;

	for (size_t i = 0; i < ALL; i++)
		for (uint32_t flags = 2; flags <= 6; flags += 2) {
			assert_code(ssh_begin(&s, f->pub[i], view_str("data"),
			    flags), 0);
			assert_int_equal(s.hash, i < 2 ? rsa[flags] : own[i]);
			signing_free(&s);
		}
}

/* Reads an mpint as it must be: positive and minimal. */
static struct view
get_mpint(struct view *v)
{
	struct view n;

	assert_code(view_get_string(v, 512, &n), 0);
	if (n.len > 0) {
		assert_false(n.p[0] & 0x80);
		assert_false(n.len > 1 && n.p[0] == 0 && !(n.p[1] & 0x80));
	}
	return n;
}

static void
assert_ends_with(const uint8_t *field, size_t len, struct view number)
{
	while (number.len > 0 && number.p[0] == 0) {
		number.p++;
		number.len--;
	}
	assert_true(number.len <= len);
	for (size_t i = 0; i < len - number.len; i++)
		assert_int_equal(field[i], 0);
	assert_memory_equal(field + len - number.len, number.p, number.len);
}

static void
test_ssh_blobs_name_the_algorithm(void **state)
{
	static const char *const names[] = {
		"rsa-sha2-512", "rsa-sha2-512", "ecdsa-sha2-nistp256",
		"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
		"ssh-ed25519",
	};
	struct fixture *f = *state;
	uint8_t sig[SOFTKEY_SIGNATURE_MAX];

	for (size_t i = 0; i < ALL; i++) {
		struct signing s;
		struct buf blob;
		struct view rest, name, body;
		size_t len;

		assert_code(ssh_begin(&s, f->pub[i], view_str("data"),
		    SSH_AGENT_RSA_SHA2_512), 0);
		len = softkey_sign(f->evp[i], &s, sig);
		buf_init(&blob, 1024);
		assert_code(ssh_finish(&s, f->pub[i], view_of(sig, len),
		    &blob), 0);
		rest = buf_view(&blob);
		assert_code(view_get_string(&rest, 32, &name), 0);
		assert_code(view_get_string(&rest, 512, &body), 0);
		assert_int_equal(rest.len, 0);
		assert_true(view_eq_str(name, names[i]));
		if (s.mechanism == MECH_ECDSA) {
			assert_ends_with(sig, len / 2, get_mpint(&body));
			assert_ends_with(sig + len / 2, len / 2,
			    get_mpint(&body));
			assert_int_equal(body.len, 0);
		} else {
			assert_true(view_eq(body, view_of(sig, len)));
		}
		buf_free(&blob);
		signing_free(&s);
	}
}

/* 00…, 7f…, 80… and all zeros, as r and as s. */
static void
test_ssh_numbers_are_minimal(void **state)
{
	static const struct {
		uint8_t first;
		size_t at, len;
	} rows[] = { { 0x7f, 0, 32 }, { 0x80, 0, 33 }, { 0x01, 1, 31 },
		{ 0xff, 1, 32 }, { 0x00, 0, 0 } };
	struct fixture *f = *state;
	struct signing s = { .mechanism = MECH_ECDSA };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t sig[64] = { 0 };
		struct view rest, name, body;
		struct buf blob;

		sig[rows[i].at] = sig[32 + rows[i].at] = rows[i].first;
		buf_init(&blob, 256);
		assert_code(ssh_finish(&s, f->pub[2], view_of(sig, 64), &blob),
		    0);
		rest = buf_view(&blob);
		assert_code(view_get_string(&rest, 32, &name), 0);
		assert_code(view_get_string(&rest, 256, &body), 0);
		assert_int_equal(get_mpint(&body).len, rows[i].len);
		assert_int_equal(get_mpint(&body).len, rows[i].len);
		buf_free(&blob);
	}
}

static void
test_ssh_lines_hold_one_line(void **state)
{
	struct fixture *f = *state;
	struct buf line;

	buf_init(&line, 4096);
	assert_code(ssh_authorized_key(f->pub[5], "ann@example.org", &line),
	    0);
	assert_true(view_starts(buf_view(&line),
	    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
	assert_int_equal(buf_len(&line), 11 + 1 + 68 + 1 + 15);
	buf_reset(&line);
	assert_code(ssh_authorized_key(f->pub[5], NULL, &line), 0);
	assert_int_equal(buf_len(&line), 11 + 1 + 68);
	assert_code(ssh_authorized_key(f->pub[5], "a\ncommand=\"x\" b", &line),
	    GPG_ERR_INV_VALUE);
	buf_free(&line);
}

/* ---- OpenPGP ---- */

static void
assert_number(struct view *v)
{
	struct view raw, number;
	unsigned bits;

	assert_code(view_get_bytes(v, 2, &raw), 0);
	bits = (unsigned)raw.p[0] << 8 | raw.p[1];
	assert_code(view_get_bytes(v, (bits + 7) / 8, &number), 0);
	assert_true(bits > 0);
	assert_int_equal(number.p[0] >> ((bits - 1) % 8), 1);
}

static void
test_openpgp_numbers_have_no_leading_zeros(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct openpgp_key key = { f->pub[i], KNOWN_CREATED };
		size_t n = pubkey_public(f->pub[i]).len;
		uint8_t raw[512];
		struct openpgp_sig *sig;
		struct signing s;
		struct buf packet;
		struct view rest, skipped;

		n = i < 2 ? n : i < 5 ? n - 1 : 64;
		for (size_t zeros = 0; zeros < n / 2; zeros++) {
			memset(raw, 0, zeros);
			memset(raw + zeros, 0x15, n - zeros);
			memset(raw + n / 2, 0, zeros);
			buf_init(&packet, 1024);
			assert_code(openpgp_begin_document(&sig, &s, &key,
			    view_str("x"), NULL, NOW), 0);
			assert_code(openpgp_finish(sig, view_of(raw, n),
			    &packet), 0);
			rest = buf_view(&packet);
			/* header, 6, issuer's fingerprint and time; issuer,
			 * and the hash's first bytes */
			assert_code(view_get_bytes(&rest,
			    (rest.p[0] & 3 ? 3 : 2) + 6 + 23 + 6 + 2 + 10 + 2,
			    &skipped), 0);
			assert_number(&rest);
			if (i >= 2)
				assert_number(&rest);
			assert_int_equal(rest.len, 0);
			buf_free(&packet);
			openpgp_free(&sig);
			signing_free(&s);
		}
	}
}

static void
test_openpgp_signatures_of_another_length_are_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct openpgp_key key = { f->pub[i], KNOWN_CREATED };
		uint8_t raw[SOFTKEY_SIGNATURE_MAX + 1] = { 0 };
		struct openpgp_sig *sig;
		struct signing s;
		struct buf packet;
		size_t len;

		buf_init(&packet, 1024);
		assert_code(openpgp_begin_document(&sig, &s, &key,
		    view_str("x"), NULL, NOW), 0);
		len = softkey_sign(f->evp[i], &s, raw);
		assert_code(openpgp_finish(sig, view_of(raw, len - 1),
		    &packet), GPG_ERR_BAD_SIGNATURE);
		assert_code(openpgp_finish(sig, view_of(raw, len + 1),
		    &packet), GPG_ERR_BAD_SIGNATURE);
		assert_int_equal(buf_len(&packet), 0);
		assert_code(openpgp_finish(sig, view_of(raw, len), &packet),
		    0);
		buf_free(&packet);
		openpgp_free(&sig);
		assert_null(sig);
		signing_free(&s);
	}
}

/* What begin_document() says to a signer, and how long its packet gets. */
static gpg_error_t
sign_as(struct fixture *f, const char *signer, struct view *subpacket,
    struct buf *packet)
{
	struct openpgp_key key = { f->pub[5], KNOWN_CREATED };
	struct openpgp_sig *sig = (struct openpgp_sig *)&key;
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	struct signing s;
	size_t hashed;
	gpg_error_t err;

	if ((err = openpgp_begin_document(&sig, &s, &key, view_str("x"),
	    signer, NOW))) {
		assert_null(sig);
		assert_int_equal(buf_len(&s.data), 0);
		signing_free(&s);
		return err;
	}
	assert_code(openpgp_finish(sig, view_of(raw,
	    softkey_sign(f->evp[5], &s, raw)), packet), 0);
	*subpacket = buf_view(packet);
	hashed = subpacket->p[0] & 3 ? 3 : 2;
	hashed += 4;
	hashed = (size_t)subpacket->p[hashed] << 8 | subpacket->p[hashed + 1];
	assert_true(hashed >= 29);
	subpacket->p += (subpacket->p[0] & 3 ? 3 : 2) + 6 + 29;
	subpacket->len = hashed - 29;
	openpgp_free(&sig);
	signing_free(&s);
	return 0;
}

static void
test_openpgp_names_the_signers_address(void **state)
{
	static const struct {
		const char *user_id, *signer;
	} rows[] = {
		{ "Ann <ann@example.org>", "\x10\x1c" "ann@example.org" },
		{ "<ann@example.org>", "\x10\x1c" "ann@example.org" },
		{ "A <x> <b@c>", "\x04\x1c" "b@c" },
		{ "ann@example.org", "\x10\x1c" "ann@example.org" },
		{ "Ann", "\x04\x1c" "Ann" },
		{ "Ann <>", "\x07\x1c" "Ann <>" },
		{ "Ann <a@b> x", "\x0c\x1c" "Ann <a@b> x" },
		{ "Ann a@b>", "\x09\x1c" "Ann a@b>" },
		{ NULL, "" },
	};
	struct view subpacket;
	struct buf packet;

	buf_init(&packet, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&packet);
		assert_code(sign_as(*state, rows[i].user_id, &subpacket,
		    &packet), 0);
		assert_true(view_eq_str(subpacket, rows[i].signer));
	}
	buf_free(&packet);
}

static void
test_openpgp_user_ids_are_clean_and_bounded(void **state)
{
	static const char *const bad[] = {
		"", "a\nb", "a\x1b[0m", "\xff", "a\xc3", "a\xe2\x80\xae" "b",
	};
	struct fixture *f = *state;
	struct openpgp_key key = { f->pub[2], KNOWN_CREATED };
	struct openpgp_sig *sig;
	struct signing s;
	struct buf b;
	struct view subpacket;
	char text[1026];

	buf_init(&b, 4096);
	memset(text, 'a', sizeof(text));
	text[1025] = 0;
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		const char *id = i == 0 ? text : bad[i - 1];

		assert_code(openpgp_put_user_id(&b, id), GPG_ERR_INV_USER_ID);
		assert_code(openpgp_begin_certification(&sig, &s, &key, id, 0,
		    NOW), GPG_ERR_INV_USER_ID);
		assert_null(sig);
		assert_code(sign_as(f, id, &subpacket, &b),
		    GPG_ERR_INV_USER_ID);
		assert_int_equal(buf_len(&b), 0);
	}
	text[1024] = 0;
	assert_code(openpgp_begin_certification(&sig, &s, &key, text, 0, NOW),
	    0);
	openpgp_free(&sig);
	signing_free(&s);
	assert_code(sign_as(f, text, &subpacket, &b), 0);
	assert_int_equal(subpacket.len, 2 + 1 + 1024);
	buf_reset(&b);
	assert_code(openpgp_put_user_id(&b, text), 0);
	assert_int_equal(buf_len(&b), 3 + 1024);
	buf_free(&b);
}

static void
test_openpgp_signs_nothing_before_the_key_was_made(void **state)
{
	struct fixture *f = *state;
	struct openpgp_key key = { f->pub[2], KNOWN_CREATED };
	struct openpgp_sig *sig;
	struct signing s;
	uint32_t now = KNOWN_CREATED - 1;

	assert_code(openpgp_begin_document(&sig, &s, &key, view_str("x"),
	    NULL, now), GPG_ERR_TIME_CONFLICT);
	assert_code(openpgp_begin_certification(&sig, &s, &key, "a", 0, now),
	    GPG_ERR_TIME_CONFLICT);
	assert_code(openpgp_begin_revocation(&sig, &s, &key, 0, NULL, now),
	    GPG_ERR_TIME_CONFLICT);
	assert_null(sig);
	signing_free(&s);
	assert_code(openpgp_begin_document(&sig, &s, &key, view_str("x"),
	    NULL, now + 1), 0);
	openpgp_free(&sig);
	signing_free(&s);
}

static void
test_openpgp_expiration_does_not_wrap(void **state)
{
	struct fixture *f = *state;
	struct openpgp_key key = { f->pub[2], KNOWN_CREATED };
	struct openpgp_sig *sig;
	struct signing s;
	uint32_t last = UINT32_MAX - KNOWN_CREATED;

	assert_code(openpgp_begin_certification(&sig, &s, &key, "a", last + 1,
	    NOW), GPG_ERR_INV_TIME);
	assert_null(sig);
	assert_code(openpgp_begin_certification(&sig, &s, &key, "a", last,
	    NOW), 0);
	openpgp_free(&sig);
	signing_free(&s);
}

static void
test_openpgp_revocations_have_a_known_reason(void **state)
{
	struct fixture *f = *state;
	struct openpgp_key key = { f->pub[2], KNOWN_CREATED };
	struct openpgp_sig *sig;
	struct signing s;

	for (unsigned reason = 0; reason < 256; reason++) {
		gpg_error_t err = openpgp_begin_revocation(&sig, &s, &key,
		    (uint8_t)reason, "lost", NOW);

		assert_code(err, reason < 4 ? 0 : GPG_ERR_INV_VALUE);
		openpgp_free(&sig);
		signing_free(&s);
	}
	assert_code(openpgp_begin_revocation(&sig, &s, &key, 0, "a\nb", NOW),
	    GPG_ERR_INV_VALUE);
}

static void
test_openpgp_status_is_gnupgs(void **state)
{
	static const char *const want[ALL] = {
		"D 1 8 00 1704165645 ", "D 1 8 00 1704165645 ",
		"D 19 8 00 1704165645 ", "D 19 9 00 1704165645 ",
		"D 19 10 00 1704165645 ", "D 22 10 00 1704165645 ",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct openpgp_key key = { f->pub[i], KNOWN_CREATED };
		struct openpgp_sig *sig;
		struct signing s;
		struct buf line;
		struct view rest, skipped;
		uint8_t fpr[OPENPGP_FPR_LEN];

		buf_init(&line, 256);
		assert_code(openpgp_fingerprint(&key, fpr), 0);
		assert_code(openpgp_begin_document(&sig, &s, &key,
		    view_str("x"), NULL, NOW), 0);
		assert_code(openpgp_status(sig, &line), 0);
		rest = buf_view(&line);
		assert_true(view_starts(rest, want[i]));
		assert_code(view_get_bytes(&rest, strlen(want[i]), &skipped),
		    0);
		assert_int_equal(rest.len, 40);
		for (size_t k = 0; k < rest.len; k++)
			assert_false(rest.p[k] >= 'a');
		buf_put_u8(&line, 0);
		assert_hex(view_of(fpr, sizeof(fpr)), (const char *)
		    buf_view(&line).p + skipped.len);
		buf_free(&line);
		openpgp_free(&sig);
		signing_free(&s);
	}
}

/* As gpg --enarmor has them, but for the label. */
static void
test_armour_has_lines_of_64_and_a_checksum(void **state)
{
	uint8_t zeros[96] = { 0 };
	struct buf b;

	buf_init(&b, 4096);
	assert_code(openpgp_armor(&b, "SIGNATURE",
	    view_str("hello, touchstone")), 0);
	assert_true(view_eq_str(buf_view(&b),
	    "-----BEGIN PGP SIGNATURE-----\n\n"
	    "aGVsbG8sIHRvdWNoc3RvbmU=\n=GxBB\n"
	    "-----END PGP SIGNATURE-----\n"));
	buf_reset(&b);
	assert_code(openpgp_armor(&b, "SIGNATURE", view_of(zeros, 96)), 0);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(buf_view(&b).p + 31 + i * 65,
		    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 65);
	assert_int_equal(buf_view(&b).p[31 + 130], '=');
	buf_free(&b);
	buf_init(&b, 64);
	assert_code(openpgp_armor(&b, "SIGNATURE", view_of(zeros, 96)),
	    GPG_ERR_TOO_LARGE);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_keys_have_their_known_names),
		cmocka_unit_test(test_ssh_rsa_without_sha2_is_refused),
		cmocka_unit_test(test_ssh_unknown_flags_are_refused),
		cmocka_unit_test(test_ssh_flags_choose_the_hash_of_rsa_alone),
		cmocka_unit_test(test_ssh_blobs_name_the_algorithm),
		cmocka_unit_test(test_ssh_numbers_are_minimal),
		cmocka_unit_test(test_ssh_lines_hold_one_line),
		cmocka_unit_test(test_openpgp_numbers_have_no_leading_zeros),
		cmocka_unit_test(
		    test_openpgp_signatures_of_another_length_are_refused),
		cmocka_unit_test(test_openpgp_names_the_signers_address),
		cmocka_unit_test(test_openpgp_user_ids_are_clean_and_bounded),
		cmocka_unit_test(
		    test_openpgp_signs_nothing_before_the_key_was_made),
		cmocka_unit_test(test_openpgp_expiration_does_not_wrap),
		cmocka_unit_test(test_openpgp_revocations_have_a_known_reason),
		cmocka_unit_test(test_openpgp_status_is_gnupgs),
		cmocka_unit_test(test_armour_has_lines_of_64_and_a_checksum),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
