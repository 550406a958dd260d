#!/bin/sh
# Set-up that is cut off at any of its commands can be run again and finishes:
# nothing is made twice, no slot is taken for another's, no PIN is lost.
set --
. "$(dirname "$0")/piv.sh"
needs jq openssl yubico-piv-tool

# fresh: a new card and a new person, whom nobody knows yet.
n=0
fresh() {
	touchstone stop >/dev/null 2>&1
	n=$((n + 1))
	new_user "user$n"
	export DISPLAY=:99
	card_stop 1
	sleep 1		# pcscd looks twice a second
	cp "$work/new.state" "$work/card-1/state"
	card_start 1 --touch now || exit 1
	pinentry_setup
	pinentry "always pin $pin"
}

setup() {
	without_terminal touchstone setup --json --no-change "$@" \
	    >"$user/setup.json" 2>"$user/said"
}

made() {	# how often a key was, since the card was started
	grep -c '^[0-9]* apdu [0-9]* 0047.*sw=9000' "$work/card-1/log"
}

plugged_again() {
	card 1 plugged && return
	sleep 1
	card 1 plug
	wait_for 10 card_seen 1
}

# again: set-up finishes what was begun, without a word of consent.
again() {
	setup || { cat "$user/said"; return 1; }
	test "$(jq -r '.slot + " " + .touch_policy' "$user/setup.json")" = \
	    '9c always'
}

# The certificate beside it is of the key that the card has, and it signs.
is_whole() {
	yubico-piv-tool -a read-certificate -s 9c 2>/dev/null |
	    openssl x509 -noout -pubkey >"$user/beside" &&
	    yubico-piv-tool -a attest -s 9c 2>/dev/null |
	    openssl x509 -noout -pubkey | cmp - "$user/beside" || return 1
	sign_directly "$(jq -r .fingerprint "$user/setup.json")"
}

# interrupted FAULT KEYS: by that; no more than so many keys are made in all.
interrupted() {
	fresh
	card 1 fault "$1"
	setup
	isnt "$1: set-up is interrupted" $? 0
	card 1 no-faults
	plugged_again
	ok "$1: and finishes" again
	ok "$1: the key is whole" is_whole
	is "$1: keys made" "$(made)" "$2"
}

card_start 1 --firmware 5.7.1 --touch now || exit 1
cp "$work/card-1/state" "$work/new.state"

# Logins, making the key, its certificate, the signatures; and what is read
# in between.
interrupted unplug@87 1
interrupted unplug@87#2 1
interrupted unplug@47 1
interrupted sw=6f00@47 1
interrupted empty@47 1
interrupted unplug@fd#4 1
interrupted unplug@20#2 1
interrupted unplug@87#3 1
interrupted unplug@db 1
interrupted sw=6f00@db 1
interrupted sw=6a84@db 1
interrupted unplug@fd#6 1
interrupted unplug@87#4 1

# keys generate, the same.
fresh
card 1 fault sw=6f00@db
without_terminal touchstone setup --no-change --slot 9a >/dev/null 2>&1
setup
card 1 fault sw=6f00@db
not_ok 'keys generate is interrupted' without_terminal touchstone keys \
    generate --name more --slot 82
made_before=$(made)
not_ok 'another algorithm is not taken for it' without_terminal touchstone \
    keys generate --name more --slot 82 --algorithm P-384
ok 'it finishes' without_terminal touchstone keys generate --name more \
    --slot 82
is 'with the key that was made' "$(made)" "$made_before"
not_ok 'once' without_terminal touchstone keys generate --name other --slot 82
tap_out=$(without_terminal touchstone keys generate --name other --slot 82 2>&1)
like 'and the consent that is wanted is named' "$tap_out" \
    '\-\-overwrite 82@10000001'
done_testing
