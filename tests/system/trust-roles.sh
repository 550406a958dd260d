# What tests of trust data's signatures share: roles in canonical JSON, and
# OpenSSL as the one who verifies.  Sourced by tests/system/trust-*.t, behind
# lib.sh:
#
#	. "$src/tests/system/trust-roles.sh"
gun=registry.example/app

# role FILE FILTER [FROM]: what the filter makes of nothing, or of a role.
role() {
	if test $# -gt 2; then
		jq -cS "$2" "$3"
	else
		jq -ncS "$2"
	fi | tr -d '\n' >"$1.new" && mv "$1.new" "$1"
}

# tag NAME TEXT: a filter that makes the tag one of the text's digest.
tag() {
	printf '.targets["%s"] = {hashes: {sha256: "%s"}, length: %s}' "$1" \
	    "$(printf %s "$2" | openssl dgst -sha256 -binary |
	    base64 -w 0)" "${#2}"
}

# sha256_of TEXT: in hex.
sha256_of() {
	printf %s "$1" | sha256sum | cut -c 1-64
}

# Roles to begin with: empty, v1 (a tag of "one"), v2 (another, of "two").
trust_roles() {
	role empty '{_type: "Targets", delegations: {keys: {}, roles: []},
	    expires: "2029-11-22T12:00:00.123456789Z", targets: {},
	    version: 1}'
	role v1 "$(tag v1 one)" empty
	role v2 "$(tag v2 two) | .version = 2" v1
}

pem_type() {	# PEM: as Notary calls it
	case $(openssl pkey -pubin -in "$1" -text -noout) in
	*ED25519*) echo ed25519 ;;
	*Modulus*) echo rsa ;;
	*) echo ecdsa ;;
	esac
}

# trust_root FILE PEM: a root whose only key it is; its id is $id.
trust_root() {
	trust_root_type=$(pem_type "$2")
	id=$(openssl pkey -pubin -in "$2" -outform DER |
	    { test "$trust_root_type" != ed25519 && cat || tail -c 32; } |
	    base64 -w 0)
	entry='{"keytype":"'$trust_root_type'","keyval":{"private":null,'
	entry=$entry'"public":"'$id'"}}'
	id=$(sha256_of "$entry")
	role "$1" "{_type: \"Root\", consistent_snapshot: false,
	    expires: \"2036-01-01T00:00:00Z\", keys: {\"$id\": $entry},
	    roles: ([\"root\", \"targets\", \"snapshot\", \"timestamp\"] |
	    map({(.): {keyids: [\"$id\"], threshold: 1}}) | add), version: 1}"
}

# r || s, on stdin, as OpenSSL has it.
der_of() {
	perl -e 'local $/; my $s = <STDIN>; my $n = length($s) / 2;
	my $b = join "", map { s/^\0+(?=.)//s; $_ = "\0$_" if ord >= 128;
	    "\2" . chr(length) . $_ } unpack("a$n a$n", $s);
	print "\x30", (length $b > 127 ? "\x81" : ""), chr(length $b), $b;'
}

# verifies PEM SIGNATURE FILE: as Notary would, by OpenSSL.
verifies() {
	case $(pem_type "$1") in
	ed25519)
		openssl pkeyutl -verify -pubin -inkey "$1" -rawin -in "$3" \
		    -sigfile "$2" ;;
	rsa)
		openssl dgst -sha256 -verify "$1" -signature "$2" \
		    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 \
		    "$3" ;;
	*)
		der_of <"$2" >"$2.der" && openssl dgst -sha256 -verify "$1" \
		    -signature "$2.der" "$3" ;;
	esac >/dev/null 2>&1
}

verifies_not() {
	! verifies "$@"
}
