#!/bin/sh
# What the virtual YubiKey does when a test says so: touches, unplugging,
# lies; and what happens around it: a second reader, pcscd stopped.
set -- --reader 'Yubico YubiKey OTP+FIDO+CCID' --reader 'Some Reader' \
    --reader 'Yubico YubiKey CCID'
. "$(dirname "$0")/yubikey.sh" "$@"
needs yubico-piv-tool pkcs11-tool openssl

module=$(find /usr/lib -name libykcs11.so | head -n 1)
test -n "$module" || skip_all 'ykcs11 is not installed'

p() {
	timeout 60 yubico-piv-tool "$@"
}

# ECDSA with the key in 9e; pkcs11-tool wants a PIN, the key does not.
sign() {
	rm -f "$user/signature"
	timeout 60 pkcs11-tool --module "$module" --slot-index 0 \
	    -l -p $default_pin -s -m ECDSA -f openssl --id 04 \
	    -i "$user/digest" -o "$user/signature" && test -s "$user/signature"
}

verifies() {
	openssl dgst -sha256 -verify "$user/9e.pem" \
	    -signature "$user/signature" "$user/document"
}

waits() {
	card 1 waiting
}

sees() {	# READER
	p -a list-readers 2>/dev/null | grep -q "^$1 00 00\$"
}

is_present() {	# READER
	p -r "$1" -a status
}

# Sign in the background; its status is in $user/status.
sign_later() {
	rm -f "$user/status"
	(
		sign >"$user/sign.log" 2>&1
		echo $? >"$user/status"
	) &
}

signed_later() {
	wait_for 20 test -s "$user/status"
	cat "$user/status"
}

echo document >"$user/document"
openssl dgst -sha256 -binary -out "$user/digest" "$user/document"
card_start 1 --touch wait --touch-timeout 1000 || exit 1
ok 'a key that wants a touch' p -a generate -s 9e -A ECCP256 \
    --touch-policy always -o "$user/9e.pem"
ok 'and its attestation' p -a attest -s 9e

# Touch.
not_ok 'nothing waits for a touch' waits
not_ok 'so none can be given' card 1 touch
sign_later
ok 'a signature waits for a touch' wait_for 10 waits
is 'in that slot' "$(card 1 waiting)" 9e
isnt 'and is not made before' "$(cat "$user/status" 2>/dev/null)" 0
ok 'the touch' card 1 touch
is 'lets it be made' "$(signed_later)" 0
ok 'and it verifies' verifies
card 1 zero
start=$(now_ms)
not_ok 'without a touch there is none' sign
isnt 'it waited as long as it should' "$(($(now_ms) - start >= 1000))" 0
is 'and counts no touch' "$(count 1 touches)" 0
card 1 touch-mode after 300
start=$(now_ms)
ok 'a late touch does' sign
isnt 'late' "$(($(now_ms) - start >= 300))" 0
card 1 touch-mode now
ok 'so does one at once' sign
is 'two were given' "$(count 1 touches)" 2

# Unplugged and put back, by itself and in the middle.
ok 'it is taken out' card 1 unplug
not_ok 'and is gone' wait_for 3 is_present 'Yubico YubiKey OTP'
not_ok 'for signing too' sign
ok 'it is put back' card 1 plug
ok 'and is there' wait_for 10 is_present 'Yubico YubiKey OTP'
ok 'it signs again' sign
card 1 fault unplug=1500@87
start=$(now_ms)
not_ok 'taken out in the middle of a signature' sign
isnt 'is no long wait' "$(($(now_ms) - start < 5000))" 0
ok 'put back by itself' wait_for 10 is_present 'Yubico YubiKey OTP'
ok 'it signs again then' sign
card 1 touch-mode wait
sign_later
wait_for 10 waits
ok 'taken out while it waits for a touch' card 1 unplug 500
isnt 'there is no signature' "$(signed_later)" 0
card 1 touch-mode now
wait_for 10 is_present 'Yubico YubiKey OTP'

# A card that lies.  It goes on to: pkcs11-tool tries again.
for fault in sw=6f00 garbage=70 empty short=5 endless bare; do
	card 1 no-faults
	ok "fault $fault" card 1 fault "$fault@87+"
	sign >/dev/null 2>&1 && verifies >/dev/null 2>&1
	isnt 'makes no good signature' $? 0
	wait_for 10 is_present 'Yubico YubiKey OTP'
done
card 1 no-faults
card 1 fault wrong-signature@87
ok 'a wrong signature is one' sign
not_ok 'but does not verify' verifies
ok 'and the next does' sign
ok 'again' verifies
card 1 fault slow=700@87
start=$(now_ms)
ok 'a slow card signs' sign
isnt 'slowly' "$(($(now_ms) - start >= 700))" 0
not_ok 'there is no such fault' card 1 fault nonsense
card 1 fault changed-key@f9
attested_key() {
	p -a attest -s 9e | openssl x509 -noout -pubkey
}
isnt 'a changed key is another' "$(attested_key)" "$(cat "$user/9e.pem")"
is 'and stays' "$(attested_key)" "$(attested_key)"

# Others.
ok 'another card, in a reader with an odd name' card_start 2
ok 'is there' wait_for 10 is_present 'Some Reader'
like 'with its own serial' "$(p -r 'Some Reader' -a status)" \
    '^Serial Number:[[:blank:]]*10000002$'
like 'the first is still the first' "$(p -r OTP -a status)" \
    '^Serial Number:[[:blank:]]*10000001$'
ok 'the third reader is seen' sees 'Yubico YubiKey CCID'
not_ok 'but empty' is_present 'Yubico YubiKey CCID'
if command -v ykman >/dev/null; then
	is 'ykman sees the one' "$(timeout 60 ykman list --serials)" 10000001
fi

# pcscd comes and goes; the cards stay in their readers.
ok 'pcscd is stopped' "$YUBIKEY_PCSCD" stop
not_ok 'there is no card then' is_present OTP
ok 'and started' "$YUBIKEY_PCSCD" start
ok 'the first card is back' wait_for 10 is_present OTP
ok 'so is the second' wait_for 10 is_present 'Some Reader'

# The state is kept, and is one card's.
ok 'a card that ends' card_stop 1
ok 'begins again' card_start 1
p -a attest -s 9e | openssl x509 -noout -pubkey >"$user/9e.pem"
card 1 touch-mode now
ok 'with its keys' sign
ok 'that sign' verifies
ok 'it ends again' card_stop 1
echo nonsense >>"$work/card-1/state"
not_ok 'a damaged one does not begin' timeout 10 "$yubikey" \
    --state "$work/card-1/state" --port 20001
done_testing
