/* touchstone lock, unlock: a passphrase before anything is signed. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "client/cmd-list.h"
#include "wire/frame.h"

#define PASSPHRASE_MAX 1024
#define UNLOCK_MS 120000	/* wrong tries are delayed, also others' */

/* One line, byte by byte, so that nothing of it is in a buffer of stdio. */
static bool
read_line(int fd, char *out, size_t *len)
{
	char c = 0;

	for (*len = 0; read(fd, &c, 1) == 1 && c != '\n';) {
		if (*len == PASSPHRASE_MAX)
			return false;
		out[(*len)++] = c;
	}
	return c == '\n' || *len > 0;
}

/* Waits for a line; a signal ends that, and is left pending. */
static bool
wait_for_line(int tty, int signals)
{
	struct pollfd p[] = { { tty, POLLIN, 0 }, { signals, POLLIN, 0 } };

	return poll(p, 2, -1) > 0 && !p[1].revents;
}

static bool
ask_unseen(int tty, int signals, const char *question, char *out, size_t *len)
{
	struct termios seen, unseen;
	bool good;

	if (tcgetattr(tty, &seen))
		return false;
	unseen = seen;
	unseen.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	if (tcsetattr(tty, TCSAFLUSH, &unseen))
		return false;
	dprintf(tty, "%s: ", question);
	good = wait_for_line(tty, signals) && read_line(tty, out, len);
	dprintf(tty, "\n");
	tcsetattr(tty, TCSAFLUSH, &seen);
	return good;
}

/* Signals do their work when what is typed can be seen again. */
static bool
read_unseen(int tty, const char *question, char *out, size_t *len)
{
	sigset_t set, old;
	bool good = false;
	int signals;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, &old);
	if ((signals = signalfd(-1, &set, SFD_CLOEXEC)) >= 0) {
		good = ask_unseen(tty, signals, question, out, len);
		close(signals);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return good;
}

/* A line of stdin, or what is typed at the terminal, for a new one twice. */
static gpg_error_t
ask_passphrase(struct call *c, bool new, char *out, size_t *len)
{
	char again[PASSPHRASE_MAX];
	size_t again_len;
	gpg_error_t err = 0;
	int tty;

	if (!isatty(STDIN_FILENO))
		return read_line(STDIN_FILENO, out, len) ? 0 :
		    call_problem(c, GPG_ERR_NO_PASSPHRASE, "there is no "
		    "passphrase on the standard input");
	if ((tty = open("/dev/tty", O_RDWR | O_CLOEXEC)) < 0)
		return call_problem(c, GPG_ERR_NO_PASSPHRASE, "there is no "
		    "terminal to ask for the passphrase at");
	if (!read_unseen(tty, new ? "New passphrase of the lock" :
	    "Passphrase of the lock", out, len))
		err = gpg_error(GPG_ERR_CANCELED);
	if (!err && new && (!read_unseen(tty, "Once more", again,
	    &again_len) || again_len != *len || memcmp(again, out, *len)))
		err = call_problem(c, GPG_ERR_NOT_CONFIRMED,
		    "these were two different ones: nothing was locked");
	explicit_bzero(again, sizeof(again));
	close(tty);
	return err;
}

/* The agent protocol's answer is yes or no. */
static gpg_error_t
send_passphrase(struct call *c, enum msg_id id, struct view passphrase)
{
	struct msg_ssh_lock in = { passphrase };
	struct view frame;
	gpg_error_t err;

	buf_reset(&c->talk.out);
	if ((err = frame_put(&c->talk.out, msg_row(id)->code, id, &in)) ||
	    (err = talk_exchange(&c->talk, UNLOCK_MS, &frame)))
		return err;
	if (frame.p[0] == SSH_AGENT_SUCCESS)
		return 0;
	return id == MSG_ssh_lock ? call_problem(c, GPG_ERR_LOCKED,
	    "the agent is locked already") : call_problem(c,
	    GPG_ERR_BAD_PASSPHRASE, "the passphrase is wrong");
}

static gpg_error_t
find_state(struct call *c, bool *locked)
{
	struct msg_status_answer a;
	gpg_error_t err;

	if (!(err = call_connect(c, CONNECT_HERE)) &&
	    !(err = call_ask(c, MSG_status, NULL, &a)))
		*locked = a.locked;
	return err;
}

static int
change(struct call *c, enum msg_id id, const char *done)
{
	bool locks = id == MSG_ssh_lock, locked = false;
	char passphrase[PASSPHRASE_MAX] = "";
	size_t len = 0;
	gpg_error_t err;

	mlock(passphrase, sizeof(passphrase));
	err = find_state(c, &locked);
	if (!err && locks == locked)
		err = call_problem(c, GPG_ERR_INV_STATE, locks ?
		    "the agent is locked already" :
		    "the agent is not locked");
	if (!err && !(err = ask_passphrase(c, locks, passphrase, &len)))
		err = send_passphrase(c, id, view_of(passphrase, len));
	explicit_bzero(passphrase, sizeof(passphrase));
	munlock(passphrase, sizeof(passphrase));
	if (err)
		return call_fail(c, err);
	if (c->json)
		return call_print(c, json_pack("{s:b}", "ok", 1));
	printf("%s\n", done);
	return call_done(c);
}

static int
run_lock(struct call *c)
{
	return change(c, MSG_ssh_lock, "The agent is locked, and all PINs are "
	    "forgotten.");
}

static int
run_unlock(struct call *c)
{
	return change(c, MSG_ssh_unlock, "The agent is not locked any more.");
}

const struct command cmd_lock = {
	NULL, "lock", "", 0, 0, "Hide all keys and forget the PINs until a "
	"passphrase is given", NULL, run_lock,
};

const struct command cmd_unlock = {
	NULL, "unlock", "", 0, 0, "Open what lock or ssh-add -x has locked",
	NULL, run_unlock,
};
