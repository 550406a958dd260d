/* What a subcommand gives out. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/output.h"
#include "wire/base64.h"

#define PEM_MAX (64 * 1024)
#define PEM_LINE 64		/* RFC 7468 */

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

/* RFC 7468. */
static gpg_error_t
put_pem(struct buf *b, const char *label, struct view der)
{
	struct view rest, line;
	struct buf text;
	gpg_error_t err;

	buf_init(&text, PEM_MAX);
	err = base64_put(&text, der);
	rest = buf_view(&text);
	buf_putf(b, "-----BEGIN %s-----\n", label);
	while (!err && rest.len > 0) {
		view_get_bytes(&rest, rest.len < PEM_LINE ? rest.len :
		    PEM_LINE, &line);
		buf_put_view(b, line);
		err = buf_put_u8(b, '\n');
	}
	buf_free(&text);
	return err ? err : buf_putf(b, "-----END %s-----\n", label);
}

int
output_pem(struct call *c, const char *name, const char *label,
    struct view der)
{
	struct buf pem;
	gpg_error_t err;
	int status;

	buf_init(&pem, PEM_MAX);
	if ((err = put_pem(&pem, label, der))) {
		call_problem(c, err, "it cannot be written as PEM: %s",
		    gpg_strerror(err));
		status = call_fail(c, err);
	} else {
		status = output_text(c, name, buf_view(&pem));
	}
	buf_free(&pem);
	return status;
}
