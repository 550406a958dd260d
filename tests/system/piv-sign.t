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
			signs_well $algorithm $pin_policy $touch
		done
	done
done
done_testing
