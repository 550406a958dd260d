/* touchstone-gpg reads command lines and answers; a client finds its agent. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "client/connect.h"
#include "client/gpg-args.h"
#include "client/gpg-status.h"
#include "client/start.h"
#include "client/talk.h"
#include "wire/frame.h"

#define ARGS 12

/* Splits at blanks; "_" stands for an empty argument. */
static int
split(char *line, char *argv[ARGS])
{
	static char name[] = "gpg", empty[] = "";
	int argc = 0;

	argv[argc++] = name;
	for (char *s = strtok(line, " "); s; s = strtok(NULL, " ")) {
		assert_true(argc < ARGS - 1);
		argv[argc++] = strcmp(s, "_") ? s : empty;
	}
	argv[argc] = NULL;
	return argc;
}

static bool
signs(const char *text, char *key, size_t size)
{
	char line[256], *argv[ARGS];
	const char *found;
	int argc;
	bool ours;

	assert_true(strlen(text) < sizeof(line));
	strcpy(line, text);
	argc = split(line, argv);
	ours = gpg_args_sign(argc, argv, &found);
	assert_true(strlen(found ? found : "") < size);
	strcpy(key, found ? found : "");
	return ours;
}

static void
gits_signing_line_is_ours_however_it_is_spelt(void **state)
{
	static const char *const lines[] = {
		"--status-fd=2 -bsau KEY",
		"--status-fd 2 -bsau KEY",
		"-bsau KEY --status-fd=2",
		"-b -s -a -u KEY --status-fd 2",
		"-sba --status-fd=2 -uKEY",
		"-abu KEY --status-fd=2",
		"--status-fd=2 --detach-sign --armor --local-user KEY",
		"--status-fd=2 --detach-sign --sign --armour --local-user=KEY",
		"--status-fd=2 -b --armor -u KEY",
	};
	char key[64];

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (!signs(lines[i], key, sizeof(key)))
			fail_msg("gpg's: %s", lines[i]);
		assert_string_equal(key, "KEY");
	}
}

static void
every_other_line_is_gpgs(void **state)
{
	static const char *const lines[] = {
		"",
		"--version",
		"--verify sig -",
		"--keyid-format=long --status-fd=1 --verify sig -",
		"--list-keys",
		/* something is missing */
		"--status-fd=2 -bsa",
		"--status-fd=2 -bsau",
		"--status-fd=2 -bsau _",
		"--status-fd=2 -bsu KEY",
		"--status-fd=2 -sau KEY",
		"--status-fd -bsau KEY",
		"-bsau KEY --status-fd",
		"-bsau KEY",
		"--status-fd=2 -bsa --local-user",
		"--status-fd=2 -bsa --local-user=",
		/* another descriptor */
		"--status-fd=1 -bsau KEY",
		"--status-fd=22 -bsau KEY",
		"--status-fd=02 -bsau KEY",
		/* something more */
		"--status-fd=2 -bsau KEY file",
		"--status-fd=2 -bsau KEY -",
		"--status-fd=2 -bsau KEY --",
		"--status-fd=2 -bsau KEY _",
		"--status-fd=2 -bsau KEY -u OTHER",
		"--status-fd=2 -bsauKEY --local-user OTHER",
		"--status-fd=2 --status-fd=2 -bsau KEY",
		"--status-fd=2 -bsavu KEY",
		"--status-fd=2 -bsau KEY --output file",
		"--status-fd=2 -bsau KEY -o file",
		"--status-fd=2 -bsau KEY --homedir /x",
		"--status-fd=2 -bsau KEY --digest-algo SHA1",
		"--status-fd=2 -bseau KEY",
		"--status-fd=2 --clear-sign -au KEY",
		/* nearly */
		"--status-fdx=2 -bsau KEY",
		"--status-fd=2 --detach-signs --armor -u KEY",
		"--status-fd=2 --detach-sign=1 --armor -u KEY",
		"--status-fd=2 -bsa --local-userx KEY",
	};
	char key[64];

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (signs(lines[i], key, sizeof(key)))
			fail_msg("taken from gpg: %s", lines[i]);
		assert_string_equal(key, "");
	}
}

#define FPR "0123456789ABCDEF0123456789ABCDEF01234567"

static void
a_status_of_a_signature_becomes_two_lines(void **state)
{
	struct buf b;
	char *s;

	buf_init(&b, 1024);
	assert_int_equal(gpg_status_lines(
	    view_str("D 19 8 00 1700000000 " FPR), &b), 0);
	assert_non_null(s = view_strdup(buf_view(&b)));
	assert_string_equal(s, "\n[GNUPG:] BEGIN_SIGNING H8\n"
	    "[GNUPG:] SIG_CREATED D 19 8 00 1700000000 " FPR "\n");
	free(s);
	buf_free(&b);
}

static void
a_status_of_anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"D",
		"S 19 8 00 1700000000 " FPR,
		"D 19 8 00 1700000000 " FPR " ",
		"D 19 8 00 1700000000 " FPR "0",
		"D 19 8 00 1700000000 0123456789abcdef0123456789abcdef01234567",
		"D 19 8 00 1700000000 " FPR "\n[GNUPG:] GOODSIG 1 x",
		"D 19 8 00\n1700000000 " FPR,
		"D  19 8 00 1700000000 " FPR,
		" D 19 8 00 1700000000 " FPR,
		"D x 8 00 1700000000 " FPR,
		"D 19 8 0 1700000000 " FPR,
		"D 19 8 0G 1700000000 " FPR,
		"D 19 8 00 -1 " FPR,
		"D 19 8 00 17000000000 " FPR,
		"D 1999 8 00 1700000000 " FPR,
	};
	struct buf b;

	buf_init(&b, 1024);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (!gpg_status_lines(view_str(bad[i]), &b))
			fail_msg("passed on: %s", bad[i]);
		assert_int_equal(buf_len(&b), 0);
	}
	assert_int_not_equal(gpg_status_lines(
	    view_of("D 19 8 00 1\0", 12), &b), 0);
	buf_free(&b);
}

#define HEAD "-----BEGIN PGP SIGNATURE-----\n"
#define TAIL "-----END PGP SIGNATURE-----\n"

static void
only_one_armoured_signature_is_delivered(void **state)
{
	static const char *const bad[] = {
		"",
		HEAD,
		HEAD TAIL,
		"\n" HEAD "\niQ==\n" TAIL,
		HEAD "\niQ==\n" TAIL "\n",
		HEAD "\niQ==\n" TAIL HEAD "\niQ==\n" TAIL,
		HEAD "\niQ==" TAIL,
		HEAD "\niQ\033[2J\n" TAIL,
		HEAD "\niQ\x80\n" TAIL,
		HEAD "\niQ\r\n" TAIL,
		"-----BEGIN PGP MESSAGE-----\n\niQ==\n" TAIL,
	};

	assert_true(gpg_armor_ok(view_str(HEAD "\niQ==\n=abcd\n" TAIL)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (gpg_armor_ok(view_str(bad[i])))
			fail_msg("delivered: %s", bad[i]);
	assert_false(gpg_armor_ok(view_of(HEAD "\ni\0\n" TAIL,
	    sizeof(HEAD "\ni\0\n" TAIL) - 1)));
}

/* ---- the order in which agents are looked for ---- */

struct world {
	const char *up[3];	/* who listens */
	bool knows_us;		/* the forwarded one */
	bool starts;
	char trace[128];
};

static void
note(struct world *w, const char *what)
{
	strcat(w->trace, what);
	strcat(w->trace, " ");
}

static gpg_error_t
fake_open(void *arg, const char *sock, int *fd)
{
	struct world *w = arg;

	note(w, sock);
	for (size_t i = 0; i < 3; i++)
		if (w->up[i] && !strcmp(w->up[i], sock))
			return (*fd = dup(STDERR_FILENO)) < 0;
	return gpg_error(strcmp(sock, "shared") ? GPG_ERR_NO_AGENT :
	    GPG_ERR_EACCES);
}

static gpg_error_t
fake_query(void *arg, int fd)
{
	struct world *w = arg;

	note(w, "query");
	return w->knows_us ? 0 : gpg_error(GPG_ERR_NOT_SUPPORTED);
}

static gpg_error_t
fake_start(void *arg, int *fd)
{
	struct world *w = arg;

	note(w, "start");
	if (!w->starts)
		return gpg_error(GPG_ERR_NO_AGENT);
	return (*fd = dup(STDERR_FILENO)) < 0;
}

/* Searches and gives the way that was found, WAY_NONE for a failure. */
static enum connect_way
search(struct world *w, const char *named, const char *forwarded,
    const char *local, bool may_start)
{
	struct connect_search s = {
		.named = named, .forwarded = forwarded, .local = local,
		.may_start = may_start, .open = fake_open,
		.query = fake_query, .start = fake_start, .arg = w,
	};
	enum connect_way way;
	int fd;

	w->trace[0] = 0;
	if (connect_find(&s, &fd, &way)) {
		assert_int_equal(fd, -1);
		return WAY_NONE;
	}
	assert_true(fd >= 0);
	close(fd);
	return way;
}

static void
a_named_agent_is_the_only_one_that_is_asked(void **state)
{
	struct world w = { .up = { "named", "local", "ssh" },
		.knows_us = true, .starts = true };

	assert_int_equal(search(&w, "named", "ssh", "local", true), WAY_NAMED);
	assert_string_equal(w.trace, "named ");
	assert_int_equal(search(&w, "gone", "ssh", "local", true), WAY_NONE);
	assert_string_equal(w.trace, "gone ");
}

static void
a_forwarded_agent_is_taken_if_it_knows_us(void **state)
{
	struct world w = { .up = { "local", "ssh" }, .knows_us = true };

	assert_int_equal(search(&w, NULL, "ssh", "local", true),
	    WAY_FORWARDED);
	assert_string_equal(w.trace, "ssh query ");
	w.knows_us = false;
	assert_int_equal(search(&w, NULL, "ssh", "local", true), WAY_LOCAL);
	assert_string_equal(w.trace, "ssh query local ");
	assert_int_equal(search(&w, NULL, "gone", "local", true), WAY_LOCAL);
	assert_string_equal(w.trace, "gone local ");
}

static void
an_agent_is_started_only_where_none_listens(void **state)
{
	struct world w = { .up = { "local" }, .starts = true };

	assert_int_equal(search(&w, NULL, NULL, "local", true), WAY_LOCAL);
	assert_string_equal(w.trace, "local ");
	assert_int_equal(search(&w, NULL, NULL, "none", true), WAY_STARTED);
	assert_string_equal(w.trace, "none start ");
	assert_int_equal(search(&w, NULL, NULL, "none", false), WAY_NONE);
	assert_string_equal(w.trace, "none ");
	/* a folder that others may write to is no reason to start one */
	assert_int_equal(search(&w, NULL, NULL, "shared", true), WAY_NONE);
	assert_string_equal(w.trace, "shared ");
	w.starts = false;
	assert_int_equal(search(&w, NULL, NULL, "none", true), WAY_NONE);
}

static bool
has(char **env, const char *entry)
{
	for (; *env; env++)
		if (!strcmp(*env, entry))
			return true;
	return false;
}

static void
an_agent_gets_no_environment_but_the_listed(void **state)
{
	static const char *const bad[] = {
		"LD_PRELOAD=/tmp/x.so", "LD_LIBRARY_PATH=/tmp",
		"OPENSSL_CONF=/tmp/x", "SOFTHSM2_CONF=/tmp/x",
		"GCONV_PATH=/tmp", "PATH=/tmp", "TOUCHSTONE_SOCK=/tmp/x",
		"GNUPGHOME=/tmp", "HOMEX=/tmp", "P11_KIT_STRICT=1", "XLC_ALL=C",
		"GLIBC_TUNABLES=x", "LANGUAGE=/tmp", "=HOME=/tmp",
	};
	static const char *const good[] = {
		"HOME=/home/a", "XDG_RUNTIME_DIR=/run/user/7", "LC_CTYPE=C",
		"LANG=C", "TZ=UTC", "XDG_CONFIG_HOME=/c", "USER=a",
	};
	char *env[32], **out;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(env[n++] = strdup(bad[i]));
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_non_null(env[n++] = strdup(good[i]));
	env[n] = NULL;
	assert_non_null(out = start_environment(env));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (has(out, bad[i]))
			fail_msg("passed on: %s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!has(out, good[i]))
			fail_msg("dropped: %s", good[i]);
	assert_true(has(out, "PATH=/usr/bin:/bin"));
	free(out);
	while (n > 0)
		free(env[--n]);
}

/* ---- speaking with an agent ---- */

/* Writes replies ahead into one end of a pair; the client has the other. */
struct peer {
	int fd[2];
	struct buf out;
	struct talk talk;
};

static void
peer_open(struct peer *p)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p->fd), 0);
	buf_init(&p->out, 4 * FRAME_MAX);
	talk_init(&p->talk, p->fd[0]);
}

static void
peer_flush(struct peer *p)
{
	struct view v = buf_view(&p->out);

	assert_int_equal(buf_error(&p->out), 0);
	assert_int_equal(write(p->fd[1], v.p, v.len), v.len);
	buf_reset(&p->out);
}

static void
peer_close(struct peer *p)
{
	talk_release(&p->talk);
	buf_free(&p->out);
	close(p->fd[0]);
	close(p->fd[1]);
}

static void
a_refusal_carries_the_agents_words(void **state)
{
	struct msg_status_answer reply;
	struct peer p;

	peer_open(&p);
	frame_put_reply(&p.out, MSG_status, gpg_error(GPG_ERR_CANCELED),
	    "not today", NULL);
	peer_flush(&p);
	assert_int_equal(gpg_err_code(talk_ask(&p.talk, MSG_status, NULL,
	    &reply)), GPG_ERR_CANCELED);
	assert_string_equal(p.talk.said, "not today");
	assert_true(p.talk.told);
	peer_close(&p);
}

static void
a_second_reply_nobody_asked_for_is_refused(void **state)
{
	struct msg_empty reply;
	struct peer p;

	peer_open(&p);
	frame_put_reply(&p.out, MSG_stop, 0, NULL, NULL);
	peer_flush(&p);
	assert_int_equal(talk_ask(&p.talk, MSG_stop, NULL, &reply), 0);
	frame_put_reply(&p.out, MSG_stop, 0, NULL, NULL);
	frame_put_reply(&p.out, MSG_stop, 0, NULL, NULL);
	peer_flush(&p);
	assert_int_equal(gpg_err_code(talk_ask(&p.talk, MSG_stop, NULL,
	    &reply)), GPG_ERR_BAD_DATA);
	peer_close(&p);
}

static void
a_closed_connection_is_an_error_with_words(void **state)
{
	struct msg_empty reply;
	struct peer p;

	peer_open(&p);
	shutdown(p.fd[1], SHUT_RDWR);
	assert_int_not_equal(talk_ask(&p.talk, MSG_stop, NULL, &reply), 0);
	assert_string_equal(p.talk.said, "the agent closed the connection");
	assert_false(p.talk.told);
	peer_close(&p);
}

static void
put_progress(struct peer *p, enum msg_id id, enum request_state now,
    const char *result)
{
	struct msg_progress m = { .state = now, .result = view_str(result) };

	assert_int_equal(frame_put_reply(&p->out, id, 0, NULL, &m), 0);
	peer_flush(p);
}

static void
what_was_not_sent_whole_is_not_signed(void **state)
{
	static uint8_t object[300000];
	struct msg_progress done;
	struct peer p;
	int size = 1 << 20;

	peer_open(&p);
	setsockopt(p.fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	put_progress(&p, MSG_sign, STATE_DONE, "early");
	assert_int_equal(gpg_err_code(talk_sign(&p.talk, "k", "openpgp",
	    view_of(object, sizeof(object)), &done)), GPG_ERR_BAD_DATA);
	peer_close(&p);
}

static void
an_agent_that_asks_for_more_than_there_is_is_refused(void **state)
{
	struct msg_progress done;
	struct peer p;

	peer_open(&p);
	put_progress(&p, MSG_sign, STATE_MORE, "");
	assert_int_equal(gpg_err_code(talk_sign(&p.talk, "k", "openpgp",
	    view_str("small"), &done)), GPG_ERR_BAD_DATA);
	put_progress(&p, MSG_sign, STATE_DONE, "sig");
	assert_int_equal(talk_sign(&p.talk, "k", "openpgp", view_str("small"),
	    &done), 0);
	assert_true(view_eq_str(done.result, "sig"));
	peer_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gits_signing_line_is_ours_however_it_is_spelt),
		cmocka_unit_test(every_other_line_is_gpgs),
		cmocka_unit_test(a_status_of_a_signature_becomes_two_lines),
		cmocka_unit_test(a_status_of_anything_else_is_refused),
		cmocka_unit_test(only_one_armoured_signature_is_delivered),
		cmocka_unit_test(a_named_agent_is_the_only_one_that_is_asked),
		cmocka_unit_test(a_forwarded_agent_is_taken_if_it_knows_us),
		cmocka_unit_test(an_agent_is_started_only_where_none_listens),
		cmocka_unit_test(an_agent_gets_no_environment_but_the_listed),
		cmocka_unit_test(a_refusal_carries_the_agents_words),
		cmocka_unit_test(a_second_reply_nobody_asked_for_is_refused),
		cmocka_unit_test(a_closed_connection_is_an_error_with_words),
		cmocka_unit_test(what_was_not_sent_whole_is_not_signed),
		cmocka_unit_test(
		    an_agent_that_asks_for_more_than_there_is_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
