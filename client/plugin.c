/* What the plugins of cosign and notation share. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/plugin.h"
#include "client/say.h"
#include "client/stream.h"
#include "object/json.h"
#include "wire/base64.h"
#include "wire/text.h"

#define ANSWER_MAX (256 * 1024)

gpg_error_t
plugin_problem(struct plugin *p, gpg_error_t err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, ap);
	va_end(ap);
	return gpg_error(gpg_err_code(err));
}

/* The agent's own words, where it has some, tell what to do. */
static gpg_error_t
explain(struct plugin *p, gpg_error_t err)
{
	const char *hint = p->talk.told ? "" : say_hint(err);

	if (!err)
		return 0;
	return plugin_problem(p, err, "%s%s%s", p->talk.said[0] ?
	    p->talk.said : gpg_strerror(err), hint[0] ? "; " : "", hint);
}

gpg_error_t
plugin_init(struct plugin *p)
{
	gpg_error_t err;

	*p = (struct plugin){ .why = "" };
	talk_init(&p->talk, -1);
	if ((err = paths_init(&p->paths)))
		return plugin_problem(p, err, "the home folder cannot be "
		    "found: %s", gpg_strerror(err));
	return 0;
}

void
plugin_close(struct plugin *p)
{
	talk_close(&p->talk);
	paths_free(&p->paths);
}

gpg_error_t
plugin_connect(struct plugin *p, bool silent)
{
	bool configured = connect_configured(&p->paths);
	gpg_error_t err;

	err = talk_open(&p->talk, &p->paths, configured ? CONNECT_START : 0);
	p->talk.silent = silent;
	if (gpg_err_code(err) == GPG_ERR_NO_AGENT && !configured &&
	    p->talk.way != WAY_NAMED)
		return plugin_problem(p, err, "touchstone is not set up: "
		    "\"touchstone setup\" makes a key");
	return explain(p, err);
}

static gpg_error_t
copy_key(struct plugin *p, const struct msg_key *m, struct plugin_key *k)
{
	struct buf hex;
	gpg_error_t err = 0;

	*k = (struct plugin_key){ .name = "" };
	buf_init(&hex, sizeof(k->id));
	buf_put_hex(&hex, m->id);
	if (m->id.len != 32 || m->name.len >= sizeof(k->name) ||
	    m->algorithm.len >= sizeof(k->algorithm) ||
	    m->spki.len > sizeof(k->spki) || m->spki.len == 0 ||
	    buf_error(&hex)) {
		err = plugin_problem(p, GPG_ERR_BAD_DATA, "the agent's list "
		    "of keys cannot be read");
	} else {
		memcpy(k->id, buf_view(&hex).p, buf_len(&hex));
		memcpy(k->name, m->name.p, m->name.len);
		memcpy(k->algorithm, m->algorithm.p, m->algorithm.len);
		memcpy(k->spki, m->spki.p, m->spki.len);
		k->spki_len = m->spki.len;
	}
	buf_free(&hex);
	return err;
}

gpg_error_t
plugin_find_key(struct plugin *p, const char *text, struct plugin_key *k)
{
	struct msg_keys ask = { .match = view_str(text) };
	struct msg_keys_answer answer;
	struct msg_key m, found;
	gpg_error_t err;
	size_t count = 0;
	bool named = false;

	if ((err = talk_ask(&p->talk, MSG_keys, &ask, &answer)))
		return explain(p, err);
	/* A nickname is one key's own, whatever else it looks like. */
	while (!named && msg_list_next(&answer.keys, MSG_key, &m)) {
		named = view_eq_str(m.name, text);
		count = named ? 1 : count + 1;
		found = m;
	}
	if (count == 1)
		return copy_key(p, &found, k);
	if (count == 0)
		return plugin_problem(p, GPG_ERR_NO_SECKEY, "no key is named "
		    "\"%s\"; %s", text, say_hint(GPG_ERR_NO_SECKEY));
	return plugin_problem(p, GPG_ERR_AMBIGUOUS_NAME, "\"%s\" names %zu "
	    "keys; %s", text, count, say_hint(GPG_ERR_AMBIGUOUS_NAME));
}

gpg_error_t
plugin_sign(struct plugin *p, const char *key, const char *format,
    struct view object, struct msg_progress *done)
{
	return explain(p, talk_sign(&p->talk, key, format, object, done));
}

bool
plugin_key_ok(struct view key)
{
	return key.len > 0 && key.len <= PLUGIN_KEY_MAX && text_is_clean(key);
}

gpg_error_t
plugin_read(struct plugin *p, struct view text, const char *const *members,
    json_t **out)
{
	const char *why = "";
	gpg_error_t err;

	if ((err = json_read(text, out, &why)))
		return plugin_problem(p, err, "the request cannot be read: %s",
		    why);
	if (json_names_are(*out, members, true))
		return 0;
	json_decref(*out);
	*out = NULL;
	return plugin_problem(p, GPG_ERR_BAD_DATA, "the request cannot be "
	    "read: it has a member whose name is miswritten");
}

gpg_error_t
plugin_get_bytes(struct plugin *p, const json_t *object, const char *member,
    struct buf *b)
{
	const json_t *value = json_object_get(object, member);
	struct view text;

	if (!value || json_is_null(value))
		return 0;
	if (json_get_text(object, member, &text) && !base64_get(text, b))
		return 0;
	return plugin_problem(p, GPG_ERR_BAD_DATA, "the request cannot be "
	    "read: its %s is no base64, or too long", member);
}

void
plugin_add_why(const struct plugin *p, json_t *object, const char *member)
{
	char clean[sizeof(p->why)];

	text_clean(clean, sizeof(clean), view_str(p->why));
	json_object_set_new(object, member, json_string(clean));
}

bool
plugin_answer(int fd, json_t *value)
{
	struct buf b;
	bool done;

	buf_init(&b, ANSWER_MAX);
	done = !json_put(&b, value) && !buf_put_text(&b, "\n") &&
	    !stream_write(fd, buf_view(&b));
	buf_free(&b);
	return done;
}

gpg_error_t
plugin_add_bytes(json_t *to, const char *name, struct view bytes)
{
	struct buf text;
	json_t *value = NULL;
	int failed;

	buf_init(&text, ANSWER_MAX);
	if (!base64_put(&text, bytes))
		value = json_stringn((const char *)buf_view(&text).p,
		    buf_len(&text));
	buf_free(&text);
	failed = name ? json_object_set_new(to, name, value) :
	    json_array_append_new(to, value);
	return failed ? gpg_error(GPG_ERR_ENOMEM) : 0;
}
