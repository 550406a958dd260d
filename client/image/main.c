/*
 * touchstone-image: signs and verifies container images, for touchstone, which
 * need not link what this takes.
 */
#include "config.h"

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
	return call_main(run, argc, argv);
}
