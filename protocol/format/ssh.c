/* SSH signatures, fingerprints and authorized_keys lines. */
#include "config.h"

#include <string.h>

#include "format/key.h"
#include "format/ssh.h"
#include "wire/text.h"

/* The longest comment of an authorized_keys line, bytes. */
#define COMMENT_MAX 1024

static gpg_error_t
rsa_hash(uint32_t flags, enum hash_algorithm *hash)
{
	/* With both, the first: so does OpenSSH's agent. */
	if (flags & SSH_AGENT_RSA_SHA2_256)
		*hash = HASH_SHA256;
	else if (flags & SSH_AGENT_RSA_SHA2_512)
		*hash = HASH_SHA512;
	else
		return gpg_error(GPG_ERR_DIGEST_ALGO);
	return 0;
}

gpg_error_t
ssh_begin(struct signing *s, const struct pubkey *key, struct view data,
    uint32_t flags)
{
	enum hash_algorithm hash = HASH_NONE;
	gpg_error_t err;

	*s = (struct signing){ 0 };
	if (flags & ~(uint32_t)(SSH_AGENT_RSA_SHA2_256 |
		SSH_AGENT_RSA_SHA2_512))
		return gpg_error(GPG_ERR_INV_FLAG);
	if (algorithm_is_rsa(pubkey_algorithm(key))) {
		if ((err = rsa_hash(flags, &hash)))
			return err;
	} else if (pubkey_algorithm(key) != ALGO_ED25519) {
		hash = pubkey_hash(key);
	}
	return signing_begin(s, key, hash, &data, 1);
}

static void
put_ecdsa(struct buf *blob, struct view sig)
{
	size_t place = buf_open(blob);
	size_t field = sig.len / 2;

	key_put_mpint(blob, view_of(sig.p, field));
	key_put_mpint(blob, view_of(sig.p + field, field));
	buf_close(blob, place);
}

gpg_error_t
ssh_finish(const struct signing *s, const struct pubkey *key,
    struct view sig, struct buf *blob)
{
	switch (s->mechanism) {
	case MECH_RSA_PKCS1:
		buf_put_cstring(blob, s->hash == HASH_SHA256 ?
			"rsa-sha2-256" : "rsa-sha2-512");
		break;
	case MECH_ECDSA:
	case MECH_EDDSA:
		buf_put_cstring(blob, pubkey_ssh_type(key));
		break;
	case MECH_RSA_PSS:
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	}
	if (s->mechanism == MECH_ECDSA)
		put_ecdsa(blob, sig);
	else
		buf_put_string(blob, sig);
	return buf_error(blob);
}

gpg_error_t
ssh_fingerprint(const struct pubkey *key, char out[64])
{
	struct view ssh = pubkey_ssh(key);
	uint8_t digest[64], text[4 * 11 + 1];
	size_t len;
	gpg_error_t err;

	if ((err = hash_bytes(HASH_SHA256, &ssh, 1, digest, &len)))
		return err;
	EVP_EncodeBlock(text, digest, (int)len);
	text[43] = 0;	/* the padding */
	strcpy(out, "SHA256:");
	strcat(out, (const char *)text);
	return 0;
}

gpg_error_t
ssh_authorized_key(const struct pubkey *key, const char *comment,
    struct buf *line)
{
	struct view ssh = pubkey_ssh(key);
	uint8_t text[(KEY_SPKI_MAX + 2) / 3 * 4 + 1];

	if (comment && (strlen(comment) > COMMENT_MAX ||
		!text_is_clean(view_str(comment))))
		return gpg_error(GPG_ERR_INV_VALUE);
	EVP_EncodeBlock(text, ssh.p, (int)ssh.len);
	buf_put_text(line, pubkey_ssh_type(key));
	buf_put_u8(line, ' ');
	buf_put_text(line, (const char *)text);
	if (comment && *comment) {
		buf_put_u8(line, ' ');
		buf_put_text(line, comment);
	}
	return buf_error(line);
}
