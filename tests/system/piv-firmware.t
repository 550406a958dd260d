#!/bin/sh
# What YubiKeys have since firmware 5.7: keys of Ed25519, RSA-3072 and
# RSA-4096 that sign, are certified and attested; and that an older one is
# told so before anything on it changes.
set --
. "$(dirname "$0")/piv.sh"
needs openssl jq

card_start 1 --firmware 5.7.1 --touch now || exit 1
piv_agent || exit 1
pinentry "always pin $pin"

for policies in 2:2 1:1 3:3; do
	for algorithm in Ed25519 RSA-3072 RSA-4096; do
		signs_well $algorithm ${policies%:*} ${policies#*:}
	done
done
signs_well P-256 2 2

# Of each, what git and others see of it.
# attested: the chain of $id is in $user/attest.pem, $user/middle.pem.
attested() {
	piv_ask attest "$id" 10000001 >"$user/both.der" &&
	    openssl x509 -inform DER -in "$user/both.der" \
	    -out "$user/attest.pem" || return 1
	size=$(openssl x509 -in "$user/attest.pem" -outform DER | wc -c)
	tail -c +$((size + 1)) "$user/both.der" |
	    openssl x509 -inform DER -out "$user/middle.pem" &&
	    openssl verify -CAfile "$work/root.pem" \
	    -untrusted "$user/middle.pem" "$user/attest.pem"
}
new_repo
for algorithm in Ed25519 RSA-3072 RSA-4096; do
	slot=9c
	piv_key $slot $algorithm 2 2 2>"$user/said" ||
	    fail "$algorithm: a key" "$(cat "$user/said")"
	ok "$algorithm: a certificate is made beside it" sh -c \
	    "'$build/tests/tools/piv-ask' certificate $id 'Name' \
	    >'$user/beside.der'"
	openssl x509 -inform DER -in "$user/beside.der" -out "$user/beside.pem"
	ok "$algorithm: which it signed itself" openssl verify -CAfile \
	    "$user/beside.pem" "$user/beside.pem"
	is "$algorithm: it is on the card" \
	    "$(yubico-piv-tool -a read-certificate -s $slot)" \
	    "$(cat "$user/beside.pem")"
	ok "$algorithm: attested up to the root" attested
	is "$algorithm: the attestation is of that key" \
	    "$(openssl x509 -in "$user/attest.pem" -noout -pubkey)" \
	    "$(openssl x509 -in "$user/beside.pem" -noout -pubkey)"
	touchstone keys list --refresh >/dev/null
	is "$algorithm: keys show tells what it is" "$(touchstone keys show \
	    "$id" --json | jq -r '[.algorithm, .slot, .pin_policy,
	    .touch_policy, .origin, .firmware] | join(" ")')" \
	    "$algorithm 9c once always generated 5.7.1"
	name=key-$(echo $algorithm | tr 'A-Z' 'a-z')
	touchstone keys export --openpgp "$id" --name "$name" \
	    --user-id "A U Thor <$name@example.com>" --import \
	    >"$user/key.asc" 2>"$user/said" </dev/null ||
	    fail "$algorithm: ready for git" "$(cat "$user/said")"
	git config --file "$GIT_CONFIG_GLOBAL" user.signingkey \
	    "$(touchstone keys show "$name" --json | jq -r .fingerprint)"
	ok "$algorithm: git signs" without_terminal git -C "$repo" commit -q \
	    -S --allow-empty -m "$algorithm"
	ok "$algorithm: gpg verifies" git -C "$repo" -c gpg.program=gpg \
	    verify-commit HEAD
	git -C "$repo" cat-file commit HEAD | sed "s/^$algorithm\$/forged/" |
	    git -C "$repo" hash-object -t commit -w --stdin >"$user/forged"
	not_ok "$algorithm: but nothing else" git -C "$repo" \
	    -c gpg.program=gpg verify-commit "$(cat "$user/forged")"
done

# ---- before firmware 5.7 ----
touchstone stop >/dev/null
card_new 1 --firmware 5.4.3 --touch now || exit 1
new_user older
export DISPLAY=:99
piv_agent || exit 1
touchstone keys list >/dev/null
cp "$work/card-1/state" "$user/state"
card 1 zero
for algorithm in Ed25519 RSA-3072 RSA-4096; do
	tap_out=$(piv_ask generate yubikey '' k $algorithm 9a 2 2 '' 2>&1)
	like "$algorithm with firmware 5.4: it is said which has it" \
	    "$tap_out" "$algorithm.*firmware 5\.7.*5\.4\.3"
	is "$algorithm with firmware 5.4: no PIN, no login" \
	    "$(count 1 verifies) $(count 1 logins)" '0 0'
	touchstone setup --no-change --algorithm $algorithm \
	    >/dev/null 2>"$user/said" </dev/null
	isnt "$algorithm with firmware 5.4: no set-up" $? 0
	like "$algorithm with firmware 5.4: it says why" \
	    "$(cat "$user/said")" 'firmware 5\.7'
done
ok 'the card is as it was' cmp "$user/state" "$work/card-1/state"
ok 'and makes what it has' piv_key 9a P-384 2 2
done_testing
