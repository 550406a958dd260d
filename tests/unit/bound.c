/* Bindings with signatures as hosts make them. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "bound.h"

void
host_make(struct host *h)
{
	h->evp = softkey_new(ALGO_ED25519);
	if (!h->evp || !(h->pub = softkey_public(h->evp)))
		abort();
	buf_init(&h->cert, SSH_KEY_MAX);
}

void
host_certify(struct host *h, const struct host *authority,
    const char *principal, uint64_t before)
{
	struct softssh_cert cert = { .type = 2, .id = "host",
		.principals = { principal }, .before = before };

	buf_reset(&h->cert);
	softssh_put_cert(&h->cert, h->evp, authority->evp, &cert);
}

void
host_free(struct host *h)
{
	EVP_PKEY_free(h->evp);
	pubkey_free(&h->pub);
	buf_free(&h->cert);
}

struct view
host_blob(const struct host *h)
{
	return buf_len(&h->cert) > 0 ? buf_view(&h->cert) :
	    pubkey_ssh(h->pub);
}

struct view
session_id(char room[32], int n)
{
	snprintf(room, 32, "session of the tests %08d", n);
	return view_str(room);
}

gpg_error_t
bind_to(struct bindings *all, const struct host *h, int n, bool forwarded)
{
	char room[32];
	struct msg_ssh_bind in = { .host_key = host_blob(h),
		.session = session_id(room, n), .forwarded = forwarded };
	const char *why;
	struct buf sig;
	gpg_error_t err;

	buf_init(&sig, 2048);
	softssh_put_signature(&sig, h->evp, in.session, 0);
	in.signature = buf_view(&sig);
	err = bind_add(all, &in, &why);
	if (!err != !why)
		abort();
	buf_free(&sig);
	return err;
}
