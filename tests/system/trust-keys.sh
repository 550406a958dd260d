# Keys of every kind on a virtual YubiKey, a registry and a Notary server, for
# tests of trust data.  Sourced, in place of piv.sh, images.sh and notary.sh,
# which it sources:
#
#	. "$(dirname "$0")/trust-keys.sh"
#
# The keys want a touch for each signature, which comes at once; $plain is an
# image.
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

# new_key NAME SLOT ALGORITHM
new_key() {
	id=$(piv_ask generate yubikey '' "$1" "$3" "$2" 2 2 '')
	touchstone keys export --openpgp "$id" --name "$1" \
	    --user-id "$1 <$1@example.com>" </dev/null >"$user/$1.asc"
}
new_key k-p256 82 P-256
new_key k-p384 83 P-384
new_key k-rsa 84 RSA-2048
