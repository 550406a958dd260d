#!/bin/sh
# Keys that were added for certain hosts (ssh-add -h): they log in there, by
# the way that they are for, and nowhere else; hosts from which they may go
# nowhere do not see them.
. "$(dirname "$0")/sshd.sh"

hosts gate build || exit 1
start_agent
me=$(id -un)
ssh-keygen -q -t ed25519 -N '' -C limited -f "$user/limited"
ssh-keygen -q -t ed25519 -N '' -C free -f "$user/free"
echo text >"$user/text"
may_log_in "$user/limited.pub"
domain=example.com

add() {
	SSH_AUTH_SOCK=$runtime/agent.sock ssh-add -q "$@" 2>&1 </dev/null
}
here() {
	SSH_AUTH_SOCK=$runtime/agent.sock "$@" 2>&1 </dev/null
}
# again OPTION...: the key, with these limits and no others.
again() {
	here ssh-add -qd "$user/limited.pub" >/dev/null
	add "$@" "$user/limited" || diag "cannot add with $*"
}
list='ssh-add -l'

# ---- to one host ----
again -h gate.$domain
like 'it is listed here' "$(here ssh-add -l)" limited
is 'it logs in to its host' "$(at gate echo in)" in
like 'the record names the host' "$(last_record signed)" \
    "ssh login as $me at gate.example.com, "
like 'and not to another' "$(at build echo in 2>&1)" 'Permission denied'
unlike 'which does not get to see it' "$(at build -v echo in 2>&1)" \
    'Offering public key: limited'
unlike 'it is not shown where it may not go on' \
    "$(at gate -A "$list" 2>&1)" limited
like 'nor used there' "$(at gate -A 'ssh build echo in' 2>&1)" \
    'Permission denied'
like 'it signs nothing but logins' "$(here ssh-keygen -q -Y sign -n file \
    -f "$user/limited.pub" "$user/text")" 'agent refused operation'
denied 'which the record says' \
    'restricted to logins at certain hosts'

# ---- on from there ----
again -h gate.$domain -h "gate.$domain>$me@build.$domain"
like 'with a second step it is shown there' "$(at gate -A "$list")" limited
is 'and logs in from there' "$(at gate -A 'ssh build echo in')" in
like 'but not from here' "$(at build echo in 2>&1)" 'Permission denied'
unlike 'it is not shown behind its last step' \
    "$(at gate -A "ssh -A build $list" 2>&1)" limited
like 'nor does it come back' \
    "$(at gate -A 'ssh -A build "ssh gate echo in"' 2>&1)" \
    'Permission denied'
like 'touchstone shows it there' \
    "$(at gate -A 'touchstone keys list')" 'in memory'
unlike 'and not behind its last step' \
    "$(at gate -A 'ssh -A build touchstone keys list' 2>&1)" 'in memory'
again -h gate.$domain -h "gate.$domain>other@build.$domain"
like 'as another user it does not' \
    "$(at gate -A 'ssh build echo in' 2>&1)" 'Permission denied'
again -h gate.$domain -h "gate.$domain>*@build.$domain"
is 'users may be patterns' "$(at gate -A 'ssh build echo in')" in
again
is 'without limits it goes anywhere' \
    "$(at gate -A 'ssh -A build "ssh gate echo in"')" in
like 'and is shown' "$(at gate -A "ssh -A build $list")" limited

# ---- beside others ----
again -h gate.$domain
add "$user/free" || diag 'cannot add another'
like 'another key is shown where it is not' "$(at gate -A "$list")" free
unlike 'and it is still not' "$(at gate -A "$list")" limited

# ---- hosts with certificates ----
# certify HOST NAME: the host shows a certificate for that name.
ssh-keygen -q -t ed25519 -N '' -C '' -f "$user/ca"
certify() {
	ssh-keygen -q -s "$user/ca" -h -I host -n "$2" \
	    "$user/hosts/$1/key.pub"
	echo "HostCertificate $user/hosts/$1/key-cert.pub" \
	    >>"$user/hosts/$1/config"
	kill -HUP "$(cat "$user/hosts/$1/pid")"
	wait_for 10 shows_cert "$1" || fail "$1 has a certificate"
}
shows_cert() {
	ssh-keyscan -c "$1.$domain" 2>/dev/null | grep -q cert-v01
}
certify gate gate.$domain
certify build build.$domain
echo "@cert-authority *.$domain $(cat "$user/ca.pub")" \
    >"$HOME/.ssh/known_hosts"
again -h gate.$domain
is 'a host is known by its certificate' "$(at gate echo in)" in
like 'and named by it' "$(last_record signed)" ' at gate.example.com, '
like 'which another of the same authority is not' \
    "$(at build echo in 2>&1)" 'Permission denied'
again -h gate.$domain -h "gate.$domain>$me@build.$domain"
is 'on from there' "$(at gate -A 'ssh build echo in')" in
like 'and no further' "$(at gate -A 'ssh -A build "ssh gate echo in"' 2>&1)" \
    'Permission denied'

# ---- a host whose binding the agent refuses ----
# Its key is longer than those that are verified, so who asks is not known:
# what it binds itself then says nothing of the way.
rm "$user/hosts/gate/key" "$user/hosts/gate/key.pub"
ssh-keygen -q -t rsa -b 4104 -N '' -C '' -f "$user/hosts/gate/key"
for host in gate build; do
	sed -i '/^HostCertificate/d' "$user/hosts/$host/config"
	kill -HUP "$(cat "$user/hosts/$host/pid")"
done
shows_long() {
	ssh-keyscan -t rsa "gate.$domain" 2>/dev/null |
	    grep -qF "$(cut -d ' ' -f 2 "$user/hosts/gate/key.pub")"
}
wait_for 10 shows_long || fail 'a host has a long key'
wait_for 10 sshd_listens "build.$domain" || fail 'and the other has its own'
known_hosts_are plain gate build
again -h build.$domain
is 'a key for one host logs in there' "$(at build echo in)" in
may_log_in "$user/free.pub"
is 'a host with a long key is logged in to' "$(at gate echo in)" in
unlike 'from there that key is not seen' "$(at gate -A "$list" 2>&1)" limited
like 'nor used' \
    "$(at gate -A "ssh -i $user/limited.pub -o IdentitiesOnly=yes build \
    echo in" 2>&1)" 'Permission denied'
mkdir -p "$config"
echo 'keys = ( { key = "*"; forward_login = "refuse"; } );' >"$config/config"
touchstone reload >/dev/null
like 'a rule for logins from afar holds there' \
    "$(at gate -A 'ssh build echo in' 2>&1)" 'Permission denied'
denied 'which the record says' 'asked by somebody behind ssh .*forward_login'
is 'and not for those from here' "$(at build echo in)" in
ok 'the audit log is unbroken' touchstone audit verify
done_testing
