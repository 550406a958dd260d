#!/bin/sh
# The virtual YubiKey is taken for a real one by the vendor's and by others'
# unmodified programs: yubico-piv-tool, ykman, ykcs11, OpenSC, yubikey-agent,
# scdaemon.
set --
. "$(dirname "$0")/yubikey.sh"
needs yubico-piv-tool openssl

p() {
	timeout 60 yubico-piv-tool "$@"
}

generate() {
	p -a generate -s "$1" -A "$2" -o "$3"
}

# attested SLOT: by openssl, up to the root and no other.
attested() {
	p -a attest -s "$1" -o "$user/attest.pem" &&
	    p -a read-certificate -s f9 -o "$user/f9.pem" &&
	    openssl verify -CAfile "$work/root.pem" -untrusted \
	    "$user/f9.pem" "$user/attest.pem"
}

# The extension 1.3.6.1.4.1.41482.3.N of the attestation, in hex.
extension() {
	openssl asn1parse -in "$user/attest.pem" |
	    grep -A 1 ":1.3.6.1.4.1.41482.3.$1\$" |
	    sed -n 's/.*HEX DUMP]://p'
}

public_of() {
	openssl x509 -in "$1" -noout -pubkey
}

tries() {
	p -a status | sed -n 's/^PIN tries left:[[:blank:]]*//p'
}

card_start 1 --touch now || exit 1

# yubico-piv-tool: who it is, keys, attestation.
status=$(p -a status)
like 'it says its firmware' "$status" '^Version:[[:blank:]]*5\.4\.3$'
like 'and its serial' "$status" '^Serial Number:[[:blank:]]*10000001$'
like 'and how many tries are left' "$status" \
    '^PIN tries left:[[:blank:]]*3$'

for kind in 9a:ECCP256 9d:ECCP384 82:RSA2048; do
	slot=${kind%:*}
	ok "$kind is generated" generate "$slot" "${kind#*:}" \
	    "$user/$slot.pem"
	ok 'and attested' attested "$slot"
	is 'the attestation is of that key' \
	    "$(public_of "$user/attest.pem")" "$(cat "$user/$slot.pem")"
	is 'it says the firmware' "$(extension 3)" 050403
	is 'the serial' "$(extension 7)" 020400989681
	is 'the policies' "$(extension 8)" 0201
	is 'and the form factor' "$(extension 9)" 01
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$user/other.key" -out "$user/other.pem" -days 10 \
    -subj '/CN=Virtual YubiKey PIV Root CA' 2>/dev/null
not_ok 'a root of the same name does not do' openssl verify \
    -CAfile "$user/other.pem" -untrusted "$user/f9.pem" "$user/attest.pem"
not_ok 'a slot without a key cannot be attested' p -a attest -s 83
not_ok 'nothing is generated with a wrong management key' \
    p -a generate -s 84 -A ECCP256 \
    -k 112233445566778811223344556677881122334455667788
not_ok 'and nothing is there then' p -a attest -s 84

# PIN and PUK.
ok 'the PIN is right' p -a verify-pin -P $default_pin
not_ok 'a wrong PIN is wrong' p -a verify-pin -P 654321
is 'and costs a try' "$(tries)" 2
ok 'the right one' p -a verify-pin -P $default_pin
is 'gives it back' "$(tries)" 3
ok 'the PIN is changed' p -a change-pin -P $default_pin -N 24681357
not_ok 'the old one does not do then' p -a verify-pin -P $default_pin
ok 'the new one does' p -a verify-pin -P 24681357
for try in 1 2 3; do
	not_ok "wrong PIN $try of 3" p -a verify-pin -P 654321
done
is 'no tries are left' "$(tries)" 0
not_ok 'the right PIN does not do then' p -a verify-pin -P 24681357
not_ok 'nor a wrong PUK' p -a unblock-pin -P 11111111 -N $default_pin
ok 'the PUK does' p -a unblock-pin -P $default_puk -N $default_pin
ok 'and the PIN is the new one' p -a verify-pin -P $default_pin
ok 'the PUK is changed' p -a change-puk -P $default_puk -N 87654321
not_ok 'the old one does not do then' p -a change-puk -P $default_puk \
    -N 87654321
not_ok 'no reset while PIN and PUK are good' p -a reset
for try in 1 2 3; do
	p -a verify-pin -P 654321
	p -a change-puk -P 00000000 -N 11111111
done >/dev/null 2>&1
ok 'the card is reset when both are blocked' p -a reset
ok 'the PIN is the default then' p -a verify-pin -P $default_pin
not_ok 'and the keys are gone' p -a attest -s 9a

# A longer chain, as YubiKeys have since 5.7.
card_new 1 --touch now --middle "$work/middle.pem"
p -a generate -s 9a -A ECCP256 >/dev/null 2>&1
not_ok 'without the authority between there is no chain' attested 9a
ok 'with it there is' openssl verify -CAfile "$work/root.pem" \
    -untrusted "$user/f9.pem" -untrusted "$work/middle.pem" \
    "$user/attest.pem"

done_testing
