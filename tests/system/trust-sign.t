#!/bin/sh
# A delegate's key on a token signs tags into repositories that Notary's and
# Docker's clients made, and takes them out again: those clients see it, what
# others signed stays, and who is no delegate, or comes with a tag that has
# moved, signs nothing.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
needs_notary || skip_all "$lacks"
notary_server 4443 || exit 1
registry 5000
soft_token P-256 me || exit 1
ok 'a certificate' touchstone keys certify me
certificate=$XDG_DATA_HOME/touchstone/keys/me.chain.pem
image one
one=$digest
size=$(wc -c <"$user/layout/one/blobs/sha256/${one#sha256:}")
gun=$registry/one
trust() {
	timeout 60 touchstone trust "$@" --server "$notary_url" \
	    --ca "$notary_ca" </dev/null
}
signatures() {
	grep -c '"stage":"signed"' "$(status_of .audit)"
}
move() {	# FROM TO: a tag
	skopeo --insecure-policy copy -q --preserve-digests \
	    --src-tls-verify=false --dest-tls-verify=false \
	    "docker://$registry/$1" "docker://$registry/$2"
}

# ---- who is none ----
before=$(signatures)
not_ok 'what has no trust data is not signed' trust sign "$gun:v1"
ok 'a repository is made' notary_as owner init -p "$gun"
ok 'whose snapshots the server signs' \
    notary_as owner key rotate "$gun" snapshot -r
not_ok 'who is no delegate does not sign' trust sign "$gun:v1"
like 'and is told what to do' "$tap_out" "no delegation of $gun lists the key"
is 'no key was used' "$(signatures)" "$before"

# ---- a delegate ----
ok 'the key becomes a delegate' notary_as owner delegation add -p "$gun" \
    targets/releases "$certificate" --all-paths
ok 'with a role of its own' notary_as owner delegation add -p "$gun" \
    targets/me "$certificate" --all-paths
snapshot=$(tuf_version snapshot "$gun")
ok 'it signs' trust sign "$gun:v1"
is 'twice' "$(signatures)" $((before + 2))
is 'in one post' "$(tuf_version snapshot "$gun")" $((snapshot + 1))
ok 'whoever comes sees it' notary_fresh lookup "$gun" v1
like 'for that digest and size' "$tap_out" "^v1 $one $size\$"
is 'for three years' "$(tuf targets/me "$gun" | jq -r '.signed.expires |
    fromdateiso8601 - now | . / 86400 | round')" 1095
ok 'ours too' trust verify "$gun:v1"
like 'by name' "$tap_out" 'by targets/releases.*signers: me'
is 'recorded' "$(touchstone audit show --json | jq -r \
    '[.records[] | select(.stage == "signed")][-2:] | .[].summary' \
    2>/dev/null | grep -c "tag v1 = $one in $gun by targets/")" 2
ok 'again' trust sign "$gun:v1"
like 'there is nothing to do' "$tap_out" 'is signed already'
is 'and no key was used' "$(signatures)" $((before + 2))
move one:v1 one:v2
is 'another tag, in JSON' "$(trust sign --json "$gun:v2" | jq -c \
    '[.tag, .digest, .changed, ([.roles[] | [.role, .version]] | sort)]')" \
    "[\"v2\",\"$one\",true,[[\"targets/me\",2],[\"targets/releases\",2]]]"
ok 'the first is still there' notary_fresh lookup "$gun" v1
not_ok 'a tag is needed' trust sign "$gun"
not_ok 'one that is there' trust sign "$gun:v9"

# ---- beside another ----
notary_delegate alice
ok 'another delegate' notary_as owner delegation add -p "$gun" \
    targets/releases "$user/alice.crt" --all-paths
ok 'with a role of her own' notary_as owner delegation add -p "$gun" \
    targets/alice "$user/alice.crt" --all-paths
ok 'signs' notary_signs alice "$gun" v3 "$one" "$size"
image two
two=$digest
move two:v1 one:v2
ok 'the tag that moved is signed anew' trust sign "$gun:v2"
ok 'it is the other image' notary_fresh lookup "$gun" v2
like 'now' "$tap_out" "^v2 $two "
ok "and hers stays" notary_fresh lookup "$gun" v3
ok 'she signs ours too' notary_signs alice "$gun" v2 "$two" "$size"
is 'which is told of both' "$(trust inspect --json "$gun" |
    jq -rc '.tags.v2.signers | sort')" '["alice","me"]'

# ---- taken back ----
ok 'a tag is revoked' trust revoke "$gun:v1"
not_ok 'nobody sees it' notary_fresh lookup "$gun" v1
not_ok 'nor do we' trust verify "$gun:v1"
ok 'the others stay' notary_fresh lookup "$gun" v2
not_ok 'what is not there cannot be revoked' trust revoke "$gun:v1"
like 'and is told' "$tap_out" 'has no tag v1'
ok "another's tag, from releases" trust revoke "$gun:v3"
is 'is gone there' "$(tuf targets/releases "$gun" |
    jq -r '.signed.targets | has("v3")')" false
is 'and stays in her own' "$(tuf targets/alice "$gun" |
    jq -r '.signed.targets | has("v3")')" true

# ---- beside other signatures ----
move one:v2 one:v4
ok 'an image is signed for cosign and in trust data' touchstone image sign \
    --sigstore --trust --server "$notary_url" --ca "$notary_ca" "$gun:v4"
like 'as is told' "$tap_out" 'trust at targets/releases'
like 'of both' "$tap_out" 'cosign at'
ok 'it is in trust data' notary_fresh lookup "$gun" v4
ok 'and has the other' touchstone image verify --key me "$gun:v4"
image four
ok 'in trust data alone' touchstone image sign --trust --server "$notary_url" \
    --ca "$notary_ca" --json "$gun:v4"
is 'there is nothing to add' "$(printf %s "$tap_out" |
    jq -c .signatures)" '[]'
not_ok 'where there is no trust data it fails' touchstone image sign \
    --sigstore --trust --server "$notary_url" --ca "$notary_ca" "$image"
not_ok 'and nothing is signed' touchstone image verify --key me "$image"

# ---- docker's ----
if ! needs_docker; then
	skip 'docker trust' "$lacks"
	done_testing
	exit
fi
image three
gun=$registry/three
touchstone keys export --pem me >"$user/me.pub"
ok 'docker makes a repository for a public key' docker_as owner trust \
    signer add --key "$user/me.pub" me "$gun"
ok 'that signs' trust sign "$image"
is 'docker shows it' "$(docker_fresh trust inspect "$gun" | jq -r \
    '.[0].SignedTags[] | "\(.SignedTag) \(.Digest) \(.Signers[])"')" \
    "v1 ${digest#sha256:} me"
is 'and a stranger' "$(docker_fresh trust inspect "$gun" | jq -r \
    '.[0].Signers[] | .Name')" me
ok 'it takes it back' trust revoke "$image"
is 'docker shows nothing' "$(docker_fresh trust inspect "$gun" | jq -r \
    '.[0].SignedTags | length')" 0
done_testing
