#!/bin/sh
# An owner whose root and targets keys Notary's client made in files puts them
# on a token: the repository goes on as it is, its snapshots become the
# server's, and a root key that was made on the token takes the place of the
# one that has been in a file.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
. "$src/tests/system/trust-peers.sh"
needs_notary || skip_all "$lacks"
command -v softhsm2-util >/dev/null ||
    skip_all 'softhsm2-util is not installed'
notary_server 4443 || exit 1
registry 5000
soft_token P-384 mine || exit 1
image one
gun=$registry/one
versions() {
	for role; do
		tuf_version $role "$gun"
	done | xargs
}

ok 'notary makes a repository' notary_as owner init -p "$gun"
ok 'and signs' notary_signs owner "$gun" v1 "$digest" "$(size_of one \
    "$digest")" targets
not_ok 'whose keys are not ours' trust witness "$gun" root targets
like 'which is told' "$tap_out" 'the agent has 0 of them'

# ---- onto the token ----
export SOFTHSM2_CONF="$XDG_DATA_HOME/touchstone/soft/softhsm2.conf"
token=$(status_of '.modules[0].tokens[0].label')
id=a0
for file in "$user"/trust-of-owner/private/*.key; do
	role=$(sed -n 's/^role: //p' "$file")
	test "$role" != snapshot || continue
	sed '/^[a-z]*: /d; /^$/d' "$file" >"$user/sealed"
	openssl pkcs8 -in "$user/sealed" -passin "pass:$notary_pass" -topk8 \
	    -nocrypt -out "$user/$role.key"
	ok "the $role key goes to the token" softhsm2-util --import \
	    "$user/$role.key" --token "$token" --label "old-$role" --id $id \
	    --pin "$(cat "$user/pin")"
	id=b1
done
unset SOFTHSM2_CONF
touchstone keys list --refresh >/dev/null

before=$(versions root targets)
not_ok 'a signer cannot be added' \
    trust signer add me "$gun" --key mine
like 'while snapshots are for a file to sign' "$tap_out" \
    "touchstone trust rotate $gun snapshot"
is 'and nothing changed' "$(versions root targets)" "$before"
ok 'they become the server'"'"'s' trust rotate "$gun" snapshot
ok 'now a signer is added' trust signer add me "$gun" --key mine
ok 'who signs' trust sign --key mine "$image"
ok 'the owner before goes along' notary_as owner lookup "$gun" v1
ok 'who comes, too' notary_fresh lookup "$gun" v1
ok 'the root goes to a key that never was in a file' \
    trust rotate "$gun" root --root-key mine
ok 'and targets, too' trust rotate "$gun" targets --key mine
ok 'who knew the old root goes along' notary_as owner lookup "$gun" v1
ok 'who comes, too, again' notary_fresh lookup "$gun" v1
ok 'and we' trust verify "$image"
not_ok 'what is in files signs no more' notary_signs owner "$gun" v2 \
    "$digest" "$(size_of one "$digest")" targets
done_testing
