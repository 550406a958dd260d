/*
 * touchstone-token, one PKCS#11 module in a process of its own,
 * touchstone-piv, the YubiKeys in another, and touchstone-softkeys, the keys
 * in memory.  The agent starts it with a SOCK_SEQPACKET socket as descriptor 3
 * and speaks to it there; it ends when that socket closes.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"
#include "wire/frame.h"

#define AGENT_FD 3
#define PATIENCE_S 3	/* for a module that will not let go at the end */

static int
usage(FILE *f, int status)
{
	fputs("usage: touchstone-token, touchstone-piv, touchstone-softkeys\n"
	    "Parts of touchstone-agent, which starts them with a socket as "
	    "descriptor 3.\nThey do nothing by themselves: see touchstone(1).\n",
	    f);
	return status;
}

/* Whether the agent's socket is there. */
static bool
socket_ok(int fd)
{
	socklen_t len = sizeof(int);
	int domain, type;

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	    domain == AF_UNIX &&
	    !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) &&
	    type == SOCK_SEQPACKET;
}

/*
 * Nobody looks into this process, and nothing it loads gains rights.  (The
 * leak checker of a sanitized build has to look.)
 */
static bool
harden(void)
{
	const struct rlimit none = { 0, 0 };

#ifndef SANITIZERS
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return false;
#endif
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	    !setrlimit(RLIMIT_CORE, &none);
}

/* Sleeps until a signal asks for the end; every thread blocks them. */
static void
wait_for_end(const sigset_t *ends)
{
	int sig;

	while (sigwait(ends, &sig))
		;
}

int
main(int argc, char **argv)
{
	int room = 4 * DATAGRAM_MAX;
	struct server *s;
	sigset_t ends;
	gpg_error_t err;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout, 0);
	if (argc != 1 || !socket_ok(AGENT_FD))
		return usage(stderr, 2);
	if (!harden())
		return 1;
	setsockopt(AGENT_FD, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	if (server_start(&s, AGENT_FD, &token_ops))
		return 1;
	wait_for_end(&ends);
	server_wipe(s);
	alarm(PATIENCE_S);
	shutdown(AGENT_FD, SHUT_RDWR);
	err = server_finish(&s);
	return err ? 1 : 0;
}
