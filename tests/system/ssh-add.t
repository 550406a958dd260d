#!/bin/sh
# ssh-add: keys from files are listed, used, limited and removed as with
# OpenSSH's own agent; what is on tokens stays.
. "$(dirname "$0")/lib.sh"

export DISPLAY=:99
pinentry_setup
: >"$user/pinentry.script"
soft_token
export SSH_AUTH_SOCK="$runtime/agent.sock"
touchstone session >/dev/null
softkeys() {
	pgrep -x touchstone-soft -P "$(agent_pid)"
}

audit_last() {	# FILTER: of the last record
	touchstone audit show --json | jq -r ".records[-1] | $1"
}
# log_says NAME PATTERN: the last record's verdict, soon after the answer.
log_says() {
	wait_for 5 log_has "$2"
	like "$1" "$(audit_last .verdict)" "$2"
}
log_has() {
	audit_last .verdict | grep -Eq -e "$1"
}

# key NAME TYPE [BITS]: a file, and its public half where no private one is.
mkdir "$user/pub"
key() {
	ssh-keygen -q -t "$2" ${3:+-b "$3"} -N "${phrase-}" -C "key $1" \
	    -f "$user/$1" && cp "$user/$1.pub" "$user/pub"
}

blob() {	# NAME
	cut -d ' ' -f 2 "$user/$1.pub"
}

echo 'what is signed' >"$user/text"
signs() {	# NAME: by the agent, which alone has the key
	rm -f "$user/text.sig"
	ssh-keygen -Y sign -n file -f "$user/pub/$1.pub" "$user/text" ||
	    return 1
	ssh-keygen -Y check-novalidate -n file -s "$user/text.sig" \
	    <"$user/text"
}

listed() {
	ssh-add -L | cut -d ' ' -f 2
}

count() {
	listed | wc -l
}

lists() {	# NAME
	listed | grep -qxF "$(blob "$1")"
}

# ---- every algorithm ----
is 'nothing runs for keys in memory before there is one' "$(softkeys)" ''
all='ed25519 p256 p384 p521 rsa2048 rsa3072 rsa4096'
key ed25519 ed25519
for bits in 256 384 521; do key p$bits ecdsa $bits; done
for bits in 2048 3072 4096; do key rsa$bits rsa $bits; done
for name in $all; do
	not_ok "$name: is not used before it is added" signs "$name"
	ok "$name: is added" ssh-add "$user/$name"
	ok "$name: is listed" lists "$name"
	like "$name: with its comment" "$(ssh-add -l)" " key $name \\("
	ok "$name: signs" signs "$name"
done
is 'one process has them all' "$(softkeys | wc -l)" 1
is 'the key on the token is the first' "$(ssh-add -l | head -n 1 |
    cut -d ' ' -f 3)" soft
is 'and is told apart' "$(touchstone keys list --json |
    jq -c '[.keys[].holders[0].software]')" \
    '[false,true,true,true,true,true,true,true]'
like 'by people too' "$(touchstone keys)" 'Ed25519 +\(in memory\)'
is 'what was added is recorded' "$(jq -r 'select(.kind == "ssh-add") |
    .summary' "$(status_of .audit)" | head -n 1)" 'Ed25519 "key ed25519"'

# ---- once more, and removed ----
ssh-keygen -q -c -C 'another comment' -f "$user/p256" >/dev/null
ok 'a key is added once more' ssh-add "$user/p256"
is 'it is there once' "$(listed | grep -cxF "$(blob p256)")" 1
like 'with the new comment' "$(ssh-add -l)" ' another comment \('
ok 'a key is removed' ssh-add -d "$user/p384"
not_ok 'it is not listed' lists p384
not_ok 'and does not sign' signs p384
ok 'others do' signs p521
not_ok 'it cannot be removed again' ssh-add -d "$user/p384"
log_says 'and the log says why' 'no such key'
ssh-add -L | head -n 1 >"$user/token.pub"
not_ok 'the key on the token cannot be removed' ssh-add -d "$user/token.pub"
log_says 'and the log says why' 'on a token'
ok 'all are removed' ssh-add -D
is 'but the one on the token' "$(ssh-add -L)" "$(cat "$user/token.pub")"
not_ok 'none of them signs' signs ed25519
ok 'the one on the token does' ssh-keygen -Y sign -n file \
    -f "$user/token.pub" "$user/text"
ok 'nothing is left to remove' ssh-add -D

# ---- for a time ----
ok 'a key is added for three seconds' ssh-add -t 3 "$user/ed25519"
ok 'and one for an hour' ssh-add -t 3600 "$user/p256"
ok 'it signs' signs ed25519
gone() {
	! lists ed25519
}
ok 'it goes by itself' wait_for 20 gone
not_ok 'and signs no more' signs ed25519
ok 'the other is still there' signs p256
ok 'for three seconds again' ssh-add -t 3 "$user/ed25519"
ok 'and then for ever' ssh-add "$user/ed25519"
sleep 4
ok 'which is what counts' signs ed25519
ssh-add -D 2>/dev/null

# ---- confirmed ----
ok 'a key is added that wants to be confirmed' ssh-add -c "$user/ed25519"
pinentry refuse
not_ok 'refused: it does not sign' signs ed25519
pinentry confirm
ok 'agreed: it does' signs ed25519
like 'the question names the key' "$(pinentry_log | grep '^SETDESC')" \
    'with key key ed25519'
pinentry refuse
ok 'another needs no question' sh -c "ssh-add '$user/p256'"
ok 'and signs' signs p256
ok 'added again without that' ssh-add "$user/ed25519"
ok 'the first needs none either' signs ed25519
ssh-add -D 2>/dev/null

# ---- certificates ----
key ca ed25519
for name in ed25519 rsa2048 p521; do
	ssh-keygen -q -s "$user/ca" -I "of $name" -n ann "$user/$name.pub"
	ok "$name: is added with its certificate" ssh-add "$user/$name"
	is "$name: both are listed" "$(count)" 3
	cp "$user/$name-cert.pub" "$user/pub/cert.pub"
	ok "$name: the certificate is" lists "$name-cert"
	ok "$name: signs" signs "$name"
	ok "$name: signs by its certificate" signs cert
	ssh-add -d - <"$user/$name.pub" 2>/dev/null
	is "$name: the plain key is removed alone" "$(count)" 2
	ok "$name: the certificate still signs" signs cert
	not_ok "$name: the plain key does not" signs "$name"
	ssh-add "$user/$name" 2>/dev/null
	ok "$name: both are removed" ssh-add -d "$user/$name"
	is "$name: and gone" "$(count)" 1
	rm "$user/$name-cert.pub"
done

# ---- encrypted files ----
phrase=secret key locked ed25519
printf '#!/bin/sh\necho secret\n' >"$user/askpass"
printf '#!/bin/sh\nexit 1\n' >"$user/nobody"
chmod +x "$user/askpass" "$user/nobody"
not_ok 'an encrypted file needs its passphrase' env \
    SSH_ASKPASS="$user/nobody" SSH_ASKPASS_REQUIRE=force \
    ssh-add "$user/locked"
ok 'and is added with it' env SSH_ASKPASS="$user/askpass" \
    SSH_ASKPASS_REQUIRE=force ssh-add "$user/locked"
ok 'it signs' signs locked
ssh-add -D 2>/dev/null

# ---- what is not taken ----
refused() {	# NAME WHY FRAME...: to agent.sock
	refused_name=$1 refused_why=$2
	shift 2
	is "$refused_name: refused" "$(timeout 40 "$build/tests/tools/frames" \
	    "$SSH_AUTH_SOCK" "$@" 2>&1 | paste -sd ' ')" 'type 5'
	log_says "$refused_name: the log says why" "$refused_why"
}

# frame TYPE PERL: a frame of that type in hex; s() and m() make strings and
# numbers, and @k are what the key file p256 or ed25519 has.
frame() {
	printf 'hex:'
	perl -MMIME::Base64 -0777 -e '
		sub s_ { pack "N/a*", $_[0] }
		open my $f, "<", "'"$user"'/ed25519" or die; my $t = <$f>;
		$t =~ s/-----.*?-----//g; my $raw = decode_base64($t);
		my $at = index $raw, "\0\0\0\x0bssh-ed25519",
		    20 + index $raw, "\0\0\0\x0bssh-ed25519";
		my $pub = substr $raw, $at + 19, 32;
		my $pair = substr $raw, $at + 19 + 32 + 4, 64;
		my $good = s_("ssh-ed25519") . s_($pub) . s_($pair);
		print unpack "H*", pack "N/a*", pack("C", $ARGV[0]) .
		    eval $ARGV[1];' "$1" "$2"
}
is 'a key that is made here is taken' "$(timeout 40 \
    "$build/tests/tools/frames" "$SSH_AUTH_SOCK" \
    "$(frame 17 '$good . s_("by hand")')" read)" 'type 6'
ok 'and signs' signs ed25519
ssh-add -D 2>/dev/null
refused 'DSA' 'type are not kept' "$(frame 17 's_("ssh-dss") . $good')" read
refused 'a security key' 'type are not kept' \
    "$(frame 17 's_("sk-ssh-ed25519\@openssh.com") . s_($pub)')" read
refused 'halves that differ' 'not that of the public key' "$(frame 17 \
    's_("ssh-ed25519") . s_($pub) . s_("x" x 32 . $pub) . s_("")')" read
refused 'public halves that differ' 'malformed' "$(frame 17 \
    's_("ssh-ed25519") . s_($pub) . s_("x" x 64) . s_("")')" read
refused 'a key that is cut off' 'malformed' "$(frame 17 \
    'substr $good, 0, -1')" read
refused 'no comment' 'malformed' "$(frame 17 '$good')" read
refused 'a constraint without saying so' 'malformed' "$(frame 17 \
    '$good . s_("") . "\2"')" read
refused 'a constraint nobody knows' 'does not know' "$(frame 25 \
    '$good . s_("") . "\3\0\0\0\1"')" read
refused 'a constraint twice' 'malformed' "$(frame 25 \
    '$good . s_("") . "\2\2"')" read
refused 'half a constraint' 'malformed' "$(frame 25 \
    '$good . s_("") . "\1\0\0\0"')" read
refused 'a security key provider' 'does not know' "$(frame 25 '$good .
    s_("") . "\xff" . s_("sk-provider\@openssh.com") . s_("/lib/x.so")')" read
refused 'certificates for a key that is none of a token' 'malformed' \
    "$(frame 25 '$good . s_("") . "\xff" .
    s_("associated-certs-v00\@openssh.com") . "\0" .
    s_(s_(s_("ssh-ed25519-cert-v01\@openssh.com")))')" read
refused 'all removed, and more behind that' 'malformed' "$(frame 19 '"x"')" \
    read
is 'nothing of that was kept' "$(count)" 1
ssh-keygen -q -t rsa -b 1024 -N '' -f "$user/short" 2>/dev/null &&
    not_ok 'RSA of 1024 bits is not taken' ssh-add "$user/short"

# ---- with words that could do something ----
ssh-keygen -q -t ed25519 -N '' -C "$(printf 'a\033[2Jb\342\200\256c')" \
    -f "$user/dirty"
ok 'a comment that is not clean' ssh-add "$user/dirty"
unlike 'is shown clean' "$(ssh-add -L | tail -n 1 | cut -d ' ' -f 3- |
    od -An -c)" '033'
ssh-add -D 2>/dev/null

# ---- restricted to hosts ----
echo "gate.example $(cut -d ' ' -f 1,2 "$user/ca.pub")" >"$user/known"
ok 'a key is added for a host alone' ssh-add -H "$user/known" \
    -h gate.example "$user/ed25519"
not_ok 'it signs nothing else' signs ed25519
log_says 'and the log says why' 'restricted'
ssh-add -D 2>/dev/null

# ---- too many ----
i=0
while test $i -lt 129; do
	i=$((i + 1))
	ssh-keygen -q -t ed25519 -N '' -f "$user/many.$i"
	ssh-add -q "$user/many.$i" 2>/dev/null || break
done
is 'there is a limit' "$i" 129
log_says 'the log says it' 'already: remove some'
is 'what was there is' "$(count)" 129
ok 'the last signs' sh -c "cp '$user/many.128.pub' '$user/pub'"
ok 'the last does sign' signs many.128
ok 'and all go' ssh-add -D
is 'to the last' "$(count)" 1

# ---- two at once ----
# The process is held up, so that the first is still under way.
ssh-add -q "$user/p256"
kill -STOP "$(softkeys)"
ssh-add -q "$user/ed25519" 2>/dev/null & first=$!
sleep 1
not_ok 'what is being added is not added by another' \
    timeout 10 ssh-add -q "$user/ed25519"
log_says 'and the log says so' 'it is being added already'
kill -CONT "$(softkeys)"
wait $first
is 'the first is there' "$?" 0
ok 'and signs' signs ed25519
ok 'and can be added again' ssh-add -q "$user/ed25519"
ssh-add -qD

# ---- the record ----
# recorded NAME PATTERN: soon after the answer.
recorded() {
	wait_for 5 recorded_like "$2"
	like "$1" "$(touchstone audit show -n 1)" "$2"
}
recorded_like() {
	touchstone audit show -n 1 | grep -Eq -- "$1"
}
ssh-add -q -t 60 "$user/ed25519"
recorded 'the record says what was added' \
    ' event +ssh-add Ed25519 "key ed25519", for 60 s, asked by ssh-add '
ssh-add -qd "$user/ed25519"
recorded 'and that it was removed' \
    ' event +ssh-add -d "key ed25519", asked by ssh-add '
ssh-add -qD
recorded 'and when all were' \
    ' event +ssh-add -d all keys in memory, asked by ssh-add '

# ---- more than an answer holds ----
# Certificates of 7 KB: 256 KiB have room for some of them.
principals=$(perl -e 'print join ",", map { sprintf "%s-%03d", "p" x 26, $_ }
    1 .. 200')
ok 'one key with certificates of 300 KiB is added' sh -c '
	i=0
	while test $i -lt 44; do
		i=$((i + 1))
		ssh-keygen -q -s "$1/ca" -I "of number $i" -z $i -n "$2" \
		    "$1/ed25519.pub" && ssh-add -q "$1/ed25519" || exit 1
	done' sh "$user" "$principals"
rm "$user/ed25519-cert.pub"
most=$(count)
ok 'some are listed, whole' test "$most" -gt 30 -a "$most" -lt 46
is 'after the key on the token' "$(ssh-add -L | head -n 1)" \
    "$(cat "$user/token.pub")"
ssh-add -L | grep 'cert-v01' | tail -n 1 >"$user/pub/cert.pub"
ok 'the last that is listed signs' signs cert
ok 'it is removed' ssh-add -d "$user/pub/cert.pub"
is 'and another is listed in its place' "$(count)" "$most"
ok 'all are removed' ssh-add -D
is 'the one on the token is left' "$(count)" 1

# A key with so many certificates, each of which is kept.
mkdir "$user/certified"
i=0
while test $i -lt 256; do
	i=$((i + 1))
	cp -p "$user/ed25519" "$user/certified/$i"
	cp "$user/ed25519.pub" "$user/certified/$i.pub"
done
ssh-keygen -q -s "$user/ca" -I many -n me -z +1 "$user"/certified/*.pub
ssh-add -q "$user"/certified/*[0-9] 2>"$user/refusals"
is 'nor are there more certificates' "$(grep -c refused "$user/refusals")" 1
log_says 'the log says that' 'no room: remove some'
is 'and as many as there may be are listed' "$(listed | sort -u | wc -l)" 256
ok 'one that is there can be added again' ssh-add "$user/certified/1"
ok 'and these go too' ssh-add -D
is 'all of them' "$(count)" 1

# ---- the process, and the configuration ----
ok 'a key is added' ssh-add "$user/ed25519"
touchstone forget >/dev/null
ok 'forgetting PINs leaves it' signs ed25519
kill -KILL "$(softkeys)"
gone_or_off() {
	! lists ed25519
}
ok 'a process that dies takes its keys along' wait_for 20 gone_or_off
ok 'and the next key starts another' ssh-add "$user/p256"
ok 'which signs' signs p256
echo 'software_keys = false;' >>"$config/config"
ok 'the configuration forbids them' touchstone reload
is 'they are gone' "$(count)" 1
not_ok 'none is added' ssh-add "$user/ed25519"
log_says 'and the log says why' 'configuration'
no_process() {
	test -z "$(softkeys)"
}
ok 'and the process ends' wait_for 20 no_process

# ---- a key that is on the token as well ----
sed -i '/^software_keys/d' "$config/config"
ok 'keys in memory are allowed again' touchstone reload
ssh-keygen -q -t ecdsa -b 256 -m PKCS8 -N '' -C both -f "$user/both"
export SOFTHSM2_CONF="$XDG_DATA_HOME/touchstone/soft/softhsm2.conf"
token=$(status_of '.modules[0].tokens[0].label')
ok 'a key is put on the token too' softhsm2-util --import "$user/both" \
    --token "$token" --label both --id b07b --pin "$(cat "$user/pin")"
unset SOFTHSM2_CONF
touchstone keys list --refresh >/dev/null
is 'it is listed' "$(count)" 2
ok 'it is added' ssh-add "$user/both"
is 'it is one key' "$(count)" 2
ok 'it is removed from memory' ssh-add -d "$user/both"
ok 'and is still on the token' touchstone keys list --refresh
is 'by itself' "$(touchstone keys list --json |
    jq -c '[.keys[].holders | map(.software)]')" '[[false],[false]]'
cp "$user/both.pub" "$user/pub"
ok 'and signs there' signs both
ok 'it is added again' ssh-add "$user/both"
ok 'and removed with all' ssh-add -D
ok 'it still signs' signs both
not_ok 'on the token alone, ssh-add cannot remove it' \
    ssh-add -d "$user/both.pub"

# ---- where hardly any memory may be locked ----
stop_agent
# may_lock KIB: an agent that may lock so much, as for any user who is not root.
may_lock() {
	set -- "$1" "$bin/touchstone-agent"
	test "$(id -u)" != 0 ||
	    set -- "$1" setpriv --bounding-set=-ipc_lock "$2"
	(ulimit -l "$1" && shift && exec "$@") >"$user/agent.log" 2>&1 \
	    </dev/null &
	wait_for 10 test -S "$sock"
}
ok 'an agent that may lock 64 KiB' may_lock 64
is 'it has no privilege for more' "$(sed -n 's/^CapEff:\t//p' \
    "/proc/$(agent_pid)/status" | perl -ne 'print hex($_) >> 14 & 1')" 0
not_ok 'takes no key' ssh-add "$user/ed25519"
log_says 'and the log says why' 'too little.*raise the limit'
ok 'it serves those on tokens' ssh-keygen -Y sign -n file \
    -f "$user/token.pub" "$user/text"
stop_agent
ok 'one that may lock 8 MiB' may_lock 8192
ok 'takes the key' ssh-add "$user/ed25519"
ok 'which signs' signs ed25519
stop_agent
ok 'one that may lock nothing at all' may_lock 0
# It hangs up, perhaps before ssh-add has said all: SIGPIPE is no crash.
not_ok 'takes no key either' sh -c 'ssh-add "$1" || exit 1' sh "$user/ed25519"
is 'and goes on' "$(status_of .locked)" false
done_testing
