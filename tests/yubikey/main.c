/* A virtual YubiKey on the vpcd protocol: what the command line says. */
#include <config.h>

#include <sys/signalfd.h>

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card.h"

static const char usage[] =
"usage: yubikey --state FILE --port N [OPTION...]\n"
"       yubikey ctl SOCKET WORD...\n"
"\n"
"  --state FILE         what the card keeps; made if there is none\n"
"  --host ADDRESS       where the reader is [127.0.0.1]\n"
"  --port N             and its port\n"
"  --firmware X.Y.Z     of a new card [5.4.3]\n"
"  --serial N           of a new card [10000001]\n"
"  --root FILE          root certificate, made if there is none; the key is\n"
"                       in FILE.key [the state's name and .root.pem]\n"
"  --middle FILE        an authority between the root and the card\n"
"  --touch MODE         now, wait, never, after:MS [wait]\n"
"  --touch-timeout MS   [15000]\n"
"  --fault SPEC         what goes wrong, and when; may be repeated\n"
"  --control SOCKET     where ctl reaches the card\n"
"  --log FILE           one line for each command\n";

struct options {
	const char *root, *middle, *log;
	uint8_t firmware[3];
	uint32_t serial;
};

enum { OPT_STATE = 1, OPT_HOST, OPT_PORT, OPT_FIRMWARE, OPT_SERIAL, OPT_ROOT,
	OPT_MIDDLE, OPT_TOUCH, OPT_TOUCH_TIMEOUT, OPT_FAULT, OPT_CONTROL,
	OPT_LOG };

static const struct option long_options[] = {
	{ "state", required_argument, NULL, OPT_STATE },
	{ "host", required_argument, NULL, OPT_HOST },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "firmware", required_argument, NULL, OPT_FIRMWARE },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "middle", required_argument, NULL, OPT_MIDDLE },
	{ "touch", required_argument, NULL, OPT_TOUCH },
	{ "touch-timeout", required_argument, NULL, OPT_TOUCH_TIMEOUT },
	{ "fault", required_argument, NULL, OPT_FAULT },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "log", required_argument, NULL, OPT_LOG },
	{ NULL, 0, NULL, 0 },
};

static bool
take_touch(struct card *c, char *mode)
{
	char *arg = strchr(mode, ':');

	if (arg != NULL)
		*arg++ = '\0';
	return touch_mode_parse(&c->touch, mode, arg);
}

static bool
take_option(struct card *c, struct options *o, int opt)
{
	switch (opt) {
	case OPT_STATE:
		c->state.path = optarg;
		return true;
	case OPT_HOST:
		c->host = optarg;
		return true;
	case OPT_PORT:
		c->port = atoi(optarg);
		return c->port > 0 && c->port < 65536;
	case OPT_FIRMWARE:
		return sscanf(optarg, "%hhu.%hhu.%hhu", &o->firmware[0],
		    &o->firmware[1], &o->firmware[2]) == 3;
	case OPT_SERIAL:
		o->serial = strtoul(optarg, NULL, 10);
		return o->serial != 0;
	case OPT_ROOT:
		o->root = optarg;
		return true;
	case OPT_MIDDLE:
		o->middle = optarg;
		return true;
	case OPT_TOUCH:
		return take_touch(c, optarg);
	case OPT_TOUCH_TIMEOUT:
		c->touch.timeout = atoi(optarg);
		return c->touch.timeout > 0;
	case OPT_FAULT:
		return fault_add(c, optarg);
	case OPT_CONTROL:
		c->control_path = optarg;
		return true;
	case OPT_LOG:
		o->log = optarg;
		return true;
	}
	return false;
}

/* A card that is new leaves the factory here. */
static bool
prepare(struct card *c, const struct options *o)
{
	struct state *st = &c->state;
	char *root = NULL;
	bool found, ok;

	state_init(st);
	if (!state_load(st, &found))
		return false;
	if (found)
		return true;
	memcpy(st->firmware, o->firmware, sizeof(st->firmware));
	st->serial = o->serial;
	st->form_factor = 1;
	state_init(st);
	if (o->root == NULL && asprintf(&root, "%s.root.pem", st->path) < 0)
		return false;
	ok = attest_init(st, o->root != NULL ? o->root : root, o->middle);
	free(root);
	if (ok)
		state_save(st);
	else
		fprintf(stderr, "yubikey: no attestation key could be made\n");
	return ok;
}

static bool
end_by_signal(struct card *c)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return false;
	c->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return c->signals >= 0;
}

static int
run(struct card *c, const struct options *o)
{
	int status = 1;

	if (!prepare(c, o))
		goto out;
	if (o->log != NULL) {
		c->log = fopen(o->log, "ae");
		if (c->log == NULL) {
			perror(o->log);
			goto out;
		}
		setvbuf(c->log, NULL, _IOLBF, 0);
	}
	if (!end_by_signal(c)) {
		perror("signalfd");
		goto out;
	}
	if (!control_open(c)) {
		perror(c->control_path);
		goto out;
	}
	card_live(c);
	status = 0;
out:
	control_close(c);
	if (c->reader >= 0)
		close(c->reader);
	if (c->signals >= 0)
		close(c->signals);
	if (c->log != NULL)
		fclose(c->log);
	state_free(&c->state);
	return status;
}

int
main(int argc, char **argv)
{
	static struct card card = {
		.host = "127.0.0.1", .reader = -1, .control = -1,
		.signals = -1,
		.touch = { .mode = TOUCH_MODE_WAIT, .timeout = 15000 },
	};
	struct options o = { .firmware = { 5, 4, 3 }, .serial = 10000001 };
	int opt;

	if (argc >= 4 && !strcmp(argv[1], "ctl"))
		return control_tell(argv[2], argc - 3, argv + 3);
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (!take_option(&card, &o, opt))
			goto bad;
	}
	if (optind != argc || card.state.path == NULL || card.port == 0)
		goto bad;
	return run(&card, &o);
bad:
	fputs(usage, stderr);
	return 2;
}
