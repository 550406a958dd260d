#!/bin/sh
# Clients that are slow, never read, hoard or come by hundreds take bounded
# memory, and others are served meanwhile.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
faulty_module
agent=$(agent_pid)
commit_object >"$user/commit"
head -c 600000 /dev/zero | tr '\0' x >"$user/zeros"
{ commit_object; cat "$user/zeros"; } >"$user/long"
sign_v1=sign:soft:-:$user/commit:-

# behind NAME WORD...: a client in the background, its says_of in NAME.log.
behind() {
	behind_log=$user/$1.log
	shift
	timeout 60 "$frames" "$sock" "$@" >"$behind_log" 2>&1 &
}
says_of() {
	paste -sd ' ' "$user/$1.log"
}

# grown NAME LIMIT: how much more memory the agent has since the beginning.
grown() {
	if test "${TOUCHSTONE_SANITIZERS-no}" = no; then
		less "$1" $(($(memory_of "$agent") - before)) "$2"
	else
		skip "$1" 'sanitizers keep what was freed'
	fi
}

does_sign 'it signs'
before=$(memory_of "$agent")

# ---- slow: a frame that has begun must come within ten seconds ----
behind silent hex:000000 closed:15
behind body "sign:soft:-:$user/commit:10" read hex:000000ff1b00 closed:15
behind drip slow:400 "$sign_v1" done
behind idle sleep:13000 "$sign_v1" done
began=$(now_ms)

# ---- hoarding: what is only announced takes no room from others ----
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	behind "hoard$i" "sign:soft:16777216:$user/commit:10" read closed:15
done
wait_for 5 test -s "$user/hoard12.log"
is 'somebody who announces much is asked for it' "$(says_of hoard12)" \
    'state 1 send the next chunk'
does_sign 'twelve hoarders: others sign'
is 'twelve hoarders: others sign large objects' "$("$frames" "$sock" \
    "sign:soft:-:$user/long:-" read "more:$user/long:-" read \
    "more:$user/long:-" done | tail -n 1)" signed

# ---- never reading ----
for i in 1 2 3 4; do
	behind "deaf$i" ext:keys-v1:0000000000 flood:20000 closed:1
done
does_sign 'four clients that ask on and never read: others sign'

# ---- three hundred connections ----
behind crowd open:300 "go:$user/go"
wait_for 5 test -s "$user/crowd.log"
like 'a process has some connections, not all' "$(says_of crowd)" \
    '^open (6[0-4]|[1-5][0-9])$'
does_sign 'three hundred connections of one process: others sign'
for i in 1 2 3 4 5; do
	behind "crowd$i" open:70 "go:$user/go"
done
for i in 1 2 3 4 5; do
	wait_for 5 test -s "$user/crowd$i.log"
done
does_sign 'five such processes: others sign'

touch "$user/go"

# ---- one pending request ----
fault absent
behind second "$sign_v1" read "$sign_v1" read bare:11 read ext:wait-v1 done
wait_for 5 grep -q 'type 5' "$user/second.log"
fault
wait_for 5 grep -q signed "$user/second.log"
is 'while one is pending others are refused, and waiting goes on' \
    "$(says_of second)" \
    'state 5 insert the token that holds key soft type 28 type 5 signed'

grown 'its memory has grown by some MiB at most (KiB)' 40000
wait_for 10 test -s "$user/silent.log"
is 'a frame that does not come is given up' "$(says_of silent)" closed
wait_for 10 grep -q closed "$user/body.log"
like 'so is one that was cut off in its middle' "$(says_of body)" closed
wait_for 10 grep -q closed "$user/hoard1.log"
like 'so is a chunk' "$(says_of hoard1)" closed
wait_for 10 test -s "$user/drip.log"
is 'and one that comes by drops' "$(says_of drip)" closed
less 'within its time' $(($(now_ms) - began)) 14000
wait_for 10 test -s "$user/idle.log"
is 'who has not begun one is not in a hurry' "$(says_of idle)" signed
like 'who never reads is cut off, or held back' "$(says_of deaf1)" \
    'closed|stuck'

is 'the agent is still there' "$(agent_pid)" "$agent"
wait
grown 'afterwards it has let go of that (KiB)' 20000
is 'and of the connections' "$(status_of .connections)" 1

# ---- more clients than descriptors ----
stop_agent
(ulimit -n 40; exec "$bin/touchstone-agent" >"$user/agent.log" 2>&1 \
    </dev/null) &
wait_for 5 answers "$sock"
agent=$(agent_pid)
used() {	# CPU time in ticks
	awk '{ print $14 + $15 }' "/proc/$agent/stat"
}
behind many open:60 "go:$user/gone"
wait_for 5 test -s "$user/many.log"
before=$(used)
sleep 1
less 'who has no descriptor left does not run in circles (ticks)' \
    $(($(used) - before)) 10
touch "$user/gone"
does_sign 'and signs when there are some'
ok 'the audit log is unbroken' touchstone audit verify
done_testing
