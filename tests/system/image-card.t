#!/bin/sh
# Images are signed with keys on a YubiKey: RSA-PSS, which PIV leaves to the
# computer, as well as what the card itself pads or hashes; the PIN is asked
# once, a touch is waited for.
set --
. "$(dirname "$0")/piv.sh"
for program in openssl jq gpg; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
card_start 1 --touch now || exit 1
piv_agent || exit 1
ask=$build/tests/tools/image-ask
ref=registry.example/app:1.2
digest=$("$src/tests/tools/image-make" "$user/layout" v1 hello)
manifest=$user/layout/blobs/sha256/${digest#sha256:}
out=$user/out

asks() {
	setsid -w timeout -k 5 60 "$ask" "$@" </dev/null
}
good() {	# HASH SIGNATURE FILE [OPTION]...
	good_hash=$1 good_sig=$2 good_file=$3
	shift 3
	openssl dgst "-$good_hash" -verify "$user/pem" -signature "$good_sig" \
	    "$@" "$good_file" >/dev/null 2>&1
}

# signs ALGORITHM HASH TOUCH: a new key in slot 9a, every format.
signs() {
	pinentry "pin $pin" "always pin $pin"
	piv_key 9a "$1" 2 "$3" 2>"$user/said" || {
		fail "$1: a key" "$(cat "$user/said")"
		return 0
	}
	touchstone keys export --pem "$id" >"$user/pem"
	touchstone forget >/dev/null
	before=$(pin_dialogues)
	ok "$1: cosign-sig" asks image "$id" cosign-sig "$ref" - "$manifest" \
	    "$out"
	base64 -d <"$out.status" >"$out.sig"
	ok "$1: OpenSSL verifies it" good sha256 "$out.sig" "$out"
	echo >>"$out"
	ok "$1: and nothing else" sh -c '! "$@" 2>&1' sh openssl dgst \
	    -sha256 -verify "$user/pem" -signature "$out.sig" "$out"

	ok "$1: a bundle" asks image "$id" sigstore-bundle "$ref" - \
	    "$manifest" "$out"
	jq -r .dsseEnvelope.payload "$out" | base64 -d >"$user/statement"
	jq -r '.dsseEnvelope.signatures[0].sig' "$out" | base64 -d >"$out.sig"
	{ printf 'DSSEv1 28 application/vnd.in-toto+json %s ' \
	    "$(wc -c <"$user/statement")"; cat "$user/statement"; } \
	    >"$user/pae"
	ok "$1: OpenSSL verifies it" good sha256 "$out.sig" "$user/pae"
	ok "$1: what a plugin wraps" asks raw "$id" "sigstore-$2" \
	    "$user/pae" "$out"
	ok "$1: OpenSSL verifies it" good "$2" "$out" "$user/pae"

	ok "$1: a certificate" asks certify "$id" me 86400 "$user/der"
	openssl x509 -inform DER -in "$user/der" -out "$user/crt"
	ok "$1: that signs itself" openssl verify -CAfile "$user/crt" \
	    "$user/crt"
	for form in jws cose; do
		ok "$1: notary-$form" asks image "$id" notary-$form "$ref" \
		    "$user/der" "$manifest" "$user/env"
		ok "$1: our reader verifies it" "$ask" envelope $form \
		    "$user/env" "$user/crt" "$user/env"
		ok "$1: what notation has signed" asks raw "$id" notary-raw \
		    "$user/env.input" "$out"
		case $1 in RSA*)
			ok "$1: OpenSSL verifies it, as PSS" good "$2" "$out" \
			    "$user/env.input" \
			    -sigopt rsa_padding_mode:pss \
			    -sigopt rsa_pss_saltlen:digest
			ok "$1: and not as PKCS #1" sh -c '! "$@" 2>&1' sh \
			    openssl dgst "-$2" -verify "$user/pem" \
			    -signature "$out" "$user/env.input"
			asks raw "$id" notary-raw "$user/env.input" "$out.2"
			isnt "$1: with a salt of its own" \
			    "$(sha256sum <"$out")" "$(sha256sum <"$out.2")" ;;
		esac
	done
	is "$1: the PIN was asked once" "$(pin_dialogues)" "$((before + 1))"
}

signs P-256 sha256 1
signs P-384 sha384 1
signs RSA-2048 sha256 1
signs P-256 sha256 2

# ---- a key of OpenPGP's, for simple signing ----
openpgp_key || fail 'an OpenPGP certificate'
ok 'simple-signing' asks image yk simple-signing "$ref" - "$manifest" "$out"
like 'gpg verifies it' "$(gpg --batch --status-fd 1 --decrypt "$out" \
    2>/dev/null)" "^\\[GNUPG:\\] VALIDSIG $key|VALIDSIG $key"
like 'and it is of this image' "$(gpg --batch --decrypt "$out" 2>/dev/null)" \
    "\"docker-manifest-digest\":\"$digest\""
done_testing
