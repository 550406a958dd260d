#!/bin/sh
# What is asked of a key in the name of an image and is none, or another's, or
# not said by its rule, is refused with the reason; and so are bytes that mean
# something elsewhere.
. "$(dirname "$0")/lib.sh"
for program in openssl jq; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
new_user refuse
# A display as far as the agent can tell; it is never opened.
export DISPLAY=:99
pinentry_setup
ask=$build/tests/tools/image-ask
soft_token P-256 signer || exit 1
layout=$user/layout
digest=$("$src/tests/tools/image-make" "$layout" v1 hello)
cp "$layout/blobs/sha256/${digest#sha256:}" "$user/manifest"
ref=registry.example/app:1.2
cp "$config/config" "$user/config"
cd "$user" || exit 1

# rules TEXT: what the key may, from now on.
rules() {
	{ cat config; echo "keys = ( { key = \"signer\"; $1 } );"; } \
	    >"$config/config"
	touchstone reload >/dev/null || fail 'the rules are read'
}
last() {
	tail -n 1 "$(status_of .audit)"
}
signed_so_far() {
	grep -c '"stage":"signed"' "$(status_of .audit)"
}

# refused WHAT WHY ARGUMENTS: the agent says why, and nothing is signed.
refused() {
	refused_what=$1 refused_why=$2 refused_before=$(signed_so_far)
	shift 2
	rm -f none
	"$ask" "$@" >said 2>&1
	is "refused: $refused_what" "$?" 1
	like "why: $refused_what" "$(cat said)" "$refused_why"
	is "nothing is signed: $refused_what" \
	    "$(signed_so_far) $(ls none 2>/dev/null)" "$refused_before "
}
# of_image FILE FORMAT [NOTE]...
of_image() {
	of_image_file=$1 of_image_format=$2
	shift 2
	echo image signer "$of_image_format" "$ref" - "$of_image_file" none "$@"
}
no_image() {	# WHAT WHY FILE
	refused "$1" "$2" $(of_image "$3" cosign-sig)
}
no_raw() {	# WHAT WHY FILE [FORMAT]
	refused "$1" "$2" raw signer "${4-sigstore-sha256}" "$3" none
}
changed() {	# FILTER: of the manifest
	jq -c "$1" manifest >changed
}

ok 'what is not damaged is signed' "$ask" image signer cosign-sig "$ref" - \
    manifest out

# ---- manifests ----
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}' \
    >changed
no_image 'a manifest of nothing' 'configuration is malformed' changed
is 'it is recorded as denied' "$(last | jq -r '.stage + " " + .kind')" \
    'denied manifest'
changed 'del(.layers)'
no_image 'no layers' 'layers are malformed' changed
changed '.layers[0].size = -1'
no_image 'a size below nothing' 'layers are malformed' changed
changed '.layers[0].size = 18446744073709551615'
no_image 'a size that no number holds' 'malformed|JSON' changed
changed '.layers[0].digest = "md5:00"'
no_image 'another digest' 'layers are malformed' changed
changed '.schemaVersion = 1'
no_image 'schema 1' 'schema 1' changed
changed '.manifests = []'
no_image 'one that is an index too' 'manifest|something else' changed
changed '.Layers = .layers'
no_image 'a name that differs in case' 'case' changed
sed 's/^{/{"schemaVersion":2,/' manifest >changed
no_image 'two members of one name' 'twice|repeat|duplicate|same name' changed
{ cat manifest; echo '{}'; } >changed
no_image 'something behind it' 'JSON|end' changed
printf '{"critical":{}}' >changed
no_image 'a payload in place of a manifest' 'image' changed
echo text >changed
no_image 'a text' 'no manifest' changed
: >changed
no_image 'nothing' 'no manifest|empty' changed
{ printf '{"schemaVersion":2,"layers":['; head -c 5000000 /dev/zero |
    tr '\0' ' '; } >changed
no_image 'a manifest of 5 MB' 'chunks|more than' changed

# ---- what is said of it ----
refused 'a reference with a digest' 'without a digest' \
    image signer cosign-sig "registry.example/app@$digest" - manifest none
refused 'no reference' 'reference is malformed' \
    image signer cosign-sig '' - manifest none
refused 'a reference with a blank' 'reference is malformed' \
    image signer cosign-sig 'registry.example/a b' - manifest none
refused 'an annotation twice' 'same name' \
    $(of_image manifest sigstore-bundle a=1 a=2)
refused 'an annotation without a name' 'annotation' \
    $(of_image manifest cosign-sig =1)
refused 'an unknown format' 'does not sign in that format' \
    $(of_image manifest cosign-sig-2)
refused 'a raw format for a manifest' 'does not sign in that format' \
    $(of_image manifest sigstore-sha256)
no_raw "an image's format for bytes" 'does not sign in that format' manifest \
    cosign-sig
refused 'a key that nobody has' 'no key of yours' \
    image nobody cosign-sig "$ref" - manifest none

# ---- certificates ----
"$ask" certify signer me 86400 own.der
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=other -addext keyUsage=critical,digitalSignature \
    -addext extendedKeyUsage=codeSigning -addext basicConstraints=CA:false \
    -keyout other.key -outform DER -out other.der 2>/dev/null
cat own.der other.der >both.der
head -c 200 own.der >cut.der
for form in notary-jws notary-cose; do
	refused "$form without a certificate" 'keys certify signer' \
	    $(of_image manifest $form)
	refused "$form with another key's" "another key's" \
	    image signer $form "$ref" other.der manifest none
	refused "$form with one that is cut off" 'cannot be read' \
	    image signer $form "$ref" cut.der manifest none
	refused "$form with one more" 'not in order' \
	    image signer $form "$ref" both.der manifest none
done
refused "a bundle with another key's" "another key's" \
    image signer sigstore-bundle "$ref" other.der manifest none
ok "a bundle with its own" \
    "$ask" image signer sigstore-bundle "$ref" own.der manifest out
is 'has it inside' "$(jq -r .verificationMaterial.certificate.rawBytes out |
    base64 -d | sha256sum)" "$(sha256sum <own.der)"

# ---- payloads of others' making ----
"$ask" image signer sigstore-bundle "$ref" - manifest bundle
jq -r .dsseEnvelope.payload bundle | base64 -d >statement
pae() {	# FILE [LENGTH]
	printf 'DSSEv1 28 application/vnd.in-toto+json %s ' \
	    "${2-$(wc -c <"$1")}"
	cat "$1"
}
pae statement >payload
ok 'a statement is signed' "$ask" raw signer sigstore-sha256 payload out
pae statement 1 >payload
no_raw 'a statement that is longer than it says' 'as long as' payload
pae statement "0$(wc -c <statement)" >payload
no_raw 'a length with a zero before it' 'as long as' payload
sed 's/^{/{"_type":"x",/' statement >changed
pae changed >payload
no_raw 'a statement with two types' 'twice|repeat|duplicate|same name' payload
echo '{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x"}' >changed
pae changed >payload
no_raw 'a statement about nothing' 'about nothing' payload
no_raw 'a statement without its wrapping' 'something else' statement
no_raw 'a manifest' 'something else' manifest
pae statement >payload
refused 'a statement as an OpenPGP document' 'no OpenPGP document' \
    raw signer openpgp payload none
no_raw 'a statement for the Notary Project' 'something else' payload notary-raw
"$ask" image signer cosign-sig "$ref" - manifest payload
ok "cosign's payload is signed" "$ask" raw signer sigstore-sha256 payload out
sed 's/"optional":.*/"optional":{"approved":"yes"}}/' payload >changed
ok 'with an annotation too' "$ask" raw signer sigstore-sha256 changed out
like 'which the record has' "$(last)" 'signed.*, with approved=yes"'
sed 's/cosign container image signature/atomic container signature/;
    s/"optional":.*/"optional":{"creator":"x","timestamp":1}}/' payload >changed
no_raw "GPG's payload" 'something else' changed
sed 's/"docker-reference"/"Docker-reference"/' payload >changed
no_raw 'a payload with other members' 'members' changed
no_raw 'a commit' 'something else|malformed|commit' /dev/stdin <<-END
tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
author A <a@x> 1700000000 +0000
committer A <a@x> 1700000000 +0000

text
END

b64url() {
	base64 -w 0 | tr '+/' '-_' | tr -d '='
}
# jws ALGORITHM TIME [MORE-MEMBERS]: a signing input, to the file payload.
jws() {
	printf '{"alg":"%s","crit":["io.cncf.notary.signingScheme"],"cty":"application/vnd.cncf.notary.payload.v1+json","io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":"%s"%s}' \
	    "$1" "$2" "${3-}" | b64url >payload
	printf '.' >>payload
	printf '{"targetArtifact":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s}}' \
	    "$digest" "$(wc -c <manifest)" | b64url >>payload
}
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
jws ES256 "$now"
ok 'what notation signs is signed' "$ask" raw signer notary-raw payload out
no_raw 'that in DER' 'something else' payload
for algorithm in ES384 PS256; do
	jws $algorithm "$now"
	no_raw "$algorithm by a P-256 key" "says $algorithm" payload notary-raw
done
for algorithm in RS256 HS256 none; do
	jws $algorithm "$now"
	no_raw "$algorithm" 'algorithm that is not one' payload notary-raw
done
jws ES256 2020-01-01T00:00:00Z
no_raw 'a time long past' 'another time than now' payload notary-raw
jws ES256 2120-01-01T00:00:00Z
no_raw 'a time to come' 'another time than now' payload notary-raw
jws ES256 "$now" ',"b64":false'
no_raw 'a payload that is not in base64' 'header' payload notary-raw
jws ES256 "$now" ',"alg":"ES256"'
no_raw 'two algorithms' 'twice|repeat|duplicate|same name' payload notary-raw
echo text >payload
no_raw 'a text for the Notary Project' 'something else' payload notary-raw

# ---- megabytes ----
big() {	# BYTES
	{ printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app","digest":{"sha256":"%s"}}],"predicateType":"https://spdx.dev/Document","predicate":{"x":"' "${digest#sha256:}"
	    head -c "$1" /dev/zero | tr '\0' x; printf '"}}'; } >statement
	pae statement >payload
}
touchstone keys export --pem signer >signer.pem
big 9000000
ok 'a bill of materials of 9 MB is signed' \
    "$ask" raw signer sigstore-sha256 payload out
ok 'and OpenSSL verifies' openssl dgst -sha256 -verify signer.pem \
    -signature out payload
like 'named by its predicate' "$(last)" 'https://spdx.dev/Document.* about app@'
big 17000000
no_raw 'one of 17 MB' 'larger|more than' payload

# ---- by agent.sock ----
from_afar() {
	TOUCHSTONE_SOCK=$runtime/agent.sock "$@"
}
afar_refused() {
	TOUCHSTONE_SOCK=$runtime/agent.sock
	export TOUCHSTONE_SOCK
	afar_what=$1 afar_why=$2
	shift 2
	rm -f none
	"$ask" "$@" >said 2>&1
	is "refused: $afar_what" "$?" 1
	like "why: $afar_what" "$(cat said)" "$afar_why"
	ok "nothing is signed: $afar_what" test ! -e none
	unset TOUCHSTONE_SOCK
}
echo text >blob
big 100
jws ES256 "$now" && cp payload jws && pae statement >payload
for form in cosign-sig sigstore-bundle; do
	afar_refused "$form by agent.sock" 'forward = true' \
	    $(of_image manifest $form)
done
afar_refused 'a statement by agent.sock' 'forward = true' \
    raw signer sigstore-sha256 payload none
afar_refused "notation's by agent.sock" 'forward = true' \
    raw signer notary-raw jws none
afar_refused 'a certificate by agent.sock' 'does not know' \
    certify signer me 86400 none
afar_refused 'a request by agent.sock' 'does not know' request signer me none
rules 'forward = true; blob = true;'
for form in cosign-sig sigstore-bundle simple-signing; do
	ok "$form by agent.sock, with leave" \
	    from_afar "$ask" $(of_image manifest $form)
done
ok 'a statement by agent.sock, with leave' from_afar "$ask" raw signer \
    sigstore-sha256 payload none
like 'recorded as from there' "$(last)" '"origin":"agent"'
afar_refused 'a blob by agent.sock, even so' 'local clients only' \
    raw signer sigstore-sha256 blob none

# ---- blobs ----
rules 'forward = true;'
no_raw 'a blob without leave' 'blob = true' blob
like 'recorded as a blob' "$(last)" '"stage":"denied".*"kind":"blob"'
rules 'blob = true;'
ok 'a blob with leave is signed' "$ask" raw signer sigstore-sha256 blob out
ok 'and OpenSSL verifies' openssl dgst -sha256 -verify signer.pem \
    -signature out blob
like 'recorded as what it is' "$(last)" '"kind":"blob".*file of 5 bytes'
no_raw 'a blob for the Notary Project' 'something else' blob notary-raw

string() {	# its length as SSH has it, and the text
	perl -e 'print pack("N/a*", $ARGV[0])' "$1"
}
text=$(head -c 300 /dev/zero | tr '\0' t)
{ perl -e 'print pack("N/a*", "s" x 32), "\x32"'; string user
    string ssh-connection; string publickey; printf '\1'
    string ecdsa-sha2-nistp256; string blob; } >b-login
{ printf SSHSIG; string file; string ''; string sha512; string hash; } >b-sshsig
{ string ssh-ed25519-cert-v01@openssh.com; printf %s "$text"; } >b-cert
{ printf 'SSHKRL\n\0'; printf %s "$text"; } >b-krl
printf 'DSSEv1 4 text 5 hello' >b-dsse
cp own.der b-der
printf '1\003\002\001\001' >b-set
{ printf '{"alg":"ES256"}' | b64url; printf '.'; printf x | b64url; } >b-jws
{ printf '!eyJh\nbGciOiJFUzI1NiJ9.'; printf x | b64url; } >b-jws-lax
printf '{"_type":"link","name":"build","command":[],"materials":{},"products":{}}' \
    >b-intoto
perl -e 'print "\x84\x6aSignature1\x43\xa1\x01\x26\x40\x44text"' >b-cose
printf '{"_type":"root","expires":"2030-01-01T00:00:00Z","version":1}' >b-tuf
perl -e 'print "text" x 9, "\x04\xff\0\0\0\x24"' >b-openpgp
perl -e 'print "text" x 9, "\0\x65\x53\xf1\0"' >b-openpgp3
perl -e 'print " " x 64, "TLS 1.3, client CertificateVerify\0", "h" x 32' >b-tls
openssl dgst -sha256 -binary blob >b-hash
openssl dgst -sha384 -binary blob >b-hash384
openssl dgst -sha512 -binary blob >b-hash512
while read -r file why; do
	for hash in 256 384 512; do
		no_raw "a blob that is $file, SHA-$hash" "$why" "$file" \
		    sigstore-sha$hash
	done
	no_raw "a blob that is $file, for the Notary Project" \
	    "$why|something else" "$file" notary-raw
done <<-END
b-login SSH
b-sshsig SSHSIG
b-cert SSH
b-krl SSH
b-dsse DSSE
b-der DER
b-set DER
b-jws JSON web signature
b-jws-lax JSON web signature
b-intoto in-toto
b-cose COSE
b-tuf trust data
b-openpgp OpenPGP
b-openpgp3 OpenPGP
b-tls TLS
b-hash hash
b-hash384 hash
b-hash512 hash
END
# What is not quite that is a file like others.
perl -e 'print "text" x 9, "\x04\xfe\0\0\0\x24"' >n-openpgp
{ cat own.der; echo; } >n-der
printf x >>b-hash
perl -e 'print " " x 63, "x"; print "y"' >n-tls
for file in n-openpgp n-der b-hash n-tls; do
	for hash in 256 384 512; do
		ok "a file like $file is signed, SHA-$hash" \
		    "$ask" raw signer sigstore-sha$hash "$file" out
		ok 'and OpenSSL verifies' openssl dgst -sha$hash -verify \
		    signer.pem -signature out "$file"
	done
	no_raw "but not for the Notary Project, $file" 'something else' \
	    "$file" notary-raw
done

# ---- the question ----
rules 'confirm = true;'
jq -c --arg d "$digest" -n '{schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    annotations: {"org.opencontainers.image.created": "2026-01-02T03:04:05Z"},
    manifests: [("amd64", "arm64") | {mediaType:
    "application/vnd.oci.image.manifest.v1+json", digest: $d, size: 7,
    platform: {os: "linux", architecture: .}}]}' >index
pinentry refuse
refused 'what the user does not agree to' 'refused' \
    $(of_image index sigstore-bundle)
like 'the question has reference, platforms and date' \
    "$(pinentry_log | grep '^SETDESC' | tail -n 1)" \
    "image index $ref@sha256:$(sha256sum index | cut -c 1-64) for linux/amd64, linux/arm64, 2 manifests, created 2026-01-02"
pinentry confirm
ok 'and then it is signed' "$ask" $(of_image index sigstore-bundle)
like 'the record has the same words' "$(last)" \
    "\"stage\":\"signed\".*image index $ref@sha256:.*linux/arm64"
pinentry confirm
ok 'a manifest' "$ask" $(of_image manifest cosign-sig)
like 'is asked about with its size' \
    "$(pinentry_log | grep '^SETDESC' | tail -n 1)" \
    "image $ref@$digest, [0-9]+ bytes"
ok 'the log is unbroken' touchstone audit verify
done_testing
