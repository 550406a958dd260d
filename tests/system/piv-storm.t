#!/bin/sh
# Faults of a card at any command of a signature, a listing, a new key and its
# proof, drawn by a seed: each request ends in an answer or in words that say
# what is wrong, the process stays, no PIN is sent twice for one entry, and
# when it is over the card signs.
#
# STORM_SEED, and STORM for how many draws, repeat or lengthen it.
set --
. "$(dirname "$0")/piv.sh"

seed=${STORM_SEED-1}
draws=${STORM-80}

card_start 1 --touch now || exit 1
piv_agent 'deadline = 2;' || exit 1
pinentry "always pin $pin"
piv_key 9a P-256 2 1 || exit 1
agent_was=$agent
process=$(status_of '.modules[0].pid')

# faults: a line for each draw: what is asked, and the fault.
faults() {
	awk -v seed="$seed" -v draws="$draws" 'BEGIN {
		srand(seed)
		kinds = "sw=6f00 sw=6982 sw=6983 sw=63c0 sw=6a80 sw=9001 " \
		    "garbage garbage=2000 empty short short=9 long long=300 " \
		    "lie lie=ff lie=8400000000 bare bare=0 endless " \
		    "wrong-signature empty-signature unplug=300 slow=50"
		n = split(kinds, kind, " ")
		split("sign list make attest", ask, " ")
		for (i = 0; i < draws; i++)
			printf "%s %s#%d%s\n", ask[1 + int(rand() * 4)],
			    kind[1 + i % n], 1 + int(rand() * rand() * 70),
			    rand() < 0.2 ? "+" : ""
	}'
}

ask() {
	case $1 in
	sign) ssh_sign ;;
	list) touchstone keys list --refresh ;;
	make) piv_ask generate yubikey '' spare P-256 82 2 1 'overwrite 82' ;;
	attest) piv_ask attest "$id" 10000001 ;;
	esac
}

# no_words WHAT FAULT: what failed without a word, or did not end.
no_words() {
	status=0
	ask "$1" >"$user/out" 2>"$user/words" || status=$?
	if test $status -eq 124 || test $status -eq 137; then
		echo "$1 $2: it did not end"
	elif test $status -ne 0 && ! test -s "$user/words"; then
		echo "$1 $2: no words"
	elif grep -q 'Success\|Unspecific\|(null)' "$user/words"; then
		echo "$1 $2: $(cat "$user/words")"
	fi
}

is_listed() {
	touchstone keys list --refresh >/dev/null 2>&1
	test "$(status_of '.modules[0].tokens | length')" -ge 1
}

# Before the next fault, which would else be met by who looks what it is.
comes_back() {
	wait_for 10 card 1 plugged
	wait_for 10 card_seen 1
	wait_for 10 is_listed
}

card 1 zero
before=$(pin_dialogues)
ended=0 silent=
faults >"$user/faults"
while read -r what fault; do
	touchstone forget >/dev/null 2>&1
	card 1 fault "$fault"
	silent=$silent$(no_words "$what" "$fault")
	card 1 no-faults
	case $fault in
	unplug*) comes_back ;;
	esac
	ended=$((ended + 1))
done <"$user/faults"

is "seed $seed: all was asked" "$ended" "$draws"
is 'every failure has words' "$silent" ''
is 'the agent is the same' "$(agent_pid)" "$agent_was"
is 'and so is the process' "$(status_of '.modules[0].pid')" "$process"
verifies=$(count 1 verifies) entered=$(($(pin_dialogues) - before))
is 'no more VERIFYs than entries' \
    "$(test "$verifies" -le "$entered" || echo "$verifies for $entered")" ''
card 1 zero
wait_for 10 ssh_sign
ok 'when it is over it signs' ssh_sign
ok 'well' ssh_good
done_testing
