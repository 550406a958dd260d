#!/bin/sh
# A repository whose root and targets keys are on a YubiKey, of each kind that
# it makes: Notary's and Docker's clients take what they sign and follow the
# root to another of them; each signature is touched for, and its question
# names what it is about.
. "$(dirname "$0")/trust-keys.sh"

new_key k-ed 85 Ed25519
docker_there=
if needs_docker; then
	docker_there=yes
	needs_docker_host || diag "$lacks"
else
	skip "docker's client" "$lacks"
fi
owner_before_all k-p256 k-p384
owner_before_all k-p384 k-rsa
owner_before_all k-rsa k-p256

# ---- the last of them, of another root ----
notary_as visitor lookup "$gun" v1 >/dev/null 2>&1
ok 'the root goes to another key' trust rotate "$gun" root --root-key k-p384
ok 'who knew the old one takes it' notary_as visitor lookup "$gun" v1
ok 'so do we' trust verify "$image"
touchstone forget >/dev/null
ok 'all is renewed' trust witness "$gun" root targets
like 'the PIN is for what is named' "$(pinentry_log |
    awk '/^SETDESC/ { said = $0 } /^GETPIN/ { print said }' |
    tail -n 1)" "nothing new in $gun by root, version 3"
ok 'who knew it takes that' notary_as visitor lookup "$gun" v1
not_ok 'Ed25519 is for no root' trust rotate "$gun" root --root-key k-ed
like 'which is told' "$tap_out" 'use an ECDSA or RSA key'
ok 'but for targets' trust rotate "$gun" targets --key k-ed
ok 'which Notary takes' notary_fresh lookup "$gun" v1
ok 'and we' trust verify "$image"

# ---- without the card ----
card_stop 1
before=$(tuf_version targets "$gun")
timeout 5 touchstone trust witness "$gun" targets --server "$notary_url" \
    --ca "$notary_ca" >"$user/said" 2>&1 </dev/null
isnt 'without the card nothing is signed' "$?" 0
is 'and nothing changed' "$(tuf_version targets "$gun")" "$before"
done_testing
