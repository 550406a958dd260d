#!/bin/sh
# Content trust, per call and per shell: what is told of a tag is what trust
# data has, or nothing; a signature by a key of one's own does not make up for
# it, nor it for that.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
needs_notary || skip_all "$lacks"
notary_server 4443 || exit 1
registry 5000
soft_token P-256 me || exit 1
image one
one=$digest
size=$(wc -c <"$user/layout/one/blobs/sha256/${one#sha256:}")
gun=$registry/one
mkdir -p "$HOME/.docker/tls/${notary_url#https://}"
cp "$notary_ca" "$HOME/.docker/tls/${notary_url#https://}/ca.crt"
export DOCKER_CONTENT_TRUST_SERVER="$notary_url"
ok 'an owner' notary_as owner init -p "$gun"
ok 'signs a tag' notary_signs owner "$gun" v1 "$one" "$size" targets
image two
two=$digest
skopeo --insecure-policy copy -q --preserve-digests --src-tls-verify=false \
    --dest-tls-verify=false "docker://$image" "docker://$gun:v1"
skopeo --insecure-policy copy -q --preserve-digests --src-tls-verify=false \
    --dest-tls-verify=false "docker://$image" "docker://$gun:free"

resolve() {
	touchstone image resolve "$@" 2>"$user/resolve.err"
}
verify() {
	touchstone image verify "$@"
}
is 'the registry tells what it has' "$(resolve "$gun:v1")" "$gun@$two"
is 'trust data what was signed' "$(resolve --content-trust "$gun:v1")" \
    "$gun@$one"
is 'and nothing of what was not' "$(resolve --content-trust "$gun:free")" ''
like 'which is told' "$(cat "$user/resolve.err")" 'has no tag free'
export TOUCHSTONE_CONTENT_TRUST=1
is 'the shell has it on' "$(resolve "$gun:v1")" "$gun@$one"
is 'a call off' "$(resolve --no-content-trust "$gun:v1")" "$gun@$two"
is 'the last word counts' \
    "$(resolve --no-content-trust --content-trust "$gun:v1")" "$gun@$one"
is 'in JSON' "$(resolve --json "$gun:v1" |
    jq -r '"\(.reference) \(.content_trust.role)"')" "$gun@$one targets"
is 'a digest by itself' "$(resolve "$gun@$one")" "$gun@$one"
is 'that nobody signed is none' "$(resolve "$gun@$two")" ''
is 'a tag with what was signed' "$(resolve "$gun:v1@$one")" "$gun@$one"
is 'not with what was not' "$(resolve "$gun:v1@$two")" ''
like 'which is told' "$(cat "$user/resolve.err")" "says that v1 is $one, not"
TOUCHSTONE_CONTENT_TRUST=0
is '0 is off' "$(resolve "$gun:v1")" "$gun@$two"
TOUCHSTONE_CONTENT_TRUST=1

# ---- verify ----
not_ok 'a tag that was moved is not verified' verify "$gun:v1"
ok 'the image that was meant is' verify "$gun@$one"
like 'by trust data' "$tap_out" 'by targets'
ok 'one signs the other image' touchstone image sign --key me "$gun:v1"
not_ok 'which does not make up for it' verify --key me "$gun:v1"
ok 'while it is off, it does' verify --no-content-trust --key me "$gun:v1"
not_ok 'the one that is meant lacks that' verify --key me "$gun@$one"
ok 'both are asked for and there' sh -c '
    touchstone image sign --key me "$1" &&
    touchstone image verify --key me "$1"' sh "$gun@$one"
is 'both are told' "$(verify --json --key me "$gun@$one" | jq -c \
    '[.verified, .content_trust.tag, .keys, .required]')" '[true,"v1",1,1]'
not_ok 'with neither nothing is' verify --no-content-trust "$gun:v1"
not_ok 'how many keys must have signed is not passed over' \
    verify --require 1 "$gun@$one"
not_ok 'an archive has no name' verify "oci:$user/layout/one:v1"
ok 'unless it gets one' verify --as "$gun:v1" "oci:$user/layout/one:v1"
not_ok 'which must be true' verify --as "$gun:v1" "oci:$user/layout/two:v1"
not_ok 'another root is refused' \
    resolve --trust-root "$notary_ca" "$gun:v1"
done_testing
