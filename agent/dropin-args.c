/* What ssh-agent's options are, and what it does that needs no agent. */
#include <config.h>

#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/dropin.h"

#define FATAL 255		/* as ssh-agent exits */

static int
fatal(const char *what, const char *arg)
{
	fprintf(stderr, "touchstone-agent: %s%s\n", what, arg);
	return FATAL;
}

/* "90", "1h30m", as sshd_config(5) has it; false: it is none. */
static bool
get_time(const char *text, uint32_t *seconds)
{
	static const char units[] = "smhdw";
	static const uint32_t worth[] = { 1, 60, 3600, 86400, 604800 };
	uint64_t total = 0;

	if (!*text)
		return false;
	while (*text) {
		uint64_t n = 0;
		const char *unit, *digits = text;

		for (; isdigit((unsigned char)*text); text++)
			if ((n = n * 10 + (uint64_t)(*text - '0')) > INT_MAX)
				return false;
		if (text == digits)
			return false;
		unit = *text ? strchr(units, tolower((unsigned char)*text)) :
		    units;
		if (!unit)
			return false;
		text += *text != 0;
		if ((total += n * worth[unit - units]) > INT_MAX)
			return false;
	}
	*seconds = (uint32_t)total;
	return true;
}

static int
take_hash(const char *arg)
{
	static const char *const known[] = { "MD5", "SHA1", "SHA256",
	    "SHA384", "SHA512" };
	char upper[8] = "";

	for (size_t i = 0; arg[i] && i < sizeof(upper) - 1; i++)
		upper[i] = (char)toupper((unsigned char)arg[i]);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(arg) < sizeof(upper) && !strcmp(upper, known[i]))
			return DROPIN_GOES_ON;
	return fatal("invalid hash algorithm ", arg);
}

/* What concerns keys of FIDO tokens, which are not kept, is accepted. */
static int
take_extra(const char *arg)
{
	if (!strcmp(arg, "no-restrict-websafe") ||
	    !strncmp(arg, "websafe-allow=", 14))
		return DROPIN_GOES_ON;
	if (!strcmp(arg, "allow-remote-pkcs11"))
		return fatal("clients from afar name no modules here: ", arg);
	return fatal("unknown -O option ", arg);
}

int
dropin_option(struct dropin *d, int option, const char *arg)
{
	d->wanted = true;
	switch (option) {
	case 'c':
		d->csh = true;
		return d->sh ? DROPIN_USAGE : DROPIN_GOES_ON;
	case 's':
		d->sh = true;
		return d->csh ? DROPIN_USAGE : DROPIN_GOES_ON;
	case 'd':
	case 'D':
		if (d->stays)
			return DROPIN_USAGE;
		d->stays = true;
		d->debug = option == 'd';
		return DROPIN_GOES_ON;
	case 'k':
		d->kills = true;
		return DROPIN_GOES_ON;
	case 'u':
		d->cleans = true;
		return DROPIN_GOES_ON;
	case 'T':
	case 'U':
		/* Its sockets are nowhere else, and not left behind. */
		return DROPIN_GOES_ON;
	case 'E':
		return take_hash(arg);
	case 'O':
		return take_extra(arg);
	case 'P':
		if (d->modules)
			return fatal("-P option already specified", "");
		d->modules = arg;
		return DROPIN_GOES_ON;
	case 'a':
		d->socket = arg;
		return DROPIN_GOES_ON;
	case 't':
		if (get_time(arg, &d->lifetime_s))
			return DROPIN_GOES_ON;
		fputs("Invalid lifetime\n", stderr);
		return DROPIN_USAGE;
	default:
		return DROPIN_USAGE;
	}
}

static bool
ends_in(const char *text, const char *end)
{
	return text && strlen(text) >= strlen(end) &&
	    !strcmp(text + strlen(text) - strlen(end), end);
}

int
dropin_settle(struct dropin *d, const char *program, char **rest)
{
	const char *slash = strrchr(program ? program : "", '/');

	if (program && !strcmp(slash ? slash + 1 : program, "ssh-agent"))
		d->wanted = true;
	if (rest[0]) {
		if (d->csh || d->sh || d->kills || d->stays)
			return DROPIN_USAGE;
		d->wanted = true;
		d->command = rest;
	} else if (!d->csh && !d->sh) {
		d->csh = ends_in(getenv("SHELL"), "csh");
	}
	return DROPIN_GOES_ON;
}

/* SSH_AGENT_PID is what the shell has evaluated. */
static int
kill_agent(const struct dropin *d)
{
	const char *text = getenv("SSH_AGENT_PID"), *unset;
	char *end = NULL;
	long pid = text ? strtol(text, &end, 10) : 0;

	if (!text) {
		fputs("SSH_AGENT_PID not set, cannot kill agent\n", stderr);
		return DROPIN_USAGE;
	}
	if (!isdigit((unsigned char)text[0]) || *end || pid < 2 ||
	    pid > INT_MAX) {
		fprintf(stderr, "SSH_AGENT_PID=\"%s\", which is not a good "
		    "PID\n", text);
		return DROPIN_USAGE;
	}
	if (kill((pid_t)pid, SIGTERM)) {
		perror("kill");
		return DROPIN_USAGE;
	}
	unset = d->csh ? "unsetenv" : "unset";
	printf("%s SSH_AUTH_SOCK;\n%s SSH_AGENT_PID;\n"
	    "echo Agent pid %ld killed;\n", unset, unset, pid);
	return 0;
}

int
dropin_do(struct dropin *d)
{
	if (d->kills)
		return kill_agent(d);
	/* Nothing of it is in ~/.ssh/agent to clean up. */
	return d->cleans ? 0 : DROPIN_GOES_ON;
}
