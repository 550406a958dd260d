/*
 * What cosign and notation ask of their plugins: a request is read within its
 * bounds or refused with words.  The first byte says whose: '1' is cosign's,
 * an argument; '2' is notation's, of stdin.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "client/kms-ask.h"
#include "object/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int truth)
{
	if (!truth)
		abort();
}

/* Refused with words, and only then. */
static void
must_say(const struct plugin *p, gpg_error_t err)
{
	json_t *answer = json_object();

	must(!err == !p->why[0]);
	plugin_add_why(p, answer, "why");
	must(!err || json_string_length(json_object_get(answer, "why")) > 0);
	json_decref(answer);
}

static void
try_cosign(struct view v)
{
	struct plugin p = { .why = "" };
	char *text = view_strdup(v);
	char program[] = "sigstore-kms-touchstone", version[] = "v1";
	char *argv[] = { program, version, text, NULL };
	struct kms_ask a;
	gpg_error_t err;

	if (!text)
		return;
	err = kms_ask_read(&p, 3, argv, &a);
	must_say(&p, err);
	if (!err) {
		must(kms_method_name(a.method)[0]);
		must(plugin_key_ok(view_str(a.key)));
		must(a.hash == HASH_SHA256 || a.hash == HASH_SHA384 ||
		    a.hash == HASH_SHA512);
	}
	kms_ask_free(&a);
	free(text);
}

static void
try_notation(struct view v)
{
	static const char *const members[] = { "contractVersion", "keyId",
		"keySpec", "hashAlgorithm", "payload", "pluginConfig", NULL };
	struct plugin p = { .why = "" };
	json_t *request = NULL;
	struct view id;
	struct buf b;
	gpg_error_t err;

	err = plugin_read(&p, v, members, &request);
	must_say(&p, err);
	must(!err == json_is_object(request));
	buf_init(&b, 4096);
	if (!err) {
		err = plugin_get_bytes(&p, request, "payload", &b);
		must_say(&p, err);
		if (json_get_text(request, "keyId", &id) && plugin_key_ok(id))
			must(id.len > 0 && id.len <= PLUGIN_KEY_MAX &&
			    !memchr(id.p, 0, id.len));
	}
	buf_free(&b);
	json_decref(request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == '1')
		try_cosign(view_of(data + 1, size - 1));
	else if (size > 0)
		try_notation(view_of(data + 1, size - 1));
	return 0;
}
