/*
 * What depends on a card's firmware: what it can make, and how its keys are
 * known where it has no metadata (before 5.3), by what it attests (since 4.3)
 * and what was made here.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "piv.h"

#define UNTOLD 0	/* a policy */

bool
piv_since(struct piv_card *c, uint8_t major, uint8_t minor)
{
	const uint8_t *v = c->firmware;
	bool since;

	pthread_mutex_lock(&c->mu);
	since = (v[0] == 0 && v[1] == 0) || v[0] > major ||
	    (v[0] == major && v[1] >= minor);
	pthread_mutex_unlock(&c->mu);
	return since;
}

/* ---- what it can make ---- */

struct piv_version {
	char text[16];		/* "5.4.3" */
};

static struct piv_version
version(struct piv_card *c)
{
	struct piv_version v;

	pthread_mutex_lock(&c->mu);
	snprintf(v.text, sizeof(v.text), "%u.%u.%u", c->firmware[0],
	    c->firmware[1], c->firmware[2]);
	pthread_mutex_unlock(&c->mu);
	return v;
}

static gpg_error_t
lacks(struct piv_card *c, const char *what, unsigned major, unsigned minor,
    struct problem *pb)
{
	return problem_say(pb, GPG_ERR_NOT_SUPPORTED, "%s: YubiKeys have that "
	    "since firmware %u.%u, and %s has %s", what, major, minor,
	    piv_card_title(c).text, version(c).text);
}

static bool
is_rsa(enum key_algorithm a)
{
	return a == ALGO_RSA2048 || a == ALGO_RSA3072 || a == ALGO_RSA4096;
}

/* Whose RSA keys can be factored (CVE-2017-15361). */
static bool
is_weak(struct piv_card *c)
{
	const uint8_t *v = c->firmware;
	bool weak;

	pthread_mutex_lock(&c->mu);
	weak = v[0] == 4 && ((v[1] == 2 && v[2] >= 6) ||
	    (v[1] == 3 && v[2] <= 4));
	pthread_mutex_unlock(&c->mu);
	return weak;
}

static gpg_error_t
check_algorithm(struct piv_card *c, enum key_algorithm a, struct problem *pb)
{
	if ((a == ALGO_ED25519 || a == ALGO_RSA3072 || a == ALGO_RSA4096) &&
	    !piv_since(c, 5, 7))
		return lacks(c, algorithm_name(a), 5, 7, pb);
	if (a == ALGO_P384 && !piv_since(c, 4, 0))
		return lacks(c, algorithm_name(a), 4, 0, pb);
	if (is_rsa(a) && is_weak(c))
		return problem_say(pb, GPG_ERR_NOT_SUPPORTED, "RSA keys that "
		    "%s makes with its firmware %s can be factored "
		    "(CVE-2017-15361): make a P-256 or P-384 key",
		    piv_card_title(c).text, version(c).text);
	return 0;
}

uint8_t
piv_default_pin_policy(uint8_t slot)
{
	return slot == 0x9c ? PIN_POLICY_ALWAYS :
	    slot == 0x9e ? PIN_POLICY_NEVER : PIN_POLICY_ONCE;
}

/* Before 4.0 a slot has its PIN policy, and nothing wants a touch. */
static gpg_error_t
check_no_policies(struct piv_card *c, uint8_t slot,
    const struct msg_token_make *in, struct problem *pb)
{
	static const char *const words[] = { "", "never", "once", "always" };
	uint8_t pin = piv_default_pin_policy(slot);

	if (in->touch_policy != TOUCH_POLICY_NEVER)
		return problem_say(pb, GPG_ERR_NOT_SUPPORTED, "%s has firmware "
		    "%s and wants no touch, which YubiKeys do since 4.0: "
		    "whoever may use this machine can sign.  Agree by "
		    "--touch-policy never", piv_card_title(c).text,
		    version(c).text);
	if (in->pin_policy != UNTOLD && in->pin_policy != pin)
		return problem_say(pb, GPG_ERR_NOT_SUPPORTED, "%s has firmware "
		    "%s, where slot %02x has the PIN policy \"%s\" and no "
		    "other", piv_card_title(c).text, version(c).text, slot,
		    words[pin]);
	return 0;
}

gpg_error_t
piv_can_make(struct piv_card *c, uint8_t slot,
    const struct msg_token_make *in, struct problem *pb)
{
	gpg_error_t err;

	if ((err = check_algorithm(c, in->algorithm, pb)))
		return err;
	if (!piv_since(c, 4, 0))
		return check_no_policies(c, slot, in, pb);
	if (in->touch_policy == TOUCH_POLICY_CACHED && !piv_since(c, 4, 3))
		return lacks(c, "the touch policy \"cached\"", 4, 3, pb);
	return 0;
}

gpg_error_t
piv_can_manage(struct piv_card *c, uint8_t algorithm, struct problem *pb)
{
	return algorithm == PIV_MGM_3DES || piv_since(c, 5, 4) ? 0 :
	    lacks(c, "AES management keys", 5, 4, pb);
}

gpg_error_t
piv_can_attest(struct piv_card *c, struct problem *pb)
{
	return piv_since(c, 4, 3) ? 0 : lacks(c, "attestation", 4, 3, pb);
}

/* ---- keys without metadata ---- */

gpg_error_t
piv_attested_key(struct piv_card *c, struct buf *reply, struct piv_found *f)
{
	struct piv_certificate x;
	gpg_error_t err;
	int sw;

	if (!piv_since(c, 4, 3))
		return 0;
	err = piv_send(c, &(struct piv_command){ 0xf9, f->slot, 0,
	    view_of(NULL, 0) }, reply, &sw);
	if (err || sw != SW_OK || piv_certificate(buf_view(reply), &x))
		return err;
	f->pub = x.pub;
	f->pin_policy = x.pin_policy;
	f->touch_policy = x.touch_policy;
	f->origin = KEY_ORIGIN_GENERATED;
	return 0;
}

/* What is known of a key in this slot by this process alone. */
static void
recall(struct piv_found *f, const struct piv_key *k)
{
	if (!f->pub && pubkey_from_spki(&f->pub, pubkey_spki(k->pub)))
		return;
	if (f->origin != 0 || !view_eq(pubkey_id(f->pub), pubkey_id(k->pub)))
		return;
	f->pin_policy = k->pin_policy;
	f->touch_policy = k->touch_policy;
	f->origin = k->origin;
}

void
piv_made_key(struct piv_card *c, struct piv_found *f)
{
	const struct piv_key *last = NULL;

	pthread_mutex_lock(&c->mu);
	for (unsigned i = 0; i < c->key_count; i++)
		if (c->keys[i]->slot == f->slot && c->keys[i]->made)
			last = c->keys[i];
	if (last)
		recall(f, last);
	pthread_mutex_unlock(&c->mu);
}
