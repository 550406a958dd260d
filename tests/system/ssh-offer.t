#!/bin/sh
# Which key is offered to which host: with more keys than a host lets one try,
# the right one is among those that it sees.
sshd_tries=3
. "$(dirname "$0")/sshd.sh"

hosts gate build || exit 1
soft_token P-256 first
for name in second third fourth fifth sixth seventh; do
	touchstone keys generate --algorithm P-256 --name "$name" \
	    >/dev/null 2>&1 </dev/null || fail "a key named $name"
done
listed() {
	SSH_AUTH_SOCK=$runtime/agent.sock ssh-add -l | wc -l
}
is 'there are seven keys' "$(listed)" 7
# The last in the list is the one that may log in.
SSH_AUTH_SOCK=$runtime/agent.sock ssh-add -L | tail -n 1 >"$user/last.pub"
last=$(cut -d ' ' -f 3 <"$user/last.pub")
fpr=$(ssh-keygen -lf "$user/last.pub" | cut -d ' ' -f 2)
may_log_in "$user/last.pub"

offered() {
	at "$@" -v true 2>&1 | grep -c 'Offering public key'
}
like 'too many keys end a login' "$(at gate true 2>&1)" \
    'Too many authentication failures'
cat >"$config/config" <<END
hosts = (
	{ match = "gate.*"; keys = [ "$last" ]; },
	{ match = "*.example.com"; keys = [ "$last", "no-such-key" ]; },
	{ match = "*"; keys = [ ]; }
);
END
touchstone reload >/dev/null
is 'a row for the host has it see one' "$(offered gate)" 1
is 'which logs in' "$(at gate 'echo in')" in
is 'the first row that fits counts' "$(at build 'echo in')" in
is 'a list has all of them' "$(listed)" 7
is 'also at a host' "$(at gate -A 'ssh-add -l | wc -l')" 7
is 'logins from there are offered what the row says' \
    "$(at gate -A 'ssh build "echo in"')" in
known_hosts_are hashed gate build
is 'hashed names are found' "$(at gate 'echo in')" in
sed -i 's/gate\.\*/build.*/;s/\*.example.com/x/' "$config/config"
touchstone reload >/dev/null
is 'a row without keys has a host see none' "$(offered gate)" 0
sed -i 's/match = "\*"/match = "y"/' "$config/config"
touchstone reload >/dev/null
like 'where no row fits, it sees all' "$(at gate true 2>&1)" \
    'Too many authentication failures'
sed -i "s|build\\.\\*|gate.*|;s|\"$last\" \\]|\"$fpr\" ]|" "$config/config"
touchstone reload >/dev/null
is 'keys may be named by their fingerprints' "$(at gate 'echo in')" in
mv "$HOME/.ssh/known_hosts" "$user/known"
ssh_options="-o UserKnownHostsFile=$user/known"
like 'a host without a name sees all' "$(at gate true 2>&1)" \
    'Too many authentication failures'
done_testing
