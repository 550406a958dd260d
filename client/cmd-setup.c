/* touchstone setup: from nothing to a key that git signs with. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd-list.h"
#include "client/enrol.h"
#include "client/images.h"
#include "client/make.h"
#include "client/run.h"
#include "client/slot.h"
#include "client/soft.h"
#include "client/yubikey.h"

#define GIT_PROGRAM BINDIR "/touchstone-gpg"

struct setup {
	const char *name, *algorithm, *user_id;
	bool soft;
	struct yubikey yubikey;		/* if not soft */
	char slot[3];			/* of it, where a key is looked for */
	bool files_made, token_made, key_made, certified, git_set;
	struct key_info *key;
	struct enrolment enrolment;
	struct images images;
};

/* What the module "soft" has: the token, or room for it. */
static gpg_error_t
look_for_token(struct call *c, bool *there)
{
	struct msg_status_answer a;
	struct msg_module_status m;
	struct msg_token t;
	gpg_error_t err;

	*there = false;
	if ((err = call_ask(c, MSG_status, NULL, &a)))
		return err;
	while (msg_list_next(&a.modules, MSG_module_status, &m)) {
		if (!view_eq_str(m.name, SOFT_MODULE))
			continue;
		if (m.problem.len > 0)
			return call_problem(c, GPG_ERR_GENERAL, "%.*s",
			    (int)m.problem.len, (const char *)m.problem.p);
		while (msg_list_next(&m.tokens, MSG_token, &t))
			if (view_eq_str(t.label, SOFT_TOKEN) &&
			    !(t.flags & TOKEN_EMPTY))
				*there = true;
		return 0;
	}
	return call_problem(c, GPG_ERR_NOT_FOUND, "the agent does not know "
	    "the module \"" SOFT_MODULE "\": is it another's? \"touchstone "
	    "status\" tells which configuration it reads");
}

static gpg_error_t
make_token(struct call *c, struct setup *s)
{
	struct msg_token_init ask = {
		.module = view_str(SOFT_MODULE),
		.label = view_str(SOFT_TOKEN),
	};
	struct msg_progress done;
	struct key_info *keys;
	gpg_error_t err;
	size_t count;
	bool there;

	/* This asks the tokens; the status then tells what they said. */
	if ((err = keys_fetch(c, "", true, &keys, &count)))
		return err;
	keys_free(&keys, count);
	if ((err = look_for_token(c, &there)) || there)
		return err;
	/* Before the PIN is asked for: not for a key that cannot be made. */
	if ((err = enrol_check_user_id(c, s->user_id)) ||
	    (err = call_follow(c, MSG_token_init, &ask, &done)))
		return err;
	s->token_made = true;
	return 0;
}

/* Whether the key that is there is one as was asked for. */
static gpg_error_t
check_algorithm(struct call *c, const struct setup *s)
{
	if (!call_option(c, "algorithm") ||
	    !strcmp(s->key->algorithm, s->algorithm))
		return 0;
	return call_problem(c, GPG_ERR_CONFLICT, "the key \"%s\" is there "
	    "and is %s: leave out --algorithm to use it, or give another "
	    "--name for a new %s key", s->name, s->key->algorithm,
	    s->algorithm);
}

static gpg_error_t
check_user_id(struct call *c, const struct setup *s)
{
	const struct keyfile *f = s->enrolment.record;

	/* What was recorded now has this, or what the keyring had first. */
	if (!s->user_id || s->enrolment.recorded)
		return 0;
	for (size_t i = 0; i < f->user_id_count; i++)
		if (!strcmp(f->user_ids[i], s->user_id))
			return 0;
	return call_problem(c, GPG_ERR_CONFLICT, "the key \"%s\" is there "
	    "and its user id is %s: leave out --user-id to use it, or give "
	    "another --name for a new key", s->name, f->user_id_count ?
	    f->user_ids[0] : "not known");
}

static gpg_error_t
find_or_make_key(struct call *c, struct setup *s)
{
	struct make_plan plan = { .module = SOFT_MODULE, .token = SOFT_TOKEN,
		.name = s->name, .algorithm = s->algorithm };
	gpg_error_t err;

	err = make_find(c, SOFT_MODULE, SOFT_TOKEN, s->name, &s->key);
	if (!err)
		return check_algorithm(c, s);
	if (gpg_err_code(err) != GPG_ERR_NOT_FOUND)
		return err;
	/* Rather no key than one that nobody can be named for. */
	if ((err = enrol_check_user_id(c, s->user_id)) ||
	    (err = make_key(c, &plan, &s->key)))
		return err;
	s->key_made = true;
	return 0;
}

static gpg_error_t
prepare_soft(struct call *c, struct setup *s)
{
	struct msg_empty empty;
	gpg_error_t err;

	/* Where no key can be yet, nothing is made for one without a name. */
	if ((soft_is_new(c) && (err = enrol_check_user_id(c, s->user_id))) ||
	    (err = soft_prepare(c, call_option(c, "pin-file"),
	    &s->files_made)) ||
	    (err = call_connect(c, CONNECT_START | CONNECT_HERE)) ||
	    (err = call_ask(c, MSG_reload, NULL, &empty)) ||
	    (err = make_token(c, s)))
		return err;
	return find_or_make_key(c, s);
}

static gpg_error_t
prepare_yubikey(struct call *c, struct setup *s, struct slot_wish *w)
{
	const char *overwrite = call_option(c, "overwrite");
	struct yubikey *y = &s->yubikey;
	gpg_error_t err;

	if ((err = call_connect(c, CONNECT_START | CONNECT_HERE)) ||
	    (err = yubikey_prepare(c, &s->files_made)) ||
	    (err = yubikey_find(c, call_option(c, "serial"), y)))
		return err;
	if (overwrite && (err = slot_overwritten(c, overwrite, y->serial,
	    w->slot, s->slot)))
		return err;
	if (overwrite)
		w->slot = s->slot;
	else
		snprintf(s->slot, sizeof(s->slot), "%s", w->slot ? w->slot :
		    SLOT_DEFAULT);
	if ((err = yubikey_unlock(c, y)) ||
	    (err = yubikey_change_defaults(c, y)))
		return err;
	return slot_key(c, y, w, &s->key, &s->key_made, &s->certified);
}

/* What was wished for is judged before anything is touched. */
static gpg_error_t
set_up_yubikey(struct call *c, struct setup *s)
{
	struct slot_wish w = {
		.name = s->name, .named = call_option(c, "name"),
		.slot = call_option(c, "slot"),
		.algorithm = call_option(c, "algorithm") ? s->algorithm : NULL,
		.overwrite = call_option(c, "overwrite"),
		.user_id = s->user_id,
	};
	gpg_error_t err;

	if ((err = make_policies(c, &w.pin_policy, &w.touch_policy)) ||
	    (w.slot && (err = make_check_slot(c, w.slot))))
		return err;
	if (call_option(c, "change-defaults") && call_option(c, "no-change"))
		return call_problem(c, GPG_ERR_INV_ARG, "--change-defaults "
		    "and --no-change exclude each other");
	return prepare_yubikey(c, s, &w);
}

static gpg_error_t
git_set(struct call *c, const char *name, const char *value)
{
	const char *argv[] = { "git", "config", "--global", name, value,
		NULL };
	gpg_error_t err;
	int status = 0;

	err = run_program(argv, view_of(NULL, 0), NULL, &status);
	if (!err && !status)
		return 0;
	return call_problem(c, err ? err : GPG_ERR_GENERAL, "git's "
	    "configuration could not be changed: type git config --global %s "
	    "%s", name, value);
}

static gpg_error_t
set_git(struct call *c, struct setup *s)
{
	gpg_error_t err;

	if ((err = git_set(c, "gpg.program", GIT_PROGRAM)) ||
	    (err = git_set(c, "user.signingkey", s->enrolment.fingerprint)))
		return err;
	s->git_set = true;
	return 0;
}

static bool
wants_images(const struct call *c)
{
	return call_option(c, "images") || call_option(c, "no-images");
}

/* Whether nothing else is wanted: that takes no key. */
static bool
wants_only_images(const struct call *c)
{
	for (size_t i = 0; i < c->given_count; i++)
		if (strcmp(c->given[i].row->name, "images") &&
		    strcmp(c->given[i].row->name, "no-images"))
			return false;
	return wants_images(c);
}

static gpg_error_t
set_images(struct call *c, struct setup *s)
{
	if (!wants_images(c))
		return 0;
	return call_option(c, "images") ? images_install(c, &s->images) :
	    images_remove(c, &s->images);
}

static gpg_error_t
set_up(struct call *c, struct setup *s)
{
	gpg_error_t err;

	if ((err = s->soft ? prepare_soft(c, s) : set_up_yubikey(c, s)) ||
	    (err = enrol_record(c, s->key, s->name, s->user_id,
	    &s->enrolment)) ||
	    (err = check_user_id(c, s)))
		return err;
	if (!call_option(c, "no-import") &&
	    (err = enrol_import(c, &s->enrolment)))
		return err;
	if (call_option(c, "git") && (err = set_git(c, s)))
		return err;
	return set_images(c, s);
}

static const char *
token_label(const struct setup *s)
{
	return s->soft ? SOFT_TOKEN : s->yubikey.label;
}

static const struct key_holder *
in_slot(const struct setup *s)
{
	const struct key_holder *h = slot_of(s->key, &s->yubikey, s->slot);

	return h ? h : key_first(s->key);
}

/* What only a YubiKey has. */
static void
add_yubikey(json_t *all, const struct setup *s)
{
	const struct key_holder *h = in_slot(s);
	uint32_t flags = s->yubikey.flags;
	json_t *more = json_pack("{s:s,s:o,s:o,s:o,s:o,s:b,s:b,s:b,s:b}",
	    "serial", s->yubikey.serial,
	    "slot", json_text(h->slot),
	    "pin_policy", json_text(key_pin_words(h)),
	    "touch_policy", json_text(key_touch_words(h)),
	    "origin", json_text(key_origin_words(h)),
	    "certified", s->certified,
	    "default_pin", !!(flags & TOKEN_DEFAULT_PIN),
	    "default_puk", !!(flags & TOKEN_DEFAULT_PUK),
	    "default_management_key", !!(flags & TOKEN_DEFAULT_MGM));

	json_object_update(all, more);
	json_decref(more);
}

static json_t *
setup_json(const struct call *c, const struct setup *s)
{
	const struct keyfile *f = s->enrolment.record;
	json_t *ids = json_array(), *all;

	for (size_t i = 0; i < f->user_id_count; i++)
		json_array_append_new(ids, json_string(f->user_ids[i]));
	all = json_pack(
	    "{s:s,s:s,s:s,s:s,s:s,s:I,s:o,s:b,s:b,s:b,s:b,s:b}",
	    "name", f->name,
	    "id", s->key->hex,
	    "algorithm", s->key->algorithm,
	    "fingerprint", s->enrolment.fingerprint,
	    "token", token_label(s),
	    "created", (json_int_t)f->created,
	    "user_ids", ids,
	    "token_made", s->token_made,
	    "key_made", s->key_made,
	    "recorded", s->enrolment.recorded,
	    "imported", s->enrolment.imported,
	    "git", s->git_set);
	json_object_set_new(all, "images", wants_images(c) ?
	    images_json(&s->images) : json_null());
	if (all && !s->soft)
		add_yubikey(all, s);
	return all;
}

static void
print_yubikey(const struct setup *s)
{
	const struct key_holder *h = in_slot(s);
	const char *pin = key_pin_words(h), *touch = key_touch_words(h);

	printf("  %-12s %s\n", "slot", h->slot);
	printf("  %-12s %s\n", "PIN", pin ? pin : "not known");
	printf("  %-12s %s\n", "touch", touch ? touch : "not known");
	if (h->touch_policy == TOUCH_POLICY_NEVER)
		say("warning: this key signs without a touch");
	if (h->origin == KEY_ORIGIN_IMPORTED)
		say("warning: this key was imported: there may be copies");
}

static void
print_setup(const struct setup *s)
{
	const struct keyfile *f = s->enrolment.record;
	bool changed = s->files_made || s->token_made || s->key_made ||
	    s->certified || s->enrolment.recorded || s->enrolment.imported;

	printf("%s\n", changed ? "The key is ready." :
	    "The key was ready; nothing was changed.");
	printf("  %-12s %s (%s)\n", "key", f->name, s->key->algorithm);
	printf("  %-12s %s\n", "token", token_label(s));
	if (!s->soft)
		print_yubikey(s);
	printf("  %-12s %s\n", "fingerprint", s->enrolment.fingerprint);
	for (size_t i = 0; i < f->user_id_count; i++)
		printf("  %-12s %s\n", "user id", f->user_ids[i]);
	if (s->git_set)
		printf("git signs with it: git commit -S\n");
	else
		printf("For git to sign with it, type\n"
		    "  git config --global gpg.program %s\n"
		    "  git config --global user.signingkey %s\n",
		    GIT_PROGRAM, s->enrolment.fingerprint);
}

/* Options that are only for the other kind of token. */
static gpg_error_t
check_options(struct call *c, bool soft)
{
	static const char *const of_yubikeys[] = { "serial", "slot",
		"pin-policy", "touch-policy", "overwrite", "change-defaults",
		"no-change", NULL };
	static const char *const of_soft[] = { "pin-file", NULL };
	const char *const *o = soft ? of_yubikeys : of_soft;

	if (call_option(c, "images") && call_option(c, "no-images"))
		return call_problem(c, GPG_ERR_INV_ARG, "--images and "
		    "--no-images exclude each other");
	for (; *o; o++)
		if (call_option(c, *o))
			return call_problem(c, GPG_ERR_INV_ARG, "--%s is %s",
			    *o, soft ? "for YubiKeys, not for --soft" :
			    "for \"touchstone setup --soft\"");
	return 0;
}

static int
run_images(struct call *c, struct setup *s)
{
	gpg_error_t err;

	if ((err = set_images(c, s)))
		return call_fail(c, err);
	if (c->json)
		return call_print(c, json_pack("{s:o}", "images",
		    images_json(&s->images)));
	images_print(&s->images);
	return call_done(c);
}

static int
run_setup(struct call *c)
{
	struct setup s = { .name = call_option(c, "name") };
	gpg_error_t err;
	int status;

	s.soft = call_option(c, "soft") != NULL;
	s.name = s.name ? s.name : s.soft ? SOFT_TOKEN : "yubikey";
	s.user_id = call_option(c, "user-id");
	if ((err = check_options(c, s.soft)))
		return call_fail(c, err);
	if (wants_only_images(c))
		return run_images(c, &s);
	if (!(s.algorithm = make_algorithm(c, call_option(c, "algorithm"))))
		err = gpg_error(GPG_ERR_INV_ARG);
	else if (!(err = make_check_name(c, s.name)))
		err = set_up(c, &s);
	if (err) {
		status = call_fail(c, err);
	} else if (c->json) {
		status = call_print(c, setup_json(c, &s));
	} else {
		print_setup(&s);
		if (wants_images(c))
			images_print(&s.images);
		status = call_done(c);
	}
	enrol_free(&s.enrolment);
	keys_free(&s.key, 1);
	return status;
}

static const struct option_row options[] = {
	{ "soft", 0, NULL, "a token in software (SoftHSM2), no YubiKey" },
	{ "serial", 0, "SERIAL", "which YubiKey; the only one" },
	{ "slot", 0, "SLOT", "9a, 9c, 9d, 9e, 82 to 95; 9c" },
	{ "name", 0, "NAME", "the key's name; yubikey, or soft" },
	{ "user-id", 'u', "TEXT", "whose key it is; as git has it" },
	{ "algorithm", 0, "ALGORITHM", "P-256, P-384, P-521, Ed25519, ..." },
	{ "pin-policy", 0, "WHEN", "never, once, always; once" },
	{ "touch-policy", 0, "WHEN", "never, cached, always; always" },
	{ "overwrite", 0, "SLOT@SERIAL", "replace the key in this slot" },
	{ "change-defaults", 0, NULL, "change PIN, PUK and key that are as sold" },
	{ "no-change", 0, NULL, "leave them, and do not ask" },
	{ "pin-file", 0, "FILE", "keep the PIN in a file; made if missing" },
	{ "git", 0, NULL, "set git's gpg.program and user.signingkey" },
	{ "no-import", 0, NULL, "leave the GnuPG keyring alone" },
	{ "images", 0, NULL, "make the plugins known to cosign and notation" },
	{ "no-images", 0, NULL, "take that back" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_setup = {
	NULL, "setup", "", 0, 0,
	"Make a key on a YubiKey, or in software, and tell gpg of it",
	options, run_setup,
};
