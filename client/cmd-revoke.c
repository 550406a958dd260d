/* touchstone keys revoke: a revocation certificate of a key. */
#include "config.h"

#include <string.h>

#include "client/cmd-list.h"
#include "client/key.h"
#include "client/output.h"
#include "format/openpgp.h"

/* RFC 4880, 5.2.3.23 */
static const struct {
	const char *name;
	uint8_t code;
} reasons[] = {
	{ "none", 0 },
	{ "superseded", 1 },
	{ "compromised", 2 },
	{ "retired", 3 },
};

static gpg_error_t
find_reason(struct call *c, uint8_t *code)
{
	const char *name = call_option(c, "reason");

	*code = 0;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (!name || !strcmp(reasons[i].name, name)) {
			*code = reasons[i].code;
			return 0;
		}
	return call_problem(c, GPG_ERR_INV_ARG, "\"%s\" is no reason: none, "
	    "superseded, compromised and retired are", name);
}

static gpg_error_t
revoke(struct call *c, const struct key_info *k, uint8_t reason,
    struct buf *armor)
{
	const char *comment = call_option(c, "comment");
	struct msg_revoke ask = {
		.key = view_str(k->hex),
		.reason = reason,
		.comment = view_str(comment ? comment : ""),
	};
	struct msg_progress done;
	gpg_error_t err;

	if ((err = call_follow(c, MSG_revoke, &ask, &done)))
		return err;
	err = openpgp_armor(armor, "PUBLIC KEY BLOCK", done.result);
	if (err)
		call_problem(c, err, "the revocation cannot be armoured: %s",
		    gpg_strerror(err));
	return err;
}

static int
run_revoke(struct call *c)
{
	struct key_info *k = NULL;
	struct buf armor;
	gpg_error_t err;
	uint8_t reason;
	int status;

	buf_init(&armor, 256 * 1024);
	if ((err = find_reason(c, &reason)) ||
	    (err = call_connect(c, CONNECT_START | CONNECT_HERE)) ||
	    (err = keys_fetch_one(c, call_arg(c, 0), false, &k)) ||
	    (err = revoke(c, k, reason, &armor))) {
		status = call_fail(c, err);
	} else {
		status = output_text(c, "openpgp", buf_view(&armor));
		if (status == STATUS_OK)
			say("keep it where nobody finds it; importing it "
			    "(gpg --import) revokes the key for good");
	}
	buf_free(&armor);
	keys_free(&k, 1);
	return status;
}

static const struct option_row options[] = {
	{ "reason", 0, "REASON",
	    "none, superseded, compromised or retired; none" },
	{ "comment", 0, "TEXT", "words that go into the revocation" },
	{ "output", 'o', "FILE", "write to a file" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_keys_revoke = {
	"keys", "revoke", "KEY", 1, 1,
	"Make an OpenPGP revocation of a key, to be kept or imported",
	options, run_revoke,
};
