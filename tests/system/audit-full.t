#!/bin/sh
# What cannot be recorded is not signed: a log that cannot be written, a disk
# that is full.  Who changes the log is found out, to the line.
#
# A small file system of its own is mounted where that is allowed.
test -n "${AUDIT_FULL-}" || ! unshare -m true 2>/dev/null ||
    AUDIT_FULL=mount exec unshare -m sh "$0"
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
faulty_module
agent=$(agent_pid)
log=$(status_of .audit)
does_sign 'with a log it signs'
ok 'which is unbroken' touchstone audit verify

# not_asked NAME: the token was not even asked.
not_asked() {
	is "$1: the token is not asked" \
	    "$(grep -c C_Sign "$user/fault.log")" 0
}

# ---- it may not grow: as a full disk, for this process alone ----
: >"$user/fault.log"
if prlimit --pid "$agent" --fsize="$(stat -c %s "$log"):"; then
	fails_to_sign 'no room for the intent: no signature' \
	    "cannot be recorded in $log: File too large"
	not_asked 'no room for the intent'
	prlimit --pid "$agent" --fsize=$(($(stat -c %s "$log") + 900)):
	fails_to_sign 'no room for the result: no signature' \
	    "cannot be recorded in $log: File too large"
	prlimit --pid "$agent" --fsize=unlimited:
	does_sign 'room again: it signs'
	ok 'room again: the chain is unbroken' touchstone audit verify
else
	skip 'no room' 'no prlimit'
fi

# ---- a disk that is full ----
if test "${AUDIT_FULL-}" = mount; then
	touchstone stop >/dev/null
	wait_for 5 test ! -S "$sock"
	cp -a "$XDG_STATE_HOME" "$user/state"
	mount -t tmpfs -o size=128k,mode=700 tmpfs "$XDG_STATE_HOME"
	cp -a "$user/state/." "$XDG_STATE_HOME"
	does_sign 'a small disk'
	dd if=/dev/zero of="$XDG_STATE_HOME/full" bs=4k 2>/dev/null
	: >"$user/fault.log"
	# What is left of the last block takes some records.
	for i in 1 2 3 4 5 6; do
		sign || break
	done
	fails_to_sign 'a full disk: no signature' \
	    "cannot be recorded in .*: No space left on device"
	: >"$user/fault.log"
	fails_to_sign 'a full disk: nor the next' 'No space left on device'
	not_asked 'a full disk'
	like 'a full disk: keys are listed nevertheless' \
	    "$(touchstone keys list --json)" '"soft"'
	rm "$XDG_STATE_HOME/full"
	does_sign 'room again: it signs'
	ok 'room again: the chain is unbroken' touchstone audit verify

	touchstone stop >/dev/null
	wait_for 5 test ! -S "$sock"
	umount "$XDG_STATE_HOME"
else
	skip 'a full disk' 'nothing can be mounted here'
fi

# ---- a folder in the log's place, when the agent starts and later ----
touchstone stop >/dev/null
wait_for 5 test ! -S "$sock"
mv "$log" "$user/log"
mkdir "$log"
: >"$user/fault.log"
fails_to_sign 'a folder in its place: no signature' "cannot be recorded"
like 'a folder in its place: it is named' "$(cat "$user/sign.err")" \
    "${log%/*}|log.jsonl"
not_asked 'a folder in its place'
rmdir "$log"
mv "$user/log" "$log"
does_sign 'the log is back: it signs'
ok 'the log is back: the chain is unbroken' touchstone audit verify
mv "$log" "$user/log"
mkdir "$log"
fails_to_sign 'a folder in its place, later: no signature' "cannot be recorded"
rmdir "$log"
mv "$user/log" "$log"
does_sign 'the log is back, again: it signs'
ok 'the log is back, again: the chain is unbroken' touchstone audit verify

# ---- changed by somebody ----
cp "$log" "$user/good"
lines=$(wc -l <"$log")
change() {	# NAME PATTERN SED-SCRIPT
	sed "$3" "$user/good" >"$user/bad"
	not_ok "$1: the log is refused" touchstone audit verify "$user/bad"
	like "$1: with the line" "$tap_out" "$2"
}
change 'a word is changed' 'line [45]' '4s/commit/c0mmit/;4s/key/kez/'
change 'a line is taken out' 'line 5' 5d
change 'a line is there twice' 'line 6' 5p
change 'two lines change places' 'line 3' '3{h;d};4{G}'
change 'the first line is gone' 'line 1' 1d
change 'a line of nonsense at the end' "line $((lines + 1))" \
    '$a nonsense'
ok 'and the unchanged log is not' touchstone audit verify "$user/good"

# Changed while the agent runs: it signs on, and the log tells.
sed -i '4s/"kind"/"kimd"/' "$log"
does_sign 'a log that somebody changed is gone on with'
not_ok 'but it does not pass for whole' touchstone audit verify
like 'and its line is named' "$tap_out" 'log.jsonl: BROKEN at line [45]'
done_testing
