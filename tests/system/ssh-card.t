#!/bin/sh
# ssh-add -s and -e: only modules that are trusted already, shown within limits
# or hidden; a PIN that a client sends is tried once.
. "$(dirname "$0")/lib.sh"

soft_token
export SSH_AUTH_SOCK="$runtime/agent.sock"
touchstone keys export --ssh soft >"$user/soft.pub"
echo data >"$user/data"
conf=$config/modules.d/soft.conf
module=$(sed -n 's/^path = "\(.*\)";$/\1/p' "$conf")
pin=$(cat "$user/pin")
rm "$user/pin"
sed -i '/pin_source/d' "$conf"
touchstone reload >/dev/null
export SSH_ASKPASS="$user/askpass" SSH_ASKPASS_REQUIRE=force
printf '#!/bin/sh\nexec cat "%s"\n' "$user/typed" >"$SSH_ASKPASS"
chmod +x "$SSH_ASKPASS"

# with PIN COMMAND...
with() {
	printf '%s\n' "$1" >"$user/typed"
	shift
	without_terminal "$@"
}
ssh_sign() {
	rm -f "$user/data.sig"
	without_terminal ssh-keygen -q -Y sign -n file -f "${1-$user/soft.pub}" \
	    "$user/data" || return 1
}
listed() {
	ssh-add -L | grep -c "$(cut -d' ' -f2 "$user/soft.pub")"
}
# hold_up MODULE: its process, which is $token, until `kill -CONT`.
hold_up() {
	token=$(status_of ".modules[] | select(.name == \"$1\").pid")
	test "$token" -gt 1 && kill -STOP "$token"
}
held() {
	status_of '[.modules[] | select(.name == "soft").tokens[] |
	    select(.pin_held and .initialized)] | length'
}
denied() {
	touchstone audit show -n 30 | grep ' denied ' | tail -n 1
}
# denies NAME PATTERN: the record is written soon after the answer.
denies() {
	wait_for 5 denied_for "$2"
	like "$1" "$(denied)" "$2"
}
denied_for() {
	denied | grep -Eq -e "$1"
}

# ---- what is trusted, and what is not ----
is 'a configured module is there at first' "$(listed)" 1
not_ok 'without its PIN it signs nothing' ssh_sign
mkfifo "$user/canary.so"
cp "$module" "$user/copy.so"
agent=$(agent_pid)
strace -qq -f -p "$agent" -e trace=%file -o "$user/strace" 2>"$user/said" &
tracer=$!
sleep 1
for path in "$user/canary.so" "$user/copy.so" "$user/../user/copy.so" \
    libsofthsm2.so "$module/../$(basename "$module")" /etc/passwd ''; do
	not_ok "\"$(basename "$path")\" is refused" with 1 ssh-add -s "$path"
	not_ok '... and with a limit' with 1 ssh-add -t 60 -s "$path"
	not_ok '... nor is there anything to hide' with 1 ssh-add -e "$path"
done
kill $tracer 2>/dev/null
wait $tracer 2>/dev/null
if grep -q /proc "$user/strace" 2>/dev/null; then
	unlike 'none of them was looked at' "$(cat "$user/strace")" \
	    'canary|copy\.so|passwd"'
else
	skip 'none of them was looked at' 'the agent cannot be traced'
fi
like 'the record says why' "$(denied)" 'ssh-add -[se]'
like 'the module is still the only one' "$(status_of '[.modules[].name] |
    join(" ")')" '^soft$'

# ---- a PIN from the client ----
not_ok 'a wrong PIN is refused' with 000000 ssh-add -s "$module"
is 'and none is held' "$(held)" 0
ok 'the right one is taken' with "$pin" ssh-add -s "$module"
is 'and held' "$(held)" 1
ok 'with it the token signs' ssh_sign
like 'the record says what was done' "$(touchstone audit show -n 9)" \
    'ssh-add -s|soft'
is 'the PIN is in no log' "$(cat "$XDG_STATE_HOME"/touchstone/*.log \
    "$XDG_STATE_HOME"/touchstone/audit/*/log.jsonl | grep -c "$pin")" 0

# ---- hidden ----
ok 'ssh-add -e hides it' with '' ssh-add -e "$module"
is 'its keys are gone' "$(listed)" 0
like 'status says so' "$(touchstone status)" 'hidden by ssh-add -e'
is 'and so is the PIN' "$(held)" 0
not_ok 'nothing is signed' ssh_sign
not_ok 'once more there is nothing to hide' with '' ssh-add -e "$module"
ok 'an empty PIN shows it again' with '' ssh-add -s "$module"
is 'its keys are back' "$(listed)" 1
is 'but no PIN' "$(held)" 0
ok 'hidden once more' with '' ssh-add -e soft
ok 'a reload shows it' touchstone reload
is 'too' "$(listed)" 1

# ---- limits ----
ok 'for a time' with "$pin" ssh-add -t 2 -s "$module"
is 'it is there' "$(listed)" 1
wait_for 10 sh -c 'ssh-add -l | grep -q "no identities"' &&
    pass 'then it is not' || fail 'then it is not'
is 'nor is the PIN' "$(held)" 0
not_ok 'and nothing is signed' ssh_sign
pinentry_setup
DISPLAY=:99 touchstone session >/dev/null
touchstone reload >/dev/null
ok 'with -c' with "$pin" ssh-add -c -s "$module"
pinentry refuse
not_ok 'a signature that the user refuses is none' ssh_sign
like 'who is asked' "$(pinentry_log)" '^CONFIRM'
pinentry confirm
ok 'one that is agreed to is made' ssh_sign
ok 'for certain hosts' sh -c 'ssh-keygen -q -t ed25519 -N "" -f host &&
    echo "gate $(cat host.pub)" >known'
ok 'it is shown' with "$pin" ssh-add -h gate -H "$user/known" -s "$module"
not_ok 'and signs no files' ssh_sign
denies 'with the reason in the record' 'restricted'
ok 'without limits again' with "$pin" ssh-add -s "$module"
ok 'it signs' ssh_sign

# ---- certificates ----
ssh-keygen -q -t ed25519 -N '' -f "$user/ca"
certify() {	# FILE OPTION...
	cp "$user/soft.pub" "$user/$1.pub"
	shift_to=$1
	shift
	ssh-keygen -q -s "$user/ca" -I "id of $shift_to" -n me "$@" \
	    "$user/$shift_to.pub"
}
certs() {
	ssh-add -L | grep -c 'cert-v01'
}
keys=$XDG_DATA_HOME/touchstone/keys
certify good
certify other
certify expired -V 19990101:20000101
cp "$user/good-cert.pub" "$keys/soft-cert.pub"
cp "$user/other-cert.pub" "$keys/soft-other-cert.pub"
cp "$user/expired-cert.pub" "$keys/soft-expired-cert.pub"
cp "$user/good-cert.pub" "$keys/nobody-cert.pub"
sed 's/ AAAA\(.\{300\}\)./ AAAA\1A/' "$user/good-cert.pub" \
    >"$keys/soft-broken-cert.pub"
ssh-keygen -q -t ed25519 -N '' -f "$user/else"
ssh-keygen -q -s "$user/ca" -I else -n me "$user/else.pub"
cp "$user/else-cert.pub" "$keys/soft-else-cert.pub"
head -c 100000 /dev/zero | tr '\0' a >"$keys/soft-long-cert.pub"
: >"$keys/soft-empty-cert.pub"
mkfifo "$keys/soft-fifo-cert.pub"
is 'files count after a reload' "$(certs)" 0
ok 'which does not fail' touchstone reload
is 'the good ones are listed, and no others' "$(certs)" 2
like 'touchstone shows them' "$(touchstone keys show soft)" \
    '^SSH certificate +.*, good for ever'
like 'and those that are over' "$(touchstone keys show soft)" \
    '^SSH certificate +.*, expired 2000-01-0'
like 'the list has until when' "$(touchstone keys list)" 'SSH CERT\.'
like 'of the one that is good for longest' "$(touchstone keys list)" \
    ' good for ever +[0-9A-F]{40}'
is 'which is in JSON too' "$(touchstone keys list --json |
    jq '.keys[0].ssh_certificates | length')" 3
is 'also in JSON' "$(touchstone keys show soft --json |
    jq '[.ssh_certificates[] | .expires // "never"] | map(type) | sort |
    join(" ")')" '"number string string"'
is 'and the key before them' "$(ssh-add -L | head -n 1 | cut -d' ' -f2)" \
    "$(cut -d' ' -f2 "$user/soft.pub")"
for file in nobody broken else long empty fifo; do
	like "$file is left out, and the log says so" \
	    "$(cat "$XDG_STATE_HOME"/touchstone/agent.log)" \
	    "certificate .*$file.*-cert.pub is left out: "
done
ok 'a certificate signs' ssh_sign "$user/good-cert.pub"
ok 'hidden' with '' ssh-add -e "$module"
is 'they are too' "$(certs)" 0
rm "$keys"/*-cert.pub
touchstone reload >/dev/null
is 'without the files there are none' "$(certs)" 0
unlike 'and the list says nothing of any' "$(touchstone keys list)" 'SSH CERT'

# ---- certificates that ssh-add -s brings along, and -C ----
# card ONLY CERTIFICATE-FILE...: as newer programs than Debian 12's ask for it.
card() {
	card_only=$1
	shift
	"$build/tests/tools/frames" "$SSH_AUTH_SOCK" "hex:$(cat "$@" |
	    perl -MMIME::Base64 -e '
		sub s_ { pack "N/a*", $_[0] }
		my ($module, $pin, $only) = @ARGV;
		my $certs = join "", map { s_(decode_base64((split)[1])) }
		    <STDIN>;
		print unpack "H*", s_("\x1a" . s_($module) . s_($pin) .
		    "\xff" . s_("associated-certs-v00\@openssh.com") .
		    chr($only) . s_($certs));' \
	    "$module" "$pin" "$card_only")" read
}
plain() {
	ssh-add -L | grep -cF "$(cut -d' ' -f 2 "$user/soft.pub")"
}
certify spoilt
perl -i -MMIME::Base64 -pe 's/ (AAAA\S+)/my $raw = decode_base64($1);
    substr($raw, -1) ^= "\1"; " " . encode_base64($raw, "")/e' \
    "$user/spoilt-cert.pub"
is 'with two certificates' "$(card 0 "$user/good-cert.pub" \
    "$user/expired-cert.pub")" 'type 6'
is 'the good one is listed' "$(certs)" 1
is 'beside its key' "$(plain)" 1
ok 'and signs' ssh_sign "$user/good-cert.pub"
ok 'as the key does' ssh_sign
not_ok 'the other does not' ssh_sign "$user/expired-cert.pub"
like 'touchstone shows them' "$(touchstone keys show soft)" \
    '^SSH certificate +.*id of good, good for ever'
is 'with one that is spoilt: refused' "$(card 1 "$user/good-cert.pub" \
    "$user/spoilt-cert.pub")" 'type 5'
denies 'with the reason in the record' 'certificate is not right'
is 'and all is as it was' "$(certs) $(plain)" '1 1'
is 'of another key' "$(card 0 "$user/else-cert.pub")" 'type 6'
is 'none is listed' "$(certs) $(plain)" '0 1'
is 'certificates only (-C)' "$(card 1 "$user/good-cert.pub")" 'type 6'
is 'the key is not listed, the certificate is' "$(certs) $(plain)" '1 0'
ok 'which signs' ssh_sign "$user/good-cert.pub"
not_ok 'the key does not' ssh_sign
denies 'with the reason in the record' 'certificates only'
is 'without any certificate: refused' "$(card 1 /dev/null)" 'type 5'
ok 'without limits again' with "$pin" ssh-add -s "$module"
is 'there is the key alone' "$(certs) $(plain)" '0 1'
ok 'and it signs' ssh_sign

# ---- a lock that comes between ----
# The token's process is held up, so that the PIN is still to be taken.
touchstone forget >/dev/null
hold_up soft || fail 'the token is held up'
with "$pin" ssh-add -s "$module" >/dev/null 2>&1 & adds=$!
sleep 1
printf '#!/bin/sh\necho open\n' >"$user/locks"
chmod +x "$user/locks"
SSH_ASKPASS=$user/locks without_terminal ssh-add -x >/dev/null 2>&1 & locks=$!
wait_for 5 sh -c "touchstone status --json | jq -e .locked" ||
    fail 'it is locked meanwhile'
kill -CONT "$token"
wait $locks
is 'it is locked while a PIN is on its way' "$?" 0
wait $adds
isnt 'who sent it is refused' "$?" 0
is 'and it is not held' "$(held)" 0
SSH_ASKPASS=$user/locks without_terminal ssh-add -X >/dev/null 2>&1
is 'nor after that' "$(held)" 0
ok 'then it is taken' with "$pin" ssh-add -s "$module"
is 'and held' "$(held)" 1

# ---- the same key by two modules ----
sed 's/^deadline.*//' "$conf" >"$config/modules.d/two.conf"
echo 'deadline = 2;' >>"$conf"
touchstone reload >/dev/null
ok 'another module has the key too' with '' ssh-add -c -s two
ok 'this one has it without limits, and the PIN' with "$pin" ssh-add -s soft
pinentry refuse
: >"$user/pinentry.log"
ok 'and is used' ssh_sign
unlike 'without a question' "$(pinentry_log)" '^CONFIRM'
hold_up soft || fail 'the token is held up'
not_ok 'where it fails, the other signs nothing that is refused' ssh_sign
like 'which is asked for' "$(pinentry_log)" '^CONFIRM'
pinentry confirm
kill -KILL "$token" 2>/dev/null
rm "$config/modules.d/two.conf"
sed -i '/^deadline/d' "$conf"
touchstone reload >/dev/null

# ---- a private agent ----
unset SSH_AUTH_SOCK
rm "$conf"
eval "$(sed -n 's/^env = \[ "\(.*\)" \];$/\1/p' "$user/moved" 2>/dev/null)"
export SOFTHSM2_CONF
SOFTHSM2_CONF=$(find "$XDG_DATA_HOME" -name 'softhsm2.conf' | head -n 1)
eval "$("$bin/touchstone-agent" -s)" >/dev/null
not_ok 'a private agent allows no module' with "$pin" ssh-add -s "$module"
"$bin/touchstone-agent" -k >/dev/null
eval "$("$bin/touchstone-agent" -s -P "!$user/*,$(dirname "$module")/*,$user/*")" \
    >/dev/null
is 'none is there at first' "$(listed)" 0
ok 'but what -P names' with "$pin" ssh-add -s "$module"
is 'whose keys are there' "$(listed)" 1
ok 'and sign' ssh_sign
not_ok 'not what it takes back' with "$pin" ssh-add -s "$user/copy.so"
not_ok 'nor what leads elsewhere' with "$pin" ssh-add \
    -s "$(dirname "$module")/../$(basename "$(dirname "$module")")/$(basename "$module")"
not_ok 'nor what is no module' with "$pin" ssh-add \
    -s "$(dirname "$module")/nothing.so"
ok '-e takes it out' with '' ssh-add -e "$module"
is 'with its keys' "$(listed)" 0
ok 'and it can come back' with "$pin" ssh-add -s "$module"
is 'with them' "$(listed)" 1
"$bin/touchstone-agent" -k >/dev/null
done_testing
