/*
 * sigstore-kms-touchstone, which cosign runs for keys named touchstone://KEY:
 * what is to be signed comes whole on stdin, and the agent sees it.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "client/kms-ask.h"
#include "client/stream.h"
#include "format/rawsig.h"
#include "wire/base64.h"

#define MESSAGE_MAX ((size_t)64 * 1024 * 1024)
#define PEM_LINE 64

/* As sigstore calls them; what tokens have. */
static const char *const algorithms[] = {
	"ecdsa-sha2-256-nistp256", "ecdsa-sha2-384-nistp384",
	"ecdsa-sha2-512-nistp521", "ed25519", "rsa-sign-pkcs1-2048-sha256",
	"rsa-sign-pkcs1-3072-sha256", "rsa-sign-pkcs1-4096-sha256",
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

static gpg_error_t
no_memory(struct plugin *p)
{
	return plugin_problem(p, GPG_ERR_ENOMEM, "there is not enough memory");
}

static gpg_error_t
list_algorithms(struct plugin *p, json_t *answer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ALGORITHMS; i++)
		json_array_append_new(list, json_string(algorithms[i]));
	return json_object_set_new(answer, "supportedAlgorithms", list) ?
	    no_memory(p) : 0;
}

static gpg_error_t
name_algorithm(struct plugin *p, json_t *answer)
{
	return json_object_set_new(answer, "defaultAlgorithm",
	    json_string(algorithms[0])) ? no_memory(p) : 0;
}

static gpg_error_t
put_pem(struct buf *pem, const struct plugin_key *k)
{
	struct buf text;
	struct view rest;
	gpg_error_t err;

	buf_init(&text, 2 * sizeof(k->spki));
	err = base64_put(&text, view_of(k->spki, k->spki_len));
	rest = buf_view(&text);
	buf_put_text(pem, "-----BEGIN PUBLIC KEY-----\n");
	while (!err && rest.len > 0) {
		struct view line = { rest.p, rest.len < PEM_LINE ? rest.len :
			PEM_LINE };

		buf_put_view(pem, line);
		buf_put_u8(pem, '\n');
		rest.p += line.len;
		rest.len -= line.len;
	}
	buf_put_text(pem, "-----END PUBLIC KEY-----\n");
	buf_free(&text);
	return err ? err : buf_error(pem);
}

static gpg_error_t
public_key(struct plugin *p, const struct kms_ask *a, json_t *answer)
{
	struct plugin_key k;
	struct buf pem;
	gpg_error_t err;

	if ((err = plugin_connect(p, false)) ||
	    (err = plugin_find_key(p, a->key, &k)))
		return err;
	buf_init(&pem, 4 * sizeof(k.spki));
	if (put_pem(&pem, &k) ||
	    plugin_add_bytes(answer, "publicKeyPEM", buf_view(&pem)))
		err = no_memory(p);
	buf_free(&pem);
	return err;
}

/*
 * A digest that comes along must be the message's, by the hash that its
 * length tells: cosign 3 makes it by the key's own hash, also where it wants
 * (and verifies) a signature by SHA-256.
 */
static gpg_error_t
check_digest(struct plugin *p, struct view digest, struct view message)
{
	enum hash_algorithm by = digest.len == 48 ? HASH_SHA384 :
	    digest.len == 64 ? HASH_SHA512 : HASH_SHA256;
	uint8_t hash[64];
	gpg_error_t err;
	size_t len;

	if (digest.len == 0)
		return 0;
	if ((err = hash_bytes(by, &message, 1, hash, &len)))
		return plugin_problem(p, err, "%s", gpg_strerror(err));
	return view_eq(digest, view_of(hash, len)) ? 0 :
	    plugin_problem(p, GPG_ERR_BAD_DATA, "the digest that came is not "
	    "that of what came with it");
}

/*
 * The message, whole.  A digest that comes in its stead says nothing of what
 * is signed.
 */
static gpg_error_t
read_message(struct plugin *p, const struct kms_ask *a, struct buf *message)
{
	gpg_error_t err;

	if ((err = stream_read(STDIN_FILENO, message)))
		return plugin_problem(p, err, "what cosign wants signed or "
		    "verified cannot be read: %s", gpg_strerror(err));
	if (buf_len(message) > 0)
		return check_digest(p, buf_view(&a->digest),
		    buf_view(message));
	return plugin_problem(p, GPG_ERR_NO_DATA, "%s", buf_len(&a->digest) ?
	    "only a digest came, and touchstone signs nothing that it does "
	    "not see: use a command of cosign's that passes what is to be "
	    "signed" : "nothing came to be signed or verified");
}

static gpg_error_t
sign(struct plugin *p, const struct kms_ask *a, json_t *answer)
{
	static const char *const formats[] = {
		[HASH_SHA256] = "sigstore-sha256",
		[HASH_SHA384] = "sigstore-sha384",
		[HASH_SHA512] = "sigstore-sha512",
	};
	struct msg_progress done;
	struct buf message;
	gpg_error_t err;

	buf_init(&message, MESSAGE_MAX + 1);
	if (!(err = read_message(p, a, &message)) &&
	    !(err = plugin_connect(p, false)) &&
	    !(err = plugin_sign(p, a->key, formats[a->hash],
	    buf_view(&message), &done)) &&
	    plugin_add_bytes(answer, "signature", done.result))
		err = no_memory(p);
	buf_free(&message);
	return err;
}

/* With the public key alone, so without the agent's leave. */
static gpg_error_t
check(struct plugin *p, const struct kms_ask *a, const struct plugin_key *k,
    struct view message)
{
	struct pubkey *pub;
	gpg_error_t err;

	err = pubkey_from_spki(&pub, view_of(k->spki, k->spki_len));
	if (!err)
		err = rawsig_check(pub, RAWSIG_SIGSTORE, a->hash, &message, 1,
		    buf_view(&a->signature));
	pubkey_free(&pub);
	if (gpg_err_code(err) == GPG_ERR_BAD_SIGNATURE)
		return plugin_problem(p, err, "the signature is not of the "
		    "key \"%s\" and of this", a->key);
	return err ? plugin_problem(p, err, "the signature cannot be "
	    "verified: %s", gpg_strerror(err)) : 0;
}

static gpg_error_t
verify(struct plugin *p, const struct kms_ask *a)
{
	struct plugin_key k;
	struct buf message;
	gpg_error_t err;

	buf_init(&message, MESSAGE_MAX + 1);
	if (!(err = read_message(p, a, &message)) &&
	    !(err = plugin_connect(p, false)) &&
	    !(err = plugin_find_key(p, a->key, &k)))
		err = check(p, a, &k, buf_view(&message));
	buf_free(&message);
	return err;
}

static gpg_error_t
carry_out(struct plugin *p, const struct kms_ask *a, json_t *answer)
{
	switch (a->method) {
	case KMS_DEFAULT_ALGORITHM:
		return name_algorithm(p, answer);
	case KMS_SUPPORTED_ALGORITHMS:
		return list_algorithms(p, answer);
	case KMS_PUBLIC_KEY:
		return public_key(p, a, answer);
	case KMS_SIGN:
		return sign(p, a, answer);
	case KMS_VERIFY:
		return verify(p, a);
	case KMS_CREATE_KEY:
		break;
	}
	return plugin_problem(p, GPG_ERR_NOT_SUPPORTED, "touchstone makes its "
	    "keys itself: \"touchstone keys generate --name NAME\"; then use "
	    "touchstone://NAME");
}

/* cosign looks at the answer and not at the exit status. */
int
main(int argc, char **argv)
{
	json_t *answer = json_object(), *own = json_object();
	struct kms_ask a = { .method = KMS_PUBLIC_KEY };
	struct plugin p;
	gpg_error_t err;
	bool told;

	if (!stream_keep_standard())
		return EXIT_FAILURE;
	if (!(err = plugin_init(&p)) &&
	    !(err = kms_ask_read(&p, argc, argv, &a)) &&
	    !(err = carry_out(&p, &a, own)) &&
	    json_object_set(answer, kms_method_name(a.method), own))
		err = no_memory(&p);
	if (err)
		plugin_add_why(&p, answer, "errorMessage");
	told = plugin_answer(STDOUT_FILENO, answer);
	json_decref(own);
	kms_ask_free(&a);
	plugin_close(&p);
	return told && !err ? EXIT_SUCCESS : EXIT_FAILURE;
}
