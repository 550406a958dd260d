#!/bin/sh
# Ten clients at once that need the same PIN: one dialogue for all, at the
# place of the first; when that one goes, the dialogue moves to another.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/pins.sh"
pin_token || { done_testing; exit; }
count=10
sign_directly >/dev/null 2>&1	# makes $user/object; nobody answers

# client N: signs, and leaves what it said and how it ended.
client() {
	(
		status=0
		touchstone-gpg --status-fd=2 -bsau "$key" <"$user/object" \
		    >"$user/sig.$1" 2>"$user/said.$1" || status=$?
		echo $status >"$user/ended.$1"
	) &
}

all_wait() {
	test "$(grep -l 'enter the PIN' "$user"/said.* | wc -l)" -ge "$1"
}

# begin NAME: ten clients wait for one PIN, the first of them longest.
begin() {
	rm -f "$user"/sig.* "$user"/said.* "$user"/ended.*
	touchstone forget >/dev/null
	forget_logs
	pinentry 'always delay 20'
	client 1
	ok "$1: the dialogue opens" wait_for 20 dialogue_is_open
	first=$(client_pids)
	n=2
	while test $n -le $count; do
		client $n
		n=$((n + 1))
	done
	ok "$1: all wait for the PIN" wait_for 20 all_wait $count
}

all_ended() {
	test "$(ls "$user"/ended.* 2>/dev/null | wc -l)" = $count
}

# end NAME STATUS: how all of them must end.
end() {
	ok "$1: all end" wait_for 30 all_ended
	is "$1: as they should" "$(cat "$user"/ended.* | sort | uniq -c |
	    tr -s ' \n' ' ')" " $2 "
	ok "$1: no prompt is left" wait_for 10 prompts_are_gone
}

good_signatures() {
	for sig in "$user"/sig.*; do
		gpg --quiet --verify "$sig" "$user/object" 2>/dev/null &&
		    echo "$sig"
	done | wc -l
}

begin 'one entry'
pinentry "pin $pin"
end 'one entry' '10 0'
is 'one entry: one dialogue' "$(pinentry_log | grep -c '^# pid')" 1
is 'one entry: one question' "$(pin_dialogues)" 1
is 'one entry: one login' "$(calls C_Login)" 1
is 'one entry: ten good signatures' "$(good_signatures)" 10

begin 'one cancels'
pinentry cancel
end 'one cancels' '10 2'
is 'one cancels: one dialogue' "$(pinentry_log | grep -c '^# pid')" 1
is 'one cancels: no login' "$(calls C_Login)" 0
is 'one cancels: no signature' "$(good_signatures)" 0

begin 'the first is killed'
old=$(pinentry_pid)
# Its prompter is slow to go: the token still listens to it meanwhile.
prompter=$(pgrep -x touchstone-prom -P "$agent")
kill -STOP "$prompter"
kill -KILL "$first"
sleep 0.5
kill -CONT "$prompter"
ok 'the first is killed: another dialogue opens' \
    wait_for 20 dialogue_is_open GETPIN 2
ok 'the first is killed: its dialogue is closed' wait_for 10 is_gone "$old"
unlike 'the first is killed: the new one is not for it' \
    "$(pinentry_log | grep '^SETDESC' | tail -n 1)" "pid $first\\)"
pinentry "pin $pin"
end 'the first is killed' '9 0 1 137'
is 'the first is killed: two dialogues in all' \
    "$(pinentry_log | grep -c '^# pid')" 2
is 'the first is killed: one login' "$(calls C_Login)" 1
is 'the first is killed: nine good signatures' "$(good_signatures)" 9

# The token process still checks the PIN when the others ask anew.
token_does 'delay login 1000'
begin 'the first is killed meanwhile'
pinentry "pin $pin"
asked() {
	test "$(calls C_Login)" -ge 1
}
ok 'the first is killed meanwhile: its PIN is at the token' wait_for 20 asked
kill -KILL "$first"
end 'the first is killed meanwhile' '9 0 1 137'
is 'the first is killed meanwhile: the PIN serves the others' \
    "$(pin_dialogues) $(calls C_Login)" '1 1'
token_does 'tries 9'

begin 'another is killed'
old=$(pinentry_pid)
for pid in $(client_pids); do
	test "$pid" = "$first" || break
done
kill -KILL "$pid"
one_ended() {
	test "$(cat "$user"/ended.*)" = 137
}
ok 'another is killed: it ends' wait_for 10 one_ended
pinentry "pin $pin"
end 'another is killed' '9 0 1 137'
is 'another is killed: the dialogue stayed' \
    "$(pinentry_log | sed -n 's/^# pid //p')" "$old"
is 'another is killed: nine good signatures' "$(good_signatures)" 9

ok 'the audit log is whole' touchstone audit verify
done_testing
