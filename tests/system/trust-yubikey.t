#!/bin/sh
# Keys of every kind on a YubiKey sign into repositories that Notary's and
# Docker's clients made, and those clients take it; what is unsigned, revoked
# or another's they do not.
TOUCHSTONE_FOREIGN=${TOUCHSTONE_FOREIGN-${XDG_CACHE_HOME:-$HOME/.cache}/touchstone-tests}
export TOUCHSTONE_FOREIGN
. "$(dirname "$0")/piv.sh"
needs docker-registry notary-server skopeo openssl jq
IMAGES_INSIDE=beside
. "$src/tests/system/images.sh"
. "$src/tests/system/notary.sh"
. "$src/tests/system/trust-peers.sh"

card_start 1 --firmware 5.7.1 --touch now || exit 1
piv_agent || exit 1
pinentry "pin $pin" "always pin $pin"
registry 5000
notary_server 4443 || exit 1
image plain
plain=$image

# new_key NAME SLOT ALGORITHM: touched for each signature.
new_key() {
	id=$(piv_ask generate yubikey '' "$1" "$3" "$2" 2 2 '')
	touchstone keys export --openpgp "$id" --name "$1" \
	    --user-id "$1 <$1@example.com>" </dev/null >"$user/$1.asc"
	ok "a certificate, $1" without_terminal touchstone keys certify "$1"
}
new_key k-p256 82 P-256
new_key k-p384 83 P-384
new_key k-rsa 84 RSA-2048
key_before_notary k-p256 ecdsa
key_before_notary k-p384 ecdsa
key_before_notary k-rsa rsapss
if needs_docker; then
	needs_docker_host || diag "$lacks"
	key_before_docker k-p256 k-rsa
	key_before_docker k-p384 k-p256
	key_before_docker k-rsa k-p256
else
	skip "docker's client" "$lacks"
fi
done_testing
