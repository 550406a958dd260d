#!/bin/sh
# Images signed by a YubiKey, by each kind of key that it makes, are taken by
# cosign, notation and skopeo, and by touchstone; not by another key.
TOUCHSTONE_FOREIGN=${TOUCHSTONE_FOREIGN-${XDG_CACHE_HOME:-$HOME/.cache}/touchstone-tests}
export TOUCHSTONE_FOREIGN
. "$(dirname "$0")/piv.sh"
needs docker-registry skopeo openssl
IMAGES_INSIDE=beside
. "$src/tests/system/images.sh"

card_start 1 --touch now || exit 1
piv_agent || exit 1
pinentry "pin $pin" "always pin $pin"
registry 5000
limit='timeout 60'
sign() {
	without_terminal touchstone image sign "$@"
}

# of NAME SLOT ALGORITHM
of() {
	id=$(piv_ask generate yubikey '' "$1" "$3" "$2" 2 2 '')
	touchstone keys export --openpgp "$id" --name "$1" \
	    --user-id "$1 <$1@example.com>" </dev/null >"$user/$1.asc"
	gpg --dearmor <"$user/$1.asc" >"$user/$1.pgp"
	{
		echo '-----BEGIN PUBLIC KEY-----'
		jq -r .spki "$XDG_DATA_HOME/touchstone/keys/$1.json" | fold -w 64
		echo '-----END PUBLIC KEY-----'
	} >"$user/$1.pub"
	ok "$1: a certificate" without_terminal touchstone keys certify "$1"
	image "by-$1"
	mkdir -p "$user/lookaside"
	ok "$1 signs in every format" sign --key "$1" --sigstore --simple \
	    --notation --cose --lookaside "$user/lookaside" "$image"
	is "touchstone takes all five, $1" "$(touchstone image verify --json \
	    --key "$1" --lookaside "$user/lookaside" "$image" |
	    jq -c '[.verified, ([.signatures[] | select(.verified)] | length)]')" \
	    '[true,5]'
	not_ok "not by another, $1" touchstone image verify \
	    --key "$user/another.pub" "$image"
	for major in 2 3; do
		if needs_cosign $major; then
			v=$(cosign_offline $major verify)
			ok "cosign $major takes it, $1" $limit "$cosign" \
			    verify $v --key "$user/$1.pub" "$image"
			not_ok "cosign $major refuses another, $1" $limit \
			    "$cosign" verify $v --key "$user/another.pub" \
			    "$image"
		else
			skip "cosign $major" "$lacks"
		fi
	done
	if needs_notation; then
		"$notation" cert add --type ca --store "$1" \
		    "$XDG_DATA_HOME/touchstone/keys/$1.chain.pem" \
		    >"$user/notation.log" 2>&1
		notation_trust "$1"
		ok "notation takes it, $1" $limit "$notation" verify \
		    --insecure-registry "$registry/by-$1@$digest"
	else
		skip notation "$lacks"
	fi
	simple_trust "$user/$1.pgp"
	ok "skopeo takes it, $1" skopeo_pull skopeo "docker://$image"
}
openssl ecparam -name prime256v1 -genkey -noout -out "$user/another.key"
openssl ec -in "$user/another.key" -pubout -out "$user/another.pub" 2>/dev/null
of k-p256 82 P-256
of k-p384 83 P-384
of k-rsa 84 RSA-2048
done_testing
