/* touchstone forget, reload, stop, session: words to the agent. */
#include "config.h"

#include <stdio.h>

#include "client/cmd-list.h"

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

static int
run_forget(struct call *c)
{
	if (nobody(c))
		return report(c, "No agent runs, so no PIN is held.");
	return tell(c, MSG_forget, 0, "All PINs are forgotten.");
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

/* It answers first and ends then; the end of the connection is its end. */
static int
run_stop(struct call *c)
{
	struct msg_empty reply;
	struct view frame;
	gpg_error_t err;

	if (nobody(c))
		return report(c, "No agent runs.");
	if ((err = call_connect(c, CONNECT_HERE)) ||
	    (err = call_ask(c, MSG_stop, NULL, &reply)))
		return call_fail(c, err);
	err = talk_exchange(&c->talk, 30000, &frame);
	if (gpg_err_code(err) == GPG_ERR_TIMEOUT) {
		call_problem(c, err, "the agent still finishes what is "
		    "pending, and ends then");
		return call_fail(c, err);
	}
	return report(c, "The agent has ended.");
}

const struct command cmd_forget = {
	NULL, "forget", "", 0, 0, "Wipe every PIN that is held", NULL,
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
