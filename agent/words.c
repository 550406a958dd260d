/* What the user is told and asked. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>

#include "wire/text.h"
#include "conn.h"
#include "listing.h"
#include "words.h"
#include "work.h"

static const char *
or_empty(const char *s)
{
	return s ? s : "";
}

void
words_wanted(const struct request *r, char *dst, size_t size)
{
	char text[WORDS_MAX];

	if (r->key)
		snprintf(text, sizeof(text), "key %s", key_title(r->key));
	else if (r->module_name)
		snprintf(text, sizeof(text), "a token of module %s",
		    r->module_name);
	else
		snprintf(text, sizeof(text), "key %s", or_empty(r->key_text));
	text_clean(dst, size, view_str(text));
}

static void
describe_token(const struct request *r, char *dst, size_t size)
{
	const struct slot *s = module_slot(r->module, r->slot);
	const char *label = s && s->label ? s->label : or_empty(r->label);

	if (s && s->serial && s->serial[0])
		snprintf(dst, size, "token \"%s\" (serial %s, module %s)",
		    label, s->serial, r->module->config.name);
	else
		snprintf(dst, size, "token \"%s\" (module %s)", label,
		    r->module->config.name);
}

const char *
secret_name(uint8_t secret)
{
	return secret == SECRET_PIN ? "PIN" :
	    secret == SECRET_MANAGEMENT ? "management key" : "secrets";
}

void
words_pin(const struct request *r, uint8_t secret,
    char dst[WORDS_MAX])
{
	const char *what = secret_name(secret);
	char text[WORDS_MAX], token[512], wanted[256];

	describe_token(r, token, sizeof(token));
	words_wanted(r, wanted, sizeof(wanted));
	if (r->work->signs)
		snprintf(text, sizeof(text), "The %s of %s is needed to sign "
		    "with %s, asked by %s: %s", what, token, wanted, r->requester,
		    r->object.summary);
	else
		snprintf(text, sizeof(text), "The %s of %s %s needed, asked "
		    "by %s, for %s", what, token,
		    secret == SECRET_CHANGED ? "are" : "is", r->requester, r->object.summary);
	text_clean(dst, WORDS_MAX, view_str(text));
}

void
words_consent(const struct request *r, char dst[WORDS_MAX])
{
	char text[WORDS_MAX], wanted[256];

	words_wanted(r, wanted, sizeof(wanted));
	snprintf(text, sizeof(text), "Sign with %s, asked by %s: %s?", wanted,
	    r->requester, r->object.summary);
	text_clean(dst, WORDS_MAX, view_str(text));
}

void
request_tell(struct request *r, enum request_state state, const char *fmt, ...)
{
	char text[WORDS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_clean(r->notice, sizeof(r->notice), view_str(text));
	r->state = state;
	r->told = false;
	if (r->conn)
		conn_progress(r->conn, r);
}
