/* What SSH clients give an agent to keep: whole, within bounds, or refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "format/sshadd.h"
#include "format/sshkey.h"
#include "../tools/softssh.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

#define BIG (8 * 1024 * 1024)
#define RESTRICT "restrict-destination-v00@openssh.com"
#define CERTS "associated-certs-v00@openssh.com"

static const enum key_algorithm all[] = {
	ALGO_RSA2048, ALGO_P256, ALGO_P384, ALGO_P521, ALGO_ED25519,
};
#define ALL (sizeof(all) / sizeof(all[0]))

static const struct softssh_cert a_user = {
	.type = 1, .principals = { "ann" }, .after = 1, .before = 2,
};

struct fixture {
	EVP_PKEY *evp[ALL];
	struct buf plain[ALL];		/* private keys */
	struct buf certified[ALL];
	struct buf cert[ALL];
};

static int
make_keys(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	for (size_t i = 0; f && i < ALL; i++) {
		if (!(f->evp[i] = softkey_new(all[i])))
			return -1;
		buf_init(&f->plain[i], 16384);
		buf_init(&f->certified[i], 16384);
		buf_init(&f->cert[i], 16384);
	}
	for (size_t i = 0; f && i < ALL; i++) {
		softssh_put_private(&f->plain[i], f->evp[i], view_of("", 0),
		    "ann@example");
		softssh_put_cert(&f->cert[i], f->evp[i], f->evp[ALL - 1],
		    &a_user);
		softssh_put_private(&f->certified[i], f->evp[i],
		    buf_view(&f->cert[i]), "ann@example");
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
		buf_free(&f->plain[i]);
		buf_free(&f->certified[i]);
		buf_free(&f->cert[i]);
	}
	free(f);
	return 0;
}

/* ---- private keys ---- */

static void
check_private(struct fixture *f, size_t i, struct view v, struct view cert)
{
	struct pubkey *pub = softkey_public(f->evp[i]);
	struct view all_of_it = v;
	struct ssh_private k;

	assert_code(ssh_private_get(&v, &k), 0);
	assert_true(view_eq_str(v, "tail"));
	assert_true(view_eq(pubkey_id(k.pub), pubkey_id(pub)));
	assert_true(view_eq(k.certificate, cert));
	assert_true(view_eq_str(k.comment, "ann@example"));
	assert_ptr_equal(k.key.p, all_of_it.p);
	assert_int_equal(k.key.len, all_of_it.len - 4 - 4 - 11);
	for (size_t n = 0; n < 4; n++)
		assert_int_equal(k.numbers[n].len > 0, i == 0 || n == 0);
	ssh_private_free(&k);
	assert_null(k.pub);
	pubkey_free(&pub);
}

static void
test_every_private_key_is_taken(void **state)
{
	struct fixture *f = *state;
	struct buf b;

	for (size_t i = 0; i < ALL; i++) {
		buf_init(&b, 32768);
		buf_put_view(&b, buf_view(&f->plain[i]));
		buf_put_text(&b, "tail");
		check_private(f, i, buf_view(&b), view_of(NULL, 0));
		buf_reset(&b);
		buf_put_view(&b, buf_view(&f->certified[i]));
		buf_put_text(&b, "tail");
		check_private(f, i, buf_view(&b), buf_view(&f->cert[i]));
		buf_free(&b);
	}
}

static gpg_error_t
take(struct view v)
{
	uint8_t *copy = malloc(v.len ? v.len : 1);
	struct view rest;
	struct ssh_private k;
	gpg_error_t err;

	memmove(copy, v.p, v.len);
	rest = view_of(copy, v.len);
	err = ssh_private_get(&rest, &k);
	assert_int_equal(!err, !!k.pub);
	if (err)
		assert_int_equal(rest.len, v.len);
	ssh_private_free(&k);
	free(copy);
	return err;
}

static void
test_no_piece_of_a_private_key_is_taken(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ALL; i++) {
		struct view v = buf_view(&f->plain[i]);

		for (size_t n = 0; n < v.len; n++)
			assert_int_not_equal(take(view_of(v.p, n)), 0);
		assert_code(take(v), 0);
		v = buf_view(&f->certified[i]);
		for (size_t n = 0; n < v.len; n++)
			assert_int_not_equal(take(view_of(v.p, n)), 0);
		assert_code(take(v), 0);
	}
}

static void
test_ed25519_repeats_its_public_half(void **state)
{
	struct fixture *f = *state;
	struct buf *b = &f->plain[4];
	size_t last = buf_len(b) - 4 - 11 - 1;

	for (size_t n = 0; n < 32; n++) {
		b->data[last - n] ^= 1;
		assert_code(take(buf_view(b)), GPG_ERR_BAD_SECKEY);
		b->data[last - n] ^= 1;
	}
	assert_code(take(buf_view(b)), 0);
}

/* A certificate of one type behind the name of another; a changed one. */
static void
test_a_certificate_is_the_keys(void **state)
{
	struct fixture *f = *state;
	struct view v, name;
	struct buf b;

	buf_init(&b, 16384);
	v = buf_view(&f->certified[1]);
	assert_code(view_get_string(&v, 96, &name), 0);
	buf_put_cstring(&b, "ecdsa-sha2-nistp384-cert-v01@openssh.com");
	buf_put_view(&b, v);
	assert_code(take(buf_view(&b)), GPG_ERR_BAD_SECKEY);
	buf_reset(&b);
	buf_put_string(&b, name);
	buf_put_view(&b, v);
	assert_code(take(buf_view(&b)), 0);
	b.data[200] ^= 1;
	assert_int_not_equal(take(buf_view(&b)), 0);
	buf_free(&b);
}

static void
test_other_types_are_named_as_such(void **state)
{
	static const char *const types[] = { "ssh-dss", "",
		"sk-ssh-ed25519@openssh.com",
		"sk-ecdsa-sha2-nistp256@openssh.com", "ssh-xmss@openssh.com" };
	struct fixture *f = *state;
	struct view v = buf_view(&f->plain[4]), name;
	struct buf b;

	assert_code(view_get_string(&v, 96, &name), 0);
	buf_init(&b, 16384);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		buf_reset(&b);
		buf_put_cstring(&b, types[i]);
		buf_put_view(&b, v);
		assert_code(take(buf_view(&b)), GPG_ERR_PUBKEY_ALGO);
	}
	buf_free(&b);
}

/* ---- constraints ---- */

static gpg_error_t
constrain(const struct buf *b, struct ssh_constraints *c)
{
	static const struct ssh_constraints none;
	gpg_error_t err = ssh_constraints_read(buf_view(b), c);

	assert_code(buf_error(b), 0);
	if (err)
		assert_memory_equal(c, &none, sizeof(none));
	return err;
}

static gpg_error_t
constrain_raw(const void *p, size_t len)
{
	struct ssh_constraints c;

	return ssh_constraints_read(view_of(p, len), &c);
}

struct hop {
	const char *user, *host;
	size_t keys;
	const char *reserved;
	uint8_t authority;
};

static void
put_hop(struct buf *b, const struct hop *h)
{
	size_t place = buf_open(b);

	buf_put_cstring(b, h->user ? h->user : "");
	buf_put_cstring(b, h->host ? h->host : "");
	buf_put_cstring(b, h->reserved ? h->reserved : "");
	for (size_t i = 0; i < h->keys; i++) {
		buf_put_cstring(b, "key");
		buf_put_u8(b, h->authority);
	}
	buf_close(b, place);
}

static void
put_pair(struct buf *b, const struct hop *from, const struct hop *to,
    const char *reserved)
{
	size_t place = buf_open(b);

	put_hop(b, from);
	put_hop(b, to);
	buf_put_cstring(b, reserved);
	buf_close(b, place);
}

static const struct hop here;
static const struct hop there = { .host = "there", .keys = 2 };
static const struct hop ann = { .user = "ann", .host = "*.far", .keys = 1,
	.authority = 1 };

static size_t
open_extension(struct buf *b, const char *name)
{
	buf_put_u8(b, 255);
	buf_put_cstring(b, name);
	return buf_open(b);
}

static void
put_destinations(struct buf *b)
{
	size_t place = open_extension(b, RESTRICT);

	put_pair(b, &here, &there, "");
	put_pair(b, &there, &ann, "");
	buf_close(b, place);
}

static void
put_certs(struct buf *b, struct view cert, unsigned n)
{
	size_t place;

	buf_put_u8(b, 255);
	buf_put_cstring(b, CERTS);
	buf_put_u8(b, 1);
	place = buf_open(b);
	while (n-- > 0)
		buf_put_string(b, cert);
	buf_close(b, place);
}

static void
test_every_constraint_is_read(void **state)
{
	struct fixture *f = *state;
	struct ssh_constraints c;
	struct ssh_hop_pair pair;
	struct view keys, blob;
	bool authority;
	struct buf b;

	buf_init(&b, 16384);
	assert_code(constrain(&b, &c), 0);
	assert_false(c.confirm || c.restricted || c.lifetime_s || c.certs_only);
	buf_put(&b, "\1\0\0\16\20\2", 6);
	put_destinations(&b);
	put_certs(&b, buf_view(&f->cert[1]), 2);
	assert_code(constrain(&b, &c), 0);
	assert_int_equal(c.lifetime_s, 3600);
	assert_true(c.confirm && c.restricted && c.certs_only);
	assert_int_equal(c.certs.len, 2 * (4 + buf_len(&f->cert[1])));
	assert_true(ssh_hop_pair_next(&c.destinations, &pair));
	assert_int_equal(pair.from.host.len, 0);
	assert_true(view_eq_str(pair.to.host, "there"));
	keys = pair.to.keys;
	for (int i = 0; i < 2; i++) {
		assert_true(ssh_hop_key_next(&keys, &blob, &authority));
		assert_true(view_eq_str(blob, "key"));
		assert_false(authority);
	}
	assert_false(ssh_hop_key_next(&keys, &blob, &authority));
	assert_true(ssh_hop_pair_next(&c.destinations, &pair));
	assert_true(view_eq_str(pair.from.host, "there"));
	assert_true(view_eq_str(pair.to.user, "ann"));
	keys = pair.to.keys;
	assert_true(ssh_hop_key_next(&keys, &blob, &authority));
	assert_true(authority);
	assert_false(ssh_hop_pair_next(&c.destinations, &pair));
	buf_free(&b);
}

/* Whole only where one constraint ends and the next has not begun. */
static void
test_no_piece_of_constraints_is_read(void **state)
{
	struct fixture *f = *state;
	struct ssh_constraints c;
	size_t ends[5] = { 0 }, next = 0;
	struct buf b;

	buf_init(&b, 16384);
	buf_put(&b, "\1\0\0\16\20", 5);
	ends[1] = buf_len(&b);
	buf_put_u8(&b, 2);
	ends[2] = buf_len(&b);
	put_destinations(&b);
	ends[3] = buf_len(&b);
	put_certs(&b, buf_view(&f->cert[1]), 1);
	ends[4] = buf_len(&b);
	for (size_t n = 0; n <= buf_len(&b); n++) {
		uint8_t *copy = malloc(n ? n : 1);
		gpg_error_t err;

		memmove(copy, b.data, n);
		err = ssh_constraints_read(view_of(copy, n), &c);
		assert_code(err, n == ends[next] ? 0 : GPG_ERR_BAD_DATA);
		next += n == ends[next];
		free(copy);
	}
	assert_int_equal(next, 5);
	buf_free(&b);
}

static void
test_each_constraint_is_there_once(void **state)
{
	struct fixture *f = *state;
	struct ssh_constraints c;
	struct buf b;

	assert_code(constrain_raw("\2", 1), 0);
	assert_code(constrain_raw("\2\2", 2), GPG_ERR_BAD_DATA);
	assert_code(constrain_raw("\1\0\0\0\1", 5), 0);
	assert_code(constrain_raw("\1\0\0\0\1\1\0\0\0\1", 10),
	    GPG_ERR_BAD_DATA);
	assert_code(constrain_raw("\1\0\0\0\0", 5), GPG_ERR_BAD_DATA);
	buf_init(&b, 16384);
	for (int i = 0; i < 2; i++) {
		put_destinations(&b);
		assert_code(constrain(&b, &c), i ? GPG_ERR_BAD_DATA : 0);
	}
	buf_reset(&b);
	for (int i = 0; i < 2; i++) {
		put_certs(&b, buf_view(&f->cert[1]), 1);
		assert_code(constrain(&b, &c), i ? GPG_ERR_BAD_DATA : 0);
	}
	buf_free(&b);
}

static void
test_what_is_not_known_is_refused(void **state)
{
	static const char *const names[] = { "", "sk-provider@openssh.com",
		"restrict-destination-v01@openssh.com", "x@y" };
	struct ssh_constraints c;
	struct buf b;

	for (unsigned type = 0; type < 255; type++) {
		uint8_t raw[5] = { (uint8_t)type, 0, 0, 0, 1 };

		if (type != 1 && type != 2)
			assert_code(constrain_raw(raw, 5),
			    GPG_ERR_NOT_SUPPORTED);
	}
	buf_init(&b, 1024);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		buf_reset(&b);
		buf_close(&b, open_extension(&b, names[i]));
		assert_code(constrain(&b, &c), GPG_ERR_NOT_SUPPORTED);
	}
	buf_free(&b);
}

static void
test_destinations_make_sense(void **state)
{
	static const struct {
		struct hop from, to;
		const char *reserved;
		gpg_err_code_t code;
	} rows[] = {
		{ { .keys = 0 }, { .host = "a", .keys = 1 }, "", 0 },
		{ { .host = "b", .keys = 1 }, { .host = "a", .keys = 1 }, "",
		    0 },
		{ { .keys = 0 }, { .host = "a", .keys = 1 }, "x",
		    GPG_ERR_BAD_DATA },
		{ { .keys = 1 }, { .host = "a", .keys = 1 }, "",
		    GPG_ERR_BAD_DATA },
		{ { .host = "b" }, { .host = "a", .keys = 1 }, "",
		    GPG_ERR_BAD_DATA },
		{ { .user = "ann" }, { .host = "a", .keys = 1 }, "",
		    GPG_ERR_BAD_DATA },
		{ { .keys = 0 }, { .host = "a" }, "", GPG_ERR_BAD_DATA },
		{ { .keys = 0 }, { .keys = 1 }, "", GPG_ERR_BAD_DATA },
		{ { .keys = 0 }, { .keys = 0 }, "", GPG_ERR_BAD_DATA },
		{ { .keys = 0 }, { .host = "a", .keys = 1, .authority = 2 },
		    "", GPG_ERR_BAD_DATA },
		{ { .keys = 0 }, { .host = "a", .keys = 1, .reserved = "x" },
		    "", GPG_ERR_BAD_DATA },
	};
	struct ssh_constraints c;
	size_t place;
	struct buf b;

	buf_init(&b, 16384);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		place = open_extension(&b, RESTRICT);
		put_pair(&b, &rows[i].from, &rows[i].to, rows[i].reserved);
		buf_close(&b, place);
		assert_code(constrain(&b, &c), rows[i].code);
	}
	buf_reset(&b);
	buf_close(&b, open_extension(&b, RESTRICT));	/* nowhere */
	assert_code(constrain(&b, &c), GPG_ERR_BAD_DATA);
	buf_free(&b);
}

static gpg_error_t
constrain_many(size_t pairs, size_t keys)
{
	struct hop to = { .host = "a", .keys = keys };
	struct ssh_constraints c;
	size_t place;
	struct buf b;
	gpg_error_t err;

	buf_init(&b, BIG);
	place = open_extension(&b, RESTRICT);
	while (pairs-- > 0)
		put_pair(&b, &here, &to, "");
	buf_close(&b, place);
	err = constrain(&b, &c);
	buf_free(&b);
	return err;
}

static void
test_every_bound_is_kept(void **state)
{
	struct fixture *f = *state;
	struct ssh_constraints c;
	struct buf b;

	assert_code(constrain_many(SSH_DESTINATIONS_MAX, 1), 0);
	assert_code(constrain_many(SSH_DESTINATIONS_MAX + 1, 1),
	    GPG_ERR_TOO_LARGE);
	assert_code(constrain_many(1, SSH_HOP_KEYS_MAX), 0);
	assert_code(constrain_many(1, SSH_HOP_KEYS_MAX + 1),
	    GPG_ERR_TOO_LARGE);
	for (unsigned n = SSH_CERTS_MAX; n <= SSH_CERTS_MAX + 1; n++) {
		buf_init(&b, BIG);
		put_certs(&b, buf_view(&f->cert[4]), n);
		assert_code(constrain(&b, &c), n == SSH_CERTS_MAX ? 0 :
		    GPG_ERR_TOO_LARGE);
		buf_free(&b);
	}
	buf_init(&b, 1024);
	put_certs(&b, view_of("", 0), 0);	/* none */
	assert_code(constrain(&b, &c), GPG_ERR_BAD_DATA);
	buf_reset(&b);
	put_certs(&b, view_str("no certificate"), 1);
	assert_code(constrain(&b, &c), GPG_ERR_BAD_DATA);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_private_key_is_taken),
		cmocka_unit_test(test_no_piece_of_a_private_key_is_taken),
		cmocka_unit_test(test_ed25519_repeats_its_public_half),
		cmocka_unit_test(test_a_certificate_is_the_keys),
		cmocka_unit_test(test_other_types_are_named_as_such),
		cmocka_unit_test(test_every_constraint_is_read),
		cmocka_unit_test(test_no_piece_of_constraints_is_read),
		cmocka_unit_test(test_each_constraint_is_there_once),
		cmocka_unit_test(test_what_is_not_known_is_refused),
		cmocka_unit_test(test_destinations_make_sense),
		cmocka_unit_test(test_every_bound_is_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
