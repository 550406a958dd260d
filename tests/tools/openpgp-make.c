/*
 * Makes a key in memory, and with it the OpenPGP and SSH files that the tests
 * let other programs read:
 *
 *	openpgp-make ALGORITHM PREFIX DOCUMENT USER-ID CREATED EXPIRES NOW
 *
 * writes PREFIX.cert (certificate), PREFIX.revoked (the same with its
 * revocation), PREFIX.rev (the revocation), PREFIX.sig (of the document),
 * PREFIX.short (one whose first number has a zero byte in front), PREFIX.low
 * (the second number), PREFIX.ssh (authorized_keys line), PREFIX.sshsig2 and
 * PREFIX.sshsig4 (of the document, by the agent's flags 2 and 4), and prints
 * the status, the fingerprint and the SSH fingerprint.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/openpgp.h"
#include "format/ssh.h"
#include "softkey.h"

#define FILE_MAX (1 << 20)

struct maker {
	EVP_PKEY *evp;
	struct pubkey *pub;
	struct openpgp_key key;
	const char *prefix;
	const char *user_id;
	uint32_t expires_after;
	uint32_t now;
	struct buf document;
};

static void
fail(const char *what, gpg_error_t err)
{
	fprintf(stderr, "openpgp-make: %s: %s\n", what, gpg_strerror(err));
	exit(1);
}

static void
must(const char *what, gpg_error_t err)
{
	if (err)
		fail(what, err);
}

static void
read_file(const char *name, struct buf *b)
{
	FILE *f = fopen(name, "rb");
	uint8_t chunk[4096];
	size_t n;

	if (!f)
		fail(name, gpg_error_from_syserror());
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		must(name, buf_put(b, chunk, n));
	fclose(f);
}

static void
write_file(const char *prefix, const char *suffix, struct view v)
{
	char name[4096];
	FILE *f;

	snprintf(name, sizeof(name), "%s.%s", prefix, suffix);
	f = fopen(name, "wb");
	if (!f || fwrite(v.p, 1, v.len, f) != v.len || fclose(f))
		fail(name, gpg_error_from_syserror());
}

static void
write_armor(const char *prefix, const char *suffix, const char *label,
    struct view v)
{
	struct buf text;

	buf_init(&text, FILE_MAX);
	must(suffix, openpgp_armor(&text, label, v));
	write_file(prefix, suffix, buf_view(&text));
	buf_free(&text);
}

/* The token's part, and the packet; tells where in it a number is short. */
static void
finish(struct maker *m, struct openpgp_sig **sig, struct signing *s,
    struct buf *packet, bool is_short[2])
{
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	size_t len = softkey_sign(m->evp, s, raw);

	must("check", signing_check(s, m->pub, view_of(raw, len)));
	must("finish", openpgp_finish(*sig, view_of(raw, len), packet));
	is_short[0] = raw[0] == 0;
	is_short[1] = s->mechanism != MECH_RSA_PKCS1 && raw[len / 2] == 0;
	openpgp_free(sig);
	signing_free(s);
}

static void
make_certificate(struct maker *m)
{
	struct buf cert, revoked, rev;
	struct openpgp_sig *sig;
	struct signing s;
	bool ignored[2];

	buf_init(&cert, FILE_MAX);
	buf_init(&revoked, FILE_MAX);
	buf_init(&rev, FILE_MAX);
	must("revocation", openpgp_begin_revocation(&sig, &s, &m->key, 1,
	    "superseded by another", m->now));
	finish(m, &sig, &s, &rev, ignored);
	must("key", openpgp_put_key(&cert, &m->key));
	must("key", openpgp_put_key(&revoked, &m->key));
	buf_put_view(&revoked, buf_view(&rev));
	must("user id", openpgp_put_user_id(&cert, m->user_id));
	must("user id", openpgp_put_user_id(&revoked, m->user_id));
	must("certification", openpgp_begin_certification(&sig, &s, &m->key,
	    m->user_id, m->expires_after, m->now));
	finish(m, &sig, &s, &cert, ignored);
	must("certification", openpgp_begin_certification(&sig, &s, &m->key,
	    m->user_id, m->expires_after, m->now));
	finish(m, &sig, &s, &revoked, ignored);
	write_armor(m->prefix, "cert", "PUBLIC KEY BLOCK", buf_view(&cert));
	write_armor(m->prefix, "revoked", "PUBLIC KEY BLOCK",
	    buf_view(&revoked));
	write_armor(m->prefix, "rev", "PUBLIC KEY BLOCK", buf_view(&rev));
	buf_free(&cert);
	buf_free(&revoked);
	buf_free(&rev);
}

/* One that is short in the number `which`; of any kind if that is -1. */
static void
make_signature(struct maker *m, const char *suffix, int which)
{
	struct buf packet, line;
	struct openpgp_sig *sig;
	struct signing s;
	bool is_short[2] = { false, false };
	uint32_t now = m->now;

	buf_init(&packet, FILE_MAX);
	buf_init(&line, 4096);
	do {
		buf_reset(&packet);
		buf_reset(&line);
		must("document", openpgp_begin_document(&sig, &s, &m->key,
		    buf_view(&m->document), m->user_id, now));
		must("status", openpgp_status(sig, &line));
		finish(m, &sig, &s, &packet, is_short);
		/* Another time makes another signature of any algorithm. */
		now++;
	} while (which >= 0 && !is_short[which]);
	write_armor(m->prefix, suffix, "SIGNATURE", buf_view(&packet));
	if (which < 0)
		printf("%.*s\n", (int)buf_len(&line), buf_view(&line).p);
	buf_free(&packet);
	buf_free(&line);
}

/* PROTOCOL.sshsig of OpenSSH; signing it goes the way of an agent. */
static void
make_sshsig(struct maker *m, const char *suffix, uint32_t flags)
{
	struct view document = buf_view(&m->document);
	uint8_t digest[64], raw[SOFTKEY_SIGNATURE_MAX], *text;
	size_t len;
	struct signing s;
	struct buf data, blob, sig;

	buf_init(&data, FILE_MAX);
	buf_init(&blob, FILE_MAX);
	buf_init(&sig, FILE_MAX);
	must("hash", hash_bytes(HASH_SHA512, &document, 1, digest, &len));
	buf_put_text(&data, "SSHSIG");
	buf_put_text(&blob, "SSHSIG");
	buf_put_u32(&blob, 1);
	buf_put_string(&blob, pubkey_ssh(m->pub));
	for (int i = 0; i < 2; i++) {
		struct buf *b = i == 0 ? &data : &blob;

		buf_put_cstring(b, "file");
		buf_put_cstring(b, "");
		buf_put_cstring(b, "sha512");
	}
	buf_put_string(&data, view_of(digest, len));
	must("ssh", ssh_begin(&s, m->pub, buf_view(&data), flags));
	len = softkey_sign(m->evp, &s, raw);
	must("check", signing_check(&s, m->pub, view_of(raw, len)));
	must("ssh", ssh_finish(&s, m->pub, view_of(raw, len), &sig));
	must("ssh", buf_put_string(&blob, buf_view(&sig)));
	text = calloc(2, buf_len(&blob) + 4);
	EVP_EncodeBlock(text, buf_view(&blob).p, (int)buf_len(&blob));
	buf_reset(&sig);
	buf_putf(&sig, "-----BEGIN SSH SIGNATURE-----\n%s\n"
	    "-----END SSH SIGNATURE-----\n", (const char *)text);
	write_file(m->prefix, suffix, buf_view(&sig));
	free(text);
	signing_free(&s);
	buf_free(&data);
	buf_free(&blob);
	buf_free(&sig);
}

static void
make_names(struct maker *m)
{
	uint8_t fpr[OPENPGP_FPR_LEN];
	char ssh[64];
	struct buf line;

	buf_init(&line, FILE_MAX);
	must("fingerprint", openpgp_fingerprint(&m->key, fpr));
	must("fingerprint", ssh_fingerprint(m->pub, ssh));
	must("line", ssh_authorized_key(m->pub, m->user_id, &line));
	write_file(m->prefix, "ssh", buf_view(&line));
	for (size_t i = 0; i < sizeof(fpr); i++)
		printf("%02X", fpr[i]);
	printf("\n%s\n", ssh);
	buf_free(&line);
}

int
main(int argc, char **argv)
{
	struct maker m = { 0 };
	enum key_algorithm algorithm;

	if (argc != 8) {
		fprintf(stderr, "usage: openpgp-make ALGORITHM PREFIX DOCUMENT "
		    "USER-ID CREATED EXPIRES NOW\n");
		return 2;
	}
	algorithm = algorithm_by_name(view_str(argv[1]));
	m.prefix = argv[2];
	buf_init(&m.document, FILE_MAX);
	read_file(argv[3], &m.document);
	m.user_id = argv[4];
	m.key.created = (uint32_t)strtoul(argv[5], NULL, 10);
	m.expires_after = (uint32_t)strtoul(argv[6], NULL, 10);
	m.now = (uint32_t)strtoul(argv[7], NULL, 10);
	m.evp = softkey_new(algorithm);
	if (!m.evp || !(m.pub = softkey_public(m.evp)))
		fail(argv[1], gpg_error(GPG_ERR_PUBKEY_ALGO));
	m.key.pub = m.pub;
	make_certificate(&m);
	make_signature(&m, "sig", -1);
	make_signature(&m, "short", 0);
	if (pubkey_algorithm(m.pub) >= ALGO_P256)
		make_signature(&m, "low", 1);
	make_sshsig(&m, "sshsig2", SSH_AGENT_RSA_SHA2_256);
	make_sshsig(&m, "sshsig4", SSH_AGENT_RSA_SHA2_512);
	make_names(&m);
	buf_free(&m.document);
	pubkey_free(&m.pub);
	EVP_PKEY_free(m.evp);
	return 0;
}
