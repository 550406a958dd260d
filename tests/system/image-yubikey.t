#!/bin/sh
# Images signed by a YubiKey, by each kind of key that it makes, are taken by
# cosign, notation, skopeo, podman and @sigstore/verify, and by touchstone; what
# is unsigned, by another key, of another image or tampered with is not.
TOUCHSTONE_FOREIGN=${TOUCHSTONE_FOREIGN-${XDG_CACHE_HOME:-$HOME/.cache}/touchstone-tests}
export TOUCHSTONE_FOREIGN
. "$(dirname "$0")/piv.sh"
needs docker-registry skopeo openssl jq
IMAGES_INSIDE=beside
. "$src/tests/system/images.sh"
. "$src/tests/system/image-peers.sh"

card_start 1 --firmware 5.7.1 --touch now || exit 1
piv_agent || exit 1
pinentry "pin $pin" "always pin $pin"
registry 5000

# new_key NAME SLOT ALGORITHM: touched for each signature.
new_key() {
	id=$(piv_ask generate yubikey '' "$1" "$3" "$2" 2 2 '')
	touchstone keys export --openpgp "$id" --name "$1" \
	    --user-id "$1 <$1@example.com>" </dev/null >"$user/$1.asc"
	key_files "$1" || fail "the public halves of $1"
	test "$3" = Ed25519 || ok "a certificate, $1" without_terminal \
	    touchstone keys certify "$1"
}
new_key k-p256 82 P-256
new_key k-p384 83 P-384
new_key k-rsa 84 RSA-2048
new_key k-ed25519 85 Ed25519
for name in k-p256 k-p384 k-rsa k-ed25519; do
	other=k-p384
	test "$name" != k-p384 || other=k-p256
	key_before_all "$name" "$other"
done
done_testing
