#!/bin/sh
# Images are signed with keys on tokens: every format by every algorithm that
# has it, each verified by other programs; and what is no image, or is another
# key's, or comes from afar, is not.
. "$(dirname "$0")/lib.sh"
for program in openssl jq gpg; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
new_user image
mkdir -p "$config"
ask=$build/tests/tools/image-ask

layout=$user/layout
digest=$("$src/tests/tools/image-make" "$layout" v1 hello)
manifest=$layout/blobs/sha256/${digest#sha256:}
ref=registry.example/app:1.2

# new_key ALGORITHM NAME: on the soft token; $pem is its public key.
new_key() {
	soft_token "$1" "$2" "$2 <$2@example.com>" || return 1
	pem=$user/$2.pem
	"$ask" request "$2" "$2" "$user/csr" &&
	    openssl req -inform DER -in "$user/csr" -verify -noout -pubkey \
	    -out "$pem" 2>/dev/null || fail "$1: a request" "$(cat "$user/csr")"
}

# A signature in $1 by the key in $pem over $2, by OpenSSL: HASH [pss]
openssl_good() {
	case $(openssl pkey -pubin -in "$pem" -text -noout) in
	*ED25519*) openssl pkeyutl -verify -pubin -inkey "$pem" -rawin \
	    -in "$2" -sigfile "$1" ;;
	*) openssl dgst "-$3" -verify "$pem" -signature "$1" \
	    ${4:+-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest} \
	    "$2" ;;
	esac >/dev/null 2>&1
}
bad() {
	! "$@"
}
last_audit() {
	tail -n 1 "$(status_of .audit)"
}

signs() {	# NAME HASH
	"$ask" image "$1" cosign-sig "$ref" - "$manifest" "$user/sig" who=me \
	    2>"$user/said"
	is "$1, cosign-sig: signs" "$?" 0
	cat "$user/said"
	base64 -d <"$user/sig.status" >"$user/sig.bin"
	ok "$1, cosign-sig: OpenSSL verifies" \
	    openssl_good "$user/sig.bin" "$user/sig" sha256
	is "$1, cosign-sig: of this image" "$(jq -r '.critical |
	    .type + .identity["docker-reference"] +
	    .image["docker-manifest-digest"]' "$user/sig")" \
	    "cosign container image signatureregistry.example/app$digest"
	is "$1, cosign-sig: with the annotation" \
	    "$(jq -r .optional.who "$user/sig")" me
	like "$1: the record has the digest" "$(last_audit)" \
	    "\"object\":\"$digest\""
	echo >>"$user/sig"
	ok "$1, cosign-sig: not of another payload" \
	    bad openssl_good "$user/sig.bin" "$user/sig" sha256

	ok "$1, bundle: signs" "$ask" image "$1" sigstore-bundle "$ref" - \
	    "$manifest" "$user/bundle"
	jq -r .dsseEnvelope.payload "$user/bundle" | base64 -d >"$user/statement"
	jq -r '.dsseEnvelope.signatures[0].sig' "$user/bundle" |
	    base64 -d >"$user/bundle.sig"
	{ printf 'DSSEv1 28 application/vnd.in-toto+json %s ' \
	    "$(wc -c <"$user/statement")"; cat "$user/statement"; } \
	    >"$user/pae"
	ok "$1, bundle: OpenSSL verifies" \
	    openssl_good "$user/bundle.sig" "$user/pae" "$2"
	is "$1, bundle: of this image" \
	    "sha256:$(jq -r '.subject[0].digest.sha256' "$user/statement")" \
	    "$digest"
	echo >>"$user/pae"
	ok "$1, bundle: not of another statement" \
	    bad openssl_good "$user/bundle.sig" "$user/pae" "$2"
}

new_key P-256 p256 && signs p256 sha256
new_key P-384 p384 && signs p384 sha384
new_key RSA-2048 rsa && signs rsa sha256
new_key Ed25519 edwards && signs edwards none
done_testing
