/*
 * touchstone image sign: all signatures of an image are made before the first
 * is written, and none is written if its name stands for another by then.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/image/lookaside.h"
#include "client/image/request.h"
#include "client/registry/append.h"
#include "client/image/rows.h"
#include "client/image/signtrust.h"
#include "format/dsse.h"

#define FORMS 5
#define INSTANCES 1024		/* of an index */
#define RESULT_MAX 131072	/* of progress */

struct work {
	struct call *call;
	struct signature_request request;
	bool wanted[FORMS];
	struct image image;
	struct store *to;	/* NULL: where the image is */
	struct buf results[FORMS], texts[FORMS];
	char places[FORMS][1536];	/* where it was written; "" */
	json_t *done;		/* what has been written, for --json */
};

static gpg_error_t
read_forms(struct work *w)
{
	struct call *c = w->call;
	bool sigstore = call_option(c, "sigstore");

	w->wanted[FORM_JWS] = call_option(c, "notation");
	w->wanted[FORM_COSE] = call_option(c, "cose");
	w->wanted[FORM_SIMPLE] = call_option(c, "simple");
	if (!w->wanted[FORM_JWS] && !w->wanted[FORM_COSE] &&
	    !w->wanted[FORM_SIMPLE] && !call_option(c, "trust"))
		sigstore = true;
	w->wanted[FORM_SIGSTORE] = w->wanted[FORM_BUNDLE] = sigstore;
	if (call_option(c, "lookaside") && !w->wanted[FORM_SIMPLE])
		return call_problem(c, GPG_ERR_INV_ARG, "--lookaside is for "
		    "--simple");
	return 0;
}

/* ---- making ---- */

static void
free_results(struct work *w)
{
	for (size_t i = 0; i < FORMS; i++) {
		buf_free(&w->results[i]);
		buf_free(&w->texts[i]);
	}
}

static gpg_error_t
check_image(struct work *w)
{
	const struct reference *name = &w->image.name;

	if (!name->registry[0])
		return call_problem(w->call, GPG_ERR_INV_ARG, "the image has "
		    "no name yet: give the one that it will have with --as "
		    "HOST/NAME:TAG");
	if (w->wanted[FORM_SIMPLE] && !name->tag[0])
		return call_problem(w->call, GPG_ERR_INV_ARG, "a simple "
		    "signature is of a tag: name the image HOST/NAME:TAG, or "
		    "give that with --as");
	return 0;
}

static gpg_error_t
make(struct work *w, const struct manifest *m)
{
	char reference[768];
	gpg_error_t err = 0;

	image_name(&w->image, true, reference);
	for (size_t i = 0; i < FORMS && !err; i++) {
		buf_init(&w->results[i], RESULT_MAX);
		buf_init(&w->texts[i], 2048);
		if (w->wanted[i])
			err = request_sign(&w->request, (enum form)i,
			    reference, buf_view(&m->bytes), &w->results[i],
			    &w->texts[i]);
	}
	return err;
}

/* ---- writing ---- */

static json_t *
now_note(void)
{
	time_t now = time(NULL);
	char text[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

/* Which certificates are in it, so that it is found by them. */
static json_t *
thumbprints(const struct chainfile *chain)
{
	json_t *list = json_array(), *note;
	char digest[DIGEST_SIZE], *text;

	for (size_t i = 0; i < chain->count; i++)
		if (!digest_of(chainfile_get(chain, i), digest))
			json_array_append_new(list, json_string(digest + 7));
	text = json_dumps(list, JSON_COMPACT);
	note = json_string(text ? text : "[]");
	free(text);
	json_decref(list);
	return note;
}

static struct store *
target(struct work *w)
{
	return w->to ? w->to : w->image.store;
}

static gpg_error_t
fail_there(struct work *w, gpg_error_t err)
{
	const char *words = target(w)->why.text;

	return call_problem(w->call, err, "%s", words[0] ? words :
	    gpg_strerror(err));
}

static gpg_error_t
attach(struct work *w, const struct descriptor *d, enum form form,
    char *place, size_t size)
{
	struct attachment a = { .artifact_type = DSSE_BUNDLE,
	    .layer_type = DSSE_BUNDLE, .layer = buf_view(&w->results[form]) };
	struct descriptor made;
	gpg_error_t err;

	if (form == FORM_BUNDLE) {
		a.annotations = json_pack("{s:s,s:s,s:o}",
		    "dev.sigstore.bundle.content", "dsse-envelope",
		    "dev.sigstore.bundle.predicateType", SIGSTORE_PREDICATE,
		    "org.opencontainers.image.created", now_note());
	} else {
		a.artifact_type = a.config_type = NOTARY_ARTIFACT;
		a.layer_type = form == FORM_JWS ? NOTARY_JWS_LAYER :
		    NOTARY_COSE_LAYER;
		a.annotations = json_pack("{s:o,s:o}",
		    "io.cncf.notary.x509chain.thumbprint#S256",
		    thumbprints(&w->request.chain),
		    "org.opencontainers.image.created", now_note());
	}
	err = a.annotations ? referrers_attach(target(w), d, &a, &made) :
	    gpg_error(GPG_ERR_ENOMEM);
	json_decref(a.annotations);
	if (err)
		return fail_there(w, err);
	snprintf(place, size, "%s", made.digest);
	return 0;
}

static gpg_error_t
append(struct work *w, const struct descriptor *d, char *place, size_t size)
{
	struct view text = buf_view(&w->texts[FORM_SIGSTORE]);
	json_t *notes = json_pack("{s:s%}", SIGSTORE_NOTE, text.p, text.len);
	char tag[80];
	gpg_error_t err;

	referrers_tag(d->digest, ".sig", tag);
	err = notes ? layers_append(target(w), tag, SIGSTORE_LAYER,
	    buf_view(&w->results[FORM_SIGSTORE]), notes) :
	    gpg_error(GPG_ERR_ENOMEM);
	json_decref(notes);
	if (err)
		return fail_there(w, err);
	snprintf(place, size, "%s", tag);
	return 0;
}

static gpg_error_t
put_simple(struct work *w, const struct descriptor *d, char *place,
    size_t size)
{
	struct descriptor whole = w->image.d;
	struct lookaside l;
	gpg_error_t err;

	/* An index's image has a place of its own. */
	w->image.d = *d;
	if (!(err = lookaside_find(&w->image, &l)))
		err = lookaside_put(&w->image, &l,
		    buf_view(&w->results[FORM_SIMPLE]), place, size);
	w->image.d = whole;
	return err;
}

static gpg_error_t
write_one(struct work *w, const struct descriptor *d, enum form form)
{
	char *place = w->places[form];
	size_t size = sizeof(w->places[form]);
	gpg_error_t err;

	if (form == FORM_SIGSTORE)
		err = append(w, d, place, size);
	else if (form == FORM_SIMPLE)
		err = put_simple(w, d, place, size);
	else
		err = attach(w, d, form, place, size);
	if (err)
		place[0] = 0;
	return err;
}

static void
tell(struct work *w, const struct descriptor *d, enum form form)
{
	json_array_append_new(w->done, json_pack("{s:s,s:s,s:s,s:s}",
	    "format", form_name(form), "digest", d->digest, "place",
	    w->places[form], "key", w->request.key->hex));
	if (!w->call->json)
		printf("%s: %s at %s\n", d->digest, form_name(form),
		    w->places[form]);
}

/* What was written is told if it is known to have stayed. */
static gpg_error_t
write_all(struct work *w, const struct descriptor *d)
{
	gpg_error_t err = 0, lost;

	for (size_t i = 0; i < FORMS; i++) {
		w->places[i][0] = 0;
		if (w->wanted[i] && !err)
			err = write_one(w, d, (enum form)i);
	}
	if ((lost = append_settle(target(w))))
		return fail_there(w, lost);
	for (size_t i = 0; i < FORMS; i++)
		if (w->places[i][0])
			tell(w, d, (enum form)i);
	return err;
}

static gpg_error_t
sign_manifest(struct work *w, const struct manifest *m)
{
	struct descriptor d;
	gpg_error_t err;

	manifest_descriptor(m, &d);
	if (!(err = make(w, m)) && !(err = image_check_place(&w->image)))
		err = write_all(w, &d);
	free_results(w);
	return err;
}

/* ---- images ---- */

static gpg_error_t
sign_instances(struct work *w)
{
	json_t *list = manifest_list(&w->image.manifest, "manifests"), *one;
	struct manifest m;
	struct descriptor d;
	gpg_error_t err = 0;
	size_t i;

	if (json_array_size(list) > INSTANCES)
		return call_problem(w->call, GPG_ERR_TOO_MANY, "the index has "
		    "more than %d images", INSTANCES);
	json_array_foreach(list, i, one) {
		manifest_init(&m);
		if (descriptor_read(one, &d))
			err = call_problem(w->call, GPG_ERR_BAD_DATA,
			    "the index has an entry that is none");
		else if (!(err = image_fail(&w->image, store_get_described(
		    w->image.store, &d, &m))))
			err = sign_manifest(w, &m);
		manifest_free(&m);
		if (err)
			break;
	}
	return err;
}

static gpg_error_t
sign_image(struct work *w, const char *place)
{
	gpg_error_t err;

	if (!(err = image_open(&w->image, w->call, place)) &&
	    !(err = check_image(w)) &&
	    !(call_option(w->call, "trust") && (err = signtrust(&w->image,
	    w->request.key, w->done))) &&
	    !(err = sign_manifest(w, &w->image.manifest)) &&
	    call_option(w->call, "recursive") &&
	    manifest_is_index(&w->image.manifest))
		err = sign_instances(w);
	image_close(&w->image);
	return err;
}

static gpg_error_t
open_target(struct work *w)
{
	const char *place = call_option(w->call, "to");
	struct http_options options;
	struct problem why = { "" };
	gpg_error_t err;

	if (!place)
		return 0;
	image_options(w->call, &options);
	if ((err = store_open(&w->to, place, &options, &why)))
		call_problem(w->call, err, "%s", why.text);
	return err;
}

int
image_sign(struct call *c)
{
	struct work w = { .call = c, .done = json_array() };
	gpg_error_t err;
	int status;

	if (!(err = read_forms(&w)) && !(err = open_target(&w)) &&
	    !(err = request_begin(&w.request, c, w.wanted[FORM_JWS] ||
	    w.wanted[FORM_COSE])))
		for (int i = 0; i < c->arg_count && !err; i++)
			err = sign_image(&w, call_arg(c, i));
	/* What was written stays, and is told, also if not all was. */
	if (err)
		status = call_fail(c, err);
	else if (c->json)
		status = call_print(c, json_pack("{s:O}", "signatures",
		    w.done));
	else
		status = call_done(c);
	json_decref(w.done);
	request_free(&w.request);
	store_close(&w.to);
	return status;
}
