/*
 * notation-touchstone, which notation runs to sign images (Notary Project,
 * plugin-extensibility.md, contract 1.0): the command is an argument, JSON
 * comes on stdin and goes to stdout, or an error to stderr, and nothing else
 * goes to either.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/chainfile.h"
#include "client/plugin.h"
#include "client/say.h"
#include "client/stream.h"
#include "local/keyfile.h"
#include "object/json.h"

#define CONTRACT "1.0"
#define REQUEST_MAX ((size_t)4 * 1024 * 1024)

/* Keys as notation calls them, and what it wants of each. */
static const struct key_spec {
	const char *algorithm;		/* ours */
	const char *spec, *hash, *signature;
} key_specs[] = {
	{ "P-256", "EC-256", "SHA-256", "ECDSA-SHA-256" },
	{ "P-384", "EC-384", "SHA-384", "ECDSA-SHA-384" },
	{ "P-521", "EC-521", "SHA-512", "ECDSA-SHA-512" },
	{ "RSA-2048", "RSA-2048", "SHA-256", "RSASSA-PSS-SHA-256" },
	{ "RSA-3072", "RSA-3072", "SHA-384", "RSASSA-PSS-SHA-384" },
	{ "RSA-4096", "RSA-4096", "SHA-512", "RSASSA-PSS-SHA-512" },
};

#define KEY_SPECS (sizeof(key_specs) / sizeof(key_specs[0]))

struct ask {
	struct plugin p;
	json_t *request;
	json_t *answer;
	char text[PLUGIN_KEY_MAX + 1];	/* that names the key */
	struct plugin_key key;
	const struct key_spec *spec;
};

static gpg_error_t
no_memory(struct ask *a)
{
	return plugin_problem(&a->p, GPG_ERR_ENOMEM, "there is not enough "
	    "memory");
}

static gpg_error_t
add_text(struct ask *a, const char *name, const char *text)
{
	return json_object_set_new(a->answer, name, json_string(text)) ?
	    no_memory(a) : 0;
}

static gpg_error_t
get_metadata(struct ask *a)
{
	json_t *all = json_pack("{s:s,s:s,s:s,s:s,s:[s],s:[s]}",
	    "name", PACKAGE,
	    "description", "Signs with keys on tokens, by the agent of "
	    PACKAGE,
	    "version", VERSION,
	    "url", "https://" WIRE_DOMAIN "/",
	    "supportedContractVersions", CONTRACT,
	    "capabilities", "SIGNATURE_GENERATOR.RAW");

	if (!all || json_object_update(a->answer, all)) {
		json_decref(all);
		return no_memory(a);
	}
	json_decref(all);
	return 0;
}

static gpg_error_t
check_contract(struct ask *a)
{
	struct view version;

	if (json_get_text(a->request, "contractVersion", &version) &&
	    view_eq_str(version, CONTRACT))
		return 0;
	return plugin_problem(&a->p, GPG_ERR_UNKNOWN_VERSION, "only the "
	    "contract " CONTRACT " of plugins is known");
}

/* The key that the request names, of a kind that notation has. */
static gpg_error_t
find_key(struct ask *a)
{
	struct view id;
	gpg_error_t err;

	if (!json_get_text(a->request, "keyId", &id) || !plugin_key_ok(id))
		return plugin_problem(&a->p, GPG_ERR_INV_NAME, "no key is "
		    "named as it should be: --id KEY, a KEY that "
		    "\"touchstone keys\" lists");
	memcpy(a->text, id.p, id.len);
	a->text[id.len] = 0;
	if ((err = plugin_connect(&a->p, true)) ||
	    (err = plugin_find_key(&a->p, a->text, &a->key)))
		return err;
	for (size_t i = 0; i < KEY_SPECS; i++)
		if (!strcmp(a->key.algorithm, key_specs[i].algorithm))
			a->spec = &key_specs[i];
	return a->spec ? 0 : plugin_problem(&a->p, GPG_ERR_PUBKEY_ALGO,
	    "the Notary Project has no signatures of %s keys: take one of "
	    "RSA, P-256, P-384 or P-521", a->key.algorithm);
}

static gpg_error_t
describe_key(struct ask *a)
{
	gpg_error_t err;

	if ((err = check_contract(a)) || (err = find_key(a)) ||
	    (err = add_text(a, "keyId", a->text)))
		return err;
	return add_text(a, "keySpec", a->spec->spec);
}

/* What the request says of the key must be what the key is. */
static gpg_error_t
check_spec(struct ask *a)
{
	struct view spec, hash;

	if (json_get_text(a->request, "keySpec", &spec) &&
	    view_eq_str(spec, a->spec->spec) &&
	    json_get_text(a->request, "hashAlgorithm", &hash) &&
	    view_eq_str(hash, a->spec->hash))
		return 0;
	return plugin_problem(&a->p, GPG_ERR_INV_VALUE, "the key \"%s\" is "
	    "%s, and signs with %s and nothing else", a->text, a->spec->spec,
	    a->spec->hash);
}

static gpg_error_t
read_chain(struct ask *a, struct chainfile *chain)
{
	gpg_error_t err = gpg_error(GPG_ERR_ENOENT);
	struct view leaf;

	if (keyfile_name_ok(view_str(a->key.name)))
		err = chainfile_read(&a->p.paths, a->key.name, chain);
	if (gpg_err_code(err) == GPG_ERR_ENOENT)
		return plugin_problem(&a->p, GPG_ERR_NO_DATA, "the key has no "
		    "certificate for signing images: \"touchstone keys "
		    "certify %s\" makes one, \"touchstone keys import-chain\" "
		    "takes one of an authority", a->text);
	if (err)
		return plugin_problem(&a->p, err, "the certificates of the "
		    "key \"%s\" cannot be read: \"touchstone keys certify\" "
		    "or \"touchstone keys import-chain\" writes them anew",
		    a->key.name);
	leaf = chainfile_get(chain, 0);
	if (memmem(leaf.p, leaf.len, a->key.spki, a->key.spki_len))
		return 0;
	return plugin_problem(&a->p, GPG_ERR_CONFLICT, "the certificate "
	    "beside the key \"%s\" is another key's: \"touchstone keys "
	    "certify\" or \"touchstone keys import-chain\" writes another",
	    a->key.name);
}

static gpg_error_t
add_chain(struct ask *a, const struct chainfile *chain)
{
	json_t *list = json_array();
	gpg_error_t err = 0;

	for (size_t i = 0; !err && i < chain->count; i++)
		err = plugin_add_bytes(list, NULL, chainfile_get(chain, i));
	if (json_object_set_new(a->answer, "certificateChain", list) || err)
		return no_memory(a);
	return 0;
}

static gpg_error_t
sign(struct ask *a, struct buf *payload)
{
	struct msg_progress done;
	gpg_error_t err;

	if ((err = plugin_get_bytes(&a->p, a->request, "payload", payload)))
		return err;
	if (buf_len(payload) == 0)
		return plugin_problem(&a->p, GPG_ERR_BAD_DATA, "the request "
		    "cannot be read: it has no payload");
	if ((err = plugin_sign(&a->p, a->key.id, "notary-raw",
	    buf_view(payload), &done)))
		return err;
	return plugin_add_bytes(a->answer, "signature", done.result) ?
	    no_memory(a) : 0;
}

static gpg_error_t
generate_signature(struct ask *a)
{
	struct chainfile chain = { .count = 0 };
	struct buf payload;
	gpg_error_t err;

	buf_init(&payload, REQUEST_MAX);
	if (!(err = check_contract(a)) && !(err = find_key(a)) &&
	    !(err = check_spec(a)) && !(err = read_chain(a, &chain)) &&
	    !(err = sign(a, &payload)) &&
	    !(err = add_text(a, "keyId", a->text)) &&
	    !(err = add_text(a, "signingAlgorithm", a->spec->signature)))
		err = add_chain(a, &chain);
	chainfile_free(&chain);
	buf_free(&payload);
	return err;
}

static const struct command_row {
	const char *name;
	gpg_error_t (*run)(struct ask *);
} commands[] = {
	{ "get-plugin-metadata", get_metadata },
	{ "describe-key", describe_key },
	{ "generate-signature", generate_signature },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static gpg_error_t
find_command(struct ask *a, int argc, char *const *argv,
    const struct command_row **found)
{
	*found = NULL;
	for (size_t i = 0; argc == 2 && i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			*found = &commands[i];
	if (*found)
		return 0;
	if (argc == 2)
		return plugin_problem(&a->p, GPG_ERR_NOT_SUPPORTED, "this "
		    "plugin does not know this command; it has "
		    "get-plugin-metadata, describe-key and "
		    "generate-signature");
	return plugin_problem(&a->p, GPG_ERR_INV_ARG, "this is run by "
	    "notation: notation sign --plugin touchstone --id KEY IMAGE");
}

static gpg_error_t
read_request(struct ask *a)
{
	static const char *const members[] = { "contractVersion", "keyId",
		"keySpec", "hashAlgorithm", "payload", "pluginConfig", NULL };
	struct buf text;
	gpg_error_t err;

	buf_init(&text, REQUEST_MAX);
	if ((err = stream_read(STDIN_FILENO, &text)))
		err = plugin_problem(&a->p, err, "the request cannot be read: "
		    "%s", gpg_strerror(err));
	else
		err = plugin_read(&a->p, buf_view(&text), members,
		    &a->request);
	buf_free(&text);
	return err;
}

/* The contract's word for what went wrong. */
static const char *
error_code(gpg_error_t err)
{
	if (say_is_no(err))
		return "ACCESS_DENIED";
	switch (gpg_err_code(err)) {
	case GPG_ERR_UNKNOWN_VERSION:
		return "UNSUPPORTED_CONTRACT_VERSION";
	case GPG_ERR_BAD_DATA:
	case GPG_ERR_TOO_LARGE:
	case GPG_ERR_INV_ARG:
	case GPG_ERR_INV_NAME:
	case GPG_ERR_INV_VALUE:
	case GPG_ERR_NOT_SUPPORTED:
	case GPG_ERR_PUBKEY_ALGO:
	case GPG_ERR_NO_SECKEY:
	case GPG_ERR_AMBIGUOUS_NAME:
		return "VALIDATION_ERROR";
	case GPG_ERR_TIMEOUT:
		return "TIMEOUT";
	default:
		return "ERROR";
	}
}

static int
fail(struct ask *a, gpg_error_t err)
{
	json_t *answer = json_pack("{s:s}", "errorCode", error_code(err));

	plugin_add_why(&a->p, answer, "errorMessage");
	plugin_answer(STDERR_FILENO, answer);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	const struct command_row *command;
	struct ask a = { .answer = json_object() };
	gpg_error_t err;
	int status = EXIT_SUCCESS;

	if (!stream_keep_standard())
		return EXIT_FAILURE;
	if (!(err = plugin_init(&a.p)) &&
	    !(err = find_command(&a, argc, argv, &command)) &&
	    !(err = read_request(&a)))
		err = command->run(&a);
	if (!err && !plugin_answer(STDOUT_FILENO, json_incref(a.answer)))
		err = plugin_problem(&a.p, GPG_ERR_EIO, "the answer cannot be "
		    "written");
	if (err)
		status = fail(&a, err);
	json_decref(a.answer);
	json_decref(a.request);
	plugin_close(&a.p);
	return status;
}
