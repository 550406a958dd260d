#!/bin/sh
# The agent's memory, all of it, never has the PIN; the token process has it
# while it is held and not after.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/pins.sh"
test "${TOUCHSTONE_SANITIZERS-no}" = no ||
    skip_all 'sanitizers keep copies of their own'
pin_token 'pin_ttl = 3;' || { done_testing; exit; }
search=$src/tests/tools/memory-search

# count TEXT PID: how often it is there.
count() {
	printf %s "$1" | "$search" "$2" 2>"$user/where"
}

if ! count touchstone "$agent" >/dev/null; then
	# That nobody but root may look is right; then nobody can test.
	skip 'the agent never has the PIN' "$(cat "$user/where")"
	done_testing
	exit
fi

start=$(echo "$pin" | cut -c 1-8)

# Its beginning too: what was wiped must be wiped as a whole.
agent_never() {	# WHEN
	is "the agent has no PIN $1" "$(count "$pin" "$agent")" 0
	is "nor the beginning of one $1" "$(count "$start" "$agent")" 0
}

has_pin() {	# PID
	test "$(count "$pin" "$1")" -gt 0
}
has_none() {
	test "$(count "$pin" "$1")/$(count "$start" "$1")" = 0/0
}

token_process() {
	pgrep -x touchstone-toke -P "$agent"
}

is 'a search finds what the agent does have' \
    "$(test "$(count "$user/pinentry" "$agent")" -gt 0 && echo yes)" yes

# ---- while it is asked for ----
pinentry 'always delay 20'
in_background commit distinctive-subject-of-a-commit
ok 'the dialogue opens' wait_for 20 dialogue_is_open
isnt 'a search finds the commit that waits' \
    "$(count distinctive-subject-of-a-commit "$agent")" 0
agent_never 'while the dialogue is open'

# ---- while it is on its way: the token takes its time ----
token_does 'delay login 1500'
pinentry "pin $pin"
asked() {
	test "$(calls C_Login)" -ge 1
}
ok 'the PIN is at the token' wait_for 20 asked
agent_never 'while the token checks it'
ok 'the token process has it then' has_pin "$(token_process)"
ok 'the commit ends' wait_for 20 has_ended
is 'and was signed' "$(cat "$user/status")" 0

# ---- while it is held, and after ----
token_does 'tries 5'
touchstone forget >/dev/null
pinentry "pin $pin"
ok 'a PIN is entered' commit two
ok 'the token process holds it' has_pin "$(token_process)"
agent_never 'while it is held'
process=$(token_process)
touchstone forget >/dev/null
ok 'after "touchstone forget" the token process has it no more' \
    has_none "$process"
is 'and is still the same process' "$(token_process)" "$process"
agent_never 'after it was forgotten'

# ---- its time to live ----
pinentry "pin $pin"
ok 'a PIN is entered once more' commit three
ok 'the token process holds it again' has_pin "$process"
ok 'and has it no more when its time is over' wait_for 20 has_none "$process"
is 'and is the same process then' "$(token_process)" "$process"

# ---- wrong ones ----
pinentry 'pin another-wrong-pin-8' cancel
no_commit 'a wrong PIN' four
is 'the token process does not have a wrong PIN' \
    "$(count another-wrong-pin-8 "$process")" 0
is 'nor does the agent' "$(count another-wrong-pin-8 "$agent")" 0

# Patterns in a file: a command line of the test's own would be found.
printf '%s\n' "$pin" another-wrong-pin-8 >"$user/needles"
everybody_shows() {
	cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null |
	    tr '\0' '\n' | grep -F -c -f "$user/needles"
}
is 'no PIN is in a command line or an environment' "$(everybody_shows)" 0
somebody_shows() {
	test "$(everybody_shows)" -gt 0
}
env SHOWN="$pin" sleep 30 &
ok 'where it would be found' wait_for 20 somebody_shows
kill $!
done_testing
