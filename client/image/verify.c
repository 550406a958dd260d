/* touchstone image verify: which key signed what. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/image/content.h"
#include "client/image/find.h"
#include "client/image/rows.h"
#include "client/trust/show.h"

struct verification {
	struct image image;
	struct signers signers;
	struct verdict *list;
	size_t count;
	size_t keys;		/* that signed, each counted once */
	size_t wanted;		/* 0: content trust is enough */
	bool more;
	struct content content;	/* where it is asked for */
};

static gpg_error_t
judge_one(void *arg, const struct found *f)
{
	struct verification *v = arg;
	struct verdict *grown = realloc(v->list, (v->count + 1) *
	    sizeof(*grown)), *one;

	if (!grown)
		return gpg_error(GPG_ERR_ENOMEM);
	v->list = grown;
	one = &grown[v->count++];
	judge(&v->image, &v->signers, f, one);
	if (one->err)
		return 0;
	for (size_t i = 0; i + 1 < v->count; i++)
		if (!grown[i].err && !strcmp(grown[i].key, one->key))
			return 0;
	v->keys++;
	return 0;
}

static gpg_error_t
read_wanted(struct verification *v, struct call *c)
{
	const char *text = call_option(c, "require");
	char *end = NULL;
	unsigned long n = text ? strtoul(text, &end, 10) : 1;

	if (n < 1 || n > SIGNERS_MAX || (text && (*end ||
	    text[0] < '0' || text[0] > '9')))
		return call_problem(c, GPG_ERR_INV_ARG, "--require is a "
		    "number from 1 to %d", SIGNERS_MAX);
	v->wanted = n;
	return 0;
}

/* With content trust, keys of one's own may be asked for too, or not. */
static gpg_error_t
load_signers(struct verification *v, struct call *c)
{
	if (content_wanted(c) && !call_option(c, "key") &&
	    !call_option(c, "certificate") && !call_option(c, "root") &&
	    !call_option(c, "require")) {
		v->wanted = 0;
		return 0;
	}
	return signers_load(&v->signers, c);
}

static gpg_error_t
ask_trust(struct verification *v, struct call *c)
{
	struct buf name;
	gpg_error_t err;

	if (!content_wanted(c))
		return 0;
	if (!v->image.name.registry[0])
		return call_problem(c, GPG_ERR_INV_ARG, "trust data is of "
		    "names: give the image's with --as HOST/NAME:TAG");
	buf_init(&name, 1024);
	reference_text(&v->image.name, &name);
	if ((err = buf_put_u8(&name, 0)))
		call_problem(c, err, "%s", gpg_strerror(err));
	else if (!(err = content_begin(&v->content, c,
	    (const char *)buf_view(&name).p)))
		err = session_compare(&v->content.session,
		    &v->content.answer, v->image.d.digest, v->image.d.size);
	buf_free(&name);
	return err;
}

static gpg_error_t
find_signatures(struct verification *v)
{
	return v->wanted == 0 ? 0 : find_all(&v->image, NULL, judge_one, v,
	    &v->more);
}

/* Zero signatures are never enough. */
static gpg_error_t
conclude(struct verification *v, struct call *c)
{
	const char *more = v->more ? "; there are more than are looked at: "
	    "have those that are not needed removed" : "";

	if (v->keys >= v->wanted)
		return 0;
	if (v->count == 0)
		return call_problem(c, GPG_ERR_NO_DATA, "%s is not signed",
		    v->image.d.digest);
	if (v->keys == 0 && v->count == 1)
		return call_problem(c, GPG_ERR_BAD_SIGNATURE, "the one "
		    "signature of %s does not count: %s%s", v->image.d.digest,
		    v->list[0].why, more);
	return call_problem(c, GPG_ERR_BAD_SIGNATURE, "%zu of the given keys "
	    "have signed %s, and %zu must; %zu signatures were looked at%s",
	    v->keys, v->image.d.digest, v->wanted, v->count, more);
}

static void
time_text(int64_t when, char out[32])
{
	time_t t = (time_t)when;
	struct tm tm;

	out[0] = 0;
	if (when > 0 && gmtime_r(&t, &tm))
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static json_t *
verdict_json(const struct verdict *v)
{
	char when[32];

	time_text(v->when, when);
	return json_pack("{s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:s,s:o,s:O*}",
	    "format", form_name(v->form),
	    "verified", !v->err,
	    "signer", json_text(v->signer),
	    "key", json_text(v->key),
	    "reference", json_text(v->reference),
	    "digest", json_text(v->digest),
	    "signed_at", json_text(when),
	    "place", v->place,
	    "problem", json_text(v->why),
	    "annotations", v->notes);
}

static int
print_json(const struct verification *v, struct call *c, gpg_error_t err)
{
	json_t *list = json_array();
	json_t *trust = v->content.answered ? show_answer(
	    &v->content.session.trust, &v->content.answer) : json_null();

	for (size_t i = 0; i < v->count; i++)
		json_array_append_new(list, verdict_json(&v->list[i]));
	return call_print(c, json_pack("{s:b,s:s,s:I,s:I,s:b,s:o,s:o,s:o}",
	    "verified", !err, "digest", v->image.d.digest, "keys",
	    (json_int_t)v->keys, "required", (json_int_t)v->wanted,
	    "more", v->more, "problem", err ? json_text(c->why) : json_null(),
	    "content_trust", trust, "signatures", list));
}

static void
print_verdict(const struct verdict *v)
{
	char when[32];

	if (v->err) {
		printf("  %-14s %s (%s)\n", form_name(v->form), v->why,
		    v->place);
		return;
	}
	time_text(v->when, when);
	printf("  %-14s signed by %s, key %.16s%s%s%s%s\n",
	    form_name(v->form), v->signer, v->key, when[0] ? ", " : "", when,
	    v->reference[0] ? ", as " : "", v->reference);
}

static int
report(const struct verification *v, struct call *c, gpg_error_t err)
{
	int status = STATUS_OK;

	if (c->json && print_json(v, c, err) != STATUS_OK)
		return STATUS_FAILED;
	if (!c->json && (v->count > 0 || v->content.answered)) {
		printf("%s\n", v->image.d.digest);
		if (v->content.answered)
			show_line(&v->content.session.trust,
			    &v->content.answer);
		for (size_t i = 0; i < v->count; i++)
			print_verdict(&v->list[i]);
		status = call_done(c);
	}
	if (!err)
		return status;
	/* The JSON has it already. */
	c->json = false;
	return call_fail(c, err);
}

int
image_verify(struct call *c)
{
	struct verification v = { .count = 0 };
	gpg_error_t err;
	int status;

	if (!(err = read_wanted(&v, c)) &&
	    !(err = load_signers(&v, c)) &&
	    !(err = image_open(&v.image, c, call_arg(c, 0))) &&
	    !(err = ask_trust(&v, c)) &&
	    !(err = find_signatures(&v)))
		status = report(&v, c, conclude(&v, c));
	else
		status = call_fail(c, err);
	for (size_t i = 0; i < v.count; i++)
		json_decref(v.list[i].notes);
	free(v.list);
	signers_free(&v.signers);
	content_end(&v.content);
	image_close(&v.image);
	return status;
}
