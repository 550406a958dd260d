#!/bin/sh
# ssh-agent's command line: a private agent for a shell or a command, beside
# the user's own, which it leaves alone.
. "$(dirname "$0")/lib.sh"

agent=$bin/touchstone-agent
ended() {
	wait_for 10 is_gone "$1"
}

# begin OPTION...: evaluates what the agent prints.
begin() {
	"$agent" "$@" >"$user/printed" 2>"$user/said" </dev/null || return
	. "$user/printed" >/dev/null
}

# refuses STATUS SAYS OPTION...
refuses() {
	refuses_want=$1 refuses_text=$2
	shift 2
	"$agent" "$@" >"$user/out" 2>"$user/err" </dev/null
	is "$* is refused" "$?" "$refuses_want"
	like "... and says so" "$(cat "$user/out" "$user/err")" "$refuses_text"
}

# ---- beside the user's agent ----
soft_token
own=$(agent_pid)
begin -s
is 'a private agent starts' "$?" 0
like 'it prints the variables as ssh-agent does' \
    "$(sed 's/[0-9][0-9]*/N/g; s/ssh-[^/]*/ssh-X/' "$user/printed" |
    tr '\n' ' ')" \
    "^SSH_AUTH_SOCK=/.*/tmp/ssh-X/agent.N; export SSH_AUTH_SOCK; SSH_AGENT_PID=N; export SSH_AGENT_PID; echo Agent pid N; \$"
is 'and nothing else' "$(cat "$user/said")" ''
is 'its folder is the user'"'"'s alone' \
    "$(stat -c %a "${SSH_AUTH_SOCK%/*}") $(stat -c %a "$SSH_AUTH_SOCK")" \
    '700 600'
like 'the keys of tokens are there' "$(ssh-add -l)" 'ECDSA'
is 'the user'"'"'s agent is as it was' "$(agent_pid)" "$own"
ssh-add -L >"$user/key.pub"
ok 'it signs' sh -c "echo a >'$user/a' &&
    ssh-keygen -q -Y sign -n file -f '$user/key.pub' '$user/a'"
first=$SSH_AUTH_SOCK first_pid=$SSH_AGENT_PID
begin -t 1h
is 'a second one starts' "$?" 0
like 'without an option it prints for sh' "$(cat "$user/printed")" 'export'
ok 'and signs too' sh -c "rm '$user/a.sig'
    ssh-keygen -q -Y sign -n file -f '$user/key.pub' '$user/a'"
is 'each has a log of its own' "$(ls -d "$XDG_STATE_HOME"/touchstone/audit/* |
    sed 's/.*[0-9a-f]\{32\}//' | tr '\n' ' ')" ' .private-1 .private-2 '
ok 'which are verified with the user'"'"'s' touchstone audit verify
is 'all three of them' "$(touchstone audit verify | grep -c unbroken)" 3
is 'and shown in one row by time' \
    "$(touchstone audit show -n 4 | sed 's/ .*//' | sort -c && echo sorted)" \
    sorted
rm "$user/a.sig"
ok 'the user'"'"'s agent signs last' env SSH_AUTH_SOCK="$runtime/agent.sock" \
    ssh-keygen -q -Y sign -n last -f "$user/key.pub" "$user/a"
like 'which is shown last' "$(touchstone audit show -n 1)" 'signed .*last'
like 'as it is in its log' "$(tail -n 1 "$XDG_STATE_HOME"/touchstone/audit/*[0-9a-f]/log.jsonl)" \
    '"signed".*last'
log=$(ls -d "$XDG_STATE_HOME"/touchstone/audit/*.private-2)/log.jsonl
sed -i '1s/"stage"/"stagf"/' "$log"
not_ok 'a changed one is found' touchstone audit verify
rm "$log"

ssh-keygen -q -t ed25519 -N '' -f "$user/software"
ssh-add -q "$user/software"
is 'keys can be added' "$(ssh-add -l | wc -l)" 2
kill -USR1 "$SSH_AGENT_PID"
ok 'SIGUSR1 forgets those' wait_for 5 sh -c 'test "$(ssh-add -l | wc -l)" = 1'
like 'and says so in its log' "$(touchstone audit show -n 5)" 'ssh-add -d|all keys in memory'

# ---- how long it keeps what is added ----
ssh-keygen -q -t ed25519 -N '' -C shorter -f "$user/shorter"
ssh-keygen -q -t ed25519 -N '' -C longer -f "$user/longer"
# kept OPTION...: which of them are there at first, and after four seconds.
kept() {
	"$agent" "$@" sh -c 'ssh-add -q "$1/shorter"
	    ssh-add -q -t 60 "$1/longer"
	    list() { ssh-add -L | sed -n "s/.* \([a-z]*er\)\$/\1/p" | xargs; }
	    list; sleep 4; list' sh "$user" 2>/dev/null
}
is '-t is how long a key is kept that is added without' "$(kept -t 2)" \
    'shorter longer
longer'
is 'without -t it stays' "$(kept)" 'shorter longer
shorter longer'

# ---- its end ----
"$agent" -k >"$user/printed"
is '-k exits with 0' $? 0
is 'and prints what unsets the variables' "$(tr '\n' '|' <"$user/printed")" \
    "unset SSH_AUTH_SOCK;|unset SSH_AGENT_PID;|echo Agent pid $SSH_AGENT_PID killed;|"
ok 'the agent ends' ended "$SSH_AGENT_PID"
not_ok 'its folder is gone' test -e "${SSH_AUTH_SOCK%/*}"
kill -0 "$first_pid" && pass 'the other one lives' || fail 'the other one lives'
SSH_AGENT_PID=$first_pid "$agent" -k >/dev/null
ended "$first_pid"
not_ok 'until it is killed too' test -e "$first"
unset SSH_AGENT_PID
refuses 1 'SSH_AGENT_PID not set, cannot kill agent' -k
export SSH_AGENT_PID=abc
refuses 1 'which is not a good PID' -k
export SSH_AGENT_PID=1
refuses 1 'which is not a good PID' -k
unset SSH_AGENT_PID SSH_AUTH_SOCK

# ---- for csh, in the foreground, with a name ----
ok '-c starts one' "$agent" -c
SHELL=/bin/tcsh "$agent" -t 1h >"$user/printed"
like 'a csh gets its commands' "$(cat "$user/printed")" \
    '^setenv SSH_AUTH_SOCK .*agent.*;'
SSH_AGENT_PID=$(sed -n 's/^setenv SSH_AGENT_PID \([0-9]*\);/\1/p' \
    "$user/printed") SHELL=/bin/csh "$agent" -k >"$user/unset"
like 'and to unset' "$(cat "$user/unset")" '^unsetenv SSH_AUTH_SOCK;'
for pid in $(agent_pids "$XDG_RUNTIME_DIR"); do
	test "$pid" = "$own" || kill "$pid"
done
cd "$user/tmp" || exit 1
"$agent" -D -a here.sock >"$user/printed" 2>&1 & stays=$!
wait_for 10 grep -q 'Agent pid' "$user/printed"
is '-D stays, and prints its own pid' "$(cat "$user/printed")" \
    "SSH_AUTH_SOCK=here.sock; export SSH_AUTH_SOCK;
echo Agent pid $stays;"
ok '-a is where it listens' env SSH_AUTH_SOCK=here.sock ssh-add -l
refuses 1 'here.sock: something else is there already' -a here.sock
ok 'the one that is there still answers' \
    env SSH_AUTH_SOCK=here.sock ssh-add -l
kill -HUP $stays
wait $stays
is 'a hangup ends it' "$?" 0
not_ok 'and takes its socket along' test -e here.sock
: >taken
refuses 1 'taken: something else is there already' -a taken
ok 'a file stays' test -f taken

# ---- a command ----
"$agent" sh -c 'ssh-add -l >keys; echo "$SSH_AGENT_PID" >pid; exit 52'
is 'a command'"'"'s exit status is the agent'"'"'s' "$?" 52
like 'it has the agent' "$(cat keys)" ECDSA
ok 'which ends with it' ended "$(cat pid)"
"$agent" -t 5m sh -c 'echo "$@" >words' x -t -k
is 'its options are its own' "$(cat words)" '-t -k'
refuses 1 'no-such-program' no-such-program
refuses 1 usage -s true
refuses 1 usage -k true

# ---- options ----
ln -s "$agent" ssh-agent
ok 'by the name of ssh-agent it is one' sh -c './ssh-agent >printed'
like 'without any option' "$(cat printed)" '^SSH_AUTH_SOCK='
SSH_AGENT_PID=$(sed -n 's/^SSH_AGENT_PID=\([0-9]*\);.*/\1/p' printed) \
    "$agent" -k >/dev/null
for good in 10 0 1h30m 1h30 2D 1w; do
	ok "-t $good" "$agent" -t "$good" true
done
for bad in '' x 1y -1 99999999999 '1 h' h; do
	refuses 1 'Invalid lifetime' -t "$bad" true
done
ok 'what concerns others is accepted' "$agent" -E sha256 \
    -O no-restrict-websafe -T -U true
ok '-u has nothing to do' "$agent" -uu
refuses 255 'invalid hash' -E sha3 true
refuses 255 'no modules here' -O allow-remote-pkcs11 true
refuses 255 'unknown -O option' -O nothing true
refuses 255 'already specified' -P /a -P /b true
refuses 1 usage -s -c
refuses 1 usage -d -D
refuses 1 usage --ready-fd 5 -s
refuses 2 usage --nothing
mkdir -p "$config"
echo 'nonsense = 1;' >>"$config/config"
refuses 1 'nonsense' -s
not_ok 'of which nothing stays' sh -c 'ls -d ssh-??????'
done_testing
