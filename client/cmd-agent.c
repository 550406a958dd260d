/* touchstone forget, reload, stop, session: words to the agent. */
#include "config.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/cmd-list.h"

#define STOP_MS 30000

static int
report(struct call *c, const char *done)
{
	if (c->json)
		return call_print(c, json_pack("{s:b}", "ok", 1));
	printf("%s\n", done);
	return call_done(c);
}

/* A request without parameters or answer. */
static int
tell(struct call *c, enum msg_id id, unsigned flags, const char *done)
{
	struct msg_empty reply;
	gpg_error_t err;

	if ((err = call_connect(c, CONNECT_HERE | flags)) ||
	    (err = call_ask(c, id, NULL, &reply)))
		return call_fail(c, err);
	return report(c, done);
}

/* Where nobody runs there is nothing to forget or to stop. */
static bool
nobody(struct call *c)
{
	return gpg_err_code(call_connect(c, CONNECT_HERE)) ==
	    GPG_ERR_NO_AGENT && c->talk.way != WAY_NAMED;
}

static const struct option_row forget_options[] = {
	{ "removed", 0, NULL, "of the tokens that were taken out" },
	{ NULL, 0, NULL, NULL },
};

static int
run_forget(struct call *c)
{
	const char *token = call_arg(c, 0);
	struct msg_forget in = { .token = view_str(token ? token : ""),
		.removed = call_option(c, "removed") != NULL };
	struct msg_empty reply;
	gpg_error_t err;

	if (token && (in.removed || !*token)) {
		err = call_problem(c, GPG_ERR_INV_ARG, *token ? "a token and "
		    "--removed exclude each other" : "no token was named");
		return call_fail(c, err);
	}
	if (nobody(c))
		return report(c, "No agent runs, so no PIN is held.");
	if ((err = call_connect(c, CONNECT_HERE)) ||
	    (err = call_ask(c, MSG_forget, &in, &reply)))
		return call_fail(c, err);
	return report(c, token ? "Its PIN is forgotten." : in.removed ?
	    "The PINs of tokens that were taken out are forgotten." :
	    "All PINs are forgotten.");
}

static int
run_reload(struct call *c)
{
	return tell(c, MSG_reload, 0, "Configuration and keys were read.");
}

static int
run_session(struct call *c)
{
	return tell(c, MSG_session, CONNECT_START,
	    "Prompts for requests from elsewhere will appear here.");
}

/* A descriptor of the agent's process, to see its end by; -1: none. */
static int
open_agent(struct call *c)
{
	struct msg_status_answer a;

	if (call_ask(c, MSG_status, NULL, &a) || a.pid == 0 ||
	    a.pid > INT_MAX)
		return -1;
	return (int)syscall(SYS_pidfd_open, (pid_t)a.pid, 0);
}

/* It answers first and ends then. */
static gpg_error_t
wait_for_end(struct call *c, int pidfd)
{
	int64_t deadline = talk_now_ms() + STOP_MS;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	struct view frame;
	gpg_error_t err;
	int64_t left;

	err = talk_exchange(&c->talk, STOP_MS, &frame);
	while (gpg_err_code(err) != GPG_ERR_TIMEOUT && pidfd >= 0) {
		left = deadline - talk_now_ms();
		if (left <= 0)
			err = gpg_error(GPG_ERR_TIMEOUT);
		else if (poll(&p, 1, (int)left) > 0)
			break;
	}
	if (gpg_err_code(err) != GPG_ERR_TIMEOUT)
		return 0;
	return call_problem(c, err, "the agent still finishes what is "
	    "pending, and ends then");
}

static int
run_stop(struct call *c)
{
	struct msg_empty reply;
	gpg_error_t err;
	int pidfd;

	if (nobody(c))
		return report(c, "No agent runs.");
	if ((err = call_connect(c, CONNECT_HERE)))
		return call_fail(c, err);
	pidfd = open_agent(c);
	if (!(err = call_ask(c, MSG_stop, NULL, &reply)))
		err = wait_for_end(c, pidfd);
	if (pidfd >= 0)
		close(pidfd);
	return err ? call_fail(c, err) : report(c, "The agent has ended.");
}

const struct command cmd_forget = {
	NULL, "forget", "[TOKEN]", 0, 1,
	"Wipe every PIN that is held, or that of one token", forget_options,
	run_forget,
};

const struct command cmd_reload = {
	NULL, "reload", "", 0, 0,
	"Let the agent read the configuration and the keys again", NULL,
	run_reload,
};

const struct command cmd_stop = {
	NULL, "stop", "", 0, 0, "End the agent when nothing is pending", NULL,
	run_stop,
};

const struct command cmd_session = {
	NULL, "session", "", 0, 0,
	"Let prompts for requests from elsewhere appear here", NULL,
	run_session,
};
