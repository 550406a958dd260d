#!/bin/sh
# Pinentry cancelled, crashed, killed, hanging, and a client that goes away:
# the request ends, git says that signing failed, nothing is committed and no
# prompt stays.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/pins.sh"
pin_token || { done_testing; exit; }
forget_logs

# ends NAME: the request that failed ended as cancelled.
ends() {
	ok "$1: no prompt is left" wait_for 10 prompts_are_gone
	is "$1: the intent is recorded as failed" \
	    "$(audit '.records[-2:][].stage' | tr '\n' ' ')" 'intent failed '
}

for how in cancel crash exit timeout; do
	pinentry $how
	no_commit "pinentry: $how" one
	ends "pinentry: $how"
done

pinentry cancel
not_ok 'a cancelled prompt is no signature' sign_directly
like 'and says that it was closed' "$tap_out" 'prompt was closed.*again'
unlike 'and what to do once' "$tap_out" 'run it again'
pinentry crash
not_ok 'a pinentry that crashed is no signature' sign_directly
like 'and says so' "$tap_out" 'killed by signal 9.*try again'
unlike 'a crash is not called closed' "$tap_out" 'was closed'

# ---- killed while the dialogue is open ----
open_dialogue() {	# MESSAGE
	rm -f "$user/pinentry.log"
	before=$(commits)
	in_background commit "$1"
	ok "$1: the dialogue opens" wait_for 20 dialogue_is_open
}

pinentry hang
open_dialogue 'pinentry is killed'
kill -KILL "$(pinentry_pid)"
ok 'pinentry is killed: git ends' wait_for 20 has_ended
is 'pinentry is killed: git fails' "$(cat "$user/status")" 128
is 'pinentry is killed: nothing is committed' "$(commits)" "$before"
ends 'pinentry is killed'

pinentry hang
open_dialogue 'the prompter is killed'
kill -KILL "$(pgrep -x touchstone-prom -P "$agent")"
ok 'the prompter is killed: git ends' wait_for 20 has_ended
is 'the prompter is killed: git fails' "$(cat "$user/status")" 128
is 'the prompter is killed: nothing is committed' "$(commits)" "$before"
ends 'the prompter is killed'

# ---- the client goes ----
for how in hang hang-hard; do
	for signal in INT KILL; do
		name="$how, client gets $signal"
		pinentry $how
		open_dialogue "$name"
		kill -$signal $(client_pids)
		ok "$name: git ends" wait_for 20 has_ended
		isnt "$name: git fails" "$(cat "$user/status")" 0
		is "$name: nothing is committed" "$(commits)" "$before"
		ends "$name"
	done
done
is 'no login was made in all this' "$(calls C_Login)" 0
is 'no signature was made' "$(calls C_Sign)" 0

# The whole of git, as ^C in a terminal does it: the group gets SIGINT.
pinentry hang
open_dialogue '^C'
env kill -INT -- "-$(ps -o pgid= -p "$(client_pids)" | tr -d ' ')"
ok '^C: git ends' wait_for 20 has_ended
isnt '^C: git fails' "$(cat "$user/status")" 0
is '^C: nothing is committed' "$(commits)" "$before"
ends '^C'

# ---- the client goes while the token signs ----
pinentry "pin $pin"
ok 'a signature, so that the PIN is held' commit good
forget_logs
token_does 'delay sign 700'
before=$(commits)
in_background commit 'client gone while the token signs'
asked() {
	test "$(calls C_Sign)" -ge 1
}
ok 'the token is asked' wait_for 20 asked
kill -KILL $(client_pids)
ok 'git ends' wait_for 20 has_ended
is 'nothing is committed' "$(commits)" "$before"
undelivered() {
	test "$(audit '.records[-1].stage')" = undelivered
}
ok 'the signature is recorded as undelivered' wait_for 20 undelivered
is 'with the commit that it was for' "$(audit '.records[-1].summary')" \
    'commit "client gone while the token signs" by A U Thor <author@example.com>'

# The same, but the token had nothing to give.
forget_logs
token_does 'delay sign 700' 'fail sign 0x30 1'
in_background commit 'client gone before the token fails'
ok 'the token is asked again' wait_for 20 asked
kill -KILL $(client_pids)
failed() {
	test "$(audit '.records[-1] | .stage + ": " + .summary' |
	    sed 's/ by .*//')" = \
	    'failed: commit "client gone before the token fails"'
}
ok 'what was not signed is recorded as failed' wait_for 20 failed
token_does 'tries 5'

ok 'the next commit is signed' commit next
ok 'and good' is_signed HEAD
is 'and recorded as delivered' "$(audit '.records[-1].stage')" signed
ok 'the audit log is whole' touchstone audit verify
done_testing
