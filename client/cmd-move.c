/* touchstone keys move, keys delete: a key leaves the place where it is. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/chainfile.h"
#include "client/cmd-list.h"
#include "client/slot.h"

/* ---- where a key is ---- */

/* "9c@12345678": the slot, and the serial behind the @; NULL if it is not. */
static const char *
slot_serial(const char *text, char slot[3])
{
	const char *serial = text + 3;

	slot[0] = 0;
	if (strlen(text) < 4 || text[2] != '@' ||
	    strspn(serial, "0123456789") != strlen(serial))
		return NULL;
	snprintf(slot, 3, "%.2s", text);
	return serial;
}

/* What names a place goes to the agent as it is; a name does not. */
static const char *
copy_of(const char *text)
{
	char slot[3];

	return slot_serial(text, slot) || !strncmp(text, "pkcs11:", 7) ?
	    text : "";
}

static gpg_error_t
fetch(struct call *c, struct key_info **k)
{
	gpg_error_t err;

	if ((err = call_connect(c, CONNECT_START | CONNECT_HERE)) ||
	    (err = keys_fetch_one(c, call_arg(c, 0), true, k)))
		return err;
	if ((*k)->holder_count > 0)
		return 0;
	return call_problem(c, GPG_ERR_CARD_NOT_PRESENT, "the token of this "
	    "key is not here");
}

/* ---- keys move ---- */

/* An interrupted move may have left the key in the other slot already. */
static gpg_error_t
fetch_moved(struct call *c, const char *to, struct key_info **k)
{
	gpg_error_t err = fetch(c, k);
	const char *serial;
	char slot[3];

	if (gpg_err_code(err) == GPG_ERR_NO_SECKEY &&
	    (serial = slot_serial(call_arg(c, 0), slot)))
		return call_problem(c, err, "no key is in slot %s of YubiKey "
		    "%s; if a move was interrupted, \"touchstone keys move "
		    "%s@%s %s\" finishes it", slot, serial, to, serial, to);
	if (!err && !key_first(*k)->slot[0])
		return call_problem(c, GPG_ERR_INV_ARG, "slots are for "
		    "YubiKeys; the token \"%s\" has none",
		    key_first(*k)->token);
	return err;
}

/* Consent is for one YubiKey: it names the place, whatever the user named. */
static gpg_error_t
ask_move(struct call *c, const struct key_info *k, const char *to,
    const char *overwrite)
{
	const struct key_holder *h = key_first(k);
	struct msg_move in = { .key = view_str(k->hex),
		.copy = view_str(copy_of(call_arg(c, 0))),
		.slot_name = view_str(to),
		.overwrite = view_str(overwrite) };
	struct msg_progress done;
	char place[80];

	snprintf(place, sizeof(place), "%s@%s", h->slot, h->serial);
	if (overwrite[0])
		in.copy = view_str(place);
	return call_follow(c, MSG_move, &in, &done);
}

/* A slot in use goes only where its owner has named it. */
static gpg_error_t
move(struct call *c, const struct key_info *k, const char *to)
{
	const char *named = call_option(c, "overwrite");
	const char *serial = key_first(k)->serial;
	char overwrite[16], slot[3];
	gpg_error_t err;

	snprintf(overwrite, sizeof(overwrite), "overwrite %s", to);
	if (named && (err = slot_overwritten(c, named, serial, to, slot)))
		return err;
	err = ask_move(c, k, to, named ? overwrite : "");
	if (gpg_err_code(err) != GPG_ERR_EEXIST || named)
		return err;
	if ((err = slot_consent(c, serial, to, "with a key, or a "
	    "certificate")))
		return err;
	return ask_move(c, k, to, overwrite);
}

/* As it is now, in the new place. */
static int
report_move(struct call *c, const struct key_info *k, const char *to)
{
	const char *serial = key_first(k)->serial;
	struct key_info *moved = NULL;
	char where[80], title[80];
	gpg_error_t err;
	int status;

	snprintf(where, sizeof(where), "%s@%s", to, serial);
	if ((err = keys_fetch_one(c, where, true, &moved)))
		return call_fail(c, err);
	if (c->json) {
		status = call_print(c, key_json(moved));
	} else {
		printf("%s is in slot %s of YubiKey %s\n", key_title(moved,
		    title, sizeof(title)), to, serial);
		status = call_done(c);
	}
	keys_free(&moved, 1);
	return status;
}

static int
run_move(struct call *c)
{
	const char *to = call_arg(c, 1);
	struct key_info *k = NULL;
	gpg_error_t err;
	int status;

	if ((err = make_check_slot(c, to)) ||
	    (err = fetch_moved(c, to, &k)) ||
	    (err = move(c, k, to)))
		status = call_fail(c, err);
	else
		status = report_move(c, k, to);
	keys_free(&k, 1);
	return status;
}

static const struct option_row move_options[] = {
	{ "overwrite", 0, "SLOT@SERIAL", "replace the key in this slot" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_keys_move = {
	"keys", "move", "KEY SLOT", 2, 2,
	"Move a key and its certificate to another slot of its YubiKey",
	move_options, run_move,
};

/* ---- keys delete ---- */

static gpg_error_t
ask_delete(struct call *c, const struct key_info *k, const char *agreed)
{
	struct msg_delete in = { .key = view_str(k->hex),
		.copy = view_str(copy_of(call_arg(c, 0))),
		.agreed = view_str(agreed) };
	struct msg_progress done;

	return call_follow(c, MSG_delete, &in, &done);
}

/* What is to be typed: the place if that was named, else the key's name. */
static void
put_words(struct call *c, const struct key_info *k, char *out, size_t size)
{
	const struct key_holder *h = key_first(k);
	char slot[3];

	if (h->slot[0] && (!k->name[0] || slot_serial(call_arg(c, 0), slot)))
		snprintf(out, size, "%s@%s", h->slot, h->serial);
	else
		key_title(k, out, size);
}

static gpg_error_t
agree(struct call *c, const struct key_info *k)
{
	const struct key_holder *h = key_first(k);
	const char *given = call_option(c, "confirm");
	char words[160], place[80], title[80];

	put_words(c, k, words, sizeof(words));
	key_title(k, title, sizeof(title));
	snprintf(place, sizeof(place), "%s@%s", h->slot, h->serial);
	if (given && (!strcmp(given, words) ||
	    (h->slot[0] && !strcmp(given, place))))
		return 0;
	if (given)
		return call_problem(c, GPG_ERR_INV_ARG, "--confirm %s does "
		    "not name this key: that would be %s", given, words);
	if (!ask_possible())
		return call_problem(c, GPG_ERR_NOT_CONFIRMED, "the key would "
		    "be lost for ever: agree by --confirm %s", words);
	if (ask_typed(words, "The key %s (%s) on the token \"%s\", serial %s, "
	    "is to be deleted.  It is lost then, for ever, and what it alone "
	    "opens or signs.", title, k->algorithm, h->token, h->serial))
		return 0;
	return call_problem(c, GPG_ERR_NOT_CONFIRMED, "the key stays as it "
	    "was");
}

/* The agent says first whether it could be done, and where. */
static gpg_error_t
delete(struct call *c, const struct key_info *k)
{
	const struct key_holder *h = key_first(k);
	char words[160];
	gpg_error_t err;

	err = ask_delete(c, k, "");
	if (gpg_err_code(err) != GPG_ERR_NOT_CONFIRMED)
		return err ? err : gpg_error(GPG_ERR_BUG);
	if ((err = agree(c, k)))
		return err;
	snprintf(words, sizeof(words), "delete %s@%s", h->slot[0] ? h->slot :
	    k->hex, h->serial);
	return ask_delete(c, k, words);
}

/* Its record; "" where there is none. */
static void
put_record(struct call *c, const struct key_info *k, char *out, size_t size)
{
	int n = snprintf(out, size, "%s/keys/%s.json", c->paths.data,
	    k->name);

	if (!k->name[0] || n < 0 || (size_t)n >= size || access(out, F_OK))
		out[0] = 0;
}

/*
 * Its certificates speak for a key that nobody has any more, and would be in
 * the way of a new one of that name; one that is elsewhere too needs them.
 */
static gpg_error_t
drop_chain(struct call *c, const struct key_info *k)
{
	char *file;
	gpg_error_t err = 0;

	if (!k->name[0] || k->holder_count > 1)
		return 0;
	if (!(file = chainfile_path(&c->paths, k->name)))
		return gpg_error(GPG_ERR_ENOMEM);
	if (unlink(file) && errno != ENOENT) {
		err = gpg_error_from_syserror();
		call_problem(c, err, "the key is deleted; its certificates "
		    "are left at %s, remove them: %s", file,
		    gpg_strerror(err));
	}
	free(file);
	return err;
}

static int
report_delete(struct call *c, const struct key_info *k)
{
	const struct key_holder *h = key_first(k);
	char record[PATH_MAX], title[80];

	put_record(c, k, record, sizeof(record));
	if (c->json)
		return call_print(c, json_pack("{s:b,s:o,s:s,s:s,s:s,s:o,s:o}",
		    "deleted", true, "name", json_text(k->name), "id", k->hex,
		    "module", h->module, "token", h->token, "serial",
		    json_text(h->serial), "record", json_text(record)));
	printf("%s is deleted from the token \"%s\"\n", key_title(k, title,
	    sizeof(title)), h->token);
	if (record[0])
		printf("What is public of it stays, for what it has signed, "
		    "and so does its name: %s\n", record);
	return call_done(c);
}

static int
run_delete(struct call *c)
{
	struct key_info *k = NULL;
	gpg_error_t err;
	int status;

	if ((err = fetch(c, &k)) || (err = delete(c, k)) ||
	    (err = drop_chain(c, k)))
		status = call_fail(c, err);
	else
		status = report_delete(c, k);
	keys_free(&k, 1);
	return status;
}

static const struct option_row delete_options[] = {
	{ "confirm", 0, "KEY", "agree to lose it: its name, or SLOT@SERIAL" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_keys_delete = {
	"keys", "delete", "KEY", 1, 1,
	"Delete a key from its token, for ever",
	delete_options, run_delete,
};
