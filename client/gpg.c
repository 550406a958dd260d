/*
 * touchstone-gpg, for git's gpg.program: signs through the agent with the
 * keys that it has, and is the real gpg for everything else.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/gpg-args.h"
#include "client/gpg-status.h"
#include "client/handover.h"
#include "client/say.h"
#include "client/stream.h"
#include "client/talk.h"
#include "wire/text.h"

#define OBJECT_MAX ((size_t)64 * 1024 * 1024)
#define KEY_MAX 1024		/* the bound of sign-v1 */
#define EXIT_GPG 2		/* what gpg ends with when it failed */

/* Also to the terminal: git before 2.41 keeps what was said to itself. */
static int
fail(gpg_error_t err, const char *what, const char *said, bool told)
{
	const char *hint = told ? "" : say_hint(err);
	const char *why = gpg_strerror(err);
	char text[2048];

	snprintf(text, sizeof(text), "%s: %s%s%s", what,
	    said[0] ? said : why, hint[0] ? "; " : "", hint);
	say_notice(view_str(text), true);
	dprintf(STDERR_FILENO, "[GNUPG:] FAILURE sign %u\n", err);
	return EXIT_GPG;
}

/* The signature to stdout, and then the lines that make git believe it. */
static int
deliver(const struct msg_progress *done)
{
	struct buf lines;
	gpg_error_t err;
	int status = 0;

	buf_init(&lines, 1024);
	err = gpg_status_lines(done->status, &lines);
	if (!err && !gpg_armor_ok(done->result))
		err = gpg_error(GPG_ERR_INV_ARMOR);
	if (err)
		status = fail(err, "the agent's answer is no signature", "",
		    false);
	else if ((err = stream_write(STDOUT_FILENO, done->result)) ||
	    (err = stream_write(STDERR_FILENO, buf_view(&lines))))
		status = fail(err, "the signature cannot be written", "",
		    false);
	buf_free(&lines);
	return status;
}

/*
 * Signs with our key, or becomes the real gpg if it is none of ours.  A key
 * of ours that cannot sign is a failure: nothing else may sign in its stead.
 */
static int
sign(struct talk *t, const char *key, char *const *argv)
{
	struct msg_progress done;
	struct buf object;
	gpg_error_t err;
	int status = EXIT_GPG;

	buf_init(&object, OBJECT_MAX + 1);
	if ((err = stream_read(STDIN_FILENO, &object))) {
		status = fail(err, "reading what is to be signed failed", "",
		    false);
		goto out;
	}
	err = talk_sign(t, key, "openpgp", buf_view(&object), &done);
	if (!err)
		status = deliver(&done);
	else if (gpg_err_code(err) == GPG_ERR_NO_SECKEY)
		handover_with(argv, buf_view(&object));
	else
		status = fail(err, "signing failed", t->said, t->told);
out:
	buf_free(&object);
	return status;
}

int
main(int argc, char **argv)
{
	struct paths paths;
	struct talk t;
	const char *key;
	gpg_error_t err;
	bool configured;
	int status = EXIT_GPG;

	/* What is no clean text names no key of ours. */
	if (!gpg_args_sign(argc, argv, &key) || strlen(key) > KEY_MAX ||
	    !text_is_clean(view_str(key))) {
		handover(argv);
		return EXIT_GPG;
	}
	if (!stream_keep_standard())
		return EXIT_GPG;
	if ((err = paths_init(&paths)))
		return fail(err, "the home folder cannot be found", "",
		    false);
	configured = connect_configured(&paths);
	err = talk_open(&t, &paths, configured ? CONNECT_START : 0);
	if (!err)
		status = sign(&t, key, argv);
	else if (gpg_err_code(err) == GPG_ERR_NO_AGENT && !configured &&
	    t.way != WAY_NAMED)
		handover(argv);
	else
		status = fail(err, "no agent", t.said, false);
	talk_close(&t);
	paths_free(&paths);
	return status;
}
