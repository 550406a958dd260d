#!/bin/sh
# Roles of Docker Content Trust are signed with keys on a YubiKey: RSA-PSS,
# which PIV leaves to the computer, and a curve larger than its hash; the PIN
# is asked for in words that name what is signed, and a touch is waited for.
set --
. "$(dirname "$0")/piv.sh"
. "$src/tests/system/trust-roles.sh"
for program in openssl jq; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
card_start 1 --firmware 5.7.1 --touch now || exit 1
piv_agent || exit 1
ask=$build/tests/tools/image-ask
cd "$user" || exit 1
trust_roles
what="tag v2 = sha256:$(sha256_of two) in $gun by targets/releases, version 2"

asks() {
	setsid -w timeout -k 5 60 "$ask" trust "$@" </dev/null
}

# signs ALGORITHM METHOD TOUCH: a new key in slot 9a, targets and a root.
signs() {
	pinentry "pin $pin" "always pin $pin"
	piv_key 9a "$1" 2 "$3" 2>said || {
		fail "$1: a key" "$(cat said)"
		return 0
	}
	touchstone keys export --pem "$id" >pem
	touchstone forget >/dev/null
	key=$id before=$(pin_dialogues)
	ok "$1: targets are signed" asks "$key" "$gun" targets/releases v1 v2 \
	    out
	is "$1: by Notary's name of it" "$(cat out.status)" "$2"
	ok "$1: OpenSSL verifies it" verifies pem out v2
	ok "$1: and of nothing else" verifies_not pem out v1
	like "$1: the PIN is for what is named" "$(pinentry_log |
	    grep '^SETDESC' | tail -n 1)" "$what"
	trust_root root pem
	ok "$1: a root is signed" asks "$key" "$gun" root - root out
	ok "$1: OpenSSL verifies it" verifies pem out root
	is "$1: the PIN was asked once" "$(pin_dialogues)" "$((before + 1))"
}

signs P-256 ecdsa 1
signs P-384 ecdsa 1
signs RSA-2048 rsapss 1
asks "$key" "$gun" targets/releases v1 v2 first
asks "$key" "$gun" targets/releases v1 v2 second
isnt 'RSA-2048: with a salt of its own' "$(sha256sum <first)" \
    "$(sha256sum <second)"
signs Ed25519 eddsa 1
signs P-256 ecdsa 2
done_testing
