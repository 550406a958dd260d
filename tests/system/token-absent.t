#!/bin/sh
# Without its token a signature waits, says what to insert, and goes on when it
# is there; it ends when its time is over, and at ^C at once.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
echo 'token_wait = 3;' >>"$config/config"
other_token
faulty_module 'deadline = 3;'
does_sign 'with its token it signs'
unlike 'and says nothing of inserting it' "$(cat "$user/sign.err")" insert

fault absent
sign "$key" wait & waiting=$!
wait_for 3 grep -q insert "$user/wait.err"
like 'without it the user is told what to insert' "$(cat "$user/wait.err")" \
    'insert the token that holds key soft'
is 'and nothing is signed yet' "$(cat "$user/wait.out")" ''
does_sign 'another token signs meanwhile' other
fault
wait $waiting && pass 'it is inserted: it signs' ||
    fail 'it is inserted: it signs' "$(cat "$user/wait.err")"
like 'that is a signature' "$(cat "$user/wait.out")" 'BEGIN PGP SIGNATURE'

fault absent
started=$(now_ms)
fails_to_sign 'it does not come: no signature' \
    'the token for key soft was not inserted within 3 s'
took=$(($(now_ms) - started))
less 'not before its time' 2500 $took
less 'nor long after it' $took 6000

new_repo
started=$(now_ms)
mkfifo "$user/keyboard"
script -qec "git -C '$repo' commit -S -qm x; echo git ended with \$?" \
    /dev/null <"$user/keyboard" >"$user/terminal" 2>&1 &
exec 7>"$user/keyboard"
wait_for 3 grep -q insert "$user/terminal"
like "git's user is told at the terminal" "$(cat "$user/terminal")" \
    'insert the token that holds key soft'
started=$(now_ms)
printf '\003' >&7
wait_for 3 grep -q 'git ended' "$user/terminal"
less 'at ^C it ends at once' $(($(now_ms) - started)) 1500
exec 7>&-
wait
is 'there is no commit' "$(git -C "$repo" rev-parse -q --verify HEAD)" ''
wait_for 2 test "$(status_of .connections)" = 1
is 'the agent does not wait on' "$(status_of .connections)" 1
like 'the keys say that it is away' \
    "$(touchstone keys list --json | jq -c '.keys[] | [.name, .present]')" \
    'soft",false'
fault
ok 'inserted again: git signs' git -C "$repo" commit -S -qm x
ok 'and the commit is good' git -C "$repo" verify-commit HEAD

# ---- taken away in the middle, with and without a record of the key ----
in_the_middle() {
	fault 'delay sign 700'
	: >"$user/fault.log"
	sign "$key" wait & waiting=$!
	wait_for 5 grep -q C_Sign "$user/fault.log"
	fault absent
	wait_for 5 grep -q insert "$user/wait.err"
	fault
	wait $waiting && pass "$1" || fail "$1" "$(cat "$user/wait.err")"
}
in_the_middle 'taken away in the middle and inserted again: it signs'
rm "$XDG_DATA_HOME/touchstone/keys/soft.json"
touchstone reload >/dev/null
does_sign 'a key that only its token knows'
in_the_middle 'taken away and inserted again, that signs too'
ok 'the audit log is unbroken' touchstone audit verify
done_testing
