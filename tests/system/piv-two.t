#!/bin/sh
# Two YubiKeys that hold one key are one key: the one signs that is there, and
# rather that whose PIN is held; PINs are not mixed up, and a locked one does
# not stand in the way of the other.
set -- --reader 'Yubico YubiKey OTP+FIDO+CCID' \
    --reader 'Yubico YubiKey FIDO+CCID' --reader 'Yubico YubiKey CCID'
. "$(dirname "$0")/piv.sh"
needs yubico-piv-tool jq

pin_2=22222222
# p2 WORD...: the vendor's tool, at the second YubiKey.
p2() {
	timeout 60 yubico-piv-tool -r 'Yubico YubiKey FIDO+CCID' "$@"
}
# copy N: card N is a copy of the first, under a serial of its own.
copy() {
	mkdir -p "$work/card-$1"
	sed 's/10000001/'"${2-1000000$1}"'/' "$work/card-1/state" \
	    >"$work/card-$1/state"
	card_start "$1" --touch now
}
sees() {	# HOW-MANY
	touchstone keys list >/dev/null 2>&1
	test "$(status_of '.modules[0].tokens | length')" = "$1"
}
plug() {
	sleep 1
	card "$1" plug
	wait_for 10 card_seen "$1"
}
# Who was asked for a PIN since the last look: serials.
asked() {
	pinentry_log | sed -n 's/^SETDESC .*serial \([0-9]*\).*/\1/p' |
	    sort -u | xargs
	rm -f "$user/pinentry.log"
}
# Whose PIN is held: serials.
held() {
	touchstone status --json | jq -r '[.modules[0].tokens[] |
	    select(.pin_held) | .serial] | sort | join(" ")'
}

card_start 1 --touch now || exit 1
mkdir -p "$config"
echo 'token_wait = 4;' >>"$config/config"
piv_agent || exit 1
pinentry "always pin $pin"
piv_key 9a P-256 2 1 || exit 1
openpgp_key >"$user/said" 2>&1 ||
    fail 'the key is made ready for git' "$(cat "$user/said")"
shared=$ssh
copy 2 || exit 1
ok 'the copy has a PIN of its own' p2 -a change-pin -P "$pin" -N $pin_2
ok 'two are seen' wait_for 10 sees 2

# ---- what is told to whom ----
state_of_first() {
	touchstone keys list --json | jq -c '.keys[0].holders[] |
	    select(.serial == "10000001") | [.firmware, .tries_left]'
}
is 'a client of this machine is told how the token is' "$(state_of_first)" \
    '["5.4.3",3]'
is 'who comes by the socket that is forwarded is not' \
    "$(export TOUCHSTONE_SOCK="${sock%/*}/agent.sock"; state_of_first)" '[null,null]'

# ---- whose PIN is held ----
touchstone forget >/dev/null
is 'no PIN is held' "$(held)" ''
asked >/dev/null
card 1 unplug
ok 'the first is gone' wait_for 10 sees 1
pinentry "always pin $pin_2"
ok 'then the second signs' ssh_sign
is 'and wants its PIN' "$(asked)" 10000002
plug 1
ok 'both are there' wait_for 10 sees 2
card 1 zero
ok 'both there, the one signs whose PIN is held' ssh_sign
ok 'well' ssh_good
is 'nobody is asked' "$(asked)" ''
is 'the other was not sent a PIN' "$(count 1 verifies)" 0
is 'nor asked to sign' "$(count 1 signs)" 0
is 'the PIN that is held is that of the second' "$(held)" 10000002

# ---- one forgets ----
# both_held: the PIN of each, by a key that it alone has.
piv_key 9c P-256 2 1 'YubiKey 10000001' || exit 1
ssh_1=$ssh id_1=$id
piv_key 9c P-256 2 1 'YubiKey 10000002' || exit 1
ssh_2=$ssh
both_held() {
	touchstone forget >/dev/null &&
	    pinentry "always pin $pin" && ssh=$ssh_1 && ssh_sign &&
	    pinentry "always pin $pin_2" && ssh=$ssh_2 && ssh_sign &&
	    test "$(held)" = '10000001 10000002'
}
ok 'both PINs are held' both_held
ok 'one is named by its serial number' touchstone forget 10000001
is 'and forgets; the other does not' "$(held)" 10000002
pinentry cancel
ssh=$ssh_2
ok 'it signs without its PIN' ssh_sign
ssh=$ssh_1
ok 'and the other does not' ssh_refused
ok 'both are held again' both_held
ok 'the other is named by its label' touchstone forget 'YubiKey 10000002'
is 'and forgets' "$(held)" 10000001
ok 'both are held' both_held
tap_out=$(touchstone forget 10000003 2>&1)
is 'a name that none has: exit status' "$?" 5
like 'and words' "$tap_out" 'no token that is here'
tap_out=$(touchstone forget --removed 10000001 2>&1)
is 'a name beside --removed: exit status' "$?" 2
tap_out=$(touchstone forget '' 2>&1)
is 'an empty name is none: exit status' "$?" 2
is 'and nothing is forgotten' "$(held)" '10000001 10000002'
ok 'the PINs of those that are gone' touchstone forget --removed
is 'are none of theirs' "$(held)" '10000001 10000002'
card 1 unplug
ok 'one is taken out' wait_for 10 sees 1
is 'and forgets, unasked; the other does not' "$(held)" 10000002
plug 1
ok 'it is put back' wait_for 10 sees 2
is 'and knows nothing' "$(held)" 10000002
ok 'a third time' both_held
ok 'both are named by their module' touchstone forget yubikey
is 'and forget' "$(held)" ''
ok 'the last time' both_held
card 2 unplug
ok 'taken out just now' touchstone forget --removed
ok 'it is gone' wait_for 10 sees 1
is 'and its PIN with it, alone' "$(held)" 10000001
plug 2
ok 'both are there once more' wait_for 10 sees 2

# ---- one says that it is the other ----
doubled() {
	touchstone keys list >/dev/null 2>&1
	test "$(status_of '[.modules[0].tokens[] | select(.state ==
	    "two cards say that they are it") | .serial] | join(" ")')" = "$1"
}
ok 'both PINs are held, before' both_held
card 1 zero
copy 3 10000001 || exit 1
ok 'a third says that it is the first' wait_for 10 doubled 10000001
is 'the PIN of the first is wiped; that of the second is not' "$(held)" \
    10000002
asked >/dev/null
pinentry "always pin $pin"
ssh=$ssh_1
ok 'neither signs' ssh_refused
tap_out=$(piv_ask certificate "$id_1" x 2>&1)
like 'and that is said' "$tap_out" 'two cards say that they are YubiKey 10000001'
is 'nobody is asked for a PIN' "$(asked)" ''
is 'and none is sent' "$(count 1 verifies) $(count 3 verifies)" '0 0'
ssh=$shared
ok 'the second signs with the key that all have' ssh_sign
ok 'well, once more' ssh_good
touchstone stop >/dev/null
start_agent && agent=$(agent_pid)
ok 'another agent is not fooled either' wait_for 10 doubled 10000001
ssh=$ssh_1
ok 'neither signs for it' ssh_refused
is 'nor gets a PIN' "$(count 1 verifies) $(count 3 verifies)" '0 0'
card 3 unplug
ok 'the third is taken out' wait_for 10 doubled ''
ok 'then the first signs' ssh_sign
is 'with its PIN' "$(count 1 verifies)" 1
plug 3
ok 'the third is there again' wait_for 10 doubled 10000001
is 'what was held is wiped again' "$(held)" ''
card 1 unplug
ok 'the first is taken out' wait_for 10 doubled ''
ok 'then the third signs, as it has the key' ssh_sign
is 'with a PIN that was typed for it' "$(count 3 verifies)" 1
card_stop 3
plug 1
ok 'there are two' wait_for 10 sees 2
ssh=$shared
pinentry "always pin $pin"

# ---- one is locked ----
touchstone forget >/dev/null
for try in 1 2 3; do
	p2 -a verify-pin -P 11111111 >/dev/null 2>&1
done
touchstone keys list --refresh >/dev/null
asked >/dev/null
card 2 zero
pinentry "always pin $pin"
ok 'with one of them locked the other signs' ssh_sign
ok 'well, too' ssh_good
is 'after its own PIN' "$(asked)" 10000001
is 'and the locked one gets none' "$(count 2 verifies)" 0
touchstone forget >/dev/null
for try in 1 2 3; do
	yubico-piv-tool -r 'OTP+FIDO+CCID' -a verify-pin -P 11111111 \
	    >/dev/null 2>&1
done
touchstone keys list --refresh >/dev/null
card 1 zero
card 2 zero
tap_out=$(sign_directly 2>&1)
isnt 'with both locked: exit status' "$?" 0
like 'with both locked: words' "$tap_out" 'PIN .* is locked.* PUK'
is 'and neither gets a PIN' "$(count 1 verifies) $(count 2 verifies)" '0 0'

# ---- none is there ----
card 1 unplug
card 2 unplug
ok 'both are gone' wait_for 10 sees 0
tap_out=$(sign_directly 2>&1)
isnt 'with both gone: exit status' "$?" 0
like 'with both gone: words' "$tap_out" 'was not inserted within 4 s'
done_testing
