/* touchstone keys extend: an OpenPGP certificate that expires later. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "client/cmd-list.h"
#include "client/enrol.h"

#define YEARS_DEFAULT "3"
#define YEARS_MAX 20

static gpg_error_t
read_years(struct call *c, uint32_t *lifetime)
{
	const char *text = call_option(c, "years");
	char *end;
	long years;

	years = strtol(text ? text : YEARS_DEFAULT, &end, 10);
	if (*end || years < 1 || years > YEARS_MAX)
		return call_problem(c, GPG_ERR_INV_ARG, "--years takes a "
		    "number from 1 to %d", YEARS_MAX);
	*lifetime = ENROL_YEARS((uint32_t)years);
	return 0;
}

static int
report(struct call *c, const struct enrolment *e)
{
	time_t expires = e->record->expires;
	char date[16];
	struct tm tm;

	if (c->json)
		return call_print(c, json_pack("{s:s, s:s, s:I, s:b}",
		    "name", e->record->name, "fingerprint", e->fingerprint,
		    "expires", (json_int_t)e->record->expires,
		    "imported", (int)e->imported));
	gmtime_r(&expires, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	printf("The certificate of key %s is valid until %s.\n",
	    e->record->name, date);
	return call_done(c);
}

static int
run_extend(struct call *c)
{
	struct enrolment e = { 0 };
	struct key_info *k = NULL;
	uint32_t lifetime = 0;
	gpg_error_t err;
	int status;

	if ((err = read_years(c, &lifetime)) ||
	    (err = call_connect(c, CONNECT_START | CONNECT_HERE)) ||
	    (err = keys_fetch_one(c, call_arg(c, 0), false, &k)))
		goto out;
	err = enrol_find(c, k, &e);
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
		call_problem(c, err, "the key has no certificate: \"touchstone "
		    "keys export %s --openpgp --user-id ...\" makes one",
		    call_arg(c, 0));
	if (!err && !(err = enrol_extend(c, k, lifetime, &e)) &&
	    !call_option(c, "no-import"))
		err = enrol_import(c, &e);
out:
	status = err ? call_fail(c, err) : report(c, &e);
	enrol_free(&e);
	keys_free(&k, 1);
	return status;
}

static const struct option_row options[] = {
	{ "years", 0, "NUMBER", "how long from now, 1 to 20; 3" },
	{ "no-import", 0, NULL, "leave the GnuPG keyring as it is" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_keys_extend = {
	"keys", "extend", "KEY", 1, 1,
	"Renew the OpenPGP certificate of a key", options, run_extend,
};
