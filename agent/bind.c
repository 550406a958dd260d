/* What a connection is bound to; checks before what is costly what is not. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "hosts.h"

static void
binding_free(struct binding *b)
{
	if (!b)
		return;
	ssh_cert_free(&b->cert);
	names_free(&b->names);
	free(b);
}

void
bind_clear(struct bindings *all)
{
	for (unsigned i = 0; i < all->count; i++)
		binding_free(all->list[i]);
	*all = (struct bindings){ .count = 0 };
}

/* With copies of key and session behind it. */
static struct binding *
binding_new(const struct msg_ssh_bind *in)
{
	struct binding *b;
	uint8_t *room;

	if (!(b = calloc(1, sizeof(*b) + in->host_key.len + in->session.len)))
		return NULL;
	room = (uint8_t *)(b + 1);
	memcpy(room, in->host_key.p, in->host_key.len);
	b->host_key = view_of(room, in->host_key.len);
	room += in->host_key.len;
	memcpy(room, in->session.p, in->session.len);
	b->session = view_of(room, in->session.len);
	b->forwarded = in->forwarded != 0;
	b->is_cert = ssh_is_cert(b->host_key);
	return b;
}

/* That the key, or the one that is certified, signed the session's id. */
static gpg_error_t
check_signature(struct binding *b, struct view signature)
{
	struct pubkey *key;
	gpg_error_t err;

	if (b->is_cert) {
		if ((err = ssh_cert_read(&b->cert, b->host_key)))
			return err;
		return ssh_verify(b->cert.key, b->session, signature);
	}
	if ((err = pubkey_from_ssh(&key, b->host_key)))
		return err;
	err = ssh_verify(key, b->session, signature);
	pubkey_free(&key);
	return err;
}

/* Whether it is there already; *why: it must not be there. */
static bool
is_known(const struct bindings *all, const struct msg_ssh_bind *in,
    const char **why)
{
	for (unsigned i = 0; i < all->count; i++) {
		const struct binding *b = all->list[i];

		if (!b->forwarded)
			*why = "the connection is bound to a login already";
		else if (!view_eq(b->session, in->session))
			continue;
		else if (!view_eq(b->host_key, in->host_key))
			*why = "the session is bound to another host key";
		return true;
	}
	return false;
}

static gpg_error_t
add(struct bindings *all, const struct msg_ssh_bind *in, const char **why)
{
	struct binding *b;
	bool known;

	known = is_known(all, in, why);
	if (!*why && (in->session.len < 16 || in->host_key.len == 0))
		*why = "the binding names no session or no host key";
	else if (!*why && !known && all->count == BINDINGS_MAX)
		*why = "the connection is bound to too many sessions";
	else if (!*why && all->checks == BINDING_CHECKS)
		*why = "the connection was bound too often";
	if (*why)
		return gpg_error(GPG_ERR_FORBIDDEN);
	if (!(b = binding_new(in)))
		return gpg_error(GPG_ERR_ENOMEM);
	all->checks++;
	if (check_signature(b, in->signature)) {
		binding_free(b);
		*why = "the host key did not sign the session that is to be "
		    "bound";
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	}
	if (known)
		binding_free(b);
	else
		all->list[all->count++] = b;
	return 0;
}

gpg_error_t
bind_add(struct bindings *all, const struct msg_ssh_bind *in,
    const char **why)
{
	gpg_error_t err;

	*why = NULL;
	err = add(all, in, why);
	if (err && !*why)
		*why = gpg_strerror(err);
	all->refused |= err != 0;
	return err;
}

bool
bind_is_forwarded(const struct bindings *all)
{
	for (unsigned i = 0; i < all->count; i++)
		if (all->list[i]->forwarded)
			return true;
	return false;
}

const struct binding *
bind_last(const struct bindings *all)
{
	return all->count > 0 ? all->list[all->count - 1] : NULL;
}
