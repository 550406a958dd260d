/* Payloads of image signatures, made. */
#include "config.h"

#include "format/imagesig.h"
#include "object/json.h"
#include "object/object.h"
#include "wire/text.h"

static gpg_error_t
check(const struct imagesig *i)
{
	if (!i->digest || !object_digest_valid(view_str(i->digest)) ||
	    (i->reference && (!*i->reference ||
	    !object_reference_valid(view_str(i->reference)))) ||
	    i->note_count > IMAGESIG_NOTES_MAX)
		return gpg_error(GPG_ERR_INV_VALUE);
	for (size_t n = 0; n < i->note_count; n++)
		if (!*i->notes[n].name ||
		    !text_is_clean(view_str(i->notes[n].name)) ||
		    !text_is_clean(view_str(i->notes[n].value)))
			return gpg_error(GPG_ERR_INV_VALUE);
	return 0;
}

/* NULL without notes; *err is left alone if all went well. */
static json_t *
notes_of(const struct imagesig *i, gpg_error_t *err)
{
	json_t *o = i->note_count > 0 ? json_object() : NULL;

	for (size_t n = 0; n < i->note_count; n++) {
		if (json_object_get(o, i->notes[n].name))
			*err = gpg_error(GPG_ERR_DUP_VALUE);
		else if (json_object_set_new(o, i->notes[n].name,
		    json_string(i->notes[n].value)))
			*err = gpg_error(GPG_ERR_ENOMEM);
	}
	return o;
}

static json_t *
critical(const struct imagesig *i, const char *type)
{
	return json_pack("{s:{s:s},s:{s:s},s:s}",
	    "identity", "docker-reference", i->reference,
	    "image", "docker-manifest-digest", i->digest, "type", type);
}

gpg_error_t
imagesig_put_gpg(struct buf *b, const struct imagesig *i, const char *creator,
    uint64_t now)
{
	gpg_error_t err;

	if ((err = check(i)))
		return err;
	if (!i->reference || !text_is_clean(view_str(creator)))
		return gpg_error(GPG_ERR_INV_VALUE);
	return json_put(b, json_pack("{s:o,s:{s:s,s:I}}",
	    "critical", critical(i, "atomic container signature"),
	    "optional", "creator", creator, "timestamp", (json_int_t)now));
}

gpg_error_t
imagesig_put_cosign(struct buf *b, const struct imagesig *i)
{
	json_t *notes, *payload;
	gpg_error_t err;

	if ((err = check(i)))
		return err;
	if (!i->reference)
		return gpg_error(GPG_ERR_INV_VALUE);
	notes = notes_of(i, &err);
	payload = json_pack("{s:o,s:o}",
	    "critical", critical(i, "cosign container image signature"),
	    "optional", notes ? notes : json_null());
	if (!err)
		return json_put(b, payload);
	json_decref(payload);
	return err;
}

gpg_error_t
imagesig_put_statement(struct buf *b, const struct imagesig *i)
{
	struct view hex = view_str(i->digest ? i->digest : ""), name;
	json_t *notes, *statement;
	gpg_error_t err;

	if ((err = check(i)))
		return err;
	view_get_bytes(&hex, 6, &name);		/* "sha256" */
	hex = view_of(hex.p + 1, hex.len - 1);
	notes = notes_of(i, &err);
	statement = json_pack("{s:s,s:[{s:{s%:s%},s:o*}],s:s,s:{}}",
	    "_type", "https://in-toto.io/Statement/v1",
	    "subject", "digest", (const char *)name.p, name.len,
	    (const char *)hex.p, hex.len, "annotations", notes,
	    "predicateType", "https://sigstore.dev/cosign/sign/v1",
	    "predicate");
	if (!err)
		return json_put(b, statement);
	json_decref(statement);
	return err;
}

gpg_error_t
imagesig_put_notary(struct buf *b, const struct imagesig *i)
{
	json_t *notes, *payload;
	gpg_error_t err;

	if ((err = check(i)))
		return err;
	if (!i->media_type || i->size > INT64_MAX ||
	    !text_is_clean(view_str(i->media_type)))
		return gpg_error(GPG_ERR_INV_VALUE);
	notes = notes_of(i, &err);
	payload = json_pack("{s:{s:s,s:s,s:I,s:o*}}", "targetArtifact",
	    "mediaType", i->media_type, "digest", i->digest,
	    "size", (json_int_t)i->size, "annotations", notes);
	if (!err)
		return json_put(b, payload);
	json_decref(payload);
	return err;
}
