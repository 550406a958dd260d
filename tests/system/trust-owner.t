#!/bin/sh
# The owner of a repository has the keys of root and targets on tokens: makes
# its trust data, lets others sign and no more, replaces keys, and signs again
# what would expire; Notary's and Docker's clients go along with all of it, and
# who has not the keys changes nothing.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
. "$src/tests/system/trust-peers.sh"
needs_notary || skip_all "$lacks"
# A display as far as the agent can tell; it is never opened.
export DISPLAY=:99
pinentry_setup
notary_server 4443 || exit 1
registry 5000
for key in P-256:root P-384:targets RSA-2048:rsa P-256:alice P-384:other; do
	soft_token ${key%:*} ${key#*:} || exit 1
done
image one
one=$digest
size=$(wc -c <"$user/layout/one/blobs/sha256/${one#sha256:}")
gun=$registry/one
signatures() {
	grep -c '"stage":"signed"' "$(status_of .audit)"
}
state=$XDG_STATE_HOME/touchstone/trust

certificate=$XDG_DATA_HOME/touchstone/trust/127.0.0.1:5000+one.pem

# root_of NAME: of a repository's root, as the server has it.
root_of() {
	tuf root "$gun" | jq -r "$1"
}
# delegation ROLE: the ids that it lists.
delegation() {
	tuf targets "$gun" | jq -r --arg role "$1" '.signed.delegations.roles[]
	    | select(.name == $role) | .keyids[]'
}
versions() {
	for role; do
		tuf_version $role "$gun"
	done | xargs
}

# ---- a repository ----
before=$(signatures)
not_ok 'there is none' trust signer add alice "$gun" --key alice
like 'which is told' "$tap_out" "no trust data of $gun"
not_ok 'a tag is no repository' trust init "$gun:v1"
not_ok 'nor is a key one that nobody has' trust init "$gun" --key nobody
not_ok 'with a root key that nobody has' trust init "$gun" --root-key nobody
is 'and no key was used' "$(signatures)" "$before"
not_ok 'nothing is kept' test -e "$state"
ok 'a repository is made' trust init "$gun" --root-key root --key targets
like 'whose certificate is told' "$tap_out" 'certificate .*one.pem '
ok 'which is kept' test -s "$certificate"
is 'of four roles' "$(versions root targets snapshot timestamp)" '1 1 1 1'
is 'by a certificate, a key, and two of the server' "$(root_of '.signed as
    $root | ["root", "targets", "snapshot", "timestamp"] |
    map($root.keys[$root.roles[.].keyids[0]].keytype) | join(" ")')" \
    'ecdsa-x509 ecdsa ecdsa ecdsa'
is 'for ten years, and three' "$(for role in root targets; do
	tuf $role "$gun" | jq -r '.signed.expires | fromdateiso8601 - now |
	    . / 86400 | round'
done | xargs)" '3650 1095'
ok 'Notary takes it' notary_fresh list "$gun"
is 'the certificate is for the repository alone' "$(openssl x509 -in \
    "$certificate" -noout -subject -nameopt multiline,-esc_msb |
    sed -n 's/ *commonName *= //p')" "$gun"
is 'we trust the root that we made' "$(trust inspect --json "$gun" |
    jq -r .pinned.by)" 'made here'
rm -r "$state"
ok 'others know it by the certificate' \
    trust inspect --root "$certificate" "$gun"
before=$(signatures)
not_ok 'it is not made again' trust init "$gun" --root-key root --key targets
like 'being known' "$tap_out" 'was seen before'
rm -r "$state"
not_ok 'nor by whoever does not know it' \
    trust init "$gun" --root-key root --key targets
like 'being there' "$tap_out" 'there is trust data of .* already'
is 'no key was used' "$(signatures)" "$before"
is 'nothing changed' "$(versions root targets)" '1 1'

# ---- signers ----
touchstone keys export --pem alice >"$user/alice.pub"
ok 'a signer is added' trust signer add alice "$gun" --key alice
is 'to two delegations, by one id' \
    "$(delegation targets/alice) $(versions targets root)" \
    "$(delegation targets/releases) 2 1"
like 'recorded as that' "$(touchstone audit show --json | jq -r \
    '[.records[] | select(.stage == "signed")][-1].summary')" \
    "targets/alice by .* in $gun by targets, version 2"
ok 'once' trust signer add alice "$gun" --key "$user/alice.pub"
like 'not again' "$tap_out" 'nothing is to be changed'
is 'in no new version' "$(tuf_version targets "$gun")" 2
notary_delegate bob
ok 'another has a certificate' \
    trust signer add bob "$gun" --key "$user/bob.crt"
is 'which is listed' "$(tuf targets "$gun" | jq -r --arg id \
    "$(delegation targets/bob)" '.signed.delegations.keys[$id].keytype')" \
    ecdsa-x509
ok 'he signs, by notary' notary_signs bob "$gun" v1 "$one" "$size"
ok 'and Notary finds it' notary_fresh lookup "$gun" v1
ok 'we do' trust verify "$gun:v1"
for name in Alice releases a/b _a ..; do
	not_ok "no signer is called '$name'" \
	    trust signer add "$name" "$gun" --key alice
	like "which is told: '$name'" "$tap_out" 'no name of a signer'
done
not_ok 'who has no key is no signer' trust signer add carol "$gun"
not_ok 'nor with a file that has none' \
    trust signer add carol "$gun" --key "$user/setup.json"
not_ok 'or a text' trust signer add carol "$gun" --key "$src/README"
openssl req -x509 -newkey rsa:2048 -nodes -days -1 -subj /CN=old -keyout \
    "$user/old.key" -out "$user/old.crt" 2>/dev/null
not_ok 'or a certificate that has expired' \
    trust signer add carol "$gun" --key "$user/old.crt"
not_ok 'there is no third way' trust signer change alice "$gun" --key alice
is 'nothing changed' "$(tuf_version targets "$gun")" 3

not_ok 'a stranger is not removed' trust signer remove carol "$gun"
like 'which is told' "$tap_out" 'has no signer "carol"'
not_ok 'who has signed the tags is not removed' \
    trust signer remove bob "$gun"
like 'before another has' "$tap_out" "witness $gun targets/releases"
ok 'so another does' trust witness "$gun" targets/releases
ok 'now he is' trust signer remove bob "$gun"
is 'from both' "$(delegation targets/bob) $(delegation targets/releases)" \
    " $(delegation targets/alice)"
is 'with his key' "$(tuf targets "$gun" |
    jq '.signed.delegations.keys | length')" 1
not_ok 'he signs no more' notary_signs bob "$gun" v2 "$one" "$size"
ok 'his tag stays' notary_fresh lookup "$gun" v1
ok 'for us too' trust verify "$gun:v1"
not_ok 'the last one is not removed' trust signer remove alice "$gun"
like 'without more ado' "$tap_out" 'the last signer'

# ---- other keys ----
before=$(root_of '.signed.roles.snapshot.keyids[0]')
ok 'the server gets another snapshot key' trust rotate "$gun" snapshot
isnt 'which root lists' "$(root_of '.signed.roles.snapshot.keyids[0]')" \
    "$before"
ok 'and another timestamp key' trust rotate "$gun" timestamp
ok 'targets get another key' trust rotate "$gun" targets --key rsa
is 'which signs them' "$(tuf targets "$gun" |
    jq -r '.signatures[] | .keyid + " " + .method')" \
    "$(root_of '.signed.roles.targets.keyids[0]') rsapss"
is 'with all that was there' "$(delegation targets/alice)" \
    "$(delegation targets/releases)"
ok 'who knew it goes on' notary_as bob lookup "$gun" v1
ok 'who comes, too' notary_fresh lookup "$gun" v1
ok 'and we' trust verify "$gun:v1"
not_ok 'it is the key already' trust rotate "$gun" targets --key rsa
like 'which is told' "$tap_out" 'already'

before=$(root_of .signed.roles.root.keyids[0])
ok 'root gets another key' trust rotate "$gun" root --root-key other
is 'and is signed by both' "$(root_of '.signatures[].keyid' | sort)" \
    "$({ echo "$before"; root_of '.signed.roles.root.keyids[0]'; } | sort)"
ok 'who knew it goes on, again' notary_as bob lookup "$gun" v1
ok 'who comes, too, again' notary_fresh lookup "$gun" v1
ok 'and we, again' trust verify "$gun:v1"
before=$(root_of .signed.roles.root.keyids[0])
ok 'the same key gets another certificate' \
    trust rotate "$gun" root --root-key other
like 'which is told' "$tap_out" 'the key stays'
isnt 'by another id' "$(root_of '.signed.roles.root.keyids[0]')" "$before"
ok 'who knew it goes on with that' notary_as bob lookup "$gun" v1
ok 'as we do' trust verify "$gun:v1"
before=$(tuf_version root "$gun")
for wrong in root 'root --key other' targets 'targets --root-key other' \
    'snapshot --key other' targets/alice none; do
	not_ok "what is no rotation: $wrong" trust rotate "$gun" $wrong
done
is 'nothing changed' "$(tuf_version root "$gun")" "$before"

# ---- signed again ----
before=$(versions root targets)
ok 'nothing expires yet' trust witness "$gun"
like 'which is told' "$tap_out" 'nothing is to be changed'
is 'in no new version' "$(versions root targets)" "$before"
ok 'what is named is signed again' trust witness "$gun" root targets
isnt 'both are' "$(versions root targets)" "$before"
ok 'Notary takes it' notary_as bob lookup "$gun" v1
not_ok 'what is not there is not' trust witness "$gun" targets/none
not_ok 'nor what the server signs' trust witness "$gun" snapshot

# ---- somebody else at the same time ----
cp "$config/config" "$user/base"
echo 'keys = ( { key = "rsa"; confirm = true; } );' >>"$config/config"
ok 'the targets key asks' touchstone reload
pinentry 'delay 1000' confirm 'always confirm'
touchstone trust signer add carol "$gun" --key other --server "$notary_url" \
    --ca "$notary_ca" >"$user/first" 2>&1 </dev/null &
first=$!
asked() {
	pinentry_log | grep -q '^CONFIRM'
}
wait_for 20 asked
kill -STOP $first
ok 'while one adds a signer, another adds another' \
    trust signer add dave "$gun" --key root
kill -CONT $first
wait $first
is 'the first has its way, too' "$?" 0
like 'after another try' "$(cat "$user/first")" 'somebody else was faster'
is 'and both are there' \
    "$(delegation targets/carol) $(delegation targets/dave)" \
    "$(delegation targets/releases | tail -n 2 | tac | xargs)"
like 'the question tells what it is about' "$(pinentry_log |
    grep '^SETDESC' | tail -n 1)" "targets/carol by .* in $gun by targets"
pinentry 'always refuse'
before=$(versions root targets)
not_ok 'what is refused is not done' trust signer remove dave "$gun"
is 'nothing changed' "$(versions root targets)" "$before"
cp "$user/base" "$config/config"
ok 'it asks no more' touchstone reload

# ---- the last one ----
ok 'all but one are removed' trust signer remove dave "$gun"
ok 'and another' trust signer remove carol "$gun"
ok 'the last one too, with force' trust signer remove alice "$gun" --force
is 'nobody is left' "$(tuf targets "$gun" |
    jq -c '.signed.delegations')" '{"keys":{},"roles":[]}'
not_ok 'what was released counts no more' trust verify "$gun:v1"
ok 'but the owner signs' trust sign --key rsa "$gun:v1"
ok 'which Notary takes' notary_fresh lookup "$gun" v1

# ---- who is not the owner ----
image two
gun=$registry/two
ok 'another has a repository' notary_as owner init -p "$gun"
before=$(signatures) versions=$(versions root targets)
for what in 'signer add alice GUN --key alice' 'rotate GUN snapshot' \
    'rotate GUN targets --key rsa' 'rotate GUN root --root-key root' \
    'witness GUN targets' 'witness GUN root'; do
	trust $(echo "$what" | sed "s,GUN,$gun,") >"$user/said" 2>&1
	is "who is not the owner does not: $what" "$?" 5
	like "and is told: $what" "$(cat "$user/said")" \
	    'the agent has 0 of them'
done
is 'no key was used' "$(signatures)" "$before"
is 'nothing changed' "$(versions root targets)" "$versions"

# ---- whom the server lets in ----
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tokens \
    -keyout "$user/tokens.key" -out "$user/tokens.pem" 2>/dev/null
"$src/tests/tools/token-server" 5444 "$user/tokens.key" "$user/tokens.pem" \
    "$user/tokens.log" me:secret "$notary_tls/server.pem" \
    "$notary_tls/server.key" 2>"$user/tokens.err" &
wait_for_port 5444 "$user/tokens.err"
open=$notary_url
notary_server 4453 token https://127.0.0.1:5444/token "$user/tokens.pem" ||
    exit 1
gun=$registry/three
before=$(signatures)
not_ok 'whom the server does not let in makes nothing' \
    trust init "$gun" --root-key root --key targets
is 'no key was used' "$(signatures)" "$before"
mkdir -p "$HOME/.docker"
printf '{"auths": {"%s": {"auth": "%s"}}}' "$registry" \
    "$(printf me:secret | base64)" >"$HOME/.docker/config.json"
ok 'who has the password does' \
    trust init "$gun" --root-key root --key targets
ok 'and has keys made' trust rotate "$gun" snapshot
like 'with leave for all' "$(tail -n 4 "$user/tokens.log")" \
    "repository:$gun:\* as me"
rm "$HOME/.docker/config.json"
notary_url=$open

# ---- keys of every kind, and docker ----
image plain
plain=$image
docker_there=
if needs_docker; then
	docker_there=yes
	needs_docker_host || diag "$lacks"
else
	skip "docker's client" "$lacks"
fi
owner_before_all root targets
owner_before_all targets rsa
owner_before_all rsa root
owner_before_all alice alice
if test -n "$docker_there"; then
	ok 'docker lets another sign as well' docker_as guest trust key \
	    generate guest --dir "$user"
	ok 'whom we add' trust signer add guest "$gun" \
	    --key "$user/guest.pub"
	ok 'he signs' docker_as guest trust sign "$image"
	is 'which docker tells' "$(docker_fresh trust inspect "$gun" | jq -r \
	    '.[0].SignedTags[] | .Signers | sort | join(" ")')" 'guest signer'
fi
done_testing
