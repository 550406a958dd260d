#!/bin/sh
# A card that lies, ends too early or never, or signs wrongly gets no
# signature out and nothing else in; and when it is good again, it signs.
set --
. "$(dirname "$0")/piv.sh"

card_start 1 --touch now || exit 1
piv_agent 'deadline = 3;' || exit 1
pinentry "always pin $pin"
piv_key 9a P-256 2 1 || exit 1
ok 'a good card signs' ssh_sign
process=$(status_of '.modules[0].pid')

# sign_fails FAULT: and signs when the fault is over.
sign_fails() {
	card 1 no-faults
	card 1 fault "$1"
	ok "$1: no signature" ssh_refused
	card 1 no-faults
	ok "$1: over, it signs" ssh_sign
	ok "$1: well" ssh_good
}

for fault in sw=6f00@87 sw=6a80@87+ sw=6985@87 garbage@87 garbage=300@87 \
    empty@87 short@87 short=60@87 long@87 lie@87 lie=30@87 bare@87 \
    bare=0@87 wrong-signature@87 empty-signature@87; do
	sign_fails "$fault"
done
is 'the process survived it' "$(status_of '.modules[0].pid')" "$process"
sign_fails endless@87+

firmware() {
	touchstone keys list --json | jq -r '.keys[0].holders[0].firmware'
}

# Listings.
for ins in f7 cb fd; do
	for fault in garbage short=3 long=9 lie empty bare; do
		card 1 no-faults
		card 1 fault "$fault@$ins+"
		touchstone keys list --refresh >/dev/null 2>&1
		card 1 no-faults
		touchstone keys list --refresh >/dev/null 2>&1
		ok "$fault in a listing ($ins): over, it signs" ssh_sign
	done
done

# A version that has not three parts is none.
for fault in short long; do
	card 1 fault "$fault@fd+"
	touchstone keys list --refresh >/dev/null
	is "$fault: no firmware is told" "$(firmware)" 0.0.0
	card 1 no-faults
	touchstone keys list --refresh >/dev/null
	is "$fault: over, it is" "$(firmware)" 5.4.3
done

# A PIN is not sent again because of what came back.
touchstone forget >/dev/null
for fault in empty sw=6f00 garbage bare; do
	card 1 no-faults
	touchstone forget >/dev/null
	card 1 zero
	card 1 fault "$fault@20#2"
	ssh_sign >/dev/null 2>&1
	is "$fault: one VERIFY at most for one entry" \
	    "$(test "$(count 1 verifies)" -le "$(pin_dialogues)" &&
	    echo yes)" yes
	card 1 no-faults
done
ok 'it signs at the end' ssh_sign

# A card that has no PIV is nobody's token, and is asked once.
card 1 unplug
sleep 1
card 1 fault sw=6a82@a4+
card 1 zero
card 1 plug
wait_for 10 card_seen 1
touchstone keys list --refresh >/dev/null 2>&1
touchstone keys list --refresh >/dev/null 2>&1
is 'a card without PIV is no token' \
    "$(status_of '.modules[0].tokens | length')" 0
is 'and was asked once' "$(count 1 apdus)" 1
done_testing
