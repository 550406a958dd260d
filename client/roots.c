/* Finds the roots that attestations are verified with. */
#include "config.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>

#include "client/roots.h"

#define SYSTEM_FOLDER DATADIR "/touchstone/roots"

gpg_error_t
roots_read(struct call *c, const char *file, struct attest_certs **certs)
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, ATTEST_FILE_MAX);
	if ((err = paths_read(file, ATTEST_FILE_MAX, &b)))
		call_problem(c, err, "%s cannot be read: %s", file,
		    gpg_strerror(err));
	else if ((err = attest_certs_read(certs, buf_view(&b))))
		call_problem(c, err, "%s is no file of certificates (PEM): "
		    "%s", file, gpg_strerror(err));
	buf_free(&b);
	return err;
}

/* A folder that is not there has none. */
static gpg_error_t
read_folder(struct call *c, const char *dir, struct attest_certs **certs)
{
	char pattern[PATH_MAX];
	gpg_error_t err = 0;
	glob_t found;
	int n = snprintf(pattern, sizeof(pattern), "%s/*.pem", dir);

	if (n < 0 || n >= PATH_MAX)
		return 0;
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && !err; i++)
			err = roots_read(c, found.gl_pathv[i], certs);
	globfree(&found);
	return err;
}

static gpg_error_t
read_all(struct call *c, const char *mine, struct attest_certs **certs)
{
	const char *file = call_option(c, "root");
	gpg_error_t err;

	if (file)
		return roots_read(c, file, certs);
	if ((err = read_folder(c, mine, certs)))
		return err;
	return read_folder(c, SYSTEM_FOLDER, certs);
}

gpg_error_t
roots_load(struct call *c, struct attest_certs **certs)
{
	const char *file = call_option(c, "root");
	char mine[PATH_MAX];
	gpg_error_t err;

	*certs = NULL;
	snprintf(mine, sizeof(mine), "%s/roots", c->paths.data);
	if (!(err = read_all(c, mine, certs)) && !attest_certs_roots(*certs))
		err = file ? call_problem(c, GPG_ERR_BAD_CERT_CHAIN, "%s has "
		    "no certificate that signs itself", file) :
		    call_problem(c, GPG_ERR_MISSING_ISSUER_CERT, "no root "
		    "certificate: give --root FILE, or put the maker's (*.pem; "
		    "for YubiKeys, Yubico's PIV root from "
		    "developers.yubico.com/PKI) into %s", mine);
	if (err)
		attest_certs_free(certs);
	return err;
}
