/*
 * touchstone-trust: Docker Content Trust, for touchstone, which need not link
 * what this takes.
 */
#include "config.h"

#include <stdio.h>

#include "client/trust/rows.h"

const struct command *const commands[] = {
	&cmd_trust_sign,
	&cmd_trust_inspect,
	&cmd_trust_verify,
	&cmd_trust_revoke,
	&cmd_trust_init,
	&cmd_trust_signer,
	&cmd_trust_rotate,
	&cmd_trust_witness,
	&cmd_trust_migrate,
	NULL,
};

static int
run(struct call *c)
{
	static int (*const runs[])(struct call *) = {
		trust_sign, trust_inspect, trust_verify, trust_revoke,
		trust_init, trust_signers, trust_rotate, trust_witness,
		trust_migrate };
	size_t i = 0;

	while (commands[i] != c->command)
		i++;
	return runs[i](c);
}

int
main(int argc, char **argv)
{
	struct call c = { .command = NULL };
	gpg_error_t err;
	int used, status;

	if (argc < 2) {
		usage_overview(NULL);
		return STATUS_USAGE;
	}
	if (!(c.command = usage_find(argc - 1, argv + 1, &used)))
		return usage_unknown(argc - 1, argv + 1);
	talk_init(&c.talk, -1);
	if ((status = usage_parse(&c, argc - used, argv + used)) >= 0)
		return status;
	if ((err = paths_init(&c.paths))) {
		call_problem(&c, err, "the home folder cannot be found: %s",
		    gpg_strerror(err));
		return call_fail(&c, err);
	}
	status = run(&c);
	talk_close(&c.talk);
	paths_free(&c.paths);
	return status;
}
