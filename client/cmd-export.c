/* touchstone keys export: the public key as others want it. */
#include "config.h"

#include "client/cmd-list.h"
#include "client/enrol.h"
#include "client/make.h"
#include "client/output.h"
#include "format/ssh.h"

static gpg_error_t
none_yet(struct call *c, const char *also)
{
	return call_problem(c, GPG_ERR_NOT_FOUND, "the key has no OpenPGP "
	    "certificate yet: give --user-id \"Your Name "
	    "<you@example.org>\"%s to make one", also);
}

/* The certificate that is recorded, or a new one if that is asked for. */
static gpg_error_t
certificate(struct call *c, const struct key_info *k, struct enrolment *e)
{
	const char *user_id = call_option(c, "user-id");
	const char *name = call_option(c, "name");
	gpg_error_t err;

	err = enrol_find(c, k, e);
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND) {
		if (!user_id || !name)
			return none_yet(c, " and --name");
		if ((err = make_check_name(c, name)))
			return err;
		err = enrol_record(c, k, name, user_id, e);
	}
	if (err || e->record->certificate)
		return err;
	if (!user_id && e->record->user_id_count == 0)
		return none_yet(c, "");
	return enrol_certify(c, k, user_id, e);
}

static int
export_openpgp(struct call *c, const struct key_info *k)
{
	struct enrolment e = { 0 };
	gpg_error_t err;
	int status;

	if ((err = certificate(c, k, &e)) ||
	    (err = call_option(c, "import") ? enrol_import(c, &e) : 0))
		status = call_fail(c, err);
	else
		status = output_text(c, "openpgp",
		    view_str(e.record->certificate));
	enrol_free(&e);
	return status;
}

static int
export_ssh(struct call *c, const struct key_info *k)
{
	struct buf b;
	gpg_error_t err;
	int status;

	buf_init(&b, 8192);
	if ((err = ssh_authorized_key(k->pub, k->name, &b)) ||
	    (err = buf_put_text(&b, "\n"))) {
		call_problem(c, err, "the key cannot be shown: %s",
		    gpg_strerror(err));
		status = call_fail(c, err);
	} else {
		status = output_text(c, "ssh", buf_view(&b));
	}
	buf_free(&b);
	return status;
}

static int
export_pem(struct call *c, const struct key_info *k)
{
	return output_pem(c, "pem", "PUBLIC KEY", pubkey_spki(k->pub));
}

/* The token signs it. */
static int
export_csr(struct call *c, const struct key_info *k)
{
	const char *subject = call_option(c, "subject");
	struct msg_certificate_request in = { .key = view_str(k->hex),
		.subject = view_str(subject ? subject : k->name[0] ? k->name :
		    "touchstone") };
	struct msg_progress done;
	gpg_error_t err;

	if ((err = call_follow(c, MSG_certificate_request, &in, &done)))
		return call_fail(c, err);
	return output_pem(c, "csr", "CERTIFICATE REQUEST", done.result);
}

static const struct {
	const char *option;
	int (*give)(struct call *, const struct key_info *);
	unsigned connect;
} forms[] = {
	{ "openpgp", export_openpgp, 0 },
	{ "ssh", export_ssh, 0 },
	{ "pem", export_pem, 0 },
	{ "csr", export_csr, CONNECT_HERE },
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

/* The one that is asked for, with what belongs to it. */
static gpg_error_t
choose(struct call *c, size_t *form)
{
	size_t count = 0;

	for (size_t i = 0; i < FORMS; i++)
		if (call_option(c, forms[i].option)) {
			*form = i;
			count++;
		}
	if (count != 1)
		return call_problem(c, GPG_ERR_INV_ARG, "give one of "
		    "--openpgp, --ssh, --pem and --csr");
	if (forms[*form].give != export_openpgp && (call_option(c, "import") ||
	    call_option(c, "name") || call_option(c, "user-id")))
		return call_problem(c, GPG_ERR_INV_ARG, "--import, --name and "
		    "--user-id are for --openpgp");
	if (forms[*form].give != export_csr && call_option(c, "subject"))
		return call_problem(c, GPG_ERR_INV_ARG,
		    "--subject is for --csr");
	return 0;
}

static int
run_export(struct call *c)
{
	struct key_info *k = NULL;
	gpg_error_t err;
	size_t form = 0;
	int status;

	if ((err = choose(c, &form)) ||
	    (err = call_connect(c, CONNECT_START | forms[form].connect)) ||
	    (err = keys_fetch_one(c, call_arg(c, 0), false, &k)))
		status = call_fail(c, err);
	else
		status = forms[form].give(c, k);
	keys_free(&k, 1);
	return status;
}

static const struct option_row options[] = {
	{ "openpgp", 0, NULL, "the OpenPGP certificate, armoured" },
	{ "ssh", 0, NULL, "a line for authorized_keys" },
	{ "pem", 0, NULL, "the public key in PEM, as cosign wants it" },
	{ "csr", 0, NULL, "a request for a certificate, for an authority" },
	{ "subject", 0, "TEXT", "the common name of that; the key's name" },
	{ "import", 0, NULL, "import the certificate into the keyring too" },
	{ "user-id", 'u', "TEXT", "make a certificate if there is none" },
	{ "name", 0, "NAME", "the name of a key that has none yet" },
	{ "output", 'o', "FILE", "write to a file" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_keys_export = {
	"keys", "export", "KEY", 1, 1, "Give out a public key", options,
	run_export,
};
