#!/bin/sh
# The plugins keep to their contracts, whatever they are asked: one JSON answer
# where it belongs and nothing beside it, no PIN for what is public, and no
# signature for what they cannot show.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/image-plugins.sh"
for program in jq openssl; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
export DISPLAY=:99
pinentry_setup
: >"$user/pinentry.script"
soft_token P-256 soft
soft_token Ed25519 edwards 'B <b@example.com>'
touchstone keys export --pem soft >"$user/soft.pem"

# ---- cosign's ----
# asks JSON: what it answers is in $user/out and $user/err; stdin is ours.
asks() {
	$limit "$kms" v1 "$1" >"$user/out" 2>"$user/err"
}
# request METHOD [MORE [HASH [KEY]]]
request() {
	printf '{"initOptions":{"protocolVersion":"v1","keyResourceID":"%s",
	    "hashFunc":%s,"rpcOptions":{"keyVersion":"",
	    "remoteVerification":false}},"methodName":"%s"%s}' \
	    "${4-soft}" "${3-5}" "$1" "${2+,$2}"
}
one_error() {
	jq -es 'length == 1 and (.[0] | keys == ["errorMessage"])' "$user/out"
}
# refused NAME PATTERN JSON: stdin is ours.
refused() {
	asks "$3"
	is "$1: exit status" "$?" 1
	ok "$1: one answer" one_error
	like "$1: why" "$(jq -r .errorMessage "$user/out")" "$2"
	is "$1: nothing beside it" "$(cat "$user/err")" ''
}

touchstone forget >/dev/null
ok 'the public key' asks "$(request publicKey)"
is 'is PEM' "$(jq -r '.publicKey.publicKeyPEM | @base64d' "$user/out")" \
    "$(cat "$user/soft.pem")"
asks "$(request defaultAlgorithm '"defaultAlgorithm":{}')"
is 'the algorithm' "$(jq -r .defaultAlgorithm.defaultAlgorithm "$user/out")" \
    ecdsa-sha2-256-nistp256
asks "$(request supportedAlgorithms)"
is 'is among those' "$(jq '.supportedAlgorithms.supportedAlgorithms |
    index("ecdsa-sha2-256-nistp256")' "$user/out")" 0
is 'no PIN was asked for' "$(pin_dialogues)" 0

digest=sha256:$(printf %064d 7)
printf '{"critical":{"identity":{"docker-reference":"example.com/app"},
"image":{"docker-manifest-digest":"%s"},
"type":"cosign container image signature"},"optional":null}' "$digest" |
    jq -cj . >"$user/payload"
# sums HASH: of the payload, in base64.
sums() {
	openssl dgst "-$1" -binary "$user/payload" | base64 -w 0
}
with_digest() {
	echo "\"signMessage\":{\"signOptions\":{\"messageOptions\":{\"digest\":$1}}}"
}
verifying() {
	echo "\"verifySignature\":{\"signature\":\"$1\",\"verifyOptions\":{}}"
}
for hash in 5:sha256 6:sha384 7:sha512; do
	number=${hash%:*} hash=${hash#*:}
	for with in null "\"$(sums $hash)\"" "\"$(sums sha384)\""; do
		asks "$(request signMessage "$(with_digest "$with")" $number)" \
		    <"$user/payload"
		sig=$(jq -r .signMessage.signature "$user/out")
		echo "$sig" | base64 -d >"$user/sig"
		ok "a signature by $hash" openssl dgst -$hash -verify \
		    "$user/soft.pem" -signature "$user/sig" "$user/payload"
	done
	is 'and nothing beside it' "$(cat "$user/err")" ''
	asks "$(request verifySignature "$(verifying "$sig")" $number)" \
	    <"$user/payload"
	is "it is verified by $hash" "$(cat "$user/out")" \
	    '{"verifySignature":{}}'
	refused 'not by another hash' 'not of the key' "$(request \
	    verifySignature "$(verifying "$sig")" $((5 + (number - 4) % 3)))" \
	    <"$user/payload"
	echo more | cat "$user/payload" - >"$user/longer"
	refused 'nor of another payload' 'not of the key' "$(request \
	    verifySignature "$(verifying "$sig")" $number)" <"$user/longer"
done
refused 'no signature' '' "$(request verifySignature)" <"$user/payload"
refused 'a signature of bits' 'not of the key' \
    "$(request verifySignature "$(verifying AAAA)")" <"$user/payload"
refused 'a signature of kilobytes' 'too long' "$(request verifySignature \
    "$(verifying "$(head -c 3000 /dev/zero | base64 -w 0)")")" \
    <"$user/payload"

signed=$(status_of .signatures)
refused 'a digest alone' 'only a digest came' \
    "$(request signMessage "$(with_digest "\"$(sums sha256)\"")")" </dev/null
refused 'nothing' 'nothing came' "$(request signMessage)" </dev/null
refused "another's digest" 'not that of what came' \
    "$(request signMessage "$(with_digest "\"$(sums sha256)\"")")" \
    <"$user/longer"
refused 'a digest of no length' 'not that of what came' \
    "$(request signMessage "$(with_digest '"AAAA"')")" <"$user/payload"
refused 'SHA-1' 'SHA-1' "$(request signMessage "$(with_digest null)" 3)" \
    <"$user/payload"
refused 'MD5' 'only SHA-256' \
    "$(request signMessage "$(with_digest null)" 2)" <"$user/payload"
truncate -s 70000000 "$user/much"
refused 'too much' 'cannot be read: .*[Tt]oo large' "$(request signMessage)" \
    <"$user/much"
truncate -s 20000000 "$user/much"
refused 'more than the agent takes' '.' "$(request signMessage)" <"$user/much"
refused 'a method of none' 'no method' "$(request '')"
refused 'a method of tomorrow' 'not known' "$(request signEverything)"
refused 'a new key' 'keys generate' "$(request createKey)"
refused 'no key' 'no key is named' "$(request publicKey '"a":1' 5 nosuch)"
refused 'a key without a name' 'touchstone://KEY' \
    "$(request publicKey '"a":1' 5 '')"
refused 'a name that drives a terminal' 'touchstone://KEY' \
    "$(request publicKey '"a":1' 5 '\u001b[2J')"
refused 'a long name' 'touchstone://KEY' \
    "$(request publicKey '"a":1' 5 "$(printf %02000d 0)")"
refused 'a member twice' 'twice' "$(request publicKey '"methodName":"x"')"
refused 'a member in another spelling' 'miswritten' \
    "$(request publicKey '"MethodName":"signMessage"')"
refused 'half a request' 'malformed' '{"initOptions":{'
refused 'bytes behind it' 'behind' "$(request publicKey) x"
refused 'no request' 'no JSON object' ''
refused 'a list' 'no JSON object' '[]'
refused 'what is not UTF-8' 'UTF-8' "$(printf '{"a":"\377"}')"
refused 'depth' '' "$(printf '{"a":%0100d' 0 | tr 0 '[')"
refused 'no options' 'initOptions' '{"methodName":"publicKey"}'
refused 'another protocol within' 'protocol v1' \
    '{"methodName":"publicKey","initOptions":{"protocolVersion":"v2"}}'
for arguments in '' v1 v2 "v1 {} {}"; do
	$kms $arguments >"$user/out" 2>"$user/err" </dev/null
	is "arguments \"$arguments\": exit status" "$?" 1
	ok 'one answer' one_error
done
is 'none of all this was signed' "$(status_of .signatures)" "$signed"

# ---- notation's ----
# tells COMMAND JSON
tells() {
	echo "$2" | $limit "$plugin" "$1" >"$user/out" 2>"$user/err"
}
# denied NAME CODE PATTERN COMMAND JSON
denied() {
	tells "$4" "$5"
	is "$1: exit status" "$?" 1
	is "$1: nothing on stdout" "$(cat "$user/out")" ''
	is "$1: one error" "$(jq -rs 'length, (.[0] | .errorCode)' \
	    "$user/err" | xargs)" "1 $2"
	like "$1: why" "$(jq -r .errorMessage "$user/err")" "$3"
}
# jws [TIME]: what notation has signed, in base64.
url() {
	base64 -w 0 | tr '+/' '-_' | tr -d =
}
jws() {
	{
		printf '{"alg":"%s","crit":["io.cncf.notary.signingScheme"],"cty":"application/vnd.cncf.notary.payload.v1+json","io.cncf.notary.signingScheme":"notary.x509","io.cncf.notary.signingTime":"%s"}' \
		    "${2-ES256}" "${1-$(date -u +%Y-%m-%dT%H:%M:%SZ)}" | url
		printf .
		printf '{"targetArtifact":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":401}}' \
		    "$digest" | url
	} | base64 -w 0
}
# signing PAYLOAD [KEY [SPEC [HASH]]]
signing() {
	printf '{"contractVersion":"1.0","keyId":"%s","keySpec":"%s","hashAlgorithm":"%s","payload":"%s"}' \
	    "${2-soft}" "${3-EC-256}" "${4-SHA-256}" "$1"
}
tells get-plugin-metadata '{"pluginConfig":{"a":"b"}}'
is 'what it is' "$(jq -c '[.name, .supportedContractVersions, .capabilities]' \
    "$user/out")" '["touchstone",["1.0"],["SIGNATURE_GENERATOR.RAW"]]'
is 'nothing that it must have is empty' "$(jq '[.description, .version, .url |
    length > 0] | all' "$user/out")" true
describing='{"contractVersion":"1.0","keyId":"soft"}'
tells describe-key "$describing"
is 'the key' "$(jq -c . "$user/out")" '{"keyId":"soft","keySpec":"EC-256"}'
denied 'no certificate' ERROR 'keys certify soft' generate-signature \
    "$(signing "$(jws)")"
touchstone keys certify soft >/dev/null
tells generate-signature "$(signing "$(jws)")"
is 'the answer' "$(jq -c '[.keyId, .signingAlgorithm,
    (.certificateChain | length), (.signature | @base64d | length > 0)]' \
    "$user/out")" '["soft","ECDSA-SHA-256",1,true]'
is 'nothing beside it' "$(cat "$user/err")" ''

signed=$(status_of .signatures)
denied 'another contract' UNSUPPORTED_CONTRACT_VERSION 'contract 1.0' \
    describe-key '{"contractVersion":"2.0","keyId":"soft"}'
denied 'no contract' UNSUPPORTED_CONTRACT_VERSION 'contract 1.0' \
    describe-key '{"keyId":"soft"}'
denied 'no key' VALIDATION_ERROR '\-\-id KEY' describe-key \
    '{"contractVersion":"1.0"}'
denied 'no such key' VALIDATION_ERROR 'no key is named' describe-key \
    '{"contractVersion":"1.0","keyId":"nosuch"}'
denied 'Ed25519' VALIDATION_ERROR 'no signatures of Ed25519' describe-key \
    '{"contractVersion":"1.0","keyId":"edwards"}'
denied 'another kind of key' VALIDATION_ERROR 'is EC-256' generate-signature \
    "$(signing "$(jws)" soft RSA-2048)"
denied 'another hash' VALIDATION_ERROR 'SHA-256 and nothing else' \
    generate-signature "$(signing "$(jws)" soft EC-256 SHA-1)"
denied 'no payload' VALIDATION_ERROR 'no payload' generate-signature \
    "$(signing '')"
denied 'no base64' VALIDATION_ERROR 'base64' generate-signature \
    "$(signing 'a b')"
denied 'bytes' ACCESS_DENIED 'something else' generate-signature \
    "$(signing "$(echo bytes | base64)")"
denied 'a payload of cosign' ACCESS_DENIED 'something else' \
    generate-signature "$(signing "$(base64 -w 0 <"$user/payload")")"
denied 'another time' ACCESS_DENIED 'clocks' generate-signature \
    "$(signing "$(jws 2020-01-01T00:00:00Z)")"
denied 'PKCS#1' VALIDATION_ERROR '.' generate-signature \
    "$(signing "$(jws "$(date -u +%Y-%m-%dT%H:%M:%SZ)" RS256)")"
denied "another key's algorithm" VALIDATION_ERROR 'makes ES256' \
    generate-signature \
    "$(signing "$(jws "$(date -u +%Y-%m-%dT%H:%M:%SZ)" PS256)")"
denied 'envelopes' VALIDATION_ERROR 'does not know this' generate-envelope \
    "$(signing "$(jws)")"
denied 'a member twice' VALIDATION_ERROR 'twice' describe-key \
    '{"keyId":"soft","keyId":"soft","contractVersion":"1.0"}'
denied 'half a request' VALIDATION_ERROR 'malformed' describe-key '{'
denied 'no request' VALIDATION_ERROR 'no JSON' describe-key ''
for size in 3000000 9000000; do
	{
		printf '{"contractVersion":"1.0","keyId":"'
		head -c $size /dev/zero | tr '\0' a
		printf '"}'
	} | $limit "$plugin" describe-key >"$user/out" 2>"$user/err"
	is "$size bytes are refused" "$(jq -rs '.[0].errorCode' "$user/err")" \
	    VALIDATION_ERROR
done
is 'none of all this was signed' "$(status_of .signatures)" "$signed"

# ---- what a person does ----
rule 'confirm = true;'
pinentry refuse
denied 'refused' ACCESS_DENIED '' generate-signature "$(signing "$(jws)")"
pinentry confirm
tells generate-signature "$(signing "$(jws)")"
is 'agreed to' "$?" 0
is 'stderr is left alone' "$(cat "$user/err")" ''
pinentry confirm
asks "$(request signMessage)" <"$user/payload"
is "cosign's: agreed to" "$?" 0
like 'what to do is said' "$(cat "$user/err")" '^touchstone: '
pinentry cancel
asks "$(request signMessage)" <"$user/payload"
ok 'closed: one answer' one_error
done_testing
