#!/bin/sh
# cosign and notation sign images with keys on tokens, by the plugins: what
# they sign is taken with the key's public half, and nothing else is signed.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/image-plugins.sh"

export DISPLAY=:99	# where one could be asked
registry 5000
pinentry_setup
new_key() {	# ALGORITHM NAME: $user/NAME.pub is its public half
	name=$2
	soft_token "$1" "$name" "$name <$name@example.com>"
	"$kms" v1 "{\"initOptions\":{\"protocolVersion\":\"v1\",
	    \"keyResourceID\":\"$name\",\"hashFunc\":5},
	    \"methodName\":\"publicKey\"}" |
	    jq -r '.publicKey.publicKeyPEM | @base64d' >"$user/$name.pub"
}
new_key P-256 p256
new_key P-384 p384
new_key RSA-2048 rsa2048
new_key Ed25519 edwards
for name in p256 p384 rsa2048; do
	is "$name: the public key is what is exported for SSH" \
	    "$(cat "$user/$name.pub")" "$(touchstone keys export --ssh $name \
	    >"$user/ssh.pub" && ssh-keygen -e -m PKCS8 -f "$user/ssh.pub")"
done

# ---- cosign ----
blob=$user/blob
# signs_blob KEY: by the present cosign, into $blob.sig.
signs_blob() {
	rm -f "$blob.sig"
	blob_bundle=--output-signature
	test $major = 2 || blob_bundle=--bundle
	$limit "$cosign" sign-blob ${sign_options#--allow-http-registry} \
	    --key "touchstone://$1" $blob_bundle "$blob.sig" "$blob"
}
takes_blob() {	# KEY FILE
	blob_bundle=--signature
	test $major = 2 || blob_bundle=--bundle
	$limit "$cosign" verify-blob \
	    ${verify_options#--allow-http-registry} --key "$1" \
	    $blob_bundle "$blob.sig" "$2"
}

blobs() {	# KEY OTHER
	what="cosign $major, $1"
	echo "a release of $1" >"$blob"
	rule 'blob = false;'
	not_ok "$what: no blob without leave" signs_blob "$1"
	not_ok "$what: and no signature" test -s "$blob.sig"
	rule 'blob = true;'
	ok "$what: sign-blob" signs_blob "$1"
	if test "$major $1" = '3 edwards'; then
		skip "$what: verify-blob" \
		    'cosign 3 reads no bundle of a file by Ed25519, its own neither'
		rule 'blob = false;'
		return
	fi
	ok "$what: verify-blob" takes_blob "$user/$1.pub" "$blob"
	ok "$what: verify-blob by the plugin" takes_blob "touchstone://$1" \
	    "$blob"
	not_ok "$what: not by another key" takes_blob "$user/$2.pub" "$blob"
	not_ok "$what: nor by the plugin" takes_blob "touchstone://$2" "$blob"
	echo 'and more' >>"$blob"
	not_ok "$what: not what was tampered with" takes_blob \
	    "$user/$1.pub" "$blob"
	not_ok "$what: nor by the plugin" takes_blob "touchstone://$1" "$blob"
	printf 'SSHSIG\0\0\0\4file\0\0\0\0\0\0\0\6sha512' >"$blob"
	not_ok "$what: nothing that SSH would take" signs_blob "$1"
	rule 'blob = false;'
}

for major in 2 3; do
	if ! use_cosign $major; then
		skip "cosign $major" "$lacks"
		continue
	fi
	is "cosign $major: public-key" "$("$cosign" public-key \
	    --key touchstone://p256)" "$(cat "$user/p256.pub")"
	for name in p256 p384 rsa2048 edwards; do
		other=p256
		test $name != p256 || other=rsa2048
		cosign_signs $name $other
		blobs $name $other
	done
	what="cosign $major"

	image "moved-$major"
	at=$registry/moved-$major
	first=$digest
	ok "$what: one more" cosign_do sign p256 "$at@$first"
	image "moved-$major" another
	if test $major = 2; then
		skopeo --insecure-policy copy -q --src-tls-verify=false \
		    --dest-tls-verify=false \
		    "docker://$at:$(echo "$first" | tr : -).sig" \
		    "docker://$at:$(echo "$digest" | tr : -).sig"
	fi
	ok "$what: the image that was signed" cosign_takes verify \
	    touchstone://p256 "$at@$first"
	not_ok "$what: another of the same name" cosign_takes verify \
	    touchstone://p256 "$at@$digest"

	# A bill of materials that takes many chunks.
	jq -n '[range(60000)] | {parts: map("part number \(.)\(. * 3)")}' \
	    >"$user/predicate"
	ok "$what: a statement of megabytes" cosign_do attest p256 \
	    --type custom --predicate "$user/predicate" "$at@$first"
	ok "$what: is taken" cosign_takes verify-attestation \
	    "$user/p256.pub" "$at@$first" --type custom
	like "$what: too much for Ed25519, and what else does" "$(cosign_do \
	    attest edwards --type custom --predicate "$user/predicate" \
	    "$at@$first" 2>&1)" 'Ed25519 key signs: use an ECDSA or RSA key'

	image "none-$major"
	at=$registry/none-$major@$digest
	like "$what: no such key" "$(cosign_do sign nosuch "$at" 2>&1)" \
	    'no key (of yours is meant by|is named) "nosuch"'
	like "$what: no agent" "$(TOUCHSTONE_SOCK=$user/run/none cosign_do \
	    sign p256 "$at" 2>&1)" 'no agent answers'
	rule 'confirm = true;'
	pinentry refuse
	not_ok "$what: consent refused" cosign_do sign p256 "$at"
	like 'which was asked about the image' "$(pinentry_log)" \
	    "^SETDESC Sign with key p256, .*image .*$digest"
	not_ok "$what: and nothing was signed" cosign_takes verify \
	    "$user/p256.pub" "$at"
	pinentry confirm
	ok "$what: consent given" cosign_do sign p256 "$at"
	ok "$what: and signed" cosign_takes verify "$user/p256.pub" "$at"
	rule 'confirm = false;'
	like "$what: keys are not made" "$(cd "$user" && "$cosign" \
	    generate-key-pair --kms touchstone://new 2>&1)" \
	    'touchstone keys generate'
done

# ---- notation ----
if ! needs_notation; then
	skip notation "$lacks"
	done_testing
	exit
fi
ok 'setup --images' touchstone setup --images
like 'notation has the plugin' "$("$notation" plugin ls)" \
    '^touchstone .*SIGNATURE_GENERATOR'
image early
like 'no certificate yet, and how to have one' "$(notation_do p256 \
    "$registry/early@$digest" jws 2>&1)" 'touchstone keys certify p256'
for name in p256 p384 rsa2048; do
	notation_certified $name
done
for name in p256 p384 rsa2048; do
	other=p256
	test $name != p256 || other=rsa2048
	notation_signs $name $other
done
image none
at=$registry/none@$digest
like 'notation, ed25519: why not' "$(notation_do edwards "$at" jws 2>&1)" \
    'no signatures of Ed25519 keys'
like 'notation: no such key' "$(notation_do nosuch "$at" jws 2>&1)" \
    'no key is named'
like 'notation: no agent' "$(TOUCHSTONE_SOCK=$user/run/none notation_do p256 \
    "$at" jws 2>&1)" 'no agent answers'
chain=$XDG_DATA_HOME/touchstone/keys/p384.chain.pem
cp "$user/p256.pem" "$chain"
like "notation: another key's certificate" "$(notation_do p384 "$at" jws \
    2>&1)" "another key's"
echo damaged >"$chain"
like 'notation: a damaged one' "$(notation_do p384 "$at" jws 2>&1)" \
    'cannot be read'
rule 'confirm = true;'
pinentry refuse
not_ok 'notation: consent refused' notation_do p256 "$at" jws
not_ok 'and nothing was signed' notation_takes p256 "$at"
pinentry confirm
ok 'notation: consent given' notation_do p256 "$at" jws
ok 'and signed' notation_takes p256 "$at"
rule 'confirm = false;'

# An authority's certificate for the key, with one between.
mkdir -p "$user/tls/root"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /C=DE/O=tests/CN=root \
    -addext keyUsage=critical,keyCertSign -keyout "$user/tls/root/ca.key" \
    -out "$user/tls/root/ca.pem" 2>/dev/null
touchstone keys export --csr p384 >"$user/csr.pem"
# issue ISSUER NAME REQUEST EXTENSIONS
issue() {
	printf '%s\n' "$4" >"$user/tls/root/$2.ext"
	openssl x509 -req -in "$3" -days 2 -CA "$user/tls/root/$1.pem" \
	    -CAkey "$user/tls/root/$1.key" -CAcreateserial -extfile \
	    "$user/tls/root/$2.ext" -out "$user/tls/root/$2.pem" 2>/dev/null
}
openssl req -newkey rsa:2048 -nodes -subj '/C=DE/O=tests/CN=between' -keyout \
    "$user/tls/root/between.key" -out "$user/tls/root/between.csr" 2>/dev/null
issue ca between "$user/tls/root/between.csr" 'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign'
issue between leaf "$user/csr.pem" 'keyUsage=critical,digitalSignature
extendedKeyUsage=codeSigning'
cat "$user/tls/root/leaf.pem" "$user/tls/root/between.pem" \
    "$user/tls/root/ca.pem" >"$user/chain.pem"
rm "$chain"
ok 'keys import-chain' touchstone keys import-chain p384 "$user/chain.pem"
"$notation" cert add --type ca --store root "$user/tls/root/ca.pem" >/dev/null
image chained
at=$registry/chained@$digest
for format in jws cose; do
	ok "notation, an authority's, $format: sign" notation_do p384 "$at" \
	    $format
done
ok "notation, an authority's: verify" notation_takes root "$at"
not_ok 'not where only another is trusted' notation_takes p256 "$at"
ok 'setup --no-images' touchstone setup --no-images
unlike 'notation has the plugin no more' "$("$notation" plugin ls)" \
    '^touchstone'
done_testing
