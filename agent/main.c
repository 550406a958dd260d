/* touchstone-agent: starts, reads its configuration, runs the loop, ends. */
#include <config.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "agent.h"
#include "dropin.h"
#include "helper.h"
#include "listen.h"
#include "serve.h"

#define FILES 1024		/* descriptors, for all connections */

static void
on_signal(int sig, short what, void *arg)
{
	struct agent *a = arg;
	char *problem = NULL;

	switch (sig) {
	case SIGCHLD:
		helper_reap(a);
		break;
	case SIGUSR1:
		forget_pins(a);
		forget_added(a);
		break;
	case SIGHUP:
		/* A private agent's terminal is gone. */
		if (a->dropin)
			agent_stop(a);
		else if (agent_reload(a, &problem))
			agent_log("kept as it was: %s",
			    problem ? problem : "cannot reload");
		free(problem);
		break;
	default:
		agent_stop(a);
	}
}

/* ---- the beginning ---- */

/* No core, no debugger, no privileges gained, no configuration of OpenSSL. */
static void
harden(void)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit files;

	setrlimit(RLIMIT_CORE, &none);
	/* Enough descriptors for all connections, where that is allowed. */
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < FILES) {
		files.rlim_cur = files.rlim_max < FILES ? files.rlim_max :
		    FILES;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
}

static void
say_ready(const struct agent *a, int fd)
{
	if (a->dropin) {
		dropin_ready(a->dropin, fd);
		return;
	}
	if (fd < 0)
		return;
	if (write(fd, "", 1) < 0)
		agent_log("nobody waits for it to be ready");
	close(fd);
}

static int
run(struct agent *a, int ready_fd)
{
	static const int signals[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT,
	    SIGUSR1 };
	struct event events[5];
	struct listener *listener = NULL;
	char *problem = NULL;
	gpg_error_t err;

	if ((err = agent_init(a)) || (err = listener_open(a, &listener,
	    &problem)) || (err = agent_reload(a, &problem))) {
		agent_log("%s", problem ? problem : gpg_strerror(err));
		free(problem);
		listener_close(&listener);
		agent_clear(a);
		return gpg_err_code(err) == GPG_ERR_EALREADY ? 3 : 1;
	}
	for (size_t i = 0; i < 5; i++) {
		evsignal_assign(&events[i], a->base, signals[i], on_signal, a);
		event_add(&events[i], NULL);
	}
	if (agent_audit(a))
		agent_log("nothing can be signed: %s", a->audit_problem);
	say_ready(a, ready_fd);
	event_base_dispatch(a->base);
	listener_shut(listener);
	for (size_t i = 0; i < 5; i++)
		event_del(&events[i]);
	agent_clear(a);
	/* The next agent finds the log and the sockets free. */
	listener_close(&listener);
	return 0;
}

/* ---- the command line ---- */

static void
usage(FILE *to)
{
	fputs("usage: touchstone-agent [--ready-fd N] [--help] [--version]\n"
	    "       touchstone-agent [-c | -s] [-DdTU] [-a SOCKET] [-E HASH] "
	    "[-O OPTION]\n"
	    "                        [-P MODULES] [-t LIFETIME] [COMMAND...]\n"
	    "       touchstone-agent [-c | -s] -k\n"
	    "Signs with keys on tokens, for touchstone-gpg, touchstone and "
	    "ssh.\nClients start it when it is needed; `touchstone stop` ends "
	    "it.  As in the\nsecond line, it is a private one in place of "
	    "ssh-agent.\nSee touchstone-agent(1).\n", to);
}

/* Ends where an option was enough; else what is to be done is known. */
static int
read_options(int argc, char **argv, struct dropin *d, int *ready_fd)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "ready-fd", required_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int opt, status;

	/* What follows a command is the command's. */
	while ((opt = getopt_long(argc, argv, "+h" DROPIN_OPTIONS, options,
	    NULL)) != -1) {
		status = DROPIN_GOES_ON;
		if (opt == 'h') {
			usage(stdout);
			return 0;
		} else if (opt == 'v') {
			puts("touchstone-agent " PACKAGE_VERSION);
			return 0;
		} else if (opt == 'r') {
			*ready_fd = atoi(optarg);
			if (*ready_fd <= 2)
				status = DROPIN_USAGE;
		} else if (opt == '?') {
			status = DROPIN_USAGE;
		} else {
			status = dropin_option(d, opt, optarg);
		}
		if (status != DROPIN_GOES_ON)
			return status;
	}
	status = dropin_settle(d, argv[0], argv + optind);
	return d->wanted && *ready_fd >= 0 ? DROPIN_USAGE : status;
}

int
main(int argc, char **argv)
{
	struct dropin dropin = { 0 };
	struct agent agent = { 0 };
	int ready_fd = -1, status;

	status = read_options(argc, argv, &dropin, &ready_fd);
	if (status == DROPIN_USAGE) {
		usage(stderr);
		return dropin.wanted ? status : 2;
	}
	if (status == DROPIN_GOES_ON && dropin.wanted) {
		agent.dropin = &dropin;
		if ((status = dropin_do(&dropin)) == DROPIN_GOES_ON)
			status = dropin_start(&dropin, &ready_fd);
	}
	if (status == DROPIN_GOES_ON) {
		harden();
		status = run(&agent, ready_fd);
	}
	dropin_clear(&dropin);
	return status;
}
