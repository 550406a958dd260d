/*
 * Deletes a key: the private half, the note and the certificates beside it,
 * and the public half.
 *
 * The private half goes first, so that a token which refuses that loses
 * nothing; the public one last.  Where something fails between them, the
 * public half stands for the key until the next login, as it does for every
 * private half that cannot be seen, and the key can be named to finish this.
 */
#include "config.h"

#include <string.h>

#include "p11.h"

#define SAME_MAX 8	/* objects of one kind with the id of a key */

struct remover {
	struct p11 *p;
	struct p11_slot *slot;
	struct p11_found key;
	CK_SESSION_HANDLE session;	/* read and write, of its own */
	CK_OBJECT_HANDLE doomed[2 * SAME_MAX + 2];	/* in this order */
	size_t count;
	struct problem *pb;
	unsigned epoch;
	bool begun;
};

/* Objects with the key's id, or, where it has none, its label. */
static CK_RV
find(struct remover *m, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE o[SAME_MAX],
    size_t *count)
{
	CK_ATTRIBUTE template[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, m->key.id, m->key.id_len },
	};

	if (m->key.id_len == 0)
		template[1] = (CK_ATTRIBUTE){ CKA_LABEL, m->key.label,
		    m->key.label_len };
	return p11_find(m->p, m->session, template, 2, o, SAME_MAX, count);
}

/* A private half need not tell whose it is: there must be but one. */
static CK_RV
choose_private(struct remover *m, bool *clear)
{
	CK_OBJECT_HANDLE o[SAME_MAX], private;
	bool always;
	size_t count;
	CK_RV rv;

	if ((rv = find(m, CKO_PRIVATE_KEY, o, &count)) != CKR_OK ||
	    (rv = p11_find_private(m->p, m->session, &m->key, &private,
	    &always)) != CKR_OK)
		return rv;
	*clear = count == 0 || (count == 1 && private == o[0]);
	if (count == 1)
		m->doomed[m->count++] = o[0];
	return CKR_OK;
}

static CK_RV
choose_note(struct remover *m)
{
	CK_OBJECT_HANDLE o = P11_NO_OBJECT;
	CK_RV rv = CKR_OK;

	if (m->key.id_len > 0)
		rv = p11_find_note(m->p, m->session, &m->key, &o);
	if (rv == CKR_OK && o != P11_NO_OBJECT)
		m->doomed[m->count++] = o;
	return rv;
}

/* One of another key stays. */
static CK_RV
choose_certificates(struct remover *m)
{
	CK_OBJECT_HANDLE o[SAME_MAX];
	struct p11_found f;
	size_t count;
	bool ok;
	CK_RV rv;

	rv = find(m, CKO_CERTIFICATE, o, &count);
	for (size_t i = 0; rv == CKR_OK && i < count; i++) {
		rv = p11_read_certificate(m->p, m->session, o[i], &f, &ok);
		if (rv == CKR_OK && ok &&
		    p11_public_eq(&f.public, &m->key.public))
			m->doomed[m->count++] = o[i];
		if (rv != CKR_OK && p11_rv_is_local(rv))
			rv = CKR_OK;
	}
	return rv;
}

/* Another public half with this id says that the private one may be its. */
static CK_RV
choose_public(struct remover *m, bool *clear)
{
	CK_OBJECT_HANDLE o[SAME_MAX];
	struct p11_public public;
	size_t count;
	bool ok;
	CK_RV rv;

	rv = find(m, CKO_PUBLIC_KEY, o, &count);
	for (size_t i = 0; rv == CKR_OK && i < count; i++) {
		rv = p11_read_public(m->p, m->session, o[i], &public, &ok);
		if (rv != CKR_OK && !p11_rv_is_local(rv))
			return rv;
		if (rv == CKR_OK && ok &&
		    p11_public_eq(&public, &m->key.public))
			m->doomed[m->count++] = o[i];
		else
			*clear = false;
		rv = CKR_OK;
	}
	return rv;
}

static CK_RV
destroy(struct remover *m)
{
	CK_RV rv = CKR_OK;

	for (size_t i = 0; rv == CKR_OK && i < m->count; i++) {
		rv = m->p->f->C_DestroyObject(m->session, m->doomed[i]);
		m->begun = m->begun || rv == CKR_OK;
	}
	return rv;
}

/* With the slot's lock held, shared. */
static CK_RV
remove_key(struct remover *m, bool *clear)
{
	CK_RV rv;

	m->epoch = m->slot->epoch;
	m->count = 0;
	*clear = true;
	if (p11_login_wanted(m->slot) && !m->slot->logged_in)
		return CKR_USER_NOT_LOGGED_IN;
	rv = m->p->f->C_OpenSession(m->slot->id,
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &m->session);
	if (rv != CKR_OK)
		return rv;
	if ((rv = choose_private(m, clear)) == CKR_OK &&
	    (rv = choose_note(m)) == CKR_OK &&
	    (rv = choose_certificates(m)) == CKR_OK &&
	    (rv = choose_public(m, clear)) == CKR_OK && *clear)
		rv = destroy(m);
	m->p->f->C_CloseSession(m->session);
	return rv;
}

static gpg_error_t
remove_cured(struct remover *m)
{
	gpg_error_t err;
	unsigned done = 0;
	enum p11_cure what;
	bool clear;
	CK_RV rv;

	for (;;) {
		pthread_rwlock_rdlock(&m->slot->lock);
		rv = remove_key(m, &clear);
		pthread_rwlock_unlock(&m->slot->lock);
		if (rv == CKR_OK && !clear)
			return problem_say(m->pb, GPG_ERR_AMBIGUOUS, "%s has "
			    "several keys with this id, and which private key "
			    "is whose cannot be told: give them ids of their "
			    "own, for example by \"pkcs11-tool --set-id\"",
			    p11_slot_title(m->slot).text);
		if (rv == CKR_OK)
			return 0;
		what = p11_cure(rv);
		if ((what != CURE_LOGIN && what != CURE_REOPEN) ||
		    done & 1u << what)
			return p11_problem(m->pb, m->slot, rv,
			    "deleting a key");
		done |= 1u << what;
		if ((err = what == CURE_LOGIN ?
		    p11_login_again(m->p, m->slot, m->epoch, m->pb) :
		    p11_slot_reopen(m->p, m->slot, m->epoch, m->pb)))
			return err;
	}
}

static bool
take_key(struct remover *m, uint32_t number)
{
	struct p11_slot *s = m->slot = p11_slot_get(m->p, number >> 16);
	bool here = false;

	if (!s)
		return false;
	pthread_mutex_lock(&s->mu);
	if ((number & 0xffff) < s->key_count) {
		m->key = s->keys[number & 0xffff]->found;
		here = s->keys[number & 0xffff]->here;
	}
	pthread_mutex_unlock(&s->mu);
	return here;
}

gpg_error_t
p11_remove(void *state, unsigned worker, uint32_t key, struct problem *pb)
{
	struct remover m = { .p = state, .pb = pb };
	gpg_error_t err;

	if (!take_key(&m, key))
		return problem_say(pb, GPG_ERR_MISSING_KEY,
		    "there is no such key any more");
	p11_login_settle(m.p, m.slot);
	if ((err = remove_cured(&m))) {
		if (m.begun)
			p11_login_leave(m.p, m.slot);
		return err;
	}
	err = p11_keys_refresh(m.p, m.slot, worker, pb);
	p11_login_used(m.p, m.slot);
	return err;
}
