#!/bin/sh
# A client starts the agent where none runs: one, and in an environment that
# the client did not choose.
. "$(dirname "$0")/lib.sh"
new_user starter
mkdir -p "$config"

env_of() {
	tr '\0' '\n' <"/proc/$(agent_pid)/environ"
}

# ---- what an agent inherits ----
mkdir "$user/evil"
printf 'error\n' >"$user/evil/openssl.cnf"
OPENSSL_CONF=$user/evil/openssl.cnf SOFTHSM2_CONF=$user/evil/x \
    GCONV_PATH=$user/evil LD_LIBRARY_PATH=$user/evil PATH=$user/evil:$PATH \
    GNUPGHOME=$user/evil LD_BIND_NOW=1 EVIL=1 LC_TIME=C \
    touchstone keys >/dev/null 2>"$user/err" 7<"$user/err"
isnt 'a client starts the agent' "$(agent_pid)" ''
pid=$(agent_pid)
is 'it is in a session of its own' \
    "$(ps -o sid= -p "$pid" | tr -d ' ')" \
    "$(ps -o pgid= -p "$pid" | tr -d ' ')"
isnt 'it is not in ours' "$(ps -o sid= -p "$pid")" "$(ps -o sid= -p $$)"
is 'its parent is not the client' "$(ps -o stat= -p "$pid" | cut -c1)" S
looks() {
	names=$(env_of | sed 's/=.*//' | sort | tr '\n' ' ')
	unlike 'nothing hostile reaches it' "$names" \
	    'OPENSSL|SOFTHSM|GCONV|LD_|GNUPG|EVIL|TOUCHSTONE'
	like 'the locale does' "$names" 'LC_TIME'
	is 'its PATH is the system'"'"'s' "$(env_of | grep ^PATH=)" \
	    PATH=/usr/bin:/bin
	is 'it is in /' "$(readlink "/proc/$pid/cwd")" /
	is 'its stdin and stdout are nothing' \
	    "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" | sort -u)" /dev/null
	is 'its stderr is the log' "$(readlink "/proc/$pid/fd/2")" \
	    "$XDG_STATE_HOME/touchstone/agent.log"
	unlike 'no descriptor of the client is open in it' \
	    "$(ls -l "/proc/$pid/fd")" "$user/err"
}
if can_look "$pid"; then
	looks
else
	skip 'what the agent inherits' 'only root may look into it'
fi
touchstone keys >/dev/null 2>&1
is 'the next client finds it' "$(agent_pid)" "$pid"
ok 'stop' touchstone stop
ok 'stop waits for its end' is_gone "$pid"
ok 'and its socket is gone' test ! -e "$sock"

# ---- twenty at once ----
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	touchstone status --json >/dev/null 2>&1
	touchstone keys --json >"$user/out.$i" 2>&1 &
done
wait
is 'twenty clients start one agent' \
    "$(agent_pids "$XDG_RUNTIME_DIR" | wc -l | tr -d ' ')" 1
is 'and all are answered' "$(cat "$user"/out.* | grep -c '"keys"')" 20
stop_agent

# ---- a signal disposition of the client's is not the agent's ----
(trap '' HUP TERM INT; touchstone keys >/dev/null 2>&1)
pid=$(agent_pid)
kill -TERM "$pid"
ok 'an agent whose client ignored signals ends by SIGTERM' \
    wait_for 10 is_gone "$pid"

# ---- when it cannot start ----
echo 'nonsense = 1;' >"$config/config"
out=$(touchstone keys 2>&1)
is 'a broken configuration: exit status' "$?" 3
like 'a broken configuration: file, line, word' "$out" 'config.*1.*nonsense'
out=$(echo x | touchstone-gpg --status-fd=2 -bsau x 2>&1)
is 'and signing fails' "$?" 2
like 'and says why' "$out" 'nonsense'
rm "$config/config"
chmod 755 "$runtime"; chmod o+w "$runtime"
out=$(touchstone keys 2>&1)
isnt 'a runtime folder that is open to others is refused' "$?" 0
like 'and named' "$out" "$runtime"
chmod 700 "$runtime"
head -c 200000 /dev/zero >"$XDG_STATE_HOME/touchstone/agent.log"
ok 'it starts again' touchstone keys
ok 'a log that grew long is begun anew' test \
    "$(wc -c <"$XDG_STATE_HOME/touchstone/agent.log")" -lt 65536

done_testing
