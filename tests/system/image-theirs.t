#!/bin/sh
# touchstone verifies images that cosign, notation and skopeo have signed with
# keys of their own, and notation what touchstone has; what is of another key
# or image, was tampered with or is too much is refused, and said to be.
. "$(dirname "$0")/images.sh"

limit='timeout 60'
sign() {
	$limit touchstone image sign "$@"
}
verify() {
	$limit touchstone image verify "$@"
}
# refused NAME PATTERN ARGUMENT...: and why.
refused() {
	refused_name=$1 refused_why=$2
	shift 2
	not_ok "$refused_name" "$@"
	like 'and it is said why' "$tap_out" "$refused_why"
}
# Agents are started by nobody who checks with files alone.
registry 5000
image plain
plain=$image

# ---- cosign ----
for major in 2 3; do
	if ! needs_cosign $major; then
		skip "cosign $major" "$lacks"
		continue
	fi
	cosign_key one-$major
	cosign_key two-$major
	image cosign-$major
	ok "cosign $major signs" $limit "$cosign" sign \
	    $(cosign_offline $major sign) --key "$user/one-$major.key" \
	    "$registry/cosign-$major@$digest"
	ok "touchstone takes cosign $major's" verify \
	    --key "$user/one-$major.pub" "$image"
	refused "not by another key" 'none of the given keys made it' \
	    verify --key "$user/two-$major.pub" "$image"
done
is 'no agent was needed' "$(agent_pid)" ''

# ---- what is signed otherwise ----
soft_token P-256 ours || done_testing
openssl genrsa -out "$user/rsa.key" 2048 2>/dev/null
openssl rsa -in "$user/rsa.key" -pubout -out "$user/rsa.pub" 2>/dev/null
# simple_payload REFERENCE TYPE OPTIONAL: of the image.
simple_payload() {
	printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"%s signature"},"optional":%s}' \
	    "$1" "$digest" "$2" "$3"
}
# by_hand NAME HASH OPTION...: a .sig by openssl
by_hand() {
	image "$1"
	by_hand_hash=$2
	shift 2
	simple_payload "${image%:*}" "${by_hand_type-cosign container image}" \
	    null >"$user/payload"
	note=$(openssl dgst -$by_hand_hash -sign \
	    "$user/${by_hand_key-rsa}.key" "$@" "$user/payload" | base64 -w 0)
	put_layer "$note"
}
# put_layer NOTE: $user/payload with that annotation, at .sig
put_layer() {
	config=$(printf '{}' >"$user/empty"; "$tool" put-blob "$image" \
	    "$user/empty")
	blob=$("$tool" put-blob "$image" "$user/payload")
	jq -n --arg c "$config" --arg b "$blob" --arg n "$1" \
	    --argjson s "$(wc -c <"$user/payload")" --argjson count "${2-1}" \
	    '{schemaVersion: 2,
	    mediaType: "application/vnd.oci.image.manifest.v1+json",
	    config: {mediaType: "application/vnd.oci.image.config.v1+json",
		digest: $c, size: 2},
	    layers: [range($count) | {
		mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
		digest: $b, size: $s, annotations: {
		"dev.cosignproject.cosign/signature": $n}}]}' >"$user/m.json"
	"$tool" put "$image" "$(echo "$digest" | tr : -).sig" "$user/m.json"
}
by_hand pkcs1 sha256
ok 'PKCS#1 counts' verify --key "$user/rsa.pub" "$image"
by_hand pss sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32
refused 'RSA-PSS does not' 'RSA-PSS' verify --key "$user/rsa.pub" "$image"
by_hand weak sha1
refused 'SHA-1 does not' 'SHA-1' verify --key "$user/rsa.pub" "$image"
by_hand weak-pss sha1 -sigopt rsa_padding_mode:pss
refused 'nor by RSA-PSS' 'SHA-1' verify --key "$user/rsa.pub" "$image"
openssl ecparam -name prime256v1 -genkey -noout -out "$user/ec.key"
openssl ec -in "$user/ec.key" -pubout -out "$user/ec.pub" 2>/dev/null
by_hand_key=ec
by_hand ecdsa sha256
ok 'ECDSA counts' verify --key "$user/ec.pub" "$image"
by_hand weak-ecdsa sha1
refused 'with SHA-1 it does not' 'SHA-1' verify --key "$user/ec.pub" "$image"
unset by_hand_key
by_hand_type='atomic container'
by_hand other-kind sha256
refused "a payload of GPG's does not" "no payload of cosign's" \
    verify --key "$user/rsa.pub" "$image"
unset by_hand_type
by_hand tampered sha256
sed -i 's/"optional":null/"optional":{"a":"b"}/' "$user/payload"
put_layer "$note"
refused 'a payload that was tampered with does not' \
    'none of the given keys' verify --key "$user/rsa.pub" "$image"
by_hand moved sha256
image elsewhere
put_layer "$note"
refused "another image's does not" 'of another image' \
    verify --key "$user/rsa.pub" "$image"
by_hand empty sha256
put_layer ''
refused 'an empty one does not' 'no base64|no signature|none of the given' \
    verify --key "$user/rsa.pub" "$image"
by_hand many sha256
put_layer "$(printf x | base64)" 5000
refused 'thousands are not all looked at' 'more than are looked at' \
    verify --key "$user/rsa.pub" "$image"
is 'as JSON too' "$(verify --json --key "$user/rsa.pub" "$image" 2>/dev/null |
    jq -c '[.verified, .more, .keys, (.signatures | length)]')" \
    '[false,true,0,512]'

# ---- simple signing ----
for name in one two; do
	gpg --batch --quiet --passphrase '' --quick-generate-key \
	    "$name@example.com" ed25519 sign never 2>"$user/gpg.log"
	gpg --export "$name@example.com" >"$user/$name.pgp"
done
fpr=$(gpg --list-keys --with-colons one@example.com |
    sed -n 's/^fpr:::::::::\(.*\):/\1/p' | head -n 1)
image simple
simple_trust "$user/one.pgp"
ok 'skopeo signs' skopeo --insecure-policy copy -q --preserve-digests \
    --src-tls-verify=false --dest-tls-verify=false \
    --sign-by one@example.com "docker://$image" "docker://$image"
ok 'touchstone takes it, by registries.d' verify --key "$user/one.pgp" \
    "$image"
ok 'and by a key of the keyring' verify --key "$fpr" "$image"
refused 'not by another key' 'none of the given keys' \
    verify --key "$user/two.pgp" "$image"
refused 'nor by another one of the keyring' 'none of the given keys' \
    verify --key "$(gpg --list-keys --with-colons two@example.com |
    sed -n 's/^fpr:::::::::\(.*\):/\1/p' | head -n 1)" "$image"
ok 'touchstone adds its own' sign --key ours --simple "$image"
is 'behind it' "$(ls "$user/lookaside/simple@sha256=${digest#sha256:}" |
    xargs)" 'signature-1 signature-2'
ok 'both count' verify --require 2 --key "$user/one.pgp" --key ours "$image"
ok 'it signs for cosign too' sign --key ours "$image"
touchstone keys export --openpgp ours >"$user/ours.asc"
refused 'one key in three forms is one' '^touchstone: 1 of the given keys' \
    verify --require 2 --key ours "$image"
refused 'and so it is where it is given twice' \
    '^touchstone: 1 of the given keys' \
    verify --require 2 --key ours --key "$user/ours.asc" "$image"
ok 'its OpenPGP certificate alone does for what OpenPGP is' \
    verify --key "$user/ours.asc" "$image"
skopeo --insecure-policy copy -q --preserve-digests --src-tls-verify=false \
    --dest-tls-verify=false "docker://$image" "docker://$registry/simple:v2"
refused 'another tag is not what was signed' 'another name' \
    verify --key "$user/one.pgp" "$registry/simple:v2"
first=$user/lookaside/simple@sha256=${digest#sha256:}/signature-1
mkdir -p "$user/lookaside/plain@sha256=0"
image other
mkdir -p "$user/lookaside/other@sha256=${digest#sha256:}"
cp "$first" "$user/lookaside/other@sha256=${digest#sha256:}/signature-1"
refused "another image's signature does not count" 'of another image' \
    verify --key "$user/one.pgp" "$image"
printf 'x' | dd of="$user/lookaside/other@sha256=${digest#sha256:}/signature-1" \
    bs=1 seek=60 conv=notrunc 2>/dev/null
refused 'nor what was tampered with' 'does not count' \
    verify --key "$user/one.pgp" "$image"
for type in 'atomic container' 'cosign container image'; do
	simple_payload "$image" "$type" null >"$user/payload"
	gpg --batch --quiet --yes -u one@example.com --sign \
	    --output "$user/kind" "$user/payload" 2>>"$user/gpg.log"
	cp "$user/kind" \
	    "$user/lookaside/other@sha256=${digest#sha256:}/signature-1"
	test "${type%% *}" = cosign || ok "what gpg signs, of $type, counts" \
	    verify --key "$user/one.pgp" "$image"
done
refused "of $type it does not" "payload of cosign's" \
    verify --key "$user/one.pgp" "$image"
gpg --batch --quiet --digest-algo SHA1 -u one@example.com --sign \
    --output "$user/sha1" "$user/payload" 2>>"$user/gpg.log"
cp "$user/sha1" "$user/lookaside/other@sha256=${digest#sha256:}/signature-1"
refused 'nor what is signed with SHA-1' 'hash is not SHA-256' \
    verify --key "$user/one.pgp" "$image"

# ---- what moves, or is not there ----
"$src/tests/tools/hostile-registry" 127.0.0.1 5001 "$user/hostile.log" \
    2>"$user/hostile.err" &
wait_for_port 5001 "$user/hostile.err"
ok 'where a tag stays' sign --key ours 127.0.0.1:5001/sound
refused 'nothing is added where a tag moves meanwhile' 'has moved meanwhile' \
    sign --key ours 127.0.0.1:5001/moves
unlike 'nor was it tried' "$(cat "$user/hostile.log")" '(POST|PUT).*/moves/'
image first
first=$digest
image second
refused 'a digest that is not there is not signed' 'not there|not found' \
    sign --key ours "$registry/second@$first"

# ---- the Notary Project ----
refused 'without a certificate there is none for notation' 'keys certify' \
    sign --key ours --notation "$image"
ok 'a certificate' touchstone keys certify ours
chain=$XDG_DATA_HOME/touchstone/keys/ours.chain.pem
# What is signed otherwise, by hand.
for name in rsa ec; do
	openssl req -x509 -new -key "$user/$name.key" -days 2 \
	    -subj "/C=DE/O=tests/CN=$name" -addext \
	    keyUsage=critical,digitalSignature -addext \
	    extendedKeyUsage=codeSigning -addext basicConstraints=CA:false \
	    -out "$user/$name.crt" 2>/dev/null
done
b64url() {
	base64 -w 0 | tr '+/' '-_' | tr -d '='
}
# raw_of FILE: r and s of 32 bytes, of DER.
raw_of() {
	openssl asn1parse -inform DER -in "$1" | sed -n 's/.*INTEGER *://p' |
	    while read -r raw_half; do
		printf '%064s' "${raw_half#00}" | tr ' ' 0
	    done | perl -0777 -pe '$_ = pack "H*", $_'
}
# jws NAME KEY ALGORITHM HASH OPTION...: an image with such a signature.
jws() {
	image "$1"
	jws_key=$2 jws_hash=$4
	"$tool" get "$image" >"$user/of"
	printf '{"targetArtifact":{"mediaType":"%s","digest":"%s","size":%s}}' \
	    "${jws_type-$(jq -r .mediaType "$user/of")}" "$digest" \
	    "${jws_size-$(wc -c <"$user/of")}" | b64url >"$user/payload"
	printf '{"alg":"%s","crit":["io.cncf.notary.signingScheme"%s],"cty":"application/vnd.cncf.notary.payload.v1+json","io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":"%s"%s}' \
	    "$3" "${jws_until:+,\"io.cncf.notary.expiry\"}" \
	    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
	    "${jws_until:+,\"io.cncf.notary.expiry\":\"$jws_until\"}" |
	    b64url >"$user/protected"
	shift 4
	{ cat "$user/protected"; printf .; cat "$user/payload"; } |
	    openssl dgst -$jws_hash -sign "$user/$jws_key.key" "$@" \
	    >"$user/sig"
	test $jws_key = rsa || {
		raw_of "$user/sig" >"$user/sig.raw"
		mv "$user/sig.raw" "$user/sig"
	}
	jq -nc --arg p "$(cat "$user/payload")" --arg h \
	    "$(cat "$user/protected")" --arg s "$(b64url <"$user/sig")" \
	    --arg c "$(openssl x509 -in "$user/$jws_key.crt" -outform DER |
	    base64 -w 0)" '{payload: $p, protected: $h, header: {x5c: [$c],
	    "io.cncf.notary.signingAgent": "by hand"}, signature: $s}' \
	    >"$user/envelope"
	refer application/vnd.cncf.notary.signature application/jose+json \
	    "$user/envelope"
}
# refer TYPE LAYER-TYPE FILE: to the image.
refer() {
	printf '{}' >"$user/empty"
	jq -nc --arg t "$1" --arg l "$2" --arg d "$digest" \
	    --arg c "$("$tool" put-blob "$image" "$user/empty")" \
	    --arg b "$("$tool" put-blob "$image" "$3")" \
	    --argjson n "$(wc -c <"$3")" --argjson s "$(wc -c <"$user/of")" \
	    --arg m "$(jq -r .mediaType "$user/of")" '{schemaVersion: 2,
	    mediaType: "application/vnd.oci.image.manifest.v1+json",
	    artifactType: $t, config: {mediaType: $t, digest: $c, size: 2},
	    layers: [{mediaType: $l, digest: $b, size: $n}],
	    subject: {mediaType: $m, digest: $d, size: $s}}' >"$user/m.json"
	refer_digest=sha256:$(sha256sum "$user/m.json" | cut -c 1-64)
	"$tool" put "$image" "$refer_digest" "$user/m.json"
	jq -nc --arg t "$1" --arg d "$refer_digest" \
	    --argjson s "$(wc -c <"$user/m.json")" '{schemaVersion: 2,
	    mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
	    {mediaType: "application/vnd.oci.image.manifest.v1+json",
	    digest: $d, size: $s, artifactType: $t}]}' >"$user/index"
	"$tool" put "$image" "$(echo "$digest" | tr : -)" "$user/index"
}
pss='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest'
jws by-pss rsa PS256 sha256 $pss
ok 'RSA-PSS counts for notation' verify --key "$user/rsa.pub" "$image"
ok 'by a root too' verify --root "$user/rsa.crt" "$image"
like 'and it is told whose certificate it was' "$tap_out" \
    'signed by a certificate of the root, CN=rsa,O=tests,C=DE, key'
jws by-pkcs1 rsa PS256 sha256
for option in '--key rsa.pub' '--root rsa.crt' '--certificate rsa.crt'; do
	refused "PKCS#1 does not, by ${option% *}" 'PKCS#1 v1.5' \
	    verify ${option% *} "$user/${option#* }" "$image"
done
jws by-rs256 rsa RS256 sha256
refused 'nor where it says so' 'algorithm that is not one of the Notary Project' \
    verify --key "$user/rsa.pub" "$image"
jws by-sha1 rsa PS256 sha1 $pss
for option in '--key rsa.pub' '--root rsa.crt'; do
	refused "SHA-1 does not, by ${option% *}" 'SHA-1' \
	    verify ${option% *} "$user/${option#* }" "$image"
done
jws by-ecdsa ec ES256 sha256
ok 'ECDSA counts' verify --key "$user/ec.pub" "$image"
jws by-ecdsa-sha1 ec ES256 sha1
for option in '--key ec.pub' '--root ec.crt'; do
	refused "with SHA-1 it does not, by ${option% *}" 'SHA-1' \
	    verify ${option% *} "$user/${option#* }" "$image"
done
# bundle NAME PREDICATE: an image with such a statement.
bundle() {
	image "$1"
	"$tool" get "$image" >"$user/of"
	printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%s"}}],"predicateType":"%s","predicate":{}}' \
	    "${digest#sha256:}" "$2" >"$user/statement"
	{ printf 'DSSEv1 28 application/vnd.in-toto+json %s ' \
	    "$(wc -c <"$user/statement")"; cat "$user/statement"; } |
	    openssl dgst -sha256 -sign "$user/ec.key" >"$user/sig"
	jq -nc --arg p "$(base64 -w 0 "$user/statement")" \
	    --arg s "$(base64 -w 0 "$user/sig")" '{mediaType:
	    "application/vnd.dev.sigstore.bundle.v0.3+json",
	    verificationMaterial: {publicKey: {hint: "x"}}, dsseEnvelope:
	    {payload: $p, payloadType: "application/vnd.in-toto+json",
	    signatures: [{sig: $s}]}}' >"$user/bundle"
	refer application/vnd.dev.sigstore.bundle.v0.3+json \
	    application/vnd.dev.sigstore.bundle.v0.3+json "$user/bundle"
}
bundle signs https://sigstore.dev/cosign/sign/v1
ok 'a statement that signs counts' verify --key "$user/ec.pub" "$image"
bundle attests https://slsa.dev/provenance/v1
refused 'one that attests does not' 'does not sign it' \
    verify --key "$user/ec.pub" "$image"
jws_size=9
jws of-size ec ES256 sha256
refused 'an image of another size does not' 'another type or size' \
    verify --key "$user/ec.pub" "$image"
unset jws_size
jws_type=application/vnd.oci.image.index.v1+json
jws of-type ec ES256 sha256
refused 'nor one of another type' 'another type or size' \
    verify --key "$user/ec.pub" "$image"
unset jws_type
jws_until=2120-01-01T00:00:00Z
jws lasting ec ES256 sha256
ok 'one that will expire counts' verify --key "$user/ec.pub" "$image"
jws_until=2020-01-01T00:00:00Z
jws expired ec ES256 sha256
for option in '--key ec.pub' '--root ec.crt' '--certificate ec.crt'; do
	refused "one that has does not, by ${option% *}" 'has expired' \
	    verify ${option% *} "$user/${option#* }" "$image"
done
unset jws_until
# Certificates of the key that signed, and when they are valid.
jws dated ec ES256 sha256
openssl req -new -key "$user/ec.key" -subj /CN=ec -out "$user/ec.csr"
for days in '20200101 20210101' '21000101 21200101' '20200101 21200101'; do
	: >"$user/index.txt"
	openssl ca -batch -selfsign -notext -create_serial -md sha256 \
	    -config /dev/stdin -keyfile "$user/ec.key" -in "$user/ec.csr" \
	    -startdate "${days% *}000000Z" -enddate "${days#* }000000Z" \
	    -out "$user/ec-${days%%0101 *}-${days#* }.crt" \
	    >"$user/ca.log" 2>&1 <<-END
	[ca]
	default_ca = c
	[c]
	database = $user/index.txt
	new_certs_dir = $user
	serial = $user/serial
	policy = p
	unique_subject = no
	[p]
	commonName = supplied
	END
done
ok 'by a certificate that is valid' verify \
    --certificate "$user/ec-2020-21200101.crt" "$image"
refused 'not by one that was' 'not valid now' verify \
    --certificate "$user/ec-2020-20210101.crt" "$image"
refused 'nor by one that will be' 'not valid now' verify \
    --certificate "$user/ec-2100-21200101.crt" "$image"
if needs_notation; then
	"$notation" cert add --type ca --store ours "$chain" \
	    >"$user/notation.log" 2>&1
	notation_key one
	notation_key two
	for form in jws cose; do
		option=--cose
		test $form = cose || option=--notation
		image ours-$form
		ok "touchstone signs, $form" sign --key ours $option "$image"
		notation_trust ours
		ok "notation takes it, $form" $limit "$notation" verify \
		    --insecure-registry "$registry/ours-$form@$digest"
		notation_trust two
		not_ok "notation refuses it for another's" $limit \
		    "$notation" verify --insecure-registry \
		    "$registry/ours-$form@$digest"
		ok "touchstone takes it by its key, $form" verify --key ours \
		    "$image"
		ok "and by its root" verify --root "$chain" "$image"
		ok 'and by its certificate' verify --certificate "$chain" \
		    "$image"

		image theirs-$form
		ok "notation signs, $form" $limit "$notation" sign \
		    --insecure-registry --signature-format $form --key one \
		    "$registry/theirs-$form@$digest"
		for name in one two; do
			cp "$XDG_CONFIG_HOME/notation/localkeys/$name.crt" \
			    "$user/$name.crt"
		done
		ok "touchstone takes it by its root, $form" verify \
		    --root "$user/one.crt" "$image"
		ok 'and by its certificate' verify \
		    --certificate "$user/one.crt" "$image"
		not_ok "not by another root" verify --root "$user/two.crt" \
		    "$image"
		not_ok "nor by another's certificate" verify \
		    --certificate "$user/two.crt" "$image"
	done
else
	skip notation "$lacks"
fi
done_testing
