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
	! "$@" 2>/dev/null
}
last_audit() {
	tail -n 1 "$(status_of .audit)"
}

signs() {	# NAME
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
	    openssl_good "$user/bundle.sig" "$user/pae" sha256
	is "$1, bundle: of this image" \
	    "sha256:$(jq -r '.subject[0].digest.sha256' "$user/statement")" \
	    "$digest"
	echo >>"$user/pae"
	ok "$1, bundle: not of another statement" \
	    bad openssl_good "$user/bundle.sig" "$user/pae" sha256
}

# notary NAME HASH WIDTH [pss]: by its certificate; WIDTH of r and s in bytes.
notary() {
	ok "$1: a certificate" "$ask" certify "$1" "CN $1" 86400 "$user/$1.der"
	openssl x509 -inform DER -in "$user/$1.der" -out "$user/$1.crt"
	like "$1: for signing code" "$(openssl x509 -in "$user/$1.crt" -noout \
	    -ext keyUsage,extendedKeyUsage | tr -d '\n')" \
	    'Key Usage: critical *Digital Signature *X509v3 Extended Key Usage: *Code Signing'
	for form in jws cose; do
		what="$1, notary-$form"
		ok "$what: signs" "$ask" image "$1" notary-$form "$ref" \
		    "$user/$1.der" "$manifest" "$user/env" who=me
		ok "$what: our reader verifies" "$ask" envelope $form \
		    "$user/env" "$user/$1.crt" "$user/env"
		der_of "$user/env.sig" "$3" >"$user/env.der"
		ok "$what: OpenSSL verifies" \
		    openssl_good "$user/env.der" "$user/env.input" "$2" "${4-}"
		ok "$what: another's certificate is not trusted" bad "$ask" \
		    envelope $form "$user/env" "$user/other.crt" "$user/env"

		ok "$1, notary-raw: signs what $form signs" \
		    "$ask" raw "$1" notary-raw "$user/env.input" "$user/raw"
		der_of "$user/raw" "$3" >"$user/raw.der"
		ok "$1, notary-raw: OpenSSL verifies" \
		    openssl_good "$user/raw.der" "$user/env.input" "$2" "${4-}"
		like "$1, notary-raw: the record names it" "$(last_audit)" \
		    "Notary Project's signature of .*\"object\":\"$digest\""
		refused "$1, sigstore-$2 of what $form signs" 'something else' \
		    raw "$1" "sigstore-$2" "$user/env.input"
		cp "$user/env.input" "$user/$form.$1"
	done
	is "$1, notary-jws: of this image" "$("$ask" image "$1" notary-jws \
	    "$ref" "$user/$1.der" "$manifest" "$user/env" &&
	    jq -r .payload "$user/env" | tr -- '-_' '+/' | base64 -d 2>/dev/null |
	    jq -r '.targetArtifact | .digest + " " + (.size | tostring)')" \
	    "$digest $(wc -c <"$manifest")"
}

# der_of FILE WIDTH: r and s of so many bytes as DER; 0: as it is.
der_of() {
	perl -e '
	my ($file, $n) = @ARGV;
	open(my $f, "<:raw", $file) or die; local $/; my $sig = <$f>;
	if (!$n) { print $sig; exit }
	my $body = "";
	for my $i (0, $n) {
		my $half = substr($sig, $i, $n);
		$half =~ s/^\0+//;
		$half = "\0$half" if ord($half) & 0x80;
		$body .= "\2" . chr(length $half) . $half;
	}
	print "\x30", length $body > 127 ? "\x81" : "", chr(length $body),
	    $body;' "$1" "$2"
}

# refused WHAT WHY ARGUMENTS: the agent says why, and gives nothing.
refused() {
	refused_what=$1 refused_why=$2
	shift 2
	rm -f "$user/none"
	if test "$1" = image; then
		shift
		"$ask" image "$@" "$user/none" 2>"$user/said"
	else
		"$ask" "$@" "$user/none" 2>"$user/said"
	fi
	is "refused: $refused_what" "$?" 1
	like "and why: $refused_what" "$(cat "$user/said")" "$refused_why"
	ok "and nothing is given: $refused_what" test ! -e "$user/none"
}

# simple NAME: gpg reads it, and tells a tampered one.
simple() {
	ok "$1, simple-signing: signs" "$ask" image "$1" simple-signing "$ref" \
	    - "$manifest" "$user/simple"
	gpg --batch --status-fd 1 --decrypt "$user/simple" >"$user/gpg.out" \
	    2>/dev/null
	like "$1, simple-signing: gpg verifies" "$(cat "$user/gpg.out")" \
	    "^\[GNUPG:\] VALIDSIG $key"
	is "$1, simple-signing: of this image" "$(grep -a '^{' \
	    "$user/gpg.out" | sed 's/}\[GNUPG.*/}/' | jq -r '.critical |
	    .type + " " + .identity["docker-reference"] + " " +
	    .image["docker-manifest-digest"]')" \
	    "atomic container signature $ref $digest"
	sed 's/app:1\.2/app:1.3/' "$user/simple" >"$user/tampered"
	unlike "$1, simple-signing: not of another reference" "$(gpg --batch \
	    --status-fd 1 --decrypt "$user/tampered" 2>/dev/null)" VALIDSIG
}

# raw NAME HASH: statements and cosign's payloads, as cosign would send them.
raw() {
	"$ask" image "$1" sigstore-bundle "$ref" - "$manifest" "$user/bundle"
	jq -r .dsseEnvelope.payload "$user/bundle" | base64 -d >"$user/statement"
	"$ask" image "$1" cosign-sig "$ref" - "$manifest" "$user/payload"
	{ printf 'DSSEv1 28 application/vnd.in-toto+json %s ' \
	    "$(wc -c <"$user/statement")"; cat "$user/statement"; } \
	    >"$user/pae"
	for payload in pae payload; do
		for hash in sha256 sha384 sha512; do
			ok "$1: sigstore-$hash signs the $payload" "$ask" raw \
			    "$1" sigstore-$hash "$user/$payload" "$user/raw"
			ok "$1: OpenSSL verifies it" openssl_good \
			    "$user/raw" "$user/$payload" $hash
		done
	done
	refused "$1: notary-raw of a statement" 'something else' \
	    raw "$1" notary-raw "$user/pae"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=other -addext keyUsage=critical,digitalSignature \
    -addext extendedKeyUsage=codeSigning -addext basicConstraints=CA:false \
    -keyout "$user/other.key" -out "$user/other.crt" 2>/dev/null
openssl x509 -in "$user/other.crt" -outform DER -out "$user/other.der"

new_key P-256 p256 && signs p256 && notary p256 sha256 32 &&
    simple p256 && raw p256
new_key P-384 p384 && signs p384 && notary p384 sha384 48 &&
    simple p384 && raw p384
new_key RSA-2048 rsa && signs rsa && notary rsa sha256 0 pss &&
    simple rsa && raw rsa
new_key Ed25519 edwards && signs edwards && simple edwards &&
    raw edwards
refused 'Ed25519 for the Notary Project' 'knows no signatures' \
    image edwards notary-jws "$ref" "$user/other.der" "$manifest"
refused 'Ed25519 for what notation signs' 'knows no signatures' \
    raw edwards notary-raw "$user/jws.p256"
# As long a message as an Ed25519 key signs, and one byte more.
statement_of() {	# BYTES, with what wraps it
	perl -e 'my ($len, $digest) = @ARGV;
	my $head = "DSSEv1 28 application/vnd.in-toto+json ";
	my $json = "{\"_type\":\"https://in-toto.io/Statement/v1\"," .
	    "\"subject\":[{\"name\":\"a\",\"digest\":{\"sha256\":\"" .
	    substr($digest, 7) . "\"}}],\"predicateType\":\"x\"," .
	    "\"predicate\":{\"x\":\"%s\"}}";
	my $left = $len - length($head) - length("131000 ");
	my $fill = $left - length($json) + 2;
	printf "%s%d $json", $head, $left, "x" x $fill;' "$1" "$digest"
}
statement_of 131072 >"$user/long"
ok 'Ed25519 signs what is long' "$ask" raw edwards sigstore-sha512 \
    "$user/long" "$user/raw"
ok 'and OpenSSL verifies' openssl_good "$user/raw" "$user/long" none
statement_of 131073 >"$user/long"
refused 'Ed25519, and what is longer' 'more than an Ed25519 key signs' \
    raw edwards sigstore-sha512 "$user/long"
ok 'which other keys sign' "$ask" raw p256 sigstore-sha256 \
    "$user/long" "$user/raw"

new_key P-521 p521 && signs p521 && notary p521 sha512 66
new_key RSA-3072 rsa3 && signs rsa3 && notary rsa3 sha384 0 pss
new_key RSA-4096 rsa4 && notary rsa4 sha512 0 pss
refused "another key's algorithm" 'says PS256, and key rsa4' \
    raw rsa4 notary-raw "$user/jws.rsa"
done_testing
