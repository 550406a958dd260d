/*
 * What SSH clients have signed, and the blobs that are signed as nothing in
 * particular: never what means something in another domain.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "object/object.h"
#include "wire/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HOSTBOUND "publickey-hostbound-v00@openssh.com"

struct login {
	size_t session_len;
	uint8_t type, has_signature;
	const char *user, *service, *method, *algorithm;
	struct view key, host;
	const char *tail;
};

static const char key_ed25519[] =
    "\0\0\0\x0bssh-ed25519\0\0\0\x20" "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
static const char key_other[] =
    "\0\0\0\x0bssh-ed25519\0\0\0\x20zBCDEFGHIJKLMNOPQRSTUVWXYZ012345";
static const char key_rsa[] =
    "\0\0\0\x07ssh-rsa\0\0\0\x03\1\0\1\0\0\0\4\0\x80\1\1";
static const char cert_ed25519[] =
    "\0\0\0\x20ssh-ed25519-cert-v01@openssh.com\0\0\0\4nonc"
    "\0\0\0\x20" "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345\0\0\0\0\0\0\0\1";
static const char cert_other[] =
    "\0\0\0\x20ssh-ed25519-cert-v01@openssh.com\0\0\0\4nonc"
    "\0\0\0\x20" "zBCDEFGHIJKLMNOPQRSTUVWXYZ012345\0\0\0\0\0\0\0\1";

static const char cert_rsa[] =
    "\0\0\0\x1cssh-rsa-cert-v01@openssh.com\0\0\0\4nonc"
    "\0\0\0\x03\1\0\1\0\0\0\4\0\x80\1\1\0\0\0\0\0\0\0\1";

#define VIEW(a) view_of(a, sizeof(a) - 1)

static struct login
plain_login(void)
{
	return (struct login){ 32, 50, 1, "root", "ssh-connection",
		"publickey", "ssh-ed25519", VIEW(key_ed25519), { NULL, 0 },
		"" };
}

static void
put_login(struct buf *b, const struct login *l)
{
	static const char session[65] = "session-session-session-session-"
	    "session-session-session-session-";

	buf_init(b, 4096);
	buf_put_string(b, view_of(session, l->session_len));
	buf_put_u8(b, l->type);
	buf_put_cstring(b, l->user);
	buf_put_cstring(b, l->service);
	buf_put_cstring(b, l->method);
	buf_put_u8(b, l->has_signature);
	buf_put_cstring(b, l->algorithm);
	buf_put_string(b, l->key);
	if (l->host.p)
		buf_put_string(b, l->host);
	buf_put_text(b, l->tail);
	assert_int_equal(buf_error(b), 0);
}

static void
check(struct object *o, gpg_error_t err, const char *why)
{
	assert_true(text_is_clean(view_str(o->summary)));
	if (err) {
		assert_non_null(why);
		assert_true(text_is_clean(view_str(why)));
		assert_string_equal(o->summary, "");
	} else {
		assert_null(why);
	}
}

static gpg_error_t
read_ssh(struct view v, struct view key, struct object *o)
{
	uint8_t *copy = malloc(v.len);
	const char *why;
	gpg_error_t err;

	if (v.len > 0)
		memcpy(copy, v.p, v.len);
	err = object_read_ssh(view_of(copy, v.len), key, o, &why);
	check(o, err, why);
	free(copy);
	return err;
}

static gpg_error_t
read_login(const struct login *l, struct view key, struct object *o)
{
	struct buf b;
	gpg_error_t err;

	put_login(&b, l);
	err = read_ssh(buf_view(&b), key, o);
	buf_free(&b);
	return err;
}

static void
assert_login(const struct login *l, struct view key, const char *summary)
{
	struct object o;

	assert_int_equal(read_login(l, key, &o), 0);
	assert_int_equal(o.kind, OBJECT_SSH_USERAUTH);
	assert_string_equal(o.summary, summary);
}

static void
assert_no_login(const struct login *l, struct view key)
{
	struct object o;

	assert_int_equal(gpg_err_code(read_login(l, key, &o)),
	    GPG_ERR_BAD_DATA);
	assert_int_equal(o.kind, OBJECT_SSH_USERAUTH);
}

static void
test_login_is_named(void **state)
{
	struct login l = plain_login();

	assert_login(&l, VIEW(key_ed25519), "ssh login as root");
	l.user = "a b\x1b";
	assert_login(&l, VIEW(key_ed25519), "ssh login as \"a b?\"");
	l = plain_login();
	l.method = HOSTBOUND;
	l.host = VIEW(key_other);
	/* printf … | sha256sum | xxd -r -p | base64 */
	assert_login(&l, VIEW(key_ed25519), "ssh login as root to host "
	    "SHA256:m8Dl8Z2gF73Z5BQcRJE0BD06maSPfl7Ce/o01Cp0mIQ");
}

/* Each change makes of a good request one that is refused. */
static void
test_login_is_whole_or_refused(void **state)
{
	const struct login good = plain_login();
	struct login bad[16];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(bad); i++)
		bad[i] = good;
	bad[n++].session_len = 19;
	bad[n++].session_len = 65;
	bad[n++].has_signature = 0;
	bad[n++].has_signature = 2;
	bad[n++].service = "ssh-userauth";
	bad[n++].method = "hostbased";
	bad[n++].method = "publickey\n";
	bad[n++].method = HOSTBOUND;		/* without a host */
	bad[n++].host = VIEW(key_other);	/* without the method */
	bad[n].method = HOSTBOUND;
	bad[n++].host = view_of("", 0);
	bad[n++].algorithm = "ssh-rsa";
	bad[n++].algorithm = "";
	bad[n++].key = VIEW(key_other);
	bad[n++].key = view_of("", 0);
	bad[n++].tail = "x";
	assert_login(&good, VIEW(key_ed25519), "ssh login as root");
	while (n-- > 0)
		assert_no_login(&bad[n], VIEW(key_ed25519));
	assert_no_login(&good, VIEW(key_rsa));
	assert_no_login(&good, view_of("", 0));
}

static void
test_login_by_rsa_is_by_sha2(void **state)
{
	struct login l = plain_login();

	l.key = VIEW(key_rsa);
	l.algorithm = "rsa-sha2-256";
	assert_login(&l, VIEW(key_rsa), "ssh login as root");
	l.algorithm = "rsa-sha2-512";
	assert_login(&l, VIEW(key_rsa), "ssh login as root");
	l.algorithm = "ssh-rsa";
	assert_no_login(&l, VIEW(key_rsa));
	l.algorithm = "ssh-ed25519";
	assert_no_login(&l, VIEW(key_rsa));
}

static void
test_login_by_certificate_is_by_this_keys(void **state)
{
	struct login l = plain_login();

	l.key = VIEW(cert_ed25519);
	l.algorithm = "ssh-ed25519-cert-v01@openssh.com";
	assert_login(&l, VIEW(key_ed25519), "ssh login as root");
	assert_no_login(&l, VIEW(key_other));
	l.algorithm = "ssh-ed25519";
	assert_no_login(&l, VIEW(key_ed25519));
	l.algorithm = "ssh-ed25519-cert-v01@openssh.com";
	l.key = VIEW(cert_other);
	assert_no_login(&l, VIEW(key_ed25519));
	l.key = VIEW(key_ed25519);
	assert_no_login(&l, VIEW(key_ed25519));
}

/* A signature that is asked for under a certificate is for that one alone. */
static void
test_login_under_a_certificate_is_by_it(void **state)
{
	struct login l = plain_login();

	assert_no_login(&l, VIEW(cert_ed25519));
	l.key = VIEW(cert_ed25519);
	assert_no_login(&l, VIEW(cert_ed25519));
	l.algorithm = "ssh-ed25519-cert-v01@openssh.com";
	assert_login(&l, VIEW(cert_ed25519), "ssh login as root");
	assert_no_login(&l, VIEW(cert_other));
}

static void
test_login_by_a_certificate_of_rsa_is_by_sha2(void **state)
{
	static const char *const good[] = {
		"rsa-sha2-256-cert-v01@openssh.com",
		"rsa-sha2-512-cert-v01@openssh.com" };
	static const char *const bad[] = { "rsa-sha2-256", "rsa-sha2-512",
		"ssh-rsa", "ssh-rsa-cert-v01@openssh.com" };
	struct login l = plain_login();

	l.key = VIEW(cert_rsa);
	for (size_t i = 0; i < 2; i++) {
		l.algorithm = good[i];
		assert_login(&l, VIEW(cert_rsa), "ssh login as root");
		assert_login(&l, VIEW(key_rsa), "ssh login as root");
	}
	for (size_t i = 0; i < 4; i++) {
		l.algorithm = bad[i];
		assert_no_login(&l, VIEW(cert_rsa));
		assert_no_login(&l, VIEW(key_rsa));
	}
	l.key = VIEW(key_rsa);
	l.algorithm = good[0];
	assert_no_login(&l, VIEW(key_rsa));
}

/* Once it claims to be a login, cutting it short makes it nothing else. */
static void
test_login_cut_short_is_refused(void **state)
{
	static const size_t claim = 4 + 32 + 1 + 4 + 4 + 4 + 14;
	struct login l = plain_login();
	struct object o;
	struct buf b;

	l.method = HOSTBOUND;
	l.host = VIEW(key_other);
	put_login(&b, &l);
	for (size_t n = claim; n < buf_len(&b); n++)
		assert_int_equal(gpg_err_code(read_ssh(view_of(b.data, n),
		    VIEW(key_ed25519), &o)), GPG_ERR_BAD_DATA);
	buf_free(&b);
}

static gpg_error_t
read_sshsig(const char *space, const char *reserved, const char *hash,
    size_t hash_len, const char *tail, struct object *o)
{
	static const uint8_t digest[65];
	struct buf b;
	gpg_error_t err;

	buf_init(&b, 4096);
	buf_put_text(&b, "SSHSIG");
	buf_put_cstring(&b, space);
	buf_put_cstring(&b, reserved);
	buf_put_cstring(&b, hash);
	buf_put_string(&b, view_of(digest, hash_len));
	buf_put_text(&b, tail);
	err = read_ssh(buf_view(&b), VIEW(key_ed25519), o);
	buf_free(&b);
	return err;
}

static void
test_sshsig_is_whole_or_refused(void **state)
{
	struct object o;

	assert_int_equal(read_sshsig("git", "", "sha512", 64, "", &o), 0);
	assert_int_equal(o.kind, OBJECT_SSHSIG);
	assert_string_equal(o.summary, "SSHSIG in namespace \"git\"");
	assert_int_equal(read_sshsig("f\"i\nle", "", "sha256", 32, "", &o), 0);
	assert_string_equal(o.summary, "SSHSIG in namespace \"f'i le\"");

	assert_int_not_equal(read_sshsig("", "", "sha512", 64, "", &o), 0);
	assert_int_equal(o.kind, OBJECT_SSHSIG);
	assert_int_not_equal(read_sshsig("git", "x", "sha512", 64, "", &o), 0);
	assert_int_not_equal(read_sshsig("git", "", "sha1", 20, "", &o), 0);
	assert_int_not_equal(read_sshsig("git", "", "sha512", 32, "", &o), 0);
	assert_int_not_equal(read_sshsig("git", "", "sha256", 64, "", &o), 0);
	assert_int_not_equal(read_sshsig("git", "", "sha512", 65, "", &o), 0);
	assert_int_not_equal(read_sshsig("git", "", "sha512", 64, "x", &o), 0);
	assert_int_equal(gpg_err_code(read_ssh(view_str("SSHSIG"),
	    VIEW(key_ed25519), &o)), GPG_ERR_BAD_DATA);
}

/* Bytes that mean something elsewhere, and beside each some that do not. */
#define BLANKS64 "                                                                "
#define UPDATE "0000000000000000000000000000000000000000 " \
	"8bced3726a0873b69e6fde480c97a8a3188896be refs/heads/main\n"
#define BYTES(s) s, sizeof(s) - 1
static const struct {
	const char *bytes;
	size_t len;
	const char *twin;
	size_t twin_len;
} domains[] = {
	/* SSHSIG and DSSE */
	{ BYTES("SSHSIG"), BYTES("SSHSIh") },
	{ BYTES("SSHSIG\0\0\0\3git"), BYTES("sSHSIG\0\0\0\3git") },
	{ BYTES("DSSEv1 4 text 2 hi"), BYTES("DSSEv2 4 text 2 hi") },
	{ BYTES("DSSEv1"), BYTES("DSSEv") },
	/* a login by any method, a certificate, a revocation list */
	{ BYTES("\0\0\0\2id\x32\0\0\0\1u\0\0\0\1s"),
	    BYTES("\0\0\0\2id\x33\0\0\0\1u\0\0\0\1s") },
	{ BYTES("\0\0\0\2id\x32\0\0\0\1u\0\0\0\1s\0\0\0\x09hostbased"),
	    BYTES("\0\0\0\2id\x32\0\0\0\1u\0\0\0\2s") },
	{ BYTES("\0\0\0\x20ssh-ed25519-cert-v01@openssh.com"),
	    BYTES("\0\0\0\x0bssh-ed25519") },
	{ BYTES("SSHKRL\n\0"), BYTES("SSHKRL") },
	/* DER, with BER's other ways to say a length */
	{ BYTES("\x30\x02\x05\0"), BYTES("\x30\x02\x05\0\0") },
	{ BYTES("\x31\x02\x05\0"), BYTES("\x32\x02\x05\0") },
	{ BYTES("\x30\0"), BYTES("\x30") },
	{ BYTES("\x30\x81\x02\x05\0"), BYTES("\x30\x81\x03\x05\0") },
	{ BYTES("\x30\x84\0\0\0\x02\x05\0"), BYTES("\x30\x84\0\0\1\x02\x05\0") },
	{ BYTES("\x31\x89\0\0\0\0\0\0\0\0\x01x"),
	    BYTES("\x31\x89\1\0\0\0\0\0\0\0\x01x") },
	{ BYTES("\x30\x80\x05\0\0\0"), BYTES("\x30\x80\x05\0\0\1") },
	/* JWS: {"a":1}, blanks before it, one character in it */
	{ BYTES("eyJhIjoxfQ.cGF5"), BYTES("fyJhIjoxfQ.cGF5") },
	{ BYTES("eyJhIjoxfQ."), BYTES("eyJhIjoxfQ") },
	{ BYTES("eyJhIjoxfQ==.x"), BYTES("ey!hIjoxfQ==.x") },
	{ BYTES("eyJhIjoxfQ.\0any payload.\n"), BYTES("fyJ\0Ijox.\0anything\n") },
	{ BYTES("ICAgeyJhIjoxfQ.x"), BYTES("ICAgICAg.x") },
	{ BYTES("CgoKCgp7fQ.x"), BYTES("Hello. World.") },
	{ BYTES("77u_e30.x"), BYTES(".x") },
	/* OpenPGP's trailers of version 4, 5 and 6 */
	{ BYTES("x\x04\xff\0\0\0\x20"), BYTES("x\x03\xff\0\0\0\x20") },
	{ BYTES("\x04\xff\xff\xff\xff\xff"), BYTES("\xff\xff\xff\xff\xff") },
	{ BYTES("x\x06\xff\0\0\0\x20"), BYTES("x\x06\xff\0\0\0\x20\n") },
	{ BYTES("x\x05\xff\0\0\0\0\0\0\0\x20"),
	    BYTES("x\x05\xff\0\0\0\0\0\0\x20") },
	/* TLS 1.3, and a transcript of TLS 1.2 */
	{ BYTES(BLANKS64 "TLS 1.3, client CertificateVerify"),
	    BYTES("x" BLANKS64) },
	{ BYTES(BLANKS64), BYTES("x" BLANKS64) },
	{ BYTES("\1\0\0\3\3\3x\2\0\0\0"), BYTES("\1\0\0\3\3\3x\3\0\0\0") },
	/* git-receive-pack(1) */
	{ BYTES("any header\n\n" UPDATE), BYTES("any header\n" UPDATE) },
	{ BYTES("\n\n" UPDATE UPDATE), BYTES("\n\nx" UPDATE) },
	{ BYTES("\n\nA" UPDATE), BYTES("\n\n\n" UPDATE) },
};

static gpg_error_t
read_by(gpg_error_t (*reader)(struct view, struct object *, const char **),
    struct view v, struct object *o)
{
	uint8_t *copy = malloc(v.len);
	const char *why;
	gpg_error_t err;

	if (v.len > 0)
		memcpy(copy, v.p, v.len);
	err = reader(view_of(copy, v.len), o, &why);
	check(o, err, why);
	free(copy);
	return err;
}

static gpg_error_t
read_typed(struct view v, struct object *o)
{
	return read_by(object_read, v, o);
}

static gpg_error_t
read_raw(struct view v, struct object *o)
{
	return read_by(object_read_raw, v, o);
}

static void
test_blob_is_nothing_elsewhere(void **state)
{
	struct object o;

	for (size_t i = 0; i < COUNT(domains); i++) {
		assert_int_equal(gpg_err_code(read_typed(view_of(
		    domains[i].bytes, domains[i].len), &o)),
		    GPG_ERR_FORBIDDEN);
		assert_int_equal(o.kind, OBJECT_BLOB);
		assert_int_equal(read_typed(view_of(domains[i].twin,
		    domains[i].twin_len), &o), 0);
		assert_int_equal(o.kind, OBJECT_BLOB);
		assert_int_equal(gpg_err_code(read_raw(view_of(
		    domains[i].bytes, domains[i].len), &o)),
		    GPG_ERR_FORBIDDEN);
		assert_int_equal(o.kind, OBJECT_BLOB);
	}
}

/* What is signed bare must not be a hash either, of whatever kind. */
static void
test_raw_blob_is_no_hash(void **state)
{
	static const uint8_t bytes[65] = { 7, 8, 9 };
	struct object o;

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		bool hash = n == 20 || n == 28 || n == 32 || n == 48 ||
		    n == 64;

		assert_int_equal(gpg_err_code(read_raw(view_of(bytes, n),
		    &o)), hash ? GPG_ERR_FORBIDDEN : 0);
		assert_int_equal(o.kind, OBJECT_BLOB);
	}
}

/* As SSH data the same bytes are refused as well, if for other reasons. */
static void
test_ssh_blob_is_nothing_elsewhere(void **state)
{
	struct object o;

	for (size_t i = 0; i < COUNT(domains); i++) {
		assert_int_not_equal(read_ssh(view_of(domains[i].bytes,
		    domains[i].len), VIEW(key_ed25519), &o), 0);
		assert_int_equal(read_ssh(view_of(domains[i].twin,
		    domains[i].twin_len), VIEW(key_ed25519), &o), 0);
		assert_int_equal(o.kind, OBJECT_BLOB);
	}
}

/* SSH signs the bytes bare, so they must not be an old OpenPGP document. */
static void
test_ssh_blob_is_no_old_openpgp(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *twin;
		size_t twin_len;
	} cases[] = {
		{ BYTES("doc\0\x65\0\0\0"), BYTES("doc\2\x65\0\0\0") },
		{ BYTES("doc\1\x65\0\0\0"), BYTES("doc\0\x05\0\0\0") },
		{ BYTES("\x99\0\2\3xyz"), BYTES("\x99\0\5\3xyz") },
	};
	struct object o;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct view bytes = view_of(cases[i].bytes, cases[i].len);

		assert_int_equal(gpg_err_code(read_ssh(bytes,
		    VIEW(key_ed25519), &o)), GPG_ERR_FORBIDDEN);
		assert_int_equal(read_typed(bytes, &o), 0);
		assert_int_equal(gpg_err_code(read_raw(bytes, &o)),
		    GPG_ERR_FORBIDDEN);
		assert_int_equal(read_ssh(view_of(cases[i].twin,
		    cases[i].twin_len), VIEW(key_ed25519), &o), 0);
	}
}

/* An Ed25519 key signs a hash in place of a document. */
static void
test_ssh_hash_is_no_blob(void **state)
{
	static const uint8_t bytes[65] = { 7, 8, 9 };
	struct object o;

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		assert_int_equal(read_ssh(view_of(bytes, n),
		    VIEW(key_ed25519), &o), 0);
		assert_int_equal(o.kind, n == 32 || n == 48 || n == 64 ?
		    OBJECT_SSH_HASH : OBJECT_BLOB);
	}
	assert_int_equal(read_ssh(view_of(bytes, 32), VIEW(key_ed25519), &o),
	    0);
	assert_string_equal(o.summary, "key exchange of an SSH host, or "
	    "another hash, 070809000000000000000000000000000000000000000000"
	    "0000000000000000");
	assert_int_equal(read_ssh(view_of(bytes, 64), VIEW(key_ed25519), &o),
	    0);
	assert_false(o.old_openpgp);
}

/* A text document's class, and a time in 2023; 64 bytes, and one more. */
static void
test_ssh_hash_tells_what_else_it_reads_as(void **state)
{
	uint8_t bytes[65];
	struct object o;

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes + 59, "\1\x65\x53\xf1\0", 5);
	assert_int_equal(read_ssh(view_of(bytes, 64), VIEW(key_ed25519), &o),
	    0);
	assert_int_equal(o.kind, OBJECT_SSH_HASH);
	assert_true(o.old_openpgp);
	memmove(bytes + 60, bytes + 59, 5);
	assert_int_equal(gpg_err_code(read_ssh(view_of(bytes, 65),
	    VIEW(key_ed25519), &o)), GPG_ERR_FORBIDDEN);
}

static void
test_blob_is_named(void **state)
{
	struct object o;

	assert_int_equal(read_typed(view_str("abc"), &o), 0);
	assert_string_equal(o.summary, "file of 3 bytes, SHA-256 "
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(read_typed(view_of(NULL, 0), &o), 0);
	assert_string_equal(o.summary, "file of 0 bytes, SHA-256 "
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_is_named),
		cmocka_unit_test(test_login_is_whole_or_refused),
		cmocka_unit_test(test_login_by_rsa_is_by_sha2),
		cmocka_unit_test(test_login_by_certificate_is_by_this_keys),
		cmocka_unit_test(test_login_under_a_certificate_is_by_it),
		cmocka_unit_test(test_login_by_a_certificate_of_rsa_is_by_sha2),
		cmocka_unit_test(test_login_cut_short_is_refused),
		cmocka_unit_test(test_sshsig_is_whole_or_refused),
		cmocka_unit_test(test_raw_blob_is_no_hash),
		cmocka_unit_test(test_blob_is_nothing_elsewhere),
		cmocka_unit_test(test_ssh_blob_is_nothing_elsewhere),
		cmocka_unit_test(test_ssh_blob_is_no_old_openpgp),
		cmocka_unit_test(test_ssh_hash_is_no_blob),
		cmocka_unit_test(test_ssh_hash_tells_what_else_it_reads_as),
		cmocka_unit_test(test_blob_is_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
