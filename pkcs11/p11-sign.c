/*
 * One signature.  Whatever can be mended without a person (a session that
 * went away, a handle that went stale, a login that another program ended) is
 * mended, each once; then it is tried again.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "format/pubkey.h"
#include "p11.h"

#define TRIES_MAX 8

/* One request on its way. */
struct signer {
	struct p11 *p;
	unsigned worker;
	struct p11_slot *slot;
	struct p11_key *key;
	const struct token_signing *in;
	CK_MECHANISM_TYPE mechanism;
	CK_RSA_PKCS_PSS_PARAMS pss;
	uint8_t *signature;
	CK_ULONG len;
	struct problem *pb;
	unsigned epoch;		/* what the last attempt saw */
	bool login;		/* a login was needed for it */
	bool missing;		/* the private half was looked for in vain */
	bool alone;		/* its PIN is for one signature at a time */
	bool refused;		/* a PIN was, and err says so */
	gpg_error_t err;
};

/* SHA-2 throughout, and a salt as long as the hash. */
static bool
choose_pss(struct signer *sg)
{
	static const struct {
		size_t len;
		CK_MECHANISM_TYPE hash;
		CK_RSA_PKCS_MGF_TYPE mgf;
	} rows[] = {
		{ 32, CKM_SHA256, CKG_MGF1_SHA256 },
		{ 48, CKM_SHA384, CKG_MGF1_SHA384 },
		{ 64, CKM_SHA512, CKG_MGF1_SHA512 },
	};

	sg->mechanism = CKM_RSA_PKCS_PSS;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].len == sg->in->data.len) {
			sg->pss.hash_alg = rows[i].hash;
			sg->pss.mgf = rows[i].mgf;
			sg->pss.s_len = rows[i].len;
			return true;
		}
	return false;
}

/* Which mechanism goes with which key; what the data may be. */
static gpg_error_t
choose_mechanism(struct signer *sg)
{
	const struct p11_public *pub = &sg->key->found.public;
	size_t len = sg->in->data.len;
	bool ed = pub->algorithm == ALGO_ED25519;
	bool rsa = p11_public_is_rsa(pub);

	switch (sg->in->mechanism) {
	case MECH_RSA_PKCS1:
		sg->mechanism = CKM_RSA_PKCS;
		if (rsa && len > 0 && len + 11 <= pub->len)
			return 0;
		break;
	case MECH_ECDSA:
		sg->mechanism = CKM_ECDSA;
		if (!rsa && !ed && len >= 20 && len <= 64)
			return 0;
		break;
	case MECH_RSA_PSS:
		if (rsa && choose_pss(sg))
			return 0;
		break;
	case MECH_EDDSA:
		sg->mechanism = CKM_EDDSA;
		if (ed)
			return 0;
		break;
	default:
		break;
	}
	return problem_say(sg->pb, GPG_ERR_INV_VALUE,
	    "this key cannot sign data of that kind or length");
}

/* FIPS 186-4, 6.4: the leftmost bits of a hash longer than the curve. */
static CK_ULONG
data_len(const struct signer *sg)
{
	uint8_t algorithm = sg->key->found.public.algorithm;
	size_t len = sg->in->data.len, max = SIZE_MAX;

	if (sg->mechanism == CKM_ECDSA)
		max = algorithm == ALGO_P256 ? 32 :
		    algorithm == ALGO_P384   ? 48 :
					       66;
	return len < max ? len : max;
}

static void
set_private(struct signer *sg, CK_OBJECT_HANDLE o, bool always_auth)
{
	pthread_mutex_lock(&sg->slot->mu);
	sg->key->found.private = o;
	if (o != P11_NO_OBJECT)
		sg->key->found.always_auth = always_auth;
	pthread_mutex_unlock(&sg->slot->mu);
}

/*
 * Whether private keys would be seen.  The token's own word counts: another
 * program may have reset it since we logged in.
 */
static bool
is_hidden(struct signer *sg, CK_SESSION_HANDLE session)
{
	CK_SESSION_INFO info;

	if (!p11_login_wanted(sg->slot))
		return false;
	return !sg->slot->logged_in ||
	    sg->p->f->C_GetSessionInfo(session, &info) != CKR_OK ||
	    (info.state != CKS_RO_USER_FUNCTIONS &&
	    info.state != CKS_RW_USER_FUNCTIONS);
}

/* The private half's handle: kept, or looked for. */
static CK_RV
get_private(struct signer *sg, CK_SESSION_HANDLE session,
    CK_OBJECT_HANDLE *o, bool *always_auth)
{
	struct p11_found f;
	CK_RV rv;

	pthread_mutex_lock(&sg->slot->mu);
	*o = sg->key->found.private;
	*always_auth = sg->key->found.always_auth;
	if (*o == P11_NO_OBJECT)
		f = sg->key->found;
	pthread_mutex_unlock(&sg->slot->mu);
	if (*o != P11_NO_OBJECT)
		return CKR_OK;
	rv = p11_find_private(sg->p, session, &f, o, always_auth);
	if (rv != CKR_OK)
		return rv;
	if (*o != P11_NO_OBJECT) {
		set_private(sg, *o, *always_auth);
		return CKR_OK;
	}
	if (is_hidden(sg, session))
		return CKR_USER_NOT_LOGGED_IN;
	sg->missing = true;
	return CKR_KEY_HANDLE_INVALID;
}

/* The PIN that belongs to this one signature (CKA_ALWAYS_AUTHENTICATE). */
static CK_RV
authenticate(struct signer *sg, CK_SESSION_HANDLE session, struct pin *pin,
    const struct pin_stamp *stamp)
{
	struct view v = pin_view(pin);
	CK_RV rv;

	rv = sg->p->f->C_Login(session, CKU_CONTEXT_SPECIFIC,
	    v.len ? pin_bytes(pin) : NULL, v.len);
	if (rv == CKR_OK || !(p11_rv_is_wrong_pin(rv) ||
	    rv == CKR_PIN_LOCKED))
		return rv;
	sg->refused = true;
	sg->err = p11_login_refused(sg->p, sg->slot, stamp, rv, sg->pb);
	return rv;
}

static CK_RV
compute(struct signer *sg, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE o,
    bool always_auth, struct pin *pin, const struct pin_stamp *stamp)
{
	bool pss = sg->mechanism == CKM_RSA_PKCS_PSS;
	CK_MECHANISM mechanism = { sg->mechanism, pss ? &sg->pss : NULL,
		pss ? sizeof(sg->pss) : 0 };
	CK_FUNCTION_LIST *f = sg->p->f;
	CK_RV rv;

	rv = f->C_SignInit(session, &mechanism, o);
	if (rv == CKR_OK && always_auth)
		rv = authenticate(sg, session, pin, stamp);
	if (rv != CKR_OK)
		return rv;
	sg->len = TOKEN_SIGNATURE_MAX;
	rv = f->C_Sign(session, (unsigned char *)(uintptr_t)sg->in->data.p,
	    data_len(sg), sg->signature, &sg->len);
	if (rv == CKR_OK && sg->len > TOKEN_SIGNATURE_MAX)
		rv = CKR_GENERAL_ERROR;
	return rv;
}

/* With the slot's lock held, shared unless sg->alone. */
static CK_RV
attempt(struct signer *sg, struct pin **pin)
{
	CK_SESSION_HANDLE session;
	struct pin_stamp stamp = { { 0 } };
	CK_OBJECT_HANDLE o;
	bool always_auth;
	CK_RV rv;

	sg->epoch = sg->slot->epoch;
	sg->login = sg->slot->logged_in;
	sg->missing = false;
	if ((rv = p11_session(sg->p, sg->slot, sg->worker, &session)) !=
	    CKR_OK ||
	    (rv = get_private(sg, session, &o, &always_auth)) != CKR_OK)
		return rv;
	/* It is wanted between two calls; there is no way back from there. */
	if (always_auth && p11_login_wanted(sg->slot)) {
		/* Side by side, several would try a PIN that is wrong now. */
		if (!sg->alone) {
			sg->alone = true;
			return CKR_FUNCTION_CANCELED;
		}
		if (!sg->slot->logged_in)
			return CKR_USER_NOT_LOGGED_IN;
		if ((sg->err = pin_new(pin)) || (sg->err = p11_login_pin(
		    sg->p, sg->slot, *pin, &stamp, sg->pb))) {
			sg->refused = true;
			return CKR_PIN_INCORRECT;
		}
	}
	rv = compute(sg, session, o, *pin != NULL, *pin, &stamp);
	if (rv != CKR_OK)	/* leave no operation half done */
		p11_session_drop(sg->p, sg->slot, sg->worker);
	return rv;
}

static CK_RV
attempt_locked(struct signer *sg)
{
	struct pin *pin = NULL;
	bool alone;
	CK_RV rv;

	do {
		if ((alone = sg->alone))
			pthread_rwlock_wrlock(&sg->slot->lock);
		else
			pthread_rwlock_rdlock(&sg->slot->lock);
		rv = attempt(sg, &pin);
		pthread_rwlock_unlock(&sg->slot->lock);
		pin_free(&pin);
	} while (sg->alone && !alone);
	return rv;
}

static gpg_error_t
cure(struct signer *sg, enum p11_cure what)
{
	switch (what) {
	case CURE_REOPEN:
		return p11_slot_reopen(sg->p, sg->slot, sg->epoch, sg->pb);
	case CURE_LOGIN:
		return p11_login_again(sg->p, sg->slot, sg->epoch, sg->pb);
	case CURE_FIND:
		set_private(sg, P11_NO_OBJECT, false);
		return 0;
	case CURE_NONE:
		break;
	}
	return gpg_error(GPG_ERR_BUG);
}

/*
 * What was mended and failed in the same way again is the token's fault.  To
 * say that it is not there, or wants its PIN, would only send the agent round
 * in circles.
 */
static gpg_error_t
give_up(struct signer *sg, CK_RV rv, bool mended)
{
	gpg_error_t err;

	if (sg->missing)
		return problem_say(sg->pb, GPG_ERR_MISSING_KEY,
		    "this key is not on %s any more: look at \"touchstone "
		    "keys list --refresh\"", p11_slot_title(sg->slot).text);
	if (!mended)
		return p11_problem(sg->pb, sg->slot, rv, "signing");
	if (p11_cure(rv) == CURE_REOPEN && (err = p11_slot_reopen(sg->p,
	    sg->slot, sg->epoch, sg->pb)))
		return err;
	return problem_say(sg->pb, GPG_ERR_CARD,
	    "%s keeps failing (%s): unplug it and insert it again",
	    p11_slot_title(sg->slot).text, p11_kit_strerror(rv));
}

/*
 * Each cure once: what it did not cure stays.  But when others log out (the
 * PIN's time was over, the user said forget, a token was reopened), there was
 * no login for the module to deny.
 */
static gpg_error_t
sign_until_cured(struct signer *sg)
{
	unsigned done = 0;
	enum p11_cure what;
	gpg_error_t err;
	CK_RV rv;

	for (int tries = 0; tries < TRIES_MAX; tries++) {
		rv = attempt_locked(sg);
		if (rv == CKR_OK)
			return 0;
		if (sg->refused)
			return sg->err;
		what = p11_cure(rv);
		if (what == CURE_NONE || done & 1u << what)
			return give_up(sg, rv, what != CURE_NONE);
		if (what != CURE_LOGIN || sg->login)
			done |= 1u << what;
		if ((err = cure(sg, what)))
			return err;
	}
	return p11_problem(sg->pb, sg->slot, CKR_USER_NOT_LOGGED_IN,
	    "signing");
}

/* The key by its number, wherever its token is now. */
static gpg_error_t
find_signer(struct signer *sg)
{
	uint32_t number = sg->in->key;
	bool present, here = false;
	unsigned epoch;

	sg->slot = p11_slot_get(sg->p, number >> 16);
	if (!sg->slot)
		return problem_say(sg->pb, GPG_ERR_MISSING_KEY,
		    "there is no such key: look at \"touchstone keys list "
		    "--refresh\"");
	pthread_mutex_lock(&sg->slot->mu);
	present = sg->slot->present;
	if ((number & 0xffff) < sg->slot->key_count) {
		sg->key = sg->slot->keys[number & 0xffff];
		here = sg->key->here;
	}
	pthread_mutex_unlock(&sg->slot->mu);
	sg->missing = !sg->key || (present && !here);
	if (sg->missing)
		return give_up(sg, CKR_KEY_HANDLE_INVALID, false);
	if (present)
		return 0;
	pthread_rwlock_rdlock(&sg->slot->lock);
	epoch = sg->slot->epoch;
	pthread_rwlock_unlock(&sg->slot->lock);
	return p11_slot_reopen(sg->p, sg->slot, epoch, sg->pb);
}

gpg_error_t
p11_sign(void *state, unsigned worker, const struct token_signing *in,
    uint8_t *signature, size_t *len, struct problem *pb)
{
	struct signer sg = { .p = state, .worker = worker, .in = in,
		.signature = signature, .pb = pb };
	gpg_error_t err;

	if ((err = find_signer(&sg)) || (err = choose_mechanism(&sg)))
		return err;
	p11_login_settle(sg.p, sg.slot);
	if ((err = sign_until_cured(&sg)))
		return err;
	if (sg.login)
		p11_login_used(sg.p, sg.slot);
	*len = sg.len;
	return 0;
}
