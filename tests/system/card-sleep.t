#!/bin/sh
# As near to suspend and resume as it gets without either: all stand still,
# cards lose their power, and time goes on.  A PIN does not outlive its time.
set --
. "$(dirname "$0")/piv.sh"

card_start 1 --touch now || exit 1
piv_agent 'pin_ttl = 4;' || exit 1
pinentry "always pin $pin"
piv_key 9a P-256 2 1 || exit 1

# asleep SECONDS: with the card out meanwhile, as its power is.
asleep() {
	piv=$(status_of '.modules[0].pid')
	kill -STOP "$agent" "$piv"
	card 1 unplug
	sleep "$1"
	card 1 plug
	wait_for 10 card_seen 1
	kill -CONT "$piv" "$agent"
}

ok 'it signs' ssh_sign
before=$(pin_dialogues)
ok 'and again, unasked' ssh_sign
is 'with the PIN that is held' "$(pin_dialogues)" "$before"
piv=$(status_of '.modules[0].pid')
kill -STOP "$piv"
sleep 5
kill -CONT "$piv"
card 1 zero
ok 'beyond its time it signs' ssh_sign
is 'with a PIN that is asked for' "$(pin_dialogues)" $((before + 1))
is 'and sent once' "$(count 1 verifies)" 1
asleep 2
card 1 zero
ok 'a card that had no power signs' ssh_sign
ok 'well' ssh_good
is 'with a PIN that is asked for' "$(pin_dialogues)" $((before + 2))
is 'and sent once' "$(count 1 verifies)" 1
is 'by the same agent' "$(agent_pid)" "$agent"
done_testing
