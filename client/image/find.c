/* Gathers signatures: the layers of ".sig", referrers, and a lookaside. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/image/find.h"
#include "client/image/lookaside.h"
#include "format/dsse.h"
#include "format/notaryenv.h"
#include "format/opmessage.h"
#include "wire/text.h"

#define PAYLOAD_MAX (1024 * 1024)	/* of ".sig", bytes */

struct search {
	struct image *image;
	find_each *each;
	void *arg;
	unsigned looked_at;
	bool more;
};

static bool
is_full(struct search *s)
{
	if (s->looked_at >= FIND_MAX)
		s->more = true;
	else
		s->looked_at++;
	return s->more;
}

static void
set_place(struct found *f, const char *what, const char *digest)
{
	char raw[512];

	snprintf(raw, sizeof(raw), "%s %s", what, digest);
	text_clean(f->place, sizeof(f->place), view_str(raw));
}

/* The blob of a layer; what cannot be had is told of by no bytes. */
static gpg_error_t
tell_layer(struct search *s, struct found *f, json_t *layer, size_t max)
{
	struct store *store = s->image->store;
	struct descriptor d;
	struct buf b;
	gpg_error_t err;

	buf_init(&b, max);
	f->bytes = view_of(NULL, 0);
	if (!descriptor_read(layer, &d) && !store_get_blob(store, &d, &b))
		f->bytes = buf_view(&b);
	err = s->each(s->arg, f);
	buf_free(&b);
	return err;
}

/* cosign's annotations. */
static void
take_notes(struct found *f, const json_t *notes)
{
	f->note = json_string_value(json_object_get(notes, SIGSTORE_NOTE));
	f->certificate = json_string_value(json_object_get(notes,
	    "dev.sigstore.cosign/certificate"));
	f->chain = json_string_value(json_object_get(notes,
	    "dev.sigstore.cosign/chain"));
}

static gpg_error_t
find_layers(struct search *s)
{
	struct found f = { .form = FORM_SIGSTORE };
	const char *digest, *type;
	struct manifest m;
	char tag[80];
	json_t *one;
	gpg_error_t err;
	size_t i;

	manifest_init(&m);
	referrers_tag(s->image->d.digest, ".sig", tag);
	err = store_get(s->image->store, tag, &m);
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND) {
		err = 0;
		goto out;
	}
	if (image_fail(s->image, err))
		goto out;
	json_array_foreach(manifest_list(&m, "layers"), i, one) {
		type = json_string_value(json_object_get(one, "mediaType"));
		if (!type || strcmp(type, SIGSTORE_LAYER))
			continue;
		if (is_full(s))
			break;
		digest = json_string_value(json_object_get(one, "digest"));
		set_place(&f, tag, digest ? digest : "");
		take_notes(&f, json_object_get(one, "annotations"));
		if ((err = tell_layer(s, &f, one, PAYLOAD_MAX)))
			break;
	}
out:
	manifest_free(&m);
	return err;
}

/* What kind of signature a referrer is; false: none. */
static bool
form_of(const struct descriptor *d, json_t *layer, enum form *form)
{
	const char *type = json_string_value(json_object_get(layer,
	    "mediaType"));

	if (!type)
		return false;
	if (!strcmp(d->artifact_type, NOTARY_ARTIFACT)) {
		*form = !strcmp(type, NOTARY_COSE_LAYER) ? FORM_COSE :
		    FORM_JWS;
		return *form == FORM_COSE || !strcmp(type, NOTARY_JWS_LAYER);
	}
	*form = FORM_BUNDLE;
	return !strcmp(d->artifact_type, DSSE_BUNDLE);
}

static bool
may_sign(const struct descriptor *d)
{
	return !d->artifact_type[0] ||
	    !strcmp(d->artifact_type, MEDIA_EMPTY) ||
	    !strcmp(d->artifact_type, DSSE_BUNDLE) ||
	    !strcmp(d->artifact_type, NOTARY_ARTIFACT);
}

static bool
is_of(const struct image *i, const struct manifest *m)
{
	const char *digest = json_string_value(json_object_get(
	    json_object_get(m->json, "subject"), "digest"));

	return digest && !strcmp(digest, i->d.digest);
}

static gpg_error_t
find_referrer(struct search *s, const struct descriptor *listed)
{
	struct found f = { .form = FORM_BUNDLE };
	struct manifest m;
	struct descriptor d;
	json_t *layer;
	gpg_error_t err = 0;

	manifest_init(&m);
	set_place(&f, "referrer", listed->digest);
	if (store_get_described(s->image->store, listed, &m)) {
		err = s->each(s->arg, &f);
		goto out;
	}
	manifest_descriptor(&m, &d);
	layer = json_array_get(manifest_list(&m, "layers"), 0);
	if (form_of(&d, layer, &f.form) && is_of(s->image, &m))
		err = tell_layer(s, &f, layer, f.form == FORM_BUNDLE ?
		    DSSE_MAX : NOTARYENV_MAX);
out:
	manifest_free(&m);
	return err;
}

static gpg_error_t
find_referrers(struct search *s)
{
	struct descriptors d;
	gpg_error_t err;

	if ((err = referrers_list(s->image->store, s->image->d.digest, NULL,
	    &d)))
		return image_fail(s->image, err);
	for (size_t i = 0; i < d.count && !err && !s->more; i++)
		if (may_sign(&d.list[i]) && !is_full(s))
			err = find_referrer(s, &d.list[i]);
	descriptors_free(&d);
	return err;
}

static gpg_error_t
find_simple(struct search *s)
{
	struct found f = { .form = FORM_SIMPLE };
	struct lookaside l;
	char place[1536];
	struct buf b;
	gpg_error_t err;

	if ((err = lookaside_find(s->image, &l)))
		return err;
	buf_init(&b, OPMESSAGE_MAX);
	for (unsigned n = 1; !err; n++) {
		err = lookaside_get(s->image, &l, n, &b, place,
		    sizeof(place));
		if (err || is_full(s))
			break;
		text_clean(f.place, sizeof(f.place), view_str(place));
		f.bytes = buf_view(&b);
		err = s->each(s->arg, &f);
	}
	buf_free(&b);
	return gpg_err_code(err) == GPG_ERR_NOT_FOUND ? 0 : err;
}

gpg_error_t
find_all(struct image *i, const bool wanted[FORMS], find_each *each,
    void *arg, bool *more)
{
	struct search s = { i, each, arg, 0, false };
	gpg_error_t err = 0;

	if (!wanted || wanted[FORM_SIGSTORE])
		err = find_layers(&s);
	if (!err && !s.more && (!wanted || wanted[FORM_BUNDLE] ||
	    wanted[FORM_JWS] || wanted[FORM_COSE]))
		err = find_referrers(&s);
	if (!err && !s.more && (!wanted || wanted[FORM_SIMPLE]))
		err = find_simple(&s);
	*more = s.more;
	return err;
}
