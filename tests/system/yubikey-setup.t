#!/bin/sh
# touchstone setup goes from a YubiKey to a key that git signs with, proves
# where it was made, and overwrites nothing that nobody has named.
set -- --reader 'Yubico YubiKey OTP+FIDO+CCID' \
    --reader 'Yubico YubiKey FIDO+CCID'
. "$(dirname "$0")/yubikey.sh"
needs yubico-piv-tool openssl jq script
piv_program=$prefix/libexec/touchstone/touchstone-piv
test -x "$piv_program" || skip_all 'built without PIV'

p() {
	timeout 60 yubico-piv-tool "$@"
}
# setup NAME [OPTION...]: its JSON is in $user/NAME, its words in NAME.err.
setup() {
	setup_name=$1
	shift
	without_terminal touchstone setup --json "$@" >"$user/$setup_name" \
	    2>"$user/$setup_name.err"
}
member() {	# FILE PATH
	jq -r "$2" "$user/$1"
}
said() {
	cat "$user/$1.err" 2>/dev/null
}
# typed TEXT COMMAND...: at a terminal, where this is typed.
typed() {
	typed_text=$1
	shift
	printf '%s\n' "$typed_text" | timeout 60 script -qec "$*" /dev/null |
	    tr -d '\r'
}
slot_key() {	# SLOT: as the card itself has it
	p -a attest -s "$1" 2>/dev/null | openssl x509 -noout -pubkey
}
key_member() {	# KEY PATH
	touchstone keys show "$1" --json | jq -r "$2"
}
proof() {	# KEY [OPTION...]
	touchstone keys attest "$@" --json 2>"$user/proof.err" >"$user/proof"
}
new_person() {
	new_user "$1"
	export DISPLAY=:99
	pinentry_setup
	pinentry "always pin ${2-$default_pin}"
}

# ---- nothing plugged in ----
new_person none
setup none
is 'without a YubiKey: exit status' "$?" 5
like 'without a YubiKey: words' "$(said none)" 'no YubiKey is plugged in'

# ---- refused before the card is touched ----
card_start 1 --touch now || exit 1
new_person first
git config --global --unset user.name
setup nobody --no-change
isnt 'without a user id nothing is made' "$?" 0
git config --global user.name 'A U Thor'
not_ok 'no key is in the slot' p -a attest -s 9c
pinentry 'always cancel'
setup cancelled --no-change
isnt 'with the PIN dialogue closed it fails' "$?" 0
is 'and no PIN was tried, default or not' "$(count 1 verifies)" 0
pinentry "always pin $default_pin"

# ---- from nothing, or what the cancelled run has left ----
setup first --no-change
is 'setup' "$?" 0
test -s "$user/first" || diag "$(said first)"
for secret in PIN PUK 'management key'; do
	like "it warns of the default $secret" "$(said first)" \
	    "warning: the $secret of YubiKey 10000001 is the one it was sold"
done
is 'it says so in JSON too' "$(member first '.default_pin and .default_puk
    and .default_management_key')" true
is 'the slot is 9c' "$(member first .slot)" 9c
is 'a touch for each signature' "$(member first .touch_policy)" always
is 'the PIN once' "$(member first .pin_policy)" once
is 'a key of P-256, made there' \
    "$(member first '.algorithm + " " + .origin')" 'P-256 generated'
is 'its name' "$(member first .name)" yubikey
fpr=$(member first .fingerprint)
like 'gpg has its certificate' "$(gpg --list-keys --with-colons 2>/dev/null)" \
    "^fpr:*$fpr:"
is 'the date is that of the certificate beside it' \
    "$(date -u -d "$(p -a read-certificate -s 9c | openssl x509 -noout \
    -startdate | cut -d = -f 2)" +%s)" "$(member first .created)"
like 'which names its owner' "$(p -a read-certificate -s 9c |
    openssl x509 -noout -subject)" 'CN = A U Thor$'
is 'every VERIFY was one that a person typed' \
    "$(test "$(count 1 verifies)" -le "$(pin_dialogues)" && echo yes)" yes
git config --global user.signingkey "$fpr"
new_repo
ok 'git signs with it' without_terminal git -C "$repo" commit -q -S -m one
ok 'and verifies' git -C "$repo" verify-commit HEAD

# ---- what keys tell ----
touchstone keys list --json >"$user/keys"
is 'keys list tells all of it' "$(jq -r '.keys[0] | [.slot, .algorithm,
    .pin_policy, .touch_policy, .origin, .firmware, .serial,
    (.tries_left | tostring)] | join(" ")' "$user/keys")" \
    '9c P-256 once always generated 5.4.3 10000001 3'
for width in 200 80 60; do
	lines=$(typed '' "stty cols $width; touchstone keys list")
	like "in $width places it has the slot" "$lines" ' 9c '
	is "in $width places no line is longer" "$(printf '%s\n' "$lines" |
	    awk -v w=$width 'length($0) > w')" ''
done
like 'in 200 places it has the firmware too' \
    "$(typed '' 'stty cols 200; touchstone keys list')" '5\.4\.3'
like 'keys show has it' "$(touchstone keys show yubikey)" \
    '^touch *for each signature$'
like 'and the tries' "$(touchstone keys show yubikey)" '^PIN tries left *3$'

# ---- again, and interrupted ----
made=$(slot_key 9c)
setup again --no-change
is 'a second run' "$?" 0
is 'makes nothing' "$(member again '.key_made or .certified or .recorded or
    .imported')" false
like 'and says so' "$(without_terminal touchstone setup --no-change 2>&1)" \
    'nothing was changed'
rm "$XDG_DATA_HOME/touchstone/keys/yubikey.json"
touchstone reload >/dev/null
setup resumed --no-change
is 'without its record the key in the slot is taken' \
    "$(member resumed '[.key_made, .certified, .recorded] | tostring')" \
    '[false,false,true]'
is 'with the same fingerprint' "$(member resumed .fingerprint)" "$fpr"
rm -rf "$GNUPGHOME"/* "$XDG_DATA_HOME/touchstone/keys/yubikey.json"
ok 'its certificate is lost' p -a delete-certificate -s 9c
touchstone stop >/dev/null
setup certified --no-change
is 'then a new one is made for the same key' \
    "$(member certified '[.key_made, .certified] | tostring')" '[false,true]'
is 'which has not changed' "$(slot_key 9c)" "$made"

# One that we cannot read may be what somebody paid for.
rm -rf "$GNUPGHOME"/* "$XDG_DATA_HOME/touchstone/keys/yubikey.json"
p -a read-object --id 0x5fc10a -f binary -o "$work/readable"
printf '\160\004\037\213\010\000\161\001\001\376\000' >"$work/compressed"
ok 'a compressed certificate' p -a write-object --id 0x5fc10a -f binary \
    -i "$work/compressed"
touchstone stop >/dev/null
setup kept --no-change
isnt 'is not replaced by one of ours' "$?" 0
like 'it is told how that is done' "$(said kept)" \
    'delete-certificate -s 9c'
p -a read-object --id 0x5fc10a -f binary -o "$work/left"
ok 'and it is left as it was' cmp "$work/compressed" "$work/left"
ok 'once it can be read again' p -a write-object --id 0x5fc10a -f binary \
    -i "$work/readable"
touchstone stop >/dev/null
setup again --no-change
is 'set-up goes on with it' "$(member again '[.key_made, .certified,
    .recorded] | tostring')" '[false,false,true]'

# ---- proof ----
root=$work/root.pem
ok 'keys attest' proof yubikey --root "$root" --export "$user/proof.pem"
is 'it tells the device, the slot and the policies' \
    "$(member proof '[.serial, .firmware, .slot, .pin_policy, .touch_policy]
    | map(tostring) | join(" ")')" '10000001 5.4.3 9c once always'
is 'it is this key' "$(member proof .id)" "$(key_member yubikey .id)"
ok 'others check what was exported' env HOME=/nonexistent \
    XDG_DATA_HOME=/nonexistent XDG_RUNTIME_DIR=/nonexistent \
    touchstone attest verify "$user/proof.pem" --root "$root"
ok 'that it is this key' touchstone attest verify "$user/proof.pem" \
    --root "$root" --key "$(key_member yubikey .ssh_fingerprint)"
not_ok 'not that it is another' touchstone attest verify "$user/proof.pem" \
    --root "$root" --key "SHA256:NRpl7W9tt/NGcXuZ7/feSS2TK7kgy8LESFH8imzsqNA"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$user/other.key" \
    -out "$user/other.pem" -days 10 -subj '/CN=Virtual YubiKey PIV Root CA' \
    2>/dev/null
not_ok 'a root of the same name does not do' touchstone attest verify \
    "$user/proof.pem" --root "$user/other.pem"
not_ok 'nor the card itself' touchstone attest verify "$user/proof.pem" \
    --root "$user/proof.pem"
proof yubikey
isnt 'without a root it fails' "$?" 0
like 'and tells where to put one' "$(said proof)" \
    "$XDG_DATA_HOME/touchstone/roots"
mkdir -p "$XDG_DATA_HOME/touchstone/roots"
cp "$root" "$XDG_DATA_HOME/touchstone/roots/virtual.pem"
ok 'where it is found' proof yubikey
openssl x509 -in "$user/proof.pem" -out "$user/alone.pem"
not_ok 'a chain that is broken' touchstone attest verify "$user/alone.pem"
openssl ecparam -name prime256v1 -genkey -noout -out "$user/imported.key"
ok 'a key is imported' p -a import-key -s 82 -i "$user/imported.key"
touchstone keys list --refresh --json >"$user/keys"
imported=$(jq -r '.keys[] | select(.slot == "82") | .id' "$user/keys")
is 'keys list tells that it was' "$(jq -r '.keys[] |
    select(.slot == "82") | .origin' "$user/keys")" imported
proof "$imported"
isnt 'it cannot be attested' "$?" 0
like 'and that is said' "$(said proof)" 'imported'

# ---- a slot in use ----
setup other --no-change --name other
isnt 'a slot in use is not taken for another key' "$?" 0
like 'it is named' "$(said other)" '\-\-overwrite 9c@10000001'
setup other --no-change --name other --overwrite 9c@10000002
is 'consent for another YubiKey is none: exit status' "$?" 2
setup other --no-change --name other --overwrite 9a@10000001 --slot 9c
is 'nor for another slot' "$?" 2
out=$(typed 'yes' touchstone setup --no-change --name other)
like 'at a terminal it asks for the words' "$out" 'Type 9c@10000001'
like 'and others are none' "$out" 'stays as it was'
is 'the key is as it was' "$(slot_key 9c)" "$made"
typed '9c@10000001' touchstone setup --no-change --name typed >"$user/typed"
isnt 'the right words make another' "$(slot_key 9c)" "$made"
is 'which has the name' "$(key_member typed .slot)" 9c
made=$(slot_key 9c)
setup third --no-change --name third --overwrite 9c@10000001
is 'a script overwrites by naming it' "$?" 0
isnt 'and the key is another' "$(slot_key 9c)" "$made"
made=$(slot_key 9c)
setup third --no-change --name third --overwrite 9c@10000001
is 'once' "$(slot_key 9c)" "$made"
setup weak --no-change --name weak --slot 9a --touch-policy never \
    --pin-policy never --algorithm P-384
is 'policies and algorithm are heard' "$(member weak '[.slot, .pin_policy,
    .touch_policy, .algorithm] | join(" ")')" '9a never never P-384'
setup weak --no-change --name weak --touch-policy always
isnt 'a key that does not want a touch is not one that does' "$?" 0
like 'and that is said' "$(said weak)" 'touch policy is never'

ok 'a certificate is in a slot, and no key' p -a import-certificate -s 9d \
    -i "$user/other.pem"
setup lonely --no-change --name lonely --slot 9d
isnt 'that slot is not taken either' "$?" 0
like 'but named' "$(said lonely)" '\-\-overwrite 9d@10000001'
not_ok 'and nothing was made in it' p -a attest -s 9d
setup lonely --no-change --name lonely --overwrite 9d@10000001
is 'unless it is named' "$(member lonely .slot)" 9d

# ---- keys generate, on the same YubiKey ----
ok 'keys generate in a free slot' without_terminal touchstone keys generate \
    --name spare --slot 83 --touch-policy cached
is 'as it was told' "$(key_member spare '[.slot, .pin_policy, .touch_policy] |
    join(" ")')" '83 once cached'
made=$(slot_key 83)
not_ok 'keys generate in a slot in use' without_terminal touchstone keys \
    generate --name more --slot 83
is 'changes nothing' "$(slot_key 83)" "$made"
ok 'but where it is named' without_terminal touchstone keys generate \
    --name more --overwrite 83@10000001
isnt 'it does' "$(slot_key 83)" "$made"

# ---- a PIN that is locked ----
touchstone stop >/dev/null
for try in 1 2 3; do
	p -a verify-pin -P 11111111 >/dev/null 2>&1
done
before=$(count 1 verifies)
setup locked --no-change
is 'with a locked PIN: exit status' "$?" 4
like 'with a locked PIN: what to do' "$(said locked)" 'by the PUK'
is 'and not one VERIFY more' "$(count 1 verifies)" "$before"
pinentry "pin $default_puk" 'pin 75318642' "pin $default_puk" \
    'pin 97531864' 'always pin 75318642'
setup unlocked --change-defaults --name third
is '--change-defaults sets a new one' "$(member unlocked .default_pin)" false
pinentry "always pin 75318642"
ok 'which is that' p -a verify-pin -P 75318642

# ---- several ----
card_start 2 --touch now --serial 10000002 || exit 1
new_person two
setup two --no-change
is 'with two YubiKeys it asks which: exit status' "$?" 5
like 'and names them' "$(said two)" '10000001.*10000002|10000002.*10000001'
setup two --no-change --serial 10000003
is 'one that is not there: exit status' "$?" 5
setup two --no-change --serial 10000002
is 'the one that is named' "$(member two .serial)" 10000002

# ---- what is as sold ----
out=$(typed 'n
n
n' touchstone setup --serial 10000002)
like 'at a terminal it asks whether to change the PIN' "$out" \
    'Change the PIN now\? \[Y/n\]'
like 'and the management key' "$out" 'Change the management key now'
setup unchanged --no-change --serial 10000002
is 'and changes nothing for a no' "$(member unchanged '.default_pin and
    .default_puk and .default_management_key')" true
printf '%s\n' "pin $default_pin" 'pin 86427531' "pin $default_puk" \
    'pin 97531864' 'always pin 86427531' >"$user/pinentry.script"
setup changed --serial 10000002 --change-defaults
is '--change-defaults' "$?" 0
diag "$(said changed)"
is 'changes all three' "$(member changed '.default_pin or .default_puk or
    .default_management_key')" false
card_stop 1
ok 'the PIN is the new one' p -a verify-pin -P 86427531
not_ok 'and the PUK' p -a change-puk -P $default_puk -N $default_puk
not_ok 'and the management key' p -a generate -s 83 -A ECCP256
setup changed --serial 10000002
unlike 'and there is nothing to warn of' "$(said changed)" warning

# ---- a second one with the same key ----
rm -rf "$work/card-1"
mkdir "$work/card-1"
sed 's/10000002/10000001/' "$work/card-2/state" >"$work/card-1/state"
card_start 1 --touch now || exit 1
made=$(member changed .id)
setup backup --serial 10000001
is 'a second YubiKey with the same key' "$?" 0
diag "$(said backup)"
is 'is set up with that key' "$(member backup '[.id, .serial, .slot, .name,
    (.key_made | tostring)] | join(" ")')" \
    "$made 10000001 9c yubikey false"
is 'and both are told of' "$(key_member yubikey '[.holders[].serial] | sort |
    join(" ")')" '10000001 10000002'
setup other --serial 10000001 --name other
isnt 'it is not overwritten for another name' "$?" 0
like 'without consent' "$(said other)" '\-\-overwrite 9c@10000001'
setup other --serial 10000001 --name other --slot 9a
is 'another key beside it, on one of them' "$(member other .key_made)" true
setup other --serial 10000002 --name other
isnt 'is not looked for on the other' "$?" 0
like 'which is said' "$(said other)" 'is on the token YubiKey 10000001'

new_person three 86427531
setup work --serial 10000001 --name work
is 'a key by another name' "$(member work .id)" "$made"
setup yubikey --serial 10000001 --slot 9d
is 'and one by the usual name, elsewhere' "$(member yubikey '[.name, .slot,
    (.key_made | tostring)] | join(" ")')" 'yubikey 9d true'
setup again --serial 10000002
is 'the second has the first, and is set up' "$(member again '[.id, .name] |
    join(" ")')" "$made work"
setup again --serial 10000002 --name yubikey
isnt 'but not by a name that is the key of another' "$?" 0
like 'as is said' "$(said again)" 'is on the token YubiKey 10000001'
done_testing
