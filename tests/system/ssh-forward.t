#!/bin/sh
# What hosts may have that the agent is forwarded to, over one hop and two:
# logins and lists, signatures as far as the key's rule says, and the record
# and the user are told which host asks.  The same through sockets that are
# passed on by other means.
. "$(dirname "$0")/sshd.sh"

hosts gate build || exit 1
soft_token P-256 soft
touchstone keys export --ssh soft >"$user/soft.pub"
chmod 600 "$user/soft.pub"
may_log_in "$user/soft.pub"
echo text >"$user/text"
me=$(id -un)

# rules SETTING...: of the key; none is the default.
rules() {
	printf 'keys = ( { key = "soft"; %s } );\n' "$*" >"$config/config"
	test ! -f "$user/pinentry" ||
	    echo "pinentry = \"$user/pinentry\";" >>"$config/config"
	touchstone reload >/dev/null
}

# Commands that are run at a host.
list='ssh-add -l'
sshsig="rm -f $user/text.sig; ssh-keygen -q -Y sign -n file \
    -f $user/soft.pub $user/text && test -s $user/text.sig && echo signed"
# Its bytes are random: one in 200 reads as the end of an old OpenPGP document.
blob="{ ssh-add -T $user/soft.pub || ssh-add -T $user/soft.pub; } && echo signed"

# here COMMAND: with the agent's socket, by a process of this machine.
here() {
	SSH_AUTH_SOCK=$runtime/agent.sock timeout 60 sh -c "$1" 2>&1 \
	    </dev/null
}

# ---- logins and lists ----
like 'a list at the first host' "$(at gate -A "$list")" '^256 .*soft'
not_ok 'which it is not without forwarding' at gate "$list"
is 'a login from there' "$(at gate -A 'ssh build "echo at \$HOST"')" \
    'at build'
like 'the record says who asked' "$(last_record signed)" \
    "ssh login as $me at build.example.com, key soft, asked by \
gate.example.com \(forwarded by ssh ← .*\(pid [0-9]+\)\)\$"
like 'a list at the second host' \
    "$(at gate -A "ssh -A build $list")" '^256 .*soft'
is 'a login from the second' \
    "$(at gate -A 'ssh -A build "ssh gate echo back"')" back
like 'the record says by which way' "$(last_record signed)" \
    "at gate.example.com, key soft, asked by build.example.com \
\(forwarded through gate.example.com by ssh ← "
is 'it is one of a forwarded connection' "$(tail -n 1 \
    "$XDG_STATE_HOME"/touchstone/audit/*/log.jsonl | jq -r .origin)" \
    forwarded
at gate true
is 'and a login from here is not' "$(tail -n 1 \
    "$XDG_STATE_HOME"/touchstone/audit/*/log.jsonl | jq -r .origin)" login

rules 'forward_login = "refuse";'
like 'a rule forbids logins from there' \
    "$(at gate -A 'ssh build echo in' 2>&1)" 'Permission denied'
denied 'the record says why' \
    'at build.example.com, .*: the key.s rule does not allow logins from'
is 'but not those from here' "$(at gate echo in)" in
pinentry_setup
rules 'forward_login = "ask";'
DISPLAY=:9 touchstone session >/dev/null
pinentry refuse
like 'a rule has the user asked' \
    "$(at gate -A 'ssh build echo in' 2>&1)" 'Permission denied'
like 'who is told which host asks' "$(pinentry_log)" \
    'asked by gate.example.com .forwarded by ssh .*: ssh login as [a-z0-9]* at build.example.com'
pinentry confirm
is 'and may agree' "$(at gate -A 'ssh build echo in')" in
: >"$user/pinentry.log"
is 'nobody is asked about those from here' "$(at gate echo in)" in
is 'indeed' "$(pinentry_log)" ''

# ---- keys in memory ----
# refused_to_host COMMAND KIND: which is that of the record.
refused_to_host() {
	not_ok "a host may not: $1" at gate -A "$1 2>&1"
	denied 'which the record says' \
	    "$2, asked by gate.example.com .*only clients of this machine"
}
ssh-keygen -q -t ed25519 -N '' -C added -f "$user/added"
ssh-keygen -q -t ed25519 -N '' -C planted -f "$user/planted"
like 'a process here may add a key' "$(here "ssh-add $user/added")" \
    'Identity added'
refused_to_host "ssh-add $user/planted" ssh-add
refused_to_host "ssh-add -c -t 60 $user/planted" ssh-add
refused_to_host "ssh-add -d $user/added.pub" 'ssh-add -d'
refused_to_host 'ssh-add -D' 'ssh-add -D'
is 'nothing has changed' "$(here 'ssh-add -L' | cut -d ' ' -f 3-)" \
    "$(printf 'soft\nadded')"
like 'a process here may remove it' "$(here 'ssh-add -D')" removed
is 'it is gone' "$(here 'ssh-add -L' | wc -l)" 1

# ---- the lock ----
with='SSH_ASKPASS=/bin/true SSH_ASKPASS_REQUIRE=force'
lock="$with ssh-add -x 2>&1" unlock="$with ssh-add -X 2>&1"
like 'a host may not lock' "$(at gate -A "$lock")" 'Failed to lock'
is 'nothing is locked' "$(touchstone status --json | jq .locked)" false
ssh_options="-o ControlPath=$user/cm -o ControlMaster=auto -o ControlPersist=99"
at gate -A true
like 'a process here may' "$(here "$lock")" 'Agent locked'
like 'a host has no keys then' "$(at gate -A 'ssh-add -l')" 'no identities'
like 'and may not unlock' "$(at gate -A "$unlock")" 'Failed to unlock'
denied 'which the record says' \
    'unlock, asked by gate.example.com .*only clients of this machine'
at gate -O exit 2>/dev/null
ssh_options=
like 'nor does a login work' "$(at gate echo in 2>&1)" 'Permission denied'
like 'a process here may unlock' "$(here "$unlock")" 'Agent unlocked'
is 'and a login works' "$(at gate echo in)" in

# ---- SSHSIG ----
rules ''
is 'an SSHSIG for a process here' "$(here "$sshsig")" signed
unlike 'for a host it is refused' "$(at gate -A "$sshsig" 2>&1)" '^signed'
denied 'and the record says who asked and why' \
    'SSHSIG in namespace "file", .*asked by gate.example.com .*forward = true'
rules 'forward = true;'
is 'where the rule allows it, it is not' "$(at gate -A "$sshsig")" signed
like 'the record says who asked for that' "$(last_record signed)" \
    'SSHSIG in namespace "file", key soft, asked by gate.example.com'
is 'nor from the second host' \
    "$(at gate -A "ssh -A build '$sshsig'")" signed

# ---- bytes of no known kind ----
unlike 'unknown bytes are refused here' "$(here "$blob")" '^signed'
rules 'forward = true; blob = true;'
is 'where the rule allows them, they are not' "$(here "$blob")" signed
unlike 'but never for a host' "$(at gate -A "$blob" 2>&1)" '^signed'
denied 'which the record says' \
    'asked by gate.example.com .* for local clients only'

# ---- sockets that are passed on ----
ssh_options="-R $user/relay.sock:$runtime/agent.sock" \
    at gate 'sleep 100' &
relay=$!
wait_for 20 test -S "$user/relay.sock" || fail 'a socket is passed on'
rules ''
through() {
	at gate "export SSH_AUTH_SOCK=$user/relay.sock; $1" 2>&1
}
like 'a socket that ssh passes on lists keys' "$(through "$list")" '^256 '
unlike 'an SSHSIG by it is refused' "$(through "$sshsig")" '^signed'
denied 'the record names a relay' \
    'SSHSIG .*asked by somebody behind ssh ← '
like 'it does not lock' "$(through "$lock")" 'Failed to lock'
rules 'blob = true;'
unlike 'and so are unknown bytes' "$(through "$blob")" '^signed'
rules 'forward = true;'
is 'the rule that allows it to other hosts allows it here' \
    "$(through "$sshsig")" signed
kill $relay
ssh_options="-R $user/hosts/gate/run/local.sock:$sock" at gate 'sleep 100' &
relay=$!
wait_for 20 test -S "$user/hosts/gate/run/local.sock" || fail 'local.sock is passed on'
there() {
	at gate "TOUCHSTONE_SOCK=$user/hosts/gate/run/local.sock $1" 2>&1
}
like 'local.sock that ssh passes on lists keys' \
    "$(there 'touchstone keys list')" '^soft '
unlike 'and administers nothing' "$(there 'touchstone status')" '^version'
unlike 'nor ends the agent' "$(there 'touchstone stop')" ended
like 'nor locks' "$(at gate "export SSH_AUTH_SOCK=$user/hosts/gate/run/local.sock; $lock" \
    2>&1)" 'Failed to lock'
rules ''
unlike 'and signs as far as the rule allows' \
    "$(at gate "export SSH_AUTH_SOCK=$user/hosts/gate/run/local.sock; $sshsig" 2>&1)" '^signed'
like 'a process here has all of it' "$(touchstone status)" '^version'
kill $relay

# relay CODE: a process of this machine that first runs CODE, then has the
# agent sign an SSHSIG; says the type of the answer.
relay() {
	perl -MMIME::Base64 -MIO::Socket::INET -MIO::Socket::UNIX -e '
		my ($sock, $pub, $code) = @ARGV;
		my $held = eval $code;
		die $@ if $@;
		open my $f, "<", $pub or die;
		my $key = decode_base64((split " ", <$f>)[1]);
		my $data = "SSHSIG" . pack "(N/a*)4", "file", "", "sha256",
		    "h" x 32;
		my $s = IO::Socket::UNIX->new($sock) or die;
		print $s pack "N/a*", pack "C N/a* N/a* N", 13, $key, $data,
		    0;
		$s->flush;
		sysread $s, my $reply, 5;
		print "type ", unpack("x4 C", $reply), "\n";' \
	    "$runtime/agent.sock" "$user/soft.pub" "$1"
}
rules ''
is 'a process that keeps to itself is signed for' "$(relay 1)" 'type 14'
is 'also with sockets of its own' \
    "$(relay 'IO::Socket::UNIX->new(Listen => 1, Local => "sock")')" 'type 14'
for peer in gate.example.com:22 build.example.com:22; do
	is "one that speaks with $peer is not" \
	    "$(relay "IO::Socket::INET->new('$peer')")" 'type 5'
done
is 'nor one that would listen' \
    "$(relay 'IO::Socket::INET->new(Listen => 1)')" 'type 5'
is 'nor one that has a socket for datagrams' \
    "$(relay 'IO::Socket::INET->new(Proto => "udp")')" 'type 5'
rm -f sock

# ---- commits ----
repository() {
	rm -rf "$user/repo"
	new_repo repo
}
commit="git -C $user/repo -c user.signingkey=$key commit -q -S -m one 2>&1 && \
    git -C $user/repo cat-file commit HEAD | grep -q 'BEGIN PGP SIGNATURE' && \
    echo signed"
sign="touchstone-gpg --status-fd=2 -bsau $key <$user/text"
repository
unlike 'a commit at a host is refused' "$(at gate -A "$commit")" '^signed'
denied 'which the record tells' \
    'commit "one" .*asked by gate.example.com .*forward = true'
rules 'forward = true;'
is 'where the rule allows it, it is signed' "$(at gate -A "$commit")" signed
like 'the record says what and who' "$(last_record signed)" \
    'commit "one" .*, key soft, asked by gate.example.com \(forwarded by ssh'
repository
is 'at the second host too' "$(at gate -A "ssh -A build \"$commit\"")" signed
like 'which the record names' "$(last_record signed)" \
    'commit "one" .*, asked by build.example.com \(forwarded through gate'
ok 'git verifies it' git -C "$user/repo" verify-commit HEAD
ls "$user/hosts/build/run/" >"$user/left"
is 'no agent was started there' "$(cat "$user/left")" ''

# An agent that somebody started there by accident.
build_run=$user/hosts/build/run
env XDG_RUNTIME_DIR="$build_run" HOME="$user/hosts/build/home" \
    XDG_CONFIG_HOME="$user/hosts/build/home/c" \
    XDG_DATA_HOME="$user/hosts/build/home/d" \
    XDG_STATE_HOME="$user/hosts/build/home/s" \
    touchstone-agent >"$user/other.log" 2>&1 </dev/null &
other=$!
wait_for 10 test -S "$build_run/touchstone/local.sock" ||
    fail 'another agent starts' "$(cat "$user/other.log")"
repository
is 'an agent on the host does not stand before the forwarded one' \
    "$(at gate -A "ssh -A build \"$commit\"")" signed
like 'which signed' "$(last_record signed)" 'commit .*asked by build'
repository
like 'it does where nothing is forwarded' \
    "$(at gate -A "ssh build '$sign'" 2>&1)" 'No secret key'
kill $other

is 'the agent is still there' "$(agent_pid | wc -l)" 1
ok 'the audit log is unbroken' touchstone audit verify
done_testing
