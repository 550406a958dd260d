/* JSON, read by the library that refuses keys which repeat. */
#include "config.h"

#include <string.h>

#include "object/json.h"
#include "object/read.h"

gpg_error_t
json_read(struct view v, json_t **out, const char **why)
{
	struct json_outline outline;
	json_error_t problem;

	*out = NULL;
	json_look(v, &outline);
	if (!outline.object)
		return object_bad(why, "this is no JSON object");
	if (!outline.bounded)
		return object_bad(why, "the JSON has more in it than is read");
	*out = json_loadb((const char *)v.p, v.len, JSON_REJECT_DUPLICATES,
	    &problem);
	if (*out)
		return 0;
	switch (json_error_code(&problem)) {
	case json_error_out_of_memory:
		*why = "there is not enough memory";
		return gpg_error(GPG_ERR_ENOMEM);
	case json_error_duplicate_key:
		return object_bad(why, "the JSON has a key twice");
	case json_error_end_of_input_expected:
		return object_bad(why, "there are bytes behind the JSON");
	case json_error_invalid_utf8:
		return object_bad(why, "the JSON is not UTF-8");
	default:
		return object_bad(why, "the JSON is malformed");
	}
}

static bool
is_listed(const char *key, const char *const *names, bool others)
{
	bool listed = others;

	for (; *names; names++) {
		if (!strcmp(key, *names))
			return true;
		if (json_same_name(view_str(key), *names))
			listed = false;
	}
	return listed;
}

bool
json_names_are(const json_t *object, const char *const *names, bool others)
{
	json_t *o = (json_t *)(uintptr_t)object;	/* only looked at */
	void *at = json_object_iter(o);

	if (!json_is_object(o))
		return false;
	for (; at; at = json_object_iter_next(o, at))
		if (!is_listed(json_object_iter_key(at), names, others))
			return false;
	return true;
}

bool
json_get_text(const json_t *object, const char *name, struct view *out)
{
	const json_t *value = json_object_get(object, name);

	*out = view_of(NULL, 0);
	if (!value)
		return true;
	*out = view_of(json_string_value(value), json_string_length(value));
	return json_is_string(value);
}

bool
json_get_size(const json_t *object, const char *name, uint64_t *out)
{
	const json_t *value = json_object_get(object, name);

	*out = value ? (uint64_t)json_integer_value(value) : 0;
	return !value || (json_is_integer(value) &&
	    json_integer_value(value) >= 0);
}

bool
json_is_texts(const json_t *value)
{
	json_t *o = (json_t *)(uintptr_t)value;
	void *at = json_object_iter(o);

	if (!json_is_object(o))
		return false;
	for (; at; at = json_object_iter_next(o, at))
		if (!json_is_string(json_object_iter_value(at)))
			return false;
	return true;
}

#define NUMBER_MAX (1LL << 53)

static bool
is_plain_text(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return true;
}

/* As deep as the reader lets it be. */
bool
json_is_plain(const json_t *value)
{
	json_t *v = (json_t *)(uintptr_t)value;		/* only looked at */
	void *at = json_object_iter(v);

	if (json_is_integer(v))
		return json_integer_value(v) < NUMBER_MAX &&
		    json_integer_value(v) > -NUMBER_MAX;
	if (json_is_string(v))
		return is_plain_text(json_string_value(v),
		    json_string_length(v));
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!json_is_plain(json_array_get(v, i)))
			return false;
	for (; at; at = json_object_iter_next(v, at))
		if (!is_plain_text(json_object_iter_key(at),
		    strlen(json_object_iter_key(at))) ||
		    !json_is_plain(json_object_iter_value(at)))
			return false;
	return v && !json_is_real(v);
}

static int
put_piece(const char *bytes, size_t len, void *b)
{
	return buf_put(b, bytes, len) ? -1 : 0;
}

gpg_error_t
json_put(struct buf *b, json_t *value)
{
	int failed;

	if (!value)
		return gpg_error(GPG_ERR_ENOMEM);
	failed = json_dump_callback(value, put_piece, b, JSON_COMPACT);
	json_decref(value);
	if (failed && !buf_error(b))
		return gpg_error(GPG_ERR_ENOMEM);
	return buf_error(b);
}
