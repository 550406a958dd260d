/* touchstone keys generate: a new key on a token. */
#include "config.h"

#include <stdio.h>

#include "client/cmd-list.h"
#include "client/enrol.h"
#include "client/make.h"

/* Where the key goes: the token that is named, or the only one. */
struct target {
	char module[65], token[129];
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
	    !(err = make_key(c, to.module, to.token, name, algorithm, &k)) &&
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
	{ "algorithm", 0, "ALGORITHM", "P-256, P-384, Ed25519, RSA-2048 ..." },
	{ "user-id", 'u', "TEXT", "whose key it is; as git has it" },
	{ "import", 0, NULL, "import its certificate into the keyring" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_keys_generate = {
	"keys", "generate", "", 0, 0,
	"Make a key on a token, and its OpenPGP certificate", options,
	run_generate,
};
