#!/bin/sh
# The PIN of a YubiKey: one try for one entry, counted at the card, whatever
# other programs do meanwhile; the last try is the user's to spend; none is
# tried once it is locked; and nobody else finds it verified.
set --
. "$(dirname "$0")/piv.sh"

card_start 1 --touch now || exit 1
piv_agent || exit 1
pinentry "pin $pin"
piv_key 9a P-256 2 1 || exit 1

# What the card says of itself.
touchstone keys list >/dev/null
touchstone forget >/dev/null
card 1 zero

# Wrong, then right, in one dialogue.
pinentry 'pin 111111' "pin $pin"
ok 'a wrong PIN and then the right one' ssh_sign
is 'are two tries' "$(count 1 verifies)" 2
ok 'the signature is good' ssh_good
ok 'the card is let go' wait_for 3 has_let_go 1
not_ok 'another program does not find the PIN verified' sh -c \
    'yubico-piv-tool -a test-signature -s 9a </dev/null >/dev/null 2>&1'

# How many tries are left is asked after another program's use, and only then.
asked() {
	card 1 zero
	ssh_sign && count 1 asks
}
wait_for 3 has_let_go 1
is 'nobody else used it: the tries left are not asked' "$(asked)" 0
wait_for 3 has_let_go 1
sleep 1.2
sleep 1.5 | yubico-piv-tool -a selfsign -s 9a -S /CN=x/ >/dev/null 2>&1
is 'another program did: they are' "$(asked)" 1

# Another program changes the PIN: what is held costs one try, never two.
yubico-piv-tool -a change-pin -P "$pin" -N 24681357 >/dev/null 2>&1
wait_for 3 has_let_go 1
card 1 zero
pinentry cancel
ok 'a PIN that was changed does not sign' ssh_refused
is 'what was held was tried once' "$(count 1 verifies)" 1
pinentry cancel
ok 'nor does it the second time' ssh_refused
is 'and is not tried again' "$(count 1 verifies)" 1
pinentry 'pin 24681357'
ok 'the new one signs' ssh_sign
is 'at one try' "$(count 1 verifies)" 2

# The last try is asked about.
touchstone forget >/dev/null
pinentry 'pin 111111' 'pin 222222' refuse
ok 'two wrong ones, then no' ssh_refused
like 'the user was told that it is the last' "$(pinentry_log)" \
    'This is the last try'
like 'one try is left' "$(yubico-piv-tool -a status)" \
    'PIN tries left:[[:blank:]]*1$'
touchstone keys list --refresh >/dev/null
is 'and it is listed so' \
    "$(status_of '.modules[0].tokens[0].state')" 'last try of the PIN'

# ssh-add -s sends a PIN that nobody is asked about again.
printf '#!/bin/sh\necho 24681357\n' >"$user/askpass"
chmod +x "$user/askpass"
card 1 zero
not_ok 'it is not for a PIN that ssh-add sends' env \
    SSH_AUTH_SOCK="$runtime/agent.sock" SSH_ASKPASS="$user/askpass" \
    SSH_ASKPASS_REQUIRE=force setsid -w ssh-add -s yubikey
is 'and is not spent' "$(count 1 verifies)" 0
like 'the record says why' "$(touchstone audit show -n 5)" \
    'ssh-add -s yubikey, .*last try is not for a PIN that ssh-add sends'

# Locked: said so, and not one VERIFY more.
pinentry confirm 'pin 333333'
ok 'a wrong one at the last try' ssh_refused
card 1 zero
pinentry 'always pin 24681357'
ok 'a locked PIN does not sign' ssh_refused
is 'and is not tried' "$(count 1 verifies)" 0
tap_out=$(piv_ask certificate "$id" x 2>&1)
like 'it is told what helps' "$tap_out" 'PIN .* is locked.* PUK'
is 'without a try' "$(count 1 verifies)" 0

# By the PUK, in one dialogue.
: >"$user/pinentry.log"
pinentry "pin 11111111" "pin 777777" "pin $default_puk" "pin 777777"
ok 'the PUK sets a new PIN' piv_ask secret yubikey '' 3 ''
like 'the dialogue asks for the PUK' "$(pinentry_log)" 'SETPROMPT PUK:'
like 'and tells that it was wrong' "$(pinentry_log)" \
    'Wrong PUK, 2 tries left'
card 1 zero
ok 'the new PIN, which is held, signs' ssh_sign
is 'at one try' "$(count 1 verifies)" 1
pinentry "pin 777777" "pin $pin"
ok 'the PIN is changed' piv_ask secret yubikey '' 1 ''
pinentry "pin $default_puk" "pin 87654321"
ok 'and the PUK' piv_ask secret yubikey '' 2 ''
ok 'the new PIN is the PIN' yubico-piv-tool -a verify-pin -P "$pin"
ok 'the new PUK is the PUK' yubico-piv-tool -a unblock-pin -P 87654321 \
    -N "$pin"

# The management key: random, behind the PIN; then one of the user's.
touchstone forget >/dev/null
pinentry "pin $pin"
ok 'the management key is changed' piv_ask secret yubikey '' 4 ''
not_ok 'the old one does not do' yubico-piv-tool -a set-chuid
if command -v ykman >/dev/null; then
	like 'ykman knows that it is behind the PIN' "$(ykman piv info)" \
	    'Management key is stored on the YubiKey, protected by PIN'
	ok 'and finds it there' ykman piv objects generate chuid -P "$pin"
else
	skip 'ykman finds it' 'ykman is not installed'
fi
touchstone forget >/dev/null
pinentry "pin $pin"
ok 'a key is made with it' piv_key 9c P-256 2 1
new=112233445566778811223344556677881122334455667788
pinentry "pin $new"
ok 'it is changed to one that is typed' piv_ask secret yubikey '' 5 ''
ok 'which does' yubico-piv-tool -a set-chuid -k$new
touchstone forget >/dev/null
pinentry "pin ${new%88}99" "pin $new"
piv_key 9d P-256 2 1
like 'which is asked for to make a key' "$id" '^[0-9a-f]{64}$'
pinentry "pin $pin"
piv_ask certificate "$id" 'a subject' >"$user/cert.der"
openssl x509 -inform DER -in "$user/cert.der" -out "$user/cert.pem"
ok 'its certificate is whole' openssl verify -CAfile "$user/cert.pem" \
    "$user/cert.pem" </dev/null
done_testing
