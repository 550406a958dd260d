#!/bin/sh
# Trust data that Notary's own client made is verified: a tag counts for the
# digest that its signers gave it and for nothing else, the root is the one
# that was seen first or is known, and what was seen is not taken back.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
needs_notary || skip_all "$lacks"
notary_server 4443 || exit 1
registry 5000
image one
one=$digest
size=$(wc -c <"$user/layout/one/blobs/sha256/${one#sha256:}")
gun=$registry/one
trust() {
	touchstone trust "$@" --server "$notary_url" --ca "$notary_ca" \
	    </dev/null
}
state=$XDG_STATE_HOME/touchstone/trust

# ---- nothing yet ----
not_ok 'what has no trust data is not verified' trust verify "$gun:v1"
like 'and that is said' "$tap_out" "no trust data of $gun"
not_ok 'nothing is kept of it' test -e "$state"
ok 'a repository is made' notary_as owner init -p "$gun"
not_ok 'a tag that is not signed is not verified' trust verify "$gun:v1"
like 'by name' "$tap_out" "has no tag v1"
ok 'the owner signs' notary_signs owner "$gun" v1 "$one" "$size" targets

# ---- a tag ----
ok 'a tag that is signed is verified' trust verify "$gun:v1"
like 'with its digest' "$tap_out" "$one"
ok 'and by digest' trust verify "$gun@$one"
is 'in JSON' "$(trust verify --json "$gun:v1" | jq -r \
    '"\(.verified) \(.tag) \(.digest) \(.size) \(.role)"')" \
    "true v1 $one $size targets"
not_ok 'another is not' trust verify "$gun:v2"
image two
two=$digest
skopeo --insecure-policy copy -q --preserve-digests --src-tls-verify=false \
    --dest-tls-verify=false "docker://$image" "docker://$gun:v1"
not_ok 'nor is the tag once it has moved' trust verify "$gun:v1"
like 'which is told' "$tap_out" "trust data of $gun says that v1 is $one"
is 'in JSON too' "$(trust verify --json "$gun:v1" 2>/dev/null |
    jq -r '.verified')" false

# ---- delegates ----
ok 'the server signs snapshots' notary_as owner key rotate "$gun" snapshot -r
notary_delegate alice
ok 'a delegate is added' notary_as owner delegation add -p "$gun" \
    targets/releases "$user/alice.crt" --all-paths
ok 'with a role of her own' notary_as owner delegation add -p "$gun" \
    targets/alice "$user/alice.crt" --all-paths
ok 'and signs the tag as it is now' \
    notary_signs alice "$gun" v1 "$two" "$size"
ok 'releases count before targets' trust verify "$gun:v1"
like 'by her' "$tap_out" 'targets/releases.*signers: alice'
is 'all is shown' "$(trust inspect --json "$gun" | jq -r \
    '.tags.v1 | "\(.digest) \(.role) \(.signers | join(" "))"')" \
    "$two targets/releases alice"
ok 'to people too' trust inspect "$gun"
like 'with tags and keys' "$tap_out" "v1 $two, by alice"

# ---- the root ----
root=$(tuf root "$gun" | jq -r '.signed.roles.root.keyids[0]')
tuf root "$gun" | jq -r ".signed.keys[\"$root\"].keyval.public" |
    openssl base64 -d -A >"$user/root.pem"
ok 'the root key is known by its id' trust verify "$gun:v1" --root "$root"
ok 'or its certificate' trust verify "$gun:v1" --root "$user/root.pem"
not_ok 'another is not' trust verify "$gun:v1" --root "$user/alice.crt"
like 'which is told' "$tap_out" 'arbitrary keys'
rm -r "$state"
not_ok 'nor at first sight' trust verify "$gun:v1" --root "$user/alice.crt"
not_ok 'of which nothing is kept' test -e "$state"
ok 'what is seen first is trusted' trust verify "$gun:v1"
like 'and shown' "$tap_out" "first use .* root key $root"
ok 'once' trust verify "$gun:v1"
unlike 'not again' "$tap_out" 'first use'
ok 'the root key is another' sh -c 'yes | "$@"' sh env \
    NOTARY_ROOT_PASSPHRASE=$notary_pass \
    NOTARY_TARGETS_PASSPHRASE=$notary_pass \
    NOTARY_SNAPSHOT_PASSPHRASE=$notary_pass notary --server "$notary_url" \
    --tlscacert "$notary_ca" --trustDir "$user/trust-of-owner" key rotate \
    "$gun" root
is 'in a newer root' "$(tuf_version root "$gun")" 3
ok 'that is followed' trust verify "$gun:v1"
is 'and kept' "$(jq .roles.root.version "$state"/*.json)" 3

# ---- other servers ----
ok 'where docker looks for authorities, they are' sh -c '
    mkdir -p "$1" && cp "$2" "$1/ca.crt"' sh \
    "$HOME/.docker/tls/${notary_url#https://}" "$notary_ca"
ok 'a server by the variable' env DOCKER_CONTENT_TRUST_SERVER="$notary_url" \
    touchstone trust verify "$gun:v1"
rm "$HOME/.docker/tls/${notary_url#https://}/ca.crt"
not_ok 'whose authority is not known is not asked' \
    env DOCKER_CONTENT_TRUST_SERVER="$notary_url" \
    touchstone trust verify "$gun:v1"
notary_server 4453 || exit 1
ok 'another has another repository of that name' \
    notary_as other init -p "$gun"
ok 'signed by another' notary_signs other "$gun" v1 "$one" "$size" targets
tuf root "$gun" >"$user/other-root.json"
not_ok 'what it says of the tag is its own' trust verify "$gun:v1"
is 'and is remembered for itself' "$(ls "$state" | wc -l)" 2
done_testing
