#!/bin/sh
# The private keys that ssh-add adds: nowhere in the agent's memory, in locked
# memory of the process that keeps them, and nowhere once they are removed.
. "$(dirname "$0")/lib.sh"
test "${TOUCHSTONE_SANITIZERS-no}" = no ||
    skip_all 'sanitizers keep copies of their own'
soft_token
export SSH_AUTH_SOCK="$runtime/agent.sock"
agent=$(agent_pid)
search=$src/tests/tools/memory-search

# count FILE PID: how often its bytes are there; $user/where tells where.
count() {
	"$search" "$2" <"$1" 2>"$user/where"
}

printf %s "$SSH_AUTH_SOCK" >"$user/path"
if ! count "$user/path" "$agent" >/dev/null; then
	skip 'the agent never has a private key' "$(cat "$user/where")"
	done_testing
	exit
fi

# secrets NAME TYPE [BITS]: a key, and in NAME.secret the bytes that nobody
# else may know: Ed25519's seed, ECDSA's number, RSA's first factor; in
# NAME.reversed the same in the order that OpenSSL's numbers have.
secrets() {
	ssh-keygen -q -t "$2" ${3:+-b "$3"} -m "${4-PEM}" -N '' -C "$1" \
	    -f "$user/$1"
	if test "$2" = ed25519; then
		sed '/^-/d' "$user/$1" | base64 -d | perl -0777 -ne '
			my $type = "\0\0\0\x0bssh-ed25519";
			my $at = index $_, $type, 20 + index $_, $type;
			print substr $_, $at + 15 + 4 + 32 + 4, 32' \
		    >"$user/$1.secret"
	else
		openssl asn1parse -in "$user/$1" |
		    awk -F: -v rsa="$2" '/INTEGER|OCTET STRING/ {
			n++; if (n == (rsa == "rsa" ? 5 : 2)) print $NF }' |
		    tr -d ' \n' | perl -ne 'print pack "H*", $_' \
		    >"$user/$1.secret"
	fi
	perl -0777 -ne 'print scalar reverse' "$user/$1.secret" \
	    >"$user/$1.reversed"
}

has() {	# NAME PID: in either order
	test $(($(count "$user/$1.secret" "$2") + \
	    $(count "$user/$1.reversed" "$2"))) -gt 0
}

has_not() {
	! has "$@"
}

# Whether each place where NAME is, is in pages that are locked and not dumped.
is_in_locked_pages() {	# NAME PID
	for order in secret reversed; do
		count "$user/$1.$order" "$2" >/dev/null
		perl -e '
			my ($where, $pid) = @ARGV;
			open my $w, "<", $where or die;
			my @at = map { /^at ([0-9a-f]+)/ ? hex $1 : () } <$w>;
			open my $s, "<", "/proc/$pid/smaps" or die;
			my ($from, $to, %bad);
			while (<$s>) {
				($from, $to) = (hex $1, hex $2)
				    if /^([0-9a-f]+)-([0-9a-f]+) /;
				next unless /^VmFlags:(.*)/;
				my $flags = "$1 ";
				next if $flags =~ / lo / && $flags =~ / dd /;
				print STDERR "at $_ in unlocked pages\n"
				    and exit 1
				    for grep { $_ >= $from && $_ < $to } @at;
			}' "$user/where" "$2" || return 1
	done
}

secrets ed25519 ed25519 '' RFC4716
secrets p256 ecdsa 256
secrets p521 ecdsa 521
secrets rsa rsa 2048
echo text >"$user/text"
mkdir "$user/pub"
cp "$user"/*.pub "$user/pub"
signs() {
	rm -f "$user/text.sig"
	ssh-keygen -Y sign -n file -f "$user/pub/$1.pub" "$user/text"
}

for name in ed25519 p256 p521 rsa; do
	size=$(wc -c <"$user/$name.secret")
	ok "$name: there is a secret to look for" test "$size" -ge 32
	ok "$name: is added" ssh-add "$user/$name"
	keeper=$(pgrep -x touchstone-soft -P "$agent")
	ok "$name: signs" signs "$name"
	ok "$name: its process has it" has "$name" "$keeper"
	ok "$name: in locked memory alone" is_in_locked_pages "$name" "$keeper"
	ok "$name: the agent has it not" has_not "$name" "$agent"
done
for name in ed25519 p256 p521 rsa; do
	ok "$name: is removed" ssh-add -d "$user/$name"
	ok "$name: and in no memory any more" has_not "$name" "$keeper"
done
is 'the process is the same' "$(pgrep -x touchstone-soft -P "$agent")" \
    "$keeper"

ok 'a key is added for a second' ssh-add -t 1 "$user/ed25519"
gone() {
	has_not ed25519 "$keeper"
}
ok 'and is wiped when that is over' wait_for 20 gone

# ---- while half of it is there ----
perl -MIO::Socket::UNIX -e '
	open my $f, "<", $ARGV[1] or die;
	local $/;
	my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
	$s->autoflush(1);
	print $s pack("N C N/a* N/a*", 512, 17, "ssh-ed25519", <$f>);
	sleep 5' "$SSH_AUTH_SOCK" "$user/ed25519.secret" &
half() {
	has ed25519 "$agent"
}
ok 'a key that comes slowly is in the agent until it is whole' \
    wait_for 4 half
ok 'but in locked memory' is_in_locked_pages ed25519 "$agent"
wait
ok 'and not when the client is gone' wait_for 10 has_not ed25519 "$agent"

# ---- a search that finds ----
ok 'a search finds what is not locked' test \
    "$(count "$user/path" "$agent")" -gt 0
cp "$user/path" "$user/path.secret"
cp "$user/path" "$user/path.reversed"
not_ok 'and tells that it is not' is_in_locked_pages path "$agent"
done_testing
