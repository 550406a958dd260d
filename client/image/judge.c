/* Judges signatures: first who made them, then what they are of. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/image/judge.h"
#include "client/image/refused.h"
#include "format/certs.h"
#include "format/codesign.h"
#include "format/dsse.h"
#include "format/notaryenv.h"
#include "format/opmessage.h"
#include "object/json.h"
#include "object/object.h"
#include "wire/base64.h"
#include "wire/text.h"

#define SUBJECT_MAX 1024

const char *
form_name(enum form f)
{
	static const char *const names[] = { "cosign", "bundle",
		"notation-jws", "notation-cose", "simple" };

	return names[f];
}

static gpg_error_t
fail(struct verdict *v, gpg_err_code_t code, const char *why)
{
	text_clean(v->why, sizeof(v->why), view_str(why));
	return gpg_error(code);
}

static void
name_key(struct verdict *v, const char *label, const struct pubkey *key)
{
	struct view id = pubkey_id(key);

	snprintf(v->signer, sizeof(v->signer), "%s", label);
	for (size_t i = 0; i < id.len; i++)
		snprintf(v->key + 2 * i, 3, "%02x", id.p[i]);
}

/* Whoever the root has certified, and no one that was named here. */
static void
name_certified(struct verdict *v, X509 *leaf, const struct pubkey *key)
{
	char label[sizeof(v->signer)], clean[sizeof(v->signer)];
	struct buf subject;

	buf_init(&subject, SUBJECT_MAX);
	certs_put_subject(leaf, &subject);
	snprintf(label, sizeof(label), "a certificate of the root, %.*s",
	    (int)buf_len(&subject), (const char *)buf_view(&subject).p);
	name_key(v, text_clean(clean, sizeof(clean), view_str(label)), key);
	buf_free(&subject);
}

static bool
in_force(const struct signer *s)
{
	int64_t now = time(NULL);

	return (!s->after || s->after <= now) &&
	    (!s->before || now <= s->before);
}

static gpg_error_t
nobody(struct verdict *v)
{
	return fail(v, GPG_ERR_BAD_SIGNATURE,
	    "none of the given keys made it");
}

/* ---- signatures over bytes ---- */

/* cosign signs with SHA-256, or since version 3 by the curve. */
static bool
made_by(const struct pubkey *key, enum rawsig_form form,
    const struct view *parts, size_t count, struct view sig)
{
	enum hash_algorithm own = rawsig_hash(key, form);

	if (form == RAWSIG_NOTARY)
		return own != HASH_NONE && !rawsig_check(key, form, own,
		    parts, count, sig);
	return !rawsig_check(key, form, HASH_SHA256, parts, count, sig) ||
	    (own != HASH_SHA256 &&
	    !rawsig_check(key, form, own, parts, count, sig));
}

/* Nobody's, and why it is not that of a key which did make it. */
static gpg_error_t
nobody_of(const struct signers *all, enum rawsig_form form,
    const struct view *parts, size_t count, struct view sig,
    struct verdict *v)
{
	const char *why;

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].key && (why = refused_why(all->list[i].key,
		    form, parts, count, sig)))
			return fail(v, GPG_ERR_UNSUPPORTED_ALGORITHM, why);
	return nobody(v);
}

static gpg_error_t
find_signer(const struct signers *all, enum rawsig_form form,
    const struct view *parts, size_t count, struct view sig,
    struct verdict *v)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct signer *s = &all->list[i];

		if (!s->key || !made_by(s->key, form, parts, count, sig))
			continue;
		name_key(v, s->label, s->key);
		if (!in_force(s))
			return fail(v, GPG_ERR_CERT_EXPIRED, "the given "
			    "certificate of its key is not valid now");
		return 0;
	}
	return nobody_of(all, form, parts, count, sig, v);
}

/* By the key of a certificate that leads to a root. */
static gpg_error_t
find_root(const struct signers *all, const struct attest_certs *chain,
    const struct view *parts, size_t count, struct view sig,
    struct verdict *v)
{
	struct pubkey *key = NULL;
	char why[ATTEST_WHY] = "";
	const char *other;
	gpg_error_t err;

	if ((err = codesign_verify(chain, all->roots, (uint64_t)time(NULL),
	    why)) || (err = certs_get_key(chain->certs[0], &key)))
		return fail(v, gpg_err_code(err), why[0] ? why :
		    gpg_strerror(err));
	if (made_by(key, RAWSIG_SIGSTORE, parts, count, sig)) {
		name_certified(v, chain->certs[0], key);
	} else {
		other = refused_why(key, RAWSIG_SIGSTORE, parts, count, sig);
		err = fail(v, GPG_ERR_BAD_SIGNATURE, other ? other : "the "
		    "key of its certificate did not make it");
	}
	pubkey_free(&key);
	return err;
}

/* By a key or, if it has a certificate, by a root. */
static gpg_error_t
find_maker(const struct signers *all, const struct attest_certs *chain,
    const struct view *parts, size_t count, struct view sig,
    struct verdict *v)
{
	gpg_error_t err = find_signer(all, RAWSIG_SIGSTORE, parts, count, sig,
	    v);

	if (!err || !all->roots || !chain)
		return err;
	return find_root(all, chain, parts, count, sig, v);
}

/* ---- what it is of ---- */

/* The name as each format's own tools want it. */
static gpg_error_t
check_name(const struct image *i, struct verdict *v)
{
	char whole[768], bare[768];
	size_t len;

	image_name(i, true, whole);
	image_name(i, false, bare);
	len = strlen(bare);
	if (!len)
		return fail(v, GPG_ERR_NO_NAME, "it is of a name, and the "
		    "image has none here: give --as");
	if (!strcmp(v->reference, whole) || (!i->name.tag[0] &&
	    !strncmp(v->reference, bare, len) &&
	    strchr(":@", v->reference[len])))
		return 0;
	return fail(v, GPG_ERR_WRONG_NAME, "it is of another name");
}

static gpg_error_t
read_payload(const struct image *i, struct view payload,
    enum object_kind kind, struct object *o, struct verdict *v)
{
	const char *why = NULL;
	gpg_error_t err = object_read(payload, o, &why);

	if (err)
		return fail(v, gpg_err_code(err), why ? why :
		    gpg_strerror(err));
	if (o->kind != kind || o->image.wrapping != WRAP_NONE)
		return fail(v, GPG_ERR_BAD_DATA, "what it signs is nothing "
		    "that says which image it is");
	snprintf(v->reference, sizeof(v->reference), "%s",
	    o->image.reference);
	snprintf(v->digest, sizeof(v->digest), "%s", o->image.digest);
	if (strcmp(o->image.digest, i->d.digest))
		return fail(v, GPG_ERR_CHECKSUM, "it is of another image");
	return 0;
}

/* Annotations and times, of a payload that has been read already. */
static void
read_optional(struct view payload, struct verdict *v)
{
	const char *why;
	json_t *j, *o;

	if (json_read(payload, &j, &why))
		return;
	o = json_object_get(j, "optional");
	if (json_is_object(o) && v->form == FORM_SIMPLE)
		v->when = json_integer_value(json_object_get(o, "timestamp"));
	else if (json_is_texts(o) && json_object_size(o) > 0)
		v->notes = json_incref(o);
	json_decref(j);
}

/* What cannot be read is as if it were not there. */
static void
read_chain(struct attest_certs **chain, const struct found *f)
{
	if (f->certificate && !attest_certs_read(chain,
	    view_str(f->certificate)) && f->chain)
		attest_certs_read(chain, view_str(f->chain));
}

static gpg_error_t
judge_sigstore(const struct image *i, const struct signers *all,
    const struct found *f, struct verdict *v)
{
	struct attest_certs *chain = NULL;
	struct object o;
	struct buf sig;
	gpg_error_t err;

	buf_init(&sig, RAWSIG_MAX);
	if (all->roots)
		read_chain(&chain, f);
	if (!f->note || base64_get(view_str(f->note), &sig))
		err = fail(v, GPG_ERR_BAD_DATA, "it has no signature, or one "
		    "that is no base64");
	else if (!(err = find_maker(all, chain, &f->bytes, 1, buf_view(&sig),
	    v)) && !(err = read_payload(i, f->bytes, OBJECT_SIMPLE, &o, v)) &&
	    !o.image.cosign)
		err = fail(v, GPG_ERR_BAD_DATA, "what it signs is no payload "
		    "of cosign's");
	attest_certs_free(&chain);
	buf_free(&sig);
	if (!err)
		read_optional(f->bytes, v);
	return err;
}

static gpg_error_t
judge_bundle(const struct image *i, const struct signers *all,
    const struct found *f, struct verdict *v)
{
	struct attest_certs *chain = NULL;
	struct view parts[2];
	struct dsse d;
	struct object o;
	struct buf head;
	const char *why = NULL;
	gpg_error_t err;

	if ((err = dsse_read(&d, f->bytes, &why)))
		return fail(v, gpg_err_code(err), why ? why :
		    gpg_strerror(err));
	buf_init(&head, 128);
	parts[1] = buf_view(&d.statement);
	if (!(err = dsse_put_head(&head, parts[1].len))) {
		parts[0] = buf_view(&head);
		if (buf_len(&d.certificate) > 0)
			attest_certs_add(&chain, buf_view(&d.certificate));
		err = find_maker(all, chain, parts, 2, buf_view(&d.signature),
		    v);
	}
	if (!err && !(err = read_payload(i, parts[1], OBJECT_STATEMENT, &o,
	    v)) && strcmp(o.image.predicate, SIGSTORE_PREDICATE))
		err = fail(v, GPG_ERR_BAD_DATA, "it says something about the "
		    "image, but does not sign it");
	attest_certs_free(&chain);
	buf_free(&head);
	dsse_free(&d);
	return err;
}

/* Why its own certificate's key did not make it as it should. */
static void
tell_of_leaf(const struct notaryenv_read *r, char why[ATTEST_WHY])
{
	struct view input = buf_view(&r->input);
	struct pubkey *key = NULL;
	const char *better = NULL;

	if (!certs_get_key(r->chain->certs[0], &key))
		better = refused_why(key, RAWSIG_NOTARY, &input, 1,
		    buf_view(&r->signature));
	if (better)
		snprintf(why, ATTEST_WHY, "%s", better);
	pubkey_free(&key);
}

/* By a root, or by a key alone, whose certificate then says nothing. */
static gpg_error_t
notary_signer(const struct signers *all, const struct notaryenv_read *r,
    struct verdict *v)
{
	struct view input = buf_view(&r->input);
	uint64_t now = (uint64_t)time(NULL);
	struct pubkey *key = NULL;
	char why[ATTEST_WHY] = "";
	gpg_error_t err, direct;

	direct = find_signer(all, RAWSIG_NOTARY, &input, 1,
	    buf_view(&r->signature), v);
	if (!direct && r->header.expires && r->header.expires < (int64_t)now)
		return fail(v, GPG_ERR_SIG_EXPIRED, "it has expired");
	if (!direct || !all->roots)
		return direct;
	if ((err = notaryenv_verify(r, all->roots, now, &key, why))) {
		if (gpg_err_code(err) == GPG_ERR_BAD_SIGNATURE)
			tell_of_leaf(r, why);
		return fail(v, gpg_err_code(err), why[0] ? why :
		    gpg_strerror(err));
	}
	name_certified(v, r->chain->certs[0], key);
	pubkey_free(&key);
	v->why[0] = 0;
	return 0;
}

static gpg_error_t
judge_notary(const struct image *i, const struct signers *all,
    const struct found *f, struct verdict *v)
{
	struct notaryenv_read r;
	struct object o;
	const char *why = NULL;
	gpg_error_t err;

	if ((err = notaryenv_read(&r, f->form == FORM_JWS ? NOTARYENV_JWS :
	    NOTARYENV_COSE, f->bytes, &why)))
		return fail(v, gpg_err_code(err), why ? why :
		    gpg_strerror(err));
	v->when = r.header.signed_at;
	if (!(err = notary_signer(all, &r, v)) && !(err = read_payload(i,
	    buf_view(&r.payload), OBJECT_NOTATION, &o, v)) &&
	    (strcmp(o.image.media_type, i->d.media_type) ||
	    o.image.size != i->d.size))
		err = fail(v, GPG_ERR_CONFLICT, "it is of an image of "
		    "another type or size");
	notaryenv_read_free(&r);
	return err;
}

/* By a key of ours; GPG_ERR_BAD_SIGNATURE: of none. */
static gpg_error_t
simple_by_key(const struct signers *all, struct view message,
    struct buf *document, struct verdict *v)
{
	struct opmessage m;
	const char *why = NULL;
	gpg_error_t err;

	if ((err = opmessage_read(&m, message, &why)))
		return fail(v, gpg_err_code(err), why ? why :
		    gpg_strerror(err));
	err = nobody(v);
	for (size_t i = 0; i < all->count && gpg_err_code(err) ==
	    GPG_ERR_BAD_SIGNATURE; i++) {
		if (!all->list[i].key)
			continue;
		err = opmessage_check(&m, all->list[i].key,
		    (uint64_t)time(NULL), &why);
		if (gpg_err_code(err) == GPG_ERR_BAD_SIGNATURE)
			continue;
		name_key(v, all->list[i].label, all->list[i].key);
		if (err)
			fail(v, gpg_err_code(err), why);
		else if (!in_force(&all->list[i]))
			err = fail(v, GPG_ERR_CERT_EXPIRED, "the given "
			    "certificate of its key is not valid now");
		else
			err = buf_put_view(document, buf_view(&m.document));
	}
	opmessage_free(&m);
	return err;
}

static gpg_error_t
judge_simple(const struct image *i, const struct signers *all,
    const struct found *f, struct verdict *v)
{
	struct object o;
	struct buf document;
	gpg_error_t err;

	buf_init(&document, OPMESSAGE_MAX);
	err = simple_by_key(all, f->bytes, &document, v);
	for (size_t k = 0; k < all->count && gpg_err_code(err) ==
	    GPG_ERR_BAD_SIGNATURE; k++)
		if (!all->list[k].key)
			err = judge_openpgp(&all->list[k], f->bytes,
			    &document, v);
	if (gpg_err_code(err) == GPG_ERR_BAD_SIGNATURE)
		err = nobody(v);
	if (!err && !(err = read_payload(i, buf_view(&document),
	    OBJECT_SIMPLE, &o, v)) && o.image.cosign)
		err = fail(v, GPG_ERR_BAD_DATA, "what it signs is a payload "
		    "of cosign's");
	if (!err)
		err = check_name(i, v);
	if (!err)
		read_optional(buf_view(&document), v);
	buf_free(&document);
	return err;
}

void
judge(const struct image *i, const struct signers *all,
    const struct found *f, struct verdict *v)
{
	*v = (struct verdict){ .form = f->form };
	snprintf(v->place, sizeof(v->place), "%s", f->place);
	switch (f->form) {
	case FORM_SIGSTORE:
		v->err = judge_sigstore(i, all, f, v);
		break;
	case FORM_BUNDLE:
		v->err = judge_bundle(i, all, f, v);
		break;
	case FORM_JWS:
	case FORM_COSE:
		v->err = judge_notary(i, all, f, v);
		break;
	case FORM_SIMPLE:
		v->err = judge_simple(i, all, f, v);
		break;
	}
	if (v->err && !v->why[0])
		fail(v, gpg_err_code(v->err), gpg_strerror(v->err));
	if (!v->err)
		v->why[0] = 0;
}
