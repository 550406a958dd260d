#!/bin/sh
# What trust data says is signed again for cosign, notation and simple signing,
# and taken by them, and not before: of tags that Notary's client, Docker's and
# ours signed.  What trust data does not say, or says no more, is not signed;
# nor is anything signed twice.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
. "$src/tests/system/trust-peers.sh"
. "$src/tests/system/image-peers.sh"
needs_notary || skip_all "$lacks"
notary_server 4443 || exit 1
registry 5000
soft_token P-256 me || exit 1
ok 'another key' without_terminal touchstone keys generate --module soft \
    --name other --algorithm P-256 --user-id 'other <other@example.com>'
for name in me other; do
	key_files $name
	ok "a certificate, $name" touchstone keys certify $name
	of_notation $name
done
lookaside="--simple --lookaside $peers_lookaside"
mkdir -p "$peers_lookaside"
migrate() {
	trust migrate --key me "$@"
}
signatures() {
	grep -c '"stage":"signed"' "$(status_of .audit)"
}
# are N WHAT: so many signatures have been made since the last such question.
are() {
	are_now=$(signatures)
	is "$2" $((are_now - are_last)) "$1"
	are_last=$are_now
}
are_last=$(signatures)
point() {	# DIGEST TAG: of $repo
	there "$1" >"$user/m" && put_at "$2" "$user/m"
}
size() {	# DIGEST
	there "$1" | wc -c
}
# formats TAG: of $repo, by me, that count.
formats() {
	touchstone image verify --json --key me \
	    --lookaside "$peers_lookaside" "$repo:$1" 2>/dev/null |
	    jq -r '[.signatures[] | select(.verified) | .format] | sort |
	    join(" ")'
}
peers='cosign cosign_2 cosign_3_sig skopeo_new bundle cosign_3 sigstore_js
    simple skopeo podman jws notation'

# ---- a repository of Notary's, and of ours ----
four app
gun=$repo
not_ok 'where there is no trust data nothing is migrated' migrate "$gun"
like 'and that is said' "$tap_out" "no trust data of $gun"
ok 'an owner' notary_as owner init -p "$gun"
not_ok 'without a tag, neither' migrate "$gun"
like 'and that is said' "$tap_out" 'has no tags'
ok 'whose snapshots the server signs' \
    notary_as owner key rotate "$gun" snapshot -r
ok 'who signs a tag' notary_signs owner "$gun" good "$good" "$(size "$good")" \
    targets
for role in releases me; do
	ok "a delegate, in $role" notary_as owner delegation add -p "$gun" \
	    "targets/$role" "$XDG_DATA_HOME/touchstone/keys/me.chain.pem" \
	    --all-paths
done
other=$moved
point "$moved" other
ok 'who signs another, with touchstone' trust sign --key me "$gun:other"
point "$good" same
ok 'and one of the same image' trust sign --key me "$gun:same"
are 4 'in two roles each'

for peer in $peers; do
	if has_peer $peer; then
		not_ok "$peer refuses it" takes_$peer me good
	else
		skip "$peer" "$lacks"
	fi
done
ok 'what would be signed is told' migrate --dry-run $lookaside --sigstore \
    --notation "$gun"
like 'of each' "$tap_out" '3 tags: 9 signatures would be made'
is 'in JSON' "$(migrate -n --json "$gun" | jq -c '[.dry_run, .failed,
    ([.tags[] | [.tag, .role, .signatures[].format]] | sort)]')" \
    '[true,0,[["good","targets"],["other","targets/releases","cosign","bundle"],["same","targets/releases","cosign","bundle"]]]'
are 0 'and nothing is signed'
is 'nor anything there' "$(formats good)" ''

ok 'a tag by itself' migrate --sigstore "$gun:good"
are 2 'signed twice'
is 'for cosign' "$(formats good)" 'bundle cosign'
is 'and no other tag' "$(formats other)" ''
ok 'the repository' migrate $lookaside --sigstore --notation "$gun"
like 'in all formats' "$tap_out" '3 tags: 7 signatures, 0 had been signed'
are 7 'but for what was there'
is 'that is, all' "$(formats good)" 'bundle cosign notation-jws simple'
is 'of each tag' "$(formats other)" 'bundle cosign notation-jws simple'
is 'its name too' "$(formats same)" 'bundle cosign notation-jws simple'
is 'and not of what is not in trust data' "$(formats plain)" ''
ok 'again' migrate $lookaside --sigstore --notation "$gun"
like 'there is nothing to do' "$tap_out" \
    '3 tags: 0 signatures, 3 had been signed'
are 0 'and no key is used'
ok 'in another format' migrate --cose --sigstore "$gun:good"
are 1 'that one is made'
ok 'by another key' migrate --key other "$gun:other"
are 2 'there is'
not_ok 'a tag that trust data does not have' migrate "$gun:plain"
like 'is named' "$tap_out" 'has no tag plain'
are 0 'and not signed'
for peer in $peers; do
	if has_peer $peer; then
		ok "$peer takes it" takes_$peer me good
		not_ok "$peer: not by another key" takes_$peer other good
		not_ok "$peer: not what trust data does not have" \
		    takes_$peer me plain
	else
		skip "$peer" "$lacks"
	fi
done

# ---- where it came from ----
root=$(tuf root "$gun" | jq -r '.signed.roles.root.keyids[0]')
signer=$(tuf targets/releases "$gun" | jq -r '.signatures[0].keyid')
version=$(tuf_version targets/releases "$gun")
from="docker-content-trust targets/releases $version $signer $root"
is 'each signature tells' "$(touchstone image verify --json --key me \
    "$gun:other" | jq -r '.signatures[] | select(.verified) | .annotations |
    select(.) | [.["touchstone.migrated-from"], .["touchstone.trust-role"],
    .["touchstone.trust-version"], .["touchstone.trust-keys"],
    .["touchstone.trust-root"]] | join(" ")' | sort -u)" "$from"
like 'and the record of it' "$(touchstone audit show --json | jq -r \
    '[.records[] | select(.stage == "signed") | .summary |
    select(contains("migrated"))][-1]')" "^image $gun:other@$other, .*, with touchstone.migrated-from=docker-content-trust, with touchstone.trust-role=targets/releases,"
if needs_cosign 3; then
	ok 'cosign asks for it' takes_cosign_3_sig me other \
	    -a touchstone.migrated-from=docker-content-trust
	not_ok 'and refuses what is from elsewhere' takes_cosign_3_sig me \
	    other -a touchstone.migrated-from=elsewhere
else
	skip "cosign's annotations" "$lacks"
fi

# ---- partly ----
four part
gun=$repo other=$moved
ok 'another repository' notary_as owner init -p "$gun"
gone=sha256:$(printf gone | sha256sum | cut -c 1-64)
sign_as_owner() {	# TAG DIGEST SIZE
	notary_signs owner "$gun" "$1" "$2" "$3" targets
}
ok 'a tag' sign_as_owner good "$good" "$(size "$good")"
ok 'one that will move' sign_as_owner moved "$moved" "$(size "$moved")"
ok 'one whose tag will be taken away' sign_as_owner away "$tampered" \
    "$(size "$tampered")"
ok 'one that the registry does not have' sign_as_owner gone "$gone" 527
ok 'one of another size' sign_as_owner plain "$plain" 7
ok 'and one that is no tag' sign_as_owner 'no/tag' "$good" "$(size "$good")"
point "$plain" moved
not_ok 'not all is migrated' migrate $lookaside --sigstore "$gun"
like 'of what is missing it is told' "$tap_out" \
    "$gun:gone: the manifest $gone of $gun is not there"
like 'of another size' "$tap_out" "$gun:plain: the image is $plain .[0-9]* bytes., and .* .7 bytes"
like 'of what is no tag' "$tap_out" "$gun:no/tag: that is no tag"
like 'and of what has moved' "$tap_out" "$gun:moved: the registry has $plain"
like 'or is away' "$tap_out" "$gun:away: the registry has nothing"
like 'in numbers' "$tap_out" '6 tags: 9 signatures, .*2 moved, 3 failed'
like 'at last' "$tap_out" '3 of 6 could not be migrated'
are 9 'all else is signed'
is 'the first tag' "$(formats good)" 'bundle cosign simple'
is 'not what the tag is by now' "$(formats moved)" ''
moved=$plain
for peer in cosign_2 cosign_3 skopeo skopeo_new; do
	if has_peer $peer; then
		not_ok "$peer refuses that" takes_$peer me moved
	else
		skip "$peer" "$lacks"
	fi
done
ok 'but what trust data says it is' touchstone image verify --key me \
    "$gun@$other"
not_ok 'again' migrate $lookaside --sigstore --json "$gun"
is 'the same is told, and nothing lost' "$(touchstone trust migrate --key me \
    --server "$notary_url" --ca "$notary_ca" --json "$gun" 2>/dev/null |
    jq -c '[.failed, .moved, ([.tags[] | [.tag, .problem != null,
    .registry_digest]] | sort)]')" "[3,2,[[\"away\",false,null],[\"gone\",true,null],[\"good\",false,\"$good\"],[\"moved\",false,\"$plain\"],[\"no/tag\",true,null],[\"plain\",true,null]]]"
are 0 'nor anything signed'
ok 'a tag that has moved' migrate "$gun:moved"
not_ok 'may be a failure' migrate --strict "$gun:moved"
not_ok 'one repository of two is not there' migrate --cose "$registry/none" \
    "$gun:good"
like 'as is told' "$tap_out" "$registry/none: .*no trust data"
are 1 'the other is migrated'
not_ok 'a key that is not ours' trust migrate --key nobodys "$gun"
not_ok 'no repository' migrate

# ---- an agent that signs no more ----
four stop
gun=$repo
ok 'two tags' notary_as owner init -p "$gun"
ok 'of one image' sign_as_owner good "$good" "$(size "$good")"
ok 'and another' sign_as_owner moved "$moved" "$(size "$moved")"
mv "$config/modules.d/soft.conf" "$user/soft.conf"
touchstone reload >/dev/null
not_ok 'without the token' migrate "$gun"
like 'it ends at the first' "$tap_out" 'goes on where it ended'
mv "$user/soft.conf" "$config/modules.d/soft.conf"
touchstone reload >/dev/null
are 0 'nothing is signed'
cat "$config/config" >"$user/config" 2>/dev/null
pinentry_setup
echo 'keys = ( { key = "me"; confirm = true; } );' >>"$config/config"
touchstone reload >/dev/null
pinentry confirm confirm refuse
not_ok 'the user refuses the second' env DISPLAY=:99 touchstone trust \
    migrate --key me --server "$notary_url" --ca "$notary_ca" "$gun"
like 'and is asked no more' "$tap_out" 'goes on where it ended'
is 'than three times' "$(pinentry_log | grep -c '^CONFIRM')" 3
like 'of where it is from' "$(pinentry_log | grep '^SETDESC')" \
    'with touchstone.migrated-from=docker-content-trust'
are 2 'the first is signed'
cp "$user/config" "$config/config"
touchstone reload >/dev/null
ok 'without that' migrate "$gun"
are 2 'the second is, and the first not again'

"$tool" get "$image" "$(tag_of "$good")" | jq -c '.manifests = []' >"$user/m"
put_at "$(tag_of "$good")" "$user/m"
is 'what was broken off half way' "$(formats good)" cosign
ok 'is finished' migrate "$gun"
are 1 'with what is missing'
is 'and whole' "$(formats good)" 'bundle cosign'
ok "the owner's third" sign_as_owner tampered "$tampered" \
    "$(size "$tampered")"
ok 'is signed under another name' touchstone image sign --key me \
    --as "$registry/elsewhere:v1" "$gun:tampered"
are_last=$(signatures)
if needs_skopeo_new; then
	not_ok 'which skopeo refuses here' takes_skopeo_new me tampered
fi
ok 'it is migrated' migrate "$gun"
are 1 'in the format that has names'
if needs_skopeo_new; then
	ok 'and skopeo takes it' takes_skopeo_new me tampered
else
	skip 'skopeo and names' "$lacks"
fi
ok 'again' migrate "$gun"
are 0 'that was all'

# ---- an index ----
one=$good
there "$one" >"$user/one"
jq -nc --arg d "$one" --argjson s "$(wc -c <"$user/one")" \
    --arg t "$(jq -r .mediaType "$user/one")" '{schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
    {mediaType: $t, digest: $d, size: $s, platform: {os: "linux",
    architecture: "amd64"}}]}' >"$user/index.json"
put_at multi "$user/index.json"
multi=sha256:$(sha256sum "$user/index.json" | cut -c 1-64)
ok 'an index' sign_as_owner multi "$multi" "$(wc -c <"$user/index.json")"
ok 'is migrated' migrate $lookaside "$gun:multi"
are 1 'alone'
ok 'or with its images' migrate $lookaside -r "$gun:multi"
are 1 'which were missing'

# ---- trust data that does not count ----
hostile_notary 127.0.0.1 6443 "$plain" "$(size "$plain")" || exit 1
state=$XDG_STATE_HOME/touchstone/trust
ok 'what is sound' migrate --dry-run "$gun"
cp -R "$state" "$user/kept"
for name in releases-expired targets-expired timestamp-expired \
    snapshot-expired root-expired releases-back targets-back timestamp-back \
    releases-forged targets-forged mix-targets root-rotated-evil; do
	attack $name
	not_ok "$name: is not migrated" migrate "$gun"
	case $name in
	*-expired) like 'by name' "$tap_out" "$gun: .*expired:" ;;
	*-back) like 'by name' "$tap_out" "$gun: .*rollback:" ;;
	esac
	not_ok "$name: nor is a tag" migrate --notation "$gun:v1"
	rm -rf "$state"
	cp -R "$user/kept" "$state"
done
are 0 'and no key was used'
is 'nor anything signed' "$(formats plain)" ''
attack sound
ok 'what is sound is' migrate "$gun"
are 2 'once for both its tags'
is 'after all' "$(formats plain)" 'bundle cosign'

# ---- a repository of Docker's ----
notary_url=https://127.0.0.1:4443
notary_ca=$user/tls/notary/ca.pem
if ! needs_docker; then
	skip 'docker trust' "$lacks"
	done_testing
	exit
fi
four docker
gun=$repo image=$repo:good
ok 'docker makes one' docker_as owner trust signer add --key "$user/me.pub" \
    me "$gun"
ok 'which is signed into' trust sign --key me "$gun:good"
like 'as docker shows' "$(signed_as "$gun")" "^good ${good#sha256:} me"
for peer in $peers; do
	if has_peer $peer; then
		not_ok "$peer refuses it, docker's" takes_$peer me good
	else
		skip "$peer" "$lacks"
	fi
done
ok 'is migrated' migrate $lookaside --sigstore --notation --cose "$gun"
for peer in $peers; do
	if has_peer $peer; then
		ok "$peer takes it, docker's" takes_$peer me good
	else
		skip "$peer" "$lacks"
	fi
done
ok 'revoked in trust data' trust revoke --key me "$gun:good"
not_ok 'it is not migrated' migrate --key other "$gun"
done_testing
