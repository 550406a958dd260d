/* touchstone: looks after the user's keys and agent. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/cmd.h"
#include "client/cmd-list.h"
#include "client/image/rows.h"
#include "client/trust/rows.h"

static int run_help(struct call *);

static const struct command cmd_help = {
	NULL, "help", "[COMMAND...]", 0, 2,
	"Tell how a command is called", NULL, run_help,
};

const struct command *const commands[] = {
	&cmd_setup,
	&cmd_keys_list,
	&cmd_keys_show,
	&cmd_keys_generate,
	&cmd_keys_export,
	&cmd_keys_extend,
	&cmd_keys_certify,
	&cmd_keys_import_chain,
	&cmd_keys_revoke,
	&cmd_keys_attest,
	&cmd_keys_move,
	&cmd_keys_delete,
	&cmd_attest_verify,
	&cmd_status,
	&cmd_forget,
	&cmd_reload,
	&cmd_stop,
	&cmd_session,
	&cmd_lock,
	&cmd_unlock,
	&cmd_audit_verify,
	&cmd_audit_show,
	&cmd_image_sign,
	&cmd_image_verify,
	&cmd_image_resolve,
	&cmd_image_copy,
	&cmd_trust_sign,
	&cmd_trust_inspect,
	&cmd_trust_verify,
	&cmd_trust_revoke,
	&cmd_trust_init,
	&cmd_trust_signer,
	&cmd_trust_rotate,
	&cmd_trust_witness,
	&cmd_trust_migrate,
	&cmd_help,
	NULL,
};

static int
run_help(struct call *c)
{
	const struct command *cmd;
	int used;

	if (c->arg_count == 0) {
		usage_overview(NULL);
		return call_done(c);
	}
	cmd = usage_find(c->arg_count, c->args, &used);
	if (!cmd)
		return usage_unknown(c->arg_count, c->args);
	usage_help(cmd);
	return call_done(c);
}

/* Another program has those of a group, by its name. */
static int
run_program_of(const char *group, char **argv)
{
	char program[sizeof(LIBEXECDIR) + 64];

	snprintf(program, sizeof(program), LIBEXECDIR "/touchstone-%s", group);
	execv(program, argv);
	say("%s cannot be run: %m", program);
	return STATUS_FAILED;
}

int
main(int argc, char **argv)
{
	const struct command *cmd;
	int used;

	if (argc < 2) {
		usage_overview(NULL);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("touchstone %s\n", PACKAGE_VERSION);
		return STATUS_OK;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage_overview(NULL);
		return STATUS_OK;
	}
	cmd = usage_find(argc - 1, argv + 1, &used);
	if (!cmd)
		return usage_unknown(argc - 1, argv + 1);
	if (!cmd->run)
		return run_program_of(cmd->group, argv);
	return call_run(cmd, NULL, argc - used, argv + used);
}
