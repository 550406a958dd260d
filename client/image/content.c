/* Asks trust data about an image. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "client/image/content.h"

#define VARIABLE "TOUCHSTONE_CONTENT_TRUST"

bool
content_wanted(const struct call *c)
{
	const char *shell = getenv(VARIABLE);
	bool wanted = shell && *shell && strcmp(shell, "0");

	for (size_t i = 0; i < c->given_count; i++) {
		const char *name = c->given[i].row->name;

		if (!strcmp(name, "content-trust"))
			wanted = true;
		else if (!strcmp(name, "no-content-trust"))
			wanted = false;
	}
	return wanted;
}

gpg_error_t
content_begin(struct content *t, struct call *c, const char *ref)
{
	gpg_error_t err;

	t->answered = false;
	if ((err = session_begin(&t->session, c, ref,
	    call_option(c, "trust-root"))) ||
	    (err = session_update(&t->session)) ||
	    (err = session_answer(&t->session, &t->answer)))
		return err;
	t->answered = true;
	return 0;
}

void
content_end(struct content *t)
{
	session_end(&t->session);
}
