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
# ---- by a root ----
# An authority, one between, and a key of each.
mkdir "$user/ca"
issue() {	# NAME ISSUER EXTENSION...
	issue_name=$1 issue_by=$2
	shift 2
	printf '%s\n' "$@" >"$user/ca/$issue_name.ext"
	test -f "$user/ca/$issue_name.key" || openssl genpkey -algorithm EC \
	    -pkeyopt ec_paramgen_curve:P-256 -out "$user/ca/$issue_name.key"
	openssl req -new -key "$user/ca/$issue_name.key" \
	    -subj "/C=DE/O=tests/CN=$issue_name" |
	    openssl x509 -req -days 2 -CA "$user/ca/$issue_by.pem" \
	    -CAkey "$user/ca/$issue_by.key" -CAcreateserial -extfile \
	    "$user/ca/$issue_name.ext" -out "$user/ca/$issue_name.pem" \
	    2>/dev/null
}
for name in root elsewhere; do
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj \
	    "/C=DE/O=tests/CN=$name" -addext keyUsage=critical,keyCertSign \
	    -keyout "$user/ca/$name.key" -out "$user/ca/$name.pem" 2>/dev/null
done
issue between root basicConstraints=critical,CA:TRUE \
    keyUsage=critical,keyCertSign
cp "$user/p256.pem" "$user/ca/leaf.key"
cp "$user/p256.pem" "$user/ca/server.key"
issue leaf between keyUsage=critical,digitalSignature \
    extendedKeyUsage=codeSigning
issue server between keyUsage=critical,digitalSignature \
    extendedKeyUsage=serverAuth
cat "$user/ca/between.pem" "$user/ca/root.pem" >"$user/ca/chain.pem"
by_root() {	# FORMAT ROOT TAG
	$peers_limit touchstone image verify --json \
	    --root "$user/ca/$2.pem" "$repo:$3" | jq -e --arg f "$1" \
	    '.verified and .keys == 1 and ([.signatures[] |
	    select(.format == $f and .verified)] != [])'
}
if test -f "$user/cosign-p256.key" && needs_cosign 2; then
	four rooted
	cosign_signs 2 p256 good --certificate "$user/ca/leaf.pem" \
	    --certificate-chain "$user/ca/chain.pem"
	cosign_signs 2 p256 tampered --certificate "$user/ca/leaf.pem" \
	    --certificate-chain "$user/ca/chain.pem"
	cosign_signs 2 p256 plain
	move_all rooted
	tamper_all rooted
	ok ".sig with a certificate counts by its root" \
	    by_root cosign root good
	not_ok 'not by another root' by_root cosign elsewhere good
	not_ok 'not of another image' by_root cosign root moved
	not_ok 'not tampered with' by_root cosign root tampered
	not_ok 'not without a certificate' by_root cosign root plain
	cp "$user/p384.crt" "$user/ca/another.pem"
	for name in ca/server ca/another; do
		there "$(tag_of "$good" .sig)" |
		    jq -c --rawfile c "$user/$name.pem" \
		    '.layers[0].annotations["dev.sigstore.cosign/certificate"]
		    = $c' >"$user/m"
		put_at "$(tag_of "$good" .sig)" "$user/m"
		not_ok "not with that of $name" by_root cosign root good
	done
else
	skip 'a certificate at .sig' "$lacks"
fi
# As those bundles are whose signer has a certificate.
cp "$user/p256.pem" "$user/ca/direct.key"
issue direct root keyUsage=critical,digitalSignature \
    extendedKeyUsage=codeSigning
certified_layer() {	# MANIFEST
	"$tool" get-blob "$image" $(jq -r '.layers[0] | "\(.digest) \(.size)"' \
	    "$1") | jq -c --arg c "$(openssl x509 -in "$user/ca/$by.pem" \
	    -outform DER | base64 -w 0)" 'del(.verificationMaterial.publicKey) |
	    .verificationMaterial.certificate.rawBytes = $c' >"$user/layer"
	jq -c --arg d "$("$tool" put-blob "$image" "$user/layer")" \
	    --argjson s "$(wc -c <"$user/layer")" \
	    '.layers[0].digest = $d | .layers[0].size = $s' "$1"
}
if test -f "$user/cosign-p256.key" && needs_cosign 3; then
	four rooted-bundle
	cosign_signs 3 p256 good
	cosign_signs 3 p256 tampered
	cosign_signs 3 p256 plain
	by=direct of=$good
	each_referrer "$good" certified_layer
	of=$tampered
	each_referrer "$tampered" certified_layer
	move_all rooted-bundle
	tamper_all rooted-bundle
	ok 'a bundle with a certificate counts by its root' \
	    by_root bundle root good
	not_ok 'not by another root' by_root bundle elsewhere good
	not_ok 'not of another image' by_root bundle root moved
	not_ok 'not tampered with' by_root bundle root tampered
	not_ok 'not without a certificate' by_root bundle root plain
	by=another of=$good
	each_referrer "$good" certified_layer
	not_ok "not with another's" by_root bundle root good
else
	skip 'a certificate in a bundle' "$lacks"
fi
is 'no agent was needed' "$(agent_pid)" ''
done_testing
