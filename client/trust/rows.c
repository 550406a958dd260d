/* The rows of `touchstone trust …`. */
#include "config.h"

#include "client/trust/rows.h"

#define SERVER \
	{ "server", 0, "URL", "the Notary server" }, \
	{ "plain-http", 0, NULL, "plain http to other machines too" }, \
	{ "ca", 0, "FILE", "the servers' authority (PEM)" }, \
	{ "cert", 0, "FILE", "our certificate for the servers (PEM)" }, \
	{ "client-key", 0, "FILE", "and its key (PEM)" }

#define CONNECTION \
	{ "root", 0, "FILE|ID", "the root key that is trusted at first use" }, \
	SERVER

#define REPOSITORIES 4096	/* of one command line */

static const struct option_row look_options[] = {
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

static const struct option_row change_options[] = {
	{ "key", 'k', "KEY", "sign with this key" },
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

static const struct option_row migrate_options[] = {
	{ "key", 'k', "KEY", "sign with this key" },
	{ "recursive", 'r', NULL, "an index's images as well" },
	{ "sigstore", 0, NULL, "cosign's .sig and bundle (the default)" },
	{ "notation", 0, NULL, "the Notary Project's, JWS" },
	{ "cose", 0, NULL, "the Notary Project's, COSE" },
	{ "simple", 0, NULL, "OpenPGP's simple signing, in a lookaside" },
	{ "lookaside", 0, "DIR", "the lookaside folder" },
	{ "dry-run", 'n', NULL, "sign nothing, tell what would be" },
	{ "strict", 0, NULL, "a tag that has moved is a failure" },
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

static const struct option_row init_options[] = {
	{ "key", 'k', "KEY", "the targets key" },
	{ "root-key", 0, "KEY", "the root key; that of targets" },
	SERVER,
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_trust_init = {
	"trust", "init", "REPOSITORY", 1, 1,
	"Make the first trust data of a repository", init_options, NULL,
};

static const struct option_row signer_options[] = {
	{ "key", 'k', "KEY|FILE", "of the signer (PEM); may be repeated" },
	{ "force", 0, NULL, "remove also who alone has signed the tags" },
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_trust_signer = {
	"trust", "signer", "add|remove NAME REPOSITORY", 3, 3,
	"Let another sign tags of a repository, or no more", signer_options,
	NULL,
};

static const struct option_row rotate_options[] = {
	{ "key", 'k', "KEY", "the new targets key" },
	{ "root-key", 0, "KEY", "the new root key" },
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_trust_rotate = {
	"trust", "rotate", "REPOSITORY ROLE", 2, 2,
	"Replace the key of root, targets, snapshot or timestamp",
	rotate_options, NULL,
};

static const struct option_row witness_options[] = {
	{ "key", 'k', "KEY", "sign with this key" },
	{ "force", 0, NULL, "sign also what never counted here" },
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_trust_witness = {
	"trust", "witness", "REPOSITORY [ROLE...]", 1, 64,
	"Renew what would expire of a repository", witness_options, NULL,
};

const struct command cmd_trust_migrate = {
	"trust", "migrate", "REF...", 1, REPOSITORIES,
	"Sign what trust data says again, for cosign and others",
	migrate_options, NULL,
};
