#!/bin/sh
# What is typed for a YubiKey is in the token process's memory only while it is
# held: not after it was refused, and a management key that is set does not
# make the PIN serve longer.
set --
. "$(dirname "$0")/piv.sh"
search=$src/tests/tools/memory-search

card_start 1 --firmware 5.4.3 --touch now || exit 1
piv_agent 'pin_ttl = 8;' || exit 1
pinentry "pin $pin"
piv_key 9a P-256 2 1 || exit 1

# ---- the time of a PIN is its own ----
touchstone forget >/dev/null
pinentry "always pin $pin"
rm -f "$user/pinentry.log"
ok 'it signs' ssh_sign
sleep 5
ok 'a new management key is set' piv_ask secret yubikey '' 4 AES-192
is 'by the PIN that is held' "$(pin_dialogues)" 1
sleep 4
ok 'it signs when the time of the PIN is over' ssh_sign
is 'by a PIN that was asked for' "$(pin_dialogues)" 2

# ---- what was refused ----
process() {
	pgrep -x touchstone-piv -P "$agent"
}
in_memory() {	# TEXT
	printf %s "$1" | "$search" "$(process)" 2>"$user/where"
}
touchstone forget >/dev/null
if test "${TOUCHSTONE_SANITIZERS-no}" != no || ! in_memory x >/dev/null; then
	skip 'what was refused is wiped' "$(cat "$user/where" 2>/dev/null)"
	done_testing
	exit
fi
pinentry 'pin 99887766' 'pin 73918264' cancel
not_ok 'a wrong PIN changes nothing' piv_ask secret yubikey '' 1 ''
is 'and is not in memory then' "$(in_memory 99887766)" 0
is 'nor is what should have become the PIN' "$(in_memory 73918264)" 0
pinentry 'pin 55443322' 'pin 62738495' cancel
not_ok 'a wrong PUK changes nothing' piv_ask secret yubikey '' 2 ''
is 'and is not in memory then' "$(in_memory 55443322)" 0
is 'nor is what should have become the PUK' "$(in_memory 62738495)" 0
pinentry "pin $pin" 'pin 73918264'
ok 'the right PIN changes it' piv_ask secret yubikey '' 1 ''
isnt 'and the new one, which is held, is found' "$(in_memory 73918264)" 0
touchstone forget >/dev/null
is 'until it is forgotten' "$(in_memory 73918264)" 0
done_testing
