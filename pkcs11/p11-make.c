/*
 * A new key pair, made by the token and never to leave it, with a note beside
 * it of when it was made: whoever looks from another machine must find the
 * same time, or an OpenPGP key has two fingerprints.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "format/pubkey.h"
#include "p11.h"

#define ID_LEN 16

struct maker {
	struct p11 *p;
	struct p11_slot *slot;
	const struct msg_token_make *in;
	CK_SESSION_HANDLE session;	/* read and write, of its own */
	uint8_t id[ID_LEN];
	CK_OBJECT_HANDLE public, private;
	struct problem *pb;
	unsigned epoch;
};

/* How a kind of key is asked for. */
struct recipe {
	uint8_t algorithm;
	CK_MECHANISM_TYPE mechanism;
	CK_ULONG bits;		/* RSA */
	const char *params;	/* curves: CKA_EC_PARAMS */
	CK_ULONG params_len;
};

static const struct recipe recipes[] = {
	{ ALGO_RSA2048, CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, NULL, 0 },
	{ ALGO_RSA3072, CKM_RSA_PKCS_KEY_PAIR_GEN, 3072, NULL, 0 },
	{ ALGO_RSA4096, CKM_RSA_PKCS_KEY_PAIR_GEN, 4096, NULL, 0 },
	{ ALGO_P256, CKM_EC_KEY_PAIR_GEN, 0,
	    "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10 },
	{ ALGO_P384, CKM_EC_KEY_PAIR_GEN, 0,
	    "\x06\x05\x2b\x81\x04\x00\x22", 7 },
	{ ALGO_P521, CKM_EC_KEY_PAIR_GEN, 0,
	    "\x06\x05\x2b\x81\x04\x00\x23", 7 },
	/* Tokens know one of the two; the other fails and makes nothing. */
	{ ALGO_ED25519, CKM_EC_EDWARDS_KEY_PAIR_GEN, 0,
	    "\x06\x03\x2b\x65\x70", 5 },
	{ ALGO_ED25519, CKM_EC_EDWARDS_KEY_PAIR_GEN, 0,
	    "\x13\x0c" "edwards25519", 14 },
};

static CK_RV
generate(struct maker *m, const struct recipe *r)
{
	CK_MECHANISM mechanism = { r->mechanism, NULL, 0 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	unsigned char exponent[] = { 1, 0, 1 }, params[16], label[64];
	CK_ULONG bits = r->bits;
	CK_ATTRIBUTE name[] = {
		{ CKA_ID, m->id, sizeof(m->id) },
		{ CKA_LABEL, label, m->in->label.len },
	};
	CK_ATTRIBUTE public[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &no, sizeof(no) },
		{ CKA_VERIFY, &yes, sizeof(yes) },
		name[0], name[1],
		{ CKA_EC_PARAMS, params, r->params_len },
		{ CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) },
	};
	CK_ATTRIBUTE private[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ CKA_SIGN, &yes, sizeof(yes) },
		name[0], name[1],
	};

	if (m->in->label.len > 0)
		memcpy(label, m->in->label.p, m->in->label.len);
	if (r->bits)
		public[5] = (CK_ATTRIBUTE){ CKA_MODULUS_BITS, &bits,
		    sizeof(bits) };
	else
		memcpy(params, r->params, r->params_len);
	return m->p->f->C_GenerateKeyPair(m->session, &mechanism, public,
	    r->bits ? 7 : 6, private, 7, &m->public, &m->private);
}

/* Every way there is to make this kind, until one works. */
static CK_RV
generate_any(struct maker *m)
{
	CK_RV rv = CKR_MECHANISM_INVALID;
	bool worked = false;

	for (size_t i = 0; !worked &&
	    i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		if (recipes[i].algorithm != m->in->algorithm)
			continue;
		rv = generate(m, &recipes[i]);
		worked = rv == CKR_OK || p11_cure(rv) != CURE_NONE;
	}
	return rv;
}

/* Read again by p11-keys.c. */
static CK_RV
write_note(struct maker *m)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	char application[] = "touchstone", value[16];
	struct buf label;
	CK_OBJECT_HANDLE note;
	CK_RV rv = CKR_HOST_MEMORY;
	int len;

	len = snprintf(value, sizeof(value), "%u", m->in->created);
	buf_init(&label, 256);
	buf_put_text(&label, "created:");
	if (!buf_put_hex(&label, view_of(m->id, sizeof(m->id)))) {
		CK_ATTRIBUTE template[] = {
			{ CKA_CLASS, &class, sizeof(class) },
			{ CKA_TOKEN, &yes, sizeof(yes) },
			{ CKA_PRIVATE, &no, sizeof(no) },
			{ CKA_APPLICATION, application,
			    sizeof(application) - 1 },
			{ CKA_LABEL, label.data + label.off,
			    buf_len(&label) },
			{ CKA_VALUE, value, (CK_ULONG)len },
		};

		rv = m->p->f->C_CreateObject(m->session, template,
		    sizeof(template) / sizeof(template[0]), &note);
	}
	buf_free(&label);
	return rv;
}

/* Nothing half made stays behind. */
static void
undo(struct maker *m)
{
	if (m->public != P11_NO_OBJECT)
		m->p->f->C_DestroyObject(m->session, m->public);
	if (m->private != P11_NO_OBJECT)
		m->p->f->C_DestroyObject(m->session, m->private);
	m->public = m->private = P11_NO_OBJECT;
}

/* With the slot's lock held, shared. */
static CK_RV
make_pair(struct maker *m)
{
	CK_RV rv;

	m->epoch = m->slot->epoch;
	if (p11_login_wanted(m->slot) && !m->slot->logged_in)
		return CKR_USER_NOT_LOGGED_IN;
	rv = m->p->f->C_OpenSession(m->slot->id,
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &m->session);
	if (rv != CKR_OK)
		return rv;
	if ((rv = generate_any(m)) == CKR_OK &&
	    (rv = write_note(m)) != CKR_OK)
		undo(m);
	m->p->f->C_CloseSession(m->session);
	return rv;
}

static gpg_error_t
make_cured(struct maker *m)
{
	gpg_error_t err;
	unsigned done = 0;
	enum p11_cure what;
	CK_RV rv;

	for (;;) {
		pthread_rwlock_rdlock(&m->slot->lock);
		rv = make_pair(m);
		pthread_rwlock_unlock(&m->slot->lock);
		if (rv == CKR_OK)
			return 0;
		what = p11_cure(rv);
		if ((what != CURE_LOGIN && what != CURE_REOPEN) ||
		    done & 1u << what)
			return p11_problem(m->pb, m->slot, rv,
			    "making a key");
		done |= 1u << what;
		if ((err = what == CURE_LOGIN ?
		    p11_login_again(m->p, m->slot, m->epoch, m->pb) :
		    p11_slot_reopen(m->p, m->slot, m->epoch, m->pb)))
			return err;
	}
}

static gpg_error_t
check(struct maker *m)
{
	size_t i, count = sizeof(recipes) / sizeof(recipes[0]);

	for (i = 0; i < count; i++)
		if (recipes[i].algorithm == m->in->algorithm)
			break;
	if (i == count)
		return problem_say(m->pb, GPG_ERR_PUBKEY_ALGO,
		    "keys of that kind are not made here");
	if (!(m->slot = p11_slot_get(m->p, m->in->slot)))
		return problem_say(m->pb, GPG_ERR_CARD_NOT_PRESENT,
		    "there is no such token");
	if (m->in->slot_name.len > 0 || m->in->pin_policy ||
	    m->in->touch_policy)
		return problem_say(m->pb, GPG_ERR_NOT_SUPPORTED,
		    "a token of a PKCS#11 module has no PIV slots, and no PIN "
		    "and touch policies to choose");
	if (m->slot->empty)
		return problem_say(m->pb, GPG_ERR_CARD_NOT_INITIALIZED,
		    "the token is empty: initialize it first");
	if (getrandom(m->id, sizeof(m->id), 0) != (ssize_t)sizeof(m->id))
		return problem_say(m->pb, gpg_err_code_from_errno(errno),
		    "the system gave no random bytes");
	return 0;
}

gpg_error_t
p11_make(void *state, unsigned worker, const struct msg_token_make *in,
    struct buf *key_buf, struct msg_list *keys, struct problem *pb)
{
	struct maker m = { .p = state, .in = in, .pb = pb };
	gpg_error_t err;

	if ((err = check(&m)))
		return err;
	p11_login_settle(m.p, m.slot);
	if ((err = make_cured(&m)) ||
	    (err = p11_keys_refresh(m.p, m.slot, worker, pb)))
		return err;
	p11_keys_put(m.slot, view_of(m.id, sizeof(m.id)), key_buf, keys);
	p11_login_used(m.p, m.slot);
	if (keys->count != 1)
		return problem_say(pb, GPG_ERR_CARD,
		    "%s says that it made a key, but does not show it: look "
		    "with \"touchstone keys list --refresh\"",
		    p11_slot_title(m.slot).text);
	return 0;
}
