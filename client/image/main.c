/*
 * touchstone-image: signs and verifies container images, for touchstone, which
 * need not link what this takes.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/image/rows.h"

const struct command *const commands[] = {
	&cmd_image_sign,
	&cmd_image_verify,
	&cmd_image_resolve,
	&cmd_image_copy,
	NULL,
};

static int
run(struct call *c)
{
	if (c->command == &cmd_image_sign)
		return image_sign(c);
	if (c->command == &cmd_image_verify)
		return image_verify(c);
	if (c->command == &cmd_image_resolve)
		return image_resolve(c);
	return image_copy(c);
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
