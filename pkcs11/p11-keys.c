/*
 * The keys of a token that can sign: public halves, found as public keys, in
 * certificates, or told by the private keys themselves, each with the private
 * half that belongs to it where that can be seen.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "p11.h"

/* What one look at a token brings. */
struct haul {
	struct p11_found *keys, *certs;
	size_t key_count, cert_count;
	bool hidden;		/* private keys may be there, unseen */
};

static void
haul_clear(struct haul *h)
{
	free(h->keys);
	free(h->certs);
	memset(h, 0, sizeof(*h));
}

static CK_RV
add(struct p11_found **list, size_t *count, const struct p11_found *f)
{
	struct p11_found *more;

	if (*count >= P11_KEYS_MAX)
		return CKR_OK;
	more = realloc(*list, (*count + 1) * sizeof(*more));
	if (!more)
		return CKR_HOST_MEMORY;
	more[(*count)++] = *f;
	*list = more;
	return CKR_OK;
}

static bool
same_id(const struct p11_found *a, const struct p11_found *b)
{
	return view_eq(view_of(a->id, a->id_len), view_of(b->id, b->id_len));
}

static bool
same_key(const struct p11_found *a, const struct p11_found *b)
{
	return same_id(a, b) && p11_public_eq(&a->public, &b->public);
}

static CK_RV
add_key(struct haul *h, const struct p11_found *f)
{
	if (f->id_len == 0 && f->label_len == 0)
		return CKR_OK;		/* nothing to find it by again */
	for (size_t i = 0; i < h->key_count; i++)
		if (same_key(&h->keys[i], f))
			return CKR_OK;
	return add(&h->keys, &h->key_count, f);
}

/* CKA_ID and CKA_LABEL; what cannot be read is empty. */
static CK_RV
read_names(struct p11 *p, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE o,
    struct p11_found *f)
{
	CK_RV rv;

	rv = p11_attr(p, session, o, CKA_ID, f->id, sizeof(f->id),
	    &f->id_len);
	if (rv != CKR_OK && !p11_rv_is_local(rv))
		return rv;
	rv = p11_attr(p, session, o, CKA_LABEL, f->label, sizeof(f->label),
	    &f->label_len);
	return rv != CKR_OK && !p11_rv_is_local(rv) ? rv : CKR_OK;
}

CK_RV
p11_read_public(struct p11 *p, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE o,
    struct p11_public *out, bool *ok)
{
	uint8_t a[640], b[640];
	size_t alen, blen;
	CK_ULONG type;
	bool rsa;
	CK_RV rv;

	*ok = false;
	rv = p11_attr_ulong(p, session, o, CKA_KEY_TYPE, &type);
	if (rv != CKR_OK)
		return rv;
	rsa = type == CKK_RSA;
	if (!rsa && type != CKK_EC && type != CKK_EC_EDWARDS)
		return CKR_OK;
	if ((rv = p11_attr(p, session, o, rsa ? CKA_MODULUS : CKA_EC_PARAMS,
	    a, sizeof(a), &alen)) != CKR_OK ||
	    (rv = p11_attr(p, session, o, rsa ? CKA_PUBLIC_EXPONENT :
	    CKA_EC_POINT, b, sizeof(b), &blen)) != CKR_OK)
		return rv;
	*ok = rsa ? !p11_public_rsa(out, view_of(a, alen), view_of(b, blen)) :
	    !p11_public_ec(out, view_of(a, alen), view_of(b, blen));
	return CKR_OK;
}

static CK_RV
find_class(struct p11 *p, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *o, size_t *count)
{
	CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof(class) };

	return p11_find(p, session, &template, 1, o, P11_OBJECTS_MAX, count);
}

static CK_RV
collect_public(struct p11 *p, CK_SESSION_HANDLE session, struct haul *h)
{
	CK_OBJECT_HANDLE o[P11_OBJECTS_MAX];
	struct p11_found f;
	size_t count;
	bool ok;
	CK_RV rv;

	rv = find_class(p, session, CKO_PUBLIC_KEY, o, &count);
	for (size_t i = 0; rv == CKR_OK && i < count; i++) {
		memset(&f, 0, sizeof(f));
		rv = p11_read_public(p, session, o[i], &f.public, &ok);
		if (rv == CKR_OK && ok &&
		    (rv = read_names(p, session, o[i], &f)) == CKR_OK)
			rv = add_key(h, &f);
		if (rv != CKR_OK && p11_rv_is_local(rv))
			rv = CKR_OK;
	}
	return rv;
}

CK_RV
p11_read_certificate(struct p11 *p, CK_SESSION_HANDLE session,
    CK_OBJECT_HANDLE o, struct p11_found *f, bool *ok)
{
	uint8_t der[P11_CERT_MAX];
	CK_ULONG category = 0;
	size_t len;
	CK_RV rv;

	memset(f, 0, sizeof(*f));
	*ok = false;
	rv = p11_attr(p, session, o, CKA_VALUE, der, sizeof(der), &len);
	if (rv != CKR_OK)
		return rv;
	if (p11_attr_ulong(p, session, o, CKA_CERTIFICATE_CATEGORY,
	    &category) == CKR_OK && category >= 2)
		return CKR_OK;		/* an authority's, or another's */
	*ok = !p11_certificate(view_of(der, len), &f->public, &f->created);
	return read_names(p, session, o, f);
}

static CK_RV
collect_certificates(struct p11 *p, CK_SESSION_HANDLE session, struct haul *h)
{
	CK_OBJECT_HANDLE o[P11_OBJECTS_MAX];
	struct p11_found f;
	size_t count;
	bool ok;
	CK_RV rv;

	rv = find_class(p, session, CKO_CERTIFICATE, o, &count);
	for (size_t i = 0; rv == CKR_OK && i < count; i++) {
		rv = p11_read_certificate(p, session, o[i], &f, &ok);
		if (rv == CKR_OK && ok && f.id_len > 0)
			rv = add(&h->certs, &h->cert_count, &f);
		if (rv != CKR_OK && p11_rv_is_local(rv))
			rv = CKR_OK;
	}
	return rv;
}

/* The public half of a private key: its own word, else its certificate's. */
static CK_RV
adopt_private(struct p11 *p, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE o,
    struct haul *h)
{
	struct p11_found f;
	bool ok;
	CK_RV rv;

	memset(&f, 0, sizeof(f));
	if ((rv = read_names(p, session, o, &f)) != CKR_OK)
		return rv;
	rv = p11_read_public(p, session, o, &f.public, &ok);
	if (rv != CKR_OK && !p11_rv_is_local(rv))
		return rv;
	if (ok)
		return add_key(h, &f);
	for (size_t i = 0; i < h->cert_count; i++)
		if (same_id(&h->certs[i], &f))
			return add_key(h, &h->certs[i]);
	return CKR_OK;
}

static bool
has_id(const struct haul *h, const struct p11_found *f)
{
	for (size_t i = 0; i < h->key_count; i++)
		if (same_id(&h->keys[i], f))
			return true;
	return false;
}

/*
 * Private keys that no public key stands for.  Where none can be seen before
 * the login, certificates speak for them.
 */
static CK_RV
collect_private(struct p11 *p, CK_SESSION_HANDLE session, struct haul *h)
{
	CK_OBJECT_HANDLE o[P11_OBJECTS_MAX];
	size_t count;
	CK_RV rv;

	rv = find_class(p, session, CKO_PRIVATE_KEY, o, &count);
	for (size_t i = 0; rv == CKR_OK && i < count; i++) {
		rv = adopt_private(p, session, o[i], h);
		if (rv != CKR_OK && p11_rv_is_local(rv))
			rv = CKR_OK;
	}
	if (rv == CKR_OK && count == 0 && h->hidden)
		for (size_t i = 0; i < h->cert_count; i++)
			if (!has_id(h, &h->certs[i]))
				rv = add_key(h, &h->certs[i]);
	return rv;
}

/* Pairs up; what has no private half where one would be seen is left out. */
static CK_RV
pair_up(struct p11 *p, CK_SESSION_HANDLE session, struct haul *h)
{
	size_t kept = 0;
	CK_RV rv;

	for (size_t i = 0; i < h->key_count; i++) {
		struct p11_found *f = &h->keys[i];

		rv = p11_find_private(p, session, f, &f->private,
		    &f->always_auth);
		if (rv != CKR_OK)
			return rv;
		if (f->private != P11_NO_OBJECT || h->hidden)
			h->keys[kept++] = *f;
	}
	h->key_count = kept;
	return CKR_OK;
}

/* "1700000000", written beside the key by p11-make.c. */
static uint32_t
parse_created(const uint8_t *p, size_t len)
{
	uint64_t n = 0;

	if (len == 0 || len > 10)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		n = n * 10 + (p[i] - '0');
	}
	return n > UINT32_MAX ? 0 : (uint32_t)n;
}

CK_RV
p11_find_note(struct p11 *p, CK_SESSION_HANDLE session,
    const struct p11_found *f, CK_OBJECT_HANDLE *o)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	char application[] = "touchstone";
	CK_ATTRIBUTE template[3] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_APPLICATION, application, sizeof(application) - 1 },
	};
	struct buf label;
	size_t count;
	CK_RV rv;

	*o = P11_NO_OBJECT;
	buf_init(&label, 16 + 2 * P11_ID_MAX);
	buf_put_text(&label, "created:");
	if (buf_put_hex(&label, view_of(f->id, f->id_len)))
		return CKR_HOST_MEMORY;
	template[2] = (CK_ATTRIBUTE){ CKA_LABEL, label.data + label.off,
	    buf_len(&label) };
	rv = p11_find(p, session, template, 3, o, 1, &count);
	if (rv != CKR_OK || count == 0)
		*o = P11_NO_OBJECT;
	buf_free(&label);
	return rv;
}

static CK_RV
read_note(struct p11 *p, CK_SESSION_HANDLE session, struct p11_found *f)
{
	CK_OBJECT_HANDLE o;
	uint8_t value[16];
	size_t len;
	CK_RV rv;

	if ((rv = p11_find_note(p, session, f, &o)) == CKR_OK &&
	    o != P11_NO_OBJECT && p11_attr(p, session, o, CKA_VALUE,
	    value, sizeof(value), &len) == CKR_OK)
		f->created = parse_created(value, len);
	return rv;
}

/* When each key was made: its certificate's word before the note's. */
static CK_RV
date(struct p11 *p, CK_SESSION_HANDLE session, struct haul *h)
{
	CK_RV rv = CKR_OK;

	for (size_t i = 0; rv == CKR_OK && i < h->key_count; i++) {
		struct p11_found *f = &h->keys[i];

		for (size_t j = 0; j < h->cert_count && !f->created; j++)
			if (same_key(&h->certs[j], f))
				f->created = h->certs[j].created;
		if (!f->created && f->id_len > 0)
			rv = read_note(p, session, f);
	}
	return rv;
}

static CK_RV
collect(struct p11 *p, CK_SESSION_HANDLE session, struct haul *h)
{
	CK_RV rv;

	if ((rv = collect_public(p, session, h)) != CKR_OK ||
	    (rv = collect_certificates(p, session, h)) != CKR_OK ||
	    (rv = collect_private(p, session, h)) != CKR_OK ||
	    (rv = pair_up(p, session, h)) != CKR_OK)
		return rv;
	return date(p, session, h);
}

static struct p11_key *
find_key(struct p11_slot *s, const struct p11_found *f)
{
	for (unsigned i = 0; i < s->key_count; i++)
		if (same_key(&s->keys[i]->found, f))
			return s->keys[i];
	return NULL;
}

static struct p11_key *
new_key(struct p11_slot *s, const struct p11_found *f)
{
	struct p11_key *key;

	if (s->key_count >= P11_KEYS_MAX || !(key = calloc(1, sizeof(*key))))
		return NULL;
	key->number = s->number << 16 | s->key_count;
	key->found = *f;
	s->keys[s->key_count++] = key;
	return key;
}

/* What makes it this key stays as it is: signatures read it unlocked. */
static void
update_key(struct p11_key *key, const struct p11_found *f)
{
	memcpy(key->found.label, f->label, sizeof(f->label));
	key->found.label_len = f->label_len;
	key->found.created = f->created;
	key->found.private = f->private;
	if (f->private != P11_NO_OBJECT)
		key->found.always_auth = f->always_auth;
	key->here = true;
}

/* With s->mu held. */
static gpg_error_t
merge(struct p11_slot *s, const struct haul *h)
{
	struct p11_key *key;

	for (unsigned i = 0; i < s->key_count; i++)
		s->keys[i]->here = false;
	for (size_t i = 0; i < h->key_count; i++) {
		if (!(key = find_key(s, &h->keys[i])) &&
		    !(key = new_key(s, &h->keys[i])))
			return gpg_error(GPG_ERR_TOO_MANY);
		update_key(key, &h->keys[i]);
	}
	return 0;
}

/*
 * Looks and merges.  The handles found are good only as long as nobody logs
 * in or out, so the lock is held until they are noted.
 */
static CK_RV
look(struct p11 *p, struct p11_slot *s, unsigned worker, unsigned *epoch,
    gpg_error_t *err)
{
	struct haul h = { 0 };
	CK_SESSION_HANDLE session;
	CK_RV rv;

	pthread_rwlock_rdlock(&s->lock);
	*epoch = s->epoch;
	h.hidden = p11_login_wanted(s) && !s->logged_in;
	if ((rv = p11_session(p, s, worker, &session)) == CKR_OK &&
	    (rv = collect(p, session, &h)) == CKR_OK) {
		pthread_mutex_lock(&s->mu);
		*err = merge(s, &h);
		pthread_mutex_unlock(&s->mu);
	}
	pthread_rwlock_unlock(&s->lock);
	haul_clear(&h);
	return rv;
}

gpg_error_t
p11_keys_refresh(struct p11 *p, struct p11_slot *s, unsigned worker,
    struct problem *pb)
{
	gpg_error_t err = 0;
	unsigned epoch;
	CK_RV rv;

	rv = look(p, s, worker, &epoch, &err);
	if (p11_cure(rv) == CURE_REOPEN) {
		if ((err = p11_slot_reopen(p, s, epoch, pb)))
			return err;
		rv = look(p, s, worker, &epoch, &err);
	}
	if (rv != CKR_OK)
		return p11_problem(pb, s, rv, "looking for keys");
	if (err)
		return problem_say(pb, gpg_err_code(err),
		    "there are more keys on %s than this program keeps track "
		    "of: stop the agent (touchstone stop), so that it starts "
		    "anew", p11_slot_title(s).text);
	return 0;
}
