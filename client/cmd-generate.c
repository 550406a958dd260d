/* touchstone keys generate: a new key on a token. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/cmd-list.h"
#include "client/enrol.h"
#include "client/make.h"
#include "client/slot.h"

/* Where the key goes: the token that is named, or the only one. */
struct target {
	char module[65], token[129];
	char serial[65];
	bool piv;
	size_t count;
};

static bool
is_meant(const char *want, struct view have)
{
	return !want || view_eq_str(have, want);
}

static gpg_error_t
find_target(struct call *c, struct target *to)
{
	const char *module = call_option(c, "module");
	const char *token = call_option(c, "token");
	struct msg_status_answer a;
	struct msg_module_status m;
	struct msg_token t;
	gpg_error_t err;

	if ((err = call_ask(c, MSG_status, NULL, &a)))
		return err;
	while (msg_list_next(&a.modules, MSG_module_status, &m))
		while (msg_list_next(&m.tokens, MSG_token, &t)) {
			if ((t.flags & TOKEN_EMPTY) ||
			    !is_meant(module, m.name) ||
			    !is_meant(token, t.label))
				continue;
			to->count++;
			snprintf(to->module, sizeof(to->module), "%.*s",
			    (int)m.name.len, (const char *)m.name.p);
			snprintf(to->token, sizeof(to->token), "%.*s",
			    (int)t.label.len, (const char *)t.label.p);
			snprintf(to->serial, sizeof(to->serial), "%.*s",
			    (int)t.serial.len, (const char *)t.serial.p);
			to->piv = view_eq_str(m.type, "piv");
		}
	if (to->count == 1)
		return 0;
	return call_problem(c, to->count ? GPG_ERR_AMBIGUOUS_NAME :
	    GPG_ERR_NOT_FOUND, "%s: give --module and --token; \"touchstone "
	    "status\" lists them", to->count ? "there are several tokens" :
	    "there is no such token");
}

static gpg_error_t
refuse_known(struct call *c, const char *name)
{
	struct key_info *keys;
	gpg_error_t err;
	size_t count;

	if ((err = keys_fetch(c, "", true, &keys, &count)))
		return err;
	for (size_t i = 0; i < count && !err; i++)
		if (view_eq_str(view_str(keys[i].name), name))
			err = call_problem(c, GPG_ERR_CONFLICT, "there is a "
			    "key named \"%s\" already: give another --name",
			    name);
	keys_free(&keys, count);
	return err;
}

/* On a YubiKey as set-up does it, but into a slot that is named or free. */
static gpg_error_t
plan_slot(struct call *c, const struct target *to, struct make_plan *plan,
    char overwritten[3])
{
	const char *overwrite = call_option(c, "overwrite");
	gpg_error_t err;

	plan->slot = call_option(c, "slot");
	if ((err = make_policies(c, &plan->pin_policy, &plan->touch_policy)))
		return err;
	if (!to->piv)
		return plan->slot || overwrite || plan->pin_policy ||
		    plan->touch_policy ? call_problem(c, GPG_ERR_INV_ARG,
		    "slots and policies are for YubiKeys; \"%s\" is none",
		    to->token) : 0;
	if (!overwrite) {
		plan->slot = plan->slot ? plan->slot : SLOT_DEFAULT;
		return make_check_slot(c, plan->slot);
	}
	if ((err = slot_overwritten(c, overwrite, to->serial, plan->slot,
	    overwritten)))
		return err;
	plan->slot = plan->overwrite = overwritten;
	return 0;
}

/*
 * What an interrupted run has left: a key as is wanted, made on this card,
 * with no certificate and no name.
 */
static bool
is_unfinished(const struct key_info *k, const struct target *to,
    const struct make_plan *plan)
{
	const struct key_holder *h = key_on_card(k, to->module, to->serial,
	    plan->slot);
	uint8_t pin = plan->pin_policy ? plan->pin_policy : PIN_POLICY_ONCE;
	uint8_t touch = plan->touch_policy ? plan->touch_policy :
	    TOUCH_POLICY_ALWAYS;

	return h && !k->name[0] && k->created == 0 &&
	    h->origin == KEY_ORIGIN_GENERATED &&
	    !strcmp(k->algorithm, plan->algorithm) &&
	    h->pin_policy == pin && h->touch_policy == touch;
}

static gpg_error_t
find_unfinished(struct call *c, const struct target *to,
    const struct make_plan *plan, struct key_info **out)
{
	struct key_info *keys;
	gpg_error_t err;
	size_t count;

	if ((err = keys_fetch(c, "", true, &keys, &count)))
		return err;
	for (size_t i = 0; i < count && !*out && !err; i++)
		if (is_unfinished(&keys[i], to, plan))
			err = keys_fetch_one(c, keys[i].hex, false, out);
	keys_free(&keys, count);
	return err;
}

static gpg_error_t
make_in_slot(struct call *c, const struct target *to,
    const struct make_plan *plan, struct key_info **k)
{
	gpg_error_t err;

	if (!plan->overwrite && (err = find_unfinished(c, to, plan, k)))
		return err;
	if (*k) {
		say("slot %s of %s has a key without a certificate, which is "
		    "used", plan->slot, to->token);
		return 0;
	}
	err = make_key(c, plan, k);
	if (gpg_err_code(err) != GPG_ERR_EEXIST)
		return err;
	return call_problem(c, GPG_ERR_CONFLICT, "slot %s of %s is in use, or "
	    "may be: \"touchstone setup --slot %s --name %s\" uses the key "
	    "that is there, --overwrite %s@%s makes another in its place",
	    plan->slot, to->token, plan->slot, plan->name, plan->slot,
	    to->serial);
}

static gpg_error_t
generate(struct call *c, const struct target *to, const char *name,
    const char *algorithm, struct key_info **k)
{
	struct make_plan plan = { .module = to->module, .token = to->token,
		.name = name, .algorithm = algorithm };
	char overwritten[3];
	gpg_error_t err;
	bool certified;

	if ((err = plan_slot(c, to, &plan, overwritten)))
		return err;
	if (!to->piv)
		return make_key(c, &plan, k);
	if ((err = make_in_slot(c, to, &plan, k)))
		return err;
	return slot_certify(c, call_option(c, "user-id"), k, &certified);
}

static int
report(struct call *c, const struct key_info *k, const struct enrolment *e)
{
	if (c->json)
		return call_print(c, key_json(k));
	printf("%s %s %s\n", e->record->name, k->algorithm, e->fingerprint);
	return call_done(c);
}

static int
run_generate(struct call *c)
{
	const char *name = call_option(c, "name"), *algorithm;
	struct target to = { .count = 0 };
	struct key_info *k = NULL;
	struct enrolment e = { 0 };
	gpg_error_t err;
	int status;

	if (!name)
		err = call_problem(c, GPG_ERR_INV_ARG, "give the key a "
		    "--name");
	else if (!(algorithm = make_algorithm(c, call_option(c,
	    "algorithm"))))
		err = gpg_error(GPG_ERR_INV_ARG);
	else if (!(err = make_check_name(c, name)) &&
	    !(err = enrol_check_user_id(c, call_option(c, "user-id"))) &&
	    !(err = call_connect(c, CONNECT_START | CONNECT_HERE)) &&
	    !(err = refuse_known(c, name)) &&
	    !(err = find_target(c, &to)) &&
	    !(err = generate(c, &to, name, algorithm, &k)) &&
	    !(err = enrol_record(c, k, name, call_option(c, "user-id"), &e))) {
		keys_free(&k, 1);
		err = keys_fetch_one(c, name, false, &k);
	}
	if (!err && call_option(c, "import"))
		err = enrol_import(c, &e);
	status = err ? call_fail(c, err) : report(c, k, &e);
	enrol_free(&e);
	keys_free(&k, 1);
	return status;
}

static const struct option_row options[] = {
	{ "name", 0, "NAME", "the key's name" },
	{ "module", 0, "MODULE", "the token's module; the only one" },
	{ "token", 0, "TOKEN", "the token's label; the only one" },
	{ "algorithm", 0, "ALGORITHM", "P-256, P-384, P-521, Ed25519, ..." },
	{ "slot", 0, "SLOT", "of a YubiKey: 9a, 9c, 9d, 9e, 82 to 95; 9c" },
	{ "pin-policy", 0, "WHEN", "never, once, always; once" },
	{ "touch-policy", 0, "WHEN", "never, cached, always; always" },
	{ "overwrite", 0, "SLOT@SERIAL", "replace the key in this slot" },
	{ "user-id", 'u', "TEXT", "whose key it is; as git has it" },
	{ "import", 0, NULL, "import its certificate into the keyring" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_keys_generate = {
	"keys", "generate", "", 0, 0,
	"Make a key on a token, and its OpenPGP certificate", options,
	run_generate,
};
