#!/bin/sh
# cosign and notation sign with keys on a YubiKey, by the plugins: the PIN is
# asked once, and a touch is asked for where a person sees it, with stdout and
# stderr left to the contracts.
set --
export TOUCHSTONE_FOREIGN="${TOUCHSTONE_FOREIGN-${XDG_CACHE_HOME:-$HOME/.cache}/touchstone-tests}"
. "$(dirname "$0")/piv.sh"
needs docker-registry skopeo jq
IMAGES_INSIDE=beside
. "$src/tests/system/images.sh"
. "$src/tests/system/image-plugins.sh"
card_start 1 --touch now || exit 1
piv_agent || exit 1
registry 5000

# card_key SLOT ALGORITHM NAME: wants a touch for each signature.
card_key() {
	pinentry "pin $pin" "always pin $pin"
	piv_key "$1" "$2" 2 2 2>"$user/said" &&
	    touchstone keys export --openpgp "$id" --name "$3" --user-id \
	    "$3 <$3@example.com>" >/dev/null 2>>"$user/said" </dev/null &&
	    touchstone keys export --pem "$3" >"$user/$3.pub" ||
	    fail "$3: a key" "$(cat "$user/said")"
}
card_key 9a P-256 p256
card_key 9c P-384 p384
card_key 9d RSA-2048 rsa2048

touchstone forget >/dev/null
before=$(pin_dialogues)
for major in 2 3; do
	if ! use_cosign $major; then
		skip "cosign $major" "$lacks"
		continue
	fi
	for name in p256 p384 rsa2048; do
		other=p256
		test $name != p256 || other=rsa2048
		cosign_signs $name $other
	done
done
if needs_notation; then
	touchstone setup --images >/dev/null
	for name in p256 p384 rsa2048; do
		notation_certified $name
	done
	for name in p256 p384 rsa2048; do
		other=p256
		test $name != p256 || other=rsa2048
		notation_signs $name $other
	done
else
	skip notation "$lacks"
fi
expected=0
needs_cosign 2 || needs_cosign 3 || needs_notation && expected=1
is 'the PIN was asked for once' $(($(pin_dialogues) - before)) $expected

# ---- a touch that takes its time ----
card 1 touch-mode wait
notice='touch YubiKey 10000001, which holds key p256, to sign: '
waits_for_touch() {
	card 1 waiting >/dev/null
}
# touched PROGRAM COMMAND: on a terminal; what that shows is in $user/tty.
touched() {
	rm -f "$user/status"
	(
		timeout 60 script -qec "$2" /dev/null >"$user/tty" 2>&1 \
		    </dev/null
		echo $? >"$user/status"
	) &
	ok "$1: waits for a touch" wait_for 20 waits_for_touch
	ok "$1: the terminal says so" wait_for 10 grep -q "$notice" \
	    "$user/tty"
	card 1 touch
	ok "$1: ends" wait_for 20 test -s "$user/status"
	is "$1: well" "$(cat "$user/status")" 0
	is "$1: said once" "$(grep -c "$notice" "$user/tty")" 1
}
image touched
at=$registry/touched@$digest
if use_cosign 2; then
	sign_options=$(echo $sign_options)
	touched cosign "'$cosign' sign $sign_options --key touchstone://p256 \
	    '$at'"
	touched 'cosign, stderr elsewhere' "'$cosign' sign $sign_options \
	    --key touchstone://p256 '$at' 2>'$user/err'"
	like 'which has it too' "$(cat "$user/err")" "$notice"
fi
if needs_notation; then
	touched notation "'$notation' sign --insecure-registry --plugin \
	    touchstone --id p256 '$at'"
	ok 'notation takes it' notation_takes p256 "$at"
fi
done_testing
