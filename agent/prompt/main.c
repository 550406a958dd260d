/*
 * touchstone-prompt: one question to the user, by their pinentry.
 *
 * touchstone-agent runs it with its own socket as descriptor 3, for a PIN
 * with a socket to the token process as descriptor 4, and with the
 * environment of the place where the prompt appears.  It takes one message,
 * answers it once and exits; when the agent closes the socket it exits at
 * once, and the prompt goes away with it.  A PIN goes from pinentry to the
 * token process and nowhere else.
 */
#include "config.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dialogue.h"
#include "wire/frame.h"

#define CONTROL_FD 3
#define PIN_FD 4
#define REQUEST_MAX 8192

/* Nobody may look into this process, and no file keeps what was in it. */
static bool
harden(void)
{
	const struct rlimit none = { 0, 0 };

#ifndef SANITIZERS	/* the search for leaks looks into it */
	if (prctl(PR_SET_DUMPABLE, 0))
		return false;
#endif
	return !setrlimit(RLIMIT_CORE, &none);
}

static bool
is_socket(int fd)
{
	socklen_t len = sizeof(int);
	int type;

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) &&
	    type == SOCK_SEQPACKET && !fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static gpg_error_t
receive(uint8_t raw[REQUEST_MAX], uint32_t *serial, struct msg_prompt_ask *ask)
{
	struct view body;
	enum msg_id id;
	ssize_t n;

	do
		n = recv(CONTROL_FD, raw, REQUEST_MAX, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return gpg_error(GPG_ERR_EOF);
	if (n > REQUEST_MAX ||
	    datagram_get(view_of(raw, (size_t)n), SCOPE_PROMPT, &id, serial,
	    &body))
		return gpg_error(GPG_ERR_BAD_DATA);
	return msg_decode(id, body, ask);
}

static int
reply(uint32_t serial, gpg_error_t code, const char *text)
{
	const struct msg_empty none = {};
	struct view v;
	struct buf b;
	int rc = 1;

	buf_init(&b, 2048);
	if (!datagram_put_reply(&b, serial, MSG_prompt_ask, code, text,
	    &none)) {
		v = buf_view(&b);
		if (send(CONTROL_FD, v.p, v.len, MSG_NOSIGNAL) > 0)
			rc = 0;
	}
	buf_free(&b);
	return rc;
}

static gpg_error_t
converse(struct pinentry *p, const struct msg_prompt_ask *ask)
{
	gpg_error_t err;

	if ((err = pinentry_init(p, ask, CONTROL_FD)))
		return err;
	if (p->path[0] != '/') {
		snprintf(p->problem, sizeof(p->problem), "no pinentry is "
		    "known: install one (pinentry-curses, pinentry-gnome3) or "
		    "set `pinentry` in touchstone's configuration to its "
		    "whole path");
		return gpg_error(GPG_ERR_NO_PIN_ENTRY);
	}
	switch (ask->dialogue) {
	case DIALOGUE_PIN:
		if (is_socket(PIN_FD))
			return dialogue_pin(p, PIN_FD);
		break;
	case DIALOGUE_CONFIRM:
		return dialogue_confirm(p);
	case DIALOGUE_NOTICE:
		return dialogue_notice(p);
	}
	return gpg_error(GPG_ERR_INV_ARG);
}

int
main(void)
{
	uint8_t raw[REQUEST_MAX];
	struct pinentry pinentry = { .pid = 0 };
	struct msg_prompt_ask ask;
	uint32_t serial = 0;
	gpg_error_t err;
	int rc = 1;

	if (!harden() || !is_socket(CONTROL_FD)) {
		fputs("touchstone-prompt is run by touchstone-agent\n",
		    stderr);
		return 2;
	}
	if (receive(raw, &serial, &ask))
		return 1;
	err = converse(&pinentry, &ask);
	if (!pinentry.abandoned)
		rc = reply(serial, err, pinentry.problem[0] ?
		    pinentry.problem : gpg_strerror(err));
	close(PIN_FD);
	pinentry_close(&pinentry);
	return rc;
}
