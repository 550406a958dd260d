#!/bin/sh
# The management key, in 3DES and AES: as YubiKeys are sold, as ykman and
# yubikey-agent leave it, typed; each is tried once, and none is guessed.
set --
. "$(dirname "$0")/piv.sh"
needs ykman script jq

p() {
	timeout 60 ykman piv "$@"
}

# fresh FIRMWARE: a new card and a new agent.
n=0
fresh() {
	touchstone stop >/dev/null 2>&1
	n=$((n + 1))
	new_user "user$n"
	export DISPLAY=:99
	card_new 1 --firmware "$1" --touch now || exit 1
	piv_agent || exit 1
	touchstone keys list >/dev/null 2>&1
	card 1 zero
}

# makes SLOT: a key that signs without a PIN, so that none is asked for it.
makes() {
	piv_key "$1" P-256 1 1 2>"$user/said"
}

refused() {
	if makes "$1"; then
		return 1
	fi
}

asked_for() {	# [PATTERN]
	pinentry_log | grep -c "^SETPROMPT ${1-}"
}

# set_key FIRMWARE ALGORITHM KEY [OPTION...]: by ykman.
set_key() {
	fresh "$1"
	ykman_algorithm=$2 ykman_key=$3
	shift 3
	p access change-management-key -m $default_mgm -a "$ykman_algorithm" \
	    ${ykman_key:+-n "$ykman_key"} -f "$@" >"$user/said" 2>&1 ||
	    fail "ykman sets $ykman_algorithm" "$(cat "$user/said")"
	touchstone keys list --refresh >/dev/null 2>&1
	card 1 zero
}

k8=0f1e2d3c4b5a6978

# As sold: nobody is asked, and it is used because the card says so.
for firmware in 5.7.1 5.4.3; do
	fresh $firmware
	ok "$firmware as sold: a key is made" makes 9a
	is "$firmware as sold: at one login" "$(count 1 logins)" 2
	is "$firmware as sold: nobody is asked" "$(asked_for)" 0
done

# One of the user's: typed, and a wrong one is tried once.
for row in "5.4.3 TDES $k8$k8$k8" "5.7.1 TDES $k8$k8$k8" \
    "5.7.1 AES128 $k8$k8" "5.7.1 AES192 $k8$k8$k8" \
    "5.7.1 AES256 $k8$k8$k8$k8"; do
	set -- $row
	set_key "$@"
	wrong=00${3#0f}
	pinentry "pin $pin" "pin $wrong" cancel
	ok "$1 $2: no key with a wrong management key" refused 9a
	is "$1 $2: which was tried once" "$(count 1 logins)" 2
	is "$1 $2: and asked for again" "$(asked_for)" 3
	like "$1 $2: it is said" "$(cat "$user/said")" 'closed|cancel'
	pinentry "pin $3"
	makes 9a
	is "$1 $2: with the right one there is a key" $? 0
	ok "$1 $2: which signs" ssh_sign
	ok "$1 $2: well" ssh_good
done

# Behind the PIN, as ykman keeps it.
for row in '5.4.3 TDES' '5.7.1 AES128' '5.7.1 AES192' '5.7.1 AES256'; do
	set -- $row
	set_key "$1" "$2" '' -p -P $pin
	like "$1 $2 behind the PIN: so ykman says" "$(p info)" \
	    'protected by PIN'
	pinentry cancel
	ok "$1 $2 behind the PIN: none without it" refused 9a
	pinentry "pin $pin"
	ok "$1 $2 behind the PIN: a key is made" makes 9a
	is "$1 $2 behind the PIN: at one login" "$(count 1 logins)" 2
	is "$1 $2 behind the PIN: and one PIN" "$(count 1 verifies)" 1
done

# As yubikey-agent keeps it: nothing but the PIN tells.
if command -v yubikey-agent >/dev/null; then
	fresh 5.4.3
	printf '246813\n246813\n' | timeout 60 script -qec \
	    'yubikey-agent -setup' /dev/null >"$user/said" 2>&1
	touchstone keys list --refresh >/dev/null 2>&1
	card 1 zero
	pinentry 'pin 246813'
	ok 'a card of yubikey-agent: a key is made' makes 9c
	is 'a card of yubikey-agent: nobody is asked for more' "$(asked_for)" 1
	is 'a card of yubikey-agent: at one PIN' "$(count 1 verifies)" 1
else
	skip 'a card of yubikey-agent' 'it is not installed'
fi

# touchstone sets one: behind the PIN, or one of the user's, in any algorithm.
fresh 5.7.1
for algorithm in AES-128 3DES AES-256 AES-192; do
	pinentry "pin $pin"
	ok "set to $algorithm" piv_ask secret yubikey '' 4 $algorithm
	like "set to $algorithm: so ykman says" "$(p info)" \
	    "Management key algorithm: $(echo $algorithm |
	    sed 's/3DES/TDES/;s/-//')"
	ok "set to $algorithm: ykman finds it" p objects generate chuid \
	    -P $pin
	touchstone forget >/dev/null
	pinentry "pin $pin"
	ok "set to $algorithm: and touchstone" piv_key 9a P-256 1 1
done
not_ok 'the one that it was sold with does not do' p objects generate chuid \
    -m $default_mgm
pinentry "always pin $k8$k8$k8$k8"
ok 'one of the user' piv_ask secret yubikey '' 5 AES-256
ok 'which does' p objects generate chuid -m $k8$k8$k8$k8
fresh 5.3.0
cp "$work/card-1/state" "$user/state"
pinentry "always pin $pin"
tap_out=$(piv_ask secret yubikey '' 4 AES-192 2>&1)
like 'before 5.4 there is no AES, and that is said' "$tap_out" \
    'AES management keys.*firmware 5\.4.*5\.3\.0'
ok 'and the card is as it was' cmp "$user/state" "$work/card-1/state"

# By set-up, as a whole.
fresh 5.7.1
pinentry "pin $pin" 'pin 86427531' "pin $default_puk" 'pin 97531864' \
    'always pin 86427531'
without_terminal touchstone setup --json --change-defaults \
    >"$user/setup.json" 2>"$user/said" || fail 'set-up' "$(cat "$user/said")"
is 'set-up changes all that was as sold' "$(jq '.default_pin or .default_puk
    or .default_management_key' "$user/setup.json")" false
like 'the management key is still AES-192' "$(p info)" \
    'Management key algorithm: AES192'
like 'and behind the PIN' "$(p info)" 'protected by PIN'
not_ok 'and another' p objects generate chuid -m $default_mgm
ok 'ykman finds it' p objects generate chuid -P 86427531
done_testing
