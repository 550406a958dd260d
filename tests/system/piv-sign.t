#!/bin/sh
# A YubiKey signs: every algorithm with every policy; the PIN is asked once,
# each entry costs one try at most, and no more is sent than has to be.
set --
. "$(dirname "$0")/piv.sh"

card_start 1 --touch now || exit 1
piv_agent || exit 1

touchstone keys list >/dev/null
like 'the token is listed' "$(status_of '.modules[0].tokens[0].serial')" \
    '^10000001$'
id=$(piv_ask generate yubikey '' k P-256 9a 2 1 '' 2>&1)
like 'a key is made in a free slot' "$id" '^[0-9a-f]{64}$'
before=$(count 1 apdus)
tap_out=$(piv_ask generate yubikey '' k P-256 9a 2 1 '' 2>&1)
like 'no slot in use is overwritten' "$tap_out" 'slot 9a .* has a key'
is 'the key stays' "$(touchstone keys list --json | jq -r '.keys[0].id // .[0].id')" "$id"

for algorithm in P-256 P-384 RSA-2048; do
	for pin_policy in 1 2 3; do
		for touch in 1 2 3; do
			what="$algorithm, PIN $pin_policy, touch $touch"
			pinentry "pin $pin" "always pin $pin"
			piv_key 9a $algorithm $pin_policy $touch \
			    2>"$user/said" || {
				fail "$what: a key" "$(cat "$user/said")"
				continue
			}
			touchstone forget >/dev/null
			ok "$what: signs" ssh_sign
			ok "$what: the signature is good" ssh_good
			card 1 zero
			ok "$what: signs again" ssh_sign
			ok "$what: that is good too" ssh_good
			case $algorithm in RSA*) most=3 ;; *) most=1 ;; esac
			test $pin_policy != 3 || most=$((most + 1))
			is "$what: the second costs" "$(count 1 apdus)" $most
			# Reset only where a PIN was verified.
			test $pin_policy = 1 && sleep 2 ||
				ok "$what: the card is let go" \
				    wait_for 3 has_let_go 1
			card 1 zero
			ok "$what: signs when it was let go" ssh_sign
			test $pin_policy = 3 && most=$((most - 1))
			test $pin_policy != 1 && most=$((most + 1))
			is "$what: that costs" "$(count 1 apdus)" \
			    $((most + 1))
		done
	done
done
done_testing
