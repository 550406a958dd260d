/* The keys that are kept: put in, listed, used, and gone. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

#include "soft.h"

static void
key_clear(struct soft_key *k)
{
	EVP_PKEY_free(k->evp);
	pubkey_free(&k->pub);
	free(k->label);
	*k = (struct soft_key){ 0 };
}

/* Under s->mu, as all below that do not take it. */
static struct soft_key *
by_number(struct soft *s, uint32_t number)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->keys[i].number == number)
			return &s->keys[i];
	return NULL;
}

static struct soft_key *
by_public(struct soft *s, const struct pubkey *pub)
{
	for (size_t i = 0; i < s->count; i++)
		if (view_eq(pubkey_id(s->keys[i].pub), pubkey_id(pub)))
			return &s->keys[i];
	return NULL;
}

static bool
is_over(const struct soft_key *k)
{
	return k->until_ms && k->until_ms <= keeper_now();
}

/* Removes what has lived its time; returns whether there was any. */
static bool
sweep(struct soft *s)
{
	size_t kept = 0, had = s->count;
	uint64_t next = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct soft_key *k = &s->keys[i];

		if (is_over(k)) {
			key_clear(k);
			continue;
		}
		if (k->until_ms && (!next || k->until_ms < next))
			next = k->until_ms;
		s->keys[kept++] = *k;
	}
	s->count = kept;
	keeper_set(s->keeper, next);
	return kept < had;
}

void
soft_expire(void *state)
{
	struct soft *s = state;
	bool any;

	pthread_rwlock_wrlock(&s->mu);
	any = sweep(s);
	pthread_rwlock_unlock(&s->mu);
	if (any && s->ear.say)
		s->ear.say(s->ear.arg, EVENT_CHANGED, 0);
}

void
soft_wipe(void *state)
{
	struct soft *s = state;

	pthread_rwlock_wrlock(&s->mu);
	while (s->count > 0)
		key_clear(&s->keys[--s->count]);
	pthread_rwlock_unlock(&s->mu);
}

/* ---- listings ---- */

static gpg_error_t
put_key(const struct soft_key *k, struct buf *b, struct msg_list *list)
{
	struct msg_token_key one = {
		.key = k->number,
		.algorithm = (uint8_t)pubkey_algorithm(k->pub),
		.public = pubkey_public(k->pub),
		.exponent = pubkey_exponent(k->pub),
		.label = view_str(k->label),
		.pin_policy = PIN_POLICY_NEVER,
		.origin = KEY_ORIGIN_IMPORTED,
	};

	return msg_list_add(b, list, MSG_token_key, &one);
}

/* No slots: memory is no token, which could be named or hold other keys. */
gpg_error_t
soft_list(void *state, unsigned worker, bool anew, struct buf *slot_buf,
    struct msg_list *slots, struct buf *key_buf, struct msg_list *keys,
    struct problem *pb)
{
	struct soft *s = state;
	gpg_error_t err = 0;

	pthread_rwlock_rdlock(&s->mu);
	for (size_t i = 0; i < s->count && !err; i++)
		if (!is_over(&s->keys[i]))
			err = put_key(&s->keys[i], key_buf, keys);
	pthread_rwlock_unlock(&s->mu);
	return err;
}

/* ---- signatures ---- */

gpg_error_t
soft_sign(void *state, unsigned worker, const struct token_signing *in,
    uint8_t *signature, size_t *len, struct problem *pb)
{
	enum key_algorithm algorithm = ALGO_NONE;
	struct soft *s = state;
	struct soft_key *k;
	EVP_PKEY *evp = NULL;
	gpg_error_t err;

	/* A key that is removed meanwhile is wiped when this is done. */
	pthread_rwlock_rdlock(&s->mu);
	if ((k = by_number(s, in->key)) && !is_over(k) &&
	    EVP_PKEY_up_ref(k->evp) == 1) {
		evp = k->evp;
		algorithm = pubkey_algorithm(k->pub);
	}
	pthread_rwlock_unlock(&s->mu);
	if (!evp)
		return problem_say(pb, GPG_ERR_MISSING_KEY,
		    "the key is in memory no more: add it again (ssh-add)");
	err = soft_sign_with(evp, algorithm, in->mechanism, in->data,
	    signature, len);
	EVP_PKEY_free(evp);
	if (err)
		return problem_say(pb, gpg_err_code(err), "the key in memory "
		    "could not sign; perhaps there are too many keys: remove "
		    "some (ssh-add -d)");
	return 0;
}

/* ---- in and out ---- */

/* The key that is there already, or a new one. */
static gpg_error_t
place_key(struct soft *s, EVP_PKEY **evp, struct pubkey **pub,
    struct soft_key **out, struct problem *pb)
{
	struct soft_key *k = by_public(s, *pub);

	if (!k && s->count == SOFT_KEYS_MAX)
		return problem_say(pb, GPG_ERR_RESOURCE_LIMIT, "there are %d "
		    "keys in memory already: remove some (ssh-add -d)",
		    SOFT_KEYS_MAX);
	if (!k) {
		k = &s->keys[s->count++];
		*k = (struct soft_key){ .number = ++s->last,
			.evp = *evp, .pub = *pub };
		*evp = NULL;
		*pub = NULL;
	}
	*out = k;
	return 0;
}

static gpg_error_t
keep(struct soft *s, const struct msg_token_import *in, EVP_PKEY **evp,
    struct pubkey **pub, struct buf *key_buf, struct msg_list *keys,
    struct problem *pb)
{
	char *label = view_strdup(in->label);
	struct soft_key *k = NULL;
	gpg_error_t err;

	if (!label)
		return gpg_error(GPG_ERR_ENOMEM);
	pthread_rwlock_wrlock(&s->mu);
	sweep(s);
	if (!(err = place_key(s, evp, pub, &k, pb))) {
		free(k->label);
		k->label = label;
		label = NULL;
		k->until_ms = in->lifetime_s ? keeper_now() +
		    (uint64_t)in->lifetime_s * 1000 : 0;
		err = put_key(k, key_buf, keys);
		sweep(s);	/* sets the time of the next */
	}
	pthread_rwlock_unlock(&s->mu);
	free(label);
	return err;
}

gpg_error_t
soft_import(void *state, unsigned worker, const struct msg_token_import *in,
    struct buf *key_buf, struct msg_list *keys, struct problem *pb)
{
	struct soft *s = state;
	EVP_PKEY *evp = NULL;
	struct pubkey *pub = NULL;
	gpg_error_t err;

	if (CRYPTO_secure_used() + s->reserve > s->room)
		return problem_say(pb, GPG_ERR_RESOURCE_LIMIT, "the memory "
		    "for keys, which is locked, is full: remove some "
		    "(ssh-add -d), or raise the limit (ulimit -l)");
	if (!(err = soft_make(in->key, &evp, &pub, pb)))
		err = keep(s, in, &evp, &pub, key_buf, keys, pb);
	EVP_PKEY_free(evp);
	pubkey_free(&pub);
	return err;
}

gpg_error_t
soft_remove(void *state, unsigned worker, uint32_t number, struct problem *pb)
{
	struct soft *s = state;
	struct soft_key *k;

	pthread_rwlock_wrlock(&s->mu);
	if ((k = by_number(s, number))) {
		key_clear(k);
		*k = s->keys[--s->count];
		s->keys[s->count] = (struct soft_key){ 0 };
	}
	pthread_rwlock_unlock(&s->mu);
	return k ? 0 : problem_say(pb, GPG_ERR_MISSING_KEY,
	    "the key is in memory no more");
}
