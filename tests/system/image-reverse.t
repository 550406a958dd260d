#!/bin/sh
# Images that cosign, notation and skopeo have signed with keys of every kind
# are taken by touchstone, and none of them unsigned, by another key, moved to
# another image or tampered with.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/image-peers.sh"
for program in gpg jq; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
registry 5000
mkdir -p "$peers_lookaside" "$XDG_CONFIG_HOME/notation/localkeys"

# their_key NAME OPTION...: one key in files, for cosign and notation; and one
# of OpenPGP's of the same kind.  Their public halves are as key_before_all
# wants them.
their_key() {
	their_name=$1 their_pgp=$2
	shift 2
	openssl genpkey "$@" -out "$user/$their_name.pem" 2>/dev/null
	openssl pkey -in "$user/$their_name.pem" -pubout \
	    -out "$user/$their_name.pub"
	gpg --batch --quiet --passphrase '' --quick-generate-key \
	    "$their_name@example.com" "$their_pgp" sign never \
	    2>"$user/gpg.log"
	gpg --export "$their_name@example.com" >"$user/$their_name.pgp"
	openssl req -x509 -new -key "$user/$their_name.pem" -days 2 \
	    -subj "/C=DE/O=tests/CN=$their_name" -addext \
	    keyUsage=critical,digitalSignature -addext \
	    extendedKeyUsage=codeSigning -addext basicConstraints=CA:false \
	    -out "$user/$their_name.crt" 2>/dev/null
}
their_key p256 nistp256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
their_key p384 nistp384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
their_key rsa2048 rsa2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
their_key ed25519 ed25519 -algorithm ED25519
jq -n --arg u "$user" '{keys: [("p256", "p384", "rsa2048") | {name: .,
    keyPath: "\($u)/\(.).pem", certPath: "\($u)/\(.).crt"}]}' \
    >"$XDG_CONFIG_HOME/notation/signingkeys.json"

# cosign_import KEY: as cosign wants it; Debian's cosign 2 takes Ed25519 alone.
cosign_import() {
	for import_major in 3 2; do
		needs_cosign $import_major && "$cosign" import-key-pair \
		    --key "$user/$1.pem" --output-key-prefix "$user/cosign-$1" \
		    >"$user/cosign.log" 2>&1 && return
	done
	lacks="no cosign that is here imports such a key"
	return 1
}

# cosign_signs MAJOR KEY TAG [OPTION...]
cosign_signs() {
	cosign_major=$1 cosign_key=$2 cosign_tag=$3
	shift 3
	needs_cosign $cosign_major
	ok "cosign $cosign_major signs, $cosign_key" $peers_limit "$cosign" \
	    sign $(cosign_offline $cosign_major sign) "$@" \
	    --key "$user/cosign-$cosign_key.key" \
	    "$repo@$(digest_of "$cosign_tag")"
}
notation_signs() {	# FORMAT KEY TAG
	ok "notation signs, $1, $2" $peers_limit "$notation" sign \
	    --insecure-registry --signature-format $1 --key "$2" \
	    "$repo@$(digest_of "$3")"
}
skopeo_signs() {	# KEY TAG NAME
	ok "skopeo signs, $1" skopeo --insecure-policy copy -q \
	    --preserve-digests --src-tls-verify=false \
	    --dest-tls-verify=false --sign-by "$1@example.com" \
	    --sign-identity "$repo:$3" "docker://$repo:$2" "docker://$repo:$2"
}

# theirs WHO KEY OTHER FORMAT COMMAND...: the command, and KEY and a tag, sign.
theirs() {
	theirs_key=$2 theirs_other=$3 theirs_format=$4
	theirs_name=$1-$4-$2
	shift 4
	four "$theirs_name"
	for theirs_tag in good tampered; do
		"$@" "$theirs_key" $theirs_tag
	done
	move_all "$theirs_name"
	tamper_all "$theirs_name"
	before "$theirs_format" "$theirs_key" "$theirs_other"
}
cosign_2() { cosign_signs 2 "$@"; }
cosign_3() { cosign_signs 3 "$@"; }
cosign_3_sig() { cosign_signs 3 "$@" --new-bundle-format=false; }
notation_jws() { notation_signs jws "$@"; }
notation_cose() { notation_signs cose "$@"; }
skopeo_simple() {
	skopeo_signs "$1" "$2" "$2"
	test "$2" != good || skopeo_signs "$1" good moved
}

simple_trust "$user/p256.pgp"
for name in p256 p384 rsa2048 ed25519; do
	other=p384
	test "$name" != p384 || other=p256
	if cosign_import $name && needs_cosign 2; then
		theirs cosign-2 $name $other cosign cosign_2
	else
		skip "cosign 2, $name" "$lacks"
	fi
	if test $name = ed25519; then
		skip "cosign 3, $name" \
		    'cosign 3 signs by Ed25519ph, which it does not take itself'
	elif test -f "$user/cosign-$name.key" && needs_cosign 3; then
		theirs cosign-3 $name $other bundle cosign_3
		theirs cosign-3 $name $other cosign cosign_3_sig
		test $name != p384 || {
			not_ok "cosign 3 wants SHA-256 of it, $name" \
			    takes_cosign_3_sig $name good
			ok 'unless told' takes_cosign_3_sig $name good \
			    --signature-digest-algorithm sha384
		}
	else
		skip "cosign 3, $name" "$lacks"
	fi
	theirs skopeo $name $other simple skopeo_simple
	test $name != ed25519 || continue
	if needs_notation; then
		theirs notation $name $other jws notation_jws
		ok "and by its certificate, $name" touchstone image verify \
		    --certificate "$user/$name.crt" "$repo:good"
		theirs notation $name $other cose notation_cose
		ok "and by its root, $name" touchstone image verify \
		    --root "$user/$name.crt" "$repo:good"
		not_ok "not by another's, $name" touchstone image verify \
		    --root "$user/$other.crt" "$repo:good"
	else
		skip "notation, $name" "$lacks"
	fi
done
is 'no agent was needed' "$(agent_pid)" ''
done_testing
