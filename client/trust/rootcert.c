/* Makes and keeps the certificates of root keys. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/trust/rootcert.h"

#define LASTS (20U * 365 * 86400)	/* seconds; a root lasts ten years */

gpg_error_t
rootcert_make(struct call *c, const char *hex, const char *gun,
    struct attest_certs **out)
{
	struct msg_certify_image in = { .key = view_str(hex),
		.subject = view_str(gun), .expires_after = LASTS };
	struct msg_progress done;
	gpg_error_t err;

	*out = NULL;
	if ((err = call_follow(c, MSG_certify_image, &in, &done)))
		return err;
	if ((err = attest_certs_add(out, done.result)))
		return call_problem(c, err, "what the agent gives is no "
		    "certificate: %s", gpg_strerror(err));
	return 0;
}

/* A repository's name, in one that a file may have: it has no '+'. */
static char *
name_file(const struct call *c, const char *gun)
{
	size_t folder = strlen(c->paths.data) + strlen("/trust/");
	char *file;

	if (asprintf(&file, "%s/trust/%s.pem", c->paths.data, gun) < 0)
		return NULL;
	for (char *p = file + folder; *p; p++)
		if (*p == '/')
			*p = '+';
	return file;
}

gpg_error_t
rootcert_keep(struct call *c, const char *gun,
    const struct attest_certs *certs, char **file)
{
	char dir[4096];
	struct buf pem;
	gpg_error_t err;

	snprintf(dir, sizeof(dir), "%s/trust", c->paths.data);
	if (!(*file = name_file(c, gun)))
		return call_problem(c, GPG_ERR_ENOMEM, "out of memory");
	buf_init(&pem, ATTEST_FILE_MAX);
	if ((err = attest_certs_put(certs, &pem)) ||
	    (err = paths_make(dir, false)) ||
	    (err = paths_write(*file, buf_view(&pem))))
		call_problem(c, err, "%s cannot be written: %s", *file,
		    gpg_strerror(err));
	buf_free(&pem);
	return err;
}
