#!/bin/sh
# A broken configuration is named by file, line and word; an agent does not
# start with it, and one that runs keeps what it had.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
agent=$(agent_pid)
touch "$config/config"
cp -a "$config" "$user/good"
log=$XDG_STATE_HOME/touchstone/agent.log
does_sign 'with its configuration it signs'

again() {
	rm -rf "$config"
	cp -a "$user/good" "$config"
}

# broken NAME FILE:LINE WORD FILE TEXT: with the text as the file.
broken() {
	mkdir -p "${4%/*}"
	printf "$5\n" >"$4"
	not_ok "$1: reload fails" touchstone reload
	like "$1: the place is named" "$tap_out" "${4##*/}$2: "
	like "$1: the word is named" "$tap_out" "$3"
	: >"$log"
	kill -HUP "$agent"
	wait_for 5 grep -q 'kept as it was' "$log"
	like "$1: so does SIGHUP, in the log" "$(cat "$log")" \
	    "kept as it was: .*${4##*/}$2: .*$3"
	does_sign "$1: the old one is kept"
	again
}
broken 'a syntax error' :2 'pinentry' "$config/config" \
    'token_wait = 5;\npinentry = ;'
broken 'an unknown setting' :1 'tokn_wait' "$config/config" 'tokn_wait = 5;'
broken 'a wrong type' :3 'token_wait' "$config/config" \
    '# a comment\n\ntoken_wait = "long";'
broken 'a number out of range' :1 'deadline' "$config/modules.d/soft.conf" \
    'deadline = 0;\npath = "/x";'
broken 'a relative path' :1 'path' "$config/modules.d/soft.conf" \
    'path = "libsofthsm2.so";'
broken 'a setting that is there twice' :2 'token_wait' "$config/config" \
    'token_wait = 5;\ntoken_wait = 6;'
broken 'a module without a path' '(:[0-9]+)?' 'path' \
    "$config/modules.d/another.conf" 'sessions = 1;'
is 'it is the agent of the beginning' "$(agent_pid)" "$agent"

# ---- all or nothing ----
sed 's/^sessions.*/sessions = 3;/' "$user/good/modules.d/soft.conf" \
    >"$config/modules.d/soft.conf"
pid=$(status_of '.modules[0].pid')
echo 'nonsense = 1;' >"$config/config"
not_ok 'a good file beside a broken one' touchstone reload
is 'is not taken by itself' "$(status_of '.modules[0].pid')" "$pid"
rm "$config/config"
ok 'it is with its neighbour' touchstone reload
does_sign 'and it signs'
isnt 'with a process of its own' "$(status_of '.modules[0].pid')" "$pid"
again

records=$XDG_DATA_HOME/touchstone/keys
sed 's/^sessions.*/sessions = 3;/' "$user/good/modules.d/soft.conf" \
    >"$config/modules.d/soft.conf"
touchstone reload >/dev/null
does_sign 'a process of one configuration'
pid=$(status_of '.modules[0].pid')
again
mv "$records" "$user/records"
echo 'no folder' >"$records"
not_ok 'key records that cannot be read' touchstone reload
like 'are named' "$tap_out" "$records: "
is 'and the configuration is not taken without them' \
    "$(status_of '.modules[0].pid')" "$pid"
does_sign 'it signs with the records that it had'
rm "$records"
mv "$user/records" "$records"
ok 'with both it is' touchstone reload

# ---- at the start ----
touchstone stop >/dev/null
wait_for 5 test ! -S "$sock"
echo 'nonsense = 1;' >"$config/config"
status=0
out=$(timeout 10 "$bin/touchstone-agent" 2>&1 </dev/null) || status=$?
is 'an agent does not start with it' "$status" 1
like 'and says why' "$out" 'config:1: .*nonsense'
is 'nor leaves sockets behind' "$(ls "$runtime" | grep -c sock)" 0
fails_to_sign 'who wants to sign is told' 'config:1: .*nonsense'
chmod 666 "$config/config"
: >"$config/config"
out=$(timeout 10 "$bin/touchstone-agent" 2>&1 </dev/null)
like 'what others may write is refused' "$out" 'config: .*others'
again
does_sign 'with the good one it signs'
ok 'the audit log is unbroken' touchstone audit verify
done_testing
