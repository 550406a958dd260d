/*
 * The management key: who has it may change a card.  Both sides prove that
 * they know it, in 3DES or AES (SP 800-73-4, part 2, A.1).
 */
#include "config.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "piv.h"

#define OBJECT_PRINTED 0x5fc109
#define BLOCK_MAX 16

static const struct {
	uint8_t piv;
	size_t key, block;
	const char *name, *cipher;
} mgm[] = {
	{ PIV_MGM_3DES, 24, 8, "3DES", "DES-EDE3-ECB" },
	{ 0x08, 16, 16, "AES-128", "AES-128-ECB" },
	{ 0x0a, 24, 16, "AES-192", "AES-192-ECB" },
	{ 0x0c, 32, 16, "AES-256", "AES-256-ECB" },
};

#define MGM (sizeof(mgm) / sizeof(mgm[0]))

static int
mgm_index(uint8_t algorithm)
{
	for (size_t i = 0; i < MGM; i++)
		if (mgm[i].piv == algorithm)
			return (int)i;
	return -1;
}

size_t
piv_mgm_len(uint8_t algorithm)
{
	int i = mgm_index(algorithm);

	return i < 0 ? 0 : mgm[i].key;
}

uint8_t
piv_mgm_by_name(const char *name)
{
	for (size_t i = 0; i < MGM; i++)
		if (!strcmp(name, mgm[i].name))
			return mgm[i].piv;
	return 0;
}

static gpg_error_t
crypt_block(int i, struct view key, bool encrypt, const uint8_t *in,
    uint8_t *out)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, mgm[i].cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;
	bool ok;

	ok = cipher && ctx && key.len == mgm[i].key &&
	    EVP_CipherInit_ex2(ctx, cipher, key.p, NULL, encrypt, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_CipherUpdate(ctx, out, &len, in, (int)mgm[i].block) == 1 &&
	    (size_t)len == mgm[i].block;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return ok ? 0 : gpg_error(GPG_ERR_GENERAL);
}

/* 87 to the management key, with one or two TLVs inside 7C. */
static gpg_error_t
exchange(struct piv_card *c, uint8_t algorithm, struct view inside,
    struct buf *reply, int *sw)
{
	struct buf data;
	gpg_error_t err;

	buf_init(&data, 128);
	tlv_put(&data, 0x7c, inside);
	if (!(err = buf_error(&data)))
		err = piv_send(c, &(struct piv_command){ 0x87, algorithm, 0x9b,
		    buf_view(&data) }, reply, sw);
	buf_free(&data);
	return err;
}

/* The block under `tag` in the answer. */
static gpg_error_t
take_block(const struct buf *reply, unsigned tag, size_t size,
    struct view *out)
{
	struct view v = buf_view(reply), inside;

	if (tlv_get(&v, 0x7c, &inside) || tlv_find(inside, tag, out) ||
	    out->len != size)
		return gpg_error(GPG_ERR_CARD);
	return 0;
}

struct login {
	struct piv_card *card;
	int i;				/* the algorithm */
	struct view key;
	struct buf reply;
	uint8_t witness[BLOCK_MAX], challenge[BLOCK_MAX], expected[BLOCK_MAX];
};

/* The card's witness, which only who has the key can read. */
static gpg_error_t
get_witness(struct login *l, int *sw)
{
	struct view block;
	struct buf inside;
	gpg_error_t err;

	buf_init(&inside, 64);
	tlv_put(&inside, 0x80, view_of(NULL, 0));
	err = exchange(l->card, mgm[l->i].piv, buf_view(&inside), &l->reply,
	    sw);
	buf_free(&inside);
	if (err || *sw != SW_OK)
		return err;
	if ((err = take_block(&l->reply, 0x80, mgm[l->i].block, &block)))
		return err;
	return crypt_block(l->i, l->key, false, block.p, l->witness);
}

/* Our proof and a challenge of ours. */
static gpg_error_t
prove(struct login *l, int *sw)
{
	size_t size = mgm[l->i].block;
	struct buf inside;
	gpg_error_t err;

	if (RAND_bytes(l->challenge, (int)size) != 1)
		return gpg_error(GPG_ERR_GENERAL);
	buf_init(&inside, 64);
	tlv_put(&inside, 0x80, view_of(l->witness, size));
	tlv_put(&inside, 0x81, view_of(l->challenge, size));
	l->card->burst.managed = false;
	l->card->burst.dirty = true;
	err = exchange(l->card, mgm[l->i].piv, buf_view(&inside), &l->reply,
	    sw);
	buf_free(&inside);
	return err;
}

static gpg_error_t
check(struct login *l, bool *good)
{
	size_t size = mgm[l->i].block;
	struct view block;
	gpg_error_t err;

	if ((err = take_block(&l->reply, 0x82, size, &block)) ||
	    (err = crypt_block(l->i, l->key, true, l->challenge,
	    l->expected)))
		return err;
	*good = !CRYPTO_memcmp(block.p, l->expected, size);
	return 0;
}

gpg_error_t
piv_manage_try(struct piv_card *c, struct view key, bool *good,
    struct problem *pb)
{
	struct login l = { .card = c, .key = key };
	gpg_error_t err;
	int sw = 0;

	*good = false;
	if ((l.i = mgm_index(c->mgm_algorithm)) < 0)
		return problem_say(pb, GPG_ERR_NOT_SUPPORTED, "%s has a "
		    "management key of an unknown kind",
		    piv_card_title(c).text);
	if (key.len != mgm[l.i].key)
		return 0;
	buf_init(&l.reply, PIV_REPLY_MAX);
	if (!(err = get_witness(&l, &sw)) && sw == SW_OK &&
	    !(err = prove(&l, &sw)) && sw == SW_OK)
		err = check(&l, good);
	if (!err && sw != SW_OK && sw != SW_SECURITY)
		err = piv_problem(pb, c, sw, "logging in to change it");
	if (*good)
		c->burst.managed = true;
	buf_free(&l.reply);
	explicit_bzero(&l, sizeof(l));
	return err;
}

/* ---- where it may be found ---- */

typedef gpg_error_t place(struct piv *, struct piv_card *, struct pin *key,
    struct problem *);

static uint32_t
card_flags(struct piv_card *c)
{
	uint32_t flags;

	pthread_mutex_lock(&c->mu);
	flags = c->flags;
	pthread_mutex_unlock(&c->mu);
	return flags;
}

static gpg_error_t
get_held(struct piv *p, struct piv_card *c, struct pin *key,
    struct problem *pb)
{
	piv_mgm_copy(c, key);
	return 0;
}

/* The one that cards are sold with, if the card says that it is still that. */
static gpg_error_t
get_sold(struct piv *p, struct piv_card *c, struct pin *key,
    struct problem *pb)
{
	static const uint8_t sold[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t bytes[PIV_MGM_MAX];

	if (!(card_flags(c) & TOKEN_DEFAULT_MGM))
		return 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = sold[i % sizeof(sold)];
	return pin_set(key, view_of(bytes, piv_mgm_len(c->mgm_algorithm)));
}

/* Whether it may be behind the PIN: yubikey-agent notes nothing. */
static bool
may_be_protected(struct piv_card *c)
{
	bool may;

	pthread_mutex_lock(&c->mu);
	may = (c->flags & TOKEN_PROTECTED_MGM) || !c->mgm_noted;
	pthread_mutex_unlock(&c->mu);
	return may;
}

/* The one behind the PIN, as ykman keeps it: 88 { 89 key }. */
static gpg_error_t
get_protected(struct piv *p, struct piv_card *c, struct pin *key,
    struct problem *pb)
{
	struct view object, inside, value;
	struct buf reply;
	gpg_error_t err;

	if (!may_be_protected(c))
		return 0;
	err = piv_pin_need(p, c, PIN_POLICY_ONCE, pb);
	if (gpg_err_code(err) == GPG_ERR_PIN_BLOCKED &&
	    !(card_flags(c) & TOKEN_PROTECTED_MGM)) {
		pb->text[0] = 0;
		return 0;
	}
	if (err)
		return err;
	buf_init(&reply, PIV_REPLY_MAX);
	err = piv_object_get(c, OBJECT_PRINTED, &reply, &object, pb);
	if (!err && !tlv_find(object, 0x88, &inside) &&
	    !tlv_find(inside, 0x89, &value))
		err = pin_set(key, value);
	buf_free(&reply);
	return gpg_err_code(err) == GPG_ERR_NOT_FOUND ? 0 : err;
}

gpg_error_t
piv_manage(struct piv *p, struct piv_card *c, struct problem *pb)
{
	static place *const places[] = { get_held, get_sold, get_protected };
	bool good = false;
	gpg_error_t err = 0;
	struct pin *key;

	if (c->burst.managed)
		return 0;
	if (pin_new(&key))
		return piv_no_memory(pb);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) &&
	    !good && !err; i++) {
		pin_wipe(key);
		if (!(err = places[i](p, c, key, pb)) &&
		    pin_view(key).len > 0)
			err = piv_manage_try(c, pin_view(key), &good, pb);
	}
	pin_free(&key);
	if (err)
		return err;
	return good ? 0 : problem_say(pb, GPG_ERR_NO_PASSPHRASE,
	    "%s wants its management key", piv_card_title(c).text);
}
