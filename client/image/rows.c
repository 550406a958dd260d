/* The rows of `touchstone image …`. */
#include "config.h"

#include "client/image/rows.h"

#define CONNECTION \
	{ "plain-http", 0, NULL, "plain http to other machines too" }, \
	{ "ca", 0, "FILE", "the registry's authority (PEM)" }, \
	{ "cert", 0, "FILE", "our certificate for the registry (PEM)" }, \
	{ "client-key", 0, "FILE", "and its key (PEM)" }

#define SERVER \
	{ "server", 0, "URL", "the Notary server" }, \
	{ "trust-root", 0, "FILE|ID", "the root key of its trust data" }

#define CONTENT \
	{ "content-trust", 0, NULL, "what trust data says must be so" }, \
	{ "no-content-trust", 0, NULL, "not, whatever the environment has" }, \
	SERVER

#define IMAGES 4096		/* of one command line */

static const struct option_row sign_options[] = {
	{ "key", 'k', "KEY", "sign with this key" },
	{ "annotation", 'a', "NAME=VALUE", "say this in the signature too" },
	{ "recursive", 'r', NULL, "an index's images as well" },
	{ "sigstore", 0, NULL, "cosign's .sig and bundle (the default)" },
	{ "notation", 0, NULL, "the Notary Project's, JWS" },
	{ "cose", 0, NULL, "the Notary Project's, COSE" },
	{ "simple", 0, NULL, "OpenPGP's simple signing, in a lookaside" },
	{ "trust", 0, NULL, "Docker Content Trust: the tag, in trust data" },
	{ "lookaside", 0, "DIR", "the lookaside folder" },
	{ "as", 0, "REF", "the name of an image that is in no registry" },
	{ "to", 0, "LAYOUT", "write the signatures there" },
	SERVER,
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_image_sign = {
	"image", "sign", "REF...", 1, IMAGES,
	"Sign a container image", sign_options, NULL,
};

static const struct option_row verify_options[] = {
	{ "key", 'k', "KEY", "a key that counts: a file, or one of ours" },
	{ "certificate", 0, "FILE", "a certificate whose key counts" },
	{ "root", 0, "FILE", "roots of the Notary Project's (PEM)" },
	{ "require", 0, "N", "so many keys must have signed" },
	{ "lookaside", 0, "PLACE", "where simple signatures are" },
	{ "as", 0, "REF", "the name of an image that is in no registry" },
	CONTENT,
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_image_verify = {
	"image", "verify", "REF", 1, 1,
	"Check who signed a container image", verify_options, NULL,
};

static const struct option_row resolve_options[] = {
	CONTENT,
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_image_resolve = {
	"image", "resolve", "REF", 1, 1,
	"Tell the digest that a tag stands for", resolve_options, NULL,
};

static const struct option_row copy_options[] = {
	CONNECTION,
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_image_copy = {
	"image", "copy", "LAYOUT REF", 2, 2,
	"Copy an image's signatures to where it was pushed", copy_options, NULL,
};
