/*
 * What SSH clients have signed: logins (RFC 4252, section 7, and
 * publickey-hostbound-v00@openssh.com) and SSHSIG (OpenSSH's PROTOCOL and
 * PROTOCOL.sshsig).
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "object/read.h"

#define USERAUTH_REQUEST 50
#define CERT_TAIL "-cert-v01@openssh.com"

bool
userauth_claimed(struct view v)
{
	struct view s;
	uint8_t type;

	return !view_get_string(&v, v.len, &s) && !view_get_u8(&v, &type) &&
	    type == USERAUTH_REQUEST && !view_get_string(&v, v.len, &s) &&
	    !view_get_string(&v, v.len, &s);
}

bool
sshsig_claimed(struct view v)
{
	return view_starts(v, "SSHSIG");
}

/* Whether the name is `type` and `tail`. */
static bool
is_joined(struct view name, struct view type, const char *tail)
{
	return name.len == type.len + strlen(tail) &&
	    (type.len == 0 || !memcmp(name.p, type.p, type.len)) &&
	    !memcmp(name.p + type.len, tail, strlen(tail));
}

/*
 * Whether the blob is the key, or a certificate of it, which holds the key's
 * numbers behind its own type and a nonce.
 */
static bool
is_key(struct view blob, struct view key)
{
	struct view type, cert_type, nonce;

	if (view_eq(blob, key))
		return true;
	if (view_get_string(&key, 64, &type) ||
	    view_get_string(&blob, 96, &cert_type) ||
	    !is_joined(cert_type, type, CERT_TAIL) ||
	    view_get_string(&blob, 64, &nonce))
		return false;
	return key.len > 0 && blob.len > key.len &&
	    !memcmp(blob.p, key.p, key.len);
}

/* Whether a key or certificate signs by that algorithm (RFC 8332 for RSA). */
static bool
is_algorithm(struct view name, struct view blob)
{
	const char *tail = "";
	struct view type;

	if (view_get_string(&blob, 96, &type))
		return false;
	if (view_eq_str(type, "ssh-rsa" CERT_TAIL))
		tail = CERT_TAIL;
	else if (!view_eq_str(type, "ssh-rsa"))
		return view_eq(name, type);
	return is_joined(name, view_str("rsa-sha2-256"), tail) ||
	    is_joined(name, view_str("rsa-sha2-512"), tail);
}

struct userauth {
	struct view session, user, algorithm, key, host;
	bool bound;
};

static gpg_error_t
read_fields(struct view v, struct userauth *u, const char **why)
{
	struct view service, method;
	uint8_t type, has_signature;

	if (view_get_string(&v, 64, &u->session) || u->session.len < 20 ||
	    view_get_u8(&v, &type) || type != USERAUTH_REQUEST ||
	    view_get_string(&v, 256, &u->user) ||
	    view_get_string(&v, 64, &service) ||
	    view_get_string(&v, 64, &method))
		return object_bad(why, "the ssh login is malformed");
	if (!view_eq_str(service, "ssh-connection"))
		return object_bad(why, "the ssh login is to another service");
	u->bound = view_eq_str(method, "publickey-hostbound-v00@openssh.com");
	if (!u->bound && !view_eq_str(method, "publickey"))
		return object_bad(why, "the ssh login is by another method");
	if (view_get_u8(&v, &has_signature) || has_signature != 1 ||
	    view_get_string(&v, 96, &u->algorithm) ||
	    view_get_string(&v, 16384, &u->key) ||
	    (u->bound && (view_get_string(&v, 16384, &u->host) ||
	    u->host.len == 0)) || v.len > 0)
		return object_bad(why, "the ssh login is malformed");
	return 0;
}

gpg_error_t
userauth_read(struct object *o, struct view key, const char **why)
{
	struct userauth u = { .bound = false };
	gpg_error_t err;

	if ((err = read_fields(o->bytes, &u, why)))
		return err;
	if (!is_key(u.key, key))
		return object_bad(why, "the ssh login names another key");
	if (!is_algorithm(u.algorithm, u.key))
		return object_bad(why,
		    "the ssh login's algorithm is not one of the key");

	o->user = u.user;
	o->session = u.session;
	o->host_key = u.host;
	name_add(o, "ssh login as ");
	name_add_word(o, u.user, 96);
	if (!u.bound)
		return 0;
	name_add(o, " to host ");
	return name_add_fingerprint(o, u.host);
}

void
object_name_login(struct object *o, const char *host)
{
	o->summary[0] = 0;
	name_add(o, "ssh login as ");
	name_add_word(o, o->user, 96);
	name_add(o, " at ");
	name_add(o, host);
}

static bool
hash_fits(struct view name, struct view hash)
{
	return (view_eq_str(name, "sha256") && hash.len == 32) ||
	    (view_eq_str(name, "sha512") && hash.len == 64);
}

gpg_error_t
sshsig_read(struct object *o, const char **why)
{
	struct view v = o->bytes, space, reserved, name, hash;

	if (!scan_word(&v, "SSHSIG") || view_get_string(&v, 256, &space) ||
	    view_get_string(&v, 0, &reserved) ||
	    view_get_string(&v, 16, &name) ||
	    view_get_string(&v, 64, &hash) || v.len > 0)
		return object_bad(why, "the SSHSIG is malformed");
	if (space.len == 0)
		return object_bad(why, "the SSHSIG has no namespace");
	if (!hash_fits(name, hash))
		return object_bad(why, "the SSHSIG's hash is unknown");

	name_add(o, "SSHSIG in namespace ");
	name_add_text(o, space, 128);
	return 0;
}

gpg_error_t
ssh_hash_read(struct object *o, const char **why)
{
	char hex[2 * 64 + 1] = "";
	gpg_error_t err;

	/* What could be read elsewhere is no more a hash than a blob. */
	if ((err = blob_read(o, false, why)))
		return err;
	o->old_openpgp = blob_is_old_openpgp(o->bytes);
	for (size_t i = 0; i < o->bytes.len; i++)
		snprintf(hex + 2 * i, 3, "%02x", o->bytes.p[i]);
	o->summary[0] = 0;
	name_add(o, "key exchange of an SSH host, or another hash, ");
	name_add(o, hex);
	return 0;
}
