#!/bin/sh
# A host whose key is the agent's (HostKeyAgent): only a key whose rule says
# that it is a host's signs for it, and for no host that it is forwarded to.
. "$(dirname "$0")/sshd.sh"

hosts gate build || exit 1
soft_token P-256 soft
touchstone keys export --ssh soft >"$user/soft.pub"
chmod 600 "$user/soft.pub"
may_log_in "$user/soft.pub"

# gate's sshd has the key, and asks the agent for signatures.
sed -i "s|^HostKey .*|HostKey $user/soft.pub|" "$user/hosts/gate/config"
echo "HostKeyAgent $runtime/agent.sock" >>"$user/hosts/gate/config"
kill "$(cat "$user/hosts/gate/pid")"
wait_for 10 test ! -e "$user/hosts/gate/pid"
/usr/sbin/sshd -f "$user/hosts/gate/config" -E "$user/hosts/gate/log"
{
	echo "gate.example.com $(cut -d ' ' -f 1,2 "$user/soft.pub")"
	echo "build.example.com $(cat "$user/hosts/build/key.pub")"
} >"$HOME/.ssh/known_hosts"

rules() {
	printf 'keys = ( { key = "soft"; %s } );\n' "$*" >"$config/config"
	touchstone reload >/dev/null
}
unlike 'the key of a user is no host key' "$(at gate echo in 2>&1)" '^in$'
denied 'and the record says why' \
    'key exchange of an SSH host, .*host_key = true'
rules 'blob = true; forward = true;'
unlike 'nor is one that signs what nobody knows' \
    "$(at gate echo in 2>&1)" '^in$'
rules 'host_key = true;'
is 'one whose rule says so is' "$(at gate echo in)" in
like 'and the record has it' "$(touchstone audit show -n 50)" \
    'signed *key exchange of an SSH host, or another hash, [0-9a-f]*, key soft'

# The same bytes, from elsewhere.
cat >"$user/hash.pl" <<'END'
use MIME::Base64;
use IO::Socket::UNIX;
my ($sock, $pub) = @ARGV;
open my $f, "<", $pub or die;
my $key = decode_base64((split " ", <$f>)[1]);
my $s = IO::Socket::UNIX->new($sock) or die;
print $s pack "N/a*", pack "C N/a* N/a* N", 13, $key, "h" x 32, 0;
$s->flush;
sysread $s, my $reply, 5;
print "type ", unpack("x4 C", $reply), "\n";
END
hash="perl $user/hash.pl \$SSH_AUTH_SOCK $user/soft.pub"
is 'a process here has hashes signed' \
    "$(SSH_AUTH_SOCK=$runtime/agent.sock sh -c "$hash")" 'type 14'
is 'a host has not' "$(at build -A "$hash")" 'type 5'
denied 'which the record says' \
    'asked by build.example.com .*local clients only'
done_testing
