/* SSH's key blobs, and what their keys signed. */
#include "config.h"

#include <string.h>

#include "format/key.h"
#include "format/ssh.h"
#include "format/sshkey.h"
#include "format/sshread.h"

/* Bytes of a mpint: RSA-4096 and the sign. */
#define NUMBER_MAX (KEY_PUBLIC_MAX + 1)

gpg_error_t
sshread_number(struct view *v, struct view *number)
{
	if (view_get_string(v, NUMBER_MAX, number) ||
	    (number->len > 0 && number->p[0] & 0x80))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	*number = view_strip(*number);
	return number->len > 0 ? 0 : gpg_error(GPG_ERR_BAD_PUBKEY);
}

static enum key_algorithm
type_algorithm(struct view type)
{
	static const struct {
		const char *name;
		enum key_algorithm algorithm;
	} types[] = {
		{ "ssh-ed25519", ALGO_ED25519 },
		{ "ecdsa-sha2-nistp256", ALGO_P256 },
		{ "ecdsa-sha2-nistp384", ALGO_P384 },
		{ "ecdsa-sha2-nistp521", ALGO_P521 },
		{ "ssh-rsa", ALGO_RSA2048 },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (view_eq_str(type, types[i].name))
			return types[i].algorithm;
	return ALGO_NONE;
}

static gpg_error_t
curve_get(struct view *v, enum key_algorithm algorithm)
{
	struct view curve;
	const char *name = algorithm == ALGO_P256 ? "nistp256" :
	    algorithm == ALGO_P384		  ? "nistp384" :
						    "nistp521";

	if (view_get_string(v, 32, &curve) || !view_eq_str(curve, name))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	return 0;
}

gpg_error_t
sshread_public(struct view *v, struct view type, struct pubkey **out)
{
	enum key_algorithm algorithm = type_algorithm(type);
	struct view public, exponent = { NULL, 0 };
	gpg_error_t err = 0;

	*out = NULL;
	if (algorithm == ALGO_NONE)
		return gpg_error(GPG_ERR_PUBKEY_ALGO);
	if (algorithm_is_rsa(algorithm))
		(void)((err = sshread_number(v, &exponent)) ||
		    (err = sshread_number(v, &public)));
	else if ((algorithm != ALGO_ED25519 &&
	    (err = curve_get(v, algorithm))) ||
	    view_get_string(v, KEY_PUBLIC_MAX, &public))
		err = gpg_error(GPG_ERR_BAD_PUBKEY);
	return err ? err : pubkey_new(out, algorithm, public, exponent);
}

gpg_error_t
pubkey_from_ssh(struct pubkey **out, struct view blob)
{
	struct view type;
	gpg_error_t err;

	*out = NULL;
	if (view_get_string(&blob, 64, &type))
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	if ((err = sshread_public(&blob, type, out)))
		return err;
	if (blob.len > 0) {
		pubkey_free(out);
		return gpg_error(GPG_ERR_BAD_PUBKEY);
	}
	return 0;
}

static gpg_error_t
pad_number(struct view *v, uint8_t *out, size_t field)
{
	struct view n;

	if (sshread_number(v, &n) || n.len > field)
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	memset(out, 0, field - n.len);
	memcpy(out + field - n.len, n.p, n.len);
	return 0;
}

/* The bytes that signing_check() wants: r || s, or as long as the modulus. */
static gpg_error_t
plain_signature(const struct pubkey *key, struct view sig, uint8_t *room,
    struct view *plain)
{
	size_t field = algorithm_field(key->algorithm);

	*plain = sig;
	if (field > 0) {
		if (pad_number(&sig, room, field) ||
		    pad_number(&sig, room + field, field) || sig.len > 0)
			return gpg_error(GPG_ERR_BAD_SIGNATURE);
		*plain = view_of(room, 2 * field);
	} else if (algorithm_is_rsa(key->algorithm)) {
		/* Some write it as short as the number is. */
		if (sig.len > key->public.len)
			return gpg_error(GPG_ERR_BAD_SIGNATURE);
		memset(room, 0, key->public.len - sig.len);
		memcpy(room + key->public.len - sig.len, sig.p, sig.len);
		*plain = view_of(room, key->public.len);
	}
	return 0;
}

/* The flags by which ssh_begin() takes the hash that a name stands for. */
static gpg_error_t
name_flags(const struct pubkey *key, struct view name, uint32_t *flags)
{
	*flags = 0;
	if (!algorithm_is_rsa(key->algorithm))
		return view_eq_str(name, pubkey_ssh_type(key)) ? 0 :
		    gpg_error(GPG_ERR_BAD_SIGNATURE);
	if (view_eq_str(name, "rsa-sha2-256"))
		*flags = SSH_AGENT_RSA_SHA2_256;
	else if (view_eq_str(name, "rsa-sha2-512"))
		*flags = SSH_AGENT_RSA_SHA2_512;
	else
		return gpg_error(GPG_ERR_DIGEST_ALGO);
	return 0;
}

gpg_error_t
ssh_verify(const struct pubkey *key, struct view data, struct view signature)
{
	uint8_t room[KEY_PUBLIC_MAX];
	struct view name, sig, plain;
	struct signing s;
	uint32_t flags;
	gpg_error_t err;

	if (view_get_string(&signature, 64, &name) ||
	    view_get_string(&signature, KEY_PUBLIC_MAX, &sig) ||
	    signature.len > 0)
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	if ((err = name_flags(key, name, &flags)) ||
	    (err = plain_signature(key, sig, room, &plain)) ||
	    (err = ssh_begin(&s, key, data, flags)))
		return err;
	err = signing_check(&s, key, plain);
	signing_free(&s);
	return err;
}
