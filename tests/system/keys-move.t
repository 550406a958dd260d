#!/bin/sh
# touchstone keys move and keys delete on YubiKeys: a key goes to another slot
# with its certificate, or for ever, and nothing is lost that nobody has named,
# wherever the YubiKey is pulled out.
set -- --reader 'Yubico YubiKey OTP+FIDO+CCID' \
    --reader 'Yubico YubiKey FIDO+CCID'
. "$(dirname "$0")/piv.sh"
needs jq script
test -x "$prefix/libexec/touchstone/touchstone-piv" ||
    skip_all 'built without PIV'

# move/delete [OPTION...] ARGUMENT...: its words are in $user/said, what it
# prints in $user/told.
move() {
	without_terminal touchstone keys move "$@" >"$user/told" \
	    2>"$user/said"
}
delete() {
	without_terminal touchstone keys delete "$@" >"$user/told" \
	    2>"$user/said"
}
said() {
	cat "$user/said"
}
# typed TEXT COMMAND...: at a terminal, where this is typed.
typed() {
	typed_text=$1
	shift
	printf '%s\n' "$typed_text" | timeout 60 script -qec "$*" /dev/null |
	    tr -d '\r'
}
# make NAME SLOT [SERIAL]: a key without touch and PIN, with a certificate.
make() {
	without_terminal touchstone keys generate --name "$1" --slot "$2" \
	    --token "YubiKey ${3-10000001}" --touch-policy never \
	    --pin-policy never >/dev/null 2>"$user/said"
}
# The agent has seen the cards, and holds none.
look() {
	touchstone keys list --refresh >/dev/null
	touchstone forget >/dev/null
}

# What the card keeps, as its own file has it: the private key of a slot, and
# the certificate beside it.
key_in() {	# CARD SLOT
	sed -n "s/^key $2 //p" "$work/card-$1/state"
}
certificate_in() {	# CARD SLOT
	case $2 in
	9a) object=5fc105 ;;
	9c) object=5fc10a ;;
	9d) object=5fc10b ;;
	82) object=5fc10d ;;
	esac
	sed -n "s/^object $object //p" "$work/card-$1/state"
}
# All keys and certificates, without their places.
kept() {	# CARD
	sed -n 's/^key .. //p; s/^object 5fc1.. //p' "$work/card-$1/state" |
	    sort -u
}
# alone_in CARD SLOT CERTIFICATE: it is in this slot alone.
alone_in() {
	test "$(certificate_in "$1" "$2")" = "$3" &&
	    test "$(grep -c -F " $3" "$work/card-$1/state")" = 1
}
# beside CARD KEY CERTIFICATE: the key is in one slot, the certificate there.
beside() {
	beside_slot=$(sed -n "s/^key \\(..\\) $2\$/\\1/p" "$work/card-$1/state")
	test ${#beside_slot} = 2 &&
	    test "$(certificate_in "$1" "$beside_slot")" = "$3"
}

# The commands that card N got since `mark N`, in one line.
mark() {
	marked=$(wc -l <"$work/card-$1/log")
}
commands() {
	tail -n +$((marked + 1)) "$work/card-$1/log" |
	    awk '$2 == "apdu" { print substr($4, 3, 2) }' | tr '\n' ' '
}
back() {
	card 1 no-faults
	card 1 plugged || { sleep 1; card 1 plug; }
	wait_for 20 card_seen 1
}
# restore [LINE]: card 1 is as it was when `save` was called, but for a line.
save() {
	cp "$work/card-1/state" "$work/saved"
}
restore() {
	card_stop 1
	sleep 1		# pcscd looks twice a second
	cp "$work/saved" "$work/card-1/state"
	test -z "${1-}" || echo "$1" >>"$work/card-1/state"
	card_start 1
}

card_start 1 --firmware 5.7.1 --touch now || exit 1
piv_agent
pinentry "always pin $default_pin"
export DISPLAY=:99
ok 'a key' make one 9a
ok 'and another' make two 9c
one=$(key_in 1 9a)
one_certificate=$(certificate_in 1 9a)
two=$(key_in 1 9c)
two_certificate=$(certificate_in 1 9c)
created=$(touchstone keys show one --json | jq -r .created)
fpr=$(touchstone keys show one --json | jq -r .fingerprint)
save

# ---- to a free slot ----
ok 'it moves to a free slot' move one 9d --json
is 'which it says' "$(jq -r '.name + " " + .slot' "$user/told")" 'one 9d'
is 'the key is there' "$(key_in 1 9d)" "$one"
is 'and not where it was' "$(key_in 1 9a)" ''
ok 'its certificate too, and nowhere else' alone_in 1 9d "$one_certificate"
is 'its date and fingerprint have not changed' "$(touchstone keys show one \
    --json | jq -r '"\(.created) \(.fingerprint)"')" "$created $fpr"
is 'the other key is as it was' "$(key_in 1 9c) $(certificate_in 1 9c)" \
    "$two $two_certificate"
id=$(touchstone keys show one --json | jq -r .id)
piv_public
ok 'it signs from there' ssh_sign
ok 'well' ssh_good
mark 1
ok 'where it is already it stays' move one 9d
unlike 'and no command changes the card' "$(commands 1)" '(f6|db|DB|F6)'
ok 'it is named by slot and serial too' move 9d@10000001 82
is 'and is where it was sent' "$(key_in 1 82)" "$one"
move 9d@10000001 9a
is 'a slot without a key: exit status' "$?" 5
like 'and what to do after an interruption' "$(said)" \
    'keys move 9a@10000001 9a'
move one 9b
is 'a slot that there is not: exit status' "$?" 2
move one f9
is 'nor is that of the attestation: exit status' "$?" 2
move none 9a
is 'no such key: exit status' "$?" 5

# ---- to a slot in use ----
restore
move one 9c
isnt 'a slot in use is refused' "$?" 0
like 'and named' "$(said)" '\-\-overwrite 9c@10000001'
move one 9c --overwrite 9c@10000002
is 'consent for another YubiKey is none: exit status' "$?" 2
move one 9c --overwrite 9d@10000001
is 'nor for another slot: exit status' "$?" 2
out=$(typed yes touchstone keys move one 9c)
like 'at a terminal it asks for the words' "$out" 'Type 9c@10000001'
like 'and others are none' "$out" 'stays as it was'
is 'neither by the protocol alone' "$(piv_ask move "$id" \
    9a@10000001 9c 'overwrite 9d' 2>&1 | grep -c 'slot 9c of')" 1
for copy in '' "pkcs11:serial=10000001;object=9a;type=private"; do
	is "nor without the YubiKey's serial (\"$copy\")" "$(piv_ask move \
	    "$id" "$copy" 9c 'overwrite 9c' 2>&1 | grep -c 'SLOT@SERIAL')" 1
done
is 'all of it is as it was' "$(cat "$work/card-1/state")" \
    "$(cat "$work/saved")"
typed 9c@10000001 touchstone keys move one 9c >"$user/told"
is 'the right words move it' "$(key_in 1 9c)" "$one"
ok 'with its certificate' alone_in 1 9c "$one_certificate"
is 'the other is gone' "$(kept 1 | grep -c -F -e "$two" \
    -e "$two_certificate")" 0
restore
ok 'a script names the slot' move one 9c --overwrite 9c@10000001
is 'and has it' "$(key_in 1 9c)" "$one"

# A certificate without a key is somebody's too.
restore "object 5fc10b $two_certificate"
move one 9d
isnt 'a slot with a certificate alone is in use' "$?" 0
like 'which is said' "$(said)" 'slot 9d of YubiKey 10000001 is in use'
is 'it is as it was' "$(certificate_in 1 9d)" "$two_certificate"
ok 'and is overwritten where it is named' move one 9d --overwrite \
    9d@10000001
ok 'by the certificate of the key' alone_in 1 9d "$one_certificate"

# ---- interrupted, then done again ----
# At each command that the move consists of; the first two only look.
restore
from=9a to=9d
all=$(kept 1)
for fault in f7#29 cb#5 87#1 87#2 db#1 f6#1 db#2 fd#2; do
	look
	card 1 fault "unplug@$fault"
	move one $to
	isnt "unplugged at $fault: it fails" "$?" 0
	is "unplugged at $fault: nothing is lost" "$(kept 1)" "$all"
	ok "unplugged at $fault: the certificate is beside the key" \
	    beside 1 "$one" "$one_certificate"
	back
	ok "unplugged at $fault: run again, it finishes" move one $to ||
	    diag "$(said)"
	is "unplugged at $fault: the key is moved" \
	    "$(key_in 1 $to),$(key_in 1 $from)" "$one,"
	ok "unplugged at $fault: and its certificate, without a copy" \
	    alone_in 1 $to "$one_certificate"
	is "unplugged at $fault: the other key is as it was" \
	    "$(key_in 1 9c) $(certificate_in 1 9c)" "$two $two_certificate"
	swap=$from from=$to to=$swap
done
for fault in 87#2 f6#1 db#1 f6#2 db#2; do
	restore
	look
	card 1 fault "unplug@$fault"
	move one 9c --overwrite 9c@10000001
	isnt "over another key, unplugged at $fault: it fails" "$?" 0
	ok "over another key, unplugged at $fault: it is kept itself" \
	    beside 1 "$one" "$one_certificate"
	back
	ok "over another key, unplugged at $fault: run again, it finishes" \
	    move one 9c --overwrite 9c@10000001
	is "over another key, unplugged at $fault: it is there" \
	    "$(key_in 1 9c),$(key_in 1 9a)" "$one,"
	ok "over another key, unplugged at $fault: with its certificate" \
	    alone_in 1 9c "$one_certificate"
done
restore
look
card 1 fault sw=6f00@f6
move one 9d
isnt 'a card that does not want to: it fails' "$?" 0
ok 'and loses nothing' beside 1 "$one" "$one_certificate"
ok 'run again, it finishes' move one 9d
ok 'without a copy' alone_in 1 9d "$one_certificate"

# ---- deleting ----
restore
delete one
is 'without consent: exit status' "$?" 4
like 'it says what to give' "$(said)" '\-\-confirm one'
delete one --confirm two
is 'consent for another key is none: exit status' "$?" 2
delete one --confirm 9a@10000002
is 'nor for another YubiKey: exit status' "$?" 2
out=$(typed yes touchstone keys delete one)
like 'at a terminal it asks for its name' "$out" 'Type one'
like 'and other words are none' "$out" 'stays as it was'
for words in '' 'delete one' 'delete 9c@10000001' 'delete 9a@10000002'; do
	is "nor is \"$words\", by the protocol alone" "$(piv_ask delete \
	    "$id" '' "$words" 2>&1 | grep -c 'agree by "delete 9a@10000001"')" 1
done
is 'the key is as it was' "$(key_in 1 9a) $(certificate_in 1 9a)" \
    "$one $one_certificate"
for fault in 87#2 db#1 f6#1; do
	restore
	look
	card 1 fault "unplug@$fault"
	delete one --confirm one
	isnt "unplugged at $fault: it fails" "$?" 0
	is "unplugged at $fault: the key is there" "$(key_in 1 9a)" "$one"
	back
	ok "unplugged at $fault: run again, it finishes" delete one \
	    --confirm one
	is "unplugged at $fault: and is gone, with its certificate" \
	    "$(key_in 1 9a)$(certificate_in 1 9a)" ''
	is "unplugged at $fault: the other key is as it was" \
	    "$(key_in 1 9c) $(certificate_in 1 9c)" "$two $two_certificate"
done
ok 'its record stays' test -s "$XDG_DATA_HOME/touchstone/keys/one.json"
is 'keys list tells that it is not here' "$(touchstone keys show one --json |
    jq .present)" false
restore
ok 'it is named by its slot' delete 9a@10000001 --confirm 9a@10000001 --json
is 'and JSON tells what stays' "$(jq -r .record "$user/told")" \
    "$XDG_DATA_HOME/touchstone/keys/one.json"
is 'it is gone' "$(key_in 1 9a)$(certificate_in 1 9a)" ''
restore
out=$(typed one touchstone keys delete one)
like 'typed, its name is consent' "$out" 'one is deleted'
is 'and it is gone then' "$(key_in 1 9a)" ''

# Another program has put another key there meanwhile.
restore
touchstone keys list --refresh >/dev/null
card 1 fault changed-key@f7
like 'a slot whose key has changed is left alone' "$(piv_ask delete "$id" '' \
    'delete 9a@10000001' 2>&1)" 'the key is not in that slot of YubiKey'
isnt 'it has another key' "$(key_in 1 9a)" "$one"
isnt 'which stays' "$(key_in 1 9a)" ''
card 1 no-faults

# Another YubiKey with that key comes while the consent is typed.
touchstone stop >/dev/null
restore
mkdir -p "$work/card-2"
sed 's/10000001/10000002/' "$work/saved" >"$work/card-2/state"
typed_slowly() {
	{
		wait_for 20 grep -q 'Type 9c@10000001' "$user/asked"
		card_stop 1
		card_start 2
		echo 9c@10000001
	} | timeout 60 script -qfec 'touchstone keys move one 9c' \
	    "$user/asked" >/dev/null
}
: >"$user/asked"
echo 'token_wait = 3;' >>"$config/config"
typed_slowly
like 'consent is asked for the first' "$(cat "$user/asked")" \
    'Slot 9c of YubiKey 10000001 is in use'
is 'and is none for the second' "$(key_in 2 9c) $(key_in 2 9a)" "$two $one"
card_stop 2
sed -i '/^token_wait/d' "$config/config"
touchstone reload >/dev/null

# ---- the management key ----
restore
mgm=c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee11
pinentry "pin $mgm" "pin $mgm" "always pin $mgm"
ok 'a management key of its own' piv_ask secret yubikey '' 5 AES-192
save
touchstone stop >/dev/null
# It could be behind the PIN, which is asked for first.
pinentry "pin $default_pin" \
    'pin 00000000c0ffee00c0ffee00c0ffee00c0ffee00c0ffee11' 'always cancel'
move one 9d
isnt 'a wrong management key' "$?" 0
is 'moves nothing' "$(key_in 1 9a),$(key_in 1 9d)" "$one,"
pinentry 'pin 00000000c0ffee00c0ffee00c0ffee00c0ffee00c0ffee11' \
    'always cancel'
delete one --confirm one
isnt 'a wrong management key' "$?" 0
is 'and deletes nothing' "$(key_in 1 9a) $(certificate_in 1 9a)" \
    "$one $one_certificate"
pinentry "always pin $mgm"
ok 'with the right one it moves' move one 9d
ok 'and is deleted' delete one --confirm one
is 'from where it was' "$(key_in 1 9a)$(key_in 1 9d)" ''

# ---- the same key on two YubiKeys ----
touchstone stop >/dev/null
restore
sed 's/10000001/10000002/' "$work/saved" >"$work/card-2/state"
card_start 2
both() {
	test "$(touchstone status --json | jq '[.modules[].tokens[]] |
	    length')" = 2
}
touchstone keys list --refresh >/dev/null
ok 'two YubiKeys' wait_for 20 both
delete one --confirm one
is 'which one must be said: exit status' "$?" 5
like 'and it says how' "$(said)" '9a@1000000[12], 9a@1000000[12]'
move one 9d
is 'also to move it: exit status' "$?" 5
delete 9a@10000002 --confirm 9a@10000001
is 'and agreed to: exit status' "$?" 2
pinentry "pin $default_pin" "always pin $mgm"
ok 'then it goes' delete 9a@10000002 --confirm 9a@10000002
is 'from that one' "$(key_in 2 9a)$(certificate_in 2 9a)" ''
is 'and stays on the other' "$(key_in 1 9a) $(certificate_in 1 9a)" \
    "$one $one_certificate"
ok 'an URI names one too' move \
    'pkcs11:serial=10000002;object=9c;type=private' 9d
is 'which it moves' "$(key_in 2 9d)" "$two"
is 'and not the other' "$(key_in 1 9c)" "$two"
card_stop 2

# ---- before firmware 5.7 ----
touchstone stop >/dev/null
card_new 1 --firmware 5.4.3 --touch now
new_user old
piv_agent
pinentry "always pin $default_pin"
ok 'a key on an older YubiKey' make old 9a
old="$(key_in 1 9a) $(certificate_in 1 9a)"
mark 1
move old 9d
isnt 'cannot move' "$?" 0
like 'and that is said' "$(said)" 'firmware 5\.4\.3.*5\.7'
delete old --confirm old
isnt 'nor be deleted' "$?" 0
like 'and what can be done is said' "$(said)" \
    'firmware 5\.4\.3.*keys generate --name NAME --overwrite 9a@10000001'
unlike 'the card was told nothing of it' "$(commands 1)" '(f6|db|F6|DB|87)'
is 'and is as it was' "$(key_in 1 9a) $(certificate_in 1 9a)" "$old"

# ---- the audit log ----
ok 'what this user did is recorded, unbroken' touchstone audit verify
HOME=$work/user/home XDG_STATE_HOME=$work/user/home/.local/state
export HOME XDG_STATE_HOME
ok 'the first user too' touchstone audit verify
touchstone audit show -n 1000 --json >"$user/audit"
like 'moves are in the log, with the key and its places' \
    "$(jq -r '.records[] | select(.kind == "move" and .stage == "signed") |
    .summary' "$user/audit")" \
    'move to slot 9d of key "one" in slot 9a on token "YubiKey 10000001"'
like 'and deletions' "$(jq -r '.records[] | select(.kind == "deletion" and
    .stage == "signed") | .summary' "$user/audit")" \
    'deletion of key "one" in slot 9a'
like 'and those that failed' "$(jq -r '.records[] | select(.kind == "move") |
    .stage' "$user/audit")" failed
done_testing
