/* touchstone keys attest, attest verify: proof of where a key was made. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/cmd-list.h"
#include "client/key.h"
#include "client/roots.h"
#include "format/ssh.h"

/* What was proved, and how it is called here. */
struct proof {
	struct attestation a;
	char name[80];		/* "" where nobody has named it */
	char id[2 * PUBKEY_ID_LEN + 1];
	char ssh[64];
	const char *file;	/* exported to; NULL */
};

static gpg_error_t
verify(struct call *c, const struct attest_certs *chain,
    const struct pubkey *key, struct proof *p)
{
	struct attest_certs *roots;
	char why[ATTEST_WHY];
	gpg_error_t err;

	if ((err = roots_load(c, &roots)))
		return err;
	if ((err = attest_verify(chain, roots, (uint64_t)time(NULL), key,
	    &p->a, why)))
		call_problem(c, err, "the attestation is refused: %s", why);
	attest_certs_free(&roots);
	return err;
}

static gpg_error_t
name_key(struct call *c, struct proof *p)
{
	struct view id = pubkey_id(p->a.key);
	gpg_error_t err;

	for (size_t i = 0; i < id.len; i++)
		snprintf(p->id + 2 * i, 3, "%02x", id.p[i]);
	if ((err = ssh_fingerprint(p->a.key, p->ssh)))
		call_problem(c, err, "the key has no SSH fingerprint: %s",
		    gpg_strerror(err));
	return err;
}

static json_t *
proof_json(const struct proof *p)
{
	const struct attestation *a = &p->a;
	char firmware[16], slot[3] = "";

	snprintf(firmware, sizeof(firmware), "%u.%u.%u", a->firmware[0],
	    a->firmware[1], a->firmware[2]);
	if (a->slot)
		snprintf(slot, sizeof(slot), "%02x", a->slot);
	return json_pack(
	    "{s:b,s:o,s:s,s:s,s:s,s:I,s:s,s:s,s:b,s:o,s:s,s:s,s:s,s:b,s:o}",
	    "verified", true,
	    "name", json_text(p->name),
	    "id", p->id,
	    "ssh_fingerprint", p->ssh,
	    "algorithm", algorithm_name(pubkey_algorithm(a->key)),
	    "serial", (json_int_t)a->serial,
	    "firmware", firmware,
	    "form_factor", attest_form_words(a->form_factor),
	    "fips", !!(a->form_factor & ATTEST_FORM_FIPS),
	    "slot", json_text(slot),
	    "pin_policy", attest_pin_words(a->pin),
	    "touch_policy", attest_touch_words(a->touch),
	    "root", a->root,
	    "weak", attest_is_weak(a),
	    "file", json_text(p->file));
}

static void
print_proof(const struct proof *p)
{
	const struct attestation *a = &p->a;

	printf("The key was made on this device, which never gives it out.\n");
	if (p->name[0])
		printf("  %-12s %s\n", "key", p->name);
	printf("  %-12s %s\n", "id", p->id);
	printf("  %-12s %s\n", "SSH", p->ssh);
	printf("  %-12s %s\n", "algorithm",
	    algorithm_name(pubkey_algorithm(a->key)));
	printf("  %-12s YubiKey %" PRIu32 ", %s%s, firmware %u.%u.%u\n",
	    "device", a->serial, attest_form_words(a->form_factor),
	    a->form_factor & ATTEST_FORM_FIPS ? ", FIPS" : "",
	    a->firmware[0], a->firmware[1], a->firmware[2]);
	if (a->slot)
		printf("  %-12s %02x\n", "slot", a->slot);
	printf("  %-12s %s\n", "PIN", attest_pin_words(a->pin));
	printf("  %-12s %s\n", "touch", attest_touch_words(a->touch));
	printf("  %-12s \"%s\"\n", "verified by", a->root);
	if (p->file)
		printf("Others check it: touchstone attest verify %s\n",
		    p->file);
}

static int
report(struct call *c, const struct proof *p)
{
	if (attest_is_weak(&p->a))
		say("warning: RSA keys made by this firmware can be computed "
		    "from their public half (CVE-2017-15361): make a key of "
		    "another kind");
	if (c->json)
		return call_print(c, proof_json(p));
	print_proof(p);
	return call_done(c);
}

/* Of several that hold a key at most one made it. */
static const struct key_holder *
maker(const struct key_info *k)
{
	for (size_t i = 0; i < k->holder_count; i++)
		if (k->holders[i].origin == KEY_ORIGIN_GENERATED)
			return &k->holders[i];
	return key_first(k);
}

/* The card's certificates, the key's first. */
static gpg_error_t
ask(struct call *c, const struct key_info *k, struct attest_certs **chain)
{
	const struct key_holder *h = maker(k);
	struct msg_attest in = { .key = view_str(k->hex),
		.token = view_str(h->serial) };
	struct msg_progress done;
	gpg_error_t err;

	if (k->holder_count == 0)
		return call_problem(c, GPG_ERR_CARD_NOT_PRESENT, "the token "
		    "of this key is not here");
	if (h->origin == KEY_ORIGIN_IMPORTED)
		return call_problem(c, GPG_ERR_BAD_CERT, "the key was "
		    "imported: no device can tell where else it is");
	if ((err = call_follow(c, MSG_attest, &in, &done)))
		return err;
	if ((err = attest_certs_add(chain, done.result)))
		return call_problem(c, err, "what the token gives is no "
		    "attestation: %s", gpg_strerror(err));
	return 0;
}

/* What the device proves must be what we see of it. */
static gpg_error_t
compare(struct call *c, const struct key_info *k, const struct proof *p)
{
	const struct key_holder *h = maker(k);
	char serial[16];

	snprintf(serial, sizeof(serial), "%" PRIu32, p->a.serial);
	if (strcmp(serial, h->serial))
		return call_problem(c, GPG_ERR_BAD_CERT, "the attestation is "
		    "refused: it is of a device with the serial %s, and this "
		    "one has %s", serial, h->serial);
	return 0;
}

static gpg_error_t
export(struct call *c, struct proof *p)
{
	struct buf pem;
	gpg_error_t err;

	p->file = call_option(c, "export");
	if (!p->file)
		return 0;
	buf_init(&pem, ATTEST_FILE_MAX);
	if ((err = attest_certs_put(p->a.path, &pem)) ||
	    (err = paths_write(p->file, buf_view(&pem))))
		call_problem(c, err, "%s cannot be written: %s", p->file,
		    gpg_strerror(err));
	buf_free(&pem);
	return err;
}

static int
run_attest(struct call *c)
{
	struct attest_certs *chain = NULL;
	struct key_info *k = NULL;
	struct proof p = { .file = NULL };
	gpg_error_t err;
	int status;

	if (!(err = call_connect(c, CONNECT_START | CONNECT_HERE)) &&
	    !(err = keys_fetch_one(c, call_arg(c, 0), true, &k)) &&
	    !(err = ask(c, k, &chain)) &&
	    !(err = verify(c, chain, k->pub, &p)) &&
	    !(err = compare(c, k, &p)) &&
	    !(err = name_key(c, &p)))
		err = export(c, &p);
	if (!err)
		snprintf(p.name, sizeof(p.name), "%s", k->name);
	status = err ? call_fail(c, err) : report(c, &p);
	attestation_free(&p.a);
	attest_certs_free(&chain);
	keys_free(&k, 1);
	return status;
}

static const struct option_row attest_options[] = {
	{ "root", 0, "FILE", "the maker's root (PEM); see the manual" },
	{ "export", 0, "FILE", "write the proof for others to check" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_keys_attest = {
	"keys", "attest", "KEY", 1, 1,
	"Prove that a key was made on its token, and what it asks for",
	attest_options, run_attest,
};

/* --key: the attested key must be this one. */
static gpg_error_t
compare_named(struct call *c, const struct proof *p)
{
	const char *want = call_option(c, "key");

	if (!want || !strcasecmp(want, p->id) || !strcmp(want, p->ssh))
		return 0;
	return call_problem(c, GPG_ERR_BAD_PUBKEY, "the attestation is good, "
	    "but of another key: %s, %s", p->ssh, p->id);
}

static int
run_verify(struct call *c)
{
	struct attest_certs *chain = NULL;
	struct proof p = { .file = NULL };
	gpg_error_t err;
	int status;

	if (!(err = roots_read(c, call_arg(c, 0), &chain)) &&
	    !(err = verify(c, chain, NULL, &p)) &&
	    !(err = name_key(c, &p)))
		err = compare_named(c, &p);
	status = err ? call_fail(c, err) : report(c, &p);
	attestation_free(&p.a);
	attest_certs_free(&chain);
	return status;
}

static const struct option_row verify_options[] = {
	{ "root", 0, "FILE", "the maker's root (PEM); see the manual" },
	{ "key", 0, "KEY", "it must be this key: its id, or SHA256:..." },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_attest_verify = {
	"attest", "verify", "FILE", 1, 1,
	"Check a proof that keys attest has exported", verify_options,
	run_verify,
};
