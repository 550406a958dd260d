#!/bin/sh
# What a signature costs when others were at the card: one APDU more (tries
# left) after another program used it, one more (the serial) after it was out
# of its reader, and no more than that.
set --
. "$(dirname "$0")/piv.sh"
needs yubico-piv-tool

card_start 1 --touch now || exit 1
piv_agent || exit 1
pinentry "always pin $pin"
piv_key 9a P-256 2 1 || exit 1

costs() {	# NAME APDUS
	card 1 zero
	ok "$1: it signs" ssh_sign
	is "$1: that costs" "$(count 1 apdus)" "$2"
}

# Until it is nobody's: the card is let go 1.5 s after its last use, and for
# another second a use may have been our own.
idle() {
	wait_for 3 has_let_go 1
	sleep 1.5
}

ssh_sign
idle
costs 'let go' 3		# SELECT, VERIFY, sign
costs 'held' 1

# pcscd looks now and then who is connected, so this one takes its time.
idle
card 1 fault slow=300+
ok 'another program uses it' timeout 60 yubico-piv-tool -a status
card 1 no-faults
costs 'after another program' 4	# and the tries left
is 'of which one asks for the tries' "$(count 1 asks)" 1
idle
costs 'after that' 3

# A quick one is not seen; after ten seconds one is thought of.
idle
sleep 9
costs 'after a while' 4
is 'of which one asks for the tries, too' "$(count 1 asks)" 1

# Out of its reader and back: who it is comes before any PIN, once.
idle
ran() {		# how often, since it was plugged in: COMMAND [BEFORE]
	awk -v ins="00$1" -v end="00${2-none}" '$2 == "plugged" { n = 0; o = 0 }
	    $2 == "apdu" && substr($4, 1, 4) == end { o = 1 }
	    $2 == "apdu" && substr($4, 1, 4) == ins && !o { n++ }
	    END { print n + 0 }' "$work/card-1/log"
}
card 1 unplug
sleep 1
card 1 plug
wait_for 10 card_seen 1
ok 'back in its reader it signs' ssh_sign
is 'the serial is asked for' "$(ran f8)" 1
is 'before a PIN is sent' "$(ran f8 20)" 1
idle
costs 'and then' 3
done_testing
