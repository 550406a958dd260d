/* A role of Notary v1 and its signatures, as servers have them. */
#include "config.h"

#include <string.h>

#include "object/json.h"
#include "object/read.h"
#include "object/tuf.h"
#include "wire/text.h"

static const json_t *
signature_at(const struct tuf_envelope *e, size_t i)
{
	return json_array_get(json_object_get(e->json, "signatures"), i);
}

struct tuf_signature
tuf_envelope_signature(const struct tuf_envelope *e, size_t i)
{
	const json_t *entry = signature_at(e, i);
	struct tuf_signature s = {
		.id = json_string_value(json_object_get(entry, "keyid")),
		.method = json_string_value(json_object_get(entry, "method")),
	};

	json_get_text(entry, "sig", &s.base64);
	return s;
}

/* Ids are compared with those of keys, and are hex there. */
static bool
signature_is_good(const struct tuf_envelope *e, size_t i)
{
	static const char *const names[] = { "keyid", "method", "sig", NULL };
	struct tuf_signature s = tuf_envelope_signature(e, i);

	if (!json_names_are(signature_at(e, i), names, true) || !s.id ||
	    !s.method || strlen(s.id) > TUF_ID_LEN ||
	    !text_is_clean(view_str(s.id)) ||
	    !text_is_clean(view_str(s.method)) || !s.base64.p ||
	    s.base64.len > TUF_SIGNATURE_MAX)
		return false;
	for (size_t j = 0; j < i; j++)
		if (!strcmp(s.id, tuf_envelope_signature(e, j).id))
			return false;
	return true;
}

static gpg_error_t
read_envelope(struct tuf_envelope *e, const char **why)
{
	static const char *const names[] = { "signed", "signatures", NULL };
	json_t *role = json_object_get(e->json, "signed");
	const json_t *list = json_object_get(e->json, "signatures");

	if (!json_names_are(e->json, names, true) || !json_is_object(role) ||
	    !json_is_array(list) ||
	    json_array_size(list) > TUF_SIGNATURES_MAX)
		return object_bad(why, "this is no role with signatures");
	e->count = json_array_size(list);
	for (size_t i = 0; i < e->count; i++)
		if (!signature_is_good(e, i))
			return object_bad(why, "a signature of the role is "
			    "malformed, or a key has two");
	return tuf_role_from(&e->role, role, why);
}

gpg_error_t
tuf_envelope_read(struct tuf_envelope *e, struct view bytes, const char **why)
{
	gpg_error_t err;

	*e = (struct tuf_envelope){ 0 };
	*why = NULL;
	if (bytes.len > TUF_ROLE_MAX)
		return object_bad(why, "the role is larger than is read");
	(void)((err = json_read(bytes, &e->json, why)) ||
	    (err = read_envelope(e, why)));
	if (err)
		tuf_envelope_free(e);
	return err;
}

void
tuf_envelope_free(struct tuf_envelope *e)
{
	tuf_role_free(&e->role);
	json_decref(e->json);
	*e = (struct tuf_envelope){ 0 };
}
