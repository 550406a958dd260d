#!/bin/sh
# Frames that are malformed, too large, cut off, slow or not the moment's: a
# failure or a closed connection, bounded memory, and others go on.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
faulty_module
agent=$(agent_pid)
agent_sock=$runtime/agent.sock
commit_object >"$user/commit"
size=$(wc -c <"$user/commit")
head -c 600000 /dev/zero | tr '\0' x >"$user/zeros"
{ commit_object; cat "$user/zeros"; } >"$user/long"
domain=$(printf '@touchstone.invalid' | od -An -tx1 | tr -d ' \n')
sign_v1=sign:soft:-:$user/commit:-

# says NAME WANTED WORD...: what local.sock answers, one line for all.
says() {
	says_on "$sock" "$@"
}
says_on() {
	says_sock=$1 says_name=$2 says_wanted=$3
	shift 3
	is "$says_name" "$(timeout 40 "$frames" "$says_sock" "$@" 2>&1 |
	    paste -sd ' ')" "$says_wanted"
}

# ---- a signature, as it should be ----
says 'a commit is signed' signed "$sign_v1" done
says 'and twice on one connection' 'signed signed' \
    "$sign_v1" done "$sign_v1" done
says 'in two chunks' 'state 1 send the next chunk signed' \
    "sign:soft:-:$user/commit:10" read "more:$user/commit:-" done
says 'in many' "$(for i in 1 2; do printf '%s ' \
    'state 1 send the next chunk'; done)signed" \
    "sign:soft:-:$user/long:-" read "more:$user/long:-" read \
    "more:$user/long:-" done
says 'byte by byte' signed slow:2 "$sign_v1" done

# ---- frames ----
says 'no length' closed hex:00000000 closed:2
says 'a length over the limit' closed hex:00040001 closed:2
says 'the largest there is' closed hex:ffffffff closed:2
says 'the largest allowed, of a type nobody knows' 'type 5' \
    hex:00040000ff fill:262143 read
says 'a frame that is cut off' closed hex:000000100b end closed:2
says 'an HTTP request' closed \
    hex:474554202f20485454502f312e310d0a0d0a closed:2
for type in 0 1 5 12 14 17 18 20 22 25 28 29 255; do
	says "type $type" 'type 5' bare:$type read
done
says 'type 19, which removes nothing from tokens' 'type 6' bare:19 read
says 'the same with bytes left over' 'type 5' hex:000000021300 read
says 'an extension without a name' 'type 28' bare:27 read
says 'a name that is cut off' 'type 28' hex:000000061b000000ff73 read
says 'an extension of somebody else' 'type 28' \
    hex:0000000e1b00000009'7840782e696e7661''6c' read
says 'an extension that we do not have' 'type 28' ext:sign-v9 read
says 'a name without its domain' 'type 28' \
    hex:0000000c1b000000077369676e2d7631 read
says 'a body that ends early' 'code 170 the request is malformed' \
    ext:sign-v1:00000004 read
says 'a body with bytes left over' 'code 170 the request is malformed' \
    ext:wait-v1:00 read
says 'a text with an escape in it' 'code 170 the request is malformed' \
    ext:keys-v1:000000011b00 read
says 'all of that on one connection, and then a signature' \
    'type 5 type 28 code 170 the request is malformed signed' \
    bare:99 read ext:sign-v9 read ext:sign-v1:00 read "$sign_v1" done
says 'query' 'type 29, and not ours' hex:0000000a1b000000057175657279 read

# ---- not the moment for it ----
says 'wait without a request' 'code 170 the request is malformed' \
    ext:wait-v1 read
says 'more without a request' 'code 170 the request is malformed' \
    "more:$user/commit:5" read
says 'wait while a chunk is wanted' \
    'state 1 send the next chunk code 170 the request is malformed' \
    "sign:soft:-:$user/commit:10" read ext:wait-v1 read
says 'a second request while a chunk is wanted' \
    'state 1 send the next chunk type 28' \
    "sign:soft:-:$user/commit:10" read "$sign_v1" read
says 'a listing while a chunk is wanted' \
    'state 1 send the next chunk type 5 signed' \
    "sign:soft:-:$user/commit:10" read bare:11 read \
    "more:$user/commit:-" done
says 'an empty chunk' \
    'state 1 send the next chunk code 170 the request is malformed' \
    "sign:soft:-:$user/commit:10" read "more:$user/commit:0" read
says 'more than was announced' "code 89 the object's chunks do not make \
its size" "sign:soft:5:$user/commit:10" read
says 'more than was announced, later' "state 1 send the next chunk \
code 89 the object's chunks do not make its size" \
    "sign:soft:12:$user/commit:10" read "more:$user/commit:-" read
like 'an object of 1 TB' "$("$frames" "$sock" \
    "sign:soft:1099511627776:$user/commit:10" read)" '^code 67 .*larger than'
like 'an object of all the bytes there are' "$("$frames" "$sock" \
    "sign:soft:18446744073709551615:$user/commit:10" read)" '^code 67 '
like 'an object that is none' "$("$frames" "$sock" \
    "sign:soft:-:$user/zeros:0" read)" '^code 89 '
says 'another format' \
    'code 60 this agent does not sign in that format' \
    ext:sign-v1:00000004736f6674000000037067700000000000000000000000'00' read
like 'a key that nobody has' "$("$frames" "$sock" \
    "sign:nobody:-:$user/commit:-" done)" '^code 17 no key of yours'

# ---- what is for local clients alone ----
for name in status forget reload stop session token-init generate certify \
    revoke certificate certify-image request attest secret move delete; do
	says_on "$agent_sock" "$name on agent.sock" 'type 28' ext:$name-v1 read
done
like 'status on local.sock' "$("$frames" "$sock" ext:status-v1 read)" '^code 0'
is 'the agent is still there' "$(agent_pid)" "$agent"
like 'a commit on agent.sock needs leave' "$("$frames" "$agent_sock" \
    "$sign_v1" done)" '^code 251 '

ok 'the audit log is unbroken' touchstone audit verify
does_sign 'and it signs'
# ---- bodies that cannot be read ----
for name in sign sign-image certify revoke generate token-init certificate \
    certify-image request attest secret move delete keys; do
	like "$name with a body cut off" "$(timeout 20 "$frames" "$sock" \
	    "ext:$name-v1:000000" read 2>&1)" 'code [0-9]+ the request is malformed'
done

# ---- bytes of no known kind, by a plain SSH request ----
# ssh_blob TEXT: a sign-request of the key over the text, as a frame in hex.
ssh_blob() {
	touchstone keys export soft --ssh | perl -MMIME::Base64 -e '
		my $key = decode_base64((split " ", <STDIN>)[1]);
		my $body = pack "C N/a* N/a* N", 13, $key, $ARGV[0], 0;
		print unpack "H*", pack "N/a*", $body;' "$1"
}
blob=hex:$(ssh_blob 'some bytes that nobody knows')
says 'are refused where no rule allows them' 'type 5' "$blob" read
echo 'keys = ( { key = "soft"; blob = true; forward = true; } );' \
    >>"$config/config"
touchstone reload >/dev/null
says 'are signed by local.sock where one does' 'type 14' "$blob" read
says_on "$agent_sock" 'and by agent.sock' 'type 14' "$blob" read
cp "$frames" "$user/socat"
frames=$user/socat
says_on "$agent_sock" 'but never for a program that passes things on' \
    'type 5' "$blob" read

done_testing
