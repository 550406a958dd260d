/*
 * touchstone-trust: Docker Content Trust, for touchstone, which need not link
 * what this takes.
 */
#include "config.h"

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
	return call_main(run, argc, argv);
}
