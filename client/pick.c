/* Finds the key that the user means. */
#include "config.h"

#include <stdio.h>

#include "client/pick.h"
#include "client/run.h"

/* git's own setting; "" if it has none. */
static void
git_key(char *out, size_t size)
{
	const char *const argv[] = { "git", "config", "--get",
		"user.signingkey", NULL };
	struct buf b;
	int status;

	out[0] = 0;
	buf_init(&b, 4096);
	if (!run_program(argv, view_of(NULL, 0), &b, &status) && !status) {
		struct view v = buf_view(&b);

		while (v.len && v.p[v.len - 1] == '\n')
			v.len--;
		snprintf(out, size, "%.*s", (int)v.len, (const char *)v.p);
	}
	buf_free(&b);
}

static gpg_error_t
only_key(struct call *c, struct key_info **out)
{
	size_t count = 0;
	gpg_error_t err = keys_fetch(c, "", false, out, &count);

	if (!err && count != 1) {
		keys_free(out, count);
		err = call_problem(c, GPG_ERR_AMBIGUOUS_NAME, "there are %zu "
		    "keys: say which one with --key, or for always with git "
		    "config user.signingkey", count);
	}
	return err;
}

gpg_error_t
pick_key(struct call *c, struct key_info **out)
{
	const char *name = call_option(c, "key");
	char git[1024] = "";

	if (!name)
		git_key(git, sizeof(git));
	if (!name && git[0])
		name = git;
	return name ? keys_fetch_one(c, name, false, out) : only_key(c, out);
}
