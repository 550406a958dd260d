/* OpenSSH's certificates (PROTOCOL.certkeys). */
#include "config.h"

#include <string.h>

#include "format/sshkey.h"
#include "format/sshread.h"

#define CERT_TAIL "-cert-v01@openssh.com"
#define TYPE_USER 1
#define TYPE_HOST 2
#define PRINCIPALS_MAX 256

bool
sshread_cert_type(struct view name, struct view *type)
{
	size_t tail = strlen(CERT_TAIL);

	if (name.len <= tail ||
	    memcmp(name.p + name.len - tail, CERT_TAIL, tail))
		return false;
	*type = view_of(name.p, name.len - tail);
	return true;
}

bool
ssh_is_cert(struct view blob)
{
	struct view name, type;

	return !view_get_string(&blob, 96, &name) &&
	    sshread_cert_type(name, &type);
}

/* Strings, one behind the other and nothing else, not too many. */
static bool
are_strings(struct view v)
{
	struct view s;

	for (unsigned n = 0; v.len > 0; n++)
		if (n == PRINCIPALS_MAX || view_get_string(&v, v.len, &s))
			return false;
	return true;
}

/* What stands between the key and the signature. */
static gpg_error_t
read_middle(struct view *v, struct ssh_cert *c)
{
	struct view extensions, reserved;
	uint32_t type;

	if (view_get_u64(v, &c->serial) || view_get_u32(v, &type) ||
	    (type != TYPE_USER && type != TYPE_HOST) ||
	    view_get_string(v, 1024, &c->id) ||
	    view_get_string(v, SSH_KEY_MAX, &c->principals) ||
	    !are_strings(c->principals) ||
	    view_get_u64(v, &c->after) || view_get_u64(v, &c->before) ||
	    view_get_string(v, SSH_KEY_MAX, &c->options) ||
	    view_get_string(v, SSH_KEY_MAX, &extensions) ||
	    view_get_string(v, SSH_KEY_MAX, &reserved) ||
	    view_get_string(v, SSH_KEY_MAX, &c->signer))
		return gpg_error(GPG_ERR_BAD_CERT);
	c->host = type == TYPE_HOST;
	return 0;
}

static gpg_error_t
read_cert(struct ssh_cert *c, struct view blob)
{
	struct view v = blob, name, type, nonce, signature;
	gpg_error_t err;

	if (blob.len > SSH_KEY_MAX || view_get_string(&v, 96, &name) ||
	    !sshread_cert_type(name, &type) || view_get_string(&v, 64, &nonce))
		return gpg_error(GPG_ERR_BAD_CERT);
	if ((err = sshread_public(&v, type, &c->key)) ||
	    (err = read_middle(&v, c)) ||
	    /* An authority is a plain key, never a certificate. */
	    (err = pubkey_from_ssh(&c->authority, c->signer)))
		return err;
	blob.len = (size_t)(v.p - blob.p);
	if (view_get_string(&v, 1024, &signature) || v.len > 0)
		return gpg_error(GPG_ERR_BAD_CERT);
	return ssh_verify(c->authority, blob, signature);
}

gpg_error_t
ssh_cert_read(struct ssh_cert *c, struct view blob)
{
	gpg_error_t err;

	*c = (struct ssh_cert){ 0 };
	if ((err = read_cert(c, blob)))
		ssh_cert_free(c);
	return err;
}

void
ssh_cert_free(struct ssh_cert *c)
{
	pubkey_free(&c->key);
	pubkey_free(&c->authority);
	*c = (struct ssh_cert){ 0 };
}

/* Goes back to the last * only, so that no pattern costs more than m * n. */
bool
ssh_pattern_matches(struct view p, struct view s)
{
	size_t i = 0, j = 0, star = p.len, mark = 0;

	while (j < s.len) {
		if (i < p.len && p.p[i] == '*') {
			star = i++;
			mark = j;
		} else if (i < p.len && (p.p[i] == '?' ||
		    p.p[i] == s.p[j])) {
			i++;
			j++;
		} else if (star < p.len) {
			i = star + 1;
			j = ++mark;
		} else {
			return false;
		}
	}
	while (i < p.len && p.p[i] == '*')
		i++;
	return i == p.len;
}

bool
ssh_cert_is_a_hosts(const struct ssh_cert *c, uint64_t now)
{
	return c->host && c->options.len == 0 && now >= c->after &&
	    now < c->before;
}

bool
ssh_cert_is_for_host(const struct ssh_cert *c, struct view name, uint64_t now)
{
	struct view list = c->principals, one;

	if (!ssh_cert_is_a_hosts(c, now))
		return false;
	if (list.len == 0)
		return true;
	while (!view_get_string(&list, list.len, &one))
		if (ssh_pattern_matches(one, name))
			return true;
	return false;
}
