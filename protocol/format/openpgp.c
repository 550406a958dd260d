/* OpenPGP signatures of documents and of one's own key, and its packets. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "format/key.h"
#include "format/opacket.h"
#include "wire/text.h"

enum {
	CLASS_DOCUMENT = 0x00,
	CLASS_CERTIFICATION = 0x13,
	CLASS_REVOCATION = 0x20,
};

struct openpgp_sig {
	const struct pubkey *pub;
	uint8_t fpr[OPENPGP_FPR_LEN];
	uint8_t class;
	enum hash_algorithm hash;
	uint32_t now;
	uint8_t left[2];	/* the hash's first bytes */
	struct buf head;	/* what is hashed of the packet itself */
};

/* A key as it is hashed (RFC 4880, 5.2.4 and 12.2). */
static gpg_error_t
put_hashed_key(struct buf *b, const struct openpgp_key *key)
{
	struct buf body;
	gpg_error_t err;

	buf_init(&body, OPACKET_MAX);
	if (!(err = opacket_put_key_body(&body, key))) {
		buf_put_u8(b, 0x99);
		buf_put_u16(b, (uint16_t)buf_len(&body));
		err = buf_put_view(b, buf_view(&body));
	}
	buf_free(&body);
	return err;
}

static gpg_error_t
sha1(struct view v, uint8_t out[OPENPGP_FPR_LEN])
{
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA1", NULL);
	gpg_error_t err = 0;
	unsigned len;

	if (!md || EVP_Digest(v.p, v.len, out, &len, md, NULL) != 1) {
		ERR_clear_error();
		err = gpg_error(GPG_ERR_DIGEST_ALGO);
	}
	EVP_MD_free(md);
	return err;
}

gpg_error_t
openpgp_fingerprint(const struct openpgp_key *key,
    uint8_t fpr[OPENPGP_FPR_LEN])
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, OPACKET_MAX);
	if (!(err = put_hashed_key(&b, key)))
		err = sha1(buf_view(&b), fpr);
	buf_free(&b);
	return err;
}

void
openpgp_free(struct openpgp_sig **sig)
{
	if (!*sig)
		return;
	buf_free(&(*sig)->head);
	free(*sig);
	*sig = NULL;
}

/*
 * Begins what is hashed of the packet, up to and with the subpackets that all
 * our signatures have.
 */
static gpg_error_t
begin(struct openpgp_sig **out, struct signing *s,
    const struct openpgp_key *key, uint8_t class, uint32_t now)
{
	uint8_t issuer[1 + OPENPGP_FPR_LEN] = { 4 };
	struct openpgp_sig *sig;
	gpg_error_t err;

	*out = NULL;
	*s = (struct signing){ 0 };
	if (now < key->created)
		return gpg_error(GPG_ERR_TIME_CONFLICT);
	if (!(sig = calloc(1, sizeof(*sig))))
		return gpg_error(GPG_ERR_ENOMEM);
	buf_init(&sig->head, OPACKET_MAX);
	sig->pub = key->pub;
	sig->class = class;
	sig->hash = pubkey_hash(key->pub);
	sig->now = now;
	if ((err = openpgp_fingerprint(key, sig->fpr))) {
		openpgp_free(&sig);
		return err;
	}
	buf_put_u8(&sig->head, 4);
	buf_put_u8(&sig->head, class);
	buf_put_u8(&sig->head, opacket_algorithm(key->pub));
	buf_put_u8(&sig->head, opacket_hash(sig->hash));
	buf_put_u16(&sig->head, 0);	/* until close_head() knows */
	memcpy(issuer + 1, sig->fpr, sizeof(sig->fpr));
	osubpacket_put(&sig->head, SUB_ISSUER_FPR,
	    view_of(issuer, sizeof(issuer)));
	osubpacket_put_u32(&sig->head, SUB_CREATED, now);
	*out = sig;
	return 0;
}

#define HEAD_FIXED 6

static gpg_error_t
close_head(struct buf *head)
{
	size_t len;

	if (buf_error(head))
		return buf_error(head);
	len = buf_len(head) - HEAD_FIXED;
	head->data[head->off + 4] = len >> 8 & 0xff;
	head->data[head->off + 5] = len & 0xff;
	return 0;
}

/* Hashes what is signed, the head and the trailer (RFC 4880, 5.2.4). */
static gpg_error_t
sign(struct openpgp_sig *sig, struct signing *s, struct view what)
{
	struct view parts[3] = { what };
	struct buf trailer;
	struct view digest;
	gpg_error_t err;

	buf_init(&trailer, HEAD_FIXED);
	if ((err = close_head(&sig->head)))
		return err;
	parts[1] = buf_view(&sig->head);
	buf_put_u8(&trailer, 4);
	buf_put_u8(&trailer, 0xff);
	err = buf_put_u32(&trailer, (uint32_t)parts[1].len);
	parts[2] = buf_view(&trailer);
	if (!err && !(err = signing_begin(s, sig->pub, sig->hash, parts, 3))) {
		digest = signing_digest(s);
		memcpy(sig->left, digest.p, sizeof(sig->left));
	}
	buf_free(&trailer);
	return err;
}

static bool
is_user_id(const char *text)
{
	return *text && strlen(text) <= OPACKET_TEXT_MAX &&
	    text_is_clean(view_str(text));
}

/* The address of "Name <address>", or else all. */
static struct view
signer_address(const char *user_id)
{
	const char *open = strrchr(user_id, '<');
	size_t len = open ? strlen(open) : 0;

	if (len > 2 && open[len - 1] == '>')
		return view_of(open + 1, len - 2);
	return view_str(user_id);
}

gpg_error_t
openpgp_begin_document(struct openpgp_sig **out, struct signing *s,
    const struct openpgp_key *key, struct view document, const char *signer,
    uint32_t now)
{
	gpg_error_t err;

	if ((err = begin(out, s, key, CLASS_DOCUMENT, now)))
		return err;
	if (signer && !is_user_id(signer))
		err = gpg_error(GPG_ERR_INV_USER_ID);
	else if (signer)
		osubpacket_put(&(*out)->head, SUB_SIGNER,
		    signer_address(signer));
	if (!err)
		err = sign(*out, s, document);
	if (err)
		openpgp_free(out);
	return err;
}

/* What the key is for and what its owner's programs can read. */
static void
put_preferences(struct buf *head, uint32_t expires_after)
{
	static const uint8_t ciphers[] = { 9, 8, 7 };	/* AES-256, 192, 128 */
	static const uint8_t hashes[] = { 10, 9, 8 };	/* SHA-512, 384, 256 */
	static const uint8_t compressions[] = { 2, 3, 1 }; /* zlib, bz2, zip */

	osubpacket_put_u8(head, SUB_KEY_FLAGS, 0x01 | 0x02); /* certify, sign */
	if (expires_after)
		osubpacket_put_u32(head, SUB_KEY_EXPIRES, expires_after);
	osubpacket_put(head, SUB_CIPHERS, view_of(ciphers, sizeof(ciphers)));
	osubpacket_put(head, SUB_HASHES, view_of(hashes, sizeof(hashes)));
	osubpacket_put(head, SUB_COMPRESSIONS,
	    view_of(compressions, sizeof(compressions)));
	osubpacket_put_u8(head, SUB_FEATURES, 0x01);	/* integrity checks */
	osubpacket_put_u8(head, SUB_PRIMARY, 1);
}

gpg_error_t
openpgp_begin_certification(struct openpgp_sig **out, struct signing *s,
    const struct openpgp_key *key, const char *user_id,
    uint32_t expires_after, uint32_t now)
{
	struct buf what;
	gpg_error_t err;

	if ((err = begin(out, s, key, CLASS_CERTIFICATION, now)))
		return err;
	buf_init(&what, 2 * OPACKET_MAX);
	/* Programs add the two in 32 bits: one that wraps has expired. */
	if (expires_after > UINT32_MAX - key->created)
		err = gpg_error(GPG_ERR_INV_TIME);
	else if (!is_user_id(user_id))
		err = gpg_error(GPG_ERR_INV_USER_ID);
	if (!err && !(err = put_hashed_key(&what, key))) {
		buf_put_u8(&what, 0xb4);
		err = buf_put_cstring(&what, user_id);
	}
	if (!err) {
		put_preferences(&(*out)->head, expires_after);
		err = sign(*out, s, buf_view(&what));
	}
	buf_free(&what);
	if (err)
		openpgp_free(out);
	return err;
}

static gpg_error_t
put_reason(struct buf *head, uint8_t reason, const char *comment)
{
	struct buf b;
	gpg_error_t err;

	/* 0 to 3 are those of a key (RFC 4880, 5.2.3.23). */
	if (reason > 3 || (comment && (strlen(comment) > OPACKET_TEXT_MAX ||
		!text_is_clean(view_str(comment)))))
		return gpg_error(GPG_ERR_INV_VALUE);
	buf_init(&b, 1 + OPACKET_TEXT_MAX);
	buf_put_u8(&b, reason);
	if (!(err = buf_put_text(&b, comment ? comment : "")))
		osubpacket_put(head, SUB_REASON, buf_view(&b));
	buf_free(&b);
	return err;
}

gpg_error_t
openpgp_begin_revocation(struct openpgp_sig **out, struct signing *s,
    const struct openpgp_key *key, uint8_t reason, const char *comment,
    uint32_t now)
{
	struct buf what;
	gpg_error_t err;

	if ((err = begin(out, s, key, CLASS_REVOCATION, now)))
		return err;
	buf_init(&what, OPACKET_MAX);
	if (!(err = put_reason(&(*out)->head, reason, comment)) &&
	    !(err = put_hashed_key(&what, key)))
		err = sign(*out, s, buf_view(&what));
	buf_free(&what);
	if (err)
		openpgp_free(out);
	return err;
}

gpg_error_t
openpgp_finish(const struct openpgp_sig *sig, struct view signature,
    struct buf *packet)
{
	struct view issuer = view_of(sig->fpr + OPENPGP_FPR_LEN - 8, 8);
	struct buf body;
	gpg_error_t err;

	buf_init(&body, OPACKET_MAX);
	buf_put_view(&body, buf_view(&sig->head));
	buf_put_u16(&body, 2 + 8);
	osubpacket_put(&body, SUB_ISSUER, issuer);
	buf_put(&body, sig->left, sizeof(sig->left));
	if (!(err = opacket_put_numbers(&body, sig->pub, signature)))
		err = opacket_put(packet, PACKET_SIGNATURE, buf_view(&body));
	buf_free(&body);
	return err;
}

gpg_error_t
openpgp_put_one_pass(const struct openpgp_sig *sig, struct buf *b)
{
	uint8_t body[13] = { 3, sig->class, opacket_hash(sig->hash),
		opacket_algorithm(sig->pub) };

	memcpy(body + 4, sig->fpr + OPENPGP_FPR_LEN - 8, 8);
	body[12] = 1;		/* no other is inside */
	return opacket_put(b, PACKET_ONE_PASS, view_of(body, sizeof(body)));
}

gpg_error_t
openpgp_status(const struct openpgp_sig *sig, struct buf *line)
{
	buf_putf(line, "D %u %u %02x %lu ", opacket_algorithm(sig->pub),
	    opacket_hash(sig->hash), sig->class, (unsigned long)sig->now);
	for (size_t i = 0; i < sizeof(sig->fpr); i++)
		buf_putf(line, "%02X", sig->fpr[i]);
	return buf_error(line);
}

gpg_error_t
openpgp_put_key(struct buf *b, const struct openpgp_key *key)
{
	struct buf body;
	gpg_error_t err;

	buf_init(&body, OPACKET_MAX);
	if (!(err = opacket_put_key_body(&body, key)))
		err = opacket_put(b, PACKET_PUBLIC_KEY, buf_view(&body));
	buf_free(&body);
	return err;
}

gpg_error_t
openpgp_put_user_id(struct buf *b, const char *user_id)
{
	if (!is_user_id(user_id))
		return gpg_error(GPG_ERR_INV_USER_ID);
	return opacket_put(b, PACKET_USER_ID, view_str(user_id));
}
