/*
 * touchstone keys certify, keys import-chain: the certificates that notation
 * wants beside a key, made by the key itself or given by an authority.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/chainfile.h"
#include "client/cmd-list.h"
#include "client/key.h"
#include "format/notaryenv.h"

#define SUBJECT_MAX 64		/* of a common name (RFC 5280, appendix A) */
#define DAY 86400		/* seconds */
#define DAYS_DEFAULT 1096
#define DAYS_MAX 7305		/* 20 years */

static gpg_error_t
read_days(struct call *c, uint32_t *seconds)
{
	const char *text = call_option(c, "days");
	unsigned long days = DAYS_DEFAULT;
	char *end;

	if (text) {
		days = strtoul(text, &end, 10);
		if (*text < '1' || *text > '9' || *end || days > DAYS_MAX)
			return call_problem(c, GPG_ERR_INV_ARG,
			    "--days is a number from 1 to %d", DAYS_MAX);
	}
	*seconds = (uint32_t)(days * DAY);
	return 0;
}

/* Its file is called by its name. */
static gpg_error_t
fetch(struct call *c, struct key_info **k)
{
	gpg_error_t err;

	if ((err = keys_fetch_one(c, call_arg(c, 0), false, k)))
		return err;
	if ((*k)->name[0])
		return 0;
	return call_problem(c, GPG_ERR_NO_NAME, "the key has no name yet: "
	    "\"touchstone keys export %s --openpgp --name NAME --user-id "
	    "...\" gives it one", (*k)->hex);
}

/* What an authority gave is not made anew by a command. */
static gpg_error_t
check_old(struct call *c, const struct key_info *k)
{
	struct chainfile old;
	gpg_error_t err = 0;

	if (call_option(c, "replace"))
		return 0;
	if (!chainfile_read(&c->paths, k->name, &old) && old.count > 1)
		err = call_problem(c, GPG_ERR_EEXIST, "the key has the "
		    "certificates of an authority: --replace gives them up");
	chainfile_free(&old);
	return err;
}

static gpg_error_t
store(struct call *c, const struct key_info *k,
    const struct attest_certs *chain, char **file)
{
	char why[ATTEST_WHY];
	struct buf pem;
	gpg_error_t err;

	if ((err = notaryenv_check_chain(k->pub, chain, (uint64_t)time(NULL),
	    why)))
		return call_problem(c, err, "the certificates are refused: "
		    "%s", why);
	if (!(*file = chainfile_path(&c->paths, k->name)))
		return call_problem(c, gpg_error(GPG_ERR_ENOMEM),
		    "out of memory");
	buf_init(&pem, CHAINFILE_MAX);
	if ((err = attest_certs_put(chain, &pem)) ||
	    (err = paths_write(*file, buf_view(&pem))))
		call_problem(c, err, "%s cannot be written: %s", *file,
		    gpg_strerror(err));
	buf_free(&pem);
	return err;
}

static int
report(struct call *c, const struct key_info *k,
    const struct attest_certs *chain, const char *file)
{
	size_t count = attest_certs_count(chain);

	if (c->json)
		return call_print(c, json_pack("{s:s,s:s,s:I}", "name",
		    k->name, "file", file, "certificates",
		    (json_int_t)count));
	printf("Key %s has %s, in %s.\n", k->name, count == 1 ?
	    "a certificate" : "its certificates", file);
	if (count == 1)
		printf("Who verifies its signatures trusts it: notation cert "
		    "add --type ca --store %s %s\n", k->name, file);
	return call_done(c);
}

static gpg_error_t
certify(struct call *c, const struct key_info *k, uint32_t expires_after,
    struct attest_certs **chain)
{
	const char *subject = call_option(c, "subject");
	struct msg_certify_image in = { .key = view_str(k->hex),
		.subject = view_str(subject ? subject : k->name),
		.expires_after = expires_after };
	struct msg_progress done;
	gpg_error_t err;

	if (in.subject.len > SUBJECT_MAX)
		return call_problem(c, GPG_ERR_TOO_LARGE, "a subject has at "
		    "most %d bytes", SUBJECT_MAX);
	if ((err = call_follow(c, MSG_certify_image, &in, &done)))
		return err;
	if ((err = attest_certs_add(chain, done.result)))
		return call_problem(c, err, "what the agent gives is no "
		    "certificate: %s", gpg_strerror(err));
	return 0;
}

static int
run_certify(struct call *c)
{
	struct attest_certs *chain = NULL;
	struct key_info *k = NULL;
	char *file = NULL;
	uint32_t seconds = 0;
	gpg_error_t err;
	int status;

	if ((err = read_days(c, &seconds)) ||
	    (err = call_connect(c, CONNECT_START | CONNECT_HERE)) ||
	    (err = fetch(c, &k)) || (err = check_old(c, k)) ||
	    (err = certify(c, k, seconds, &chain)) ||
	    (err = store(c, k, chain, &file)))
		status = call_fail(c, err);
	else
		status = report(c, k, chain, file);
	attest_certs_free(&chain);
	keys_free(&k, 1);
	free(file);
	return status;
}

static gpg_error_t
read_chain(struct call *c, struct attest_certs **chain)
{
	const char *from = call_arg(c, 1);
	struct buf pem;
	gpg_error_t err;

	buf_init(&pem, CHAINFILE_MAX);
	if ((err = paths_read(from, CHAINFILE_MAX, &pem)))
		call_problem(c, err, "%s cannot be read: %s", from,
		    gpg_strerror(err));
	else if ((err = attest_certs_read(chain, buf_view(&pem))))
		call_problem(c, err, "%s has no certificates in PEM, or "
		    "something else: %s", from, gpg_strerror(err));
	buf_free(&pem);
	return err;
}

static int
run_import_chain(struct call *c)
{
	struct attest_certs *chain = NULL;
	struct key_info *k = NULL;
	char *file = NULL;
	gpg_error_t err;
	int status;

	if ((err = read_chain(c, &chain)) ||
	    (err = call_connect(c, CONNECT_START)) || (err = fetch(c, &k)) ||
	    (err = store(c, k, chain, &file)))
		status = call_fail(c, err);
	else
		status = report(c, k, chain, file);
	attest_certs_free(&chain);
	keys_free(&k, 1);
	free(file);
	return status;
}

static const struct option_row certify_options[] = {
	{ "days", 0, "NUMBER", "how long from now, 1 to 7305; 1096" },
	{ "subject", 0, "TEXT", "its common name; the key's name" },
	{ "replace", 0, NULL, "give up what an authority certified" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_keys_certify = {
	"keys", "certify", "KEY", 1, 1,
	"Make a certificate for signing images", certify_options,
	run_certify,
};

const struct command cmd_keys_import_chain = {
	"keys", "import-chain", "KEY FILE", 2, 2,
	"Keep an authority's certificates of a key", NULL, run_import_chain,
};
