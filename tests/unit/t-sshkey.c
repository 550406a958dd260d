/* SSH's keys, certificates and signatures: whole and right, or refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "format/ssh.h"
#include "format/sshkey.h"
#include "../tools/softssh.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

static const enum key_algorithm all[] = {
	ALGO_RSA2048, ALGO_P256, ALGO_P384, ALGO_P521, ALGO_ED25519,
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

/* A copy of exactly that size, so that a sanitizer sees its end. */
static gpg_error_t
read_key(struct view v)
{
	struct pubkey *key = (struct pubkey *)&key;
	uint8_t *copy = malloc(v.len + 1);
	gpg_error_t err;

	memmove(copy, v.p, v.len);
	copy = realloc(copy, v.len ? v.len : 1);
	err = pubkey_from_ssh(&key, view_of(copy, v.len));
	assert_int_equal(!err, !!key);
	pubkey_free(&key);
	free(copy);
	return err;
}

static void
test_every_key_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct pubkey *key;

	for (size_t i = 0; i < ALL; i++) {
		assert_code(pubkey_from_ssh(&key, pubkey_ssh(f->pub[i])), 0);
		assert_true(view_eq(pubkey_id(key), pubkey_id(f->pub[i])));
		pubkey_free(&key);
	}
}

static void
test_every_piece_of_a_key_is_refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct view blob = pubkey_ssh(f->pub[i]);
		struct buf more;

		for (size_t n = 0; n < blob.len; n++)
			assert_int_not_equal(read_key(view_of(blob.p, n)), 0);
		buf_init(&more, 1024);
		buf_put_view(&more, blob);
		assert_code(read_key(buf_view(&more)), 0);
		buf_put_u8(&more, 0);
		assert_code(read_key(buf_view(&more)), GPG_ERR_BAD_PUBKEY);
		buf_free(&more);
	}
}

static void
test_other_types_are_named_as_such(void **state)
{
	static const char *const types[] = { "", "ssh-dss", "ssh-ed25519x",
		"sk-ssh-ed25519@openssh.com", "rsa-sha2-256", "ssh-ed448",
		"sk-ecdsa-sha2-nistp256@openssh.com",
		"ssh-ed25519-cert-v01@openssh.com" };
	struct fixture *f = *state;
	struct buf b;

	buf_init(&b, 1024);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		buf_reset(&b);
		buf_put_cstring(&b, types[i]);
		buf_put_string(&b, pubkey_public(f->pub[4]));
		assert_code(read_key(buf_view(&b)), GPG_ERR_PUBKEY_ALGO);
	}
	buf_reset(&b);
	buf_put_cstring(&b, "ssh-ed25519");
	buf_put_string(&b, pubkey_public(f->pub[4]));
	assert_code(read_key(buf_view(&b)), 0);
	buf_free(&b);
}

static void
test_a_curve_and_its_type_agree(void **state)
{
	static const char *const curves[] = { "nistp256", "nistp384",
		"nistp521", "", "nistp25" };
	struct fixture *f = *state;
	struct buf b;

	buf_init(&b, 1024);
	for (size_t i = 1; i < 4; i++)
		for (size_t j = 0; j < 5; j++) {
			buf_reset(&b);
			buf_put_cstring(&b, pubkey_ssh_type(f->pub[i]));
			buf_put_cstring(&b, curves[j]);
			buf_put_string(&b, pubkey_public(f->pub[i]));
			assert_code(read_key(buf_view(&b)), i - 1 == j ? 0 :
			    GPG_ERR_BAD_PUBKEY);
		}
	buf_free(&b);
}

static void
test_numbers_are_positive(void **state)
{
	static const struct {
		const char *e;
		size_t len;
		gpg_err_code_t code;
	} rows[] = {
		{ "\1\0\1", 3, 0 }, { "\0\1\0\1", 4, 0 },
		{ "", 0, GPG_ERR_BAD_PUBKEY }, { "\0", 1, GPG_ERR_BAD_PUBKEY },
		{ "\x81\0\1", 3, GPG_ERR_BAD_PUBKEY },
	};
	struct fixture *f = *state;
	struct buf b;

	buf_init(&b, 1024);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		buf_put_cstring(&b, "ssh-rsa");
		buf_put_string(&b, view_of(rows[i].e, rows[i].len));
		buf_put_u32(&b, 257);
		buf_put_u8(&b, 0);
		buf_put_view(&b, pubkey_public(f->pub[0]));
		assert_code(read_key(buf_view(&b)), rows[i].code);
	}
	buf_free(&b);
}

/* ---- signatures ---- */

static void
test_a_signature_verifies_or_does_not(void **state)
{
	struct view data = view_str("data"), other = view_str("Data");
	struct fixture *f = *state;
	struct buf sig;

	buf_init(&sig, 2048);
	for (size_t i = 0; i < ALL; i++)
		for (uint32_t flags = 2; flags <= 4; flags += 2) {
			buf_reset(&sig);
			softssh_put_signature(&sig, f->evp[i], data, flags);
			assert_code(ssh_verify(f->pub[i], data,
			    buf_view(&sig)), 0);
			assert_code(ssh_verify(f->pub[i], other,
			    buf_view(&sig)), GPG_ERR_BAD_SIGNATURE);
			assert_code(ssh_verify(f->pub[(i + 1) % ALL], data,
			    buf_view(&sig)), i == ALL - 1 ?
			    GPG_ERR_DIGEST_ALGO : GPG_ERR_BAD_SIGNATURE);
		}
	buf_free(&sig);
}

static void
test_no_piece_or_change_of_a_signature_verifies(void **state)
{
	struct view data = view_str("data");
	struct fixture *f = *state;
	struct buf sig;

	buf_init(&sig, 2048);
	for (size_t i = 0; i < ALL; i++) {
		buf_reset(&sig);
		softssh_put_signature(&sig, f->evp[i], data, 2);
		assert_code(ssh_verify(f->pub[i], data, buf_view(&sig)), 0);
		for (size_t n = 0; n < buf_len(&sig); n++) {
			assert_int_not_equal(ssh_verify(f->pub[i], data,
			    view_of(sig.data, n)), 0);
			sig.data[n] ^= 1;
			assert_int_not_equal(ssh_verify(f->pub[i], data,
			    buf_view(&sig)), 0);
			sig.data[n] ^= 1;
		}
		buf_put_u8(&sig, 0);
		assert_code(ssh_verify(f->pub[i], data, buf_view(&sig)),
		    GPG_ERR_BAD_SIGNATURE);
	}
	buf_free(&sig);
}

static void
test_sha1_is_refused(void **state)
{
	struct view data = view_str("data"), v, name, raw;
	struct fixture *f = *state;
	struct buf sig, as;

	buf_init(&sig, 2048);
	buf_init(&as, 2048);
	softssh_put_signature(&sig, f->evp[0], data, 2);
	v = buf_view(&sig);
	assert_code(view_get_string(&v, 64, &name), 0);
	assert_code(view_get_string(&v, 512, &raw), 0);
	buf_put_cstring(&as, "ssh-rsa");
	buf_put_string(&as, raw);
	assert_code(ssh_verify(f->pub[0], data, buf_view(&as)),
	    GPG_ERR_DIGEST_ALGO);
	buf_reset(&as);
	buf_put_string(&as, name);
	buf_put_string(&as, raw);
	assert_code(ssh_verify(f->pub[0], data, buf_view(&as)), 0);
	buf_free(&as);
	buf_free(&sig);
}

/* Some write RSA's number without its leading zeros (RFC 4253, 6.6). */
static void
test_a_short_rsa_signature_verifies(void **state)
{
	struct fixture *f = *state;
	struct view v, name, raw = { NULL, 0 }, data;
	struct buf sig, brief;
	char text[16];

	buf_init(&sig, 2048);
	buf_init(&brief, 2048);
	for (unsigned i = 0; raw.len == 0 || raw.p[0] != 0; i++) {
		snprintf(text, sizeof(text), "%u", i);
		buf_reset(&sig);
		softssh_put_signature(&sig, f->evp[0], view_str(text), 2);
		v = buf_view(&sig);
		assert_code(view_get_string(&v, 64, &name), 0);
		assert_code(view_get_string(&v, 512, &raw), 0);
	}
	data = view_str(text);
	buf_put_string(&brief, name);
	buf_put_string(&brief, view_of(raw.p + 1, raw.len - 1));
	assert_code(ssh_verify(f->pub[0], data, buf_view(&brief)), 0);
	buf_reset(&brief);
	buf_put_string(&brief, name);
	buf_put_string(&brief, view_of(raw.p + 2, raw.len - 2));
	assert_code(ssh_verify(f->pub[0], data, buf_view(&brief)),
	    raw.p[1] ? GPG_ERR_BAD_SIGNATURE : 0);
	buf_free(&brief);
	buf_free(&sig);
}

/* ---- certificates ---- */

static const struct softssh_cert a_host = {
	.type = 2, .id = "a host", .principals = { "one.example", "*.two" },
	.after = 1000, .before = 2000,
};

static void
make_cert(struct fixture *f, size_t key, size_t authority,
    const struct softssh_cert *c, struct buf *b)
{
	buf_init(b, 16384);
	softssh_put_cert(b, f->evp[key], f->evp[authority], c);
}

static void
test_every_certificate_is_read(void **state)
{
	struct fixture *f = *state;
	struct ssh_cert cert;
	struct buf b;

	for (size_t i = 0; i < ALL; i++)
		for (size_t j = 0; j < ALL; j++) {
			make_cert(f, i, j, &a_host, &b);
			assert_true(ssh_is_cert(buf_view(&b)));
			assert_code(ssh_cert_read(&cert, buf_view(&b)), 0);
			assert_true(view_eq(pubkey_id(cert.key),
			    pubkey_id(f->pub[i])));
			assert_true(view_eq(pubkey_id(cert.authority),
			    pubkey_id(f->pub[j])));
			assert_true(view_eq(cert.signer,
			    pubkey_ssh(f->pub[j])));
			assert_int_equal(cert.serial, 7);
			assert_true(cert.host);
			assert_true(view_eq_str(cert.id, "a host"));
			assert_int_equal(cert.after, 1000);
			assert_int_equal(cert.before, 2000);
			ssh_cert_free(&cert);
			assert_null(cert.key);
			buf_free(&b);
		}
	assert_false(ssh_is_cert(pubkey_ssh(f->pub[0])));
	assert_false(ssh_is_cert(view_of("", 0)));
}

static void
assert_no_cert(struct view blob)
{
	struct ssh_cert cert;

	assert_int_not_equal(ssh_cert_read(&cert, blob), 0);
	assert_null(cert.key);
	assert_null(cert.authority);
}

static void
test_no_piece_or_change_of_a_certificate_is_read(void **state)
{
	struct fixture *f = *state;
	struct ssh_cert cert;
	struct buf b;

	for (size_t i = 0; i < ALL; i++) {
		make_cert(f, i, 4, &a_host, &b);
		for (size_t n = 0; n < buf_len(&b); n++) {
			assert_no_cert(view_of(b.data, n));
			b.data[n] ^= 1;
			assert_no_cert(buf_view(&b));
			b.data[n] ^= 1;
		}
		assert_code(ssh_cert_read(&cert, buf_view(&b)), 0);
		ssh_cert_free(&cert);
		buf_put_u8(&b, 0);
		assert_no_cert(buf_view(&b));
		buf_free(&b);
	}
}

/* Its authority's key is there, but another's signature. */
static void
test_a_certificate_is_its_authoritys(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *other = softkey_new(ALGO_ED25519);
	struct view v, name;
	struct ssh_cert cert;
	struct buf b;
	size_t signed_len;

	make_cert(f, 1, 4, &a_host, &b);
	signed_len = buf_len(&b) - (4 + 4 + 11 + 4 + 64);
	v = view_of(b.data + signed_len + 4, buf_len(&b) - signed_len - 4);
	assert_code(view_get_string(&v, 64, &name), 0);
	assert_true(view_eq_str(name, "ssh-ed25519"));
	for (int own = 0; own < 2; own++) {
		struct buf sig;

		buf_init(&sig, 2048);
		softssh_put_signature(&sig, own ? f->evp[4] : other,
		    view_of(b.data, signed_len), 0);
		buf_truncate(&b, signed_len);
		buf_put_string(&b, buf_view(&sig));
		assert_code(ssh_cert_read(&cert, buf_view(&b)),
		    own ? 0 : GPG_ERR_BAD_SIGNATURE);
		ssh_cert_free(&cert);
		buf_free(&sig);
	}
	buf_free(&b);
	EVP_PKEY_free(other);
}

static bool
is_for(struct fixture *f, const struct softssh_cert *c, const char *name,
    uint64_t now)
{
	struct ssh_cert cert;
	struct buf b;
	bool yes;

	make_cert(f, 1, 4, c, &b);
	assert_code(ssh_cert_read(&cert, buf_view(&b)), 0);
	yes = ssh_cert_is_for_host(&cert, view_str(name), now);
	ssh_cert_free(&cert);
	buf_free(&b);
	return yes;
}

static void
test_a_host_is_certified_by_name_and_time(void **state)
{
	struct fixture *f = *state;
	struct softssh_cert c = a_host;

	assert_true(is_for(f, &c, "one.example", 1000));
	assert_true(is_for(f, &c, "one.example", 1999));
	assert_false(is_for(f, &c, "one.example", 999));
	assert_false(is_for(f, &c, "one.example", 2000));
	assert_true(is_for(f, &c, "a.two", 1500));
	assert_false(is_for(f, &c, "two", 1500));
	assert_false(is_for(f, &c, "three.example", 1500));
	assert_false(is_for(f, &c, "", 1500));
	c.type = 1;
	assert_false(is_for(f, &c, "one.example", 1500));
	c = a_host;
	c.options = view_of("\0\0\0\1x\0\0\0\0", 9);
	assert_false(is_for(f, &c, "one.example", 1500));
	c = a_host;
	c.principals[0] = NULL;
	assert_true(is_for(f, &c, "any.example", 1500));
}

static void
test_only_users_and_hosts_are_certified(void **state)
{
	struct fixture *f = *state;

	for (uint32_t type = 0; type < 4; type++) {
		struct softssh_cert c = a_host;
		struct ssh_cert cert;
		struct buf b;

		c.type = type;
		make_cert(f, 1, 4, &c, &b);
		assert_code(ssh_cert_read(&cert, buf_view(&b)),
		    type == 1 || type == 2 ? 0 : GPG_ERR_BAD_CERT);
		ssh_cert_free(&cert);
		buf_free(&b);
	}
}

static void
test_patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} rows[] = {
		{ "", "", true }, { "", "a", false }, { "a", "", false },
		{ "*", "", true }, { "*", "abc", true }, { "?", "", false },
		{ "?", "a", true }, { "?", "ab", false }, { "a?c", "abc", true },
		{ "*.b", "a.b", true }, { "*.b", ".b", true },
		{ "*.b", "a.bc", false }, { "a*b*c", "aXbYc", true },
		{ "a*b*c", "abcabd", false }, { "a**", "a", true },
		{ "abc", "abd", false }, { "A", "a", false },
	};
	uint8_t p[200], s[4000];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(ssh_pattern_matches(view_str(rows[i].pattern),
		    view_str(rows[i].name)), rows[i].matches);
	/* A matcher that tries all would not end. */
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = i % 2 ? '*' : 'a';
	memset(s, 'a', sizeof(s));
	assert_true(ssh_pattern_matches(view_of(p, sizeof(p)),
	    view_of(s, sizeof(s))));
	p[sizeof(p) - 1] = 'b';
	assert_false(ssh_pattern_matches(view_of(p, sizeof(p)),
	    view_of(s, sizeof(s))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_is_read_back),
		cmocka_unit_test(test_every_piece_of_a_key_is_refused),
		cmocka_unit_test(test_other_types_are_named_as_such),
		cmocka_unit_test(test_a_curve_and_its_type_agree),
		cmocka_unit_test(test_numbers_are_positive),
		cmocka_unit_test(test_a_signature_verifies_or_does_not),
		cmocka_unit_test(
		    test_no_piece_or_change_of_a_signature_verifies),
		cmocka_unit_test(test_sha1_is_refused),
		cmocka_unit_test(test_a_short_rsa_signature_verifies),
		cmocka_unit_test(test_every_certificate_is_read),
		cmocka_unit_test(
		    test_no_piece_or_change_of_a_certificate_is_read),
		cmocka_unit_test(test_a_certificate_is_its_authoritys),
		cmocka_unit_test(test_a_host_is_certified_by_name_and_time),
		cmocka_unit_test(test_only_users_and_hosts_are_certified),
		cmocka_unit_test(test_patterns),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
