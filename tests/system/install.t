#!/bin/sh
# What `make install` puts where, and that the units name what is there.
. "$(dirname "$0")/lib.sh"

for program in bin/touchstone bin/touchstone-gpg bin/touchstone-agent \
    libexec/touchstone/touchstone-token libexec/touchstone/touchstone-prompt
do
	ok "$program" test -x "$prefix/$program"
done
for page in man1/touchstone.1 man1/touchstone-gpg.1 man1/touchstone-agent.1 \
    man5/touchstone.conf.5; do
	ok "$page" test -s "$prefix/share/man/$page"
done

units=$prefix/lib/systemd/user
is 'the service starts the agent that is installed' \
    "$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' \
    "$units/touchstone-agent.service")" "$bin/touchstone-agent"
is 'each socket has its name' \
    "$(sed -n 's/^FileDescriptorName=//p' "$units"/*.socket | sort | xargs)" \
    'agent local'
is 'and its place' "$(sed -n 's/^ListenStream=//p' "$units"/*.socket |
    sort | xargs)" '%t/touchstone/agent.sock %t/touchstone/local.sock'
if command -v systemd-analyze >/dev/null; then
	ok 'systemd reads the units' \
	    systemd-analyze --user verify "$units"/touchstone-agent*
	is 'and has nothing to say' "$tap_out" ''
	cp "$units"/touchstone-agent* "$user/tmp/"
	sed -i 's|^ExecStart=.*|ExecStart=/nonexistent|' \
	    "$user/tmp/touchstone-agent.service"
	not_ok 'which it would of a program that is not there' \
	    systemd-analyze --user verify "$user"/tmp/touchstone-agent*
else
	skip 'systemd reads the units' 'systemd-analyze is not installed'
fi

# Started as systemd does it: both sockets are there, and named.
if command -v systemd-socket-activate >/dev/null; then
	mkdir -m 700 "$runtime"
	systemd-socket-activate --fdname=local:agent -l "$sock" \
	    -l "$runtime/agent.sock" \
	    -E HOME -E XDG_RUNTIME_DIR -E XDG_CONFIG_HOME -E XDG_DATA_HOME \
	    -E XDG_STATE_HOME "$bin/touchstone-agent" >"$user/agent.log" 2>&1 &
	wait_for 10 test -S "$runtime/agent.sock"
	ok 'a client finds the agent that its socket starts' \
	    touchstone status --json
	is 'which is that one' "$(status_of .pid)" "$!"
	ok 'SSH finds it too' sh -c '
	    SSH_AUTH_SOCK=$1 ssh-add -l; test $? = 1' sh "$runtime/agent.sock"
	stop_agent
	ok 'sockets that systemd made, it keeps' test -S "$sock"
else
	skip 'a client finds the agent' 'no systemd-socket-activate'
fi
done_testing
