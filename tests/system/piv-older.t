#!/bin/sh
# Older YubiKeys: without metadata (before firmware 5.3), attestation (4.3)
# and policies (4.0).  What cannot be known is said, and what is not there is
# not asked for.
set --
. "$(dirname "$0")/piv.sh"
needs jq openssl yubico-piv-tool

# fresh FIRMWARE: a new card and a new person.
n=0
fresh() {
	touchstone stop >/dev/null 2>&1
	n=$((n + 1))
	new_user "user$n"
	export DISPLAY=:99
	if test $n != 1; then
		card_stop 1
		sleep 1		# pcscd looks twice a second
		rm -rf "$work/card-1"
	fi
	card_start 1 --firmware "$1" --touch now || exit 1
	pinentry_setup
	pinentry "always pin $pin"
	firmware=$1
}

# It does not say whether its management key is as sold: it is asked for,
# once the PIN has shown that no other is kept behind it.
typing() {
	touchstone stop >/dev/null 2>&1
	pinentry "pin $pin" "pin $default_mgm" "always pin $pin"
}

setup() {
	without_terminal touchstone setup --json --no-change "$@" \
	    >"$user/setup.json" 2>"$user/said"
}

member() {
	jq -r "$1" "$user/setup.json"
}

listed() {	# KEY PATH: as an agent that has just been started sees it
	touchstone stop >/dev/null
	touchstone keys show "$1" --json | jq -r "$2"
}

signs() {
	sign_directly "$(member .fingerprint)" >/dev/null 2>"$user/said" ||
	    { cat "$user/said"; return 1; }
}

# An imported key without a certificate: nothing shows it.
import() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$user/key.pem"
	yubico-piv-tool -a import-key -s "$1" -i "$user/key.pem" "$@" \
	    >/dev/null 2>&1
}

for firmware in 5.2.4 4.3.5; do
	fresh $firmware
	setup
	isnt "$firmware: a slot that may be in use is not taken" $? 0
	like "$firmware: and the consent is named" "$(cat "$user/said")" \
	    '\-\-overwrite 9c@10000001'
	typing
	setup --overwrite 9c@10000001
	is "$firmware: set-up with it" $? 0
	is "$firmware: what it makes" "$(member '[.slot, .algorithm,
	    .pin_policy, .touch_policy, .origin] | join(" ")')" \
	    '9c P-256 once always generated'
	is "$firmware: another process finds that by the attestation" \
	    "$(listed yubikey '[.slot, .algorithm, .pin_policy, .touch_policy,
	    .origin, .firmware, (.tries_left | tostring)] | join(" ")')" \
	    "9c P-256 once always generated $firmware null"
	ok "$firmware: it signs" signs
	setup --name other
	isnt "$firmware: the slot is in use now" $? 0
	setup
	is "$firmware: and again, nothing is made" "$(member .key_made)" false

	# Cut off between the key and its certificate.
	typing
	card 1 fault sw=6f00@db
	setup --slot 9a --name two --overwrite 9a@10000001
	isnt "$firmware: set-up is interrupted" $? 0
	card 1 no-faults
	typing
	before=$(grep -c ' 0047' "$work/card-1/log")
	setup --slot 9a --name two
	is "$firmware: and finishes without consent" $? 0
	is "$firmware: with the key that was made" \
	    "$(grep -c ' 0047' "$work/card-1/log")" "$before"

	# Imported, with a certificate: its policies are not told.
	import 82
	openssl req -x509 -new -key "$user/key.pem" -subj /CN=imported \
	    -days 9 -out "$user/crt.pem" 2>/dev/null
	yubico-piv-tool -a import-certificate -s 82 -i "$user/crt.pem" \
	    >/dev/null 2>&1
	touchstone keys list --refresh --json >"$user/keys"
	is "$firmware: of an imported key it is not known" "$(jq -r '.keys[] |
	    select(.slot == "82") | [.pin_policy, .touch_policy, .origin] |
	    map(tostring) | join(" ")' "$user/keys")" 'null null null'
done

# ---- before attestation ----
fresh 4.2.4
typing
setup --touch-policy cached --overwrite 9c@10000001
isnt '4.2.4: no touch policy "cached"' $? 0
like '4.2.4: and that is said' "$(cat "$user/said")" 'firmware 4\.3'
setup --overwrite 9c@10000001
is '4.2.4: set-up' $? 0
is '4.2.4: what is made is known while it is made' "$(member '[.slot,
    .algorithm, .pin_policy, .touch_policy, .origin] | join(" ")')" \
    '9c P-256 once always generated'
ok '4.2.4: it signs' signs
is '4.2.4: another process does not know the policies' "$(listed yubikey \
    '[.slot, .algorithm, .pin_policy, .touch_policy, .origin] |
    map(tostring) | join(" ")')" '9c P-256 null null null'
ok '4.2.4: and signs too' signs
touchstone keys attest yubikey >/dev/null 2>"$user/said"
isnt '4.2.4: nothing is attested' $? 0
like '4.2.4: and that is said' "$(cat "$user/said")" \
    'attestation.*firmware 4\.3'

fresh 4.3.3
cp "$work/card-1/state" "$user/state"
setup --algorithm RSA-2048 --overwrite 9c@10000001
isnt '4.3.3: no RSA key that can be factored' $? 0
like '4.3.3: and that is said' "$(cat "$user/said")" 'CVE-2017-15361'
ok '4.3.3: the card is as it was' cmp "$user/state" "$work/card-1/state"

# ---- before policies ----
fresh 3.5.0
cp "$work/card-1/state" "$user/state"
setup --overwrite 9c@10000001
isnt '3.5.0: there is no touch to be had' $? 0
like '3.5.0: and that is said' "$(cat "$user/said")" \
    'Agree by --touch-policy never'
setup --overwrite 9c@10000001 --touch-policy never --pin-policy never
isnt '3.5.0: nor another PIN policy' $? 0
ok '3.5.0: the card is as it was' cmp "$user/state" "$work/card-1/state"
typing
setup --overwrite 9c@10000001 --touch-policy never
is '3.5.0: set-up without one' $? 0
is '3.5.0: what it makes' "$(member '[.slot, .pin_policy, .touch_policy] |
    join(" ")')" '9c always never'
ok '3.5.0: it signs' signs
is '3.5.0: the slot has its policies' "$(listed yubikey '[.pin_policy,
    .touch_policy] | join(" ")')" 'always never'
done_testing
