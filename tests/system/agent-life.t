#!/bin/sh
# Two agents never share a user; a reload keeps what has not changed; the end
# waits for what is pending, but not for ever.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
faulty_module
agent=$(agent_pid)
inode() {
	stat -c %i "$1"
}

# ---- two of them ----
before=$(inode "$sock")
refuses 'a second agent' 3 'running already'
is 'it does not touch the sockets' "$(inode "$sock")" "$before"
does_sign 'and the first one signs'
LISTEN_PID=1 LISTEN_FDS=2 refuses 'nor one with another one'"'"'s sockets' 3 \
    'running already'

# ---- reload: a new module, and the PIN of the old one is kept ----
pid=$(status_of '.modules[] | select(.name == "soft").pid')
mv "$user/pin" "$user/pin.away"
cp -r "$config/modules.d" "$user/modules.d"
mkdir -p "$user/other/tokens"
echo "directories.tokendir = $user/other/tokens" >"$user/other/conf"
SOFTHSM2_CONF=$user/other/conf softhsm2-util --init-token --free \
    --label other --pin 876543 --so-pin 876543 >/dev/null
printf 'path = "%s";\nenv = [ "SOFTHSM2_CONF=%s" ];\n' \
    "$(sed -n 's/^# \(\/.*\)/\1/p' "$config/modules.d/soft.conf")" \
    "$user/other/conf" >"$config/modules.d/new.conf"
kill -HUP "$agent"
wait_for 5 test "$(status_of '.modules | length')" = 2
touchstone keys list --refresh >/dev/null
is 'after SIGHUP there is a new module with its token' \
    "$(status_of '[.modules[] | select(.name == "new").tokens[].label] |
    index("other") != null')" true
is 'and the old one has its process' \
    "$(status_of '.modules[] | select(.name == "soft").pid')" "$pid"
does_sign 'which still has its PIN'
touchstone forget >/dev/null
fails_to_sign 'as it has not when it is to forget it' 'PIN|pin'
mv "$user/pin.away" "$user/pin"
does_sign 'with the PIN it signs'

# ---- SIGTERM drains ----
fault 'delay sign 1500'
: >"$user/fault.log"
sign "$key" slow & slow=$!
wait_for 5 grep -q C_Sign "$user/fault.log"
kill -TERM "$agent"
is 'at SIGTERM a pending signature is waited for' \
    "$(is_gone "$agent" || echo waits)" waits
wait $slow && pass 'and comes' || fail 'and comes' "$(cat "$user/slow.err")"
ok 'then the agent ends' wait_for 5 is_gone "$agent"
is 'and its sockets are gone' "$(ls "$runtime" | grep -c 'sock$')" 0
fault 'delay sign 30000'
does_not_end() { sign "$key" slow; }
does_not_end & slow=$!
: >"$user/fault.log"
wait_for 5 grep -q C_Sign "$user/fault.log"
agent=$(agent_pid)
kill -TERM "$agent"
ok 'one that does not come is not waited for long' \
    wait_for 8 is_gone "$agent"
wait $slow && fail 'and is none' || pass 'and is none'
like 'which is recorded' "$(touchstone audit show -n 1 --json)" 'the agent ended'
fault
ok 'the audit log is unbroken' touchstone audit verify
done_testing
