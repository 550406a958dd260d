/* What a subcommand gives out. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/output.h"

int
output_text(struct call *c, const char *name, struct view text)
{
	const char *file = call_option(c, "output");
	gpg_error_t err;

	if (file && strcmp(file, "-")) {
		if ((err = paths_write(file, text))) {
			call_problem(c, err, "%s cannot be written: %s", file,
			    gpg_strerror(err));
			return call_fail(c, err);
		}
		if (c->json)
			return call_print(c, json_pack("{s:s}", "file", file));
		return STATUS_OK;
	}
	if (c->json)
		return call_print(c, json_pack("{s:o}", name,
		    json_view(text)));
	fwrite(text.p, 1, text.len, stdout);
	return call_done(c);
}
