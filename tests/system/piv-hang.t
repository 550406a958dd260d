#!/bin/sh
# A YubiKey that stops to answer, or never ends to, costs itself and nothing
# else: another one signs with the PIN that is held, in the same process.
set -- --reader 'Yubico YubiKey OTP+FIDO+CCID' --reader 'Yubico YubiKey CCID'
. "$(dirname "$0")/piv.sh" "$@"

card_start 1 --touch now || exit 1
card_start 2 --touch now || exit 1
piv_agent 'deadline = 2;' || exit 1
pinentry "always pin $pin"
piv_key 9a P-256 2 1 10000001 || exit 1
first=$ssh
piv_key 9a P-256 2 1 10000002 || exit 1
second=$ssh

sign_first() {
	ssh=$first
	ssh_sign
}

sign_second() {
	ssh=$second
	ssh_sign && ssh_good
}

process() {
	status_of '.modules[0].pid'
}

ok 'the first signs' sign_first
ok 'the second signs' sign_second
process=$(process)
asked=$(pin_dialogues)

# goes_on FAULT: while the first hangs, and after it was given up.
goes_on() {
	card 1 fault "$1"
	in_background sign_first
	sleep 0.5
	ok "$1: the second signs meanwhile" sign_second
	is 'while the first still hangs' "$(has_ended && echo ended)" ''
	ok 'which is given up' wait_for 10 has_ended
	isnt 'and fails' "$(cat "$user/status")" 0
	ok "$1: the second signs afterwards" sign_second
	ok 'keys are listed' touchstone keys list --refresh
	is 'both cards too' "$(status_of '.modules[0].tokens | length')" 2
	is 'nobody was asked for a PIN' "$(pin_dialogues)" "$asked"
	is 'the process is the same' "$(process)" "$process"
}

comes_back() {
	card 1 no-faults
	card 1 unplug
	sleep 1
	card 1 plug
	wait_for 10 card_seen 1
	ok 'taken out and put in, the first signs' wait_for 5 sign_first
	is 'after its PIN was asked for' "$(pin_dialogues)" $((asked + 1))
	asked=$((asked + 1))
	ok 'and so does the second' sign_second
	is 'without, in the same process' "$(pin_dialogues) $(process)" \
	    "$asked $process"
}

goes_on endless=0@87
comes_back
goes_on slow=600000@87
comes_back

# One that hangs as soon as it is put in, whichever command that is at.
in_place() {	# OPTION...
	card_stop 2
	sleep 1		# pcscd looks twice a second
	card_start 2 "$@"
}
mute() {
	in_place --fault "slow=600000@$1+"
	for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
		touchstone keys list --refresh >/dev/null 2>"$user/said"
	done
	ok "mute at $1: the other signs" sign_first
	is "mute at $1: nobody was asked for a PIN" "$(pin_dialogues)" \
	    "$asked"
	is "mute at $1: the process is the same" "$(process)" "$process"
	in_place --touch now
	seen_again() {
		test "$(status_of '.modules[0].tokens | length')" = 2
	}
	ok "mute at $1: the next in its reader is seen" wait_for 20 seen_again
}
sed -i 's/^deadline = .*/deadline = 10;/' "$config/modules.d/yubikey.conf"
touchstone reload >/dev/null
pinentry "always pin $pin"
ok 'the first signs' sign_first
asked=$(pin_dialogues)
process=$(process)
mute a4
mute f8
mute f7
done_testing
