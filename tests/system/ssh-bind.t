#!/bin/sh
# Bindings by clients without manners: bad signatures, two keys, too many, for
# ever.  What is refused changes nothing, costs little and is recorded.
. "$(dirname "$0")/lib.sh"

frames=$build/tests/tools/frames
soft_token
agent_sock=$runtime/agent.sock
agent=$(agent_pid)
for name in one two; do
	openssl genpkey -algorithm ed25519 -out "$user/$name.pem" 2>/dev/null
	openssl pkey -in "$user/$name.pem" -pubout -outform DER |
	    tail -c 32 >"$user/$name.raw"
done

# bind KEY SESSION FORWARDED [SIGNER]: a frame in hex; SESSION is a number.
bind() {
	printf 'session of the tests %s' "$2" >"$user/session"
	openssl pkeyutl -sign -rawin -inkey "$user/${4-$1}.pem" \
	    -in "$user/session" -out "$user/signature"
	printf 'hex:'
	perl -0777 -e '
		my ($key, $sid, $sig) = map { open my $f, "<", $_ or die;
		    local $/; <$f> } @ARGV[0 .. 2];
		my $type = "ssh-ed25519";
		print unpack "H*", pack "N/a*", pack "C (N/a*)4 C", 27,
		    "session-bind\@openssh.com", pack("(N/a*)2", $type, $key),
		    $sid, pack("(N/a*)2", $type, $sig), $ARGV[3];' \
	    "$user/$1.raw" "$user/session" "$user/signature" "$3"
}

# says NAME WANTED WORD...: what agent.sock answers, one line for all.
says() {
	says_name=$1 says_wanted=$2
	shift 2
	is "$says_name" "$(timeout 40 "$frames" "$agent_sock" "$@" 2>&1 |
	    paste -sd ' ')" "$says_wanted"
}

denials() {
	touchstone audit show -n 100 | grep ' denied *session-bind, ' |
	    sed 's/.*): //'
}

# denied NAME PATTERN: among them; they are written soon after the answer.
denied() {
	wait_for 5 denied_like "$2"
	like "$1" "$(denials)" "$2"
}
denied_like() {
	denials | grep -Eq -- "$1"
}

says 'a binding is answered with success' 'type 6' "$(bind one 1 0)" read
says 'and where the agent is forwarded' 'type 6' "$(bind one 1 1)" read
is 'they are not recorded' "$(denials)" ''
says 'a signature by another key is refused' 'type 5' \
    "$(bind one 1 0 two)" read
denied 'and recorded' 'the host key did not sign the session'
says 'twice the same is good where it is forwarded' 'type 6 type 6' \
    "$(bind one 1 1)" read "$(bind one 1 1)" read
says 'one session with two keys is refused' 'type 6 type 5' \
    "$(bind one 1 1)" read "$(bind two 1 1)" read
denied 'and recorded as that' 'bound to another host key'
says 'two sessions are not' 'type 6 type 6' \
    "$(bind one 1 1)" read "$(bind two 2 1)" read
says 'behind a login nothing is bound' 'type 6 type 5 type 5' \
    "$(bind one 1 0)" read "$(bind two 2 1)" read "$(bind one 1 0)" read
says 'after a refusal the right one is good' 'type 5 type 6' \
    "$(bind one 1 1 two)" read "$(bind one 1 1)" read
good=$(bind one 1 1)
says 'one that is cut off is refused' 'type 5' \
    "$(bind one 1 1 | sed 's/^hex:......../hex:00000082/;s/\(hex:.\{268\}\).*/\1/')" \
    read
says 'none of that ends what a connection may do' 'type 5 type 12' \
    "$(bind one 1 0 two)" read bare:11 read
says 'a process here may remove what was added' 'type 6' bare:19 read
says 'and when it is bound to a login' 'type 6 type 6' \
    "$(bind one 1 0)" read bare:19 read
says 'but not where a binding was refused' 'type 5 type 6 type 5' \
    "$(bind one 1 1 two)" read "$(bind one 1 0)" read bare:19 read
says 'nor where it was cut off' 'type 5 type 5' \
    "$(bind one 1 1 | sed 's/^hex:......../hex:00000082/;s/\(hex:.\{268\}\).*/\1/')" \
    read bare:19 read
# shellcheck disable=SC2046
says 'sixteen are kept and no more' "$(for i in 1 2 3 4 5 6 7 8 9 10 11 12 \
    13 14 15 16; do printf 'type 6 '; done)type 5" \
    $(for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do
	bind one "$i" 1
	echo ' read'
    done)

# ---- what a login is called ----
# login SESSION [HOST]: a signature for one in that session, by the method
# that names the host's key if there is one; a frame in hex.
login() {
	touchstone keys export --ssh soft >"$user/soft.pub"
	printf 'session of the tests %s' "$1" >"$user/session"
	perl -MMIME::Base64 -0777 -e '
		my ($pub, $sid, $host) = map { open my $f, "<", $_ or die;
		    local $/; <$f> } @ARGV;
		my $key = decode_base64((split " ", $pub)[1]);
		my $data = pack "N/a* C (N/a*)3 C (N/a*)2", $sid, 50, "me",
		    "ssh-connection", $host ?
		    "publickey-hostbound-v00\@openssh.com" : "publickey", 1,
		    "ecdsa-sha2-nistp256", $key;
		$data .= pack "N/a*", pack "(N/a*)2", "ssh-ed25519", $host
		    if $host;
		print "hex:", unpack "H*", pack "N/a*", pack "C N/a* N/a* N",
		    13, $key, $data, 0;' \
	    "$user/soft.pub" "$user/session" ${2+"$user/$2.raw"}
}
# called NAME WHAT BINDING LOGIN
called() {
	says "$1" 'type 6 type 14' "$3" read "$4" read
	like '... and is called that' "$(touchstone audit show -n 5 |
	    grep ' signed ' | tail -n 1)" "ssh login as me at $2, key soft"
}
one=$(perl -MMIME::Base64 -MDigest::SHA=sha256 -0777 -ne '
	print encode_base64(sha256(pack "(N/a*)2", "ssh-ed25519", $_), "")' \
    "$user/one.raw" | tr -d = | sed 's/[+]/\\+/g')
called 'a login in the session that is bound is signed' "host SHA256:$one" \
    "$(bind one 1 0)" "$(login 1)"
called 'one that names the host too' "host SHA256:$one" \
    "$(bind one 1 0)" "$(login 1 one)"
called 'one in another session' 'an unverified host' \
    "$(bind one 1 0)" "$(login 2)"
called 'one in another session at that host' "unverified host SHA256:$one" \
    "$(bind one 1 0)" "$(login 2 one)"
called 'one at another host' 'unverified host SHA256:.*' \
    "$(bind one 1 0)" "$(login 1 two)"
called 'one at a host that it is forwarded to' \
    "unverified host SHA256:$one" "$(bind one 1 1)" "$(login 1 one)"

# ---- local.sock ----
is 'local.sock that is forwarded is as good as agent.sock' \
    "$("$frames" "$sock" "$good" read ext:status-v1 read | paste -sd ' ')" \
    'type 6 type 28'
is 'and bound to a login it is what it was' \
    "$("$frames" "$sock" "$(bind one 1 0)" read ext:status-v1 read |
    paste -sd ' ')" 'type 6 code 0'

is 'where one was refused it is not' \
    "$("$frames" "$sock" "$(bind one 1 0 two)" read ext:status-v1 read |
    paste -sd ' ')" 'type 5 type 28'

# ---- for ever ----
# Reads nothing, so it is held up; and one that reads and binds on and on.
"$frames" "$agent_sock" "$good" flood:20000 closed:60 >"$user/flood" &
flood=$!
perl -MIO::Socket::UNIX -e '
	my $frame = pack "H*", substr $ARGV[1], 4;
	my $s = IO::Socket::UNIX->new($ARGV[0]) or die;
	my %seen;
	for (1 .. 5000) {
		print $s $frame;
		$s->flush;
		sysread($s, my $reply, 5) == 5 or last;
		$seen{unpack "x4 C", $reply}++;
	}
	print "$seen{6} good, $seen{5} refused\n";' "$agent_sock" "$good" \
    >"$user/bound"
is 'who binds for ever has so many looked at and no more' \
    "$(cat "$user/bound")" '64 good, 4936 refused'
ok 'others are served meanwhile' env SSH_AUTH_SOCK="$agent_sock" ssh-add -l
wait $flood
like 'who reads nothing is held up or left' "$(cat "$user/flood")" \
    'stuck|closed'
bound_too_often() {
	test "$(denials | grep -c 'bound too often')" = "$1"
}
wait_for 5 bound_too_often 2
ok 'the log has that once for each' bound_too_often 2
is 'the agent is still there' "$(agent_pid)" "$agent"
ok 'the audit log is unbroken' touchstone audit verify

# ---- query ----
is 'query names it' "$(perl -MIO::Socket::UNIX -e '
	my $s = IO::Socket::UNIX->new($ARGV[0]) or die;
	print $s pack "N/a*", pack "C N/a*", 27, "query";
	$s->flush;
	sysread $s, my $reply, 65536;
	print join "\n", unpack "x5 (N/a*)*", $reply;' "$agent_sock" |
    grep session-bind)" session-bind@openssh.com
done_testing
