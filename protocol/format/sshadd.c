/* Private keys and constraints as SSH clients send them. */
#include "config.h"

#include <string.h>

#include "format/key.h"
#include "format/sshadd.h"
#include "format/sshkey.h"
#include "format/sshread.h"

enum constraint {
	CONSTRAIN_LIFETIME = 1,
	CONSTRAIN_CONFIRM = 2,
	CONSTRAIN_EXTENSION = 255,
};

static gpg_error_t
bad_key(void)
{
	return gpg_error(GPG_ERR_BAD_SECKEY);
}

/* RFC 9987, 3.2.5: the seed, and the public key once more. */
static gpg_error_t
get_ed25519(struct view *v, struct ssh_private *k)
{
	struct view pair, public = pubkey_public(k->pub), rest;

	if (view_get_string(v, 64, &pair) || pair.len != 64 ||
	    view_get_bytes(&pair, 32, &k->numbers[0]) ||
	    view_get_bytes(&pair, 32, &rest) || !view_eq(rest, public))
		return bad_key();
	return 0;
}

static gpg_error_t
get_numbers(struct view *v, struct ssh_private *k)
{
	if (pubkey_algorithm(k->pub) == ALGO_ED25519)
		return get_ed25519(v, k);
	if (!algorithm_is_rsa(pubkey_algorithm(k->pub)))
		return sshread_number(v, &k->numbers[0]) ? bad_key() : 0;
	for (unsigned i = 0; i < 4; i++)
		if (sshread_number(v, &k->numbers[i]))
			return bad_key();
	return 0;
}

/* The public half: in the certificate, or where the type has it. */
static gpg_error_t
get_public(struct view *v, struct view name, struct ssh_private *k)
{
	struct ssh_cert cert;
	struct view type, public, e, n;
	gpg_error_t err;

	if (sshread_cert_type(name, &type)) {
		if (view_get_string(v, SSH_KEY_MAX, &k->certificate))
			return bad_key();
		if ((err = ssh_cert_read(&cert, k->certificate)))
			return err;
		k->pub = cert.key;
		cert.key = NULL;
		ssh_cert_free(&cert);
		if (!view_eq_str(type, pubkey_ssh_type(k->pub)))
			return bad_key();
		/* Behind an Ed25519 certificate its key stands once more. */
		if (pubkey_algorithm(k->pub) == ALGO_ED25519 &&
		    (view_get_string(v, 32, &public) ||
		    !view_eq(public, pubkey_public(k->pub))))
			return bad_key();
		return 0;
	}
	/* Unlike in a key's blob, RSA's modulus comes first here. */
	if (view_eq_str(name, "ssh-rsa")) {
		if (sshread_number(v, &n) || sshread_number(v, &e))
			return bad_key();
		return pubkey_new(&k->pub, ALGO_RSA2048, n, e);
	}
	return sshread_public(v, name, &k->pub);
}

static gpg_error_t
get_key(struct view *v, struct ssh_private *k)
{
	struct view rest = *v, name;
	gpg_error_t err;

	*k = (struct ssh_private){ 0 };
	if (view_get_string(&rest, 96, &name))
		return bad_key();
	if ((err = get_public(&rest, name, k)) ||
	    (err = get_numbers(&rest, k))) {
		ssh_private_free(k);
		return err;
	}
	k->key = view_of(v->p, (size_t)(rest.p - v->p));
	*v = rest;
	return 0;
}

gpg_error_t
ssh_private_get(struct view *v, struct ssh_private *k)
{
	struct view rest = *v;
	gpg_error_t err;

	if ((err = get_key(&rest, k)))
		return err;
	if (view_get_string(&rest, 1024, &k->comment)) {
		ssh_private_free(k);
		return bad_key();
	}
	*v = rest;
	return 0;
}

gpg_error_t
ssh_private_read(struct view v, struct ssh_private *k)
{
	gpg_error_t err;

	if ((err = get_key(&v, k)))
		return err;
	if (v.len > 0) {
		ssh_private_free(k);
		return bad_key();
	}
	return 0;
}

void
ssh_private_free(struct ssh_private *k)
{
	pubkey_free(&k->pub);
	*k = (struct ssh_private){ 0 };
}

/* ---- constraints ---- */

bool
ssh_hop_key_next(struct view *keys, struct view *blob, bool *authority)
{
	uint8_t byte;

	if (view_get_string(keys, SSH_KEY_MAX, blob) ||
	    view_get_u8(keys, &byte) || byte > 1)
		return false;
	*authority = byte;
	return true;
}

static gpg_error_t
get_hop(struct view *v, struct ssh_hop *hop)
{
	struct view all, reserved, keys, blob;
	bool authority;

	if (view_get_string(v, v->len, &all) ||
	    view_get_string(&all, 256, &hop->user) ||
	    view_get_string(&all, 256, &hop->host) ||
	    view_get_string(&all, 0, &reserved))
		return gpg_error(GPG_ERR_BAD_DATA);
	hop->keys = keys = all;
	for (unsigned n = 0; keys.len > 0; n++) {
		if (n == SSH_HOP_KEYS_MAX)
			return gpg_error(GPG_ERR_TOO_LARGE);
		if (!ssh_hop_key_next(&keys, &blob, &authority))
			return gpg_error(GPG_ERR_BAD_DATA);
	}
	return 0;
}

/*
 * From here there is neither a host nor a key; from elsewhere there are both.
 * A key goes to a host that has a name and keys, and no user comes from one.
 */
static gpg_error_t
get_pair(struct view *v, struct ssh_hop_pair *pair)
{
	struct view all, reserved;
	gpg_error_t err;

	if (view_get_string(v, v->len, &all))
		return gpg_error(GPG_ERR_BAD_DATA);
	if ((err = get_hop(&all, &pair->from)) ||
	    (err = get_hop(&all, &pair->to)))
		return err;
	if (view_get_string(&all, 0, &reserved) || all.len > 0 ||
	    (pair->from.host.len == 0) != (pair->from.keys.len == 0) ||
	    pair->from.user.len > 0 || pair->to.host.len == 0 ||
	    pair->to.keys.len == 0)
		return gpg_error(GPG_ERR_BAD_DATA);
	return 0;
}

bool
ssh_hop_pair_next(struct view *destinations, struct ssh_hop_pair *pair)
{
	return destinations->len > 0 && !get_pair(destinations, pair);
}

static gpg_error_t
get_destinations(struct view *v, struct ssh_constraints *c)
{
	struct ssh_hop_pair pair;
	struct view list;
	gpg_error_t err;

	if (c->restricted || view_get_string(v, v->len, &list) ||
	    list.len == 0)
		return gpg_error(GPG_ERR_BAD_DATA);
	c->restricted = true;
	c->destinations = list;
	for (unsigned n = 0; list.len > 0; n++) {
		if (n == SSH_DESTINATIONS_MAX)
			return gpg_error(GPG_ERR_TOO_LARGE);
		if ((err = get_pair(&list, &pair)))
			return err;
	}
	return 0;
}

static gpg_error_t
get_certs(struct view *v, struct ssh_constraints *c)
{
	struct view list, blob;
	uint8_t only;

	if (c->certs.len > 0 || view_get_u8(v, &only) || only > 1 ||
	    view_get_string(v, v->len, &list) || list.len == 0)
		return gpg_error(GPG_ERR_BAD_DATA);
	c->certs_only = only;
	c->certs = list;
	for (unsigned n = 0; list.len > 0; n++) {
		if (n == SSH_CERTS_MAX)
			return gpg_error(GPG_ERR_TOO_LARGE);
		if (view_get_string(&list, SSH_KEY_MAX, &blob) ||
		    !ssh_is_cert(blob))
			return gpg_error(GPG_ERR_BAD_DATA);
	}
	return 0;
}

static gpg_error_t
get_extension(struct view *v, struct ssh_constraints *c)
{
	struct view name;

	if (view_get_string(v, 256, &name))
		return gpg_error(GPG_ERR_BAD_DATA);
	if (view_eq_str(name, "restrict-destination-v00@openssh.com"))
		return get_destinations(v, c);
	if (view_eq_str(name, "associated-certs-v00@openssh.com"))
		return get_certs(v, c);
	return gpg_error(GPG_ERR_NOT_SUPPORTED);
}

static gpg_error_t
get_constraint(struct view *v, struct ssh_constraints *c)
{
	uint8_t type;

	if (view_get_u8(v, &type))
		return gpg_error(GPG_ERR_BAD_DATA);
	switch (type) {
	case CONSTRAIN_LIFETIME:
		if (c->lifetime_s || view_get_u32(v, &c->lifetime_s) ||
		    c->lifetime_s == 0)
			return gpg_error(GPG_ERR_BAD_DATA);
		return 0;
	case CONSTRAIN_CONFIRM:
		if (c->confirm)
			return gpg_error(GPG_ERR_BAD_DATA);
		c->confirm = true;
		return 0;
	case CONSTRAIN_EXTENSION:
		return get_extension(v, c);
	default:
		return gpg_error(GPG_ERR_NOT_SUPPORTED);
	}
}

gpg_error_t
ssh_constraints_read(struct view v, struct ssh_constraints *c)
{
	gpg_error_t err;

	*c = (struct ssh_constraints){ 0 };
	while (v.len > 0)
		if ((err = get_constraint(&v, c))) {
			*c = (struct ssh_constraints){ 0 };
			return err;
		}
	return 0;
}
