/* Finds YubiKeys, and has their default secrets changed. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/key.h"
#include "client/yubikey.h"

#define CONF_NAME "yubikey.conf"
#define CONF_TEXT "# All YubiKeys that are plugged in; touchstone.conf(5).\n" \
	"type = \"piv\";\n"

static bool
is_piv(const struct msg_module_status *m)
{
	return view_eq_str(m->type, "piv");
}

static gpg_error_t
look_for_module(struct call *c, bool *there)
{
	struct msg_status_answer a;
	struct msg_module_status m;
	gpg_error_t err;

	*there = false;
	if ((err = call_ask(c, MSG_status, NULL, &a)))
		return err;
	while (msg_list_next(&a.modules, MSG_module_status, &m))
		*there = *there || is_piv(&m);
	return 0;
}

/* A file that is there and names no YubiKeys is somebody's: it is kept. */
static gpg_error_t
write_conf(struct call *c)
{
	char dir[PATH_MAX - 32], file[PATH_MAX];
	gpg_error_t err;
	int n = snprintf(dir, sizeof(dir), "%s/modules.d", c->paths.config);

	if (n < 0 || (size_t)n >= sizeof(dir))
		return call_problem(c, GPG_ERR_INV_NAME, "the name of the "
		    "folder %s is too long", c->paths.config);
	snprintf(file, sizeof(file), "%s/" CONF_NAME, dir);
	if ((err = paths_make(dir, false)))
		return call_problem(c, err, "the folder %s cannot be used: "
		    "%s", dir, gpg_strerror(err));
	if (access(file, F_OK) != 0 &&
	    (err = paths_write(file, view_str(CONF_TEXT))))
		return call_problem(c, err, "%s cannot be written: %s", file,
		    gpg_strerror(err));
	return 0;
}

gpg_error_t
yubikey_prepare(struct call *c, bool *changed)
{
	struct msg_empty empty;
	gpg_error_t err;
	bool there;

	*changed = false;
	if ((err = look_for_module(c, &there)) || there)
		return err;
	if ((err = write_conf(c)) ||
	    (err = call_ask(c, MSG_reload, NULL, &empty)) ||
	    (err = look_for_module(c, &there)))
		return err;
	if (!there)
		return call_problem(c, GPG_ERR_CONFLICT, "the agent does not "
		    "look for YubiKeys: does modules.d/" CONF_NAME " in %s "
		    "say type = \"piv\", and is that the configuration that "
		    "\"touchstone status\" names?", c->paths.config);
	*changed = true;
	return 0;
}

static void
take(struct yubikey *y, const struct msg_module_status *m,
    const struct msg_token *t)
{
	snprintf(y->module, sizeof(y->module), "%.*s", (int)m->name.len,
	    (const char *)m->name.p);
	snprintf(y->label, sizeof(y->label), "%.*s", (int)t->label.len,
	    (const char *)t->label.p);
	snprintf(y->serial, sizeof(y->serial), "%.*s", (int)t->serial.len,
	    (const char *)t->serial.p);
	y->flags = t->flags;
}

/* What was found: how many that are meant, and which others. */
struct search {
	size_t count;
	char serials[256];
	char problem[1025];
};

static void
note(struct search *s, const struct msg_token *t)
{
	size_t n = strlen(s->serials);

	snprintf(s->serials + n, sizeof(s->serials) - n, "%s%.*s",
	    n ? ", " : "", (int)t->serial.len, (const char *)t->serial.p);
}

static void
look(struct msg_module_status *m, const char *serial, struct search *s,
    struct yubikey *y)
{
	struct msg_token t;

	if (m->problem.len > 0)
		snprintf(s->problem, sizeof(s->problem), "%.*s",
		    (int)m->problem.len, (const char *)m->problem.p);
	while (msg_list_next(&m->tokens, MSG_token, &t)) {
		note(s, &t);
		if (serial && !view_eq_str(t.serial, serial))
			continue;
		if (s->count++ == 0)
			take(y, m, &t);
	}
}

static gpg_error_t
not_one(struct call *c, const char *serial, const struct search *s)
{
	if (s->count > 1)
		return call_problem(c, GPG_ERR_AMBIGUOUS_NAME, "several "
		    "YubiKeys are plugged in: give --serial, which is one of "
		    "%s", s->serials);
	if (s->serials[0])
		return call_problem(c, GPG_ERR_NOT_FOUND, "no YubiKey "
		    "with the serial %s is plugged in, but %s", serial,
		    s->serials);
	if (s->problem[0])
		return call_problem(c, GPG_ERR_NOT_FOUND, "no YubiKey "
		    "can be seen: %s", s->problem);
	return call_problem(c, GPG_ERR_NOT_FOUND, "no YubiKey is "
	    "plugged in; without one, \"touchstone setup --soft\" makes a "
	    "token in software");
}

gpg_error_t
yubikey_find(struct call *c, const char *serial, struct yubikey *y)
{
	struct search s = { .count = 0 };
	struct msg_status_answer a;
	struct msg_module_status m;
	struct key_info *keys;
	gpg_error_t err;
	size_t count;

	memset(y, 0, sizeof(*y));
	/* This asks the tokens; the status then tells what they said. */
	if ((err = keys_fetch(c, "", true, &keys, &count)))
		return err;
	keys_free(&keys, count);
	if ((err = call_ask(c, MSG_status, NULL, &a)))
		return err;
	while (msg_list_next(&a.modules, MSG_module_status, &m))
		if (is_piv(&m))
			look(&m, serial, &s, y);
	return s.count == 1 ? 0 : not_one(c, serial, &s);
}

static gpg_error_t
change(struct call *c, const struct yubikey *y, uint8_t what)
{
	struct msg_secret in = { .module = view_str(y->module),
		.token = view_str(y->label), .change = what };
	struct msg_progress done;

	return call_follow(c, MSG_secret, &in, &done);
}

/* Whether its owner wants that now: told by an option, or asked. */
static bool
agrees(struct call *c, const char *question)
{
	if (call_option(c, "no-change"))
		return false;
	if (call_option(c, "change-defaults"))
		return true;
	return ask_possible() && ask_yes(question);
}

gpg_error_t
yubikey_unlock(struct call *c, struct yubikey *y)
{
	gpg_error_t err;

	if (!(y->flags & TOKEN_PIN_LOCKED))
		return 0;
	if (y->flags & TOKEN_PUK_LOCKED)
		return call_problem(c, GPG_ERR_PIN_BLOCKED, "PIN and PUK of "
		    "YubiKey %s are locked: only \"ykman piv reset\" helps, "
		    "which wipes its PIV keys", y->serial);
	say("the PIN of YubiKey %s is locked", y->serial);
	if (!agrees(c, "Set a new PIN by the PUK now?"))
		return call_problem(c, GPG_ERR_PIN_BLOCKED, "the PIN of "
		    "YubiKey %s is locked: \"touchstone setup\" at a "
		    "terminal, or with --change-defaults, sets a new one by "
		    "the PUK", y->serial);
	if ((err = change(c, y, CHANGE_UNBLOCK)))
		return err;
	y->flags &= ~(uint32_t)(TOKEN_PIN_LOCKED | TOKEN_DEFAULT_PIN);
	return 0;
}

/* What is changed, in this order: the PIN protects what comes after. */
static const struct secret_row {
	uint32_t flag;
	uint8_t change;
	const char *name, *danger;
} secrets[] = {
	{ TOKEN_DEFAULT_PIN, CHANGE_PIN, "PIN",
	    "whoever has the YubiKey can sign with it" },
	{ TOKEN_DEFAULT_PUK, CHANGE_PUK, "PUK",
	    "whoever has the YubiKey can set a PIN of his own" },
	{ TOKEN_DEFAULT_MGM, CHANGE_MANAGEMENT, "management key",
	    "every program can replace the keys on the YubiKey" },
};

gpg_error_t
yubikey_change_defaults(struct call *c, struct yubikey *y)
{
	gpg_error_t err;

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		const struct secret_row *s = &secrets[i];
		char question[64];

		if (!(y->flags & s->flag))
			continue;
		say("warning: the %s of YubiKey %s is the one it was sold "
		    "with: %s", s->name, y->serial, s->danger);
		snprintf(question, sizeof(question), "Change the %s now?",
		    s->name);
		if (!agrees(c, question)) {
			if (!call_option(c, "no-change") && !ask_possible())
				say("\"touchstone setup --change-defaults\" "
				    "changes it");
			continue;
		}
		if ((err = change(c, y, s->change)))
			return err;
		y->flags &= ~s->flag;
	}
	return 0;
}
