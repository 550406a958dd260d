# What the tests of PINs and prompts share: a token that tells of its tries
# and goes wrong on demand, a person who is scripted, and what both saw.
# Sourced after lib.sh:
#
#	. "$src/tests/system/pins.sh"
#
# $pin is the PIN.  There is a display as far as clients can tell, so that
# prompts appear; it is never opened.  $agent is the agent's pid.
export DISPLAY=:99
pin=7f3Kq-tulip-92

# pin_token [LINE...]: a soft token behind the fault module, which keeps its
# PIN to itself; LINEs are settings of the module.  Starts the agent.
pin_token() {
	pinentry_setup
	: >"$user/pinentry.script"
	(umask 077 && printf '%s\n' "$pin" >"$user/pin")
	soft_token || return 1
	conf=$config/modules.d/soft.conf
	: >"$user/fault.script"
	: >"$user/fault.log"
	real=$(sed -n 's/^path = "\(.*\)";$/\1/p' "$conf")
	{
		echo "path = \"$build/tests/modules/fault.so\";"
		sed -n '/^sessions/p' "$conf"
		sed -n 's/^env = \[ \(.*\) \];$/env = [ \1,/p' "$conf"
		echo "\"FAULT_MODULE=$real\", \"FAULT_LOG=$user/fault.log\","
		echo "\"FAULT_SCRIPT=$user/fault.script\","
		echo "\"FAULT_STATE=$user/fault.state\" ];"
		printf '%s\n' "$@"
	} >"$conf.new" && mv "$conf.new" "$conf"
	touchstone reload >"$user/reload.log" 2>&1 || {
		fail 'the module behind another is loaded' \
		    "$(cat "$user/reload.log")"
		return 1
	}
	agent=$(agent_pid)
	new_repo
}

# What the token does from now on (tests/modules/fault.c has the words).
token_does() {
	printf '%s\n' "$@" >"$user/fault.new"
	mv "$user/fault.new" "$user/fault.script"
}

# How often the token was asked: calls C_Login, calls C_Sign.
calls() {
	grep -cx -e "$1" "$user/fault.log"
}

# Both logs begin anew.
forget_logs() {
	: >"$user/fault.log"
	rm -f "$user/pinentry.log"
}

# commit MESSAGE: signed, by git, without a terminal.
commit() {
	without_terminal git -C "$repo" commit -q -S --allow-empty -m "$1"
}

# Git must fail as it does when its signing program failed; $tap_out is what
# it said.
no_commit() {	# NAME MESSAGE
	before=$(commits) status=0
	tap_out=$(commit "$2" 2>&1) || status=$?
	is "$1: git commit fails" "$status" 128
	like "$1: git says that signing failed" "$tap_out" \
	    '^error: gpg failed to sign the data'
	is "$1: nothing is committed" "$(commits)" "$before"
}

# sign_directly [KEY]: as git would ask for the signature of a commit, but
# what touchstone-gpg says is not swallowed (git 2.39 does that).
sign_directly() {
	printf 'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor %s\n%s\n' \
	    'A U Thor <author@example.com> 1700000000 +0000' \
	    'committer A U Thor <author@example.com> 1700000000 +0000

a commit' >"$user/object"
	setsid -w timeout -k 5 60 touchstone-gpg --status-fd=2 -bsau \
	    "${1-$key}" <"$user/object"
}

commits() {
	git -C "$repo" rev-list --count --all
}

# Whether a commit has a good signature.
is_signed() {	# REVISION
	git -C "$repo" verify-commit --raw "$1" 2>&1 |
	    grep -q '^\[GNUPG:\] GOODSIG '
}

dialogue_is_open() {	# [COMMAND [COUNT]]
	test "$(pinentry_log | grep -c "^${1-GETPIN}")" -ge "${2-1}"
}

# The last pinentry that was started.
pinentry_pid() {
	pinentry_log | sed -n 's/^# pid //p' | tail -n 1
}

# Neither pinentries nor prompters.
prompts_are_gone() {
	for pid in $(pinentry_log | sed -n 's/^# pid //p'); do
		is_gone "$pid" || return 1
	done
	! pgrep -x touchstone-prom -P "$agent" >/dev/null
}

# in_background COMMAND...: what it says goes to $user/said, its exit status
# to $user/status.
in_background() {
	rm -f "$user/status"
	{
		status=0
		"$@" >"$user/said" 2>&1 || status=$?
		echo $status >"$user/status"
	} &
}

has_ended() {
	test -s "$user/status"
}

# The touchstone-gpg of this user that waits.
client_pids() {
	for pid in $(pgrep -x touchstone-gpg); do
		{ tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null |
		    grep -qx "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" && echo "$pid"
	done
}

# What an object of `touchstone audit show` has, one per line.
audit() {
	touchstone audit show --json | jq -r "${1-.}"
}
