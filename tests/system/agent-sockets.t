#!/bin/sh
# The agent's sockets are its own: what is stale is replaced, what is somebody
# else's is left alone at the start and at the end, and nobody else is served.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
agent_sock=$runtime/agent.sock
end() {
	stop_agent
	rm -rf "$runtime"
	mkdir -m 700 "$runtime"
}

# starts NAME: the agent does, and answers.
starts() {
	timeout 20 "$bin/touchstone-agent" >"$user/agent.log" 2>&1 </dev/null &
	if wait_for 5 answers "$sock"; then
		pass "$1"
	else
		fail "$1" "$(cat "$user/agent.log")"
	fi
}
inode() {
	stat -c %i "$1"
}

# ---- what is at its place ----
does_sign 'an agent signs'
agent=$(agent_pid)
kill -KILL "$agent"
wait_for 5 is_gone "$agent"
ok 'after SIGKILL its sockets are there' test -S "$sock"
does_sign 'and are replaced'
stop_agent

perl -MIO::Socket::UNIX -e '$SIG{PIPE} = "IGNORE";
    my $s = IO::Socket::UNIX->new(Local => $ARGV[0],
    Listen => 5) or die; $SIG{ALRM} = sub { exit }; alarm 30;
    while (my $c = $s->accept) { print $c "mine"; }' "$sock" &
other=$!
wait_for 5 test -S "$sock"
before=$(inode "$sock")
refuses "somebody else's live socket" 1 'local.sock: something else is there'
is 'it is still there' "$(inode "$sock")" "$before"
kill $other
wait $other 2>/dev/null
starts 'when nobody listens there any more it is replaced'
end
echo keep >"$sock"
refuses 'a file in its place' 1 'local.sock: something else is there'
is 'it is still there' "$(cat "$sock")" keep
rm "$sock"
mkdir "$agent_sock"
refuses 'a folder in its place' 1 'agent.sock: something else is there'
is 'and the other socket is not left behind' "$(ls "$runtime")" \
    "$(printf 'agent.sock\nlock')"
rmdir "$agent_sock"
ln -s "$user/elsewhere" "$sock"
refuses 'a link in its place' 1 'local.sock: something else is there'
end

starts 'in an empty folder it starts'
rm "$sock"
echo mine >"$sock"
stop_agent
is 'what somebody put there instead is not removed' "$(cat "$sock")" mine
is 'its own is' "$(ls "$agent_sock" 2>/dev/null)" ''
end

# ---- the folder ----
mkdir -m 700 "$user/elsewhere"
rmdir "$runtime" 2>/dev/null || rm -rf "$runtime"
ln -s "$user/elsewhere" "$runtime"
refuses 'a folder that is a link' 1 'not a folder that is yours alone'
is 'nothing is made where it points' "$(ls "$user/elsewhere")" ''
rm "$runtime"
mkdir -m 755 "$runtime"
refuses 'a folder that others may look into' 1 \
    'not a folder that is yours alone'
if test "$(id -u)" = 0; then
	chmod 700 "$runtime"
	chown 65534 "$runtime"
	refuses 'a folder of somebody else' 1 \
	    'not a folder that is yours alone'
fi
end

# ---- sockets that are handed to it ----
mkdir -m 700 "$user/systemd"
passes() {	# NAMES COMMAND...: listening sockets as 3 and 4
	perl -MIO::Socket::UNIX -MPOSIX -e '
	    my ($a, $b, $names, @cmd) = @ARGV;
	    my @s = map { IO::Socket::UNIX->new(Local => $_, Listen => 5)
	        or die "$_: $!" } ($a, $b);
	    my @far = map { fcntl($_, F_DUPFD, 20) } @s;
	    POSIX::dup2($far[0], 3); POSIX::dup2($far[1], 4);
	    POSIX::close($_) for @far;
	    @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, 2, $names);
	    exec @cmd or die' \
	    "$user/systemd/local" "$user/systemd/agent" "$@"
}
passes local:agent "$bin/touchstone-agent" >"$user/agent.log" 2>&1 \
    </dev/null &
ok 'it takes sockets that are passed on' \
    wait_for 5 answers "$user/systemd/local"
is 'and binds none' "$(ls "$runtime")" lock
is 'the one named local is for local clients' \
    "$("$frames" "$user/systemd/local" ext:status-v1 read)" 'code 0'
is 'the one named agent is not' \
    "$("$frames" "$user/systemd/agent" ext:status-v1 read)" 'type 28'
export TOUCHSTONE_SOCK="$user/systemd/local"
does_sign 'it signs there'
unset TOUCHSTONE_SOCK
stop_agent
is 'at its end they stay' "$(ls "$user/systemd" | tr '\n' ' ')" 'agent local '
rm "$user/systemd"/*
passes agent:local "$bin/touchstone-agent" >"$user/agent.log" 2>&1 \
    </dev/null &
wait_for 5 answers "$user/systemd/local"
is 'it goes by their names' \
    "$("$frames" "$user/systemd/agent" ext:status-v1 read)" 'code 0'
stop_agent
rm "$user/systemd"/*
passes x:y "$bin/touchstone-agent" >"$user/agent.log" 2>&1 </dev/null &
wait_for 5 is_gone $! || kill $!
wait $! && fail 'names that it does not know: it does not start' ||
    pass 'names that it does not know: it does not start'
like 'names that it does not know: it says so' "$(cat "$user/agent.log")" \
    'named local and agent'
end

# ---- another user ----
if test "$(id -u)" = 0 && setpriv --reuid 65534 --clear-groups true \
    2>/dev/null; then
	does_sign 'it signs for its user'
	chmod 711 "$work" "$user" "$user/run" "$runtime"
	chmod 666 "$sock" "$agent_sock"
	cp "$frames" "$work/frames"
	for s in "$sock" "$agent_sock"; do
		is "another user gets no answer at ${s##*/}" \
		    "$(setpriv --reuid 65534 --clear-groups "$work/frames" \
		    "$s" bare:99 read 2>&1)" closed
		is "its own does at ${s##*/}" \
		    "$("$work/frames" "$s" bare:99 read 2>&1)" 'type 5'
	done
else
	skip 'another user' 'only root can be another user'
fi
done_testing
