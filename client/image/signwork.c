/* Makes signatures of images, and writes them. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/image/lookaside.h"
#include "client/image/signed.h"
#include "client/image/signwork.h"
#include "client/registry/append.h"
#include "format/dsse.h"

#define INSTANCES 1024		/* of an index */
#define RESULT_MAX 131072	/* of progress */

static gpg_error_t
read_forms(struct signwork *s)
{
	struct call *c = s->call;
	bool sigstore = call_option(c, "sigstore");

	s->wanted[FORM_JWS] = call_option(c, "notation");
	s->wanted[FORM_COSE] = call_option(c, "cose");
	s->wanted[FORM_SIMPLE] = call_option(c, "simple");
	if (!s->wanted[FORM_JWS] && !s->wanted[FORM_COSE] &&
	    !s->wanted[FORM_SIMPLE] && !call_option(c, "trust"))
		sigstore = true;
	s->wanted[FORM_SIGSTORE] = s->wanted[FORM_BUNDLE] = sigstore;
	if (call_option(c, "lookaside") && !s->wanted[FORM_SIMPLE])
		return call_problem(c, GPG_ERR_INV_ARG, "--lookaside is for "
		    "--simple");
	return 0;
}

gpg_error_t
signwork_check(const struct signwork *s, const struct image *i)
{
	if (!i->name.registry[0])
		return call_problem(s->call, GPG_ERR_INV_ARG, "the image has "
		    "no name yet: give the one that it will have with --as "
		    "HOST/NAME:TAG");
	if (s->wanted[FORM_SIMPLE] && !i->name.tag[0])
		return call_problem(s->call, GPG_ERR_INV_ARG, "a simple "
		    "signature is of a tag: name the image HOST/NAME:TAG, or "
		    "give that with --as");
	return 0;
}

/* ---- which are needed ---- */

/* One of a digest alone, for another tag of it perhaps. */
static bool
is_done(const struct signwork *s, const struct descriptor *d, enum form form)
{
	const char *format, *digest;
	json_t *one;
	size_t i;

	json_array_foreach(s->done, i, one) {
		format = json_string_value(json_object_get(one, "format"));
		digest = json_string_value(json_object_get(one, "digest"));
		if (format && digest && !strcmp(format, form_name(form)) &&
		    !strcmp(digest, d->digest))
			return form != FORM_SIMPLE;
	}
	return false;
}

static gpg_error_t
choose(struct signwork *s, const struct descriptor *d, bool *any)
{
	gpg_error_t err = 0;

	*any = false;
	for (size_t i = 0; i < FORMS; i++) {
		s->needed[i] = s->wanted[i] && !(s->missing &&
		    is_done(s, d, (enum form)i));
		*any |= s->needed[i];
	}
	if (!s->missing || !*any)
		return 0;
	*any = false;
	err = signed_leave_out(s->image, d, s->request.key, s->needed);
	for (size_t i = 0; i < FORMS; i++)
		*any |= s->needed[i];
	return err;
}

/* ---- making ---- */

/* Not what is wrong with one image, nor what a rule says of it. */
static bool
ends_all(gpg_error_t err)
{
	static const gpg_err_code_t others[] = { GPG_ERR_FORBIDDEN,
		GPG_ERR_BAD_DATA, GPG_ERR_INV_VALUE, GPG_ERR_TOO_LARGE };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (gpg_err_code(err) == others[i])
			return false;
	return err != 0;
}

static void
free_results(struct signwork *s)
{
	for (size_t i = 0; i < FORMS; i++) {
		buf_free(&s->results[i]);
		buf_free(&s->texts[i]);
	}
}

static gpg_error_t
make(struct signwork *s, const struct manifest *m)
{
	char reference[768];
	gpg_error_t err = 0;

	image_name(s->image, true, reference);
	for (size_t i = 0; i < FORMS && !err; i++) {
		buf_init(&s->results[i], RESULT_MAX);
		buf_init(&s->texts[i], 2048);
		if (s->needed[i])
			err = request_sign(&s->request, (enum form)i,
			    reference, buf_view(&m->bytes), &s->results[i],
			    &s->texts[i]);
	}
	s->stop = ends_all(err);
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
target(struct signwork *s)
{
	return s->to ? s->to : s->image->store;
}

static gpg_error_t
fail_there(struct signwork *s, gpg_error_t err)
{
	const char *words = target(s)->why.text;

	return call_problem(s->call, err, "%s", words[0] ? words :
	    gpg_strerror(err));
}

static gpg_error_t
attach(struct signwork *s, const struct descriptor *d, enum form form,
    char *place, size_t size)
{
	struct attachment a = { .artifact_type = DSSE_BUNDLE,
	    .layer_type = DSSE_BUNDLE, .layer = buf_view(&s->results[form]) };
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
		    thumbprints(&s->request.chain),
		    "org.opencontainers.image.created", now_note());
	}
	err = a.annotations ? referrers_attach(target(s), d, &a, &made) :
	    gpg_error(GPG_ERR_ENOMEM);
	json_decref(a.annotations);
	if (err)
		return fail_there(s, err);
	snprintf(place, size, "%s", made.digest);
	return 0;
}

static gpg_error_t
append(struct signwork *s, const struct descriptor *d, char *place, size_t size)
{
	struct view text = buf_view(&s->texts[FORM_SIGSTORE]);
	json_t *notes = json_pack("{s:s%}", SIGSTORE_NOTE, text.p, text.len);
	char tag[80];
	gpg_error_t err;

	referrers_tag(d->digest, ".sig", tag);
	err = notes ? layers_append(target(s), tag, SIGSTORE_LAYER,
	    buf_view(&s->results[FORM_SIGSTORE]), notes) :
	    gpg_error(GPG_ERR_ENOMEM);
	json_decref(notes);
	if (err)
		return fail_there(s, err);
	snprintf(place, size, "%s", tag);
	return 0;
}

static gpg_error_t
put_simple(struct signwork *s, const struct descriptor *d, char *place,
    size_t size)
{
	struct descriptor whole = s->image->d;
	struct lookaside l;
	gpg_error_t err;

	/* An index's image has a place of its own. */
	s->image->d = *d;
	if (!(err = lookaside_find(s->image, &l)))
		err = lookaside_put(s->image, &l,
		    buf_view(&s->results[FORM_SIMPLE]), place, size);
	s->image->d = whole;
	return err;
}

static gpg_error_t
write_one(struct signwork *s, const struct descriptor *d, enum form form)
{
	char *place = s->places[form];
	size_t size = sizeof(s->places[form]);
	gpg_error_t err;

	if (form == FORM_SIGSTORE)
		err = append(s, d, place, size);
	else if (form == FORM_SIMPLE)
		err = put_simple(s, d, place, size);
	else
		err = attach(s, d, form, place, size);
	if (err)
		place[0] = 0;
	return err;
}

static void
tell(struct signwork *s, const struct descriptor *d, enum form form)
{
	json_array_append_new(s->done, json_pack("{s:s,s:s,s:o,s:s}",
	    "format", form_name(form), "digest", d->digest, "place",
	    json_text(s->places[form]), "key", s->request.key->hex));
	if (!s->call->json)
		printf("%s: %s%s%s\n", d->digest, form_name(form),
		    s->dry ? ", not made yet" : " at ", s->places[form]);
}

static void
tell_needed(struct signwork *s, const struct descriptor *d)
{
	for (size_t i = 0; i < FORMS; i++) {
		s->places[i][0] = 0;
		if (s->needed[i])
			tell(s, d, (enum form)i);
	}
}

/* What was written is told if it is known to have stayed. */
static gpg_error_t
write_all(struct signwork *s, const struct descriptor *d)
{
	gpg_error_t err = 0, lost;

	for (size_t i = 0; i < FORMS; i++) {
		s->places[i][0] = 0;
		if (s->needed[i] && !err)
			err = write_one(s, d, (enum form)i);
	}
	if ((lost = append_settle(target(s))))
		return fail_there(s, lost);
	for (size_t i = 0; i < FORMS; i++)
		if (s->places[i][0])
			tell(s, d, (enum form)i);
	return err;
}

static gpg_error_t
sign_manifest(struct signwork *s, const struct manifest *m)
{
	struct descriptor d;
	gpg_error_t err;
	bool any;

	manifest_descriptor(m, &d);
	if ((err = choose(s, &d, &any)) || !any)
		return err;
	if (s->dry) {
		tell_needed(s, &d);
		return 0;
	}
	if (!(err = make(s, m)) && !(err = image_check_place(s->image)))
		err = write_all(s, &d);
	free_results(s);
	return err;
}

/* ---- images ---- */

static gpg_error_t
sign_instances(struct signwork *s)
{
	json_t *list = manifest_list(&s->image->manifest, "manifests"), *one;
	struct manifest m;
	struct descriptor d;
	gpg_error_t err = 0;
	size_t i;

	if (json_array_size(list) > INSTANCES)
		return call_problem(s->call, GPG_ERR_TOO_MANY, "the index has "
		    "more than %d images", INSTANCES);
	json_array_foreach(list, i, one) {
		manifest_init(&m);
		if (descriptor_read(one, &d))
			err = call_problem(s->call, GPG_ERR_BAD_DATA,
			    "the index has an entry that is none");
		else if (!(err = image_fail(s->image, store_get_described(
		    s->image->store, &d, &m))))
			err = sign_manifest(s, &m);
		manifest_free(&m);
		if (err)
			break;
	}
	return err;
}

gpg_error_t
signwork_add(struct signwork *s, struct image *i)
{
	gpg_error_t err;

	s->image = i;
	s->stop = false;
	if (!(err = sign_manifest(s, &i->manifest)) &&
	    call_option(s->call, "recursive") &&
	    manifest_is_index(&i->manifest))
		err = sign_instances(s);
	s->image = NULL;
	return err;
}

/* ---- beginning and end ---- */

static gpg_error_t
open_target(struct signwork *s)
{
	const char *place = call_option(s->call, "to");
	struct http_options options;
	struct problem why = { "" };
	gpg_error_t err;

	if (!place)
		return 0;
	image_options(s->call, &options);
	if ((err = store_open(&s->to, place, &options, &why)))
		call_problem(s->call, err, "%s", why.text);
	return err;
}

gpg_error_t
signwork_begin(struct signwork *s, struct call *c)
{
	gpg_error_t err;

	memset(s, 0, sizeof(*s));
	s->call = c;
	s->done = json_array();
	if ((err = read_forms(s)) || (err = open_target(s)))
		return err;
	return request_begin(&s->request, c, s->wanted[FORM_JWS] ||
	    s->wanted[FORM_COSE]);
}

void
signwork_end(struct signwork *s)
{
	json_decref(s->done);
	request_free(&s->request);
	store_close(&s->to);
}
