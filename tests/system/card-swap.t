#!/bin/sh
# Another card in the same reader, and another program that changes the PIN:
# what is held for one card is never sent to another, and the last try is
# never spent on it.
set --
. "$(dirname "$0")/piv.sh"

card_start 1 --touch now || exit 1
mkdir -p "$config"
echo 'token_wait = 3;' >>"$config/config"
piv_agent || exit 1
pinentry "pin $pin"
piv_key 9a P-256 2 1 || exit 1
touchstone forget >/dev/null
card_stop 1
cp -r "$work/card-1" "$work/card-2"
sed -i 's/10000001/10000002/' "$work/card-2/state"
rm -f "$work/card-2/control"

# in_reader N [SECONDS]: card N alone, in the one reader there is.
in_reader() {
	case $1 in 1) was=2 ;; *) was=1 ;; esac
	is_gone "$(cat "$work/card-$was/pid")" || card_stop $was
	sleep "${2-1}"
	YUBIKEY_PORTS="$YUBIKEY_PORTS $YUBIKEY_PORTS" card_start "$1" \
	    --touch now
}

in_reader 1
ok 'the first card is seen' wait_for 10 touchstone keys list --refresh

swap_after() {	# SECONDS
	pinentry "pin $pin"
	ok "the first card signs ($1 s)" ssh_sign
	is 'with its PIN' "$(count 1 verifies)" 1
	sleep "$1"
	in_reader 2
	: >"$user/pinentry.log"
	pinentry cancel
	ok "another with the same key does not, unasked" ssh_refused
	is 'it gets no PIN' "$(count 2 verifies)" 0
	is 'but the user is asked' "$(pin_dialogues)" 1
	like 'for its own' "$(pinentry_log)" '10000002'
	pinentry "pin $pin"
	ok 'with which it signs' ssh_sign
	is 'at one try' "$(count 2 verifies)" 1
	in_reader 1
}

swap_after 0
swap_after 2.5

# While the PIN is being typed.
: >"$user/pinentry.log"
pinentry 'delay 4000' "pin $pin"
in_background ssh_sign
wait_for 10 dialogue_is_open
in_reader 2
ok 'a PIN that was typed for the first card' wait_for 20 has_ended
is 'is not sent to the second' "$(count 2 verifies)" 0
in_reader 1

# Another program changes the PIN between two signatures, sooner or later.
now_pin=$pin
change_after() {	# SECONDS NEW
	pinentry "pin $now_pin"
	ok "it signs, and another changes the PIN after $1 s" ssh_sign
	sleep "$1"
	timeout 30 ykman piv access change-pin -P "$now_pin" -n "$2" \
	    >/dev/null 2>&1 ||
	    yubico-piv-tool -a change-pin -P "$now_pin" -N "$2" >/dev/null
	now_pin=$2
	card 1 zero
	pinentry cancel
	ok 'what is held does not sign' ssh_refused
	ok 'and is tried once at most' test "$(count 1 verifies)" -le 1
	ok 'nor again' ssh_refused
	ok 'and not tried again' test "$(count 1 verifies)" -le 1
}

change_after 0 11223344
change_after 1.6 22334455
change_after 4 33445566

# And leaves one try.
pinentry "pin $now_pin"
ok 'it signs once more' ssh_sign
sleep 12
yubico-piv-tool -a change-pin -P "$now_pin" -N 44556677 >/dev/null
for n in 1 2; do
	yubico-piv-tool -a verify-pin -P 999999 >/dev/null 2>&1
done
card 1 zero
pinentry refuse
ok 'with one try left what is held does not sign' ssh_refused
is 'and does not cost it' "$(count 1 verifies)" 0
like 'the user being told' "$(pinentry_log)" 'last try'
pinentry confirm 'pin 44556677'
ok 'who may spend it' ssh_sign
done_testing
