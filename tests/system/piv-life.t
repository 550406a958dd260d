#!/bin/sh
# YubiKeys come and go: unplugged while they sign, not touched, two with one
# key, in readers with odd names, beside other cards; pcscd stops and starts;
# and git signs with a touch that is given when it is asked for.
set -- --reader 'Yubico YubiKey OTP+FIDO+CCID' --reader 'Odd & Sons (Test)' \
    --reader 'Empty'
. "$(dirname "$0")/piv.sh"

card_start 1 --touch wait --touch-timeout 1500 || exit 1
echo 'token_wait = 5;' >"$user/wait"
mkdir -p "$config" && cat "$user/wait" >>"$config/config"
piv_agent || exit 1
pinentry "always pin $pin"
card 1 touch-mode now
piv_key 9a P-256 2 2 || exit 1
key_file=$ssh
ok 'a certificate is made beside the key' sh -c "'$build/tests/tools/piv-ask' \
    certificate $id 'git' >'$user/git.der'"
piv_ask attest "$id" 10000001 >"$user/both.der"
openssl x509 -inform DER -in "$user/both.der" -out "$user/attest.pem"
# The second of the two begins where the first ends.
size=$(openssl x509 -in "$user/attest.pem" -outform DER | wc -c)
tail -c +$((size + 1)) "$user/both.der" |
    openssl x509 -inform DER -out "$user/middle.pem"
ok 'the key is attested up to the root' openssl verify \
    -CAfile "$work/root.pem" -untrusted "$user/middle.pem" \
    "$user/attest.pem"
is 'the attestation is of that key' \
    "$(openssl x509 -in "$user/attest.pem" -noout -pubkey)" \
    "$(openssl x509 -inform DER -in "$user/git.der" -noout -pubkey)"
openpgp_key >"$user/said" 2>&1 ||
    fail 'the key is made ready for git' "$(cat "$user/said")"
card 1 touch-mode wait
new_repo

# pcscd looks twice a second whether a card is there.
plug() {
	sleep 1
	card "$1" plug
	wait_for 10 card_seen "$1"
}

waits_for_touch() {
	card 1 waiting >/dev/null
}

# git: the notice is there before the touch is given, and soon: by the clock
# of the card's log.
notice="touch YubiKey 10000001, which holds key yk, to sign: commit"
now_of_log() {
	perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC \
	    -e 'print int 1e3 * clock_gettime(CLOCK_MONOTONIC)'
}
rm -f "$user/pinentry.log"
in_background script -qfec "git -C '$repo' commit -q -S --allow-empty \
    -m touched" /dev/null
ok 'the notice is there' wait_for 10 grep -q "$notice \"touched\"" \
    "$user/said"
seen=$(now_of_log)
ok 'the card waits for a touch' wait_for 10 waits_for_touch
took=$((seen - $(sed -n 's/ touch wanted.*//p' "$work/card-1/log" | tail -n 1)))
is 'within 300 ms' "$(test $took -le 300 && echo yes || echo $took ms)" yes
has_commits() {
	test "$(commits)" -gt 0
}
not_ok 'nothing is committed before the touch' has_commits
not_ok 'and git waits' has_ended
card 1 touch
ok 'git commits' wait_for 10 has_ended
is 'and says that it went well' "$(cat "$user/status")" 0
ok 'the commit verifies' is_signed HEAD
is 'git swallows what is said to it, and the terminal has it once' \
    "$(grep -c "$notice" "$user/said")" 1

is 'and needs no dialogue' "$(pinentry_log | grep -c '^MESSAGE')" 0

# What is said on the standard error and in a dialogue, without a terminal.
in_background sign_directly
ok 'without a terminal the card waits, too' wait_for 10 waits_for_touch
ok 'and the client says so' wait_for 1 grep -q "$notice \"a commit\"" \
    "$user/said"
is 'once' "$(grep -c 'touch YubiKey' "$user/said")" 1
ok 'and a dialogue' wait_for 5 dialogue_is_open MESSAGE
like 'in the same words' "$(pinentry_log)" "^SETDESC $notice \"a commit\""
not_ok 'which stays' prompts_are_gone
card 1 touch
ok 'with the touch it ends' wait_for 10 has_ended
like 'well' "$(cat "$user/said")" 'SIG_CREATED'
ok 'and the dialogue is gone' wait_for 5 prompts_are_gone
unlike 'and nothing is said of a touch after the first' \
    "$(cat "$user/said")" 'once more'

# SSH's clients say nothing themselves.
rm -f "$user/pinentry.log"
in_background ssh_sign
ok 'for SSH there is a dialogue' wait_for 5 dialogue_is_open MESSAGE
like 'which says for what' "$(pinentry_log)" \
    '^SETDESC touch YubiKey 10000001, .* to sign: '
ok 'it waits for a touch' wait_for 5 waits_for_touch
kill "$(pinentry_pid)"
not_ok 'who closes the dialogue has not touched it' wait_for 1 has_ended
card 1 touch
ok 'with the touch it ends' wait_for 5 has_ended
ok 'well' ssh_good

# A client that goes takes its notice with it.
rm -f "$user/pinentry.log"
in_background sign_directly
ok 'there is a notice' wait_for 5 dialogue_is_open MESSAGE
kill "$(client_pids)"
ok 'which goes with the client' wait_for 5 prompts_are_gone
card 1 touch
wait_for 5 has_ended

# Missed once: asked once more, and the PIN is not blamed.
card 1 zero
in_background sign_directly
ok 'a touch that is missed' wait_for 10 waits_for_touch
wait_for 5 sh -c "grep -q 'touch wanted' '$work/card-1/log'"
sleep 1.7
ok 'is waited for once more' wait_for 5 waits_for_touch
card 1 touch
ok 'and then it signs' wait_for 10 has_ended
like 'well' "$(cat "$user/said")" 'SIG_CREATED'
is 'the client said so, first one and then the other' \
    "$(sed -n "s/^touchstone: \(.*\)touch YubiKey .*/\1./p" "$user/said")" \
    ".
nobody touched it in time; once more: ."
is 'the PIN was sent once at most' "$(test "$(count 1 verifies)" -le 1 &&
    echo yes)" yes

card 1 touch-mode never
tap_out=$(sign_directly 2>&1)
like 'a touch that never comes is said so' "$tap_out" \
    'not touched in time: nothing was signed; try again'
unlike 'and the PIN is not blamed' "$tap_out" 'PIN'
card 1 touch-mode wait

# Unplugged while it waits for the touch.
in_background sign_directly
ok 'the card waits' wait_for 10 waits_for_touch
start=$(now_ms)
card 1 unplug
ok 'unplugged: it ends' wait_for 10 has_ended
took=$(($(now_ms) - start))
is 'within two seconds' "$(test $took -lt 2000 && echo yes || echo $took)" yes
like 'and says so' "$(cat "$user/said")" 'token removed'
before=$(pin_dialogues)
card 1 touch-mode now
plug 1
ok 'plugged in again, it signs' ssh_sign
is 'but the PIN was wiped' "$(pin_dialogues)" $((before + 1))

# Two with the same key: either will do.
cp -r "$work/card-1" "$work/card-2"
sed -i 's/10000001/10000002/' "$work/card-2/state"
rm -f "$work/card-2/control"
card_start 2 --touch now
seen_two() {
	touchstone keys list >/dev/null
	test "$(status_of '.modules[0].tokens | length')" = 2
}
ok 'two cards are seen, one in a reader with an odd name' \
    wait_for 10 seen_two
touchstone keys list --json >"$user/keys"
is 'their key is one' "$(jq '.keys | length' "$user/keys")" 1
is 'on both' "$(jq -r '.keys[0].holders | map([.module, .token, .serial, .slot,
    .pin_policy, .touch_policy, .origin, .firmware, .tries_left] | join(" ")) |
    sort | join(", ")' "$user/keys")" "yubikey YubiKey 10000001 10000001 9a \
once always generated 5.4.3 3, yubikey YubiKey 10000002 10000002 9a once \
always generated 5.4.3 3"
is 'keys list has a line for each' "$(touchstone keys list | awk '
    /10000001/ || /10000002/ { n++ } /^yk/ { named++ } /^ / { more++ }
    END { print n, named, more }')" '2 1 1'
is 'keys show has both' "$(touchstone keys show yk | grep -c '^serial ')" 2
card 1 unplug
ok 'with one of them taken out it signs' ssh_sign
ok 'well, by the other' ssh_good
plug 1

# Another program gets at it within two seconds, and so does it afterwards.
ok 'it signs' ssh_sign
start=$(now_ms)
ok 'another program gets the card' timeout 10 yubico-piv-tool -a status
took=$(($(now_ms) - start))
is 'within two seconds' "$(test $took -lt 2500 && echo yes || echo $took)" yes
ok 'and then it signs again' ssh_sign

# pcscd goes and comes.
"$YUBIKEY_PCSCD" stop
touchstone keys list --refresh >/dev/null 2>&1
like 'without pcscd it is told what to do' \
    "$(status_of '.modules[0].problem')" 'pcscd'
"$YUBIKEY_PCSCD" start
ok 'with it again the cards are seen' wait_for 20 seen_two
ok 'and sign' ssh_sign

# A key that wants no touch has no notice.
piv_key 9d P-256 2 1 10000001
touchstone keys export --openpgp "$id" --name quiet --user-id 'Q <q@x.org>' \
    >"$user/quiet" 2>&1 </dev/null
unlike 'a key without touch is made without a notice' \
    "$(cat "$user/quiet")" 'touch YubiKey'
tap_out=$(sign_directly quiet 2>&1)
like 'it signs' "$tap_out" 'SIG_CREATED'
unlike 'and nothing is said of a touch' "$tap_out" 'touch'
done_testing
