#!/bin/sh
# ykman, ykcs11, OpenSC, yubikey-agent and scdaemon, unmodified, with the
# virtual YubiKey.
set --
. "$(dirname "$0")/yubikey.sh"
needs openssl yubico-piv-tool

lib=$(dirname "$(find /usr/lib -name 'libykcs11.so*' | head -n 1)")

ykman_() {
	timeout 60 ykman "$@"
}

piv() {
	ykman_ piv "$@"
}

# A certificate of its own for a key that was made: SLOT PUBLIC-KEY.
certify() {
	piv certificates generate -P $default_pin -m "${mgm-$default_mgm}" \
	    -s "CN=key $1" "$1" "$2"
}

verifies() {	# PUBLIC-KEY SIGNATURE FILE
	openssl dgst -sha256 -verify "$1" -signature "$2" "$3"
}

card_start 1 --touch now || exit 1
echo document >"$user/document"
echo another >"$user/another"
openssl dgst -sha256 -binary -out "$user/digest" "$user/document"

# ykman.
if command -v ykman >/dev/null; then
	is 'ykman sees one YubiKey' "$(ykman_ list --serials)" 10000001
	like 'and what it is' "$(ykman_ info)" 'Firmware version: 5\.4\.3'
	info=$(piv info)
	like 'it warns of a default PIN' "$info" 'Using default PIN'
	like 'and of a default management key' "$info" \
	    'Using default Management key'
	ok 'it makes an RSA key' piv keys generate -a RSA2048 \
	    -m $default_mgm 9a "$user/9a.pem"
	not_ok 'not with another management key' piv keys generate \
	    -a ECCP256 -m 112233445566778811223344556677881122334455667788 \
	    9d "$user/9d.pem"
	ok 'and a P-256 key in 9c' piv keys generate -a ECCP256 \
	    -m $default_mgm 9c "$user/9c.pem"
	ok 'their certificates, self-signed' certify 9a "$user/9a.pem"
	ok 'both' certify 9c "$user/9c.pem"
	not_ok 'with the wrong PIN there is none' piv certificates generate \
	    -P 654321 -m $default_mgm -s CN=no 9c "$user/9c.pem"
	ok 'which gives the try back' piv certificates generate \
	    -P $default_pin -m $default_mgm -s CN=9c 9c "$user/9c.pem"
	ok 'the certificate comes out' piv certificates export 9a \
	    "$user/9a.crt"
	ok 'and verifies' openssl verify -CAfile "$user/9a.crt" \
	    "$user/9a.crt"
	is 'it is of that key' \
	    "$(openssl x509 -in "$user/9a.crt" -noout -pubkey)" \
	    "$(cat "$user/9a.pem")"
	ok 'attestation' piv keys attest 9a "$user/attest.pem"
	openssl ecparam -name secp384r1 -genkey -noout -out "$user/key.pem"
	openssl pkey -in "$user/key.pem" -pubout -out "$user/key.pub"
	ok 'a key is imported' piv keys import -m $default_mgm 9d \
	    "$user/key.pem"
	not_ok 'which cannot be attested' piv keys attest 9d \
	    "$user/attest.pem"
	ok 'it is that key' certify 9d "$user/key.pub"
	not_ok 'and no other' certify 9d "$user/9c.pem"
	ok 'its key is known' certify 9d "$user/key.pub"
	openssl genrsa -traditional -out "$user/rsa.pem" 2048 2>/dev/null
	openssl pkey -in "$user/rsa.pem" -pubout -out "$user/rsa.pub"
	ok 'so is an RSA key' piv keys import -m $default_mgm 83 \
	    "$user/rsa.pem"
	ok 'that key' certify 83 "$user/rsa.pub"
else
	skip ykman 'ykman is not installed'
fi

# pkcs11-tool, by ykcs11 and by OpenSC.
p11() {
	timeout 60 pkcs11-tool --module "$module" "$@"
}

sign_with() {
	rm -f "$user/signature"
	case $1 in
	RSA) p11 -l -p "$2" -s -m SHA256-RSA-PKCS --id 01 \
	    -i "$user/document" -o "$user/signature" ;;
	EC) p11 -l -p "$2" -s -m ECDSA -f openssl --id 02 \
	    -i "$user/digest" -o "$user/signature" ;;
	esac && test -s "$user/signature"
}

check_module() {
	for kind in RSA:9a EC:9c; do
		key=$user/${kind#*:}.pem
		ok "$1 signs with ${kind%:*}" sign_with "${kind%:*}" \
		    $default_pin
		ok 'which verifies' verifies "$key" "$user/signature" \
		    "$user/document"
		not_ok 'as nothing else' verifies "$key" \
		    "$user/signature" "$user/another"
	done
	card 1 zero
	not_ok "$1 does not with a wrong PIN" sign_with EC 654321
	is 'which was tried once' "$(count 1 verifies)" 1
	is 'and signed nothing' "$(count 1 signs)" 0
	ok "$1 with the right one again" sign_with EC $default_pin
}

if ! command -v pkcs11-tool >/dev/null || ! test -f "$user/9a.pem"; then
	skip 'modules' 'pkcs11-tool or ykman is not installed'
else
	for name in ykcs11 opensc; do
		module=$lib/libykcs11.so
		test $name = ykcs11 || module=$lib/opensc-pkcs11.so
		test -f "$module" ||
		    module=$(find /usr/lib -name "$name-pkcs11.so" -o \
		    -name "lib$name.so" | head -n 1)
		if test -f "$module"; then
			check_module $name
		else
			skip "$name" 'it is not installed'
		fi
	done
fi

# OpenSC's piv-tool logs in with the management key.  The command for a key
# is sent as it is, since -G stumbles over OpenSSL 3 after it was made.
opensc_generate() {	# KEY
	echo "$1" | sed 's/../&:/g; s/:$//' >"$user/mgm"
	PIV_EXT_AUTH_KEY=$user/mgm timeout 60 piv-tool -A M:9B:03 \
	    -s 00:47:00:9E:05:AC:03:80:01:11 >"$user/9e" 2>&1 || return 1
	grep -q 'SW1=0x90, SW2=0x00' "$user/9e"
}

if command -v piv-tool >/dev/null; then
	like 'piv-tool knows it' "$(timeout 60 piv-tool -n 2>&1)" \
	    'Personal Identity Verification Card'
	ok 'it logs in and makes a key' opensc_generate $default_mgm
	not_ok 'not with another management key' opensc_generate \
	    112233445566778811223344556677881122334455667788
else
	skip 'piv-tool' 'OpenSC is not installed'
fi

# Management keys as ykman has them; firmware 5.7 begins with AES-192.
if command -v ykman >/dev/null; then
	ok 'an AES-256 management key' piv access change-management-key \
	    -a AES256 -m $default_mgm -n "$default_mgm$(echo $default_mgm |
	    cut -c 1-16)"
	not_ok 'the old one does not do then' piv keys generate -a ECCP256 \
	    -m $default_mgm 84 "$user/84.pem"
	ok 'the new one does' piv keys generate -a ECCP256 \
	    -m "${default_mgm}0102030405060708" 84 "$user/84.pem"
	ok 'one that the card keeps behind its PIN' \
	    piv access change-management-key -a AES192 -g -p \
	    -m "${default_mgm}0102030405060708" -P $default_pin
	ok 'is had for the PIN' piv keys generate -a ECCP256 \
	    -P $default_pin 84 "$user/84.pem"
	not_ok 'and for no other' piv keys generate -a ECCP256 -P 654321 84 \
	    "$user/84.pem"
	ok 'the card is reset' piv reset -f
	like 'and has its defaults' "$(piv info)" 'Using default PIN'

	card_new 1 --firmware 5.7.4 --touch now
	like 'firmware 5.7 says so' "$(ykman_ info)" \
	    'Firmware version: 5\.7\.4'
	like 'and begins with AES' "$(piv info)" \
	    'Management key algorithm: AES192'
	ok 'its default lets keys be made' piv keys generate -a ECCP256 \
	    -m $default_mgm 9a "$user/9a.pem"
	not_ok 'but yubico-piv-tool 2.2.0 cannot log in' \
	    yubico-piv-tool -a generate -s 9c -A ECCP256
fi

# scdaemon holds what it has until it is told to let go.
if command -v gpg-connect-agent >/dev/null &&
    test -x "$(gpgconf --list-components | sed -n 's/^scdaemon:[^:]*://p')"
then
	printf 'disable-ccid\n' >"$GNUPGHOME/scdaemon.conf"
	like 'gpg sees an OpenPGP card' \
	    "$(timeout 60 gpg --card-status 2>&1)" \
	    'Serial number.*: 10000001'
	not_ok 'which others cannot have meanwhile' \
	    yubico-piv-tool -a status
	timeout 60 gpgconf --kill scdaemon
	wait_for 10 yubico-piv-tool -a status
	ok 'and can have then' yubico-piv-tool -a status
else
	skip 'scdaemon' 'scdaemon is not installed'
fi

# yubikey-agent: its own setup, then a signature for SSH.
agent_setup() {
	printf '246813\n246813\n' | timeout 60 script -qec \
	    'yubikey-agent -setup' /dev/null >"$user/agent.setup" 2>&1
	grep -o 'ecdsa-sha2-nistp256 [A-Za-z0-9+/=]*' "$user/agent.setup" \
	    >"$user/agent.pub"
}

agent_signs() {
	rm -f "$user/document.sig"
	SSH_AUTH_SOCK=$user/agent.sock timeout 30 ssh-keygen -q -Y sign \
	    -f "$user/agent.pub" -n test "$user/document" || return 1
}

signature_is_good() {
	echo "me $(cat "$user/agent.pub")" >"$user/signers"
	ssh-keygen -q -Y verify -f "$user/signers" -I me -n test \
	    -s "$user/document.sig" <"$1" || return 1
}

good_document() {
	signature_is_good "$user/document"
}

good_another() {
	signature_is_good "$user/another"
}

if command -v yubikey-agent >/dev/null && command -v script >/dev/null; then
	card_new 1 --touch now
	ok 'yubikey-agent sets the card up' agent_setup
	mkdir "$user/bin"
	cp "$build/tests/tools/pinentry-script" "$user/bin/pinentry"
	printf 'always pin 246813\n' >"$user/bin/pinentry.script"
	# It asks gpgconf which pinentry to run.
	printf '#!/bin/sh\necho "pinentry:Passphrase:%s"\n' \
	    "$user/bin/pinentry" >"$user/bin/gpgconf"
	chmod 755 "$user/bin/gpgconf"
	PATH=$user/bin:$PATH yubikey-agent -l "$user/agent.sock" \
	    >"$user/agent.log" 2>&1 &
	agent=$!
	wait_for 10 test -S "$user/agent.sock"
	card 1 zero
	ok 'it signs for SSH' agent_signs
	is 'with one touch' "$(count 1 touches)" 1
	ok 'which verifies' good_document
	not_ok 'as nothing else' good_another
	card_new 1 --touch now
	not_ok 'a new card has no such key' agent_signs
	kill $agent
else
	skip 'yubikey-agent' 'it, or script, is not installed'
fi

done_testing
