/* The rows of `touchstone trust …`. */
#include "config.h"

#include "client/trust/rows.h"

#define CONNECTION \
	{ "server", 0, "URL", "the Notary server" }, \
	{ "root", 0, "FILE|ID", "the root key that is trusted at first use" }, \
	{ "plain-http", 0, NULL, "plain http to other machines too" }, \
	{ "ca", 0, "FILE", "the servers' authority (PEM)" }, \
	{ "cert", 0, "FILE", "our certificate for the servers (PEM)" }, \
	{ "client-key", 0, "FILE", "and its key (PEM)" }

static const struct option_row look_options[] = {
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

static const struct option_row change_options[] = {
	{ "key", 'k', "KEY", "sign with this key" },
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_trust_sign = {
	"trust", "sign", "REF", 1, 1,
	"Sign a tag of an image in a Notary server's trust data",
	change_options, NULL,
};

const struct command cmd_trust_inspect = {
	"trust", "inspect", "REF", 1, 1,
	"Show who signed which tags of a repository", look_options, NULL,
};

const struct command cmd_trust_verify = {
	"trust", "verify", "REF", 1, 1,
	"Check a tag of an image against trust data", look_options, NULL,
};

const struct command cmd_trust_revoke = {
	"trust", "revoke", "REF", 1, 1,
	"Take a tag out of trust data", change_options, NULL,
};

const struct command cmd_trust_witness = {
	"trust", "witness", "REF", 1, 1,
	"Renew what would expire of a repository", change_options, NULL,
};
