/* Reads what cosign asks of its plugin. */
#include "config.h"

#include <string.h>

#include "client/kms-ask.h"
#include "object/json.h"

#define VERSION_1 "v1"
#define DIGEST_MAX 64
#define SIGNATURE_MAX 1024

/* The names of the methods, and of what holds a method's options. */
static const struct {
	const char *name, *options;
} methods[] = {
	[KMS_DEFAULT_ALGORITHM] = { "defaultAlgorithm", NULL },
	[KMS_SUPPORTED_ALGORITHMS] = { "supportedAlgorithms", NULL },
	[KMS_CREATE_KEY] = { "createKey", NULL },
	[KMS_PUBLIC_KEY] = { "publicKey", NULL },
	[KMS_SIGN] = { "signMessage", "signOptions" },
	[KMS_VERIFY] = { "verifySignature", "verifyOptions" },
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

const char *
kms_method_name(enum kms_method m)
{
	return methods[m].name;
}

void
kms_ask_free(struct kms_ask *a)
{
	buf_free(&a->digest);
	buf_free(&a->signature);
}

static gpg_error_t
bad(struct plugin *p, const char *what)
{
	return plugin_problem(p, GPG_ERR_BAD_DATA, "the request cannot be "
	    "read: %s", what);
}

static gpg_error_t
read_method(struct plugin *p, const json_t *request, struct kms_ask *a)
{
	struct view name;

	if (!json_get_text(request, "methodName", &name) || name.len == 0)
		return bad(p, "it names no method");
	for (size_t i = 0; i < METHODS; i++)
		if (view_eq_str(name, methods[i].name)) {
			a->method = (enum kms_method)i;
			return 0;
		}
	return plugin_problem(p, GPG_ERR_NOT_SUPPORTED, "the method \"%.*s\" "
	    "is not known to this version of touchstone",
	    name.len < 64 ? (int)name.len : 64, (const char *)name.p);
}

/* A number of Go's crypto.Hash. */
static gpg_error_t
read_hash(struct plugin *p, const json_t *object, enum hash_algorithm *hash)
{
	uint64_t number;

	if (json_is_null(json_object_get(object, "hashFunc")))
		return 0;
	if (!json_get_size(object, "hashFunc", &number))
		return bad(p, "its hashFunc is no number");
	switch (number) {
	case 0:
		return 0;
	case 5:
		*hash = HASH_SHA256;
		return 0;
	case 6:
		*hash = HASH_SHA384;
		return 0;
	case 7:
		*hash = HASH_SHA512;
		return 0;
	case 3:
		return plugin_problem(p, GPG_ERR_DIGEST_ALGO, "SHA-1 is not "
		    "used for signatures: it is broken");
	default:
		return plugin_problem(p, GPG_ERR_DIGEST_ALGO, "only SHA-256, "
		    "SHA-384 and SHA-512 are used for signatures");
	}
}

static gpg_error_t
read_init(struct plugin *p, const json_t *request, struct kms_ask *a)
{
	const json_t *init = json_object_get(request, "initOptions");
	struct view version, key;

	if (!json_is_object(init))
		return bad(p, "it has no initOptions");
	if (!json_get_text(init, "protocolVersion", &version) ||
	    !view_eq_str(version, VERSION_1))
		return plugin_problem(p, GPG_ERR_NOT_SUPPORTED, "only the "
		    "protocol " VERSION_1 " is known");
	if (!json_get_text(init, "keyResourceID", &key) || !plugin_key_ok(key))
		return plugin_problem(p, GPG_ERR_INV_NAME, "no key is named "
		    "as it should be: touchstone://KEY, a KEY that "
		    "\"touchstone keys\" lists");
	memcpy(a->key, key.p, key.len);
	a->key[key.len] = 0;
	return read_hash(p, init, &a->hash);
}

/* What belongs to the method; all of it may be missing. */
static gpg_error_t
read_options(struct plugin *p, const json_t *request, struct kms_ask *a)
{
	const json_t *own, *message;
	gpg_error_t err;

	if (!methods[a->method].options)
		return 0;
	own = json_object_get(request, methods[a->method].name);
	message = json_object_get(json_object_get(own,
	    methods[a->method].options), "messageOptions");
	if ((err = plugin_get_bytes(p, message, "digest", &a->digest)) ||
	    (err = plugin_get_bytes(p, own, "signature", &a->signature)))
		return err;
	return read_hash(p, message, &a->hash);
}

gpg_error_t
kms_ask_read(struct plugin *p, int argc, char *const *argv, struct kms_ask *a)
{
	static const char *const members[] = { "initOptions", "methodName",
		"signMessage", "verifySignature", NULL };
	json_t *request;
	gpg_error_t err;

	*a = (struct kms_ask){ .hash = HASH_SHA256 };
	buf_init(&a->digest, DIGEST_MAX);
	buf_init(&a->signature, SIGNATURE_MAX);
	if (argc != 3)
		return plugin_problem(p, GPG_ERR_INV_ARG, "this is run by "
		    "cosign: cosign sign --key touchstone://KEY IMAGE");
	if (strcmp(argv[1], VERSION_1))
		return plugin_problem(p, GPG_ERR_NOT_SUPPORTED, "only the "
		    "protocol " VERSION_1 " is known");
	if ((err = plugin_read(p, view_str(argv[2]), members, &request)))
		return err;
	if (!(err = read_method(p, request, a)) &&
	    !(err = read_init(p, request, a)))
		err = read_options(p, request, a);
	json_decref(request);
	return err;
}
