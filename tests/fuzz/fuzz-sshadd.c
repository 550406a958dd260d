/*
 * What SSH clients send, out of arbitrary bytes.  The first byte chooses what
 * the rest is: 0 a private key and constraints behind it, 1 constraints, 2 a
 * certificate, 3 a key's blob, and a signature behind it.
 */
#include "config.h"

#include <stdlib.h>

#include "format/ssh.h"
#include "format/sshadd.h"
#include "format/sshkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool condition)
{
	if (!condition)
		abort();
}

/* What was read once is read again by the iterators, to its end. */
static void
walk(const struct ssh_constraints *c)
{
	struct view list = c->destinations, keys, blob;
	struct ssh_hop_pair pair;
	bool authority;

	must(c->restricted == (list.len > 0));
	while (ssh_hop_pair_next(&list, &pair)) {
		keys = pair.from.keys;
		while (ssh_hop_key_next(&keys, &blob, &authority))
			;
		must(keys.len == 0);
		keys = pair.to.keys;
		must(keys.len > 0 && pair.to.host.len > 0);
		while (ssh_hop_key_next(&keys, &blob, &authority))
			ssh_pattern_matches(pair.to.user, blob);
		must(keys.len == 0);
	}
	must(list.len == 0);
	for (list = c->certs; list.len > 0;)
		must(!view_get_string(&list, SSH_KEY_MAX, &blob) &&
		    ssh_is_cert(blob));
}

static void
take_constraints(struct view v)
{
	struct ssh_constraints c;

	if (!ssh_constraints_read(v, &c))
		walk(&c);
	else
		must(!c.restricted && !c.confirm && c.certs.len == 0);
}

static void
take_private(struct view v)
{
	struct view all = v, again;
	struct ssh_private k, same;

	if (ssh_private_get(&v, &k)) {
		must(!k.pub && v.len == all.len);
		return;
	}
	must(k.pub && k.key.p == all.p && k.key.len < all.len);
	again = view_of(all.p, all.len - v.len);
	must(!ssh_private_get(&again, &same) && again.len == 0);
	must(view_eq(pubkey_id(k.pub), pubkey_id(same.pub)));
	ssh_private_free(&same);
	ssh_private_free(&k);
	take_constraints(v);
}

static void
take_cert(struct view v)
{
	struct ssh_cert c;

	if (ssh_cert_read(&c, v)) {
		must(!c.key && !c.authority);
		return;
	}
	must(ssh_is_cert(v) && c.key && c.authority);
	ssh_cert_is_for_host(&c, c.id, c.after);
	ssh_cert_free(&c);
}

static void
take_signature(struct view v)
{
	struct view blob;
	struct pubkey *key;

	if (view_get_string(&v, SSH_KEY_MAX, &blob) ||
	    pubkey_from_ssh(&key, blob))
		return;
	/* RSA's numbers may have leading zeros; the rest has one form. */
	must(pubkey_exponent(key).len > 0 || view_eq(pubkey_ssh(key), blob));
	ssh_verify(key, view_str("data"), v);
	pubkey_free(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);
	uint8_t what;

	if (view_get_u8(&v, &what))
		return 0;
	if (what == 0)
		take_private(v);
	else if (what == 1)
		take_constraints(v);
	else if (what == 2)
		take_cert(v);
	else if (what == 3)
		take_signature(v);
	return 0;
}
